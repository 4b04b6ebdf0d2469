//! `plimsoll base approve`.

use super::{known_index, lock_path, today};
use crate::{
    args::BaseApproveArguments,
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    files, report,
    stages::{
        decide::{self, Build, Case, LOCK_TYPE},
        index,
        inventory::{self, Cataloged},
        keys,
        publisher::{self, Asked, Signed},
        resolve::{self, Resolved},
    },
};
use jiff::{ToSpan as _, civil::Date};
use plimsoll_model::{Digest, Printable, Reference, reference::ImageName};
use plimsoll_policy::{
    AllowedBase, Policy, Verdict,
    bases::{BaseScan, Entry, EntryPlatform, Lock, Publisher, PublisherSignature},
};
use plimsoll_vuln::Index;
use std::sync::Arc;

/// How long an approval holds where nobody says otherwise.
const APPROVAL_DAYS: i64 = 90;

/// Looks at a base image, and writes it into the lock.
pub(super) async fn approve(
    ctx: &Context,
    arguments: &BaseApproveArguments,
) -> Result<&'static ExitStatus, Error> {
    let policy = ctx.policy()?;
    let path = lock_path(&policy, arguments.lock.as_deref());
    let signer = keys::signer(ctx, &arguments.key)?;
    let is_there = path.exists();
    let lock = is_there.then(|| decide::read_lock(ctx, &path, &[signer.public_key().clone()]));
    let mut lock = lock.transpose()?.unwrap_or_default();
    let name = approved_name(arguments)?;
    let (approved, expires) = days(ctx, arguments)?;
    let index = known_index(ctx, &arguments.index).await?;
    if index.is_none() {
        ctx.ui.warn("the base is not scanned: there are no advisories (`plimsoll db update`)");
    }
    // 1. Whoever publishes it has to have signed it, where the policy says so.
    let first = resolve::resolve_reference(ctx, &arguments.subject, None).await?;
    let demanded = policy.bases().publisher(&name.repository);
    let signed = signed(ctx, &policy, arguments, (&first, demanded)).await?;
    if let Some(Demanded { publisher, signed: Signed::ByNobody { refused }, .. }) = &signed {
        return Ok(not_signed(ctx, &name, &publisher.to_string(), refused));
    }
    // 2. Every layer is read: the digests in a configuration are a claim.
    let (top, images) = images(ctx, arguments, first).await?;
    let (signature, over) = signature(signed);
    // Where the manifest alone was signed, nobody vouches for what else the index names.
    let index_digest = top.filter(|top| over.is_none_or(|over| over == *top));
    let mut looked = Vec::new();
    for image in images {
        let cataloged = inventory::catalog(ctx, &image).await?;
        looked.push((image, cataloged));
    }
    let (first, cataloged) = looked.first().ok_or(Error::Internal("no image was looked at"))?;
    let digest = index_digest.unwrap_or(first.image().manifest);
    let distribution = cataloged.inventory().distribution.as_ref();
    // 3. What it came to.
    let entry = Entry {
        repository: name.repository.clone(),
        tag: name.tag.clone(),
        index: index_digest,
        platforms: looked.iter().map(platform).collect(),
        os_release: distribution.and_then(|distribution| distribution.pretty_name.clone()),
        approver: arguments.approver.clone(),
        approved,
        expires,
        verified: verified(signature.as_ref()),
        signature,
        scan: scan(ctx, &policy, index.as_ref(), &looked).await?,
        replaces: replaced(&lock, &name, digest),
    };
    lock.add(entry)?;
    let envelope = plimsoll_attest::sign_payload(LOCK_TYPE, &lock.to_bytes(), &signer)?;
    files::write(&path, &envelope.to_bytes())?;
    let said = format!("approved {name} ({digest}) until {expires} in {path}\n");
    report::to_stdout(said.as_bytes())?;
    Ok(&exit::PASSED)
}

/// Whether the publisher that is demanded has signed; nothing where none is.
async fn signed(
    ctx: &Context,
    policy: &Policy,
    arguments: &BaseApproveArguments,
    (first, demanded): (&Resolved, Option<(&AllowedBase, Publisher)>),
) -> Result<Option<Demanded>, Error> {
    let Some((allowed, publisher)) = demanded else { return Ok(None) };
    let image = first.image();
    let asked = Asked {
        source: first.source(),
        top: image.pinned.digest,
        // The signature over one image says nothing of those for other platforms.
        image: (!arguments.all_platforms).then_some(image.manifest),
    };
    let source = allowed.source.clone();
    let by = (publisher, source.as_deref());
    let signed = publisher::verify(ctx, policy, &arguments.root, asked, by).await?;
    Ok(Some(Demanded { publisher, source, signed }))
}

/// The signature that is demanded, and what came of looking for it.
struct Demanded {
    publisher: Publisher,
    source: Option<String>,
    signed: Signed,
}

/// Whose signature it is, and over what.
fn signature(demanded: Option<Demanded>) -> (Option<PublisherSignature>, Option<Digest>) {
    match demanded {
        Some(Demanded { publisher, source, signed: Signed::By { signer, over } }) => {
            (Some(PublisherSignature { publisher, signer, source }), Some(over))
        }
        Some(Demanded { signed: Signed::ByNobody { .. }, .. }) | None => (None, None),
    }
}

/// How the origin of an image was verified, in words.
fn verified(signature: Option<&PublisherSignature>) -> String {
    let digests = "digests of manifest, configuration and layers";
    match signature {
        Some(by) => format!("{digests}, signature of `{}`", by.publisher),
        None => digests.to_owned(),
    }
}

/// Says that the publisher's signature is not there.
fn not_signed(
    ctx: &Context,
    name: &ImageName,
    publisher: &str,
    refused: &[String],
) -> &'static ExitStatus {
    for reason in refused {
        ctx.ui.note(&Printable(reason).to_string());
    }
    ctx.ui.warn(&format!(
        "{name} is not approved: the policy demands the signature of `{publisher}`, and {}",
        if refused.is_empty() { "there is none" } else { "none that is there is it" }
    ));
    &exit::BLOCKED
}

/// Today, and the last day of the approval.
fn days(ctx: &Context, arguments: &BaseApproveArguments) -> Result<(Date, Date), Error> {
    let today = today(ctx);
    let expires = match arguments.expires {
        Some(date) => date,
        None => today.saturating_add(APPROVAL_DAYS.days()),
    };
    if expires < today {
        return Err(Error::usage(
            format!("the approval would end on {expires}, before today"),
            "give a later day",
        ));
    }
    Ok((today, expires))
}

fn approved_name(arguments: &BaseApproveArguments) -> Result<ImageName, Error> {
    match (&arguments.alias, &arguments.subject) {
        (Some(name), _) | (None, Reference::Registry(name)) => Ok(name.clone()),
        _ => Err(Error::usage(
            format!(
                "`{}` is a file: builds name their base by registry and repository",
                arguments.subject
            ),
            "say which with `--as REGISTRY/REPOSITORY:TAG`",
        )),
    }
}

/// The images for the platforms that are approved, and the index that they are in.
async fn images(
    ctx: &Context,
    arguments: &BaseApproveArguments,
    first: Resolved,
) -> Result<(Option<Digest>, Vec<Resolved>), Error> {
    let image = first.image();
    let top = image.pinned.digest;
    if !arguments.all_platforms {
        return Ok(((top != image.manifest).then_some(top), vec![first]));
    }
    // By digest: a tag that moves in between does not bring two images into one entry.
    let typed = match first.typed() {
        Reference::Registry(name) => {
            Reference::Registry(ImageName { digest: Some(top), ..name.clone() })
        }
        other @ (Reference::OciLayout(_)
        | Reference::OciArchive(_)
        | Reference::DockerArchive(_)
        | Reference::DockerDaemon(_)
        | Reference::Directory(_)
        | Reference::File(_)
        | Reference::Sbom(_)) => other.clone(),
    };
    let platforms = resolve::resolve_platforms(ctx, &typed).await?;
    Ok((platforms.index.map(|index| index.digest), platforms.images))
}

/// What was looked at, as the lock has it.
fn platform((resolved, _): &(Resolved, Cataloged)) -> EntryPlatform {
    let image = resolved.image();
    EntryPlatform {
        platform: image.platform.clone(),
        manifest: image.manifest,
        config: image.config_digest,
        diff_ids: image.layers.iter().map(|layer| layer.diff_id).collect(),
        user: image.config.user.clone(),
        on_build: Some(EntryPlatform::triggers(&image.config.on_build)),
        labels: Some(EntryPlatform::labels_of(&image.config.labels)),
    }
}

/// What the gate of the policy says of the flaws of every image: the worst of it.
async fn scan(
    ctx: &Context,
    policy: &Policy,
    index: Option<&Arc<Index>>,
    looked: &[(Resolved, Cataloged)],
) -> Result<Option<BaseScan>, Error> {
    let Some(index) = index else { return Ok(None) };
    let mut worst = Verdict::Pass;
    for (_, cataloged) in looked {
        let scan = index::scan(ctx, cataloged.inventory(), index).await?;
        let case = Case {
            policy,
            image: None,
            users: None,
            secrets: None,
            files: None,
            inventory: Some(cataloged.inventory()),
            scan: Some(&scan),
            vex: None,
            since: None,
            flags: None,
            build: &Build::default(),
            bases: None,
        };
        // What is blocked was seen, and outweighs what could not be told of another platform.
        worst = match (worst, case.decide(ctx, None).verdict()) {
            (Verdict::Blocked, _) | (_, Verdict::Blocked) => Verdict::Blocked,
            (Verdict::Undecided, _) | (_, Verdict::Undecided) => Verdict::Undecided,
            (Verdict::Pass, Verdict::Pass) => Verdict::Pass,
        };
    }
    match worst {
        Verdict::Pass => {}
        Verdict::Blocked => ctx.ui.warn("the base has flaws that the gate of the policy blocks"),
        Verdict::Undecided => ctx.ui.warn("it could not be told whether the base has flaws"),
    }
    Ok(Some(BaseScan { verdict: worst, on: today(ctx), advisories: index.stamp().digest }))
}

/// What the same name meant in the newest approval before. Images that are approved by digest alone have no name in common.
fn replaced(lock: &Lock, name: &ImageName, digest: Digest) -> Option<Digest> {
    name.tag.as_ref()?;
    let same = lock
        .entries()
        .iter()
        .filter(|known| known.repository == name.repository && known.tag == name.tag);
    // Of several on one day, the one that none of the others stands in the place of.
    let is_last = |known: &Entry| {
        let mut all = lock.entries().iter();
        known.digest().is_some() && all.all(|other| other.replaces != known.digest())
    };
    let newest = same.max_by_key(|known| (known.approved, is_last(known), known.expires))?;
    // Whoever renews an approval keeps what it replaced.
    if newest.digest() == Some(digest) { newest.replaces } else { newest.digest() }
}
