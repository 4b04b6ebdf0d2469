//! What the rules about secrets in files have in common.

use super::{Raised, RuleContext};
use crate::{
    decide::Action,
    secrets::{
        Certainty, Credential, Hit, Named, SecretFile, Seen, State, is_of_package, is_of_tests,
    },
};
use plimsoll_model::{Printable, finding::Place};

/// The files in this state of which there is something to say.
pub(super) fn of<'a>(
    context: &RuleContext<'a>,
    state: State,
) -> impl Iterator<Item = &'a SecretFile> {
    let files = context.facts().secrets.map_or(&[][..], |secrets| &secrets.files);
    files.iter().filter(move |file| file.state == state)
}

pub(super) fn place(file: &SecretFile) -> Place {
    Place::File { path: file.path.to_string(), layer: file.diff_id }
}

/// What a secret of this certainty comes to at most.
pub(super) const fn at_most(certainty: Certainty) -> Action {
    match certainty {
        Certainty::Certain => Action::Deny,
        Certainty::Likely => Action::Warn,
    }
}

/// What a credential comes to at most. A key among tests protects nothing as a rule.
pub(super) fn of_credential(credential: &Credential, file: &SecretFile) -> Action {
    if is_of_tests(&file.path) { Action::Warn } else { at_most(credential.certainty) }
}

/// How sure it is that one of them is a secret.
pub(super) fn surest(hits: &[Hit]) -> Certainty {
    let is_certain = hits.iter().any(|hit| hit.certainty == Certainty::Certain);
    if is_certain { Certainty::Certain } else { Certainty::Likely }
}

/// The most hits of one file that are told one by one.
const TOLD: usize = 3;

/// `a token of GitHub (…) on line 3, and 2 more`.
pub(super) fn told(hits: &[Hit]) -> String {
    let mut told: Vec<String> =
        hits.iter().take(TOLD).map(|hit| format!("{} on line {}", hit.told(), hit.line)).collect();
    if let Some(more) = hits.len().checked_sub(TOLD).filter(|more| *more > 0) {
        told.push(format!("and {more} more"));
    }
    told.join(", ")
}

/// What is raised of each file, one by one; of those that packages bring, one for all, which does not block.
pub(super) fn each(
    context: &RuleContext<'_>,
    files: impl Iterator<Item = (Raised, bool)>,
) -> Vec<Raised> {
    let (packaged, own): (Vec<_>, Vec<_>) = files.partition(|(_, is_packaged)| *is_packaged);
    let mut raised: Vec<Raised> = own.into_iter().map(|(raised, _)| raised).collect();
    let mut packaged = packaged.into_iter().map(|(raised, _)| raised);
    if let Some(first) = packaged.next() {
        let also: Vec<String> = packaged.filter_map(|raised| path(&raised)).collect();
        let count = also.len().saturating_add(1);
        let title = "files of packages look like secrets";
        let found = format!("{count} of them, with samples and tests as a rule");
        let Place::File { .. } = first.finding.place else { return raised };
        let mut all = context.fail(first.finding.place, title, found, first.finding.expected);
        all.also_at = also;
        raised.push(all.at_most(Action::Inform));
    }
    raised
}

fn path(raised: &Raised) -> Option<String> {
    match &raised.finding.place {
        Place::File { path, .. } => Some(path.clone()),
        Place::Source { .. }
        | Place::Config { .. }
        | Place::Component { .. }
        | Place::Image
        | Place::Evidence
        | Place::Registry { .. }
        | Place::Policy => None,
    }
}

/// Whether it lies where packages keep what is published with them.
pub(super) fn is_packaged(file: &SecretFile) -> bool {
    is_of_package(&file.path)
}

/// Files that were not looked at: one by one where they are called like credentials or what was seen is damaged; of texts
/// that are only large, one for all, which does not block.
pub(super) fn unseen(
    context: &RuleContext<'_>,
    state: State,
    names: &[Named],
    expected: &str,
) -> Vec<Raised> {
    let title = "it can not be told whether a file holds a secret";
    let (mut raised, mut large) = (Vec::new(), Vec::new());
    for file in of(context, state) {
        let (found, named) = match &file.seen {
            Seen::Content { .. } => continue,
            Seen::TooLarge { size, named } => {
                (format!("{size} bytes, which is more than is looked at"), *named)
            }
            Seen::Unreadable => {
                ("what was noted of it can not be read".to_owned(), Named::Credential)
            }
        };
        match named {
            named if !names.contains(&named) => {}
            Named::Otherwise => large.push(file),
            Named::Credential => raised.push(context.unknown(place(file), title, found, expected)),
        }
    }
    let mut large = large.into_iter();
    if let Some(first) = large.next() {
        let also: Vec<String> = large.map(|file| file.path.to_string()).collect();
        let found =
            format!("{} texts that are larger than is looked at", also.len().saturating_add(1));
        let mut all = context.unknown(place(first), title, found, expected);
        all.also_at = also;
        raised.push(all.at_most(Action::Inform));
    }
    raised
}

/// Where else than in a file, and in which layer as stored: `layer sha256:…`.
pub(super) fn layer(file: &SecretFile) -> String {
    file.layer.map_or_else(|| "a layer".to_owned(), |layer| format!("layer {layer}"))
}

/// A name out of an image, for a sentence.
pub(super) fn name(name: &str) -> String {
    Printable(name).to_string()
}
