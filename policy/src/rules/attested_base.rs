//! The base of an image whose layers were merged: what verified provenance says that it was built from.
//!
//! Provenance lists what went in, and not which of it is the base. So every image that it names has to be approved: whichever of
//! them the base is, it is an approved one then.

use super::{RuleContext, inputs};
use crate::{
    bases::{Entry, Flattened},
    dockerfile::Source,
    stated::{Dependency, DependencyName, Provenance},
};
use plimsoll_model::{image::HistoryKind, image::Image, reference::ImageName};
use std::collections::BTreeSet;

/// How an image came to have the layers that it has.
pub(super) enum Shape {
    /// Its layers are those that were built, as far as can be seen.
    Layered,
    /// They are not, and how that is seen.
    Merged(String),
    /// There is one layer, as of an image on nothing.
    Untold,
}

/// The approved images that an image was built from, by the word of those who are believed about that, where its layers can not
/// tell because they were merged, and the policy takes that word; or why there are none.
pub(super) fn of<'a>(context: &RuleContext<'a>) -> Result<Vec<&'a Entry>, String> {
    let image = context.facts().image.ok_or("there is no image")?;
    match context.policy().bases().flattened {
        Flattened::Unknown => return Err("the policy does not take provenance for it".to_owned()),
        Flattened::Attested => {}
    }
    if inputs::base(context).is_some() {
        return Err("its layers tell".to_owned());
    }
    if let Shape::Layered = shape(context, image) {
        return Err("nothing shows that its layers were merged".to_owned());
    }
    stated(context, image)
}

/// The approved images that verified provenance says an image was built from; or why that is not known.
///
/// Where several statements name images, each has to name approved ones alone.
pub(super) fn stated<'a>(
    context: &RuleContext<'a>,
    image: &Image,
) -> Result<Vec<&'a Entry>, String> {
    let said = context.facts().stated.map_or(&[][..], |stated| &stated.provenance);
    let mut found = Vec::new();
    for said in said {
        let by = &said.by;
        let provenance = said
            .what
            .as_ref()
            .map_err(|_unread| format!("the provenance by `{by}` can not be read"))?;
        found.extend(
            approved(context, image, provenance)
                .map_err(|found| format!("the provenance by `{by}` names {found}"))?,
        );
    }
    if found.is_empty() {
        return Err("no verified provenance names an image".to_owned());
    }
    found.sort_by_key(|entry| (entry.name(), entry.digest()));
    found.dedup();
    Ok(found)
}

/// The entries that provenance names; none where it names no image.
fn approved<'a>(
    context: &RuleContext<'a>,
    image: &Image,
    provenance: &Provenance,
) -> Result<Vec<&'a Entry>, String> {
    if let Some(unpinned) = provenance.unpinned.first() {
        return Err(format!("`{unpinned}` without a digest"));
    }
    let images: BTreeSet<_> = provenance.dependencies.iter().filter_map(named).collect();
    let mut found = Vec::new();
    let mut is_for_platform = images.is_empty();
    for (repository, dependency) in images {
        let described = || format!("`{repository}@{}`", dependency.digest);
        let Ok(name) = described().trim_matches('`').parse::<ImageName>() else {
            return Err(format!("{}, which is no name", described()));
        };
        let entries = inputs::entries(context, &name);
        let holds: Vec<_> =
            entries.into_iter().filter(|entry| !entry.is_expired(context.now())).collect();
        if holds.is_empty() {
            return Err(format!("{}, which is not approved", described()));
        }
        is_for_platform |= holds.iter().any(|entry| {
            entry.platforms.iter().any(|one| {
                one.platform == image.platform
                    && [Some(one.manifest), entry.index].contains(&Some(dependency.digest))
            })
        });
        found.extend(holds);
    }
    if is_for_platform {
        Ok(found)
    } else {
        Err(format!("no approved image for {}", image.platform))
    }
}

/// The image that a dependency is, but for the frontends of the maker of BuildKit.
fn named(dependency: &Dependency) -> Option<(&str, &Dependency)> {
    match &dependency.what {
        DependencyName::Image { repository, .. } => {
            (!inputs::is_frontend(repository)).then_some((repository.as_str(), dependency))
        }
        DependencyName::File(_) => None,
    }
}

/// How the layers of an image came about.
pub(super) fn shape(context: &RuleContext<'_>, image: &Image) -> Shape {
    let made = image.config.history.iter().filter(|step| step.kind == HistoryKind::Layer).count();
    let (layers, steps) = (image.layers.len(), image.config.history.len());
    if made > layers {
        return Shape::Merged(format!("{layers} layers, and {made} steps that made one"));
    }
    if layers != 1 {
        return Shape::Layered;
    }
    // Of the Dockerfiles that are judged, what the stages that are built begin with.
    let mut lowest = context.builds().iter().filter_map(|build| {
        let target = build.stages.get(*build.target.as_ref().ok()?)?;
        Some(&build.lowest(target).source)
    });
    match lowest.next() {
        Some(Source::Scratch) => Shape::Layered,
        Some(Source::Image(name)) => {
            Shape::Merged(format!("one layer, and a Dockerfile that begins with `{name}`"))
        }
        // `docker import` and `--squash` leave steps without a layer before the one.
        _ if steps > 1 && made <= 1 && has_run(image) => {
            Shape::Merged(format!("one layer, and {steps} steps"))
        }
        _ => Shape::Untold,
    }
}

/// Whether a step that runs something is said to have made no layer: it made one, once.
fn has_run(image: &Image) -> bool {
    let empty = image.config.history.iter().filter(|step| step.kind == HistoryKind::ConfigOnly);
    empty.into_iter().any(|step| {
        let by = step.created_by.trim();
        ["RUN ", "COPY ", "ADD "].iter().any(|start| by.starts_with(start))
            || (by.contains("/sh -c ") && !by.contains("#(nop)"))
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;
    use crate::stated::{Dependency, Provenance, Said};
    use plimsoll_model::image::{HistoryEntry, HistoryKind};

    const POLICY: &str = "bases: {lock: l, allow-flattened: true}";

    /// An image of one layer that other steps were merged into.
    fn merged(layers: &[&str]) -> Case {
        let case = Case::default().policy(POLICY).image_with(layers, |config| {
            let step =
                |(by, kind): (&str, HistoryKind)| HistoryEntry { created_by: by.to_owned(), kind };
            let steps =
                [("RUN /bin/sh -c make", HistoryKind::ConfigOnly), ("", HistoryKind::Layer)];
            config.history = steps.map(step).into();
        });
        let case = case.approved_entry(entry_of("debian:12", "debian", &["a", "b"]));
        case.approved_entry(entry_of("golang:1", "golang", &["g", "h"]))
    }

    fn with(case: Case, statements: &[&[Dependency]]) -> Case {
        case.stated(|facts| {
            let said = statements.iter().map(|all| provenance(|it| it.dependencies = all.to_vec()));
            facts.provenance = said.collect();
        })
    }

    fn debian() -> Dependency {
        dependency("debian", "debian")
    }

    #[test]
    fn believed_provenance_that_names_approved_images_alone_tells_the_base_of_a_merged_image() {
        for dependencies in [
            vec![debian()],
            vec![dependency("debian", "debian manifest")],
            vec![debian(), dependency("golang", "golang")],
            vec![debian(), dependency("docker/dockerfile", "frontend")],
        ] {
            let case = with(merged(&["x"]), &[&dependencies]);
            case.check("BASE-050", Expect::Pass);
            case.check("BASE-051", Expect::Pass);
            case.check("BASE-052", Expect::Pass);
            // Without the key it stays unknown.
            let case = case.policy("bases: {lock: l}");
            case.check("BASE-050", Expect::Unknown);
            let found = &case.findings("BASE-050")[0].finding.found;
            assert_eq!(found, "its lowest layers are those of no approved base");
        }
    }

    #[test]
    fn provenance_that_names_anything_else_tells_nothing() {
        let other = dependency("debian", "other");
        for (statements, reason) in [
            (vec![], "no verified provenance names an image".to_owned()),
            (vec![vec![]], "no verified provenance names an image".to_owned()),
            (
                vec![vec![other.clone()]],
                format!(
                    "the provenance by `key a` names `docker.io/library/debian@{}`, which is not approved",
                    other.digest
                ),
            ),
            (
                vec![vec![debian(), dependency("evil/base", "evil")]],
                format!(
                    "the provenance by `key a` names `docker.io/evil/base@{}`, which is not approved",
                    digest("evil")
                ),
            ),
            (
                vec![vec![debian()], vec![dependency("evil/base", "evil")]],
                format!(
                    "the provenance by `key a` names `docker.io/evil/base@{}`, which is not approved",
                    digest("evil")
                ),
            ),
            // The name of the approved one elsewhere, with its digest.
            (
                vec![vec![dependency("evil.io/library/debian", "debian")]],
                format!(
                    "the provenance by `key a` names `evil.io/library/debian@{}`, which is not approved",
                    digest("debian")
                ),
            ),
        ] {
            let statements: Vec<&[Dependency]> = statements.iter().map(Vec::as_slice).collect();
            let case = with(merged(&["x"]), &statements);
            case.check("BASE-050", Expect::Unknown);
            let found = &case.findings("BASE-050")[0].finding.found;
            assert_eq!(
                found,
                &format!("its lowest layers are those of no approved base, and {reason}")
            );
        }
    }

    #[test]
    fn what_provenance_leaves_open_tells_nothing() {
        let unread = |facts: &mut crate::stated::Stated| {
            facts.provenance = vec![
                provenance(|it| it.dependencies = vec![debian()]),
                Said {
                    statement: digest("s"),
                    by: "other".to_owned(),
                    what: Err("no JSON".to_owned()),
                },
            ];
        };
        let case = merged(&["x"]).stated(unread);
        case.check("BASE-050", Expect::Unknown);
        let unpinned = |it: &mut Provenance| {
            it.dependencies = vec![debian()];
            it.unpinned = vec!["pkg:oci/base".to_owned()];
        };
        let case = merged(&["x"]).stated(|facts| facts.provenance = vec![provenance(unpinned)]);
        case.check("BASE-050", Expect::Unknown);
        assert!(
            case.findings("BASE-050")[0].finding.found.ends_with("`pkg:oci/base` without a digest")
        );
        // No approval holds any more, or none is for the platform of the image.
        let mut expired = entry_of("debian:11", "eleven", &["e"]);
        expired.expires = "2026-06-14".parse().unwrap();
        let mut other = entry_of("debian:10", "ten", &["f"]);
        other.platforms[0].platform = plimsoll_model::platform::Platform::linux("s390x");
        for (entry, of) in [(expired, "eleven"), (other, "ten")] {
            let case = merged(&["x"]).approved_entry(entry);
            with(case, &[&[dependency("debian", of)]]).check("BASE-050", Expect::Unknown);
        }
    }

    #[test]
    fn layers_that_were_not_merged_have_to_tell_themselves() {
        let case = Case::default().policy(POLICY).image(&["x", "y"]);
        let case = case.approved_entry(entry_of("debian:12", "debian", &["a", "b"]));
        with(case, &[&[debian()]]).check("BASE-050", Expect::Unknown);
    }

    #[test]
    fn whatever_contradicts_attested_images_is_denied() {
        const NAME: &str = "org.opencontainers.image.base.name";
        let case = || with(merged(&["x"]), &[&[debian()]]);
        case().annotated(NAME, "debian:12").check("BASE-051", Expect::Pass);
        case().dockerfile("FROM debian:12").check("BASE-051", Expect::Pass);
        case().annotated(NAME, "golang:1").check("BASE-051", Expect::Fail);
        case().annotated(NAME, "evil/base:1").check("BASE-051", Expect::Fail);
        case().dockerfile("FROM golang:1").check("BASE-051", Expect::Fail);
        let evil = case().dockerfile("FROM debian:12 AS a\nFROM evil/base");
        assert_eq!(evil.places("BASE-051"), [(2, 6)]);
        // The lowest layers are those of another base.
        let on_other = with(merged(&["g", "h"]), &[&[debian()]]);
        on_other.check("BASE-051", Expect::Fail);
        on_other.check("BASE-050", Expect::Pass);
        // Without the key it is as it was: the layers are others than the Dockerfile says.
        let without = case().policy("bases: {lock: l}").dockerfile("FROM debian:12");
        without.check("BASE-051", Expect::Fail);
    }

    #[test]
    fn attested_images_are_judged_as_bases() {
        let newer = crate::bases::Entry {
            approved: "2026-05-01".parse().unwrap(),
            ..entry_of("debian:12", "newer", &["n"])
        };
        let case = with(merged(&["x"]).approved_entry(newer), &[&[debian()]]);
        case.check("BASE-043", Expect::Fail);
        case.check("BASE-054", Expect::Unknown);
        let signed = "bases: {lock: l, allow-flattened: true, allow: [{repository: \"docker.io/library/debian\", signer: chainguard}]}";
        case.policy(signed).check("BASE-053", Expect::Fail);
    }
}
