//! IMG-011: the index that the reference came to means one thing to everybody.
//!
//! Digests and sizes of what is read by it are verified when it is read, and an image for another platform than was asked for is
//! refused there. Index: <https://github.com/opencontainers/image-spec/blob/v1.1.0/image-index.md>.

use super::{About, Parameter, ParameterKind, Raised, Rule, RuleContext};
use crate::decide::Action;
use plimsoll_model::{
    Digest, Severity,
    finding::Place,
    image::{ChildRole, Image, IndexChild},
    platform::Platform,
};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const RULE: Rule = Rule {
    id: "IMG-011",
    name: "img_011_index",
    title: "an index has one image for each platform, which is for that platform, and all that are asked for",
    severity: Severity::High,
    action: Action::Deny,
    why: "Of two images for one platform each runtime takes one by its own rule: what was judged may not be what runs. What says something of a child that is not there may be taken for a word about another.",
    mend: "make the index again, `docker buildx imagetools create`, from one image for each platform",
    bad: "manifests: [{platform: linux/amd64, digest: sha256:a…}, {platform: linux/amd64, digest: sha256:b…}]",
    good: "manifests: [{platform: linux/amd64, digest: sha256:a…}, {platform: linux/arm64, digest: sha256:b…}]",
    equivalents: &[],
    about: &[About::Image],
    parameters: &[Parameter {
        name: "require",
        kind: ParameterKind::Texts,
        help: "platforms that there has to be an image for, as `linux/arm64` (none)",
    }],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(image) = context.facts().image else { return Vec::new() };
    let fail = |title: String, found: String, expected: &str| {
        context.fail(Place::Image, title, found, expected)
    };
    let double = doubles(image).into_iter().map(|(platform, digests)| {
        let found = digests.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        fail(format!("the index has several images for {platform}"), found, "one image")
    });
    let other = other(image).map(|stated| {
        let title = "the image is for another platform than the index says".to_owned();
        fail(title, image.platform.to_string(), &stated.to_string())
    });
    let digests: BTreeSet<Digest> = image.children.iter().map(|child| child.digest).collect();
    let astray = image.children.iter().filter_map(|child| {
        let ChildRole::About(about) = &child.role else { return None };
        let is_there = about.is_some_and(|about| about != child.digest && digests.contains(&about));
        let found = about.map_or_else(|| "no digest".to_owned(), |about| about.to_string());
        let title = format!("{} is about no image of the index", child.digest);
        (!is_there).then(|| fail(title, found, "the digest of another child"))
    });
    double.into_iter().chain(other).chain(astray).chain(missing(context, image)).collect()
}

fn images(image: &Image) -> impl Iterator<Item = (&IndexChild, &Platform)> {
    let images = image.children.iter().filter(|child| child.role == ChildRole::Image);
    images.filter_map(|child| Some((child, child.platform.as_ref()?)))
}

/// Platforms with more than one image.
fn doubles(image: &Image) -> BTreeMap<&Platform, BTreeSet<Digest>> {
    let mut all: BTreeMap<&Platform, BTreeSet<Digest>> = BTreeMap::new();
    for (child, platform) in images(image) {
        all.entry(platform).or_default().insert(child.digest);
    }
    all.retain(|_, digests| digests.len() > 1);
    all
}

/// What the index says the image is for, where its configuration says otherwise. Either often leaves out a variant.
fn other(image: &Image) -> Option<&Platform> {
    let mut stated = images(image).filter(|(child, _)| child.digest == image.manifest);
    let is_other = |platform: &&Platform| {
        (&platform.os, &platform.architecture) != (&image.platform.os, &image.platform.architecture)
            || matches!((&image.platform.variant, &platform.variant), (Some(is), Some(says)) if is != says)
    };
    stated.find_map(|(_, platform)| Some(platform).filter(is_other))
}

/// Platforms that are asked for, and that nothing is for.
fn missing(context: &RuleContext<'_>, image: &Image) -> Vec<Raised> {
    let offered: Vec<&Platform> = images(image).map(|(_, platform)| platform).collect();
    let alone = image.children.is_empty().then_some(&image.platform);
    let offered: Vec<&Platform> = offered.into_iter().chain(alone).collect();
    let raise = |written: &String| {
        let place = Place::Image;
        let Ok(asked) = written.parse::<Platform>() else {
            let title = format!("it can not be told whether there is an image for `{written}`");
            return Some(context.unknown(place, title, written, "a platform, as `linux/arm64`"));
        };
        let is_there = offered.iter().any(|offered| asked.is_served_by(offered));
        let found = offered.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let title = format!("there is no image for {asked}");
        (!is_there).then(|| context.fail(place, title, found, asked.to_string()))
    };
    context.texts("require").iter().filter_map(raise).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn child(name: &str, architecture: &str) -> IndexChild {
        let platform = Some(Platform::linux(architecture));
        IndexChild { digest: digest(name), platform, role: ChildRole::Image }
    }

    fn about(name: &str, digest: Option<Digest>) -> IndexChild {
        IndexChild { role: ChildRole::About(digest), ..child(name, "unknown") }
    }

    /// The image that is judged is `manifest`, for `linux/amd64`.
    fn case(children: &[IndexChild]) -> Case {
        Case::default().image(&["a"]).children(children)
    }

    #[test]
    fn an_index_as_builders_make_it_passes() {
        let said = about("said", Some(digest("manifest")));
        case(&[child("manifest", "amd64"), child("b", "arm64"), said])
            .check("IMG-011", Expect::Pass);
        // The same twice is one.
        case(&[child("manifest", "amd64"), child("manifest", "amd64")])
            .check("IMG-011", Expect::Pass);
        case(&[]).check("IMG-011", Expect::Pass);
    }

    #[test]
    fn what_means_two_things_or_nothing_fails() {
        let good = child("manifest", "amd64");
        for (bad, title) in [
            (child("b", "amd64"), "the index has several images for linux/amd64".to_owned()),
            (
                child("manifest", "arm64"),
                "the image is for another platform than the index says".to_owned(),
            ),
            (about("b", None), format!("{} is about no image of the index", digest("b"))),
            (
                about("b", Some(digest("c"))),
                format!("{} is about no image of the index", digest("b")),
            ),
            (
                about("b", Some(digest("b"))),
                format!("{} is about no image of the index", digest("b")),
            ),
        ] {
            let case = case(&[good.clone(), bad]);
            case.check("IMG-011", Expect::Fail);
            assert_eq!(case.findings("IMG-011")[0].finding.title, title);
        }
    }

    #[test]
    fn what_is_asked_for_has_to_be_there() {
        let asked = |what: &str, children: &[IndexChild]| {
            case(children).policy(&format!("rules: {{IMG-011: {{require: [{what}]}}}}"))
        };
        let both = [child("manifest", "amd64"), child("b", "arm64")];
        asked("linux/arm64, linux/amd64", &both).check("IMG-011", Expect::Pass);
        asked("linux/s390x", &both).check("IMG-011", Expect::Fail);
        asked("linux/amd64", &[]).check("IMG-011", Expect::Pass);
        asked("linux/arm64", &[]).check("IMG-011", Expect::Fail);
        asked("arm", &both).check("IMG-011", Expect::Unknown);
    }
}
