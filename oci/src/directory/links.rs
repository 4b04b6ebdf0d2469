//! Where a path leads, by the links that were listed.

use super::walk::Listing;
use plimsoll_model::tree::{EntryKind, TreeError};

/// The most components of link targets that are walked through for one path: forty links of Linux' longest would take
/// longer than listing the directory.
const TARGETS: usize = 1_024;

/// The path without symbolic links that `path` leads to, with at most `limit` links followed. The root of the tree is the
/// root of its links, and nothing lies above it.
///
/// # Errors
/// [`TreeError::TooManyLinks`].
pub(super) fn follow(listing: &Listing, path: &[u8], limit: usize) -> Result<Vec<u8>, TreeError> {
    // What is still to be walked, last component first.
    let mut ahead: Vec<&[u8]> = path.rsplit(|byte| *byte == b'/').collect();
    let mut at: Vec<u8> = Vec::with_capacity(path.len());
    let (mut links, mut walked) = (0_usize, 0_usize);
    while let Some(part) = ahead.pop() {
        match part {
            b"" | b"." => continue,
            b".." => {
                at.truncate(at.iter().rposition(|byte| *byte == b'/').unwrap_or(0));
                continue;
            }
            _ => {}
        }
        let parent = at.len();
        if !at.is_empty() {
            at.push(b'/');
        }
        at.extend_from_slice(part);
        let link = listing.find(&at).and_then(|record| listing.link(record));
        if let Some(EntryKind::Symlink(target)) = link {
            let count = ahead.len();
            ahead.extend(target.rsplit(|byte| *byte == b'/'));
            links = links.saturating_add(1);
            walked = walked.saturating_add(ahead.len().saturating_sub(count));
            if links > limit || walked > TARGETS {
                return Err(TreeError::TooManyLinks);
            }
            at.truncate(if target.starts_with(b"/") { 0 } else { parent });
        }
    }
    Ok(at)
}
