//! The tree of a log (RFC 9162 §2.1).

use super::keys::sha256;

/// Hash of a leaf.
pub(super) fn leaf(body: &[u8]) -> [u8; 32] {
    sha256(&[&[0], body].concat())
}

fn node(left: [u8; 32], right: [u8; 32]) -> [u8; 32] {
    sha256(&[&[1], &left[..], &right[..]].concat())
}

/// Where a tree of so many leaves is divided: the largest power of two that is smaller.
fn middle(leaves: usize) -> usize {
    leaves.next_power_of_two() / 2
}

/// Root over leaves, of which there is at least one.
pub(super) fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
    if let [only] = leaves {
        return *only;
    }
    let (left, right) = leaves.split_at(middle(leaves.len()));
    node(root(left), root(right))
}

/// The hashes that lead from a leaf to the root.
pub(super) fn path(index: usize, leaves: &[[u8; 32]]) -> Vec<[u8; 32]> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(middle(leaves.len()));
    let (mut path, sibling) = match index.checked_sub(left.len()) {
        None => (path(index, left), root(right)),
        Some(index) => (path(index, right), root(left)),
    };
    path.push(sibling);
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_the_root() {
        let leaves: Vec<_> = (0_u8..11).map(|number| leaf(&[number])).collect();
        for size in 1..=leaves.len() {
            for index in 0..size {
                let (mut at, mut last, mut hash) = (index, size - 1, leaves[index]);
                for sibling in path(index, &leaves[..size]) {
                    while at % 2 == 0 && at == last {
                        (at, last) = (at / 2, last / 2);
                    }
                    hash = if at % 2 == 1 { node(sibling, hash) } else { node(hash, sibling) };
                    (at, last) = (at / 2, last / 2);
                }
                assert_eq!(hash, root(&leaves[..size]), "{index} of {size}");
            }
        }
    }
}
