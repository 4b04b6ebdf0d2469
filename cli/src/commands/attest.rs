//! `plimsoll attest`.

use crate::{
    args::{AttestArguments, AttestationType},
    context::Context,
    env,
    error::Error,
    exit::{self, ExitStatus},
    files, report,
    stages::{
        attest::{self, Attested, Findings, Made},
        dependencies, index, inventory,
        junit::{self, TestRun},
        keys::{self, Signers},
        places,
        resolve::{self, Resolved},
    },
};
use camino::Utf8Path;
use plimsoll_attest::{
    github::{GitHub, GitHubRepository},
    predicates::test_result::TestResult,
    signers::Signer,
    source,
};
use plimsoll_model::Printable;
use std::fmt::Write as _;

/// Signs statements about an image, and attaches them or writes them to files.
pub(crate) async fn attest(
    ctx: &Context,
    arguments: &AttestArguments,
) -> Result<&'static ExitStatus, Error> {
    let types =
        if arguments.types.is_empty() { attest::STATED.as_slice() } else { &arguments.types };
    check_target(arguments)?;
    let tests = tests(ctx, arguments)?;
    let github = github(ctx, arguments)?;
    let outage = keys::outage_signer(ctx, &arguments.signing)?;
    let signer = match keys::keyless_signer(ctx, &arguments.signing, &arguments.root).await? {
        Some(signer) => signer,
        None => Signer::Key(keys::signer(ctx, &arguments.signing.key)?),
    };
    let signers = Signers { signer, outage };
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
        tests: tests.as_ref(),
        source: source.as_ref(),
        dependencies,
    };
    let made = attest::attest(ctx, &findings, types, &signers).await?;
    let attested = &made.attested;
    let mut text = match (&arguments.bundles, &github) {
        (Some(directory), _) => write_bundles(directory, attested)?,
        (None, Some(github)) => keep(github, &resolved, attested).await?,
        (None, None) => {
            attest::attach(ctx, &resolved, attested).await?;
            format!("{} statements attached to {}\n", attested.len(), resolved.subject())
        }
    };
    if let Some(tests) = &tests {
        text.push_str(&said_of(ctx, tests));
    }
    write_pending(&mut text, &made);
    report::to_stdout(text.as_bytes())?;
    let (_, outage) = made.into_parts();
    outage.map_or(Ok(&exit::PASSED), Err)
}

/// What is there for the time being alone, line by line.
fn write_pending(text: &mut String, made: &Made) {
    // Writing to a string does not fail.
    for (stated, attested, reason) in made.pending() {
        writeln!(text, "pending {stated} {}: {}", attested.digest(), Printable(&reason)).ok();
    }
}

/// What is stated of tests, on a line; that they failed is a warning besides.
fn said_of(ctx: &Context, tests: &TestRun) -> String {
    let sentence = Printable(&tests.sentence()).to_string();
    if tests.result() == TestResult::Failed {
        ctx.ui.warn(&format!("it is stated that the tests failed: {sentence}"));
    }
    format!("{sentence}\n")
}

/// The reports are read before any work is done, and only together with the statement that is made of them.
fn tests(ctx: &Context, arguments: &AttestArguments) -> Result<Option<TestRun>, Error> {
    let is_stated = arguments.types.contains(&AttestationType::TestResult);
    match (is_stated, arguments.junit.as_slice()) {
        (false, []) => Ok(None),
        (true, []) => Err(Error::usage(
            "there is no report of tests to state",
            "give the reports of the run, in JUnit's XML, with `--junit FILE`",
        )),
        (false, _) => Err(Error::usage(
            "a report of tests is given, and no test result is stated",
            "add `--type test-result`",
        )),
        (true, reports) => junit::read(ctx, reports).map(Some),
    }
}

/// Where the statements are to go is looked at before any work is done.
fn check_target(arguments: &AttestArguments) -> Result<(), Error> {
    let subject = &arguments.subject.subject;
    match &arguments.bundles {
        None if arguments.to.is_none() && !attest::is_attachable(subject) => Err(Error::usage(
            format!("nothing can be attached to `{subject}`"),
            "write the bundles to files with `--bundles DIR`, or have GitHub keep them with `--to github:OWNER/REPO`",
        )),
        Some(path) if path.exists() && !path.is_dir() => Err(Error::usage(
            format!("the bundles can not be written into `{path}`: it is no directory"),
            "name a directory, or one that is not there yet",
        )),
        _ => Ok(()),
    }
}

/// GitHub's API and the repository that is to keep the bundles, where one is named; they are written with a token alone.
fn github<'a>(
    ctx: &Context,
    arguments: &'a AttestArguments,
) -> Result<Option<(GitHub, &'a GitHubRepository)>, Error> {
    let Some(repository) = &arguments.to else { return Ok(None) };
    if !ctx.environment.has(&env::GITHUB_TOKEN) {
        return Err(Error::usage(
            "GitHub keeps nothing without a token: `GITHUB_TOKEN` is not set",
            "in a job: `permissions: attestations: write`, and `GITHUB_TOKEN: ${{ github.token }}` in its environment",
        ));
    }
    Ok(Some((places::github(ctx)?, repository)))
}

async fn keep(
    (github, repository): &(GitHub, &GitHubRepository),
    resolved: &Resolved,
    attested: &[Attested],
) -> Result<String, Error> {
    for statement in attested {
        github.keep(repository, statement.bundle()).await?;
    }
    let (count, subject) = (attested.len(), resolved.subject());
    Ok(format!("{count} statements about {subject} kept by GitHub for {repository}\n"))
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
