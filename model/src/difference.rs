//! What differs between the findings of two builds, and why.

use crate::{
    Inventory, Severity,
    component::Component,
    digest::Digest,
    purl::Purl,
    scan::{Fix, Match, Origin, Scan, ScanVerdict},
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of the flaws aboard one build: a scan, or what a record keeps of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// The advisories that it was judged by; absent where that is not known.
    pub index: Option<ViewIndex>,
    /// The packages, by package URL without version.
    pub packages: BTreeMap<String, PackageView>,
}

/// The advisories that a build was judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ViewIndex {
    /// Digest of the index.
    pub digest: Digest,
    /// When it was built.
    pub built: Timestamp,
}

/// One package, in whatever versions and places it is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackageView {
    /// Its versions; one without is empty.
    pub versions: BTreeSet<String>,
    /// Its flaws, by the id that people know each by.
    pub flaws: BTreeMap<String, FlawView>,
    /// Why it, or one of its copies, could not be evaluated.
    pub untold: Option<String>,
}

/// One flaw of one package. What is absent is not known, and differs from nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlawView {
    /// All its ids.
    pub ids: BTreeSet<String>,
    /// The worst severity.
    pub severity: Severity,
    /// The versions that have a fix; empty where there is none.
    pub fixed: Option<BTreeSet<String>>,
    /// Whether it is known to be exploited.
    pub exploited: Option<Exploited>,
    /// Where the package comes from.
    pub origin: Option<Origin>,
    /// When the record about it was published.
    pub published: Option<Timestamp>,
}

/// Whether a flaw is known to be exploited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exploited {
    /// Not that anybody knows.
    Unheard,
    /// It is.
    Known,
}

/// Everything that differs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// What differs, by kind, package and flaw.
    pub changes: Vec<FindingChange>,
    /// How many findings are in both, unchanged.
    pub unchanged: usize,
    /// Packages of the later build that can not be evaluated, and could be before or were not there.
    pub untold: Vec<Untold>,
}

/// A package that can no longer be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Untold {
    /// As a package URL without version.
    pub package: String,
    /// Why.
    pub reason: String,
}

/// One finding that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingChange {
    /// How.
    pub kind: FindingChangeKind,
    /// The package, as a package URL without version.
    pub package: String,
    /// The id that people know the flaw by.
    pub id: String,
    /// All ids of the flaw, on both sides.
    pub ids: BTreeSet<String>,
    /// Its severity in the later build; in the earlier where it is no longer there.
    pub severity: Severity,
    /// The versions before; none where the package was not there.
    pub before: BTreeSet<String>,
    /// The versions after.
    pub after: BTreeSet<String>,
    /// What brought it about.
    pub cause: Cause,
}

/// How a finding differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingChangeKind {
    /// It is there, and was not.
    New,
    /// It was there; whether it still is can not be told, for this reason. It is not fixed.
    Untold(String),
    /// It is there as before, and something about it is not.
    Changed(Vec<Attribute>),
    /// It was there, and is not.
    Fixed,
}

/// What about a finding changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attribute {
    /// Its severity.
    Severity(Severity, Severity),
    /// There is a fix now.
    FixAvailable,
    /// The fix that there was is no longer one.
    FixGone,
    /// It is known to be exploited now.
    Exploited,
    /// It is no longer known to be exploited.
    NoLongerExploited,
    /// Where the package comes from.
    Origin(Origin, Origin),
}

/// What brought a difference about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// What is aboard changed.
    Code,
    /// What is known of it did.
    Advisories,
    /// Either would not have done it alone, or each would have.
    Both,
    /// It can not be told, for this reason.
    Unknown(String),
}

impl FindingChangeKind {
    /// As one word.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Untold(_) => "untold",
            Self::Changed(_) => "changed",
            Self::Fixed => "fixed",
        }
    }
}

impl Cause {
    /// As one word.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Advisories => "advisories",
            Self::Both => "both",
            Self::Unknown(_) => "unknown",
        }
    }
}

impl Attribute {
    /// In words.
    pub fn words(self) -> String {
        match self {
            Self::Severity(from, to) => format!("severity {from} -> {to}"),
            Self::FixAvailable => "a fix is there now".to_owned(),
            Self::FixGone => "no fix is known any more".to_owned(),
            Self::Exploited => "it is known to be exploited now".to_owned(),
            Self::NoLongerExploited => "it is no longer known to be exploited".to_owned(),
            Self::Origin(from, to) => format!("origin {} -> {}", from.as_str(), to.as_str()),
        }
    }
}

impl Difference {
    /// The findings that are there and were not.
    pub fn new_findings(&self) -> impl Iterator<Item = &FindingChange> {
        self.changes.iter().filter(|change| change.kind == FindingChangeKind::New)
    }

    /// Whether something that could be told before, or was not there, can not be told.
    pub fn has_untold(&self) -> bool {
        !self.untold.is_empty()
            || self.changes.iter().any(|change| matches!(change.kind, FindingChangeKind::Untold(_)))
    }
}

/// A package whatever its version; what is installed side by side for several architectures is told together.
pub fn package_of(purl: &Purl) -> String {
    purl.without_version()
}

impl View {
    /// The packages of an inventory, of whose flaws nothing is said yet.
    pub fn of_inventory(inventory: &Inventory) -> Self {
        let mut view = Self::default();
        for component in inventory.components() {
            view.package_mut(component);
        }
        view
    }

    /// What a scan says of an inventory.
    pub fn of(inventory: &Inventory, scan: &Scan) -> Self {
        Self::of_part(inventory, scan, |_| true)
    }

    /// What a scan says of some of the components of an inventory.
    pub fn of_part(
        inventory: &Inventory,
        scan: &Scan,
        is_part: impl Fn(&Component) -> bool,
    ) -> Self {
        let index = ViewIndex { digest: scan.index.digest, built: scan.index.built };
        let mut view = Self { index: Some(index), ..Self::default() };
        for (id, component) in inventory.iter().filter(|(_, component)| is_part(component)) {
            let package = view.package_mut(component);
            match scan.verdict(id) {
                Some(ScanVerdict::NotEvaluated(reason)) => {
                    package.untold = Some(reason.to_string());
                }
                Some(ScanVerdict::Matched(_) | ScanVerdict::Clean) => {}
                Some(ScanVerdict::JudgedAs(_)) | None => {
                    package.untold = Some("it has no verdict".to_owned());
                }
            }
        }
        for (id, found) in scan.matches() {
            if let Some(component) = inventory.component(id).filter(|one| is_part(one)) {
                let package = view.packages.entry(package_of(&component.purl)).or_default();
                package.add(found.advisory.display_id(), FlawView::of(found));
            }
        }
        view
    }

    /// The same with everything that is aboard another.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        for (name, more) in other.packages {
            let package = self.packages.entry(name).or_default();
            package.versions.extend(more.versions);
            for (id, flaw) in more.flaws {
                package.add(&id, flaw);
            }
            package.untold = package.untold.take().or(more.untold);
        }
        self
    }

    /// The package of a component, which has the component's version from now on.
    fn package_mut(&mut self, component: &Component) -> &mut PackageView {
        let version = component.version.as_deref().or_else(|| component.purl.version());
        let package = self.packages.entry(package_of(&component.purl)).or_default();
        package.versions.insert(version.unwrap_or_default().to_owned());
        package
    }
}

impl PackageView {
    /// Adds a flaw, or what is said of it once more.
    pub fn add(&mut self, id: &str, flaw: FlawView) {
        match self.flaws.get_mut(id) {
            Some(known) => known.join(flaw),
            None => {
                self.flaws.insert(id.to_owned(), flaw);
            }
        }
    }
}

impl FlawView {
    /// What a match says.
    pub fn of(found: &Match) -> Self {
        let advisory = &found.advisory;
        let ids = std::iter::once(&advisory.id).chain(&advisory.aliases).cloned().collect();
        let fixed = match &found.fix {
            Fix::Fixed(fixed) => fixed.versions.iter().cloned().collect(),
            Fix::NotFixed { .. } | Fix::WontFix { .. } | Fix::NoneKnown => BTreeSet::new(),
        };
        let exploited = if found.exploitation.known().is_some() {
            Exploited::Known
        } else {
            Exploited::Unheard
        };
        Self {
            ids,
            severity: advisory.severity,
            fixed: Some(fixed),
            exploited: Some(exploited),
            origin: Some(found.origin),
            published: advisory.published,
        }
    }

    /// The same flaw of another copy of the package: the worst of both.
    fn join(&mut self, other: Self) {
        self.ids.extend(other.ids);
        self.severity = self.severity.max(other.severity);
        self.fixed = match (self.fixed.take(), other.fixed) {
            (Some(mut own), Some(other)) => {
                own.extend(other);
                Some(own)
            }
            (own, other) => own.or(other),
        };
        self.exploited = self.exploited.max(other.exploited);
        if self.origin != other.origin {
            self.origin = Some(Origin::Unknown);
        }
        self.published = match (self.published, other.published) {
            (Some(own), Some(other)) => Some(own.min(other)),
            (own, other) => own.or(other),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(version: &str, flaws: &[&str], untold: Option<&str>) -> View {
        let flaw = |id: &&str| {
            let flaw = FlawView {
                ids: BTreeSet::from([(*id).to_owned()]),
                severity: Severity::High,
                fixed: None,
                exploited: None,
                origin: None,
                published: None,
            };
            ((*id).to_owned(), flaw)
        };
        let package = PackageView {
            versions: BTreeSet::from([version.to_owned()]),
            flaws: flaws.iter().map(flaw).collect(),
            untold: untold.map(str::to_owned),
        };
        View { index: None, packages: BTreeMap::from([("pkg:npm/a".to_owned(), package)]) }
    }

    #[test]
    fn together_a_package_has_the_flaws_and_the_gaps_of_both() {
        for (one, other) in [(None, Some("why")), (Some("why"), None)] {
            let both = view("1", &["A", "B"], one).with(view("2", &["B", "C"], other));
            let package = &both.packages["pkg:npm/a"];
            assert_eq!(package.versions, ["1", "2"].map(str::to_owned).into());
            assert!(package.flaws.keys().eq(["A", "B", "C"]));
            assert_eq!(package.untold.as_deref(), Some("why"));
        }
    }
}
