//! `plimsoll verify-bundle`.

use crate::{
    args::VerifyBundleArguments,
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    files,
    report::{self, explain, roots, verification as as_json},
    stages::{keys, trust},
};
use camino::Utf8Path;
use plimsoll_attest::{Candidate, Expectation, Wanted};
use plimsoll_model::{Digest, evidence::Unlogged};
use serde_json::json;
use std::fmt::Write as _;

/// Verifies one bundle about a file, or about a digest.
///
/// The command line is that of the conformance suite: <https://github.com/sigstore/sigstore-conformance/blob/v0.0.25/docs/cli_protocol.md>.
pub(crate) fn verify_bundle(
    ctx: &Context,
    arguments: &VerifyBundleArguments,
) -> Result<&'static ExitStatus, Error> {
    let policy = ctx.policy()?;
    let keys = keys::public_keys(ctx, &arguments.believed.keys)?;
    let named = (keys, arguments.believed.demand().into_iter().collect());
    let unlogged = if arguments.allow_unlogged { Unlogged::Accept } else { Unlogged::Refuse };
    let trust = trust::by_hand(ctx, &policy, &arguments.trust, named, unlogged)?;
    let artifact = Artifact::read(ctx, &arguments.artifact)?;
    let bytes = files::read_past(&arguments.bundle, ctx.limits.evidence)?;
    let found = plimsoll_attest::verify(
        &Candidate { found_at: arguments.bundle.to_string(), bytes },
        &Expectation {
            subject: artifact.digest,
            place: None,
            content: artifact.content.as_deref(),
            wanted: Wanted::Signature,
            trust: &trust,
            limits: &ctx.limits,
        },
    );
    let (status, answer) = match (found.failed_step(), &found.unread) {
        (None, _) => (&exit::PASSED, "VERIFIED"),
        (Some(_), None) => (&exit::BLOCKED, "NOT VERIFIED"),
        (Some(_), Some(_)) => (&exit::UNDECIDED, "UNDECIDED"),
    };
    let mut text = String::new();
    // Writing to a string does not fail.
    explain(&mut text, &found).ok();
    if let Some(root) = &trust.root {
        roots::write(&mut text, root).ok();
    }
    writeln!(text, "\n{answer}").ok();
    let json = json!({
        "version": 1,
        "command": "verify-bundle",
        "subject": artifact.digest.to_string(),
        "exitStatus": status.code,
        "root": trust.root.as_ref().map(roots::as_json),
        "candidates": [as_json(&found)],
    });
    exit::settle(&ctx.ui, status, report::write_simple(&arguments.output, &text, &json))
}

/// What the bundle has to be about.
struct Artifact {
    digest: Digest,
    /// Its bytes, where they are at hand and no more than evidence may be: of a larger one the digest is enough, but for
    /// signatures by Ed25519.
    content: Option<Vec<u8>>,
}

impl Artifact {
    /// A digest where the argument is one, else a file.
    fn read(ctx: &Context, argument: &str) -> Result<Self, Error> {
        if let Ok(digest) = argument.parse() {
            return Ok(Self { digest, content: None });
        }
        let path = Utf8Path::new(argument);
        let limit = ctx.limits.evidence;
        let content = files::read_past(path, limit)?;
        if u64::try_from(content.len()).is_ok_and(|size| size <= limit) {
            return Ok(Self { digest: Digest::of(&content), content: Some(content) });
        }
        drop(content);
        Ok(Self { digest: files::digest(path)?, content: None })
    }
}
