//! Variables that a script sets itself, with every value that they may have.

use crate::dockerfile::expand::Variable;
use std::{collections::BTreeMap, rc::Rc};

/// Whether an assignment is always made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Certainty {
    /// It depends, or it is made in a shell of its own.
    Perhaps,
    /// Where the script gets past it.
    Always,
}

/// Variables of one script that are remembered.
const NAMES: usize = 256;
/// Values of one variable that are told apart.
const VALUES: usize = 8;

/// What is known of the variables of a script. Cheap to copy: scripts in a script begin with what is known where they stand.
#[derive(Debug, Clone, Default)]
pub(super) struct Locals {
    /// The values of each, never none, the latest last.
    values: Rc<BTreeMap<String, Vec<Variable>>>,
    /// Whether there were more than are remembered.
    is_full: bool,
}

impl Locals {
    /// Every value that a variable may have, the latest first; none where the script does not set it.
    pub(super) fn of(&self, name: &str) -> Vec<Variable> {
        match self.values.get(name) {
            Some(values) => values.iter().rev().cloned().collect(),
            None if self.is_full => vec![Variable::Unknown],
            None => Vec::new(),
        }
    }

    /// Sets a variable, whose value outside of the script is `outer`.
    pub(super) fn set(
        &mut self,
        name: &str,
        new: Vec<Variable>,
        (certainty, outer): (Certainty, Variable),
    ) {
        if self.values.len() >= NAMES && !self.values.contains_key(name) {
            self.is_full = true;
            return;
        }
        let mut all = match (certainty, self.values.get(name)) {
            (Certainty::Always, _) => Vec::new(),
            (Certainty::Perhaps, Some(before)) => before.clone(),
            // Images hardly set what a script sets for itself.
            (Certainty::Perhaps, None) if outer == Variable::Unknown => Vec::new(),
            (Certainty::Perhaps, None) => vec![outer],
        };
        for value in new {
            all.retain(|other| *other != value);
            all.push(value);
        }
        if all.len() > VALUES {
            all = vec![Variable::Unknown];
        }
        Rc::make_mut(&mut self.values).insert(name.to_owned(), all);
    }
}
