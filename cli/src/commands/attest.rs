//! `plimsoll attest`.

use crate::{
    args::{AttestArguments, AttestationType},
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    files, report,
    stages::{
        attest::{self, Attested, Findings},
        dependencies, index, inventory, keys, resolve,
    },
};
use camino::Utf8Path;
use plimsoll_attest::{signers::Signer, source};
use std::fmt::Write as _;

/// Signs statements about an image, and attaches them or writes them to files.
pub(crate) async fn attest(
    ctx: &Context,
    arguments: &AttestArguments,
) -> Result<&'static ExitStatus, Error> {
    let types =
        if arguments.types.is_empty() { attest::STATED.as_slice() } else { &arguments.types };
    check_target(arguments)?;
    let signer = match keys::keyless_signer(ctx, &arguments.signing, &arguments.root).await? {
        Some(signer) => signer,
        None => Signer::Key(keys::signer(ctx, &arguments.signing.key)?),
    };
    let resolved = resolve::resolve(ctx, &arguments.subject).await?;
    let cataloged = inventory::catalog(ctx, &resolved).await?;
    let scan = if types.contains(&AttestationType::Vulnerabilities) {
        let index = index::open(ctx, &arguments.index).await?;
        Some(index::scan(ctx, cataloged.inventory(), &index).await?)
    } else {
        None
    };
    let (source, dependencies) = if types.contains(&AttestationType::Provenance) {
        let lock_files = dependencies::of_source(ctx, &arguments.source)?;
        (source::read(&arguments.source)?, lock_files)
    } else {
        (None, Vec::new())
    };
    let findings = Findings {
        resolved: &resolved,
        cataloged: &cataloged,
        scan: scan.as_ref(),
        source: source.as_ref(),
        dependencies,
    };
    let attested = attest::attest(ctx, &findings, types, &signer).await?;
    let text = if let Some(directory) = &arguments.bundles {
        write_bundles(directory, &attested)?
    } else {
        attest::attach(ctx, &resolved, &attested).await?;
        format!("{} statements attached to {}\n", attested.len(), resolved.subject())
    };
    report::to_stdout(text.as_bytes())?;
    Ok(&exit::PASSED)
}

/// Where the statements are to go is looked at before any work is done.
fn check_target(arguments: &AttestArguments) -> Result<(), Error> {
    let subject = &arguments.subject.subject;
    match &arguments.bundles {
        None if !attest::is_attachable(subject) => Err(Error::usage(
            format!("nothing can be attached to `{subject}`"),
            "write the bundles to files with `--bundles DIR`",
        )),
        Some(path) if path.exists() && !path.is_dir() => Err(Error::usage(
            format!("the bundles can not be written into `{path}`: it is no directory"),
            "name a directory, or one that is not there yet",
        )),
        _ => Ok(()),
    }
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
