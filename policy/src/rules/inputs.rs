//! What the rules about Dockerfiles have in common.

use super::{Raised, RuleContext};
use crate::dockerfile::{Build, Input, InputKind, Position, Source, Stage};
use plimsoll_model::{finding::Place, reference::ImageName};

/// The frontends of the maker of BuildKit.
const FRONTENDS: [&str; 2] =
    ["docker.io/docker/dockerfile", "docker.io/docker/dockerfile-upstream"];

/// Every input of every Dockerfile, and where it is named.
pub(super) fn of<'a>(context: &RuleContext<'a>) -> impl Iterator<Item = (Place, &'a Input)> {
    context
        .builds()
        .iter()
        .flat_map(|build| build.inputs().map(|input| (place(build, input.at), input)))
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
        Source::Image(name) if input.kind == InputKind::Frontend => {
            FRONTENDS.contains(&name.repository.to_string().as_str())
        }
        Source::Image(_)
        | Source::Stage(_)
        | Source::Scratch
        | Source::Malformed(_)
        | Source::Unresolved { .. } => false,
    }
}

/// Findings about how images are named: `complaint` says what is found and what is expected.
pub(super) fn check_names(
    context: &RuleContext<'_>,
    title: &str,
    complaint: impl Fn(&ImageName) -> Option<(String, String)>,
) -> Vec<Raised> {
    of(context)
        .filter(|(_, input)| input.kind != InputKind::Frontend)
        .filter_map(|(place, input)| match &input.source {
            Source::Image(name) => {
                let (found, expected) = complaint(name)?;
                let title = format!("{} `{}` {title}", input.kind.as_str(), input.written);
                Some(context.fail(place, title, found, expected))
            }
            Source::Unresolved { variable } => Some(unresolved(context, place, variable, input)),
            // Of what is malformed, BASE-001 speaks.
            Source::Malformed(_) | Source::Stage(_) | Source::Scratch => None,
        })
        .collect()
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
    context
        .unknown(place, title, found, "a reference without unknown variables")
        .with_remedy(format!("give `ARG {variable}` a default, or pass `--build-arg {variable}=…`"))
}
