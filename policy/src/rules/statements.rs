//! What the rules about the contents of evidence have in common.

use super::{Raised, RuleContext};
use crate::stated::{Provenance, Said};
use plimsoll_model::finding::Place;

/// How many names a finding shows of a long list.
const SHOWN: usize = 5;

/// Judges each statement of a kind; one that can not be read leaves it untold.
pub(super) fn of_each<'a, T, R: IntoIterator<Item = Raised>>(
    context: &RuleContext<'a>,
    (statements, expected): (&'a [Said<T>], &str),
    judge: impl Fn(&'a T, &'a Said<T>) -> R,
) -> Vec<Raised> {
    let mut raised = Vec::new();
    for said in statements {
        match &said.what {
            Ok(what) => raised.extend(judge(what, said)),
            Err(reason) => {
                let title = format!("what {} states can not be read", said.by);
                raised.push(context.unknown(Place::Evidence, title, reason, expected));
            }
        }
    }
    raised
}

/// Judges each statement of provenance by a demand of the policy, which is found at the line of `evidence.provenance`.
pub(super) fn of_provenance<'a, R: IntoIterator<Item = Raised>>(
    context: &RuleContext<'a>,
    expected: &str,
    judge: impl Fn(&'a Provenance, &'a Said<Provenance>) -> R,
) -> Vec<Raised> {
    let Some(stated) = context.facts().stated else { return Vec::new() };
    let line = context.policy().evidence().provenance.line;
    let raised = of_each(context, (&stated.provenance, expected), judge);
    raised.into_iter().map(|raised| raised.by_line(line)).collect()
}

/// The finding where a text of the provenance is not what the policy demands; absent ones leave it untold.
pub(super) fn compare(
    context: &RuleContext<'_>,
    (what, by): (&str, &str),
    (stated, expected): (Option<&str>, &str),
    is_met: impl Fn(&str) -> bool,
) -> Option<Raised> {
    match stated {
        Some(stated) if is_met(stated) => None,
        Some(stated) => {
            let title = format!("the {what} of the build that {by} states is not as expected");
            Some(context.fail(Place::Evidence, title, format!("`{stated}`"), expected))
        }
        None => {
            let title = format!("the {what} of the build that {by} states can not be told");
            Some(context.unknown(Place::Evidence, title, "the provenance does not say", expected))
        }
    }
}

/// The first few of a list, and how many more there are.
pub(super) fn some_of<T: AsRef<str>>(names: &[T]) -> String {
    let shown: Vec<_> =
        names.iter().take(SHOWN).map(|name| format!("`{}`", name.as_ref())).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
