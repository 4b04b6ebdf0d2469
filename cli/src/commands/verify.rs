//! `plimsoll verify`.

mod platforms;

use crate::{
    args::VerifyArguments,
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    files,
    report::{self, explain, roots, verification as as_json},
    stages::{
        keys,
        places::Looked,
        resolve, trust,
        verify::{self, Candidates, Verified},
    },
};
use platforms::Demand;
use plimsoll_attest::{Candidate, Step, Trust, Verification};
use plimsoll_model::evidence::{Presence, Unlogged};
use plimsoll_policy::{EvidenceKind, Policy};
use serde_json::json;
use std::{collections::BTreeSet, fmt::Write as _};

/// Verifies the evidence about an image, and explains every candidate.
pub(crate) async fn verify(
    ctx: &Context,
    arguments: &VerifyArguments,
) -> Result<&'static ExitStatus, Error> {
    let policy = ctx.policy()?;
    let trust = believed(ctx, arguments, &policy)?;
    let kinds = wanted(arguments, &policy);
    if arguments.all_platforms {
        let files = !arguments.bundles.is_empty();
        let given = files.then(|| read_bundles(ctx, arguments)).transpose()?;
        return platforms::verify(ctx, arguments, &Demand { trust, kinds, given }).await;
    }
    let resolved = resolve::resolve(ctx, &arguments.subject).await?;
    let digest = resolved.subject().digest;
    let candidates = if arguments.bundles.is_empty() {
        verify::fetch_from(ctx, resolved.source(), &digest, &arguments.from).await
    } else {
        read_bundles(ctx, arguments)?
    };
    let verified = verify::verify(ctx, &candidates, resolved.subject(), &trust, &kinds);
    let status = outcome(&verified.presence().values().collect::<Vec<_>>());
    let text = text(&resolved.subject().to_string(), &verified, &trust, status);
    let json = json!({
        "version": 1,
        "command": "verify",
        "subject": resolved.subject().to_string(),
        "exitStatus": status.code,
        "root": trust.root.as_ref().map(roots::as_json),
        "required": verified.presence().iter().map(|(kind, presence)| json!({
            "evidence": kind.to_string(), "answer": answer(presence, closest(&verified, *kind)),
        })).collect::<Vec<_>>(),
        "places": verified.looked().iter().map(Looked::to_json).collect::<Vec<_>>(),
        "candidates": verified.explanations().iter().map(as_json).collect::<Vec<_>>(),
    });
    exit::settle(&ctx.ui, status, report::write_simple(&arguments.output, &text, &json))
}

fn believed(ctx: &Context, arguments: &VerifyArguments, policy: &Policy) -> Result<Trust, Error> {
    let named = &arguments.believed;
    let demand = named.demand();
    let trust = if named.keys.is_empty() && demand.is_none() {
        trust::of_policy(ctx, policy, &arguments.trust, None)?
    } else {
        let keys = keys::public_keys(ctx, &named.keys)?;
        let named = (keys, demand.into_iter().collect());
        trust::by_hand(ctx, policy, &arguments.trust, named, Unlogged::Accept)?
    };
    if trust.signers.is_empty() {
        return Err(Error::usage(
            "there is nobody to believe: no key and no identity was given, the policy lists no signers, and there is no local key",
            "give the signer's public key with `--key FILE`, or his `--identity` and `--issuer`, or list him under `evidence.signers` in the policy",
        ));
    }
    Ok(trust)
}

fn wanted(arguments: &VerifyArguments, policy: &Policy) -> BTreeSet<EvidenceKind> {
    let asked: BTreeSet<EvidenceKind> = arguments.types.iter().map(|kind| kind.kind()).collect();
    let required = &policy.evidence().require;
    match (asked.is_empty(), required.is_empty()) {
        (false, _) => asked,
        (true, false) => required.clone(),
        (true, true) => EvidenceKind::STATED.into(),
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

/// Passed only when everything is present; what could not be told outweighs what is absent, and no answers are no pass.
fn outcome(answers: &[&Presence]) -> &'static ExitStatus {
    let is_untold = |presence: &&Presence| matches!(presence, Presence::CouldNotTell { .. });
    let is_there = |presence: &&Presence| !presence.evidence().is_empty();
    if answers.is_empty() || answers.iter().any(is_untold) {
        &exit::UNDECIDED
    } else if answers.iter().all(is_there) {
        &exit::PASSED
    } else {
        &exit::BLOCKED
    }
}

fn answer(presence: &Presence, closest: Option<&Step>) -> String {
    match presence {
        Presence::Present(evidence) => format!("present ({} verified)", evidence.len()),
        Presence::Absent { refused: 0 } => "absent: there is none".to_owned(),
        Presence::Absent { refused } => {
            let why = closest.map_or_else(String::new, |step| {
                format!("; the closest fails at {}: {}", step.kind.name(), step.found)
            });
            format!("absent: {refused} candidates, none verifies{why}")
        }
        Presence::CouldNotTell { reason } => format!("could not tell: {reason}"),
    }
}

/// Of the candidates that claim to be evidence of a kind, the step that the one fails which comes furthest.
fn closest(verified: &Verified, kind: EvidenceKind) -> Option<&Step> {
    let claims = verified.explanations().iter().filter(|candidate| {
        let claimed = candidate.predicate_type.as_deref();
        claimed.is_some_and(|claimed| kind.predicate_types().contains(&claimed))
    });
    claims.filter_map(Verification::failed_step).max_by_key(|step| step.number())
}

fn text(subject: &str, verified: &Verified, trust: &Trust, status: &ExitStatus) -> String {
    let mut out = format!("subject {subject}\n");
    // Writing to a string does not fail.
    for signer in &trust.signers {
        writeln!(out, "believed {}", plimsoll_model::Printable(&signer.to_string())).ok();
    }
    if let Some(root) = &trust.root {
        roots::write(&mut out, root).ok();
    }
    for looked in verified.looked() {
        writeln!(out, "looked in {}", plimsoll_model::Printable(&looked.to_string())).ok();
    }
    for (kind, presence) in verified.presence() {
        writeln!(
            out,
            "{kind}: {}",
            plimsoll_model::Printable(&answer(presence, closest(verified, *kind)))
        )
        .ok();
    }
    for candidate in verified.explanations() {
        out.push('\n');
        explain(&mut out, candidate).ok();
    }
    writeln!(out, "\n{}", verdict(status)).ok();
    out
}

const fn verdict(status: &ExitStatus) -> &'static str {
    match status.code {
        0 => "VERIFIED",
        1 => "NOT VERIFIED",
        _ => "UNDECIDED",
    }
}
