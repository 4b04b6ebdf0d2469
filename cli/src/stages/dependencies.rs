//! What went into an image, where its digest is known.

use crate::{context::Context, error::Error, stages::decide::Case};
use camino::Utf8Path;
use plimsoll_attest::{
    builders::{DependencyDigest, ResolvedDependency},
    source,
};
use plimsoll_model::{
    Digest, Purl,
    reference::{Repository, Tag},
};
use plimsoll_policy::dockerfile::{Build, Input, Source};
use std::collections::BTreeSet;

/// The approved base image that the image begins with, and the images by digest that the Dockerfiles build it from.
///
/// The first is proven by its layers, the others are the Dockerfiles' word: those of stages that nothing is taken from are
/// left out, and so are names without a digest.
pub(crate) fn of_build(case: &Case<'_>) -> Vec<ResolvedDependency> {
    let mut found = BTreeSet::new();
    if let Some((entry, platform)) = case.matched_base() {
        found.extend(image(&entry.repository, entry.tag.as_ref(), platform.manifest));
    }
    let facts = case.facts();
    for dockerfile in &case.build.dockerfiles {
        let build = Build::of(dockerfile, &facts);
        for input in taken(&build) {
            if let Source::Image(name) = &input.source
                && let Some(digest) = name.digest
            {
                found.extend(image(&name.repository, name.tag.as_ref(), digest));
            }
        }
    }
    found.into_iter().collect()
}

/// The lock files in the directory with the source.
pub(crate) fn of_source(
    ctx: &Context,
    directory: &Utf8Path,
) -> Result<Vec<ResolvedDependency>, Error> {
    Ok(source::lock_files(directory, &ctx.limits)?)
}

/// What the stage that is built takes files from, by way of other stages too, and the frontend.
fn taken(build: &Build) -> Vec<&Input> {
    let mut found: Vec<&Input> = build.frontend.iter().collect();
    let Ok(target) = &build.target else { return found };
    let (mut waiting, mut seen) = (vec![*target], BTreeSet::from([*target]));
    while let Some(stage) = waiting.pop().and_then(|stage| build.stages.get(stage)) {
        for input in std::iter::once(&stage.from).chain(&stage.inputs) {
            if let Source::Stage(stage) = input.source {
                waiting.extend(seen.insert(stage).then_some(stage));
            } else {
                found.push(input);
            }
        }
    }
    found
}

/// An image as a dependency; none where its name fits into no package URL.
fn image(repository: &Repository, tag: Option<&Tag>, digest: Digest) -> Option<ResolvedDependency> {
    let name = repository.path().rsplit('/').next().unwrap_or_default();
    let url = repository.to_string();
    let qualifiers = [("repository_url", url.as_str()), ("tag", tag.map_or("", Tag::as_str))];
    let purl = Purl::new("oci", None, name, Some(&digest.to_string()), &qualifiers).ok()?;
    Some(ResolvedDependency { uri: purl.to_string(), digest: DependencyDigest::Sha256(digest) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stages::decide::Build as Given;
    use plimsoll_policy::{Dockerfile, Policy};

    #[track_caller]
    fn check(text: &str, target: Option<&str>, expect: &[&str]) {
        let dockerfile = Dockerfile { path: "Dockerfile".into(), text: text.to_owned() };
        let given = Given {
            dockerfiles: vec![dockerfile],
            target: target.map(str::to_owned),
            ..Given::default()
        };
        let case = Case {
            policy: &Policy::baseline(),
            image: None,
            users: None,
            secrets: None,
            files: None,
            inventory: None,
            scan: None,
            vex: None,
            since: None,
            flags: None,
            build: &given,
            bases: None,
        };
        let found = of_build(&case);
        let empty = DependencyDigest::Sha256(Digest::of(b""));
        assert!(found.iter().all(|dependency| dependency.digest == empty));
        let uris: Vec<_> = found.iter().map(|dependency| dependency.uri.as_str()).collect();
        let sha = Digest::of(b"").to_string();
        let expect: Vec<_> = expect.iter().map(|uri| uri.replace("SHA", &sha)).collect();
        assert_eq!(uris, expect);
    }

    #[test]
    fn images_by_digest_that_the_built_stage_takes_from_are_listed() {
        let sha = Digest::of(b"");
        let text = format!(
            "FROM golang:1@{sha} AS build\nFROM busybox@{sha} AS unused\nFROM corp.example/base/app@{sha} AS last\n\
             COPY --from=build /a /a\nCOPY --from=docker.io/library/tools:2@{sha} /b /b\nCOPY --from=alpine:3 /c /c\n"
        );
        let golang = "pkg:oci/golang@SHA?repository_url=docker.io%2Flibrary%2Fgolang&tag=1";
        check(
            &text,
            None,
            &[
                "pkg:oci/app@SHA?repository_url=corp.example%2Fbase%2Fapp",
                golang,
                "pkg:oci/tools@SHA?repository_url=docker.io%2Flibrary%2Ftools&tag=2",
            ],
        );
        check(&text, Some("build"), &[golang]);
        check(&text, Some("absent"), &[]);
        check("FROM alpine:3\n", None, &[]);
        check("nonsense", None, &[]);
    }
}
