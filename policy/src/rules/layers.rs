//! What the rules about files have in common.

use super::{Raised, RuleContext};
use crate::{
    bases,
    decide::Action,
    files::{Files, Topic},
};
use plimsoll_model::{
    TreePath,
    finding::Place,
    tree::{Entry, LayerIndex},
};

/// Who brought a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The approved base image.
    Base,
    /// What was built on it.
    Added,
    /// No layer is known to be a base's.
    Untold,
}

/// How many layers, from the lowest, are those of the approved base; `None` where there is none.
pub(super) fn of_base(context: &RuleContext<'_>) -> Option<u32> {
    let (lock, image) = (context.facts().bases?, context.facts().image?);
    let (_, platform) = bases::match_base(lock, &super::inputs::diff_ids(image))?;
    u32::try_from(platform.diff_ids.len()).ok()
}

/// Who brought what a layer brought.
pub(super) fn origin(base: Option<u32>, layer: LayerIndex) -> Origin {
    match base {
        Some(count) if layer.0 < count => Origin::Base,
        Some(_) => Origin::Added,
        None => Origin::Untold,
    }
}

/// Where a file is.
pub(super) fn place(files: &Files, path: &TreePath, layer: LayerIndex) -> Place {
    let at = usize::try_from(layer.0).unwrap_or(usize::MAX);
    Place::File { path: path.to_string(), layer: files.layers.get(at).copied() }
}

/// Where an entry is.
pub(super) fn place_of(files: &Files, entry: &Entry) -> Place {
    place(files, &entry.path, entry.layer)
}

/// One finding about several files: at the first, naming some of the others. `None` where there is no file.
pub(super) fn together(
    context: &RuleContext<'_>,
    entries: &[&Entry],
    (title, expected): (&str, &str),
) -> Option<Raised> {
    let files = context.facts().files?;
    let first = entries.first()?;
    let found = listed(entries.iter().map(|entry| entry.path.to_string()));
    let mut raised = context.fail(place_of(files, first), title, found, expected);
    raised.also_at = entries.iter().skip(1).map(|entry| entry.path.to_string()).collect();
    Some(raised)
}

/// One finding about all files of a topic.
pub(super) fn about(context: &RuleContext<'_>, topic: Topic, words: (&str, &str)) -> Vec<Raised> {
    let Some(files) = context.facts().files else { return Vec::new() };
    let seen: Vec<&Entry> = files.about(topic).collect();
    together(context, &seen, words).into_iter().collect()
}

/// The first names, and how many there are besides.
pub(super) fn listed(names: impl ExactSizeIterator<Item = String>) -> String {
    const SHOWN: usize = 8;
    let more = names.len().saturating_sub(SHOWN);
    let shown: Vec<String> = names.take(SHOWN).collect();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{more}", shown.join(", "))
}

/// What came with the approved base is shown, and blocks nothing: whoever approved it has seen it.
pub(super) fn limited(raised: Raised, origin: Origin) -> Raised {
    match origin {
        Origin::Base => raised.at_most(Action::Inform),
        Origin::Added | Origin::Untold => raised,
    }
}

#[cfg(test)]
pub(super) mod testing {
    use crate::rules::testing::*;
    use plimsoll_model::finding::Place;

    /// Asserts that one rule names each of these files at its place and layer, and all of them together in one finding, and none
    /// of those that only look like them.
    #[track_caller]
    pub(crate) fn check_together(rule: &str, all: &[&str], others: &[&str]) {
        let case = Case::default().image(&["base", "app"]).files();
        for path in all {
            let found = case.clone().file(path, 0o755, 1).findings(rule);
            let place = Place::File { path: format!("/{path}"), layer: Some(digest("app")) };
            assert_eq!((found.len(), &found[0].finding.place), (1, &place));
        }
        for path in others {
            case.clone().file(path, 0o755, 1).check(rule, Expect::Pass);
        }
        let case = all.iter().fold(case, |case, path| case.file(path, 0o755, 1));
        let found = case.findings(rule);
        let mut named: Vec<_> = all.iter().map(|path| format!("/{path}")).collect();
        named.sort();
        assert_eq!((found.len(), &found[0].finding.found), (1, &named.join(", ")));
    }
}
