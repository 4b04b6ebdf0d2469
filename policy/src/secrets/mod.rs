//! Secrets in the files of an image: in every layer, also those that a higher layer removes.
//!
//! No value leaves this module: what is found is said by its pattern, its place and its length, and no more of it is
//! held than the prefix that every token of its kind begins with.

mod credentials;
mod look;
mod names;
mod patterns;
mod places;
mod plausible;
mod redact;
mod search;
mod shadow;
mod shape;

pub use credentials::Credential;
pub use patterns::{Certainty, PATTERNS, Pattern};
pub use redact::redact;
pub use search::{Depth, Hit, search};
pub use shadow::{Password, WeakAccount};

pub(crate) use names::is_named_secret;
pub(crate) use patterns::{PRIVATE_KEY, URL};
pub(crate) use places::{is_of_package, is_of_tests};
pub(crate) use redact::{build_arguments, is_secret_pair, redact_step};

use credentials::is_literal;
use plimsoll_model::{
    Digest, Tree, TreePath,
    tree::{Condense, EntryKind, Note},
};
use std::sync::LazyLock;

/// The largest file that is looked at (8 MiB). A larger one that is text, or is called like a credential, is said to be
/// not looked at.
pub const LARGEST: u64 = 8 << 20;

/// What the layers of an image hold that nobody should see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Secrets {
    /// Files of which something is to be said, lowest layer first.
    pub files: Vec<SecretFile>,
    /// That the accounts' passwords can not be told, and why.
    pub shadow_untold: Option<String>,
}

/// One file of one layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFile {
    /// Its path: where it still is, else as its layer spells it.
    pub path: TreePath,
    /// Digest of the layer as stored.
    pub layer: Option<Digest>,
    /// diffID of the layer.
    pub diff_id: Option<Digest>,
    /// Whether a container sees it.
    pub state: State,
    /// What is in it.
    pub seen: Seen,
}

/// Whether a file is still there after all layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is.
    Remains,
    /// A higher layer replaces or removes it, and whoever has the image has it all the same.
    Removed,
}

/// What was seen of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// It was looked at.
    Content {
        /// What looks like a secret.
        hits: Vec<Hit>,
        /// The kind of credential that all of it is.
        credential: Option<Credential>,
        /// Accounts whose password is none, or weak.
        accounts: Vec<WeakAccount>,
    },
    /// It is larger than is looked at, and is text or is called like a credential.
    TooLarge {
        /// Its bytes.
        size: u64,
        /// Whether it is called like a credential.
        named: Named,
    },
    /// What was noted of it can not be read.
    Unreadable,
}

/// Whether the name of a file is one of credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Named {
    /// It is.
    Credential,
    /// It says nothing.
    Otherwise,
}

/// A name for all that is looked for: another where anything of it is another.
static ID: LazyLock<String> = LazyLock::new(|| {
    let sources = [
        include_str!("mod.rs"),
        include_str!("credentials.rs"),
        include_str!("look.rs"),
        include_str!("names.rs"),
        include_str!("patterns.rs"),
        include_str!("plausible.rs"),
        include_str!("places.rs"),
        include_str!("redact.rs"),
        include_str!("search.rs"),
        include_str!("shadow.rs"),
        include_str!("shape.rs"),
    ];
    Digest::of(sources.concat().as_bytes()).hex()
});

impl Secrets {
    /// A name for all that [`Self::look`] looks for, for what is kept of it.
    pub fn id() -> &'static str {
        &ID
    }

    /// Looks at a file of a layer as it passes by; `None` where there is nothing to see.
    pub fn look(path: &TreePath, size: u64) -> Option<Box<dyn Condense>> {
        look::begin(path, size)
    }

    /// What is seen of a file with this content.
    #[cfg(test)]
    pub(crate) fn seen(path: &TreePath, bytes: &[u8]) -> Option<Seen> {
        let mut look = Self::look(path, u64::try_from(bytes.len()).unwrap_or(u64::MAX))?;
        if bytes.chunks(700).any(|piece| look.take(piece).is_break()) {
            // There is no more that it wants.
        }
        look.finish().map(|note| look::read(&note))
    }

    /// What the notes of all layers come to.
    pub fn of(notes: &[Note], tree: &dyn Tree) -> Self {
        let files = notes.iter().map(|note| {
            let layer = usize::try_from(note.layer.0).ok().and_then(|at| tree.layers().get(at));
            SecretFile {
                path: note.remains.as_ref().unwrap_or(&note.path).clone(),
                layer: layer.map(|layer| layer.digest),
                diff_id: layer.map(|layer| layer.diff_id),
                state: if note.remains.is_some() { State::Remains } else { State::Removed },
                seen: look::read(&note.bytes),
            }
        });
        Self { files: files.collect(), shadow_untold: shadow_untold(tree) }
    }
}

/// Accounts behind a link are looked for by no runtime of ours, and by every program in the container.
fn shadow_untold(tree: &dyn Tree) -> Option<String> {
    let entry = tree.entry(&TreePath::parse(shadow::SHADOW).ok()?)?;
    let is_link = matches!(entry.kind, EntryKind::Symlink(_));
    is_link.then(|| "/etc/shadow is a symbolic link, which is not followed".to_owned())
}

#[cfg(test)]
pub(crate) mod tests;
