//! Who signs: the holder of a key, which is kept in a file.

mod key;
mod key_file;

pub(crate) use key::kind_in_der;
pub use key::{KeyKind, KeySigner, PrivatePem};
pub use key_file::{create_key_file, load_key_file};
