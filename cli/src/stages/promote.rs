//! Clearance → the image where it may be deployed from, with its evidence; the tag moves last.

use crate::{
    args,
    context::{Context, VERSION},
    error::Error,
    stages::{
        attest::{self, Attested},
        decide::Case,
        resolve::Resolved,
        verify::{self, Candidates},
    },
};
use camino::Utf8Path;
use plimsoll_attest::{Trust, predicates::vsa, signers::Signer};
use plimsoll_model::{Digest, Pinned, Reference, evidence::Presence, reference::Tag};
use plimsoll_oci::{
    Store,
    copy::{self, CopyReport, CopyStep, Observer},
};
use plimsoll_policy::{Clearance, Policy, Verdict};

/// What a promotion needs besides its clearance.
#[derive(Debug)]
pub(crate) struct Order<'a> {
    /// The image.
    pub resolved: &'a Resolved,
    /// Where to, with a tag.
    pub destination: &'a Reference,
    /// What was judged; judged again by the evidence at the destination.
    pub case: &'a Case<'a>,
    /// Statements that could not be attached at the source.
    pub carried: &'a [Attested],
    /// Who is believed.
    pub trust: &'a Trust,
    /// Who signs the summary.
    pub signer: &'a Signer,
}

/// A promotion that is complete.
#[derive(Debug, Clone)]
pub(crate) struct Promoted {
    to: Pinned,
    tag: Tag,
    copied: CopyReport,
    summary: Option<Digest>,
}

impl Promoted {
    /// Where the image is now.
    pub(crate) const fn to(&self) -> &Pinned {
        &self.to
    }

    /// The tag that names it there.
    pub(crate) const fn tag(&self) -> &Tag {
        &self.tag
    }

    /// What was copied.
    pub(crate) const fn copied(&self) -> &CopyReport {
        &self.copied
    }

    /// Digest of the bundle with the verification summary; absent where an equal one was there already.
    pub(crate) const fn summary(&self) -> Option<&Digest> {
        self.summary.as_ref()
    }

    /// Whether all of it was there already.
    pub(crate) const fn is_unchanged(&self) -> bool {
        self.copied.blobs_uploaded == 0
            && self.copied.blobs_mounted == 0
            && self.copied.manifests_written == 0
            && self.summary.is_none()
    }
}

/// What `to` has to be: a store and a tag, permitted by the policy. Said before any work is done.
pub(crate) fn destination_tag(
    policy: &Policy,
    from: &Reference,
    to: &Reference,
) -> Result<Tag, Error> {
    let tag = args::destination_tag(to).ok_or_else(|| {
        Error::usage(
            format!("`{to}` names no tag to promote to"),
            "give REGISTRY/REPOSITORY:TAG or oci-layout:DIR:TAG; archives can not be written",
        )
    })?;
    // Nothing is deployed from a layout: what is in one passes here again on its way into a registry.
    let Reference::Registry(to) = to else { return Ok(tag) };
    let repository = match from {
        Reference::Registry(from) => Some(&from.repository),
        Reference::OciLayout(_)
        | Reference::OciArchive(_)
        | Reference::DockerArchive(_)
        | Reference::DockerDaemon(_)
        | Reference::Directory(_)
        | Reference::File(_)
        | Reference::Sbom(_) => None,
    };
    if policy.promotion().permits(repository, &to.repository) {
        return Ok(tag);
    }
    Err(Error::NotPermitted {
        from: repository.map_or_else(|| from.to_string(), ToString::to_string),
        to: to.repository.to_string(),
    })
}

/// Promotes what the clearance names.
pub(crate) async fn promote(
    ctx: &Context,
    clearance: &Clearance,
    order: &Order<'_>,
) -> Result<Promoted, Error> {
    let stage = ctx.ui.stage("promote");
    let resolved = order.resolved;
    let subject = clearance.subject();
    if subject != resolved.subject() {
        return Err(Error::Internal("a clearance was given for another subject"));
    }
    let tag = destination_tag(order.case.policy, resolved.typed(), order.destination)?;
    let store = Store::open(order.destination, ctx.access()?).await?;

    // 1. The tag may move: an immutable one that names another digest may not.
    let previous = store.current_tag(&tag).await?;
    check_immutable(order, &store, &tag, previous)?;
    // 2. The image, its children and everything that refers to them, by digest; no tag.
    let steps = Steps(stage.bar());
    let copied = copy::copy(resolved.source(), subject, &store, &ctx.limits, &steps).await?;
    // 3. What could not be attached at the source.
    attest::attach_to(&store, resolved, order.carried).await?;
    // 4. The whole gate again, by what is at the destination.
    let evidence = verify::fetch(ctx, &store.as_source(), &subject.digest).await;
    let inputs = judge_destination(ctx, order, &store, &evidence).await?;
    // 5. The receipt, unless the same is there already.
    let summary = summarise(ctx, clearance, order, (&store, &evidence, &inputs)).await?;
    // 6. The tag, last. Where it stands for this digest already nothing is written, but that it still does is looked at.
    let manifest = store.as_source().manifest(&subject.digest).await?;
    store.set_tag(&tag, &manifest, previous).await?;
    let to = Pinned { place: store.place(), digest: subject.digest };
    let promoted = Promoted { to, tag, copied, summary };
    stage.done(&outcome(&promoted));
    Ok(promoted)
}

fn outcome(promoted: &Promoted) -> String {
    let copied = &promoted.copied;
    if promoted.is_unchanged() {
        return format!(
            "{}:{} is there already, nothing was uploaded",
            promoted.to.place, promoted.tag
        );
    }
    format!(
        "{}:{}, {} blobs uploaded, {} mounted, {} present, {} referrers",
        promoted.to.place,
        promoted.tag,
        copied.blobs_uploaded,
        copied.blobs_mounted,
        copied.blobs_present,
        copied.referrers
    )
}

fn check_immutable(
    order: &Order<'_>,
    store: &Store,
    tag: &Tag,
    previous: Option<Digest>,
) -> Result<(), Error> {
    match previous {
        Some(found)
            if found != order.resolved.subject().digest
                && order.case.policy.promotion().is_immutable(tag.as_str()) =>
        {
            Err(Error::ImmutableTag {
                tag: tag.to_string(),
                place: store.place().to_string(),
                found: found.to_string(),
            })
        }
        _ => Ok(()),
    }
}

/// Reads image and evidence back from the destination and decides by them; returns the digests of the evidence.
async fn judge_destination(
    ctx: &Context,
    order: &Order<'_>,
    store: &Store,
    evidence: &Candidates,
) -> Result<Vec<(String, Digest)>, Error> {
    let source = store.as_source();
    let place = store.place().to_string();
    let pinned = Pinned { place: store.place(), digest: order.resolved.subject().digest };
    let image =
        plimsoll_oci::open_image(&source, &pinned, Some(&order.resolved.image().platform)).await?;
    let judged = order.resolved.image();
    if image.manifest != judged.manifest || image.config_digest != judged.config_digest {
        return Err(Error::Changed {
            what: "the image",
            place,
            expected: judged.manifest.to_string(),
            found: image.manifest.to_string(),
        });
    }
    // What says that it may be taken from there says nothing of here yet: that it may come here is what is decided.
    let subject = order.resolved.subject();
    let verified = verify::verify(
        ctx,
        evidence,
        (subject.digest, &subject.place.to_string()),
        order.trust,
        &verify::all_kinds(),
    );
    let decision = order.case.decide(ctx, Some(verified.presence()));
    if decision.verdict() != Verdict::Pass {
        let reason = decision
            .blocking()
            .map(|judged| judged.finding.title.clone())
            .collect::<Vec<_>>()
            .join("; ");
        return Err(Error::EvidenceAtDestination { place, reason });
    }
    let present = verified.presence().values().flat_map(Presence::evidence);
    Ok(present
        .map(|evidence| (evidence.facts().predicate_type.clone(), evidence.facts().bundle))
        .collect())
}

/// Signs and attaches the verification summary, unless a verified one says the same already.
async fn summarise(
    ctx: &Context,
    clearance: &Clearance,
    order: &Order<'_>,
    (store, evidence, inputs): (&Store, &Candidates, &[(String, Digest)]),
) -> Result<Option<Digest>, Error> {
    let place = store.place().to_string();
    let predicate = vsa::predicate(&vsa::VsaFacts {
        verifier_id: vsa::VERIFIER_ID,
        verifier_version: VERSION,
        time: ctx.now,
        resource_uri: &place,
        policy_uri: order.case.policy.path().map_or("plimsoll:baseline", Utf8Path::as_str),
        policy_digest: clearance.policy(),
        input_attestations: inputs,
        result: vsa::VsaResult::Passed,
        verified_levels: &[],
    });
    let subject = Pinned { place: store.place(), digest: order.resolved.subject().digest };
    if is_summarised(ctx, evidence, (&subject, order.trust), &predicate) {
        return Ok(None);
    }
    let name = store.place().subject_name();
    let summary = attest::sign(
        &name,
        &order.resolved.digests(),
        vsa::PREDICATE.type_uri,
        (predicate, order.signer),
    )
    .await?;
    attest::attach_to(store, order.resolved, std::slice::from_ref(&summary)).await?;
    Ok(Some(summary.digest()))
}

/// Whether a verified summary by somebody who is believed states the same, its time aside.
fn is_summarised(
    ctx: &Context,
    candidates: &Candidates,
    (subject, trust): (&Pinned, &Trust),
    predicate: &serde_json::Value,
) -> bool {
    let without_time = |mut value: serde_json::Value| {
        if let Some(object) = value.as_object_mut() {
            object.remove("timeVerified");
        }
        value
    };
    let found = candidates.look(ctx, subject, trust, &[vsa::PREDICATE.type_uri]);
    let Presence::Present(evidence) = found else { return false };
    let wanted = without_time(predicate.clone());
    evidence.iter().any(|known| {
        serde_json::from_str(&known.facts().predicate)
            .is_ok_and(|value| without_time(value) == wanted)
    })
}

#[derive(Debug)]
struct Steps(Option<indicatif::ProgressBar>);

impl Observer for Steps {
    fn step(&self, _step: &CopyStep) -> Result<(), plimsoll_oci::Error> {
        if let Some(bar) = &self.0 {
            bar.tick();
        }
        Ok(())
    }
}
