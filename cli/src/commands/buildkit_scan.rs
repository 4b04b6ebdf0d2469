//! `plimsoll buildkit-scan`: the scanner that BuildKit runs for `--attest type=sbom,generator=…`.
//!
//! Protocol: <https://github.com/moby/buildkit/blob/v0.26.0/docs/attestations/sbom-protocol.md>. What is written is an
//! in-toto statement without a subject, which BuildKit puts in: <https://github.com/in-toto/attestation/tree/main/spec/v0.1.0>.

use crate::{
    context::Context,
    env::{self, Variable},
    error::Error,
    exit::{self, ExitStatus},
    files,
    stages::inventory::{self, Cataloged},
};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_oci::directory::Ignored;
use serde_json::{Value, json};

/// At most so many file systems beside the main one: BuildKit hands over one for each stage.
const EXTRAS: usize = 1_000;

/// Lists the file systems that BuildKit hands over.
pub(crate) async fn buildkit_scan(ctx: &Context) -> Result<&'static ExitStatus, Error> {
    let source = required(ctx, &env::BUILDKIT_SCAN_SOURCE)?;
    let destination = required(ctx, &env::BUILDKIT_SCAN_DESTINATION)?;
    let mut targets = vec![source.to_owned()];
    if let Some(extras) = ctx.environment.get(&env::BUILDKIT_SCAN_SOURCE_EXTRAS) {
        targets.extend(directories(Utf8Path::new(extras))?);
    }
    for target in &targets {
        let name = target.file_name().ok_or_else(|| {
            Error::usage(format!("`{target}` has no name"), "name a directory below the root")
        })?;
        let path = destination.join(format!("{name}.spdx.json"));
        // It is the result of a build, whatever a `.gitignore` in it says.
        let cataloged = inventory::catalog_directory(ctx, target, Ignored::Read).await?;
        files::write(&path, &statement(&cataloged)?)?;
    }
    Ok(&exit::PASSED)
}

fn required<'a>(ctx: &'a Context, variable: &Variable) -> Result<&'a Utf8Path, Error> {
    ctx.environment.get(variable).map(Utf8Path::new).ok_or_else(|| {
        Error::usage(
            format!("{} is not set", variable.name),
            "this command is for BuildKit; to list a directory, use `plimsoll sbom dir:DIR`",
        )
    })
}

/// The directories in one that may be absent, by name.
fn directories(extras: &Utf8Path) -> Result<Vec<Utf8PathBuf>, Error> {
    let failed = |source| Error::Read { path: extras.to_owned(), source };
    let mut found = Vec::new();
    let entries = match extras.read_dir_utf8() {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(failed(error)),
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_dir() {
            found.push(entry.into_path());
        }
        if found.len() > EXTRAS {
            return Err(Error::usage(
                format!("more than {EXTRAS} file systems in `{extras}`"),
                "scan fewer stages",
            ));
        }
    }
    found.sort();
    Ok(found)
}

/// The SBOM as the predicate of a statement about nothing yet.
fn statement(cataloged: &Cataloged) -> Result<Vec<u8>, Error> {
    let json = |source| Error::Json { what: "the statement for BuildKit", source };
    let predicate: Value = serde_json::from_slice(&cataloged.sbom("spdx-json")?).map_err(json)?;
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": "https://spdx.dev/Document",
        "subject": [],
        "predicate": predicate,
    });
    serde_json::to_vec(&statement).map_err(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sbom_becomes_the_predicate_of_a_statement() {
        let bytes = statement(&Cataloged::nothing()).unwrap();
        let statement: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(statement["_type"], "https://in-toto.io/Statement/v0.1");
        assert_eq!(statement["predicateType"], "https://spdx.dev/Document");
        assert_eq!(statement["subject"], json!([]));
        assert_eq!(statement["predicate"]["spdxVersion"], "SPDX-2.3");
    }

    #[test]
    fn what_is_not_there_holds_no_directories() {
        assert_eq!(directories(Utf8Path::new("not/there")).unwrap(), Vec::<Utf8PathBuf>::new());
        let temporary = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(temporary.path()).unwrap();
        for name in ["b", "a"] {
            std::fs::create_dir(path.join(name)).unwrap();
        }
        files::write(&path.join("file"), b"").unwrap();
        assert_eq!(directories(path).unwrap(), [path.join("a"), path.join("b")]);
        assert!(matches!(directories(&path.join("file")), Err(Error::Read { .. })));
    }
}
