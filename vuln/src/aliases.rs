//! Which ids name the same flaw.
//!
//! <https://ossf.github.io/osv-schema/#aliases-field>: aliases hold in both directions and through others.

use std::collections::{BTreeMap, BTreeSet};

/// The largest set of ids of one flaw that is spelled out with every record. No honest flaw has more; past it, a record
/// keeps the aliases that it states itself.
const LARGEST: usize = 64;

/// Sets of ids that name the same flaw.
#[derive(Debug, Default)]
pub(crate) struct Aliases {
    number: BTreeMap<String, usize>,
    /// The set that each id was merged into; a root is its own.
    parent: Vec<usize>,
    members: BTreeMap<usize, BTreeSet<String>>,
}

impl Aliases {
    /// Learns that all these ids name one flaw.
    pub(crate) fn join(&mut self, ids: &[&str]) {
        let [first, ids @ ..] = ids else { return };
        let first = self.number(first);
        for id in ids {
            let other = self.number(id);
            self.merge(first, other);
        }
    }

    /// All ids of the flaw that `id` names, itself included.
    pub(crate) fn of(&self, id: &str) -> BTreeSet<&str> {
        let set = self.number.get(id).and_then(|number| self.members.get(&self.root(*number)));
        match set {
            Some(set) if set.len() <= LARGEST => set.iter().map(String::as_str).collect(),
            _ => self.number.get_key_value(id).map(|(id, _)| id.as_str()).into_iter().collect(),
        }
    }

    fn number(&mut self, id: &str) -> usize {
        if let Some(number) = self.number.get(id) {
            return *number;
        }
        let number = self.parent.len();
        self.parent.push(number);
        self.number.insert(id.to_owned(), number);
        self.members.insert(number, BTreeSet::from([id.to_owned()]));
        number
    }

    fn root(&self, mut number: usize) -> usize {
        while let Some(parent) = self.parent.get(number).filter(|parent| **parent != number) {
            number = *parent;
        }
        number
    }

    /// The smaller set goes into the larger one, which keeps the way to a root short.
    fn merge(&mut self, left: usize, right: usize) {
        let (left, right) = (self.root(left), self.root(right));
        let size = |root| self.members.get(root).map_or(0, BTreeSet::len);
        if left == right {
            return;
        }
        let (small, large) = if size(&left) < size(&right) { (left, right) } else { (right, left) };
        if let Some(parent) = self.parent.get_mut(small) {
            *parent = large;
        }
        let moved = self.members.remove(&small).unwrap_or_default();
        self.members.entry(large).or_default().extend(moved);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_hold_both_ways_and_through_others() {
        let mut aliases = Aliases::default();
        aliases.join(&["GHSA-1", "CVE-1"]);
        aliases.join(&["PYSEC-1", "GHSA-1"]);
        aliases.join(&["OTHER"]);
        for id in ["GHSA-1", "CVE-1", "PYSEC-1"] {
            assert_eq!(aliases.of(id), BTreeSet::from(["GHSA-1", "CVE-1", "PYSEC-1"]), "{id}");
        }
        assert_eq!(aliases.of("OTHER"), BTreeSet::from(["OTHER"]));
        assert_eq!(aliases.of("NEVER-SEEN"), BTreeSet::new());
    }

    #[test]
    fn a_set_without_end_is_not_spelled_out() {
        let mut aliases = Aliases::default();
        for number in 0..100 {
            aliases.join(&[format!("X-{number}").as_str(), format!("X-{}", number + 1).as_str()]);
        }
        assert_eq!(aliases.of("X-7"), BTreeSet::from(["X-7"]));
    }
}
