//! What the advisories say of what is aboard.

use super::{
    packages_v1::OriginJson,
    paired,
    text::{cut, shown},
};
use jiff::{Timestamp, civil::Date};
use plimsoll_model::{
    Digest, Inventory, Purl, Severity,
    advisory::{Advisory, AdvisoryClass, Cvss},
    component::ComponentId,
    risk::{Exploitation, KnownExploited, Prediction, Ransomware, Ratings},
    scan::{
        Dated, Fix, FixedIn, FixedSince, IndexStamp, Match, NotEvaluated, Scan, ScanVerdict,
        SourceKind, SourceStamp,
    },
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ScanJson {
    index: IndexJson,
    /// What came of each package, in their order.
    verdicts: Vec<VerdictJson>,
    findings: Vec<FindingJson>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct IndexJson {
    digest: Digest,
    built: Timestamp,
    sources: Vec<SourceStampJson>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceStampJson {
    kind: SourceKindJson,
    ecosystem: String,
    from: Option<String>,
    records: u64,
    unreadable: u64,
    newest: Option<Timestamp>,
    fetched: Timestamp,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SourceKindJson {
    Advisories,
    KnownExploited,
    ExploitPrediction,
    EndOfLife,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct VerdictJson {
    /// The position of the package.
    package: u32,
    outcome: OutcomeJson,
    /// The position of the package that was judged in its place.
    judged_as: Option<u32>,
    reason: Option<ReasonJson>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum OutcomeJson {
    Matched,
    Clean,
    NotEvaluated,
    JudgedAs,
}

/// Why a package was not evaluated.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReasonJson {
    kind: ReasonKindJson,
    /// The ecosystem, the type of package, the version or the advisory that it is about.
    about: Option<String>,
    /// For people.
    message: String,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ReasonKindJson {
    UnknownDistribution,
    NoAdvisories,
    UnsupportedKind,
    NoName,
    NoVersion,
    UnorderableVersion,
    UnusableAdvisory,
    /// One that this version does not know.
    Other,
}

/// A flaw of a package.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FindingJson {
    /// The position of the package.
    package: u32,
    purl: Purl,
    /// As people know it.
    id: String,
    /// As the record is called that says so.
    record: String,
    aliases: Vec<String>,
    summary: String,
    class: ClassJson,
    severity: Severity,
    cvss: Option<CvssJson>,
    published: Option<Timestamp>,
    modified: Option<Timestamp>,
    reference: Option<String>,
    fix: FixJson,
    exploited: ExploitedJson,
    epss: Option<EpssJson>,
    origin: OriginJson,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ClassJson {
    Vulnerability,
    Malware,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CvssJson {
    vector: String,
    score: f64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FixJson {
    state: FixStateJson,
    versions: Vec<String>,
    record: Option<String>,
    since: Option<Timestamp>,
    dated: Option<DatedJson>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum FixStateJson {
    Fixed,
    NotFixed,
    WontFix,
    Unknown,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum DatedJson {
    Published,
    Modified,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExploitedJson {
    /// Whether a catalogue lists it; `null` where there was no catalogue.
    known: Option<bool>,
    added: Option<Date>,
    due: Option<Date>,
    ransomware: Option<bool>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EpssJson {
    probability: f64,
    percentile: f64,
}

paired!(ClassJson, AdvisoryClass, Vulnerability, Malware);
paired!(DatedJson, Dated, Published, Modified);

impl From<SourceKind> for SourceKindJson {
    fn from(kind: SourceKind) -> Self {
        match kind {
            SourceKind::Advisories => Self::Advisories,
            SourceKind::Exploited => Self::KnownExploited,
            SourceKind::Predictions => Self::ExploitPrediction,
            SourceKind::Lifetimes => Self::EndOfLife,
        }
    }
}

impl From<SourceKindJson> for SourceKind {
    fn from(kind: SourceKindJson) -> Self {
        match kind {
            SourceKindJson::Advisories => Self::Advisories,
            SourceKindJson::KnownExploited => Self::Exploited,
            SourceKindJson::ExploitPrediction => Self::Predictions,
            SourceKindJson::EndOfLife => Self::Lifetimes,
        }
    }
}

impl ScanJson {
    pub(super) fn of(scan: &Scan, inventory: Option<&Inventory>) -> Self {
        let purl = |id: ComponentId| Some(inventory?.component(id)?.purl.clone());
        let finding =
            |(id, found): (ComponentId, &Match)| Some(FindingJson::of(id, purl(id)?, found));
        Self {
            index: IndexJson::of(&scan.index),
            verdicts: (0..).zip(&scan.verdicts).map(VerdictJson::of).collect(),
            findings: scan.matches().filter_map(finding).collect(),
        }
    }

    /// Why it is none: what it says of packages is not about those of this inventory.
    pub(super) fn read(self, inventory: &Inventory) -> Result<Scan, &'static str> {
        let count = inventory.components().len();
        if self.verdicts.len() != count {
            return Err("there is not one verdict for each package");
        }
        let mut matches: Vec<Vec<Match>> = vec![Vec::new(); count];
        for finding in self.findings {
            let id = ComponentId(finding.package);
            let is_named = inventory.component(id).is_some_and(|of| of.purl == finding.purl);
            let slot = matches.get_mut(id.index()).filter(|_| is_named);
            slot.ok_or("a finding is about no package")?.push(finding.read());
        }
        let verdicts = (0..).zip(self.verdicts).zip(matches);
        let verdicts = verdicts.map(|((position, verdict), matches)| {
            if verdict.package != position {
                return Err("the verdicts are not in the order of the packages");
            }
            verdict.read(matches)
        });
        Ok(Scan { index: self.index.read(), verdicts: verdicts.collect::<Result<_, _>>()? })
    }
}

impl IndexJson {
    fn of(index: &IndexStamp) -> Self {
        let source = |source: &SourceStamp| SourceStampJson {
            kind: source.kind.into(),
            ecosystem: cut(&source.ecosystem),
            from: source.from.as_deref().map(shown),
            records: source.records,
            unreadable: source.unreadable,
            newest: source.newest,
            fetched: source.fetched,
        };
        Self {
            digest: index.digest,
            built: index.built,
            sources: index.sources.iter().map(source).collect(),
        }
    }

    fn read(self) -> IndexStamp {
        let source = |source: SourceStampJson| SourceStamp {
            kind: source.kind.into(),
            ecosystem: source.ecosystem,
            from: source.from,
            records: source.records,
            unreadable: source.unreadable,
            newest: source.newest,
            fetched: source.fetched,
        };
        IndexStamp {
            digest: self.digest,
            built: self.built,
            sources: self.sources.into_iter().map(source).collect(),
        }
    }
}

impl VerdictJson {
    fn of((package, verdict): (u32, &ScanVerdict)) -> Self {
        let (outcome, judged_as, reason) = match verdict {
            ScanVerdict::Matched(_) => (OutcomeJson::Matched, None, None),
            ScanVerdict::Clean => (OutcomeJson::Clean, None, None),
            ScanVerdict::NotEvaluated(reason) => {
                (OutcomeJson::NotEvaluated, None, Some(ReasonJson::of(reason)))
            }
            ScanVerdict::JudgedAs(ComponentId(owner)) => {
                (OutcomeJson::JudgedAs, Some(*owner), None)
            }
        };
        Self { package, outcome, judged_as, reason }
    }

    fn read(self, matches: Vec<Match>) -> Result<ScanVerdict, &'static str> {
        Ok(match (self.outcome, self.judged_as, self.reason) {
            (OutcomeJson::Matched, None, None) if !matches.is_empty() => {
                ScanVerdict::Matched(matches)
            }
            (OutcomeJson::Clean, None, None) if matches.is_empty() => ScanVerdict::Clean,
            (OutcomeJson::NotEvaluated, None, Some(reason)) if matches.is_empty() => {
                ScanVerdict::NotEvaluated(reason.read())
            }
            (OutcomeJson::JudgedAs, Some(owner), None) if matches.is_empty() => {
                ScanVerdict::JudgedAs(ComponentId(owner))
            }
            _ => return Err("a verdict contradicts the findings, or itself"),
        })
    }
}

impl ReasonJson {
    fn of(reason: &NotEvaluated) -> Self {
        let (kind, about) = match reason {
            NotEvaluated::UnknownDistribution => (ReasonKindJson::UnknownDistribution, None),
            NotEvaluated::NoAdvisories { ecosystem } => {
                (ReasonKindJson::NoAdvisories, Some(cut(ecosystem)))
            }
            NotEvaluated::UnsupportedKind { kind } => {
                (ReasonKindJson::UnsupportedKind, Some(cut(kind)))
            }
            NotEvaluated::NoName { .. } => (ReasonKindJson::NoName, None),
            NotEvaluated::NoVersion => (ReasonKindJson::NoVersion, None),
            NotEvaluated::UnorderableVersion { version, .. } => {
                (ReasonKindJson::UnorderableVersion, Some(cut(version)))
            }
            NotEvaluated::UnusableAdvisory { advisory, .. } => {
                (ReasonKindJson::UnusableAdvisory, Some(cut(advisory)))
            }
            _ => (ReasonKindJson::Other, None),
        };
        Self { kind, about, message: shown(&reason.to_string()) }
    }

    fn read(self) -> NotEvaluated {
        let about = self.about.unwrap_or_default();
        match self.kind {
            ReasonKindJson::UnknownDistribution => NotEvaluated::UnknownDistribution,
            ReasonKindJson::NoAdvisories => NotEvaluated::NoAdvisories { ecosystem: about },
            ReasonKindJson::UnsupportedKind => NotEvaluated::UnsupportedKind { kind: about },
            ReasonKindJson::NoName => NotEvaluated::NoName { expected: "a whole name" },
            ReasonKindJson::NoVersion => NotEvaluated::NoVersion,
            ReasonKindJson::UnorderableVersion => {
                let scheme = "versions of its ecosystem";
                NotEvaluated::UnorderableVersion { version: about, scheme }
            }
            ReasonKindJson::UnusableAdvisory | ReasonKindJson::Other => {
                NotEvaluated::UnusableAdvisory { advisory: about, reason: self.message }
            }
        }
    }
}

impl FindingJson {
    fn of(ComponentId(package): ComponentId, purl: Purl, found: &Match) -> Self {
        let advisory = &found.advisory;
        Self {
            package,
            purl,
            id: cut(advisory.display_id()),
            record: cut(&advisory.id),
            aliases: advisory.aliases.iter().map(|alias| cut(alias)).collect(),
            summary: shown(&advisory.summary),
            class: advisory.class.into(),
            severity: advisory.severity,
            cvss: advisory
                .cvss
                .as_ref()
                .map(|cvss| CvssJson { vector: cut(&cvss.vector), score: cvss.score }),
            published: advisory.published,
            modified: advisory.modified,
            reference: advisory.reference.as_deref().map(shown),
            fix: FixJson::of(&found.fix),
            exploited: ExploitedJson::of(found.exploitation),
            epss: found.prediction.map(|found| EpssJson {
                probability: found.probability,
                percentile: found.percentile,
            }),
            origin: found.origin.into(),
        }
    }

    fn read(self) -> Match {
        let epss = |epss: EpssJson| Prediction {
            probability: epss.probability,
            percentile: epss.percentile,
        };
        Match {
            advisory: Advisory {
                id: self.record,
                aliases: self.aliases,
                summary: self.summary,
                severity: self.severity,
                cvss: self.cvss.map(|cvss| Cvss { vector: cvss.vector, score: cvss.score }),
                published: self.published,
                modified: self.modified,
                class: self.class.into(),
                reference: self.reference,
            },
            fix: self.fix.read(),
            ratings: Ratings::default(),
            exploitation: self.exploited.read(),
            prediction: self.epss.map(epss),
            origin: self.origin.into(),
            evidence: Vec::new(),
            because: String::new(),
            matched_name: String::new(),
        }
    }
}

impl FixJson {
    fn of(fix: &Fix) -> Self {
        let (state, record) = match fix {
            Fix::Fixed(fixed) => (FixStateJson::Fixed, Some(cut(&fixed.record))),
            Fix::NotFixed { record } => (FixStateJson::NotFixed, Some(cut(record))),
            Fix::WontFix { record } => (FixStateJson::WontFix, Some(cut(record))),
            Fix::NoneKnown => (FixStateJson::Unknown, None),
        };
        Self {
            state,
            versions: fix.versions().iter().map(|version| cut(version)).collect(),
            record,
            since: fix.since().map(|since| since.at),
            dated: fix.since().map(|since| since.dated.into()),
        }
    }

    fn read(self) -> Fix {
        let since = self.since.zip(self.dated);
        let record = self.record.unwrap_or_default();
        match self.state {
            FixStateJson::Fixed => Fix::Fixed(FixedIn {
                versions: self.versions,
                record,
                since: since.map(|(at, dated)| FixedSince { at, dated: dated.into() }),
            }),
            FixStateJson::NotFixed => Fix::NotFixed { record },
            FixStateJson::WontFix => Fix::WontFix { record },
            FixStateJson::Unknown => Fix::NoneKnown,
        }
    }
}

impl ExploitedJson {
    fn of(exploitation: Exploitation) -> Self {
        let nothing = Self { known: None, added: None, due: None, ransomware: None };
        match exploitation {
            Exploitation::Known(known) => Self {
                known: Some(true),
                added: known.added,
                due: known.due,
                ransomware: Some(known.ransomware == Ransomware::Known),
            },
            Exploitation::NotListed => Self { known: Some(false), ..nothing },
            Exploitation::NoCatalog => nothing,
        }
    }

    fn read(self) -> Exploitation {
        let is_ransomware = self.ransomware == Some(true);
        match self.known {
            Some(true) => Exploitation::Known(KnownExploited {
                added: self.added,
                due: self.due,
                ransomware: if is_ransomware { Ransomware::Known } else { Ransomware::Unknown },
            }),
            Some(false) => Exploitation::NotListed,
            None => Exploitation::NoCatalog,
        }
    }
}
