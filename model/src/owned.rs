//! Files that packages have put into a subject, and what became of them.

use crate::{
    component::Hash,
    inventory::Unknown,
    tree::{LayerIndex, TreePath},
};
use std::collections::{BTreeMap, BTreeSet};

/// What the databases of packages say of the files of a subject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnedFiles {
    /// Every file and every symbolic link in place of one that a package has, under its real path.
    pub paths: BTreeSet<TreePath>,
    /// Files of packages that a later layer than the package's brought, and of which it is not known that they are still the
    /// package's; in path order.
    pub later: Vec<LaterFile>,
    /// What of the databases could not be read: which files packages have is not known then.
    pub unread: Vec<Unknown>,
}

/// A file of a package that a later layer than the package's brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaterFile {
    /// The name of the package.
    pub package: String,
    /// The file, under its real path.
    pub path: TreePath,
    /// The layer that brought it.
    pub layer: LayerIndex,
    /// What is known of its content.
    pub content: LaterContent,
}

/// Whether a file is still what its package installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LaterContent {
    /// It is, if its content has one of these hashes, which are of one algorithm. There is at least one.
    Expected(Vec<Hash>),
    /// It is not.
    Changed {
        /// What the database says.
        expected: String,
        /// What is there.
        found: String,
    },
    /// It can not be told: a sentence without a final period.
    Untold(String),
}

impl OwnedFiles {
    /// The hashes that [`OwnedFiles::compare`] needs.
    pub fn to_hash(&self) -> impl Iterator<Item = (&TreePath, &Hash)> {
        self.later.iter().filter_map(|file| match &file.content {
            LaterContent::Expected(hashes) => Some((&file.path, hashes.first()?)),
            LaterContent::Changed { .. } | LaterContent::Untold(_) => None,
        })
    }

    /// Compares what was expected with what the files were found to be, in lower-case hexadecimal. Files that are what they
    /// were are later files no more; those of which nothing was found can not be told.
    pub fn compare(&mut self, found: &BTreeMap<TreePath, String>) {
        self.later.retain_mut(|file| {
            let LaterContent::Expected(expected) = &file.content else { return true };
            let content = match (found.get(&file.path), expected.first()) {
                (Some(found), _) if expected.iter().any(|hash| hash.hex == *found) => return false,
                (Some(found), Some(first)) => {
                    let found = Hash { hex: found.clone(), ..first.clone() }.to_string();
                    LaterContent::Changed { expected: first.to_string(), found }
                }
                (None, _) | (_, None) => {
                    LaterContent::Untold("its content could not be hashed".to_owned())
                }
            };
            file.content = content;
            true
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::HashAlgorithm;

    fn later(path: &str, content: LaterContent) -> LaterFile {
        LaterFile {
            package: "a".to_owned(),
            path: TreePath::parse(path.as_bytes()).unwrap(),
            layer: LayerIndex(1),
            content,
        }
    }

    #[test]
    fn what_is_as_it_was_is_no_finding_and_what_was_not_hashed_can_not_be_told() {
        let expected = |hexes: &[&str]| {
            let hash = |hex: &&str| Hash { algorithm: HashAlgorithm::Md5, hex: (*hex).to_owned() };
            LaterContent::Expected(hexes.iter().map(hash).collect())
        };
        let untold = LaterContent::Untold("x".to_owned());
        let mut owned = OwnedFiles {
            later: vec![
                later("changed", expected(&["00", "01"])),
                later("lost", expected(&["00"])),
                later("same", expected(&["00", "0a"])),
                later("untold", untold.clone()),
            ],
            ..OwnedFiles::default()
        };
        let wanted: Vec<_> = owned.to_hash().map(|(path, _)| path.to_string()).collect();
        assert_eq!(wanted, ["/changed", "/lost", "/same"]);
        let found = [("changed", "0b"), ("same", "0a"), ("untold", "0a")];
        let found =
            found.map(|(path, hex)| (TreePath::parse(path.as_bytes()).unwrap(), hex.to_owned()));
        owned.compare(&found.into());
        let changed =
            LaterContent::Changed { expected: "MD5 00".to_owned(), found: "MD5 0b".to_owned() };
        let lost = LaterContent::Untold("its content could not be hashed".to_owned());
        let expect = [later("changed", changed), later("lost", lost), later("untold", untold)];
        assert_eq!(owned.later, expect);
        assert_eq!(owned.to_hash().count(), 0);
    }
}
