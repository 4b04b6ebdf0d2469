//! What the rules about the images that Dockerfiles, compose files and manifests name have in common.

use super::{About, Raised, RuleContext, attested_base};
use crate::{
    bases::{self, Entry},
    decide::Action,
    dockerfile::{Build, Input, InputKind, Position, Source, Stage},
};
use plimsoll_model::{Digest, finding::Place, image::Image, reference::ImageName};
use std::collections::BTreeSet;

/// The frontends of the maker of BuildKit.
const FRONTENDS: [&str; 2] =
    ["docker.io/docker/dockerfile", "docker.io/docker/dockerfile-upstream"];

/// The registry to which anybody may push.
const HUB: &str = "docker.io";

/// Every input of every Dockerfile and, where the rule is about these, every image of compose files and of manifests of Kubernetes;
/// and where it is named.
pub(super) fn of<'a>(context: &RuleContext<'a>) -> impl Iterator<Item = (Place, &'a Input)> {
    let is_about = |about| context.rule.about.contains(&about);
    let projects = if is_about(About::Compose) { context.projects() } else { &[] };
    let pods = if is_about(About::Kubernetes) { context.cluster().images.as_slice() } else { &[] };
    let images = projects.iter().flat_map(|project| &project.images);
    // What several projects have in common is said once.
    let mut seen = BTreeSet::new();
    let images = images.filter(move |(place, _)| seen.insert(format!("{place:?}")));
    context
        .builds()
        .iter()
        .flat_map(|build| build.inputs().map(|input| (place(build, input.at), input)))
        .chain(images.chain(pods).map(|(place, input)| (place.clone(), input)))
}

/// Whether an image that is run, not built on, is one of our own: it is in a repository that the policy promotes to. What may
/// run from there says K8S-041.
pub(super) fn is_own(context: &RuleContext<'_>, input: &Input, name: &ImageName) -> bool {
    input.kind.is_run() && context.policy().promotion().is_destination(&name.repository)
}

/// The finding that an image comes from where nobody is known to be trusted: `found` is what `expected` does not have. Of what is run it
/// can not be told where the policy says of no repository whose it is: it may be one of our own. On Docker Hub, where anybody may push,
/// it is somebody's.
pub(super) fn from_elsewhere(
    context: &RuleContext<'_>,
    (place, input, name): (Place, &Input, &ImageName),
    title: String,
    (found, expected): (String, String),
) -> Raised {
    let policy = context.policy();
    let is_said = policy.promotion().to.is_some() || policy.bases().line.is_some();
    let is_hub = name.repository.registry() == HUB;
    if !input.kind.is_run() || is_said || is_hub || context.is_set() {
        return context.fail(place, title, found, expected).by_line(policy.bases().line);
    }
    let (kind, written) = (input.kind.as_str(), &input.written);
    let title = format!("it can not be told whether {kind} `{written}` is one of your own images");
    let remedy = "name the repositories that you promote to under `promotion.to`, and those of others under `bases.allow`";
    context.unknown(place, title, found, expected).with_remedy(remedy).at_most(Action::Warn)
}

pub(super) fn place(build: &Build, at: Position) -> Place {
    Place::Source { path: build.path.clone(), line: at.line, column: at.column }
}

/// What `judge` says of the stage that each Dockerfile is built to. Where that is none of its stages it can not be told.
pub(super) fn of_targets(
    context: &RuleContext<'_>,
    (untold, expected): (&str, &str),
    judge: impl Fn(&Build, &Stage) -> Option<Raised>,
) -> Vec<Raised> {
    let raise = |build: &Build| match &build.target {
        Ok(number) => judge(build, build.stages.get(*number)?),
        Err(name) => {
            let place = place(build, build.stages.first()?.at);
            Some(context.unknown(place, untold, format!("no stage `{name}`"), expected))
        }
    };
    context.builds().iter().filter_map(raise).collect()
}

/// Whether it is a frontend of the maker of BuildKit, which says what a Dockerfile means.
pub(super) fn is_trusted_frontend(input: &Input) -> bool {
    match &input.source {
        Source::Image(name) if input.kind.is_frontend() => {
            is_frontend(&name.repository.to_string())
        }
        Source::Image(_)
        | Source::Stage(_)
        | Source::Scratch
        | Source::Malformed(_)
        | Source::Unresolved { .. } => false,
    }
}

/// Whether a repository is that of a frontend of the maker of BuildKit.
pub(super) fn is_frontend(repository: &str) -> bool {
    FRONTENDS.contains(&repository)
}

/// Every image that a Dockerfile names, but for its frontend. Of a name that is not known BASE-002 speaks, of a malformed one BASE-003.
pub(super) fn named<'a>(
    context: &RuleContext<'a>,
) -> impl Iterator<Item = (Place, &'a Input, &'a ImageName)> {
    images(context).filter(|(_, input, _)| !input.kind.is_frontend())
}

/// The same, and the frontend.
pub(super) fn images<'a>(
    context: &RuleContext<'a>,
) -> impl Iterator<Item = (Place, &'a Input, &'a ImageName)> {
    of(context).filter_map(|(place, input)| match &input.source {
        Source::Image(name) => Some((place, input, name)),
        Source::Stage(_) | Source::Scratch | Source::Malformed(_) | Source::Unresolved { .. } => {
            None
        }
    })
}

/// Findings about how images are named: `complaint` says what is found and what is expected.
pub(super) fn check_names(
    context: &RuleContext<'_>,
    title: &str,
    complaint: impl Fn(&ImageName) -> Option<(String, String)>,
) -> Vec<Raised> {
    named(context)
        .filter_map(|(place, input, name)| {
            let (found, expected) = complaint(name)?;
            let title = format!("{} `{}` {title}", input.kind.as_str(), input.written);
            Some(context.fail(place, title, found, expected))
        })
        .collect()
}

/// The entries of the lock that a reference names, those that have expired included. A mirror stands for what it mirrors only
/// where the bytes are pinned.
pub(super) fn entries<'a>(context: &RuleContext<'a>, name: &ImageName) -> Vec<&'a Entry> {
    let Some(lock) = context.facts().bases else { return Vec::new() };
    let original = context.policy().bases().original(&name.repository);
    let original = original.filter(|_| name.digest.is_some());
    let original = original.map(|repository| ImageName { repository, ..name.clone() });
    let names = || std::iter::once(name).chain(&original);
    let is_named = |entry: &&Entry| names().any(|name| entry.is_named_by(name));
    lock.entries().iter().filter(is_named).collect()
}

/// The user that an image runs as: of the one that is judged besides, or what all of those that are approved by its name have.
pub(super) fn user_of(context: &RuleContext<'_>, name: &ImageName) -> Option<String> {
    if let (Some(image), Some(digest)) = (context.facts().image, name.digest)
        && [image.pinned.digest, image.manifest].contains(&digest)
    {
        return Some(image.config.user.clone().unwrap_or_default());
    }
    let entries = entries(context, name);
    let mut users = entries.iter().map(|entry| entry.user());
    let first = users.next()??;
    users.all(|user| user == Some(first)).then(|| first.unwrap_or_default().to_owned())
}

/// The approved image whose layers are the lowest of the image that is judged.
pub(super) fn base<'a>(context: &RuleContext<'a>) -> Option<&'a Entry> {
    let (lock, image) = (context.facts().bases?, context.facts().image?);
    bases::match_base(lock, &diff_ids(image)).map(|(entry, _)| entry)
}

/// What the image that is judged is built on: by its layers; or, where those were merged, what it was built from by the word of
/// those whom the policy believes.
pub(super) fn bases<'a>(context: &RuleContext<'a>) -> Vec<&'a Entry> {
    match base(context) {
        Some(entry) => vec![entry],
        None => attested_base::of(context).unwrap_or_default(),
    }
}

/// The digests of the inflated layers, lowest first.
pub(super) fn diff_ids(image: &Image) -> Vec<Digest> {
    image.layers.iter().map(|layer| layer.diff_id).collect()
}

/// Whether somebody has approved this very repository: by an entry of the lock that holds, or by its whole name in the policy.
pub(super) fn is_approved_by_name(context: &RuleContext<'_>, name: &ImageName) -> bool {
    let repository = name.repository.to_string();
    let mut allowed = context.policy().bases().allow.iter();
    let is_locked = context.facts().bases.is_some_and(|lock| {
        let mut entries = lock.entries().iter();
        entries.any(|entry| entry.repository == name.repository && !entry.is_expired(context.now()))
    });
    is_locked || allowed.any(|allowed| allowed.repository.as_str() == repository)
}

/// The finding about an input that depends on a variable whose value is not known.
pub(super) fn unresolved(
    context: &RuleContext<'_>,
    place: Place,
    variable: &str,
    input: &Input,
) -> Raised {
    let written = &input.written;
    let title = format!("it can not be told which image `{written}` is");
    let found = format!("`{written}`, where `{variable}` has no value that is known here");
    let remedy = match input.kind {
        InputKind::Service | InputKind::Context => {
            format!("give `{variable}` a default, or a value in the `.env` beside the file")
        }
        InputKind::Pod => "give what is rendered, with the name of an image in it".to_owned(),
        InputKind::From
        | InputKind::Copy
        | InputKind::Mount
        | InputKind::Frontend
        | InputKind::GivenFrontend => {
            format!("give `ARG {variable}` a default, or pass `--build-arg {variable}=…`")
        }
    };
    context
        .unknown(place, title, found, "a reference without unknown variables")
        .with_remedy(remedy)
}
