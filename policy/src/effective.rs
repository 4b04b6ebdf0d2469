//! What a policy comes to, key by key, and where each value comes from.

use crate::{
    OutagePolicy,
    bases::{Flattened, Publisher},
    custom::{CustomRule, FactPath},
    decide::{Action, PolicyLine},
    exceptions::Exception,
    policy::{
        AllowedBase, Condition, ConditionClass, ConditionExploitation, ConditionOrigin, Leniency,
        Only, ParameterValue, Pin, Policy, Profile, ProvenancePolicy, SignerPolicy, SignerWho,
    },
    rules,
};
use jiff::SignedDuration;
use plimsoll_model::{
    Pattern,
    evidence::{Legacy, Unlogged},
    identity::IdentityPattern,
};
use serde_json::{Map, Value, json};

/// One value of the policy in force.
#[derive(Debug, Clone, PartialEq)]
pub struct EffectiveValue {
    /// Its key from the top of the file, items of lists by number: `gate.fail[0]`, `rules.DF-030`.
    pub key: String,
    /// As the file would say it; null where nothing is set.
    pub value: Value,
    /// What says so.
    pub origin: Origin,
}

/// What a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It is the default of the key, or of the rule.
    Default,
    /// The built-in policy says so.
    Profile(Profile),
    /// The policy file says so.
    File(PolicyLine),
    /// A flag of the command line.
    Flag(&'static str),
}

impl Policy {
    /// Every value in force, in the order of the file's keys. A rule stands there with its action, and with the parameters
    /// that are set.
    pub fn effective(&self) -> Vec<EffectiveValue> {
        let mut list = List { policy: self, values: Vec::new() };
        list.key("extends", json!(self.profile().as_str()), Origin::Default);
        list.key("unknown", json!(leniency(self.unknown.value)), self.of_profile_origin());
        list.gate();
        list.bases();
        list.custom();
        list.rules();
        list.evidence();
        list.promotion();
        list.vex();
        for (number, exception) in self.exceptions().iter().enumerate() {
            let key = format!("exceptions[{number}]");
            list.put(key, describe_exception(exception), Some(exception.line), Origin::Default);
        }
        let keys = ["inline-exceptions.allow", "inline-exceptions"];
        let line = keys.into_iter().find_map(|key| self.lines.get(key)).copied();
        let allowed = json!(self.inline_exceptions);
        list.put("inline-exceptions.allow".to_owned(), allowed, line, Origin::Default);
        list.values
    }

    const fn of_profile_origin(&self) -> Origin {
        Origin::Profile(self.profile())
    }
}

/// The values, as they are gathered.
struct List<'a> {
    policy: &'a Policy,
    values: Vec<EffectiveValue>,
}

impl List<'_> {
    /// A value, from the line if there is one, else from `otherwise`.
    fn put(&mut self, key: String, value: Value, line: Option<u32>, otherwise: Origin) {
        let origin = line.and_then(|line| self.policy.line(line)).map_or(otherwise, Origin::File);
        self.values.push(EffectiveValue { key, value, origin });
    }

    /// The value of a key that the file may have.
    fn key(&mut self, key: &str, value: Value, otherwise: Origin) {
        let line = self.policy.lines.get(key).copied();
        self.put(key.to_owned(), value, line, otherwise);
    }

    fn gate(&mut self) {
        let policy = self.policy;
        let gate = policy.gate();
        for (number, condition) in gate.fail.iter().enumerate() {
            // `--fail-on` takes the place of all conditions on severity, and stands in no line.
            let is_flag = condition.severity.is_some() && policy.fail_on.is_some();
            let otherwise =
                if is_flag { Origin::Flag("--fail-on") } else { policy.of_profile_origin() };
            let key = format!("gate.fail[{number}]");
            self.put(key, describe_condition(condition), condition.line, otherwise);
        }
        let age = gate.max_advisory_age.value.map_or_else(|| json!("off"), duration);
        self.key("gate.max-advisory-age", age, policy.of_profile_origin());
        let unknown = json!(leniency(gate.unknown_severity.value));
        self.key("gate.unknown-severity", unknown, policy.of_profile_origin());
    }

    fn bases(&mut self) {
        let policy = self.policy;
        let bases = policy.bases();
        self.key("bases.lock", json!(bases.lock), Origin::Default);
        self.key("bases.key", json!(bases.key), Origin::Default);
        let flattened = bases.flattened == Flattened::Attested;
        self.key("bases.allow-flattened", json!(flattened), Origin::Default);
        for (number, allowed) in bases.allow.iter().enumerate() {
            let key = format!("bases.allow[{number}]");
            self.put(key, describe_allowed(allowed), allowed.line, policy.of_profile_origin());
        }
        if bases.allow.is_empty() {
            // The list itself is empty, or a lock has taken the place of the profile's.
            let of = ["bases.allow", "bases.lock"];
            let line = of.into_iter().find_map(|key| policy.lines.get(key).copied());
            self.put("bases.allow".to_owned(), json!([]), line, policy.of_profile_origin());
        }
        for (number, denied) in bases.deny.iter().enumerate() {
            let key = format!("bases.deny[{number}]");
            self.put(key, json!(denied.value.as_str()), denied.line, Origin::Default);
        }
        for (number, mirror) in bases.mirrors.iter().enumerate() {
            let value =
                json!({"from": format!("{}*", mirror.from), "to": format!("{}*", mirror.to)});
            let key = format!("bases.mirrors[{number}]");
            self.put(key, value, Some(mirror.line), Origin::Default);
        }
    }

    fn custom(&mut self) {
        let policy = self.policy;
        for (number, rule) in policy.custom.iter().enumerate() {
            let value = describe_custom(rule);
            self.put(format!("custom[{number}]"), value, Some(rule.line), Origin::Default);
        }
    }

    fn rules(&mut self) {
        let policy = self.policy;
        for rule in &policy.custom {
            let action = policy.custom_action(rule);
            let word = word(action.value);
            self.put(format!("rules.{}", rule.id), json!(word), action.line, Origin::Default);
        }
        for rule in rules::ALL {
            let action = policy.action(rule);
            let setting = policy.rules.get(rule.id);
            let is_set = setting.is_some_and(|setting| setting.action.is_some());
            let otherwise = if is_set { policy.of_profile_origin() } else { Origin::Default };
            let word = word(action.value);
            self.put(format!("rules.{}", rule.id), json!(word), action.line, otherwise);
            for (name, value) in setting.iter().flat_map(|setting| &setting.parameters) {
                let value = match value {
                    ParameterValue::Number(number) => json!(number),
                    ParameterValue::Texts(texts) => json!(texts),
                };
                let line = setting.and_then(|setting| setting.line);
                self.put(format!("rules.{}.{name}", rule.id), value, line, Origin::Default);
            }
        }
    }

    fn evidence(&mut self) {
        let policy = self.policy;
        let evidence = policy.evidence();
        let kinds: Vec<_> = evidence.require.iter().map(|kind| kind.as_str()).collect();
        self.key("evidence.require", json!(kinds), policy.of_profile_origin());
        for (number, signer) in evidence.signers.iter().enumerate() {
            let key = format!("evidence.signers[{number}]");
            self.put(key, describe_signer(signer), Some(signer.line), Origin::Default);
        }
        if evidence.signers.is_empty() {
            self.key("evidence.signers", json!([]), Origin::Default);
        }
        let tuf = evidence.tuf.as_ref().map(|tuf| json!({"url": tuf.url, "root": tuf.root}));
        let max_scan_age = evidence.max_scan_age.value.map(duration);
        let legacy = match evidence.legacy {
            Legacy::Accept => "accept",
            Legacy::Refuse => "refuse",
        };
        for (key, value) in [
            ("evidence.trusted-root", json!(evidence.trusted_root)),
            ("evidence.tuf", json!(tuf)),
            ("evidence.max-age", json!(evidence.max_age.map(duration))),
            ("evidence.max-scan-age", json!(max_scan_age)),
            ("evidence.legacy", json!(legacy)),
            ("evidence.logs", json!(evidence.logs)),
            ("evidence.timestamps", json!(evidence.timestamps)),
            ("evidence.provenance", describe_provenance(&evidence.provenance)),
            (
                "evidence.outage",
                match &evidence.outage {
                    OutagePolicy::Fail => json!("fail"),
                    OutagePolicy::Queue { key } => json!({"queue": {"key": key}}),
                },
            ),
        ] {
            self.key(key, value, Origin::Default);
        }
    }

    fn promotion(&mut self) {
        let promotion = self.policy.promotion();
        let text = |pattern: &Option<Pattern>| json!(pattern.as_ref().map(Pattern::as_str));
        self.key("promotion.from", text(&promotion.from), Origin::Default);
        self.key("promotion.to", text(&promotion.to), Origin::Default);
        let tags: Vec<_> = promotion.immutable_tags.iter().map(Pattern::as_str).collect();
        self.key("promotion.immutable-tags", json!(tags), Origin::Default);
    }

    fn vex(&mut self) {
        let vex = self.policy.vex();
        let issuers: Vec<_> = vex.issuers.iter().map(Pattern::as_str).collect();
        self.key("vex.documents", json!(vex.documents), Origin::Default);
        self.key("vex.issuers", json!(issuers), Origin::Default);
        self.key("vex.max-age", json!(vex.max_age.map(duration)), Origin::Default);
    }
}

/// A mapping of those keys that have a value, in this order.
fn mapping<const N: usize>(entries: [(&str, Value); N]) -> Value {
    let there = entries.into_iter().filter(|(_, value)| {
        !value.is_null() && value.as_array().is_none_or(|items| !items.is_empty())
    });
    Value::Object(there.map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>())
}

fn describe_condition(condition: &Condition) -> Value {
    mapping([
        ("severity", json!(condition.severity.map(plimsoll_model::Severity::as_str))),
        ("fixable", json!(condition.fixable)),
        ("older-than", json!(condition.older_than.map(duration))),
        ("fixed-for", json!(condition.fixed_for.map(duration))),
        ("epss", json!(condition.likelihood.map(|likelihood| likelihood.to_string()))),
        (
            "known-exploited",
            json!((condition.exploitation == ConditionExploitation::Known).then_some(true)),
        ),
        (
            "origin",
            match condition.origin {
                ConditionOrigin::Any => Value::Null,
                ConditionOrigin::Base => json!("base"),
                ConditionOrigin::Own => json!("own"),
            },
        ),
        ("malicious", json!((condition.class == ConditionClass::Malware).then_some(true))),
    ])
}

fn describe_allowed(allowed: &AllowedBase) -> Value {
    mapping([
        ("repository", json!(allowed.repository.as_str())),
        ("only", json!(allowed.only.map(|Only::Official| "official"))),
        ("pin", json!(allowed.pin.map(|Pin::Digest| "digest"))),
        ("max-age", json!(allowed.max_age.map(duration))),
        ("signer", json!(allowed.signer.map(Publisher::as_str))),
        ("source", json!(allowed.source)),
    ])
}

fn describe_signer(signer: &SignerPolicy) -> Value {
    let kinds: Vec<_> = signer.kinds.iter().map(|kind| kind.as_str()).collect();
    let builders: Vec<_> = signer.builders.iter().map(IdentityPattern::as_str).collect();
    let of_all = [
        ("for", json!(kinds)),
        ("builders", json!(builders)),
        ("verifier", json!(signer.verifier)),
    ];
    let who = match &signer.who {
        SignerWho::Key { path, unlogged, validity } => mapping([
            ("key", json!(path)),
            ("unlogged", json!((*unlogged == Unlogged::Accept).then_some("accept"))),
            ("valid-from", json!(validity.from.map(|moment| moment.to_string()))),
            ("valid-until", json!(validity.until.map(|moment| moment.to_string()))),
        ]),
        SignerWho::Identity(demand) => mapping([
            ("issuer", json!(demand.issuer)),
            ("identity", json!(demand.subject.as_str())),
            ("repository", json!(demand.repository)),
            ("repository-id", json!(demand.repository_id)),
            ("owner-id", json!(demand.owner_id)),
            ("ref", json!(demand.reference.as_ref().map(Pattern::as_str))),
            ("triggers", json!(demand.triggers)),
            ("runner", json!(demand.runner)),
        ]),
    };
    match (who, mapping(of_all)) {
        (Value::Object(who), Value::Object(of_all)) => {
            Value::Object(who.into_iter().chain(of_all).collect())
        }
        (who, _) => who,
    }
}

fn describe_provenance(provenance: &ProvenancePolicy) -> Value {
    let parameters = provenance.parameters.as_ref();
    let parameters =
        parameters.map(|paths| paths.iter().map(ToString::to_string).collect::<Vec<_>>());
    let properties = provenance.properties.iter().map(|property| property.as_str());
    let described = mapping([
        ("build-types", json!(provenance.build_types)),
        ("repository", json!(provenance.repository)),
        ("ref", json!(provenance.reference.as_ref().map(Pattern::as_str))),
        ("commit", json!(provenance.commit)),
        ("triggers", json!(provenance.triggers)),
        ("properties", json!(properties.collect::<Vec<_>>())),
    ]);
    match (described, parameters) {
        // An empty list allows none, and is said.
        (Value::Object(mut described), Some(parameters)) => {
            described.insert("parameters".to_owned(), json!(parameters));
            Value::Object(described)
        }
        (Value::Object(described), None) if described.is_empty() => Value::Null,
        (described, _) => described,
    }
}

fn word(action: Option<Action>) -> &'static str {
    action.map_or("off", Action::as_str)
}

fn describe_custom(rule: &CustomRule) -> Value {
    let paths =
        |paths: &[FactPath]| json!(paths.iter().map(ToString::to_string).collect::<Vec<_>>());
    mapping([
        ("id", json!(rule.id)),
        ("title", json!(rule.title)),
        ("file", json!(rule.file)),
        ("rule", json!(rule.rule)),
        ("about", paths(&rule.about)),
        ("needs", paths(&rule.needs)),
        ("severity", json!(rule.severity.as_str())),
        ("remedy", json!(rule.remedy)),
    ])
}

fn describe_exception(exception: &Exception) -> Value {
    let text = |pattern: &Option<Pattern>| json!(pattern.as_ref().map(Pattern::as_str));
    mapping([
        ("rule", json!(exception.rule)),
        ("id", json!(exception.id)),
        ("component", text(&exception.component)),
        ("path", text(&exception.path)),
        ("reason", json!(exception.reason)),
        ("owner", json!(exception.owner)),
        ("expires", json!(exception.expires.to_string())),
    ])
}

const fn leniency(leniency: Leniency) -> &'static str {
    match leniency {
        Leniency::Fail => "fail",
        Leniency::Warn => "warn",
    }
}

/// A duration in the largest unit that it is a whole number of.
fn duration(duration: SignedDuration) -> Value {
    let minutes = duration.as_mins();
    let text = match (minutes % 1440, minutes % 60) {
        (0, _) => format!("{}d", minutes / 1440),
        (_, 0) => format!("{}h", minutes / 60),
        _ => format!("{minutes}m"),
    };
    json!(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::Severity;

    fn parse(text: &str, environment: Option<&str>) -> Policy {
        Policy::parse_for(text, "p.yaml".into(), environment).unwrap()
    }

    /// The value of a key and its origin.
    #[track_caller]
    fn check(policy: &Policy, key: &str, value: &Value, origin: &Origin) {
        let values = policy.effective();
        let found: Vec<_> = values.iter().filter(|value| value.key == key).collect();
        let [found] = found.as_slice() else { panic!("{key}: {found:?} of {values:#?}") };
        assert_eq!((&found.value, &found.origin), (value, origin), "{key}");
    }

    fn line(line: u32) -> Origin {
        Origin::File(PolicyLine { path: "p.yaml".into(), line })
    }

    const BASELINE: Origin = Origin::Profile(Profile::Baseline);

    #[test]
    fn what_is_built_in_says_so() {
        let policy = Policy::baseline();
        check(&policy, "extends", &json!("baseline"), &Origin::Default);
        check(&policy, "unknown", &json!("fail"), &BASELINE);
        check(&policy, "gate.fail[1]", &json!({"severity": "high", "fixable": true}), &BASELINE);
        check(&policy, "gate.fail[2]", &json!({"malicious": true}), &BASELINE);
        check(&policy, "gate.max-advisory-age", &json!("7d"), &BASELINE);
        check(&policy, "rules.DF-030", &json!("warn"), &Origin::Default);
        check(&policy, "evidence.max-age", &Value::Null, &Origin::Default);
        let strict = Policy::of_profile(Profile::Strict);
        check(&strict, "rules.DF-030", &json!("deny"), &Origin::Profile(Profile::Strict));
        let kinds = json!(["provenance", "sbom", "vulnerabilities"]);
        check(&strict, "evidence.require", &kinds, &Origin::Profile(Profile::Strict));
    }

    #[test]
    fn what_the_file_says_has_its_line() {
        let policy = parse(
            "version: 1\nextends: strict\ngate:\n  max-advisory-age: 36h\n  fail:\n    - {epss: 2.5%, origin: own}\nbases:\n  lock: b.lock\n\
             rules:\n  DF-030: off\n  VUL-004: {allow: [npm]}\nevidence:\n  signers:\n    - {key: a.pub, for: [sbom]}\n  provenance: {parameters: []}\n",
            None,
        );
        check(&policy, "extends", &json!("strict"), &line(2));
        check(&policy, "gate.max-advisory-age", &json!("36h"), &line(4));
        check(&policy, "gate.fail[0]", &json!({"epss": "2.5%", "origin": "own"}), &line(6));
        check(&policy, "bases.allow", &json!([]), &line(8));
        check(&policy, "rules.DF-030", &json!("off"), &line(10));
        check(&policy, "rules.VUL-004", &json!("deny"), &Origin::Default);
        check(&policy, "rules.VUL-004.allow", &json!(["npm"]), &line(11));
        check(&policy, "rules.IMG-002", &json!("deny"), &Origin::Profile(Profile::Strict));
        check(&policy, "evidence.signers[0]", &json!({"key": "a.pub", "for": ["sbom"]}), &line(14));
        check(&policy, "evidence.provenance", &json!({"parameters": []}), &line(15));
    }

    #[test]
    fn what_dockerfiles_may_except_themselves_from_is_seen() {
        const KEY: &str = "inline-exceptions.allow";
        check(&Policy::baseline(), KEY, &json!([]), &Origin::Default);
        let text = "version: 1\ninline-exceptions:\n  allow: [DF-030, DF-020]\nenvironments:\n  prod:\n    inline-exceptions: {allow: []}\n";
        check(&parse(text, None), KEY, &json!(["DF-020", "DF-030"]), &line(3));
        check(&parse(text, Some("prod")), KEY, &json!([]), &line(6));
    }

    #[test]
    fn an_environment_and_a_flag_are_seen() {
        let text = "version: 1\nunknown: warn\nenvironments:\n  prod:\n    unknown: fail\n";
        check(&parse(text, None), "unknown", &json!("warn"), &line(2));
        check(&parse(text, Some("prod")), "unknown", &json!("fail"), &line(5));
        let policy = Policy::baseline().with_fail_on(Severity::Low);
        check(&policy, "gate.fail[0]", &json!({"malicious": true}), &BASELINE);
        let flag = Origin::Flag("--fail-on");
        check(&policy, "gate.fail[1]", &json!({"severity": "low"}), &flag);
    }

    #[test]
    fn every_key_of_the_file_is_shown() {
        // A key that is added to the file and not here would be in force unseen.
        let policy = parse(crate::template::POLICY_TEMPLATE, None);
        let shown: Vec<_> = policy.effective().into_iter().map(|value| value.key).collect();
        for key in policy.lines.keys().filter(|key| key.contains('.')) {
            let is_shown =
                shown.iter().any(|shown| shown == key || shown.starts_with(&format!("{key}[")));
            assert!(is_shown, "{key} is not among {shown:#?}");
        }
    }
}
