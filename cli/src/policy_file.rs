//! Which policy is in force, and where its text comes from: what a change says must not judge that change.
//!
//! In a pipeline for a pull or merge request the policy, and the files that it names, are read from the commit that the
//! change is to be merged into, not from the working tree.

use crate::{context::Context, env, env::Environment, error::Error, files};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_attest::source::{Checkout, Committed};
use plimsoll_policy::{Change, Policy, Revision};
use serde::Deserialize;
use std::collections::BTreeMap;

const NAMES: [&str; 3] = ["plimsoll.yaml", ".config/plimsoll.yaml", ".github/plimsoll.yaml"];
/// What `--policy-from` takes in place of a revision.
const WORKING_TREE: &str = "worktree";
/// The most that is read of what GitHub says of the event that started a job, in bytes: it has no limit of its own.
const EVENT_LIMIT: u64 = 32 << 20;

/// The policy in force: `--config`, else the first policy file from here up to the repository root, else the baseline.
pub(crate) fn in_force(ctx: &Context) -> Result<Policy, Error> {
    let config = ctx.shared.config.as_deref();
    let Some(wanted) = Wanted::of(ctx) else { return in_working_tree(ctx) };
    if config.is_some_and(|path| !wanted.could_change(path)) {
        return in_working_tree(ctx);
    }
    match wanted.checkout(config.unwrap_or(Utf8Path::new("plimsoll.yaml")))? {
        Some(checkout) => Base { commit: wanted.commit(&checkout)?, checkout, name: wanted.name }
            .policy(ctx, config),
        // A job may judge an image and check nothing out; what the change could have deleted is not nothing.
        None if config.is_none() && wanted.has_nothing_checked_out() => baseline(ctx),
        None => Err(wanted.unknown("the files lie in no git repository")),
    }
}

/// The policy as the working tree has it, whoever wrote that.
pub(crate) fn in_working_tree(ctx: &Context) -> Result<Policy, Error> {
    match ctx.shared.config.clone().or_else(|| find(Utf8Path::is_file)) {
        Some(path) => ctx.policy_at(&path),
        None => baseline(ctx),
    }
}

/// A file that the policy names, by its path from the policy's directory; of a larger one `limit` bytes and one more.
/// From the commit that the policy was read from, where it was.
pub(crate) fn read_named(policy: &Policy, named: &Utf8Path, limit: u64) -> Result<Vec<u8>, Error> {
    let path = Context::beside_policy(policy, named);
    let Some(revision) = policy.revision() else { return files::read_past(&path, limit) };
    let Some(within) = inside(&path, &revision.root) else {
        return files::read_past(&path, limit);
    };
    let unknown = |reason: &str| Error::PolicyOfBase {
        base: revision.name.clone(),
        reason: format!("{reason}: `{path}`"),
    };
    match Checkout::open(&revision.root)?.file(&revision.commit, &within, limit)? {
        Committed::File(bytes) => Ok(bytes),
        Committed::TooLarge(_) => Err(Error::TooLarge { path, limit }),
        Committed::Nothing => Err(unknown("the policy names a file that is not there")),
        Committed::NoFile => Err(unknown("the policy names what is no file there")),
    }
}

/// The same, of text.
pub(crate) fn read_named_text(
    policy: &Policy,
    named: &Utf8Path,
    limit: u64,
) -> Result<String, Error> {
    let bytes = read_named(policy, named, limit)?;
    let path = || Context::beside_policy(policy, named);
    if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) {
        return Err(Error::TooLarge { path: path(), limit });
    }
    String::from_utf8(bytes).map_err(|_not_utf8| Error::NotText { path: path() })
}

/// The policy with the text of the rules in Rego that it names.
pub(crate) fn with_custom(policy: Policy, limit: u64) -> Result<Policy, Error> {
    let mut texts = BTreeMap::new();
    for file in policy.custom_files() {
        let text = read_named_text(&policy, &file, limit)?;
        texts.insert(file, text);
    }
    Ok(policy.with_custom(|file| texts.get(file).cloned())?)
}

fn baseline(ctx: &Context) -> Result<Policy, Error> {
    match &ctx.shared.environment {
        None => Ok(Policy::baseline()),
        Some(name) => Err(Error::usage(
            format!("there is no policy file that could have an environment `{name}`"),
            "name the file with --config, or leave the environment out",
        )),
    }
}

/// The first policy file that `is_there`, from the working directory up to the root of the repository it is in.
fn find(is_there: impl Fn(&Utf8Path) -> bool) -> Option<Utf8PathBuf> {
    let mut directory = Utf8PathBuf::from(".");
    // A working directory is not nested deeper than this.
    for _ in 0..64 {
        let mut paths = NAMES.iter().map(|name| directory.join(name));
        if let Some(found) = paths.find(|path| is_there(path)) {
            return Some(
                found.strip_prefix(".").map_or_else(|_| found.clone(), Utf8Path::to_owned),
            );
        }
        if directory.join(".git").exists() || directory.canonicalize_utf8().ok()?.parent().is_none()
        {
            return None;
        }
        directory = directory.join("..");
    }
    None
}

/// The commit whose policy counts, as the pipeline or the person names it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    name: String,
    /// Revisions that say more than the branch as it was fetched last, the best first.
    before: Vec<String>,
    branch: Option<Branch>,
    /// Revisions for where that branch was not fetched.
    after: Vec<String>,
    /// What is checked out in there may be the change.
    workspace: Option<Utf8PathBuf>,
}

/// A branch of `origin`, where `origin` is this repository.
#[derive(Debug, PartialEq, Eq)]
struct Branch {
    name: String,
    /// Its host; absent where nobody says.
    host: Option<String>,
    /// Its path there (`owner/name`).
    repository: String,
}

impl Wanted {
    fn of(ctx: &Context) -> Option<Self> {
        let environment = &ctx.environment;
        let by_pipeline = Self::on_github(environment).or_else(|| Self::on_gitlab(environment));
        match ctx.shared.policy_from.as_deref() {
            Some(WORKING_TREE) => None,
            Some(revision) => Some(Self {
                name: revision.to_owned(),
                before: vec![revision.to_owned()],
                workspace: by_pipeline.and_then(|wanted| wanted.workspace),
                ..Self::default()
            }),
            None => by_pipeline,
        }
    }

    /// Reviews are events of a pull request too, of which GitHub names the base in what it says of the event alone:
    /// <https://docs.github.com/en/actions/reference/workflows-and-actions/variables>
    fn on_github(environment: &Environment) -> Option<Self> {
        let get = |variable| environment.get(variable).map(str::to_owned);
        let name = get(&env::GITHUB_EVENT_NAME).filter(|it| it.starts_with("pull_request"))?;
        // Without it, less is known.
        let text = get(&env::GITHUB_EVENT_PATH)
            .and_then(|path| files::read(Utf8Path::new(&path), EVENT_LIMIT).ok());
        let event: Option<Event> = text.and_then(|text| serde_json::from_slice(&text).ok());
        let base = event.map(|event| event.pull_request.base);
        let branch =
            get(&env::GITHUB_BASE_REF).or_else(|| base.as_ref().map(|base| base.branch.clone()));
        // A job for the target runs on a commit of the base.
        let sha = get(&env::GITHUB_SHA).filter(|_| name == "pull_request_target");
        Some(Self {
            name: branch.clone().unwrap_or_else(|| "the base".to_owned()),
            branch: branch.zip(get(&env::GITHUB_REPOSITORY)).map(|(name, repository)| Branch {
                name,
                host: get(&env::GITHUB_SERVER_URL).as_deref().and_then(host_of),
                repository,
            }),
            after: base.map(|base| base.sha).into_iter().chain(sha).collect(),
            workspace: get(&env::GITHUB_WORKSPACE).map(Utf8PathBuf::from),
            ..Self::default()
        })
    }

    /// Not the commit that the merge request began at: whoever wrote that chose it.
    /// <https://docs.gitlab.com/ci/variables/predefined_variables/#predefined-variables-for-merge-request-pipelines>
    fn on_gitlab(environment: &Environment) -> Option<Self> {
        let get = |variable| environment.get(variable).map(str::to_owned);
        let name = get(&env::CI_MERGE_REQUEST_TARGET_BRANCH_NAME)?;
        Some(Self {
            name: name.clone(),
            before: get(&env::CI_MERGE_REQUEST_TARGET_BRANCH_SHA).into_iter().collect(),
            branch: get(&env::CI_MERGE_REQUEST_PROJECT_PATH).map(|repository| Branch {
                name,
                host: get(&env::CI_SERVER_HOST),
                repository,
            }),
            workspace: get(&env::CI_PROJECT_DIR).map(Utf8PathBuf::from),
            ..Self::default()
        })
    }

    /// Whether a file may be a part of the change: what lies outside of where that is checked out is not.
    fn could_change(&self, path: &Utf8Path) -> bool {
        let workspace = self.workspace.as_ref().and_then(|it| it.canonicalize_utf8().ok());
        workspace.is_none_or(|workspace| inside(path, &workspace).is_some())
    }

    fn has_nothing_checked_out(&self) -> bool {
        let entries = self.workspace.as_ref().map(|workspace| workspace.read_dir_utf8());
        match entries {
            Some(Ok(mut entries)) => entries.next().is_none(),
            Some(Err(error)) => error.kind() == std::io::ErrorKind::NotFound,
            None => false,
        }
    }

    /// The repository that a file lies in, or would lie in.
    fn checkout(&self, path: &Utf8Path) -> Result<Option<Checkout>, Error> {
        let workspace = self.workspace.as_ref().and_then(|it| it.canonicalize_utf8().ok());
        let absolute = absolute(path);
        match absolute.ancestors().skip(1).find(|directory| directory.is_dir()) {
            Some(directory) => Ok(Checkout::find(directory, workspace.as_deref())?),
            None => Ok(None),
        }
    }

    /// `origin` may be the fork that the change comes from, whose branch is whatever its owner makes of it.
    fn commit(&self, checkout: &Checkout) -> Result<String, Error> {
        if let Some(commit) = first_of(checkout, &self.before)? {
            return Ok(commit);
        }
        if let Some(branch) = &self.branch
            && checkout.origin().is_some_and(|origin| branch.is_of(&origin))
            && let Some(commit) = checkout.branch_of_origin(&branch.name)?
        {
            return Ok(commit);
        }
        let commit = first_of(checkout, &self.after)?;
        commit.ok_or_else(|| self.unknown("no commit of it was fetched"))
    }

    fn unknown(&self, reason: &str) -> Error {
        Error::PolicyOfBase { base: self.name.clone(), reason: reason.to_owned() }
    }
}

fn first_of(checkout: &Checkout, revisions: &[String]) -> Result<Option<String>, Error> {
    for revision in revisions {
        if let Some(commit) = checkout.commit(revision)? {
            return Ok(Some(commit));
        }
    }
    Ok(None)
}

impl Branch {
    fn is_of(&self, origin: &str) -> bool {
        let Ok(url) = url::Url::parse(origin) else { return false };
        let path = url.path().trim_matches('/');
        let is_on_host = self.host.as_deref().is_none_or(|host| url.host_str() == Some(host));
        is_on_host
            && path.strip_suffix(".git").unwrap_or(path).eq_ignore_ascii_case(&self.repository)
    }
}

fn host_of(url: &str) -> Option<String> {
    url::Url::parse(url).ok()?.host_str().map(str::to_owned)
}

/// What started a job on GitHub, as far as it is needed.
#[derive(Deserialize)]
struct Event {
    pull_request: PullRequest,
}

#[derive(Deserialize)]
struct PullRequest {
    base: BaseCommit,
}

#[derive(Deserialize)]
struct BaseCommit {
    sha: String,
    #[serde(rename = "ref")]
    branch: String,
}

/// The commit that a policy is read from.
struct Base {
    checkout: Checkout,
    commit: String,
    name: String,
}

impl Base {
    fn policy(self, ctx: &Context, config: Option<&Utf8Path>) -> Result<Policy, Error> {
        let limit = ctx.limits.user_file;
        let committed = |path: &Utf8Path| match inside(path, self.checkout.root()) {
            Some(within) => self.checkout.file(&self.commit, &within, limit),
            None => Ok(Committed::Nothing),
        };
        let is_there = |path: &Utf8Path| !matches!(committed(path), Ok(Committed::Nothing));
        let Some(path) = config.map(Utf8Path::to_owned).or_else(|| find(is_there)) else {
            let change = find(Utf8Path::is_file).map_or(Change::Same, |_new| Change::Added);
            return Ok(baseline(ctx)?.at_revision(self.revision(change)));
        };
        let text = match committed(&path)? {
            Committed::File(text) => text,
            Committed::TooLarge(_) => return Err(Error::TooLarge { path, limit }),
            Committed::Nothing => return Err(self.unknown("it has no such file", &path)),
            Committed::NoFile => return Err(self.unknown("this is no file there", &path)),
        };
        let here = files::read(&path, limit).ok();
        let change = if here.as_ref() == Some(&text) { Change::Same } else { Change::Touched };
        let text =
            String::from_utf8(text).map_err(|_not_utf8| Error::NotText { path: path.clone() })?;
        let policy = Policy::parse_for(&text, &path, ctx.shared.environment.as_deref())?;
        with_custom(policy.at_revision(self.revision(change)), limit)
    }

    fn revision(&self, change: Change) -> Revision {
        Revision {
            name: self.name.clone(),
            commit: self.commit.clone(),
            root: self.checkout.root().to_owned(),
            change,
        }
    }

    fn unknown(&self, reason: &str, path: &Utf8Path) -> Error {
        Error::PolicyOfBase { base: self.name.clone(), reason: format!("{reason}: `{path}`") }
    }
}

/// The path from `root`, which has no links in it; none for what lies elsewhere.
///
/// By its name first: what a name stands for is for the commit to say, not for links in the working tree.
fn inside(path: &Utf8Path, root: &Utf8Path) -> Option<Utf8PathBuf> {
    let named = absolute(path);
    if let Ok(within) = named.strip_prefix(root) {
        return Some(within.to_owned());
    }
    let directory = named.ancestors().skip(1).find(|directory| directory.is_dir())?;
    let rest = named.strip_prefix(directory).ok()?;
    let real = directory.canonicalize_utf8().ok()?.join(rest);
    real.strip_prefix(root).ok().map(Utf8Path::to_owned)
}

/// From the root of the file system, without `.` and `..`; links are not looked at.
fn absolute(path: &Utf8Path) -> Utf8PathBuf {
    let absolute = camino::absolute_utf8(path).unwrap_or_else(|_no_working_directory| path.into());
    let mut clean = Utf8PathBuf::new();
    for component in absolute.components() {
        if component == camino::Utf8Component::ParentDir {
            clean.pop();
        } else {
            clean.push(component);
        }
    }
    clean
}
