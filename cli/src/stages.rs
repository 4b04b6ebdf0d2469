//! The pipeline, one stage a file. What a stage hands on can be made by that stage alone.

pub(crate) mod aboard;
pub(crate) mod advise;
pub(crate) mod advisories;
pub(crate) mod attest;
pub(crate) mod decide;
pub(crate) mod dependencies;
pub(crate) mod evidence_file;
pub(crate) mod flags;
pub(crate) mod images;
pub(crate) mod index;
pub(crate) mod inventory;
pub(crate) mod junit;
pub(crate) mod keys;
pub(crate) mod look;
pub(crate) mod places;
pub(crate) mod promote;
pub(crate) mod publisher;
pub(crate) mod receipts;
pub(crate) mod record;
pub(crate) mod resolve;
pub(crate) mod since;
pub(crate) mod stated;
pub(crate) mod trust;
pub(crate) mod verify;
pub(crate) mod vex;
pub(crate) mod view;
