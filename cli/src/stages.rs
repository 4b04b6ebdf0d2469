//! The pipeline, one stage a file. What a stage hands on can be made by that stage alone.

pub mod attest;
pub mod decide;
pub mod index;
pub mod inventory;
pub mod keys;
pub mod promote;
pub mod record;
pub mod resolve;
pub mod verify;
