//! Facts + policy → decision. The evaluator is the policy's; this gathers what it judges by.

use crate::{
    args::BuildArguments,
    context::Context,
    error::Error,
    files, report,
    stages::{keys, receipts::Receipts, stated, trust},
};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_attest::builders::ResolvedDependency;
use plimsoll_model::{Digest, Inventory, evidence::Presence, image::Image, scan::Scan};
use plimsoll_policy::{
    Checkout, ConfigFile, ConfigKind, Decision, Dockerfile, EvidenceKind, Facts, Files, Flags,
    Policy, Since, SourceFile, Users,
    bases::{self, Entry, EntryPlatform, Lock},
    secrets::Secrets,
    stated::Stated,
    vex::VexFacts,
};
use std::collections::{BTreeMap, BTreeSet};

/// The payload type of a signed lock of base images.
pub(crate) const LOCK_TYPE: &str = "application/vnd.plimsoll.bases.v1+json";

/// How an image was built, by the user's word.
#[derive(Debug, Default)]
pub(crate) struct Build {
    /// The Dockerfiles.
    pub dockerfiles: Vec<Dockerfile>,
    /// What is left out of their build contexts, by their paths.
    pub ignored: BTreeMap<Utf8PathBuf, String>,
    /// Settings of the daemon, and pipelines.
    pub configs: Vec<ConfigFile>,
    /// What describes how it runs.
    pub manifests: Manifests,
    /// The stage that was built.
    pub target: Option<String>,
    /// The build arguments that were given.
    pub arguments: BTreeMap<String, String>,
    /// Registries that are spoken to without TLS.
    pub plain_http: Vec<String>,
    /// The lock files of the source that was built, where it is known.
    pub lock_files: Vec<ResolvedDependency>,
}

impl Build {
    /// Reads the Dockerfiles that the command line names.
    pub(crate) fn read(ctx: &Context, arguments: &BuildArguments) -> Result<Self, Error> {
        Ok(Self {
            dockerfiles: read_dockerfiles(ctx, &arguments.dockerfiles)?,
            ignored: read_ignored(ctx, &arguments.dockerfiles)?,
            configs: Vec::new(),
            manifests: Manifests::default(),
            target: arguments.target.clone(),
            arguments: arguments.build_args.iter().cloned().collect(),
            plain_http: ctx.shared.plain_http.clone(),
            lock_files: Vec::new(),
        })
    }
}

/// Reads Dockerfiles.
pub(crate) fn read_dockerfiles(
    ctx: &Context,
    paths: &[Utf8PathBuf],
) -> Result<Vec<Dockerfile>, Error> {
    let read = |path: &Utf8PathBuf| {
        Ok(Dockerfile { path: path.clone(), text: files::read_text(path, ctx.limits.user_file)? })
    };
    paths.iter().map(read).collect()
}

/// Reads the `.dockerignore` that goes with each Dockerfile: its own (`NAME.dockerignore`), or the nearest in its directory and
/// those above it that its path names, because what the build context is stands in no Dockerfile.
pub(crate) fn read_ignored(
    ctx: &Context,
    paths: &[Utf8PathBuf],
) -> Result<BTreeMap<Utf8PathBuf, String>, Error> {
    let mut ignored = BTreeMap::new();
    for path in paths {
        let own = Utf8PathBuf::from(format!("{path}.dockerignore"));
        let above = path.ancestors().skip(1).map(|directory| directory.join(".dockerignore"));
        if let Some(file) = std::iter::once(own).chain(above).find(|file| file.is_file()) {
            ignored.insert(path.clone(), files::read_text(&file, ctx.limits.user_file)?);
        }
    }
    Ok(ignored)
}

/// Reads configuration files, each of the kind that its name says.
pub(crate) fn read_configs(
    ctx: &Context,
    files: &[(Utf8PathBuf, ConfigKind)],
) -> Result<Vec<ConfigFile>, Error> {
    let read = |(path, kind): &(Utf8PathBuf, ConfigKind)| {
        let text = files::read_text(path, ctx.limits.user_file)?;
        Ok(ConfigFile { path: path.clone(), kind: *kind, text })
    };
    files.iter().map(read).collect()
}

/// The files that describe how containers run.
#[derive(Debug, Default)]
pub(crate) struct Manifests {
    /// The compose files.
    pub compose: Vec<SourceFile>,
    /// The files of variables beside them.
    pub env_files: Vec<SourceFile>,
    /// The manifests of Kubernetes.
    pub kubernetes: Vec<SourceFile>,
    /// What came of looking for the receipts of their images; absent where nobody looked.
    pub receipts: Option<Receipts>,
    /// Where they are, where that is where they are used from.
    pub checkout: Option<Checkout>,
}

impl Manifests {
    /// Reads compose files, the files of variables (`.env`, `.env.*`, `*.env`) in their directories, and manifests of
    /// Kubernetes.
    pub(crate) fn read(
        ctx: &Context,
        compose: &[Utf8PathBuf],
        kubernetes: &[Utf8PathBuf],
    ) -> Result<Self, Error> {
        let read = |path: &Utf8PathBuf| {
            Ok(SourceFile {
                path: path.clone(),
                text: files::read_text(path, ctx.limits.user_file)?,
            })
        };
        let mut env_files = BTreeSet::new();
        let directories = compose.iter().filter_map(|path| path.parent());
        for directory in directories.collect::<BTreeSet<_>>() {
            let shown = if directory.as_str().is_empty() { Utf8Path::new(".") } else { directory };
            let fail = |source| Error::Read { path: shown.to_owned(), source };
            for entry in shown.read_dir_utf8().map_err(fail)? {
                let entry = entry.map_err(fail)?;
                let name = entry.file_name();
                let is_one = name == ".env"
                    || name.starts_with(".env.")
                    || entry.path().extension() == Some("env");
                if is_one && entry.path().is_file() {
                    env_files.insert(directory.join(name));
                }
            }
        }
        Ok(Self {
            compose: compose.iter().map(read).collect::<Result<_, Error>>()?,
            env_files: env_files.iter().map(read).collect::<Result<_, Error>>()?,
            kubernetes: kubernetes.iter().map(read).collect::<Result<_, Error>>()?,
            receipts: None,
            checkout: None,
        })
    }
}

/// Everything a decision rests on but the evidence, which is looked at in more than one place.
#[derive(Debug)]
pub(crate) struct Case<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The image, where one is judged.
    pub image: Option<&'a Image>,
    /// Its accounts, where its files were looked at.
    pub users: Option<&'a Users>,
    /// What its layers hold that nobody should see, where they were looked at.
    pub secrets: Option<&'a Secrets>,
    /// What of its files rules look at, where they were looked at.
    pub files: Option<&'a Files>,
    /// What is aboard.
    pub inventory: Option<&'a Inventory>,
    /// What the advisories say.
    pub scan: Option<&'a Scan>,
    /// What is said of the flaws in it.
    pub vex: Option<&'a VexFacts>,
    /// What is new since the last promoted build, where that is compared.
    pub since: Option<&'a Since>,
    /// Whether the build is flagged, where the ledger is asked.
    pub flags: Option<&'a Flags>,
    /// How it was built.
    pub build: &'a Build,
    /// The approved base images.
    pub bases: Option<&'a Lock>,
}

impl Case<'_> {
    /// Decides, by the evidence given; `None` where evidence is not judged.
    pub(crate) fn decide(
        &self,
        ctx: &Context,
        evidence: Option<&BTreeMap<EvidenceKind, Presence>>,
    ) -> Decision {
        self.judge(ctx, evidence, |facts| plimsoll_policy::decide(self.policy, facts, ctx.now))
    }

    /// Writes what is decided over, where that is asked for.
    pub(crate) fn write_facts(
        &self,
        ctx: &Context,
        evidence: Option<&BTreeMap<EvidenceKind, Presence>>,
        to: Option<&Utf8Path>,
    ) -> Result<(), Error> {
        let Some(path) = to else { return Ok(()) };
        self.judge(ctx, evidence, |facts| write_facts(ctx, facts, path))
    }

    /// What `look` makes of the facts, by the evidence given; `None` where evidence is not judged.
    fn judge<T>(
        &self,
        ctx: &Context,
        evidence: Option<&BTreeMap<EvidenceKind, Presence>>,
        look: impl FnOnce(&Facts<'_>) -> T,
    ) -> T {
        let stated = evidence.map(|evidence| stated::read(ctx, self, evidence));
        look(&Facts { evidence, stated: stated.as_ref(), ..self.facts() })
    }

    /// Decides while some of the evidence is pending, for these reasons: that is not held against the image, and clears nothing.
    pub(crate) fn decide_pending(
        &self,
        ctx: &Context,
        evidence: &BTreeMap<EvidenceKind, Presence>,
        pending: BTreeMap<EvidenceKind, String>,
    ) -> Decision {
        let stated = Stated { pending, ..stated::read(ctx, self, evidence) };
        let facts = Facts { evidence: Some(evidence), stated: Some(&stated), ..self.facts() };
        plimsoll_policy::decide(self.policy, &facts, ctx.now)
    }

    /// What the rules look at, without evidence.
    pub(crate) fn facts(&self) -> Facts<'_> {
        Facts {
            users: self.users,
            secrets: self.secrets,
            files: self.files,
            image: self.image,
            inventory: self.inventory,
            scan: self.scan,
            vex: self.vex,
            since: self.since,
            flags: self.flags,
            dockerfiles: &self.build.dockerfiles,
            ignored: &self.build.ignored,
            configs: &self.build.configs,
            compose: &self.build.manifests.compose,
            env_files: &self.build.manifests.env_files,
            checkout: self.build.manifests.checkout.as_ref(),
            manifests: &self.build.manifests.kubernetes,
            recorded_manifests: None,
            receipts: self.build.manifests.receipts.as_ref(),
            target_stage: self.build.target.as_deref(),
            build_args: &self.build.arguments,
            plain_http: &self.build.plain_http,
            registry: None,
            bases: self.bases,
            evidence: None,
            stated: None,
            recorded: None,
        }
    }

    /// The approved base image that the image begins with, and which of its platforms that is.
    pub(crate) fn matched_base(&self) -> Option<(&Entry, &EntryPlatform)> {
        let diff_ids: Vec<_> = self.image?.layers.iter().map(|layer| layer.diff_id).collect();
        bases::match_base(self.bases?, &diff_ids)
    }

    /// The approved base image whose layers the image begins with.
    pub(crate) fn base(&self) -> Option<String> {
        let diff_ids: Vec<_> = self.image?.layers.iter().map(|layer| layer.diff_id).collect();
        base_of(self.bases, &diff_ids)
    }
}

/// Writes what is decided over.
pub(crate) fn write_facts(ctx: &Context, facts: &Facts<'_>, to: &Utf8Path) -> Result<(), Error> {
    let document = plimsoll_policy::record::document(facts, ctx.now);
    files::write(to, &report::to_json("the facts", &document)?)
}

/// The approved base image whose layers what is aboard begins with.
pub(crate) fn base(bases: Option<&Lock>, inventory: &Inventory) -> Option<String> {
    let diff_ids: Vec<_> = inventory.layers.iter().map(|layer| layer.diff_id).collect();
    base_of(bases, &diff_ids)
}

fn base_of(bases: Option<&Lock>, diff_ids: &[Digest]) -> Option<String> {
    bases::match_base(bases?, diff_ids).map(|(entry, platform)| base_name(entry, platform))
}

/// An approved base as reports and the ledger name it.
pub(crate) fn base_name(entry: &Entry, platform: &EntryPlatform) -> String {
    format!("{}@{}", entry.name(), platform.manifest)
}

/// The scan with every match attributed to the approved base image, or to what was built on it.
pub(crate) fn attributed(scan: Scan, inventory: &Inventory, bases: Option<&Lock>) -> Scan {
    let diff_ids: Vec<_> = inventory.layers.iter().map(|layer| layer.diff_id).collect();
    let base = bases.and_then(|lock| bases::match_base(lock, &diff_ids));
    let layers = base.map(|(_, platform)| platform.diff_ids.as_slice()).unwrap_or_default();
    scan.attributed(inventory, layers)
}

/// The lock of base images that the policy names, its signature verified; `None` where it names none.
pub(crate) fn bases(ctx: &Context, policy: &Policy) -> Result<Option<Lock>, Error> {
    let Some(path) = &policy.bases().lock else { return Ok(None) };
    let keys = match &policy.bases().key {
        Some(key) => vec![keys::of_policy(ctx, policy, key)?],
        None => trust::keys_of_policy(ctx, policy)?,
    };
    read_lock(ctx, &Context::beside_policy(policy, path), &keys).map(Some)
}

/// The approved base images, where they can be read, to tell what came with them and no more. Where they can not, that is
/// unknown, and no reason to look for no flaws.
pub(crate) fn known_bases(ctx: &Context, policy: &Policy) -> Option<Lock> {
    bases(ctx, policy).unwrap_or_else(|error| {
        ctx.ui.warn(&format!("what came with the base image can not be told: {error}"));
        None
    })
}

/// Reads a lock of base images, which has to be signed by one of the keys.
pub(crate) fn read_lock(
    ctx: &Context,
    path: &Utf8Path,
    keys: &[plimsoll_attest::PublicKey],
) -> Result<Lock, Error> {
    let envelope = files::read(path, ctx.limits.user_file)?;
    let payload = plimsoll_attest::open_payload(&envelope, LOCK_TYPE, keys, &ctx.limits)?;
    Ok(Lock::parse(&payload)?)
}
