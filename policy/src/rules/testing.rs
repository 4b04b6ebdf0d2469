//! What the tests of the rules have in common.

mod bases;
mod files;
mod scans;

pub(crate) use bases::{dependency, entry, entry_of};
pub(crate) use scans::{component, found, index};

use crate::{
    Checkout, ConfigFile, ConfigKind, Decision, Dockerfile, EvidenceKind, Facts, Files, Flags,
    Judged, Policy, Since, SourceFile, Users,
    bases::Lock,
    decide,
    secrets::{SecretFile, Secrets, Seen, State},
    stated::{Provenance, Said, Stated},
};
use jiff::{SignedDuration, Timestamp};
use plimsoll_model::{
    Digest, Inventory, TreePath,
    component::Component,
    evidence::Presence,
    finding::{Outcome, Place},
    image::{Healthcheck, Image, ImageConfig, IndexChild, Layer},
    inventory::Unknown,
    platform::Platform,
    reference,
    scan::{IndexStamp, Match, Scan, ScanVerdict},
};
use std::collections::BTreeMap;

/// What a rule is expected to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    Pass,
    Fail,
    Unknown,
}

/// Facts in the making.
#[derive(Debug, Clone, Default)]
pub(crate) struct Case {
    policy: String,
    dockerfiles: Vec<Dockerfile>,
    ignored: BTreeMap<camino::Utf8PathBuf, String>,
    configs: Vec<ConfigFile>,
    compose: Vec<SourceFile>,
    env_files: Vec<SourceFile>,
    checkout: Option<Checkout>,
    manifests: Vec<SourceFile>,
    receipts: Option<BTreeMap<reference::Pinned, Presence>>,
    target: Option<String>,
    build_args: BTreeMap<String, String>,
    plain_http: Vec<String>,
    image: Option<Image>,
    users: Option<Users>,
    secrets: Option<Secrets>,
    files: Option<Files>,
    lock: Option<Lock>,
    evidence: Option<BTreeMap<EvidenceKind, Presence>>,
    stated: Stated,
    components: Option<Vec<(Component, ScanVerdict)>>,
    unknowns: Vec<Unknown>,
    index: Option<IndexStamp>,
    is_unscanned: bool,
    verdicts: Option<Vec<ScanVerdict>>,
    vex: Option<crate::vex::VexFacts>,
    since: Option<Since>,
    flags: Option<Flags>,
    pub(super) registry: Option<plimsoll_model::registry::RegistryFacts>,
}

/// The moment of all tests: 2026-06-15 12:00 UTC.
pub(crate) fn now() -> Timestamp {
    "2026-06-15T12:00:00Z".parse().unwrap()
}

pub(crate) fn digest(of: &str) -> Digest {
    Digest::of(of.as_bytes())
}

/// An image whose policy has these rules, and an exception that ends on this day.
pub(crate) fn excepting_until(expires: &str, rules: &str) -> Case {
    Case::default().image(&["a"]).policy(&format!(
        "rules: {rules}\nexceptions: [{{rule: IMG-002, reason: r, owner: o, expires: {expires}}}]"
    ))
}

impl Case {
    /// Lines of a policy file after its version.
    pub(crate) fn policy(mut self, text: &str) -> Self {
        self.policy = text.to_owned();
        self
    }

    pub(crate) fn dockerfile(self, text: &str) -> Self {
        self.dockerfile_at("Dockerfile", text)
    }

    pub(crate) fn dockerfile_at(mut self, path: &str, text: &str) -> Self {
        self.dockerfiles.push(Dockerfile { path: path.into(), text: text.to_owned() });
        self
    }

    /// What is left out of the build context of the Dockerfile.
    pub(crate) fn ignored(mut self, text: &str) -> Self {
        self.ignored.insert("Dockerfile".into(), text.to_owned());
        self
    }

    /// A configuration file, of the kind that its name says.
    pub(crate) fn config(mut self, path: &str, text: &str) -> Self {
        let kind = ConfigKind::of(path.into()).unwrap();
        self.configs.push(ConfigFile { path: path.into(), kind, text: text.to_owned() });
        self
    }

    /// A compose file `compose.yaml`.
    pub(crate) fn compose(self, text: &str) -> Self {
        self.compose_file("compose.yaml", text)
    }

    pub(crate) fn compose_file(mut self, path: &str, text: &str) -> Self {
        self.compose.push(SourceFile { path: path.into(), text: text.to_owned() });
        self
    }

    /// A file of manifests of Kubernetes.
    pub(crate) fn kubernetes(mut self, text: &str) -> Self {
        self.manifests.push(SourceFile { path: "app.yaml".into(), text: text.to_owned() });
        self
    }

    /// What came of looking for the receipt of an image that a manifest names.
    pub(crate) fn receipt(mut self, image: reference::Pinned, presence: Presence) -> Self {
        self.receipts.get_or_insert_default().insert(image, presence);
        self
    }

    /// What the probes of a registry came to.
    pub(crate) fn registry(mut self, facts: plimsoll_model::registry::RegistryFacts) -> Self {
        self.registry = Some(facts);
        self
    }

    /// A file of variables.
    pub(crate) fn env_file(mut self, path: &str, text: &str) -> Self {
        self.env_files.push(SourceFile { path: path.into(), text: text.to_owned() });
        self
    }

    /// Where the files are: in the root of a repository.
    pub(crate) fn checkout(self, root: &str) -> Self {
        self.checkout_at(root, root)
    }

    /// Where the files are, and the root of the repository that this is in.
    pub(crate) fn checkout_at(mut self, directory: &str, root: &str) -> Self {
        self.checkout = Some(Checkout { directory: directory.into(), root: root.into() });
        self
    }

    pub(crate) fn target(mut self, stage: &str) -> Self {
        self.target = Some(stage.to_owned());
        self
    }

    pub(crate) fn build_arg(mut self, name: &str, value: &str) -> Self {
        self.build_args.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The accounts of the image.
    pub(crate) fn passwd(mut self, text: &str) -> Self {
        self.users = Some(Users::parse(text));
        self
    }

    pub(crate) fn users(mut self, users: Users) -> Self {
        self.users = Some(users);
        self
    }

    /// A file of an image with the layer `a`, as it is seen when it passes by.
    pub(crate) fn secret_file(self, path: &str, state: State, bytes: &[u8]) -> Self {
        let path = TreePath::parse(path.as_bytes()).unwrap();
        match Secrets::seen(&path, bytes) {
            Some(seen) => self.seen(path, state, seen),
            None => self.looked(),
        }
    }

    /// An image whose layers were looked at.
    pub(crate) fn looked(self) -> Self {
        let mut case = if self.image.is_none() { self.image(&["a"]) } else { self };
        case.secrets.get_or_insert_default();
        case
    }

    /// A file of which this was seen.
    pub(crate) fn seen(self, path: TreePath, state: State, seen: Seen) -> Self {
        let mut case = self.looked();
        let (layer, diff_id) = (Some(digest("blob a")), Some(digest("a")));
        let file = SecretFile { path, layer, diff_id, state, seen };
        case.secrets.get_or_insert_default().files.push(file);
        case
    }

    /// Why the accounts can not be told.
    pub(crate) fn shadow_untold(self, why: &str) -> Self {
        let mut case = self.looked();
        case.secrets.get_or_insert_default().shadow_untold = Some(why.to_owned());
        case
    }

    /// An image with these layers that runs `/app` as 10001 and has a health check.
    pub(crate) fn image(self, layers: &[&str]) -> Self {
        self.image_with(layers, |_| {})
    }

    pub(crate) fn image_with(
        mut self,
        layers: &[&str],
        change: impl FnOnce(&mut ImageConfig),
    ) -> Self {
        let mut config = ImageConfig {
            user: Some("10001".to_owned()),
            healthcheck: Some(Healthcheck { test: vec!["CMD".to_owned(), "/x".to_owned()] }),
            entrypoint: vec!["/app".to_owned()],
            ..ImageConfig::default()
        };
        change(&mut config);
        let layer = |name: &&str| Layer {
            digest: digest(&format!("blob {name}")),
            size: 1,
            diff_id: digest(name),
            media_type: "application/vnd.oci.image.layer.v1.tar+gzip".to_owned(),
            created_by: None,
        };
        self.image = Some(Image {
            pinned: pinned("index"),
            manifest: digest("manifest"),
            config_digest: digest("config"),
            platform: Platform::linux("amd64"),
            config,
            layers: layers.iter().map(layer).collect(),
            annotations: BTreeMap::new(),
            children: Vec::new(),
        });
        self
    }

    /// Children of the index that the reference came to.
    pub(crate) fn children(mut self, children: &[IndexChild]) -> Self {
        self.image.as_mut().unwrap().children = children.to_vec();
        self
    }

    /// An image whose files were looked at, and of which none matters.
    pub(crate) fn files(mut self) -> Self {
        let image = self.image.as_ref().unwrap();
        let layers = image.layers.iter().map(|layer| layer.diff_id).collect();
        self.files.get_or_insert_with(|| Files { layers, ..Files::default() });
        self
    }

    /// Changes what is known of its files.
    pub(crate) fn change_files(self, change: impl FnOnce(&mut Files)) -> Self {
        let mut case = self.files();
        change(case.files.as_mut().unwrap());
        case
    }

    /// Layers of another type.
    pub(crate) fn layers_of_type(mut self, media_type: &str) -> Self {
        for layer in &mut self.image.as_mut().unwrap().layers {
            media_type.clone_into(&mut layer.media_type);
        }
        self
    }

    /// Gives the image an annotation.
    pub(crate) fn annotated(mut self, name: &str, value: &str) -> Self {
        let image = self.image.as_mut().unwrap();
        image.annotations.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn evidence(mut self, kind: EvidenceKind, presence: Presence) -> Self {
        self.evidence.get_or_insert_default().insert(kind, presence);
        self
    }

    /// What verified evidence states.
    pub(crate) fn stated(mut self, change: impl FnOnce(&mut Stated)) -> Self {
        self.evidence.get_or_insert_default();
        change(&mut self.stated);
        self
    }

    pub(crate) fn component(mut self, purl: &str, verdict: ScanVerdict) -> Self {
        self.components.get_or_insert_default().push((component(purl), verdict));
        self
    }

    /// A component that declares these licences.
    pub(crate) fn licensed(mut self, purl: &str, licenses: &[&str]) -> Self {
        let mut one = component(purl);
        one.licenses = licenses.iter().map(ToString::to_string).collect();
        self.components.get_or_insert_default().push((one, ScanVerdict::Clean));
        self
    }

    /// A component with what is known of it.
    pub(crate) fn found_component(mut self, component: Component) -> Self {
        self.components.get_or_insert_default().push((component, ScanVerdict::Clean));
        self
    }

    /// A component that declares one licence, of which others concluded another.
    pub(crate) fn concluded(mut self, purl: &str, declared: &str, concluded: &str) -> Self {
        let mut one = component(purl);
        (one.licenses, one.concluded) = (vec![declared.to_owned()], vec![concluded.to_owned()]);
        self.components.get_or_insert_default().push((one, ScanVerdict::Clean));
        self
    }

    pub(crate) fn matched(self, purl: &str, found: Match) -> Self {
        self.component(purl, ScanVerdict::Matched(vec![found]))
    }

    pub(crate) fn unread(mut self, path: &str, reason: &str) -> Self {
        self.components.get_or_insert_default();
        self.unknowns.push(Unknown {
            path: TreePath::parse(path.as_bytes()).unwrap(),
            layer: None,
            cataloger: "dpkg",
            reason: reason.to_owned(),
        });
        self
    }

    pub(crate) fn index(mut self, index: IndexStamp) -> Self {
        self.components.get_or_insert_default();
        self.index = Some(index);
        self
    }

    /// A document of statements, given as JSON.
    pub(crate) fn vex(mut self, document: &serde_json::Value) -> Self {
        let bytes = document.to_string();
        let path = format!("{}.json", Digest::of(bytes.as_bytes()).short());
        let image = self.image.as_ref().map(crate::vex::Image::of);
        let read = crate::vex::read(bytes.as_bytes(), path.as_str().into()).unwrap();
        let before = self.vex.take().map_or_else(Vec::new, |vex| vex.documents.to_vec());
        let documents = before.into_iter().chain([read]).collect();
        self.vex = Some(crate::vex::VexFacts { documents, image });
        self
    }

    /// Verdicts in place of those of the components.
    pub(crate) fn with_verdicts(mut self, verdicts: &[ScanVerdict]) -> Self {
        self.verdicts = Some(verdicts.to_vec());
        self
    }

    /// What differs from the last promoted build.
    pub(crate) fn since(mut self, since: Since) -> Self {
        self.since = Some(since);
        self
    }

    /// What the ledger's list of flagged builds says.
    pub(crate) fn flags(mut self, flags: Flags) -> Self {
        self.flags = Some(flags);
        self
    }

    /// An inventory that nobody scanned.
    pub(crate) fn unscanned(mut self) -> Self {
        self.components.get_or_insert_default();
        self.is_unscanned = true;
        self
    }

    pub(crate) fn decide(&self) -> Decision {
        let policy = Policy::parse(&format!("version: 1\n{}", self.policy), "p.yaml".into());
        self.decide_by(&policy.unwrap())
    }

    pub(crate) fn decide_by(&self, policy: &Policy) -> Decision {
        self.with_facts(|facts| decide(policy, facts, now()))
    }

    /// What `look` makes of the facts.
    pub(crate) fn with_facts<T>(&self, look: impl FnOnce(&Facts<'_>) -> T) -> T {
        let mut pairs = self.components.clone().unwrap_or_default();
        pairs.sort_by(|(left, _), (right, _)| left.purl.cmp(&right.purl));
        let (components, verdicts): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let inventory = Inventory::new(None, components, vec![], self.unknowns.clone());
        let index = self.index.clone().unwrap_or_else(|| index(SignedDuration::from_hours(1)));
        let verdicts = self.verdicts.clone().unwrap_or(verdicts);
        let scan = Scan { index, verdicts };
        let has_inventory = self.components.is_some();
        look(&Facts {
            users: self.users.as_ref(),
            secrets: self.secrets.as_ref(),
            files: self.files.as_ref(),
            image: self.image.as_ref(),
            inventory: has_inventory.then_some(&inventory),
            scan: (has_inventory && !self.is_unscanned).then_some(&scan),
            vex: self.vex.as_ref(),
            since: self.since.as_ref(),
            flags: self.flags.as_ref(),
            dockerfiles: &self.dockerfiles,
            ignored: &self.ignored,
            configs: &self.configs,
            compose: &self.compose,
            env_files: &self.env_files,
            checkout: self.checkout.as_ref(),
            manifests: &self.manifests,
            recorded_manifests: None,
            receipts: self.receipts.as_ref(),
            target_stage: self.target.as_deref(),
            build_args: &self.build_args,
            plain_http: &self.plain_http,
            registry: self.registry.as_ref(),
            bases: self.lock.as_ref(),
            evidence: self.evidence.as_ref(),
            stated: self.evidence.as_ref().map(|_| &self.stated),
            recorded: None,
        })
    }

    /// The findings of one rule.
    pub(crate) fn findings(&self, rule: &str) -> Vec<Judged> {
        let decision = self.decide();
        decision.findings().iter().filter(|judged| judged.finding.rule == rule).cloned().collect()
    }

    /// Asserts what one rule says, every one of its findings alike.
    #[track_caller]
    pub(crate) fn check(&self, rule: &str, expect: Expect) {
        let findings = self.findings(rule);
        let found: Vec<_> = findings.iter().map(|judged| judged.finding.outcome).collect();
        let is_expected = match expect {
            Expect::Pass => found.is_empty(),
            Expect::Fail => !found.is_empty() && found.iter().all(|o| *o == Outcome::Fail),
            Expect::Unknown => !found.is_empty() && found.iter().all(|o| *o == Outcome::Unknown),
        };
        let of = &self.dockerfiles;
        assert!(is_expected, "{rule}: expected {expect:?} of {of:#?}: {findings:#?}");
    }

    /// Line and column of each finding of one rule in a file.
    pub(crate) fn places(&self, rule: &str) -> Vec<(u32, u32)> {
        let places = self.findings(rule).into_iter().filter_map(|judged| {
            let Place::Source { line, column, .. } = judged.finding.place else { return None };
            Some((line, column))
        });
        places.collect()
    }
}

/// A statement by somebody who is believed.
pub(crate) fn said<T>(what: Result<T, String>) -> Said<T> {
    Said { statement: digest("statement"), by: "key a".to_owned(), what }
}

/// Provenance that says no more than this.
pub(crate) fn provenance(change: impl FnOnce(&mut Provenance)) -> Said<Provenance> {
    let mut provenance = Provenance::default();
    change(&mut provenance);
    said(Ok(provenance))
}

/// Asserts what one rule says of each of these Dockerfiles.
#[track_caller]
pub(crate) fn check_files(rule: &str, expect: Expect, files: &[&str]) {
    for file in files {
        Case::default().dockerfile(file).check(rule, expect);
    }
}

pub(crate) fn pinned(of: &str) -> reference::Pinned {
    let place = reference::Place::Repository("registry.corp/build/app".parse().unwrap());
    reference::Pinned { place, digest: digest(of) }
}

pub(crate) const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// `name@sha256:…`.
pub(crate) fn at_digest(name: &str) -> String {
    format!("{name}@sha256:{HEX}")
}
