//! A file on its way past: what is noted of it, and how that is written down.

use super::{
    Hit, LARGEST, Named, Seen,
    credentials::{self, Credential},
    patterns::{Certainty, PATTERNS},
    places::depth,
    search::search,
    shadow::{self, WeakAccount},
};
use plimsoll_model::{TreePath, tree::Condense};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// How much of a file tells whether it is text.
const HEAD: usize = 1_024;

/// Looks at a file.
pub(super) fn begin(path: &TreePath, size: u64) -> Option<Box<dyn Condense>> {
    (size > 0).then(|| {
        let named = credentials::named(path);
        let look = Look { path: path.clone(), size, named, bytes: Vec::new() };
        let look: Box<dyn Condense> = Box::new(look);
        look
    })
}

struct Look {
    path: TreePath,
    size: u64,
    named: Named,
    bytes: Vec<u8>,
}

/// What is written down of a file. It holds nothing of a value.
#[derive(Serialize, Deserialize)]
enum Written {
    Content { hits: Vec<WrittenHit>, credential: Option<String>, accounts: Vec<WeakAccount> },
    TooLarge(u64, Named),
}

#[derive(Serialize, Deserialize)]
struct WrittenHit {
    pattern: String,
    line: u32,
    offset: usize,
    length: usize,
    masked: String,
}

impl Look {
    fn is_over_limit(&self) -> bool {
        self.size > LARGEST
    }

    fn head_is_whole(&self) -> bool {
        self.bytes.len() >= HEAD
    }

    fn is_text(&self) -> bool {
        let head = self.bytes.get(..HEAD.min(self.bytes.len())).unwrap_or_default();
        is_utf16(head) || !head.contains(&0)
    }

    fn note(self) -> Option<Written> {
        if self.is_over_limit() {
            let is_said = self.named == Named::Credential || self.is_text();
            return is_said.then_some(Written::TooLarge(self.size, self.named));
        }
        let credential = credentials::of_binary(&self.path, &self.bytes);
        if !self.is_text() && credential.is_none() {
            return None;
        }
        let mut bytes = self.bytes;
        if is_utf16(&bytes) {
            // ASCII in UTF-16 is itself with zeros between.
            bytes.retain(|byte| *byte != 0);
        }
        let hits =
            if credential.is_some() { Vec::new() } else { search(&bytes, depth(&self.path)) };
        let credential = credential.or_else(|| credentials::of_text(&self.path, &bytes, &hits));
        let accounts = shadow::read(&self.path, &bytes);
        if hits.is_empty() && credential.is_none() && accounts.is_empty() {
            return None;
        }
        let hits = hits.into_iter().map(|hit| {
            let Hit { pattern, line, offset, length, masked, .. } = hit;
            WrittenHit { pattern: pattern.to_owned(), line, offset, length, masked }
        });
        let credential = credential.map(|credential| credential.id.to_owned());
        Some(Written::Content { hits: hits.collect(), credential, accounts })
    }
}

impl Condense for Look {
    fn take(&mut self, piece: &[u8]) -> ControlFlow<()> {
        self.bytes.extend_from_slice(piece);
        let is_wanted = self.is_text() || self.named == Named::Credential;
        if self.head_is_whole() && (self.is_over_limit() || !is_wanted) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn finish(self: Box<Self>) -> Option<Vec<u8>> {
        serde_json::to_vec(&self.note()?).ok()
    }
}

fn is_utf16(head: &[u8]) -> bool {
    head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff])
}

/// What was written down.
pub(super) fn read(bytes: &[u8]) -> Seen {
    restore(bytes).unwrap_or(Seen::Unreadable)
}

fn restore(bytes: &[u8]) -> Option<Seen> {
    let (hits, credential, accounts) = match serde_json::from_slice(bytes).ok()? {
        Written::TooLarge(size, named) => return Some(Seen::TooLarge { size, named }),
        Written::Content { hits, credential, accounts } => (hits, credential, accounts),
    };
    let hit = |written: WrittenHit| {
        let pattern = PATTERNS.iter().find(|known| known.id == written.pattern)?;
        let WrittenHit { line, offset, length, masked, .. } = written;
        let certainty: Certainty = pattern.certainty;
        Some(Hit { pattern: pattern.id, line, offset, length, masked, certainty })
    };
    let hits = hits.into_iter().map(hit).collect::<Option<_>>()?;
    let credential = match credential {
        Some(id) => Some(Credential::find(&id)?),
        None => None,
    };
    Some(Seen::Content { hits, credential, accounts })
}
