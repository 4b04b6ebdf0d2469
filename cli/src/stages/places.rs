//! The places where evidence is looked for, and what was found in each of them.

use crate::{
    context::{Context, VERSION},
    env,
    error::Error,
};
use plimsoll_attest::{
    Candidate,
    github::{GitHub, GitHubRepository},
    pack_layer,
    signers::keyless::{self, Patience},
};
use plimsoll_model::Digest;
use plimsoll_oci::{
    Source,
    manifest::{Content, Descriptor, Manifest},
};
use serde_json::{Value, json};
use std::{fmt, str::FromStr, time::Duration};

/// The media type of a Sigstore bundle marks a referrer as evidence: registries mislabel `artifactType`.
const BUNDLE_PREFIX: &str = "application/vnd.dev.sigstore.bundle";
/// The media type of a text that cosign signs.
const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// For how long GitHub is asked again when it does not answer.
const BUDGET: Duration = Duration::from_mins(2);
/// What cosign has put under tags beside an image: attestations and signatures.
const COSIGN_TAGS: [&str; 2] = ["att", "sig"];

/// Where evidence may be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum EvidencePlace {
    /// What refers to the image where it lies.
    Referrers,
    /// The tags beside the image under which cosign kept what it signed.
    Cosign,
    /// The attestations that GitHub keeps for a repository.
    GitHub(GitHubRepository),
}

impl EvidencePlace {
    /// Where evidence is looked for unless somebody says where: next to the image. A service elsewhere would learn what is
    /// being looked at, and is asked only by whoever wants that.
    fn defaults(source: &Source) -> Vec<Self> {
        match source {
            Source::Registry(_) => vec![Self::Referrers, Self::Cosign],
            // cosign keeps its tags in registries alone.
            Source::Layout(_)
            | Source::OciArchive(_)
            | Source::DockerArchive(_)
            | Source::DockerDaemon(_) => vec![Self::Referrers],
        }
    }
}

impl FromStr for EvidencePlace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "referrers" => Ok(Self::Referrers),
            "cosign" => Ok(Self::Cosign),
            _ => named_repository(text)
                .map(Self::GitHub)
                .ok_or_else(|| "expected `referrers`, `cosign` or `github:OWNER/REPO`".to_owned()),
        }
    }
}

/// Reads `github:OWNER/REPO`, for a flag.
pub(crate) fn github_repository(text: &str) -> Result<GitHubRepository, String> {
    named_repository(text).ok_or_else(|| "expected `github:OWNER/REPO`".to_owned())
}

fn named_repository(text: &str) -> Option<GitHubRepository> {
    text.strip_prefix("github:")?.parse().ok()
}

/// GitHub's API, as the environment says where it is and by which token.
pub(crate) fn github(ctx: &Context) -> Result<GitHub, Error> {
    if ctx.shared.offline {
        return Err(Error::usage(
            "attestations on GitHub need GitHub's API, and `--offline` permits no connection",
            "leave out `github:`, or `--offline`",
        ));
    }
    let api = ctx.environment.get(&env::GITHUB_API_URL).unwrap_or("https://api.github.com");
    let client = keyless::client(&format!("plimsoll/{VERSION}"), ctx.shared.timeout)?;
    let patience = Patience { budget: BUDGET, attempt: ctx.shared.timeout, ..Patience::STANDARD };
    let token = ctx.environment.get(&env::GITHUB_TOKEN);
    Ok(GitHub::new(api, (client, token), (patience, &ctx.limits))?)
}

/// What became of looking in one place. Its texts may come from strangers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Looked {
    place: String,
    answer: Answer,
}

/// The three answers.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    /// So many candidates are there; never none.
    Found(usize),
    /// It was said that there is nothing.
    Nothing,
    /// It could not be told what is there.
    CouldNotTell(String),
}

impl Looked {
    fn of(place: String, found: &Result<Vec<Candidate>, Error>) -> Self {
        let answer = match found {
            Ok(found) if found.is_empty() => Answer::Nothing,
            Ok(found) => Answer::Found(found.len()),
            Err(error) => Answer::CouldNotTell(error.chain()),
        };
        Self { place, answer }
    }

    /// A place where somebody else has looked, and could not tell.
    pub(crate) const fn untold_of(place: String, reason: String) -> Self {
        Self { place, answer: Answer::CouldNotTell(reason) }
    }

    /// Why it could not be told, where it could not.
    pub(crate) fn untold(&self) -> Option<String> {
        match &self.answer {
            Answer::CouldNotTell(reason) => Some(format!("{}: {reason}", self.place)),
            Answer::Found(_) | Answer::Nothing => None,
        }
    }

    /// For programs.
    pub(crate) fn to_json(&self) -> Value {
        let (answer, candidates, reason) = match &self.answer {
            Answer::Found(count) => ("found", Some(*count), None),
            Answer::Nothing => ("nothing", Some(0), None),
            Answer::CouldNotTell(reason) => ("could-not-tell", None, Some(reason)),
        };
        json!({"place": self.place, "answer": answer, "candidates": candidates, "reason": reason})
    }
}

impl fmt::Display for Looked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: ", self.place)?;
        match &self.answer {
            Answer::Found(1) => write!(out, "1 candidate"),
            Answer::Found(count) => write!(out, "{count} candidates"),
            Answer::Nothing => write!(out, "nothing"),
            Answer::CouldNotTell(reason) => write!(out, "could not tell: {reason}"),
        }
    }
}

/// Looks for evidence about `subject` in these places; in those that are usual, where none is named.
///
/// Never fails: what keeps the search from being complete is part of the answer, and never looks like an empty one. A place
/// that could not be told does not keep anybody from looking in the next.
pub(crate) async fn look(
    ctx: &Context,
    source: &Source,
    subject: &Digest,
    places: &[EvidencePlace],
) -> (Vec<Candidate>, Vec<Looked>) {
    let usual = EvidencePlace::defaults(source);
    let places = if places.is_empty() { &usual } else { places };
    let (mut candidates, mut looked) = (Vec::new(), Vec::new());
    let mut note = |place: String, found: Result<Vec<Candidate>, Error>| {
        looked.push(Looked::of(place, &found));
        candidates.extend(found.unwrap_or_default());
    };
    for place in places {
        match place {
            EvidencePlace::Referrers => {
                let place = format!("referrers of {}", source.place());
                note(place, referrers(ctx, source, subject).await);
            }
            EvidencePlace::Cosign => {
                for suffix in COSIGN_TAGS {
                    let place = format!("cosign's tag `.{suffix}` in {}", source.place());
                    note(place, beside(ctx, source, (subject, suffix)).await);
                }
            }
            EvidencePlace::GitHub(repository) => {
                let place = format!("attestations of {repository} on GitHub");
                note(place, attestations(ctx, repository, subject).await);
            }
        }
    }
    (candidates, looked)
}

async fn referrers(
    ctx: &Context,
    source: &Source,
    subject: &Digest,
) -> Result<Vec<Candidate>, Error> {
    let is_bundle = |layer: &&Descriptor| layer.media_type.starts_with(BUNDLE_PREFIX);
    let mut candidates = Vec::new();
    for referrer in source.referrer_manifests(subject).await? {
        for layer in layers(&referrer).iter().filter(is_bundle) {
            let bytes = source.read_blob(layer, ctx.limits.evidence).await?.to_vec();
            let found_at = format!("referrer {} of {}", referrer.descriptor.digest, source.place());
            candidates.push(Candidate { found_at, bytes });
        }
    }
    Ok(candidates)
}

/// cosign's signatures that refer to `subject`: with referrers, it has put in them what it else put under a tag.
pub(crate) async fn cosign_referrers(
    ctx: &Context,
    source: &Source,
    subject: &Digest,
) -> Result<Vec<Candidate>, Error> {
    let is_signature = |layer: &&Descriptor| layer.media_type == SIMPLE_SIGNING;
    let mut candidates = Vec::new();
    for referrer in source.referrer_manifests(subject).await? {
        for layer in layers(&referrer).iter().filter(is_signature) {
            let content = source.read_blob(layer, ctx.limits.evidence).await?;
            let bytes = pack_layer(&layer.media_type, &layer.annotations, &content);
            let found_at = format!("referrer {} of {}", referrer.descriptor.digest, source.place());
            candidates.push(Candidate { found_at, bytes });
        }
    }
    Ok(candidates)
}

/// Every layer below a tag of cosign's is a candidate, whatever it claims to be: what is there is to be seen.
async fn beside(
    ctx: &Context,
    source: &Source,
    (subject, suffix): (&Digest, &'static str),
) -> Result<Vec<Candidate>, Error> {
    let Some(manifest) = source.beside(subject, suffix).await? else { return Ok(Vec::new()) };
    let tag = format!("cosign's tag `.{suffix}` in {}", source.place());
    let candidate = |found: &Descriptor, content: &[u8]| Candidate {
        found_at: format!("{} below {tag}", found.digest),
        bytes: pack_layer(&found.media_type, &found.annotations, content),
    };
    if matches!(manifest.content, Content::Index(_)) {
        return Ok(vec![candidate(&manifest.descriptor, &manifest.bytes)]);
    }
    let (layers, limit) = (layers(&manifest), ctx.limits.referrers_fetched);
    if layers.len() > limit {
        return Err(plimsoll_oci::Error::TooMany { from: tag, what: "layers", limit }.into());
    }
    let mut candidates = Vec::new();
    for layer in layers {
        candidates.push(candidate(layer, &source.read_blob(layer, ctx.limits.evidence).await?));
    }
    Ok(candidates)
}

async fn attestations(
    ctx: &Context,
    repository: &GitHubRepository,
    subject: &Digest,
) -> Result<Vec<Candidate>, Error> {
    let bundles = github(ctx)?.find(repository, *subject).await?;
    let number = |(index, bytes): (usize, Vec<u8>)| Candidate {
        found_at: format!("attestation {} of {repository} on GitHub", index.saturating_add(1)),
        bytes,
    };
    Ok(bundles.into_iter().enumerate().map(number).collect())
}

fn layers(manifest: &Manifest) -> &[Descriptor] {
    match &manifest.content {
        Content::Image(artifact) => &artifact.layers,
        Content::Index(_) => &[],
    }
}
