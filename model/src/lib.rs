//! Words and values of Plimsoll.
//!
//! Nothing in this crate does I/O, reads a clock or an environment, is asynchronous, or knows a wire format:
//! the other crates speak to each other in these types and in nothing else.

pub mod advisory;
pub mod class;
pub mod component;
pub mod difference;
pub mod digest;
pub mod evidence;
pub mod finding;
pub mod identity;
pub mod image;
pub mod inventory;
pub mod limits;
pub mod owned;
pub mod pattern;
pub mod platform;
pub mod printable;
pub mod purl;
pub mod reference;
pub mod registry;
pub mod risk;
pub mod scan;
pub mod severity;
pub mod tree;
pub mod unambiguous;

pub use class::{Class, Classify};
pub use digest::Digest;
pub use finding::Finding;
pub use inventory::Inventory;
pub use limits::Limits;
pub use pattern::Pattern;
pub use printable::Printable;
pub use purl::Purl;
pub use reference::{Pinned, Reference};
pub use severity::Severity;
pub use tree::{Tree, TreePath};
pub use unambiguous::Unambiguous;
