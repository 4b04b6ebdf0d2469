//! `plimsoll verify`.

use crate::{
    args::{AttestationType, VerifyArguments},
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    files,
    report::{self, explain, verification as as_json},
    stages::{
        keys, resolve,
        verify::{self, Candidates, Verified},
    },
};
use plimsoll_attest::{Candidate, PublicKey};
use plimsoll_model::evidence::Presence;
use plimsoll_policy::{EvidenceKind, Policy};
use serde_json::json;
use std::{collections::BTreeSet, fmt::Write as _};

/// Verifies the evidence about an image, and explains every candidate.
pub(crate) async fn verify(
    ctx: &Context,
    arguments: &VerifyArguments,
) -> Result<&'static ExitStatus, Error> {
    let policy = ctx.policy()?;
    let keys = believed(ctx, arguments, &policy)?;
    let kinds = wanted(arguments, &policy);
    let resolved = resolve::resolve(ctx, &arguments.subject).await?;
    let digest = resolved.subject().digest;
    let candidates = if arguments.bundles.is_empty() {
        verify::fetch(ctx, resolved.source(), &digest).await
    } else {
        read_bundles(ctx, arguments)?
    };
    let verified = verify::verify(ctx, &candidates, digest, &keys, &kinds);
    let status = status(&verified);
    let text = text(&resolved.subject().to_string(), &verified, &keys, status);
    let json = json!({
        "version": 1,
        "command": "verify",
        "subject": resolved.subject().to_string(),
        "exitStatus": status.code,
        "required": verified.presence().iter().map(|(kind, presence)| json!({
            "evidence": kind.to_string(), "answer": answer(presence),
        })).collect::<Vec<_>>(),
        "candidates": verified.explanations().iter().map(as_json).collect::<Vec<_>>(),
    });
    exit::settle(&ctx.ui, status, report::write_simple(&arguments.output, &text, &json))
}

fn believed(
    ctx: &Context,
    arguments: &VerifyArguments,
    policy: &Policy,
) -> Result<Vec<PublicKey>, Error> {
    let keys = if arguments.keys.is_empty() {
        keys::trusted(ctx, policy, None)?
    } else {
        keys::public_keys(ctx, &arguments.keys)?
    };
    if keys.is_empty() {
        return Err(Error::usage(
            "there is no key to verify with: none was given, the policy lists no signers, and there is no local key",
            "give the signer's public key with `--key FILE`, or list it under `evidence.signers` in the policy",
        ));
    }
    Ok(keys)
}

fn wanted(arguments: &VerifyArguments, policy: &Policy) -> BTreeSet<EvidenceKind> {
    let asked: BTreeSet<EvidenceKind> = arguments.types.iter().copied().map(kind).collect();
    let required = &policy.evidence().require;
    match (asked.is_empty(), required.is_empty()) {
        (false, _) => asked,
        (true, false) => required.clone(),
        (true, true) => verify::all_kinds(),
    }
}

const fn kind(attestation: AttestationType) -> EvidenceKind {
    match attestation {
        AttestationType::Provenance => EvidenceKind::Provenance,
        AttestationType::Sbom | AttestationType::Spdx => EvidenceKind::Sbom,
        AttestationType::Vulnerabilities => EvidenceKind::Vulnerabilities,
    }
}

fn read_bundles(ctx: &Context, arguments: &VerifyArguments) -> Result<Candidates, Error> {
    // One that is too large is a candidate like the others: it must not stand in their way.
    let read = |path: &camino::Utf8PathBuf| {
        let bytes = files::read_past(path, ctx.limits.evidence)?;
        Ok(Candidate { found_at: path.to_string(), bytes })
    };
    Ok(Candidates::of(arguments.bundles.iter().map(read).collect::<Result<_, Error>>()?))
}

/// Passed only when every kind is present; what could not be told outweighs what is absent.
fn status(verified: &Verified) -> &'static ExitStatus {
    let answers = || verified.presence().values();
    if answers().any(|presence| matches!(presence, Presence::CouldNotTell { .. }))
        || answers().next().is_none()
    {
        &exit::UNDECIDED
    } else if answers()
        .all(|presence| matches!(presence, Presence::Present(evidence) if !evidence.is_empty()))
    {
        &exit::PASSED
    } else {
        &exit::BLOCKED
    }
}

fn answer(presence: &Presence) -> String {
    match presence {
        Presence::Present(evidence) => format!("present ({} verified)", evidence.len()),
        Presence::Absent { refused: 0 } => "absent: there is none".to_owned(),
        Presence::Absent { refused } => format!("absent: {refused} candidates, none verifies"),
        Presence::CouldNotTell { reason } => format!("could not tell: {reason}"),
    }
}

fn text(subject: &str, verified: &Verified, keys: &[PublicKey], status: &ExitStatus) -> String {
    let mut out = format!("subject {subject}\n");
    // Writing to a string does not fail.
    for key in keys {
        writeln!(out, "believed key {}", key.id()).ok();
    }
    for (kind, presence) in verified.presence() {
        writeln!(out, "{kind}: {}", plimsoll_model::Printable(&answer(presence))).ok();
    }
    for candidate in verified.explanations() {
        out.push('\n');
        explain(&mut out, candidate).ok();
    }
    let verdict = match status.code {
        0 => "VERIFIED",
        1 => "NOT VERIFIED",
        _ => "UNDECIDED",
    };
    writeln!(out, "\n{verdict}").ok();
    out
}
