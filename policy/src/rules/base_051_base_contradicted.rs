//! BASE-051: everything that speaks of the base image speaks of the same one.
//!
//! Where a lock is configured and was not read, BASE-001 and BASE-050 speak.

use super::{About, Raised, Rule, RuleContext, attested_base, inputs};
use crate::{
    bases::Entry,
    decide::Action,
    dockerfile::{Build, Source},
};
use plimsoll_model::{Digest, Severity, finding::Place, image::Image, reference::ImageName};
use std::collections::BTreeMap;

pub(crate) const RULE: Rule = Rule {
    id: "BASE-051",
    name: "base_051_base_contradicted",
    title: "annotations, labels, Dockerfile and layers agree on the base image",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "An annotation costs nothing to write. Where one names an approved base whose layers the image does not have, somebody wants it to be taken for what it is not.",
    mend: "build the image anew from the Dockerfile that is judged, and let the builder write the annotations",
    bad: "org.opencontainers.image.base.name: docker.io/library/debian:12   # on layers of something else",
    good: "the same, on the layers of debian:12",
    equivalents: &[],
    about: &[About::Image],
    parameters: &[],
    check,
};

const NAME: &str = "org.opencontainers.image.base.name";
const DIGEST: &str = "org.opencontainers.image.base.digest";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(image) = context.facts().image else { return Vec::new() };
    let attested = attested_base::of(context).unwrap_or_default();
    let judged = Judged { context, image, attested: &attested };
    let mut raised: Vec<Raised> = [
        judged.claimed(("annotation", &image.annotations)),
        judged.claimed(("label", &image.config.labels)),
    ]
    .into_iter()
    .flatten()
    .collect();
    raised.extend(context.builds().iter().filter_map(|build| judged.built(build)));
    raised.extend(stated(context, image));
    raised
}

/// An image, and what it is taken to be built from where its layers do not tell.
struct Judged<'c, 'a> {
    context: &'c RuleContext<'a>,
    image: &'c Image,
    attested: &'c [&'a Entry],
}

impl Judged<'_, '_> {
    /// The annotations or the labels of the image: a claim, which the lock can disprove. Labels come down from the base and may be
    /// about what that was built on, whose layers are below these all the same.
    fn claimed(&self, (what, texts): (&str, &BTreeMap<String, String>)) -> Option<Raised> {
        let lock = self.context.facts().bases?;
        let digest: Option<Digest> = texts.get(DIGEST).and_then(|text| text.parse().ok());
        let name: Option<ImageName> = texts.get(NAME).and_then(|text| text.parse().ok());
        let is_meant = |entry: &&Entry| match (&digest, &name) {
            (Some(digest), _) => entry.digests().any(|own| own == *digest),
            (None, Some(name)) => entry.is_named_by(name),
            (None, None) => false,
        };
        let meant: Vec<_> = lock.entries().iter().filter(is_meant).collect();
        let field = if digest.is_some() { DIGEST } else { NAME };
        let place = Place::Config { field: format!("{what} {field}") };
        let named = texts.get(field).filter(|_| digest.is_some() || name.is_some());
        // A label that nobody knows may be that of the base.
        match named.filter(|_| what == "annotation" && meant.is_empty()) {
            Some(named) => self.unknown(place, &format!("its {what}"), named),
            None => disproved(self.context, (place, &format!("its {what}")), &meant, |entry| {
                self.is_below(entry)
            }),
        }
    }

    /// The stage that the Dockerfile builds.
    fn built(&self, build: &Build) -> Option<Raised> {
        let target = build.stages.get(*build.target.as_ref().ok()?)?;
        let from = build.lowest(target);
        let Source::Image(name) = &from.source else { return None };
        let place = inputs::place(build, from.at);
        let meant = inputs::entries(self.context, name);
        if meant.is_empty() {
            return self.unknown(place, "its Dockerfile", &name.to_string());
        }
        disproved(self.context, (place, "its Dockerfile"), &meant, |entry| self.is_below(entry))
    }

    /// The finding where something names a base that nobody has approved, of an image that is taken to be built on approved ones
    /// by the word of others alone. Of what layers prove it is none: they are what they are.
    fn unknown(&self, place: Place, who: &str, named: &str) -> Option<Raised> {
        let first = self.attested.first()?;
        let title = format!("the image is not built on what {who} names");
        let expected = format!("`{}`, which provenance names", first.name());
        Some(self.context.fail(place, title, format!("`{named}`"), expected))
    }

    /// Whether the layers of an entry are the lowest of the image; where its layers were merged, of something that it is taken
    /// to be built from.
    fn is_below(&self, entry: &Entry) -> bool {
        let own = inputs::diff_ids(self.image);
        let of_attested = self.attested.iter().flat_map(|one| &one.platforms);
        let mut all = std::iter::once(&own).chain(of_attested.map(|one| &one.diff_ids));
        all.any(|layers| is_prefix(entry, layers))
    }
}

fn is_prefix(entry: &Entry, layers: &[Digest]) -> bool {
    entry.platforms.iter().any(|platform| layers.starts_with(&platform.diff_ids))
}

/// Verified provenance that names approved images alone, none of which is below the image, while another one is.
fn stated(context: &RuleContext<'_>, image: &Image) -> Option<Raised> {
    inputs::base(context)?;
    let meant = attested_base::stated(context, image).ok()?;
    let layers = inputs::diff_ids(image);
    disproved(context, (Place::Image, "verified provenance"), &meant, |entry| {
        is_prefix(entry, &layers)
    })
}

/// The finding where the layers of an image are those of none of the entries that it is said to be built on.
fn disproved(
    context: &RuleContext<'_>,
    (place, who): (Place, &str),
    meant: &[&Entry],
    is_below: impl Fn(&Entry) -> bool,
) -> Option<Raised> {
    let first = meant.first().filter(|_| !meant.iter().any(|entry| is_below(entry)))?;
    let title = format!("the image is not built on what {who} names");
    let found = match inputs::base(context) {
        Some(base) => format!("the layers of `{}`", base.name()),
        None => "layers of no approved base".to_owned(),
    };
    Some(context.fail(place, title, found, format!("the layers of `{}`", first.name())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn image(layers: &[&str]) -> Case {
        let case = Case::default().policy("bases: {lock: l}").image(layers);
        case.approved("debian:12", &["a", "b"], "2026-12-31").approved(
            "python:3",
            &["a", "b", "c"],
            "2026-12-31",
        )
    }

    #[test]
    fn an_annotation_that_the_layers_disprove_is_denied() {
        image(&["x"]).annotated(NAME, "debian:12").check("BASE-051", Expect::Fail);
        image(&["a", "b", "x"]).annotated(NAME, "python:3").check("BASE-051", Expect::Fail);
        let digest = digest("base index").to_string();
        image(&["x"]).annotated(DIGEST, &digest).check("BASE-051", Expect::Fail);
        let found = &image(&["a", "b", "x"]).annotated(NAME, "python:3").findings("BASE-051")[0];
        assert_eq!(found.finding.found, "the layers of `docker.io/library/debian:12`");
    }

    #[test]
    fn a_label_that_the_layers_disprove_is_denied() {
        let labelled = |layers: &[&str], name: &str| {
            Case::default().policy("bases: {lock: l}").image_with(layers, |config| {
                config.labels.insert(NAME.to_owned(), name.to_owned());
            })
        };
        let case = |layers: &[&str], name: &str| {
            let case = labelled(layers, name).approved("debian:12", &["a", "b"], "2026-12-31");
            case.approved("python:3", &["a", "b", "c"], "2026-12-31")
        };
        case(&["x"], "debian:12").check("BASE-051", Expect::Fail);
        case(&["a", "b"], "python:3").check("BASE-051", Expect::Fail);
        // Inherited from the base: what that was built on.
        case(&["a", "b", "c"], "debian:12").check("BASE-051", Expect::Pass);
        case(&["x"], "acme/own:1").check("BASE-051", Expect::Pass);
        let place = &case(&["x"], "debian:12").findings("BASE-051")[0].finding.place;
        assert_eq!(place, &Place::Config { field: format!("label {NAME}") });
    }

    #[test]
    fn a_dockerfile_that_the_layers_disprove_is_denied() {
        let case = image(&["x"]).dockerfile("FROM debian:12 AS a\nFROM a\nUSER 1");
        assert_eq!(case.places("BASE-051"), [(1, 6)]);
        image(&["a", "b", "x"]).dockerfile("FROM debian:12").check("BASE-051", Expect::Pass);
        image(&["a", "b", "c"]).dockerfile("FROM debian:12").check("BASE-051", Expect::Pass);
    }

    #[test]
    fn what_agrees_and_what_nobody_knows_is_no_contradiction() {
        image(&["a", "b", "c"]).annotated(NAME, "python:3").check("BASE-051", Expect::Pass);
        // A python is a debian, too.
        image(&["a", "b", "c"]).annotated(NAME, "debian:12").check("BASE-051", Expect::Pass);
        image(&["a", "b"]).annotated(NAME, "acme/base:1").check("BASE-051", Expect::Pass);
        image(&["a", "b"]).annotated(NAME, "!").check("BASE-051", Expect::Pass);
        image(&["x"]).check("BASE-051", Expect::Pass);
        image(&["x"]).dockerfile("FROM acme/base").check("BASE-051", Expect::Pass);
    }

    #[test]
    fn provenance_that_the_layers_disprove_is_denied() {
        let named = |layers: &[&str], images: &[(&str, &str)]| {
            let dependencies = images.iter().map(|(name, of)| dependency(name, of)).collect();
            let case = Case::default().policy("bases: {lock: l}").image(layers);
            let case = case.stated(|facts| {
                facts.provenance = vec![provenance(|it| it.dependencies = dependencies)];
            });
            let case = case.approved_entry(entry_of("debian:12", "debian", &["a", "b"]));
            case.approved_entry(entry_of("golang:1", "golang", &["g"]))
        };
        let (debian, golang) = (("debian", "debian"), ("golang", "golang"));
        named(&["a", "b", "x"], &[golang]).check("BASE-051", Expect::Fail);
        named(&["a", "b", "x"], &[golang, debian]).check("BASE-051", Expect::Pass);
        named(&["a", "b", "x"], &[debian]).check("BASE-051", Expect::Pass);
        // It may be on what is between: who approves that is another rule's.
        let between = ("acme/base", "between");
        named(&["a", "b", "x"], &[golang, between]).check("BASE-051", Expect::Pass);
        // On nothing, with something built elsewhere.
        named(&["x"], &[golang]).check("BASE-051", Expect::Pass);
        named(&["a", "b", "x"], &[]).check("BASE-051", Expect::Pass);
    }
}
