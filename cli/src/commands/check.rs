//! `plimsoll check`.

use crate::{
    args::CheckArguments,
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    files,
    report::{self, Report},
    stages::{
        decide::{self, Build, Case, Manifests},
        inventory, receipts,
        resolve::{self, Resolved},
    },
};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_model::Reference;
use plimsoll_policy::{
    Checkout, ConfigKind,
    manifests::{self, ManifestKind},
};
use std::collections::BTreeSet;

/// Judges files and images by the rules.
pub(crate) async fn check(
    ctx: &Context,
    arguments: &CheckArguments,
) -> Result<&'static ExitStatus, Error> {
    let policy = ctx.policy()?;
    let bases = decide::bases(ctx, &policy)?;
    let (found, image) = subjects(ctx, arguments).await?;
    let checkout = files::checkout();
    let found = found.named_from(checkout.as_ref());
    let mut manifests = Manifests::read(ctx, &found.compose, &found.kubernetes)?;
    manifests.checkout = checkout;
    let about = (manifests.kubernetes.as_slice(), arguments.platform.as_ref());
    manifests.receipts = receipts::look(ctx, &policy, &arguments.receipts, about).await?;
    let build = Build {
        dockerfiles: decide::read_dockerfiles(ctx, &found.dockerfiles)?,
        ignored: decide::read_ignored(ctx, &found.dockerfiles)?,
        configs: decide::read_configs(ctx, &found.configs)?,
        manifests,
        target: arguments.target.clone(),
        arguments: arguments.build_args.iter().cloned().collect(),
        plain_http: ctx.shared.plain_http.clone(),
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
        flags: None,
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
    let written = report::write(ctx, &report, &arguments.output.output, arguments.output.show)
        .and_then(|()| case.write_facts(ctx, None, arguments.facts.facts_out.as_deref()));
    exit::settle(&ctx.ui, exit::of_verdict(decision.verdict()), written)
}

/// The files to judge, by what they are.
#[derive(Debug, Default)]
struct Files {
    dockerfiles: Vec<Utf8PathBuf>,
    configs: Vec<(Utf8PathBuf, ConfigKind)>,
    compose: Vec<Utf8PathBuf>,
    kubernetes: Vec<Utf8PathBuf>,
}

/// How a file came to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// Somebody named it.
    ByName,
    /// It is in a directory that somebody named.
    InDirectory,
}

impl Files {
    /// Takes a file for what its name says or, where it is YAML or JSON, what it says itself. What says nothing is passed over
    /// in a directory; where it was asked for by its name it is a manifest, and without the name of one, a Dockerfile.
    fn add(&mut self, ctx: &Context, path: &Utf8Path, asked: Asked) -> Result<Found, Error> {
        // `check ci.yml` inside of `.github/workflows` is about a workflow as well.
        let absolute = path.canonicalize_utf8().unwrap_or_else(|_| path.to_owned());
        if let Some(kind) = ConfigKind::of(path).or_else(|| ConfigKind::of(&absolute)) {
            self.configs.push((path.to_owned(), kind));
        } else if is_dockerfile(path) {
            self.dockerfiles.push(path.to_owned());
        } else {
            match (manifest(ctx, path, asked)?, asked) {
                (Some(ManifestKind::Compose), _) => self.compose.push(path.to_owned()),
                (Some(ManifestKind::Kubernetes), _) => self.kubernetes.push(path.to_owned()),
                (None, Asked::ByName) => self.dockerfiles.push(path.to_owned()),
                (None, Asked::InDirectory) => return Ok(Found::Nothing),
            }
        }
        Ok(Found::Something)
    }
}

impl Files {
    /// The same, each once and by the shortest name that it has from the working directory: however a file was given, exceptions
    /// and other runs know it by one name.
    fn named_from(mut self, checkout: Option<&Checkout>) -> Self {
        let name = |path: &mut Utf8PathBuf| *path = files::plain(path, checkout);
        for paths in [&mut self.dockerfiles, &mut self.compose, &mut self.kubernetes] {
            paths.iter_mut().for_each(name);
            let mut seen = BTreeSet::new();
            paths.retain(|path| seen.insert(path.clone()));
        }
        self.configs.iter_mut().for_each(|(path, _)| name(path));
        let mut seen = BTreeSet::new();
        self.configs.retain(|(path, _)| seen.insert(path.clone()));
        self
    }
}

/// Whether there was something to judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Something,
    Nothing,
}

/// What a file of YAML or JSON is for. Of one that is too large, or is no text, as much as there is tells that: what is taken for
/// something is read again, and whole or not at all.
fn manifest(ctx: &Context, path: &Utf8Path, asked: Asked) -> Result<Option<ManifestKind>, Error> {
    if !manifests::is_candidate(path) {
        return Ok(None);
    }
    let bytes = files::read_past(path, ctx.limits.user_file)?;
    let text = String::from_utf8_lossy(&bytes);
    // In UTF-16 there is a zero beside every letter, which hides no manifest: whoever reads it says that it is no UTF-8.
    let text = text.trim_start_matches('\u{fffd}').replace('\0', "");
    Ok(match asked {
        Asked::ByName => manifests::kind_of_named(path, &text),
        Asked::InDirectory => manifests::kind(path, &text),
    })
}

/// Each argument is a file, or a directory where there are some, else an image.
async fn subjects(
    ctx: &Context,
    arguments: &CheckArguments,
) -> Result<(Files, Option<Resolved>), Error> {
    let mut files = Files::default();
    let mut image = None;
    for what in &arguments.what {
        let path = Utf8Path::new(what);
        if path.is_dir() {
            find(ctx, path, &mut files)?;
        } else if path.is_file() {
            files.add(ctx, path, Asked::ByName)?;
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
                "give a Dockerfile, a compose file, a manifest, a directory, or an image such as oci-layout:DIR",
            ));
        }
    };
    resolve::resolve_reference(ctx, &reference, arguments.platform.as_ref()).await
}

/// What there is to judge in a directory: `Dockerfile`, `Containerfile`, `Dockerfile.*` and `*.Dockerfile`, compose files,
/// `daemon.json`, the daemon's units, and the pipelines and actions of GitLab and GitHub, by name; and manifests of Kubernetes, by
/// what they say.
fn find(ctx: &Context, directory: &Utf8Path, files: &mut Files) -> Result<(), Error> {
    let mut paths = listed(directory)?;
    let workflows = directory.join(".github/workflows");
    if workflows.is_dir() {
        paths.extend(listed(&workflows)?);
    }
    paths.extend(actions(&directory.join(".github/actions"))?);
    let mut found = Found::Nothing;
    for path in paths {
        if files.add(ctx, &path, Asked::InDirectory)? == Found::Something {
            found = Found::Something;
        }
    }
    if found == Found::Nothing {
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

/// The actions of a repository, each of which has a directory in this one.
fn actions(directory: &Utf8Path) -> Result<Vec<Utf8PathBuf>, Error> {
    if !directory.is_dir() {
        return Ok(Vec::new());
    }
    let fail = |source| Error::Read { path: directory.to_owned(), source };
    let mut found = Vec::new();
    for entry in directory.read_dir_utf8().map_err(fail)? {
        let path = entry.map_err(fail)?.into_path();
        if path.is_dir() {
            found.extend(listed(&path)?);
        }
    }
    found.retain(|path| ConfigKind::of(path).is_some());
    found.sort();
    Ok(found)
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
