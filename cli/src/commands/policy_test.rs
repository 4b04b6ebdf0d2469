//! `plimsoll policy test`: cases, each with what is to come of it.

use crate::{
    args::VexArguments,
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    files, policy_file, report,
    stages::{
        decide::{self, Build, Case, Manifests},
        vex,
    },
};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_model::Printable;
use plimsoll_policy::{
    ConfigFile, Dockerfile, Facts, Policy, SourceFile,
    cases::{PolicyCase, Unmet},
    record::Recorded,
    vex::Image,
};
use std::fmt::Write as _;

/// What the name of a case ends in.
const ENDING: &str = ".test.yaml";
/// How deep cases are looked for.
const DEEPEST: usize = 16;
/// The most cases, and the most entries of directories that are looked at for them.
const MOST: usize = 100_000;

/// Judges every case, says what does not hold, and passes where all of them do.
///
/// A case that can not be read does not hide the others, and outweighs them.
pub(crate) fn test(ctx: &Context, directory: &Utf8Path) -> Result<&'static ExitStatus, Error> {
    let cases = find(directory)?;
    if cases.is_empty() {
        return Err(Error::usage(
            format!("there is no case in `{directory}`"),
            format!("a case is a file NAME{ENDING}"),
        ));
    }
    let (mut failed, mut unread) = (0_usize, 0_usize);
    let mut text = String::new();
    for path in &cases {
        let word = match judge(ctx, path) {
            Ok(Judged { unmet, not_judged }) if unmet.is_empty() => {
                line(&mut text, "holds", path.as_str());
                if !not_judged.is_empty() {
                    // Writing to a string does not fail.
                    writeln!(text, "  not judged from the record: {}", not_judged.join(", ")).ok();
                }
                continue;
            }
            Ok(Judged { unmet, .. }) => {
                failed = failed.saturating_add(1);
                line(&mut text, "fails", path.as_str());
                for unmet in &unmet {
                    explain(&mut text, path, unmet);
                }
                continue;
            }
            Err(error) => {
                unread = unread.saturating_add(1);
                ctx.ui.error(&error);
                "error"
            }
        };
        line(&mut text, word, path.as_str());
    }
    let held = cases.len().saturating_sub(failed).saturating_sub(unread);
    line(&mut text, "", &format!("{held} of {} cases hold", cases.len()));
    report::to_stdout(text.as_bytes())?;
    Ok(match (failed, unread) {
        (0, 0) => &exit::PASSED,
        (_, 0) => &exit::BLOCKED,
        (_, _) => &exit::USAGE,
    })
}

fn line(text: &mut String, word: &str, what: &str) {
    // Writing to a string does not fail.
    writeln!(text, "{}", format!("{word:5}  {}", Printable(what)).trim_start()).ok();
}

fn explain(text: &mut String, path: &Utf8Path, unmet: &Unmet) {
    let place = format!("{path}:{}", unmet.line);
    writeln!(text, "  {}", Printable(&place)).ok();
    writeln!(text, "    - {}", Printable(&unmet.expected)).ok();
    for found in &unmet.found {
        writeln!(text, "    + {}", Printable(found)).ok();
    }
    if unmet.found.is_empty() {
        writeln!(text, "    + nothing of that rule").ok();
    }
}

/// The cases in a directory and below it, by their paths. Links to directories are not followed.
fn find(directory: &Utf8Path) -> Result<Vec<Utf8PathBuf>, Error> {
    let (mut found, mut looked_at) = (Vec::new(), 0_usize);
    let mut open = vec![(directory.to_owned(), 0)];
    while let Some((directory, depth)) = open.pop() {
        let fail = |source| Error::Read { path: directory.clone(), source };
        for entry in directory.read_dir_utf8().map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let kind = entry.file_type().map_err(fail)?;
            looked_at = looked_at.saturating_add(1);
            if looked_at > MOST || depth > DEEPEST {
                return Err(Error::usage(
                    format!("`{directory}` has more in it than cases are looked for in"),
                    "name a directory that has the cases alone",
                ));
            }
            if kind.is_dir() {
                open.push((entry.into_path(), depth.saturating_add(1)));
            } else if entry.file_name().ends_with(ENDING) {
                found.push(entry.into_path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What came of one case.
struct Judged {
    /// What does not hold of it.
    unmet: Vec<Unmet>,
    /// Rules that its record has not all of what they look at.
    not_judged: Vec<&'static str>,
}

/// Reads a case and all that it names, and judges it.
fn judge(ctx: &Context, path: &Utf8Path) -> Result<Judged, Error> {
    let text = files::read_text(path, ctx.limits.user_file)?;
    let case = PolicyCase::parse(&text, path)?;
    let beside = path.parent().unwrap_or(Utf8Path::new(""));
    let policy = policy(ctx, &case, beside)?;
    let recorded = case.facts.as_ref().map(|file| {
        let file = beside.join(file);
        let bytes = files::read(&file, ctx.limits.evidence)?;
        Ok::<_, Error>(Recorded::read(&bytes, &file)?.beside(&case))
    });
    let recorded = recorded.transpose()?;
    let build = build(ctx, &case, beside)?;
    let (policy, vex) = vex::read(policy, &VexArguments::default())?;
    let known = recorded.as_ref().map_or(Facts::none(), Recorded::facts);
    let (bases, vex) = (decide::bases(ctx, &policy)?, vex.about(known.image.map(Image::of)));
    let judged = Case {
        policy: &policy,
        image: known.image,
        users: known.users,
        secrets: known.secrets,
        files: known.files,
        inventory: known.inventory,
        scan: known.scan,
        vex: vex.as_ref(),
        since: None,
        flags: None,
        build: &build,
        bases: bases.as_ref(),
    };
    let judged = Facts {
        recorded_manifests: known.recorded_manifests,
        registry: known.registry,
        plain_http: known.plain_http,
        recorded: known.recorded,
        ..judged.facts()
    };
    let at = case.at.or(recorded.as_ref().map(Recorded::at)).unwrap_or(ctx.now);
    let decision = plimsoll_policy::decide(&policy, &judged, at);
    Ok(Judged {
        unmet: case.expect.unmet(&policy, &decision, recorded.as_ref()),
        not_judged: recorded.map_or(Vec::new(), |recorded| recorded.not_judged(&policy)),
    })
}

fn policy(ctx: &Context, case: &PolicyCase, beside: &Utf8Path) -> Result<Policy, Error> {
    match (&case.policy, &case.environment) {
        (Some(path), environment) => {
            let path = beside.join(path);
            let text = files::read_text(&path, ctx.limits.user_file)?;
            let chosen = environment.as_deref().or(ctx.shared.environment.as_deref());
            let policy = Policy::parse_for(&text, &path, chosen)?;
            policy_file::with_custom(policy, ctx.limits.user_file)
        }
        (None, None) => ctx.policy(),
        (None, Some(name)) => Err(Error::usage(
            format!("a case names the environment `{name}`, and no policy that has it"),
            "add `policy: FILE`",
        )),
    }
}

/// The files of a case, under the names that it gives them.
fn build(ctx: &Context, case: &PolicyCase, beside: &Utf8Path) -> Result<Build, Error> {
    let read = |path: &Utf8PathBuf| files::read_text(&beside.join(path), ctx.limits.user_file);
    let inside = |path: Utf8PathBuf| path.strip_prefix(beside).map_or(path.clone(), Into::into);
    let dockerfile = |path: &Utf8PathBuf| Ok(Dockerfile { path: path.clone(), text: read(path)? });
    let config = |(path, kind): &(Utf8PathBuf, _)| {
        Ok(ConfigFile { path: path.clone(), kind: *kind, text: read(path)? })
    };
    let compose: Vec<_> = case.compose.iter().map(|path| beside.join(path)).collect();
    let kubernetes: Vec<_> = case.kubernetes.iter().map(|path| beside.join(path)).collect();
    let manifests = Manifests::read(ctx, &compose, &kubernetes)?;
    let named = |files: Vec<SourceFile>| {
        files.into_iter().map(|it| SourceFile { path: inside(it.path), text: it.text }).collect()
    };
    let paths: Vec<_> = case.dockerfiles.iter().map(|path| beside.join(path)).collect();
    let ignored = decide::read_ignored(ctx, &paths)?;
    Ok(Build {
        dockerfiles: case.dockerfiles.iter().map(dockerfile).collect::<Result<_, Error>>()?,
        ignored: ignored.into_iter().map(|(path, text)| (inside(path), text)).collect(),
        configs: case.configs.iter().map(config).collect::<Result<_, Error>>()?,
        manifests: Manifests {
            compose: named(manifests.compose),
            env_files: named(manifests.env_files),
            kubernetes: named(manifests.kubernetes),
            receipts: None,
            // A case is judged the same wherever it lies.
            checkout: None,
        },
        target: case.target.clone(),
        arguments: case.build_args.clone(),
        lock_files: Vec::new(),
        plain_http: Vec::new(),
    })
}
