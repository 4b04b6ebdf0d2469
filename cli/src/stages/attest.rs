//! Findings → signed statements, attached to the image.

use crate::{
    args::AttestationType,
    context::Context,
    error::Error,
    stages::{inventory::Cataloged, junit::TestRun, keys::Signers, resolve::Resolved},
};
use plimsoll_attest::{
    BUNDLE_MEDIA_TYPE, Bundle, Candidate, Pending, Statement, StatementSubject,
    builders::{self, IdentityClaims, ResolvedDependency, RunFacts},
    predicates,
    signers::{KeySigner, Signer},
    source::SourceFacts,
};
use plimsoll_model::{Digest, Reference, scan::Scan};
use plimsoll_oci::{Store, store::Artifact};
use std::collections::BTreeMap;

/// What is stated about an image where nothing else is asked for.
pub(crate) const STATED: [AttestationType; 3] =
    [AttestationType::Provenance, AttestationType::Sbom, AttestationType::Vulnerabilities];

/// One signed statement.
#[derive(Debug, Clone)]
pub(crate) struct Attested {
    predicate_type: String,
    /// What it is in place of, where it is signed for the time being alone.
    pending: Option<String>,
    bundle: Vec<u8>,
}

/// The statements that were signed.
#[derive(Debug, Default)]
pub(crate) struct Made {
    /// All of them, in order.
    pub attested: Vec<Attested>,
    /// Why some of them are pending.
    outage: Option<Error>,
}

impl Made {
    /// What is pending: what each is in place of, the bundle, and why.
    pub(crate) fn pending(&self) -> impl Iterator<Item = (&str, &Attested, String)> {
        let reason = self.outage.as_ref().map(Error::chain).unwrap_or_default();
        let pending = self.attested.iter();
        pending.filter_map(move |one| Some((one.pending.as_deref()?, one, reason.clone())))
    }

    /// All of them, and that some are pending, as what went wrong.
    pub(crate) fn into_parts(self) -> (Vec<Attested>, Option<Error>) {
        let count = self.pending().count();
        let queued = |source| Error::Queued { count, source: Box::new(source) };
        (self.attested, self.outage.map(queued))
    }
}

impl Attested {
    fn of(statement: &Statement, bundle: &Bundle) -> Self {
        let predicate_type = statement.predicate_type().to_owned();
        Self { predicate_type, pending: None, bundle: bundle.to_bytes() }
    }

    /// What it states.
    pub(crate) fn predicate_type(&self) -> &str {
        &self.predicate_type
    }

    /// The bundle's bytes.
    pub(crate) fn bundle(&self) -> &[u8] {
        &self.bundle
    }

    /// Digest of the bundle.
    pub(crate) fn digest(&self) -> Digest {
        Digest::of(&self.bundle)
    }

    /// As something to verify, like what others made.
    pub(crate) fn candidate(&self) -> Candidate {
        Candidate {
            found_at: format!("this run ({})", self.predicate_type),
            bytes: self.bundle.clone(),
        }
    }
}

/// What there is to state.
#[derive(Debug)]
pub(crate) struct Findings<'a> {
    /// The image.
    pub resolved: &'a Resolved,
    /// What is aboard.
    pub cataloged: &'a Cataloged,
    /// What the advisories say; absent when that is not to be stated.
    pub scan: Option<&'a Scan>,
    /// What its tests came to; absent when that is not to be stated.
    pub tests: Option<&'a TestRun>,
    /// The source that was built, where it is known.
    pub source: Option<&'a SourceFacts>,
    /// What else went into it.
    pub dependencies: Vec<ResolvedDependency>,
}

/// Signs a statement of each type.
///
/// Where the services that it takes are out, and there is a key for that, what is left is signed by it as pending: who has not
/// answered for one statement is not waited for with each of the others.
pub(crate) async fn attest(
    ctx: &Context,
    findings: &Findings<'_>,
    types: &[AttestationType],
    signers: &Signers,
) -> Result<Made, Error> {
    let stage = ctx.ui.stage("attest");
    let Signers { signer, outage } = signers;
    let (mut made, mut out) = (Made::default(), None);
    let identity = signer.claims().await;
    for kind in types {
        let (predicate_type, predicate) = predicate(ctx, findings, *kind, identity.as_ref())?;
        let subjects = findings.resolved.digests();
        let name = subject_name(findings.resolved);
        let statement = statement(&name, &subjects, predicate_type, predicate)?;
        if out.is_none() {
            match (signer.sign(&statement).await, outage) {
                (Ok(bundle), _) => {
                    made.attested.push(Attested::of(&statement, &bundle));
                    continue;
                }
                (Err(error), Some(key)) if error.is_outage() => out = Some((error, key)),
                (Err(error), _) => return Err(error.into()),
            }
        }
        if let Some((error, key)) = &out {
            made.attested.push(queue(ctx, &statement, error, key)?);
        }
    }
    let key = out.as_ref().map(|(_, key)| key.public_key().id().short());
    made.outage = out.map(|(error, _)| error.into());
    let pending = made.pending().count();
    let signed = made.attested.len().saturating_sub(pending);
    let Some(key) = key else {
        stage.done(&format!("{signed} statements {}", signer.signed().await));
        return Ok(made);
    };
    stage.done(&format!("{signed} statements signed, {pending} pending"));
    if let Some(error) = &made.outage {
        ctx.ui.warn(&format!(
            "{pending} statements are pending, signed by key {key} for the time being: {}",
            error.chain()
        ));
    }
    Ok(made)
}

/// Signs, in place of a statement, that it is pending.
fn queue(
    ctx: &Context,
    statement: &Statement,
    outage: &plimsoll_attest::Error,
    key: &KeySigner,
) -> Result<Attested, Error> {
    let pending = Pending::of(statement, outage, ctx.now)?;
    let bundle = plimsoll_attest::sign(&pending, key)?;
    let stated = Some(statement.predicate_type().to_owned());
    Ok(Attested { pending: stated, ..Attested::of(&pending, &bundle) })
}

/// Signs one statement about an image.
pub(crate) async fn sign(
    name: &str,
    digests: &[Digest],
    predicate_type: &str,
    (predicate, signer): (serde_json::Value, &Signer),
) -> Result<Attested, Error> {
    let statement = statement(name, digests, predicate_type, predicate)?;
    let bundle = signer.sign(&statement).await?;
    Ok(Attested::of(&statement, &bundle))
}

fn statement(
    name: &str,
    digests: &[Digest],
    predicate_type: &str,
    predicate: serde_json::Value,
) -> Result<Statement, Error> {
    let subjects = digests
        .iter()
        .map(|digest| StatementSubject { name: name.to_owned(), digest: *digest })
        .collect();
    Ok(Statement::new(subjects, predicate_type, predicate)?)
}

/// Whether evidence can be attached to an image where it lies: archives are only read.
pub(crate) const fn is_attachable(image: &Reference) -> bool {
    match image {
        Reference::Registry(_) | Reference::OciLayout(_) => true,
        Reference::OciArchive(_)
        | Reference::DockerArchive(_)
        | Reference::DockerDaemon(_)
        | Reference::Directory(_)
        | Reference::File(_)
        | Reference::Sbom(_) => false,
    }
}

/// Attaches the bundles to the image where it lies, if that place can be written.
pub(crate) async fn attach(
    ctx: &Context,
    resolved: &Resolved,
    attested: &[Attested],
) -> Result<Attachment, Error> {
    if !is_attachable(resolved.typed()) {
        return Ok(Attachment::KeptInMemory);
    }
    let store = Store::open(resolved.typed(), ctx.access()?).await?;
    attach_to(&store, resolved, attested).await?;
    Ok(Attachment::Attached)
}

/// Where evidence went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attachment {
    /// To the image, as referrers.
    Attached,
    /// Nowhere: the image's place is read-only.
    KeptInMemory,
}

/// Attaches bundles to the image in a store that has it.
pub(crate) async fn attach_to(
    store: &Store,
    resolved: &Resolved,
    attested: &[Attested],
) -> Result<(), Error> {
    for statement in attested {
        let annotations = BTreeMap::from([
            ("dev.sigstore.bundle.content".to_owned(), "dsse-envelope".to_owned()),
            ("dev.sigstore.bundle.predicateType".to_owned(), statement.predicate_type.clone()),
        ]);
        let artifact = Artifact {
            artifact_type: BUNDLE_MEDIA_TYPE.to_owned(),
            media_type: BUNDLE_MEDIA_TYPE.to_owned(),
            bytes: statement.bundle.clone().into(),
            annotations,
        };
        store.attach(resolved.descriptor(), artifact).await?;
    }
    Ok(())
}

/// The name that statements give the image.
pub(crate) fn subject_name(resolved: &Resolved) -> String {
    resolved.subject().place.subject_name()
}

fn predicate(
    ctx: &Context,
    findings: &Findings<'_>,
    kind: AttestationType,
    identity: Option<&IdentityClaims>,
) -> Result<(&'static str, serde_json::Value), Error> {
    Ok(match kind {
        AttestationType::Provenance => (
            predicates::slsa_provenance_v1::PREDICATE.type_uri,
            provenance(ctx, findings, identity)?,
        ),
        AttestationType::Sbom => {
            let document = findings.cataloged.sbom("cyclonedx-json")?;
            (
                predicates::sbom_cyclonedx::PREDICATE.type_uri,
                predicates::sbom_cyclonedx::predicate(&document)?,
            )
        }
        AttestationType::Spdx => {
            let document = findings.cataloged.sbom("spdx-json")?;
            (
                predicates::sbom_spdx::PREDICATE.type_uri,
                predicates::sbom_spdx::predicate(&document)?,
            )
        }
        AttestationType::Vulnerabilities => {
            let scan =
                findings.scan.ok_or(Error::Internal("a scan is stated that was not made"))?;
            let facts = predicates::vulnerabilities::ScanFacts {
                scan,
                inventory: findings.cataloged.inventory(),
                scanner_version: crate::context::VERSION,
                started: ctx.now,
                finished: ctx.now,
            };
            (
                predicates::vulnerabilities::PREDICATE.type_uri,
                predicates::vulnerabilities::predicate(&facts),
            )
        }
        AttestationType::TestResult => {
            let tests =
                findings.tests.ok_or(Error::Internal("tests are stated that were not read"))?;
            (predicates::test_result::PREDICATE.type_uri, tests.predicate())
        }
    })
}

fn provenance(
    ctx: &Context,
    findings: &Findings<'_>,
    identity: Option<&IdentityClaims>,
) -> Result<serde_json::Value, Error> {
    let run = RunFacts {
        started: ctx.document_time.unwrap_or(ctx.now),
        finished: ctx.document_time.unwrap_or(ctx.now),
        tool_version: crate::context::VERSION.to_owned(),
        dependencies: findings.dependencies.clone(),
        identity: identity.cloned(),
    };
    let facts = builders::detect(ctx.environment.all(), findings.source, &run)?;
    Ok(predicates::slsa_provenance_v1::predicate(&facts))
}
