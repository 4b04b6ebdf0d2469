//! The built-in policies.
//!
//! A profile may name rules that are not built yet (`tables.rs`): they come into force with the rule.
//!
//! They are written here as values, because what is built in can not fail to parse, and beside it as the text that
//! their digest is taken of; a test holds the two together.

use crate::{
    EvidenceKind,
    bases::Publisher,
    policy::{
        AllowedBase, BasesPolicy, Condition, ConditionClass, EvidencePolicy, Gate, Leniency,
        Located, Only, Pin, Policy, Profile, PromotionPolicy, VexPolicy,
    },
};
use jiff::SignedDuration;
use plimsoll_model::{Digest, Severity};
use std::collections::{BTreeMap, BTreeSet};

mod tables;

const DAY: i64 = 24;
/// Publishers whose images a policy that names none trusts, and those whose signatures can be demanded.
const PUBLISHERS: [(&str, Option<Only>, Option<Publisher>); 7] = [
    ("docker.io/library/*", Some(Only::Official), None),
    ("dhi.io/**", None, None),
    ("gcr.io/distroless/*", None, Some(Publisher::Distroless)),
    ("cgr.dev/chainguard/*", None, Some(Publisher::Chainguard)),
    ("mcr.microsoft.com/**", None, None),
    ("registry.access.redhat.com/**", None, None),
    ("registry.k8s.io/**", None, Some(Publisher::Kubernetes)),
];

impl Profile {
    /// All of them, in documentation order.
    pub const ALL: [Self; 5] =
        [Self::Baseline, Self::Strict, Self::CisDocker, Self::PssRestricted, Self::Guidelines];

    /// The policy as text.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Baseline => include_str!("baseline.yaml"),
            Self::Strict => include_str!("strict.yaml"),
            Self::CisDocker => include_str!("cis-docker.yaml"),
            Self::PssRestricted => include_str!("pss-restricted.yaml"),
            Self::Guidelines => include_str!("guidelines.yaml"),
        }
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Strict => "strict",
            Self::CisDocker => "cis-docker",
            Self::PssRestricted => "pss-restricted",
            Self::Guidelines => "guidelines",
        }
    }
}

impl Policy {
    /// The policy that applies where no file is: what no image should ship without.
    pub fn baseline() -> Self {
        Self::of_profile(Profile::Baseline)
    }

    /// A built-in policy.
    pub fn of_profile(profile: Profile) -> Self {
        let (pin, unknown_severity, max_age) = match profile {
            Profile::Baseline
            | Profile::CisDocker
            | Profile::PssRestricted
            | Profile::Guidelines => (None, Leniency::Warn, 7 * DAY),
            Profile::Strict => (Some(Pin::Digest), Leniency::Fail, 3 * DAY),
        };
        Self {
            digest: Digest::of(profile.text().as_bytes()),
            path: None,
            environment: None,
            lines: BTreeMap::new(),
            fail_on: None,
            profile,
            unknown: built_in(Leniency::Fail),
            gate: Gate {
                fail: conditions(profile),
                max_advisory_age: built_in(Some(SignedDuration::from_hours(max_age))),
                unknown_severity: built_in(unknown_severity),
            },
            bases: BasesPolicy { allow: publishers(pin), ..BasesPolicy::default() },
            rules: tables::settings(tables::of(profile)),
            evidence: EvidencePolicy {
                require: EvidenceKind::STATED.into(),
                ..EvidencePolicy::default()
            },
            vex: VexPolicy::default(),
            custom: Vec::new(),
            promotion: PromotionPolicy::default(),
            exceptions: Vec::new(),
            inline_exceptions: BTreeSet::new(),
            revision: None,
        }
    }
}

const fn built_in<T>(value: T) -> Located<T> {
    Located { value, line: None }
}

fn conditions(profile: Profile) -> Vec<Condition> {
    let malware = Condition { class: ConditionClass::Malware, ..Condition::default() };
    let worse = |severity| Condition { severity: Some(severity), ..Condition::default() };
    match profile {
        Profile::Baseline | Profile::CisDocker | Profile::PssRestricted | Profile::Guidelines => {
            vec![
                worse(Severity::Critical),
                Condition { fixable: Some(true), ..worse(Severity::High) },
                malware,
            ]
        }
        Profile::Strict => vec![
            worse(Severity::High),
            Condition {
                fixable: Some(true),
                older_than: Some(SignedDuration::from_hours(30 * DAY)),
                ..worse(Severity::Medium)
            },
            malware,
        ],
    }
}

fn publishers(pin: Option<Pin>) -> Vec<AllowedBase> {
    let allowed = PUBLISHERS.into_iter().filter_map(|(pattern, only, signer)| {
        let repository = pattern.parse().ok()?;
        // Who demands the bytes by their digest demands the signatures that they are approved by.
        let signer = signer.filter(|_| pin == Some(Pin::Digest));
        let (max_age, source, line) = (None, None, None);
        Some(AllowedBase { repository, only, pin, max_age, signer, source, line })
    });
    allowed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{ParameterValue, Switch};

    type Rules = Vec<(&'static str, Option<Switch>, BTreeMap<&'static str, ParameterValue>)>;

    /// Everything but lines and the path.
    fn values(mut policy: Policy) -> (Policy, Rules) {
        let rules = std::mem::take(&mut policy.rules)
            .into_iter()
            .map(|(id, setting)| (id, setting.action, setting.parameters))
            .collect();
        policy.path = None;
        policy.lines.clear();
        policy.unknown.line = None;
        policy.gate.max_advisory_age.line = None;
        policy.gate.unknown_severity.line = None;
        policy.bases.line = None;
        policy.evidence.line = None;
        policy.gate.fail.iter_mut().for_each(|condition| condition.line = None);
        policy.bases.allow.iter_mut().for_each(|allowed| allowed.line = None);
        (policy, rules)
    }

    #[test]
    fn values_and_text_of_each_profile_agree() {
        for profile in Profile::ALL {
            let built_in = Policy::of_profile(profile);
            assert_eq!(built_in.digest(), Digest::of(profile.text().as_bytes()));
            let parsed = Policy {
                digest: built_in.digest(),
                ..Policy::parse(profile.text(), "p.yaml".into()).unwrap()
            };
            assert_eq!(format!("{:#?}", values(parsed)), format!("{:#?}", values(built_in)));
        }
    }

    #[test]
    fn the_text_says_everything_itself() {
        // Parsed on top of the other profile, nothing of the other one is left but the rules it sets.
        let text = Profile::Baseline.text().replace("extends: baseline", "extends: strict");
        let (mut parsed, _) = values(Policy::parse(&text, "p.yaml".into()).unwrap());
        parsed.profile = Profile::Baseline;
        parsed.digest = Policy::baseline().digest();
        assert_eq!(
            format!("{:#?}", values(parsed).0),
            format!("{:#?}", values(Policy::baseline()).0)
        );
    }
}
