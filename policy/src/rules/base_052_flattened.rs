//! BASE-052: an image whose layers were merged into one says by evidence what it was built on.

use super::{
    About, Raised, Rule, RuleContext,
    attested_base::{self, Shape},
    inputs,
};
use crate::decide::Action;
use plimsoll_model::{Severity, finding::Place};

pub(crate) const RULE: Rule = Rule {
    id: "BASE-052",
    name: "base_052_flattened",
    title: "an image that was flattened has verified provenance that names its base",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "Whoever merges all layers into one takes away the only thing about the base that nobody can forge. What is left is the word of the builder.",
    mend: "build without squashing, or have the builder sign provenance that names the base by digest",
    bad: "docker build --squash .   # or docker export | docker import",
    good: "docker build .",
    equivalents: &[],
    about: &[About::Image],
    parameters: &[],
    check,
};

const EXPECTED: &str = "the layers of an approved base, or verified provenance that names one";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(image) = context.facts().image else { return Vec::new() };
    // Without a lock nobody knows any base: BASE-050 says so.
    if context.facts().bases.is_none() || inputs::base(context).is_some() {
        return Vec::new();
    }
    if attested_base::stated(context, image).is_ok() {
        return Vec::new();
    }
    let title = "the layers of the image were merged, and no evidence says what it was built on";
    match attested_base::shape(context, image) {
        Shape::Layered => Vec::new(),
        Shape::Merged(found) => vec![context.fail(Place::Image, title, found, EXPECTED)],
        Shape::Untold => {
            let title = "it can not be told whether the layers of the image were merged";
            let found = "one layer, and no Dockerfile that says what it is on";
            vec![context.unknown(Place::Image, title, found, EXPECTED)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        rules::testing::*,
        stated::{Dependency, DependencyName},
    };
    use plimsoll_model::image::{HistoryEntry, HistoryKind};

    fn case(layers: &[&str], history: &[(&str, HistoryKind)]) -> Case {
        let case = Case::default().policy("bases: {lock: l}").image_with(layers, |config| {
            let step = |(by, kind): &(&str, HistoryKind)| HistoryEntry {
                created_by: (*by).to_owned(),
                kind: *kind,
            };
            config.history = history.iter().map(step).collect();
        });
        case.approved("debian:12", &["a", "b"], "2026-12-31")
    }

    const ONE: &[(&str, HistoryKind)] = &[("", HistoryKind::Layer)];
    const SQUASHED: &[(&str, HistoryKind)] = &[
        ("ADD rootfs.tar /", HistoryKind::ConfigOnly),
        ("RUN /bin/sh -c make", HistoryKind::ConfigOnly),
        ("", HistoryKind::Layer),
    ];

    #[test]
    fn merged_layers_fail() {
        case(&["x"], SQUASHED).check("BASE-052", Expect::Fail);
        case(&["x"], ONE).dockerfile("FROM debian:12").check("BASE-052", Expect::Fail);
        let more =
            [("a", HistoryKind::Layer), ("b", HistoryKind::Layer), ("c", HistoryKind::Layer)];
        case(&["x", "y"], &more).check("BASE-052", Expect::Fail);
        let found = &case(&["x"], SQUASHED).findings("BASE-052")[0];
        assert_eq!(found.action, Action::Warn);
        assert_eq!(found.finding.place, Place::Image);
    }

    #[test]
    fn layers_on_a_base_and_images_on_nothing_pass() {
        case(&["a", "b", "x"], ONE).check("BASE-052", Expect::Pass);
        case(&["x", "y"], &[]).check("BASE-052", Expect::Pass);
        case(&["x"], ONE)
            .dockerfile("FROM go AS b\nFROM scratch\nCOPY --from=b / /")
            .check("BASE-052", Expect::Pass);
    }

    #[test]
    fn verified_provenance_stands_in_for_the_layers() {
        let named = |repository: &str, of: &str| {
            let what = DependencyName::Image { repository: repository.to_owned(), tag: None };
            let dependency = Dependency { what, digest: digest(of) };
            case(&["x"], SQUASHED).stated(|facts| {
                facts.provenance = vec![provenance(|it| it.dependencies = vec![dependency])];
            })
        };
        named("docker.io/library/debian", "base index").check("BASE-052", Expect::Pass);
        named("docker.io/library/debian", "other").check("BASE-052", Expect::Fail);
        named("evil.io/library/debian", "base index").check("BASE-052", Expect::Fail);
    }

    #[test]
    fn one_layer_on_nobody_knows_what_can_not_be_told() {
        case(&["x"], ONE).check("BASE-052", Expect::Unknown);
        case(&["x"], ONE).dockerfile("ARG B\nFROM $B").check("BASE-052", Expect::Unknown);
        Case::default().image(&["x"]).check("BASE-052", Expect::Pass);
    }
}
