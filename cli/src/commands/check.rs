//! `plimsoll check`.

use crate::{
    args::CheckArguments,
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    report::{self, Report},
    stages::{
        decide::{self, Build, Case, Manifests},
        inventory,
        resolve::{self, Resolved},
    },
};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_model::Reference;
use plimsoll_policy::{
    ConfigKind,
    manifests::{self, ManifestKind},
};

/// Judges Dockerfiles, compose files and image configurations by the rules.
pub(crate) async fn check(
    ctx: &Context,
    arguments: &CheckArguments,
) -> Result<&'static ExitStatus, Error> {
    let policy = ctx.policy()?;
    let bases = decide::bases(ctx, &policy)?;
    let (files, image) = subjects(ctx, arguments).await?;
    let build = Build {
        dockerfiles: decide::read_dockerfiles(ctx, &files.dockerfiles)?,
        ignored: decide::read_ignored(ctx, &files.dockerfiles)?,
        configs: decide::read_configs(ctx, &files.configs)?,
        manifests: Manifests::read(ctx, &files.compose)?,
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

/// The files to judge, by what they are.
#[derive(Debug, Default)]
struct Files {
    dockerfiles: Vec<Utf8PathBuf>,
    configs: Vec<(Utf8PathBuf, ConfigKind)>,
    compose: Vec<Utf8PathBuf>,
}

impl Files {
    /// Takes a file, where its name says what it is; nothing in it is looked at.
    fn add(&mut self, path: &Utf8Path) -> bool {
        // `check ci.yml` inside of `.github/workflows` is about a workflow as well.
        let absolute = path.canonicalize_utf8().unwrap_or_else(|_| path.to_owned());
        if let Some(kind) = ConfigKind::of(path).or_else(|| ConfigKind::of(&absolute)) {
            self.configs.push((path.to_owned(), kind));
        } else if let Some(ManifestKind::Compose) =
            manifests::kind(path.file_name().unwrap_or_default())
        {
            self.compose.push(path.to_owned());
        } else if is_dockerfile(path) {
            self.dockerfiles.push(path.to_owned());
        } else {
            return false;
        }
        true
    }
}

/// Each argument is a file, or a directory where there are some by their names, else an image. A file whose name says nothing
/// else is a Dockerfile.
async fn subjects(
    ctx: &Context,
    arguments: &CheckArguments,
) -> Result<(Files, Option<Resolved>), Error> {
    let mut files = Files::default();
    let mut image = None;
    for what in &arguments.what {
        let path = Utf8Path::new(what);
        if path.is_dir() {
            find(path, &mut files)?;
        } else if path.is_file() {
            if !files.add(path) {
                files.dockerfiles.push(path.to_owned());
            }
        } else if image.is_none() {
            image = Some(resolve_image(ctx, what, arguments).await?);
        } else {
            return Err(Error::usage("more than one image is named", "check one image at a time"));
        }
    }
    Ok((files, image))
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
                "give a Dockerfile, a compose file, a directory, or an image such as oci-layout:DIR",
            ));
        }
    };
    resolve::resolve_reference(ctx, &reference, arguments.platform.as_ref()).await
}

/// What there is to judge in a directory: `Dockerfile`, `Containerfile`, `Dockerfile.*` and `*.Dockerfile`, compose files,
/// `daemon.json`, the daemon's units, and the pipelines of GitLab and GitHub; by name.
fn find(directory: &Utf8Path, files: &mut Files) -> Result<(), Error> {
    let mut found = false;
    for path in listed(directory)? {
        found |= files.add(&path);
    }
    let workflows = directory.join(".github/workflows");
    if workflows.is_dir() {
        for path in listed(&workflows)? {
            found |= files.add(&path);
        }
    }
    if !found {
        return Err(Error::usage(
            format!("there is no Dockerfile in `{directory}`, and nothing else to judge"),
            "name the file itself",
        ));
    }
    Ok(())
}

fn is_dockerfile(path: &Utf8Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_ascii_lowercase();
    let is_named = |stem: &str| {
        name == stem || name.starts_with(&format!("{stem}.")) || name.ends_with(&format!(".{stem}"))
    };
    !name.ends_with(".dockerignore") && ["dockerfile", "containerfile"].into_iter().any(is_named)
}

/// The files in a directory, by name.
fn listed(directory: &Utf8Path) -> Result<Vec<Utf8PathBuf>, Error> {
    let fail = |source| Error::Read { path: directory.to_owned(), source };
    let mut found = Vec::new();
    for entry in directory.read_dir_utf8().map_err(fail)? {
        let path = entry.map_err(fail)?.into_path();
        if path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
