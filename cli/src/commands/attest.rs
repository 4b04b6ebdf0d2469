//! `plimsoll attest`.

use crate::{
    args::{AttestArguments, AttestationType},
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    files, report,
    stages::{
        attest::{self, Attachment, Attested, Findings},
        index, inventory, keys, resolve,
    },
};
use camino::Utf8Path;
use std::fmt::Write as _;

const DEFAULT: [AttestationType; 3] =
    [AttestationType::Provenance, AttestationType::Sbom, AttestationType::Vulnerabilities];

/// Signs statements about an image, and attaches them or writes them to files.
pub(crate) async fn attest(
    ctx: &Context,
    arguments: &AttestArguments,
) -> Result<&'static ExitStatus, Error> {
    let types = if arguments.types.is_empty() { DEFAULT.as_slice() } else { &arguments.types };
    let signer = keys::signer(ctx, &arguments.key)?;
    let resolved = resolve::resolve(ctx, &arguments.subject).await?;
    let cataloged = inventory::catalog(ctx, &resolved).await?;
    let scan = if types.contains(&AttestationType::Vulnerabilities) {
        let index = index::open(ctx, &arguments.index).await?;
        Some(index::scan(ctx, cataloged.inventory(), &index).await?)
    } else {
        None
    };
    let findings = Findings {
        resolved: &resolved,
        cataloged: &cataloged,
        scan: scan.as_ref(),
        source: &arguments.source,
    };
    let attested = attest::attest(ctx, &findings, types, &signer)?;
    let text = match &arguments.bundles {
        Some(directory) => write_bundles(directory, &attested)?,
        None => match attest::attach(ctx, &resolved, &attested).await? {
            Attachment::Attached => {
                format!("{} statements attached to {}\n", attested.len(), resolved.subject())
            }
            Attachment::KeptInMemory => {
                return Err(Error::usage(
                    format!("nothing can be attached to `{}`", resolved.typed()),
                    "write the bundles to files with `--bundles DIR`",
                ));
            }
        },
    };
    report::to_stdout(text.as_bytes())?;
    Ok(&exit::PASSED)
}

fn write_bundles(directory: &Utf8Path, attested: &[Attested]) -> Result<String, Error> {
    let mut text = String::new();
    // Writing to a string does not fail.
    for statement in attested {
        let path = directory.join(format!("{}.sigstore.json", statement.digest().hex()));
        files::write(&path, statement.bundle())?;
        writeln!(text, "{path} {}", statement.predicate_type()).ok();
    }
    Ok(text)
}
