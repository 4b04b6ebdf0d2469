//! Evidence about many images: each is looked up once, several at a time, and answered in the order in which it was asked for.

use crate::{
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    files,
    stages::{
        images::{Asked, AskedImage},
        places::EvidencePlace,
        resolve,
        verify::{self, Candidates, Verified},
    },
};
use camino::Utf8PathBuf;
use futures_util::{StreamExt as _, stream};
use plimsoll_attest::{Candidate, Trust, archive::Archive};
use plimsoll_model::{Digest, Reference, evidence::Presence, platform::Platform};
use plimsoll_policy::EvidenceKind;
use std::collections::{BTreeMap, BTreeSet};

/// Where evidence is looked for.
#[derive(Debug)]
pub(crate) enum Sources<'a> {
    /// Where the images are, or in these places.
    Images(&'a [EvidencePlace]),
    /// In these files, whatever the image.
    Bundles(&'a [Utf8PathBuf]),
    /// In an evidence file.
    File(&'a Archive),
}

/// How evidence is looked for and judged.
#[derive(Debug)]
pub(crate) struct Looking<'a> {
    /// Where.
    pub sources: Sources<'a>,
    /// The platform that is judged.
    pub platform: Option<&'a Platform>,
    /// Who is believed.
    pub trust: &'a Trust,
    /// What has to be there.
    pub kinds: &'a BTreeSet<EvidenceKind>,
}

/// What was found about one image.
#[derive(Debug)]
pub(crate) struct Looked {
    /// What it is called, with its digest. From an evidence file where there is one: not yet fit for a terminal.
    pub subject: String,
    /// Its digest.
    pub digest: Digest,
    /// Every candidate.
    pub candidates: Candidates,
    /// What they came to.
    pub verified: Verified,
}

impl Looked {
    /// See [`status`].
    pub(crate) fn status(&self) -> &'static ExitStatus {
        status(self.verified.presence().values())
    }
}

/// Passed only when everything is present; what could not be told outweighs what is absent, and no answers are no pass.
pub(crate) fn status<'p, I: Iterator<Item = &'p Presence>>(answers: I) -> &'static ExitStatus {
    exit::worst(answers.map(|presence| match presence {
        Presence::Present(evidence) if !evidence.is_empty() => &exit::PASSED,
        Presence::Present(_) | Presence::Absent { .. } => &exit::BLOCKED,
        Presence::CouldNotTell { .. } => &exit::UNDECIDED,
    }))
}

/// What was asked for, and what came of it.
#[derive(Debug)]
pub(crate) struct Answers {
    /// In the order in which they were asked for.
    pub asked: Vec<Asked>,
    /// Of each, its place in `outcomes`; none where it can not be told which image is meant.
    of: Vec<Option<usize>>,
    /// Each image once.
    pub outcomes: Vec<Result<Looked, Error>>,
}

impl Answers {
    /// Each that was asked for, with its outcome; none where it can not be told which image is meant.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Asked, Option<&Result<Looked, Error>>)> {
        let outcomes = self.of.iter().map(|at| at.and_then(|at| self.outcomes.get(at)));
        self.asked.iter().zip(outcomes)
    }
}

/// An image and what was found about it.
struct Found {
    subject: String,
    /// Where it is judged: summaries of gates are about one place.
    place: String,
    digest: Digest,
    source: Option<plimsoll_oci::Source>,
    candidates: Option<Candidates>,
}

/// Looks up every image that was asked for, and verifies what there is about it.
///
/// What is wrong with one image is part of its answer; an error is about all of them.
pub(crate) async fn look(
    ctx: &Context,
    looking: &Looking<'_>,
    asked: Vec<Asked>,
) -> Result<Answers, Error> {
    let at_once = ctx.shared.jobs.map_or_else(rayon::current_num_threads, std::num::NonZero::get);
    // 1. What is written the same way is resolved once.
    let mut images: Vec<(&Asked, &AskedImage)> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut of: Vec<Option<usize>> = Vec::new();
    for one in &asked {
        of.push(one.image.as_ref().ok().map(|image| {
            let next = images.len();
            let at = *places.entry(one.name.clone()).or_insert(next);
            if at == next {
                images.push((one, image));
            }
            at
        }));
    }
    let found = images.into_iter().map(|(one, image)| find(ctx, looking, &one.name, image));
    let found: Vec<Result<Found, Error>> = stream::iter(found).buffered(at_once).collect().await;
    // 2. The same digest at the same place is looked up once, whatever it is called.
    let mut subjects: BTreeMap<String, usize> = BTreeMap::new();
    let mut unique: Vec<Result<Found, Error>> = Vec::new();
    let mut moved: Vec<usize> = Vec::new();
    for one in found {
        let next = unique.len();
        let at = match &one {
            Ok(found) => *subjects.entry(found.subject.clone()).or_insert(next),
            Err(_) => next,
        };
        if at == next {
            unique.push(one);
        }
        moved.push(at);
    }
    let bundles = match &looking.sources {
        Sources::Bundles(paths) => Some(read_bundles(ctx, paths)?),
        Sources::Images(_) | Sources::File(_) => None,
    };
    let outcomes =
        unique.into_iter().map(|found| verify_one(ctx, looking, found, bundles.as_ref()));
    let outcomes = stream::iter(outcomes).buffered(at_once).collect().await;
    let of = of.into_iter().map(|at| at.and_then(|at| moved.get(at).copied())).collect();
    Ok(Answers { asked, of, outcomes })
}

/// Bundles from files. One that is too large is a candidate like the others: it must not stand in their way.
pub(crate) fn read_bundles(ctx: &Context, paths: &[Utf8PathBuf]) -> Result<Candidates, Error> {
    let read = |path: &Utf8PathBuf| {
        let bytes = files::read_past(path, ctx.limits.evidence)?;
        Ok(Candidate { found_at: path.to_string(), bytes })
    };
    Ok(Candidates::of(paths.iter().map(read).collect::<Result<_, Error>>()?))
}

async fn find(
    ctx: &Context,
    looking: &Looking<'_>,
    name: &str,
    image: &AskedImage,
) -> Result<Found, Error> {
    let typed = match (image, &looking.sources) {
        (AskedImage::Named(reference), _) => reference,
        (AskedImage::Packed(digest), Sources::File(archive)) => {
            let place = name.strip_suffix(&format!("@{digest}")).unwrap_or(name);
            return Ok(packed(archive, *digest, (name.to_owned(), place.to_owned())));
        }
        (AskedImage::Packed(_), _) => return Err(Error::Internal("an image is packed in no file")),
    };
    if let Sources::File(archive) = &looking.sources
        && let Reference::Registry(name) = typed
    {
        // What a tag names only its registry knows, which is not asked: the file's word for it would be its maker's.
        let Some(digest) = name.digest else {
            return Err(Error::usage(
                format!(
                    "`{typed}` is named by a tag, and an evidence file does not say what tags name"
                ),
                "name it by digest, or leave it out: then every image in the file is verified",
            ));
        };
        let place = name.repository.to_string();
        return Ok(packed(archive, digest, (typed.to_string(), place)));
    }
    let resolved = resolve::resolve_reference(ctx, typed, looking.platform).await?;
    let (subject, digest) = (resolved.subject().to_string(), resolved.subject().digest);
    let place = resolved.subject().place.to_string();
    Ok(match &looking.sources {
        Sources::Images(_) | Sources::Bundles(_) => {
            let source = Some(resolved.source().clone());
            Found { subject, place, digest, source, candidates: None }
        }
        Sources::File(archive) => packed(archive, digest, (subject, place)),
    })
}

fn packed(archive: &Archive, digest: Digest, (subject, place): (String, String)) -> Found {
    let candidates = Some(candidates_in(archive, digest));
    Found { subject, place, digest, source: None, candidates }
}

/// What an evidence file has about a digest. Whoever packed it may not have looked for this one: that leaves it untold.
pub(crate) fn candidates_in(archive: &Archive, digest: Digest) -> Candidates {
    Candidates::as_found(archive.find(digest).map_or_else(
        || Err("it says nothing about this digest".to_owned()),
        |image| image.candidates.clone(),
    ))
}

async fn verify_one(
    ctx: &Context,
    looking: &Looking<'_>,
    found: Result<Found, Error>,
    bundles: Option<&Candidates>,
) -> Result<Looked, Error> {
    let Found { subject, place, digest, source, candidates } = found?;
    let candidates = match (candidates.or_else(|| bundles.cloned()), source) {
        (Some(candidates), _) => candidates,
        (None, Some(source)) => {
            let places = match looking.sources {
                Sources::Images(places) => places,
                Sources::Bundles(_) | Sources::File(_) => &[],
            };
            verify::fetch_from(ctx, &source, &digest, places).await
        }
        (None, None) => return Err(Error::Internal("evidence is looked for nowhere")),
    };
    let about = (digest, place.as_str());
    let verified = verify::verify(ctx, &candidates, about, looking.trust, looking.kinds);
    Ok(Looked { subject, digest, candidates, verified })
}
