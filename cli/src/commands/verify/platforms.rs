//! `plimsoll verify --all-platforms`: an index is verified when each of its images is.

use super::Belief;
use crate::{
    args::VerifyArguments,
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    report::{
        self,
        answers::{answer, verdict},
        explain, verification as as_json,
    },
    stages::{
        look,
        places::Looked,
        resolve::{self, Platforms},
        verify::{self, Candidates, Verified},
    },
};
use plimsoll_model::{Pinned, Printable, evidence::Presence};
use plimsoll_oci::Source;
use plimsoll_policy::EvidenceKind;
use serde_json::{Value, json};
use std::{collections::BTreeSet, fmt::Write as _};

/// What is demanded.
struct Demand<'a> {
    belief: &'a Belief,
    /// Candidates from files, in place of what is found.
    given: Option<Candidates>,
}

/// One image, or the index.
struct Part {
    /// Its platform, or `index`.
    name: String,
    subject: Pinned,
    verified: Verified,
}

/// Verifies every image of an index.
pub(super) async fn verify(
    ctx: &Context,
    arguments: &VerifyArguments,
    belief: &Belief,
) -> Result<&'static ExitStatus, Error> {
    let Some(typed) = arguments.images.single() else {
        return Err(Error::usage(
            "`--all-platforms` is about one image",
            "name one, and nothing else",
        ));
    };
    let platforms = resolve::resolve_platforms(ctx, typed).await?;
    let files = !arguments.bundles.is_empty();
    let given = files.then(|| look::read_bundles(ctx, &arguments.bundles)).transpose()?;
    let demand = &Demand { belief, given };
    let index = index(ctx, arguments, demand, &platforms).await;
    let mut images = Vec::new();
    for image in &platforms.images {
        let subject = image.subject().clone();
        let name = image.image().platform.to_string();
        let about = (image.source(), &subject);
        let verified = look_up(ctx, arguments, demand, about, &demand.belief.kinds).await;
        images.push(Part { name, subject, verified });
    }
    let answers: Vec<_> = images
        .iter()
        .flat_map(|image| {
            demand.belief.kinds.iter().filter_map(|kind| met(*kind, image, index.as_ref()))
        })
        .map(|(presence, _)| presence)
        .collect();
    // An index without images has no answers, which is no pass (A17).
    let status = look::status(answers.into_iter());
    let subject = platforms.index.as_ref().or_else(|| images.first().map(|image| &image.subject));
    let subject = subject.map_or_else(|| typed.to_string(), Pinned::to_string);
    let json = json!({
        "version": 1,
        "command": "verify",
        "subject": subject,
        "exitStatus": status.code,
        "trust": belief.to_json(),
        "index": index.as_ref().map(|index| part(index, demand, None)),
        "platforms": images
            .iter()
            .map(|image| part(image, demand, index.as_ref()))
            .collect::<Vec<_>>(),
    });
    let text = text(&subject, demand, (&images, index.as_ref()), status);
    exit::settle(&ctx.ui, status, report::write_simple(&arguments.output, &text, &json))
}

/// The index, where provenance of all its images may be: who builds them in one run states it once.
async fn index(
    ctx: &Context,
    arguments: &VerifyArguments,
    demand: &Demand<'_>,
    platforms: &Platforms,
) -> Option<Part> {
    let (subject, image) = platforms.index.clone().zip(platforms.images.first())?;
    let kinds: BTreeSet<_> =
        demand.belief.kinds.iter().copied().filter(|kind| is_met_by_index(*kind)).collect();
    if kinds.is_empty() {
        return None;
    }
    let verified = look_up(ctx, arguments, demand, (image.source(), &subject), &kinds).await;
    Some(Part { name: "index".to_owned(), subject, verified })
}

async fn look_up(
    ctx: &Context,
    arguments: &VerifyArguments,
    demand: &Demand<'_>,
    (source, subject): (&Source, &Pinned),
    kinds: &BTreeSet<EvidenceKind>,
) -> Verified {
    let candidates = match &demand.given {
        Some(given) => given.clone(),
        None => verify::fetch_from(ctx, source, &subject.digest, &arguments.from).await,
    };
    let about = (subject.digest, &*subject.place.to_string());
    verify::verify(ctx, &candidates, about, &demand.belief.trust, kinds)
}

/// What is aboard, what is known to be unsafe in it, how it fared in tests and before a gate, differs from platform to
/// platform; how all were built may not.
const fn is_met_by_index(kind: EvidenceKind) -> bool {
    match kind {
        EvidenceKind::Provenance => true,
        EvidenceKind::Sbom
        | EvidenceKind::Vulnerabilities
        | EvidenceKind::Tests
        | EvidenceKind::Vsa => false,
    }
}

/// Whether evidence is there, and where: the image's own, and only where it has none, the index's.
fn met<'a>(
    kind: EvidenceKind,
    image: &'a Part,
    index: Option<&'a Part>,
) -> Option<(&'a Presence, &'a Part)> {
    let own = image.verified.presence().get(&kind)?;
    let of_index =
        index.filter(|_| is_met_by_index(kind) && matches!(own, Presence::Absent { .. }));
    let shared = of_index.and_then(|index| Some((index.verified.presence().get(&kind)?, index)));
    Some(
        shared
            .filter(|(found, _)| !matches!(found, Presence::Absent { .. }))
            .unwrap_or((own, image)),
    )
}

/// What is said of one kind of evidence.
fn said(kind: EvidenceKind, image: &Part, index: Option<&Part>) -> Option<String> {
    let (presence, by) = met(kind, image, index)?;
    let answer = answer(presence, &by.verified, kind);
    let is_own = by.subject == image.subject;
    Some(if is_own { answer } else { format!("{answer}, for the index") })
}

fn part(part: &Part, demand: &Demand<'_>, index: Option<&Part>) -> Value {
    let required = demand.belief.kinds.iter().filter_map(|kind| {
        let answer = said(*kind, part, index)?;
        Some(json!({"evidence": kind.to_string(), "answer": answer}))
    });
    json!({
        "platform": part.name,
        "subject": part.subject.to_string(),
        "required": required.collect::<Vec<_>>(),
        "places": part.verified.looked().iter().map(Looked::to_json).collect::<Vec<_>>(),
        "candidates": part.verified.explanations().iter().map(as_json).collect::<Vec<_>>(),
    })
}

fn text(
    subject: &str,
    demand: &Demand<'_>,
    (images, index): (&[Part], Option<&Part>),
    status: &ExitStatus,
) -> String {
    let mut out = format!("subject {subject}\n");
    // Writing to a string does not fail.
    demand.belief.write(&mut out).ok();
    if images.is_empty() {
        writeln!(out, "the index holds no image: there is nothing to verify").ok();
    }
    for image in images {
        for kind in &demand.belief.kinds {
            let Some(said) = said(*kind, image, index) else { continue };
            writeln!(out, "{} {kind}: {}", Printable(&image.name), Printable(&said)).ok();
        }
    }
    for part in images.iter().chain(index) {
        writeln!(out, "\n{} {}", Printable(&part.name), part.subject.digest).ok();
        for looked in part.verified.looked() {
            writeln!(out, "looked in {}", Printable(&looked.to_string())).ok();
        }
        for candidate in part.verified.explanations() {
            explain(&mut out, candidate).ok();
        }
    }
    writeln!(out, "\n{}", verdict(status)).ok();
    out
}
