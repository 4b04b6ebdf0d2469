//! Signed notes of what a log holds.
//!
//! <https://github.com/C2SP/C2SP/blob/main/tlog-checkpoint.md>, <https://github.com/C2SP/C2SP/blob/main/signed-note.md>

use super::{
    keys::{Key, sha256},
    merkle,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// A log: its leaves, and who vouches for them.
pub(super) struct Log {
    /// The key.
    pub(super) key: Key,
    /// Its host, by which notes and trust roots name it.
    pub(super) host: String,
    /// The first line of its notes.
    pub(super) origin: String,
    /// The bodies of its entries, in order.
    pub(super) bodies: Vec<Vec<u8>>,
}

/// That an entry is in the log.
pub(super) struct Proof {
    pub(super) index: usize,
    pub(super) size: usize,
    pub(super) root: [u8; 32],
    pub(super) path: Vec<[u8; 32]>,
    pub(super) checkpoint: String,
}

impl Log {
    /// An empty log.
    pub(super) fn new(key: Key, host: &str, origin: String) -> Self {
        Self { key, host: host.to_owned(), origin, bodies: Vec::new() }
    }

    /// How notes and trust roots know its key: a key of Ed25519 by the signed-note way, others by their digest.
    pub(super) fn key_id(&self) -> [u8; 32] {
        if self.key.details() == "PKIX_ED25519" {
            sha256(&[self.origin.as_bytes(), b"\n\x01", self.key.raw()].concat())
        } else {
            self.key.id()
        }
    }

    /// That an entry is in the log as it is now, vouched for by `key`.
    pub(super) fn prove(&self, index: usize, key: &Key) -> Proof {
        let leaves: Vec<_> = self.bodies.iter().map(|body| merkle::leaf(body)).collect();
        let root = merkle::root(&leaves);
        let note = format!("{}\n{}\n{}\n", self.origin, leaves.len(), STANDARD.encode(root));
        let signature = [&self.key_id()[..4], &key.sign(note.as_bytes())].concat();
        Proof {
            index,
            size: leaves.len(),
            root,
            path: merkle::path(index, &leaves),
            checkpoint: format!("{note}\n— {} {}\n", self.host, STANDARD.encode(signature)),
        }
    }
}
