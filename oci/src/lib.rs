//! Images: where they are read, how their layers become a tree, how they are copied.
//!
//! No byte leaves this crate that was not hashed on its way and found to be what its digest promised.

pub mod archive;
pub mod auth;
pub mod cache;
pub mod copy;
pub mod daemon;
pub mod directory;
mod error;
#[cfg(test)]
#[cfg(feature = "testing")]
mod fixture;
pub mod image;
mod kept;
pub mod layer;
pub mod layout;
mod local;
pub mod manifest;
mod packed;
pub mod registry;
pub mod source;
pub mod squash;
pub mod store;
mod stream;
mod tarball;
#[cfg(feature = "testing")]
pub mod testing;

pub use cache::LayerCache;
pub use daemon::DockerDaemon;
pub use directory::DirectoryTree;
pub use error::{Attempt, Error, Reason};
pub use image::{open_image, read_tree};
pub use source::Source;
pub use squash::LayeredTree;
pub use store::Store;
pub use stream::ByteStream;
pub use tarball::TarFlaw;
