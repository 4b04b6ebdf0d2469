//! `plimsoll check`.

use crate::{
    args::CheckArguments,
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    report::{self, Report},
    stages::{
        decide::{self, Build, Case},
        inventory,
        resolve::{self, Resolved},
    },
};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_model::Reference;

/// Judges Dockerfiles and image configurations by the rules.
pub(crate) async fn check(
    ctx: &Context,
    arguments: &CheckArguments,
) -> Result<&'static ExitStatus, Error> {
    let policy = ctx.policy()?;
    let bases = decide::bases(ctx, &policy)?;
    let (dockerfiles, image) = subjects(ctx, arguments).await?;
    let build = Build {
        dockerfiles: decide::read_dockerfiles(ctx, &dockerfiles)?,
        ignored: decide::read_ignored(ctx, &dockerfiles)?,
        target: arguments.target.clone(),
        arguments: arguments.build_args.iter().cloned().collect(),
        lock_files: Vec::new(),
    };
    let seen = match &image {
        Some(image) => Some(inventory::look(ctx, image).await?),
        None => None,
    };
    let case = Case {
        policy: &policy,
        image: image.as_ref().map(Resolved::image),
        users: seen.as_ref().map(|seen| &seen.users),
        secrets: seen.as_ref().map(|seen| &seen.secrets),
        files: seen.as_ref().map(|seen| &seen.files),
        inventory: None,
        scan: None,
        vex: None,
        since: None,
        build: &build,
        bases: bases.as_ref(),
    };
    let decision = case.decide(ctx, None);
    let report = Report {
        image: image.as_ref().map(Resolved::image),
        decision: Some(&decision),
        policy: Some(report::policy_name(&policy)),
        base: case.base(),
        ..Report::new("check", arguments.what.join(", "))
    };
    let written = report::write(ctx, &report, &arguments.output.output, arguments.output.show);
    exit::settle(&ctx.ui, exit::of_verdict(decision.verdict()), written)
}

/// Each argument is a Dockerfile or a directory where there is one by that name, else an image.
async fn subjects(
    ctx: &Context,
    arguments: &CheckArguments,
) -> Result<(Vec<Utf8PathBuf>, Option<Resolved>), Error> {
    let mut dockerfiles = Vec::new();
    let mut image = None;
    for what in &arguments.what {
        let path = Utf8Path::new(what);
        if path.is_dir() {
            dockerfiles.extend(find_dockerfiles(path)?);
        } else if path.is_file() {
            dockerfiles.push(path.to_owned());
        } else if image.is_none() {
            image = Some(resolve_image(ctx, what, arguments).await?);
        } else {
            return Err(Error::usage("more than one image is named", "check one image at a time"));
        }
    }
    Ok((dockerfiles, image))
}

async fn resolve_image(
    ctx: &Context,
    what: &str,
    arguments: &CheckArguments,
) -> Result<Resolved, Error> {
    let looks_like_a_path =
        what.starts_with(['.', '/']) || what.to_ascii_lowercase().ends_with("dockerfile");
    let reference: Reference = match what.parse() {
        Ok(reference) if !looks_like_a_path => reference,
        _ => {
            return Err(Error::usage(
                format!("`{what}` is neither a file nor an image reference"),
                "give a Dockerfile, a directory, or an image such as oci-layout:DIR",
            ));
        }
    };
    resolve::resolve_reference(ctx, &reference, arguments.platform.as_ref()).await
}

/// `Dockerfile`, `Containerfile`, `Dockerfile.*` and `*.Dockerfile` in a directory, by name.
fn find_dockerfiles(directory: &Utf8Path) -> Result<Vec<Utf8PathBuf>, Error> {
    let fail = |source| Error::Read { path: directory.to_owned(), source };
    let mut found = Vec::new();
    for entry in directory.read_dir_utf8().map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name().to_ascii_lowercase();
        let is_one = ["dockerfile", "containerfile"].iter().any(|stem| {
            name == *stem
                || name.starts_with(&format!("{stem}."))
                || name.ends_with(&format!(".{stem}"))
        });
        if is_one && !name.ends_with(".dockerignore") && entry.path().is_file() {
            found.push(entry.path().to_owned());
        }
    }
    found.sort();
    if found.is_empty() {
        return Err(Error::usage(
            format!("there is no Dockerfile in `{directory}`"),
            "name the file itself",
        ));
    }
    Ok(found)
}
