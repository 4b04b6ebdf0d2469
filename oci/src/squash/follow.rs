//! Where a path leads.

use super::trie::{Naming, Node, NodeId, NodeKind, ROOT, Trie};

/// Whether a link in the place of a path's last component is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    Followed,
    Stays,
}

/// Where a path leads.
#[derive(Debug)]
pub(super) struct Landing<'a> {
    /// The last that is there on the way.
    pub(super) at: NodeId,
    /// The names below it that are not there.
    pub(super) missing: Vec<&'a [u8]>,
    /// Whether links have led there.
    pub(super) naming: Naming,
}

impl Landing<'_> {
    /// The path without links.
    pub(super) fn path(&self, trie: &Trie) -> Vec<u8> {
        let mut path = trie.path(self.at);
        for name in &self.missing {
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(name);
        }
        path
    }
}

/// The most components of link targets that are walked through for one path: forty links of Linux' longest would take
/// as long as reading the layer.
const TARGETS: usize = 1_024;

/// Where `path` leads, never out of the root; `None` after too many links.
///
/// What is not there is taken for a directory, so that something can be put there.
pub(super) fn follow<'a>(
    trie: &'a Trie,
    path: &'a [u8],
    last: Last,
    limit: usize,
) -> Option<Landing<'a>> {
    // What is still to be walked, last component first.
    let mut ahead: Vec<&[u8]> = parts(path).collect();
    let mut landing = Landing { at: ROOT, missing: Vec::new(), naming: Naming::AsSpelled };
    let (mut links, mut walked) = (0_usize, 0_usize);
    while let Some(part) = ahead.pop() {
        match part {
            b"" | b"." => continue,
            b".." => {
                if landing.missing.pop().is_none() {
                    landing.at = trie.parent(landing.at);
                }
                continue;
            }
            _ => {}
        }
        let there = trie.child(landing.at, part).filter(|_| landing.missing.is_empty());
        let Some(child) = there else {
            landing.missing.push(part);
            continue;
        };
        let is_end = ahead.is_empty() && last == Last::Stays;
        match trie.node(child) {
            Some(Node { kind: NodeKind::Symlink(target), .. }) if !is_end => {
                links = links.saturating_add(1);
                landing.naming = Naming::Otherwise;
                let target = trie.text(*target);
                let before = ahead.len();
                ahead.extend(parts(target));
                walked = walked.saturating_add(ahead.len().saturating_sub(before));
                if links > limit || walked > TARGETS {
                    return None;
                }
                if target.starts_with(b"/") {
                    landing.at = ROOT;
                }
            }
            _ => landing.at = child,
        }
    }
    Some(landing)
}

/// The components of a path, last first.
fn parts(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.rsplit(|byte| *byte == b'/')
}
