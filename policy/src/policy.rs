//! A valid policy.

mod provenance;

pub use provenance::{ParameterPath, ParameterPathError, ProvenancePolicy};

use crate::{
    EvidenceKind, OutagePolicy, Pattern,
    bases::{Flattened, Publisher},
    custom::CustomRule,
    decide::{Action, PolicyLine},
    exceptions::Exception,
    revision::Revision,
    rules::Rule,
};
use camino::{Utf8Path, Utf8PathBuf};
use jiff::SignedDuration;
use plimsoll_model::{
    Digest, Severity,
    evidence::{Legacy, Unlogged, Validity},
    identity::{IdentityDemand, IdentityPattern},
    reference::Repository,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

/// A valid policy; every value that stands in a file knows its line.
#[derive(Debug, Clone)]
pub struct Policy {
    pub(crate) digest: Digest,
    pub(crate) path: Option<Utf8PathBuf>,
    pub(crate) environment: Option<String>,
    pub(crate) revision: Option<Revision>,
    /// The line of each key of the file, by its name (`gate.fail`).
    pub(crate) lines: BTreeMap<String, u32>,
    /// What `--fail-on` put in place of the gate's conditions on severity.
    pub(crate) fail_on: Option<Severity>,
    pub(crate) profile: Profile,
    pub(crate) unknown: Located<Leniency>,
    pub(crate) gate: Gate,
    pub(crate) bases: BasesPolicy,
    pub(crate) rules: BTreeMap<&'static str, RuleSetting>,
    pub(crate) evidence: EvidencePolicy,
    pub(crate) promotion: PromotionPolicy,
    pub(crate) vex: VexPolicy,
    /// Rules of the user's own.
    pub(crate) custom: Vec<CustomRule>,
    pub(crate) exceptions: Vec<Exception>,
    /// The rules from which a Dockerfile may except itself, whatever they come to.
    pub(crate) inline_exceptions: BTreeSet<&'static str>,
}

/// A value and the line of the policy file that it comes from; built-in values have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// From 1.
    pub line: Option<u32>,
}

impl<T: Default> Default for Located<T> {
    fn default() -> Self {
        Self { value: T::default(), line: None }
    }
}

/// The built-in policy that a policy file starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// What no image should ship without.
    Baseline,
    /// Baseline, with digest pins, health checks, and no patience with what could not be told.
    Strict,
    /// Baseline, and what the CIS Docker Benchmark asks of images, containers and the daemon blocks.
    CisDocker,
    /// Baseline, and what the Pod Security Standards forbid at the level `restricted` blocks.
    PssRestricted,
    /// The guidelines that Plimsoll puts into force, and nothing else.
    Guidelines,
}

/// What becomes of something that could not be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leniency {
    /// It keeps the action of its rule.
    Fail,
    /// It warns at most.
    Warn,
}

/// When matches of advisories block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// A match blocks where one of them holds.
    pub fail: Vec<Condition>,
    /// How old advisories may be.
    pub max_advisory_age: Located<Option<SignedDuration>>,
    /// What a match without a severity comes to, where a condition turns on its severity.
    pub unknown_severity: Located<Leniency>,
}

/// All that it names has to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Condition {
    /// This bad or worse.
    pub severity: Option<Severity>,
    /// Whether a version with the fix is known.
    pub fixable: Option<bool>,
    /// How long ago the advisory was published, at least.
    pub older_than: Option<SignedDuration>,
    /// How long ago a fix was first known, at least.
    pub fixed_for: Option<SignedDuration>,
    /// How likely it has to be, at least, that the flaw will be exploited.
    pub likelihood: Option<Likelihood>,
    /// Whether the flaw has to be known to be exploited.
    pub exploitation: ConditionExploitation,
    /// Where the component has to come from.
    pub origin: ConditionOrigin,
    /// Whether the package itself has to be malware.
    pub class: ConditionClass,
    /// Its line.
    pub line: Option<u32>,
}

/// A probability of EPSS, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Likelihood(u32);

/// Which flaws a condition is about, by whether they are exploited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ConditionExploitation {
    /// Every one.
    #[default]
    Any,
    /// Those that are known to be.
    Known,
}

/// Which components a condition is about, by where they come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ConditionOrigin {
    /// Every one.
    #[default]
    Any,
    /// Those that came with the base image.
    Base,
    /// Those that were added to it.
    Own,
}

/// Which advisories a condition is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ConditionClass {
    /// Every one.
    #[default]
    Any,
    /// Those that call the package itself malware.
    Malware,
}

/// What the policy says of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RuleSetting {
    /// Absent: the rule is off. The outer one absent: not set.
    pub(crate) action: Option<Switch>,
    pub(crate) parameters: BTreeMap<&'static str, ParameterValue>,
    pub(crate) line: Option<u32>,
}

/// Whether a rule runs, and what its findings come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Switch {
    Off,
    On(Action),
}

/// The value of a rule's parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterValue {
    /// A whole number.
    Number(i64),
    /// A list of texts.
    Texts(Vec<String>),
}

/// What evidence a promotion needs, and whose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EvidencePolicy {
    /// The kinds that have to be there.
    pub require: BTreeSet<EvidenceKind>,
    /// The line of that list.
    pub line: Option<u32>,
    /// Who is believed.
    pub signers: Vec<SignerPolicy>,
    /// Whose word counts for certificates, logs and times, as written: relative to the directory of the policy file;
    /// absent means what is built in.
    pub trusted_root: Option<Utf8PathBuf>,
    /// Where that comes from by TUF instead.
    pub tuf: Option<TufPolicy>,
    /// How long ago evidence may have been signed.
    pub max_age: Option<SignedDuration>,
    /// What becomes of forms that others no longer write.
    pub legacy: Legacy,
    /// How many different logs have to have seen a signature.
    pub logs: usize,
    /// How many different timestamp authorities have to have seen it.
    pub timestamps: usize,
    /// What provenance has to say.
    pub provenance: ProvenancePolicy,
    /// How long ago the scan that is stated may have ended.
    pub max_scan_age: Located<Option<SignedDuration>>,
    /// What becomes of statements while they can not be signed.
    pub outage: OutagePolicy,
}

/// A TUF repository with the trusted root of a private instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TufPolicy {
    /// Its address.
    pub url: String,
    /// The root of TUF that it is verified from, as written: relative to the directory of the policy file.
    pub root: Utf8PathBuf,
}

/// Somebody who is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerPolicy {
    /// Who.
    pub who: SignerWho,
    /// The kinds of evidence that this signer is believed about; empty means all.
    pub kinds: BTreeSet<EvidenceKind>,
    /// Whose builds this signer may state, by the ids of the builders; empty means anyone's.
    pub builders: Vec<IdentityPattern>,
    /// As which verifier this signer may summarise; absent means as Plimsoll.
    pub verifier: Option<String>,
    /// Its line.
    pub line: u32,
}

/// Whom a policy believes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignerWho {
    /// The holder of a key.
    Key {
        /// The public key as written: relative to the directory of the policy file.
        path: Utf8PathBuf,
        /// Whether something has to prove when it signed.
        unlogged: Unlogged,
        /// When it may have signed.
        validity: Validity,
    },
    /// Somebody by an identity.
    Identity(Box<IdentityDemand>),
}

/// Which VEX counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VexPolicy {
    /// The documents as written: relative to the directory of the policy file.
    pub documents: Vec<Utf8PathBuf>,
    /// Whose statements count, by the author that a document names; empty means whoever wrote a document that is named here
    /// or on the command line.
    pub issuers: Vec<Pattern>,
    /// How long ago a statement that clears may have been made.
    pub max_age: Option<SignedDuration>,
    /// The line of the section.
    pub line: Option<u32>,
}

/// Which base images are approved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BasesPolicy {
    /// The lock of approved bases as written: relative to the directory of the policy file.
    pub lock: Option<Utf8PathBuf>,
    /// The public key that the lock is signed with, as written.
    pub key: Option<Utf8PathBuf>,
    /// Images that are approved by their name.
    pub allow: Vec<AllowedBase>,
    /// Images that are blocked, whoever approves them: patterns over repositories.
    pub deny: Vec<Located<Pattern>>,
    /// Registries that mirror others.
    pub mirrors: Vec<Mirror>,
    /// What becomes of an image whose layers were merged.
    pub flattened: Flattened,
    /// The line of the section.
    pub line: Option<u32>,
}

/// Images that are approved by their name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedBase {
    /// The repositories.
    pub repository: Pattern,
    /// A further demand on the name.
    pub only: Option<Only>,
    /// A further demand on how it is named.
    pub pin: Option<Pin>,
    /// How long ago it may have been approved in the lock.
    pub max_age: Option<SignedDuration>,
    /// Whose signature has to have been verified when it was approved in the lock.
    pub signer: Option<Publisher>,
    /// The repository that it was built from, as a URL, where that publisher signs for those of others.
    pub source: Option<String>,
    /// Its line; built-in ones have none.
    pub line: Option<u32>,
}

/// A demand on a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Only {
    /// It is in the list of Docker Official Images.
    Official,
}

/// A demand on how an image is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pin {
    /// By digest.
    Digest,
}

/// A registry that mirrors another: everything below `from` is the same path below `to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// With the slash at its end.
    pub from: String,
    /// With the slash at its end.
    pub to: String,
    /// Its line.
    pub line: u32,
}

/// Between which repositories images are promoted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PromotionPolicy {
    /// Where they come from; absent means anywhere.
    pub from: Option<Pattern>,
    /// Where they go; absent means anywhere.
    pub to: Option<Pattern>,
    /// Tags that never move to another digest.
    pub immutable_tags: Vec<Pattern>,
    /// The line of the section.
    pub line: Option<u32>,
}

impl Likelihood {
    /// Whether a probability, from 0 to 1, is this high or higher.
    pub fn is_reached_by(self, probability: f64) -> bool {
        probability >= f64::from(self.0) / 1_000_000.0
    }
}

/// As it is written, without zeroes at the end.
impl fmt::Display for Likelihood {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:04}", self.0 / 10_000, self.0 % 10_000);
        write!(out, "{}%", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// `10%`, `0.5%`: at most four decimals, above nothing and up to all.
impl FromStr for Likelihood {
    type Err = LikelihoodError;

    fn from_str(text: &str) -> Result<Self, LikelihoodError> {
        let number = text.strip_suffix('%').ok_or(LikelihoodError)?;
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        let is_digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(whole) || !is_digits(decimals) || whole.len() > 3 || decimals.len() > 4 {
            return Err(LikelihoodError);
        }
        let millionths = format!("{whole}{decimals:0<4}").parse().ok().map(Self);
        millionths
            .filter(|Self(millionths)| (1..=1_000_000).contains(millionths))
            .ok_or(LikelihoodError)
    }
}

/// A text that is no probability.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is above 0% and up to 100%, with at most four decimals")]
pub struct LikelihoodError;

impl PromotionPolicy {
    /// Whether images may be promoted from the one to the other; what lies in no repository, but in a file or a layout, is
    /// from none that a pattern means.
    pub fn permits(&self, from: Option<&Repository>, to: &Repository) -> bool {
        let admits = |pattern: &Option<Pattern>, repository: Option<&Repository>| {
            let is_match = |pattern: &Pattern| {
                repository.is_some_and(|repository| pattern.is_match(&repository.to_string()))
            };
            pattern.as_ref().is_none_or(is_match)
        };
        admits(&self.from, from) && admits(&self.to, Some(to))
    }

    /// Whether images are promoted to this very repository. A pattern that names no registry says of none that it is one's own.
    pub fn is_destination(&self, repository: &Repository) -> bool {
        let has_registry = |pattern: &&Pattern| {
            pattern.as_str().split_once('/').is_some_and(|(registry, _)| !registry.contains('*'))
        };
        let to = self.to.as_ref().filter(has_registry);
        to.is_some_and(|pattern| pattern.is_match(&repository.to_string()))
    }

    /// Whether a tag never moves to another digest.
    pub fn is_immutable(&self, tag: &str) -> bool {
        self.immutable_tags.iter().any(|pattern| pattern.is_match(tag))
    }
}

impl AllowedBase {
    /// Whether the repository is one of these, whatever else is demanded of the reference.
    pub fn admits(&self, repository: &Repository) -> bool {
        self.repository.is_match(&repository.to_string())
            && match self.only {
                Some(Only::Official) => crate::official::is_official(repository),
                None => true,
            }
    }
}

impl BasesPolicy {
    /// The repository that `mirrored` mirrors, where a mirror is configured for it.
    pub fn original(&self, mirrored: &Repository) -> Option<Repository> {
        let name = mirrored.to_string();
        self.mirrors.iter().find_map(|mirror| {
            let rest = name.strip_prefix(&mirror.from)?;
            format!("{}{rest}", mirror.to).parse().ok()
        })
    }

    /// The publisher whose signature is demanded of the images of a repository, and what demands it. A mirror stands for what it
    /// mirrors.
    pub fn publisher(&self, repository: &Repository) -> Option<(&AllowedBase, Publisher)> {
        let original = self.original(repository);
        let mut names = std::iter::once(repository).chain(&original);
        names.find_map(|name| {
            let mut allowed = self.allow.iter().filter(|allowed| allowed.admits(name));
            allowed.find_map(|allowed| Some((allowed, allowed.signer?)))
        })
    }
}

impl Policy {
    /// The digest of the text; of the built-in text for a built-in policy.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The file; the built-in policy has none.
    pub fn path(&self) -> Option<&Utf8Path> {
        self.path.as_deref()
    }

    /// The environment of the file that it is for.
    pub fn environment(&self) -> Option<&str> {
        self.environment.as_deref()
    }

    /// The built-in policy that this one starts from.
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// The policy with this in place of the gate's conditions on severity; a policy of its own, with a digest of its own.
    #[must_use]
    pub fn with_fail_on(mut self, severity: Severity) -> Self {
        self.gate.fail.retain(|condition| condition.severity.is_none());
        self.gate.fail.push(Condition { severity: Some(severity), ..Condition::default() });
        self.fail_on = Some(severity);
        self.digest = Digest::of(format!("{} with fail-on {severity}", self.digest).as_bytes());
        self
    }

    /// The policy under which these documents count too; a policy of its own, with a digest of its own.
    #[must_use]
    pub fn with_vex(mut self, documents: &[Digest]) -> Self {
        if !documents.is_empty() {
            let named: Vec<_> = documents.iter().map(ToString::to_string).collect();
            let text = format!("{} with VEX {}", self.digest, named.join(" "));
            self.digest = Digest::of(text.as_bytes());
        }
        self
    }

    /// Which VEX counts.
    pub const fn vex(&self) -> &VexPolicy {
        &self.vex
    }

    /// What evidence is needed, and whose.
    pub const fn evidence(&self) -> &EvidencePolicy {
        &self.evidence
    }

    /// Which base images are approved.
    pub const fn bases(&self) -> &BasesPolicy {
        &self.bases
    }

    /// Between which repositories images are promoted.
    pub const fn promotion(&self) -> &PromotionPolicy {
        &self.promotion
    }

    /// When matches of advisories block.
    pub const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The accepted findings, expired ones included.
    pub fn exceptions(&self) -> &[Exception] {
        &self.exceptions
    }

    /// How old advisories may be; the baseline says 7 days, strict 3.
    pub const fn max_advisory_age(&self) -> Option<SignedDuration> {
        self.gate.max_advisory_age.value
    }

    /// What findings of a rule come to, and the line that says so; nothing where the rule is off.
    pub fn action(&self, rule: &Rule) -> Located<Option<Action>> {
        self.action_of(rule.id, Located { value: rule.action, line: None })
    }

    /// The same of a rule of the user's own.
    pub(crate) fn custom_action(&self, rule: &CustomRule) -> Located<Option<Action>> {
        self.action_of(rule.id, Located { value: rule.action, line: Some(rule.line) })
    }

    fn action_of(&self, id: &str, own: Located<Action>) -> Located<Option<Action>> {
        let setting = self.rules.get(id);
        let line = setting.and_then(|setting| setting.action.and(setting.line));
        let value = match setting.and_then(|setting| setting.action) {
            Some(Switch::Off) => None,
            Some(Switch::On(action)) => Some(action),
            None => return Located { value: Some(own.value), line: own.line },
        };
        Located { value, line }
    }

    pub(crate) fn parameter(&self, rule: &str, name: &str) -> Option<&ParameterValue> {
        self.rules.get(rule)?.parameters.get(name)
    }

    pub(crate) fn line(&self, line: u32) -> Option<PolicyLine> {
        self.path.clone().map(|path| PolicyLine { path, line })
    }
}
