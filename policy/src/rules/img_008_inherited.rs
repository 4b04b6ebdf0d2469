//! IMG-008: the labels that say what an image is are its own, and not its base's.
//!
//! Builders take the labels of the base over. What is compared are those that [`EntryPlatform::labels_of`] keeps, with what the
//! lock has of the approved base.

use super::{About, Parameter, ParameterKind, Raised, Rule, RuleContext, inputs};
use crate::{
    bases::{self, EntryPlatform},
    decide::Action,
};
use plimsoll_model::{Severity, finding::Place};

pub(crate) const RULE: Rule = Rule {
    id: "IMG-008",
    name: "img_008_inherited",
    title: "the labels that say what the image is are not those of its base",
    severity: Severity::Low,
    action: Action::Warn,
    why: "Whoever looks for the source or the version of an image by its labels finds those of somebody else's image, and takes its advisories and its changes for those of this one.",
    mend: "set the label in the build, or set it to nothing: `--label org.opencontainers.image.version=1.4.2`",
    bad: "FROM registry.access.redhat.com/ubi9/ubi   # whose label `version` stays",
    good: "LABEL version=1.4.2 org.opencontainers.image.source=https://git.corp/app",
    equivalents: &["conforma disallowed_inherited_labels"],
    about: &[About::Image],
    parameters: &[Parameter {
        name: "allow",
        kind: ParameterKind::Texts,
        help: "labels that may be the base's (none)",
    }],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let (Some(image), Some(lock)) = (context.facts().image, context.facts().bases) else {
        return Vec::new();
    };
    let Some((entry, base)) = bases::match_base(lock, &inputs::diff_ids(image)) else {
        return Vec::new();
    };
    let mut labels = EntryPlatform::labels_of(&image.config.labels);
    labels.retain(|name, value| !value.is_empty() && !context.texts("allow").contains(name));
    // Several may be approved that have these layers and differ in their configurations.
    let all = lock.entries().iter().flat_map(|entry| &entry.platforms);
    let bases: Vec<_> = all.filter(|one| one.diff_ids == base.diff_ids).collect();
    // The base itself has a right to its labels.
    if labels.is_empty() || bases.iter().any(|base| base.config == image.config_digest) {
        return Vec::new();
    }
    let place = |name: &str| Place::Config { field: format!("config.Labels.{name}") };
    let of_bases: Vec<_> = bases.iter().filter_map(|base| base.labels.as_ref()).collect();
    if of_bases.is_empty() {
        let first = labels.keys().next().map_or("", String::as_str);
        let title = "whether labels are those of the base can not be told";
        let found = format!("`{}` was approved before labels were written down", entry.name());
        let raised = context.unknown(place(first), title, found, "labels of the image's own");
        let remedy = "approve the base again with `plimsoll base approve`";
        // Every image on such a base has this one, until somebody approves the base again.
        return vec![raised.with_remedy(remedy).at_most(Action::Inform)];
    }
    let inherited = labels
        .iter()
        .filter(|(name, value)| of_bases.iter().any(|of_base| of_base.get(*name) == Some(*value)));
    let raised = inherited.map(|(name, value)| {
        let title = format!("the label `{name}` is that of the base");
        let expected = format!("another than that of `{}`", entry.name());
        context.fail(place(name), title, format!("`{value}`"), expected)
    });
    raised.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;
    use std::collections::BTreeMap;

    const VERSION: &str = "org.opencontainers.image.version";

    fn labels(labels: &[(&str, &str)]) -> BTreeMap<String, String> {
        labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// An image with labels on a base with labels.
    fn case(own: &[(&str, &str)], of_base: Option<&[(&str, &str)]>) -> Case {
        let mut base = entry("debian:12", &["base"], "2026-12-31");
        base.platforms[0].labels = of_base.map(labels);
        let image =
            Case::default().image_with(&["base", "app"], |config| config.labels = labels(own));
        image.approved_entry(base)
    }

    #[test]
    fn each_label_of_the_base_is_told_by_its_name() {
        let base = [(VERSION, "12"), ("name", "debian"), ("vendor", "Debian")];
        let of_base = Some(&base[..]);
        let both = case(&base, of_base);
        both.check("IMG-008", Expect::Fail);
        let found = both.findings("IMG-008");
        let places: Vec<_> = found.iter().map(|judged| judged.finding.place.clone()).collect();
        let place = |name: &str| Place::Config { field: format!("config.Labels.{name}") };
        assert_eq!(places, [place("name"), place(VERSION)]);
        assert_eq!(found[0].finding.found, "`debian`");
        let allow = "rules: {IMG-008: {allow: [name]}}";
        assert_eq!(both.policy(allow).findings("IMG-008").len(), 1);
        for own in [&[][..], &[(VERSION, "1.4.2")], &[("name", "")], &[("vendor", "Debian")]] {
            case(own, of_base).check("IMG-008", Expect::Pass);
        }
        case(&base, Some(&[])).check("IMG-008", Expect::Pass);
    }

    #[test]
    fn the_base_itself_and_what_is_on_no_approved_base_pass() {
        let base = [(VERSION, "12")];
        let mut approved = entry("debian:12", &["base"], "2026-12-31");
        approved.platforms[0].labels = Some(labels(&base));
        approved.platforms[0].config = digest("config");
        let itself = Case::default().image_with(&["base"], |config| config.labels = labels(&base));
        itself.clone().approved_entry(approved).check("IMG-008", Expect::Pass);
        itself.clone().check("IMG-008", Expect::Pass);
        itself.approved("debian:12", &["other"], "2026-12-31").check("IMG-008", Expect::Pass);
        // Its layers with another configuration are another image, whichever of the two was approved as well.
        let other = case(&base, Some(&base));
        other.check("IMG-008", Expect::Fail);
        let mut plain = entry("debian:13", &["base"], "2026-12-31");
        plain.platforms[0].config = digest("plain config");
        other.clone().approved_entry(plain.clone()).check("IMG-008", Expect::Fail);
        plain.platforms[0].config = digest("config");
        other.approved_entry(plain).check("IMG-008", Expect::Pass);
    }

    #[test]
    fn a_base_that_was_approved_before_labels_were_kept_can_not_be_told() {
        let old = case(&[(VERSION, "12"), ("name", "debian")], None);
        old.check("IMG-008", Expect::Unknown);
        let found = old.findings("IMG-008");
        assert_eq!((found.len(), found[0].action), (1, Action::Inform));
        // Nothing that could be somebody else's.
        case(&[("vendor", "corp")], None).check("IMG-008", Expect::Pass);
    }
}
