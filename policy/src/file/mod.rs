//! The policy file: text to a valid [`Policy`], or the line and column of what is wrong with it.

pub(crate) use case::KEYS as CASE_KEYS;

mod case;
mod custom;
mod environments;
mod evidence;
mod exceptions;
mod reader;
mod sections;

use crate::{
    Error,
    policy::{Leniency, Located, Policy, Profile},
    yaml::{self, Node, Value},
};
use camino::Utf8Path;
use plimsoll_model::Digest;
use reader::{Fields, Reader};
use std::collections::BTreeMap;

const KEYS: &[&str] = &[
    "version",
    "extends",
    "unknown",
    "gate",
    "bases",
    "custom",
    "rules",
    "evidence",
    "promotion",
    "vex",
    "exceptions",
    "inline-exceptions",
    "environments",
];
const VERSION: i64 = 1;
const LENIENCIES: [(&str, Leniency); 2] = [("fail", Leniency::Fail), ("warn", Leniency::Warn)];

impl Policy {
    /// The policy in `text`, without its environments; `path` stands in messages and findings.
    pub fn parse(text: &str, path: &Utf8Path) -> Result<Self, Error> {
        Self::parse_for(text, path, None)
    }

    /// The policy in `text` for one of its environments. All of them are read, so that none is found broken on the day
    /// that it is needed.
    ///
    /// # Errors
    /// Beside what is wrong with the text, an environment that it does not name.
    pub fn parse_for(
        text: &str,
        path: &Utf8Path,
        environment: Option<&str>,
    ) -> Result<Self, Error> {
        let reader = Reader { path };
        let document = yaml::read(text, path)?;
        let plain = of_document(&reader, &document, Digest::of(text.as_bytes()))?;
        let mut chosen = None;
        let mut known = Vec::new();
        for (name, merged) in environments::read(&reader, &document)? {
            let digest = Digest::of(format!("{} for {name}", plain.digest).as_bytes());
            let mut policy = of_document(&reader, &merged, digest)?;
            policy.environment = Some(name.clone());
            if environment == Some(name.as_str()) {
                chosen = Some(policy);
            }
            known.push(name);
        }
        match (environment, chosen) {
            (None, _) => Ok(plain),
            (Some(_), Some(policy)) => Ok(policy),
            (Some(name), None) => Err(Error::UnknownEnvironment {
                path: path.to_owned(),
                name: name.chars().take(100).collect(),
                known,
            }),
        }
    }
}

fn of_document(reader: &Reader<'_>, document: &Node, digest: Digest) -> Result<Policy, Error> {
    let fields = reader.fields(document, KEYS)?;
    let Some(version) = fields.get("version") else {
        return reader.fail(document.at, format!("expected `version: {VERSION}`"));
    };
    reader.integer(version, (VERSION, VERSION))?;
    let profiles = Profile::ALL.map(|profile| (profile.as_str(), profile));
    let profile =
        fields.get("extends").map_or(Ok(Profile::Baseline), |node| reader.word(node, &profiles))?;
    let mut policy =
        Policy { digest, path: Some(reader.path.to_owned()), ..Policy::of_profile(profile) };
    if let Some(node) = fields.get("unknown") {
        policy.unknown = located(reader.word(node, &LENIENCIES)?, node);
    }
    for (key, section) in SECTIONS {
        if let Some(node) = fields.get(key) {
            section(reader, node, &mut policy)?;
        }
    }
    policy.lines = lines(&fields);
    Ok(policy)
}

/// The line of each key, by its name (`extends`, `gate.fail`).
fn lines(fields: &Fields<'_>) -> BTreeMap<String, u32> {
    let mut lines = BTreeMap::new();
    for entry in fields.iter() {
        lines.insert(entry.key.clone(), entry.at.line);
        if let Value::Map(entries) = &entry.value.value {
            let inner = entries.iter();
            lines
                .extend(inner.map(|inner| (format!("{}.{}", entry.key, inner.key), inner.at.line)));
        }
    }
    lines
}

const SECTIONS: [(&str, Section); 9] = [
    ("gate", sections::gate),
    ("bases", sections::bases),
    // Before what can name them.
    ("custom", custom::read),
    ("rules", sections::rules),
    ("evidence", evidence::read),
    ("promotion", sections::promotion),
    ("vex", sections::vex),
    ("exceptions", exceptions::read),
    ("inline-exceptions", exceptions::inline),
];

type Section = fn(&Reader<'_>, &Node, &mut Policy) -> Result<(), Error>;

fn located<T>(value: T, node: &Node) -> Located<T> {
    Located { value, line: Some(node.at.line) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Action, Error, Exception, SignerPolicy, SignerWho, rules};
    use plimsoll_model::evidence::{Unlogged, Validity};
    use plimsoll_model::{Class, Classify as _};
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn parse(text: &str) -> Result<Policy, Error> {
        Policy::parse(text, "plimsoll.yaml".into())
    }

    /// `text` after a valid first line.
    #[track_caller]
    fn check(text: &str, expect: &str) {
        let error = parse(&format!("version: 1\n{text}")).unwrap_err();
        assert_eq!(error.to_string(), format!("plimsoll.yaml:{expect}"));
        assert_eq!(error.class(), Class::Usage);
    }

    #[test]
    fn an_unknown_key_is_refused_where_it_stands_with_the_nearest_one() {
        check("gates: {}", "2:1: unknown key `gates`: did you mean `gate`?");
        check("gate:\n  fial: []", "3:3: unknown key `fial`: did you mean `fail`?");
        check(
            "gate: {fail: [{serverity: high}]}",
            "2:16: unknown key `serverity`: did you mean `severity`?",
        );
        check(
            "gate: {max_advisory_age: 3d}",
            "2:8: unknown key `max_advisory_age`: did you mean `max-advisory-age`?",
        );
        check("zzz: 1", "2:1: unknown key `zzz`");
        check("rules: {VUL-004: {alow: [npm]}}", "2:19: unknown key `alow`: did you mean `allow`?");
        check("rules: {VUL-0005: off}", "2:9: unknown rule `VUL-0005`: did you mean `VUL-005`?");
    }

    #[test]
    fn b14_a_policy_extends_what_is_built_in_and_nothing_from_elsewhere() {
        for from in ["https://policies.example/base.yaml", "../base.yaml", "file:///etc/base.yaml"]
        {
            let expect = format!(
                "2:10: expected one of `baseline`, `strict`, `cis-docker`, `pss-restricted`, `guidelines`, found `{from}`"
            );
            check(&format!("extends: {from}"), &expect);
        }
    }

    #[test]
    fn nonsense_says_what_was_found_and_expected() {
        check("unknown: maybe", "2:10: expected one of `fail`, `warn`, found `maybe`");
        check(
            "extends: basline",
            "2:10: expected one of `baseline`, `strict`, `cis-docker`, `pss-restricted`, `guidelines`, found `basline`: did you mean `baseline`?",
        );
        check(
            "gate: []",
            "2:7: expected a mapping (`fail`, `max-advisory-age`, `unknown-severity`, …), found a list",
        );
        check("gate: {fail: high}", "2:14: expected a list, found `high`");
        check(
            "gate: {fail: [{}]}",
            "2:15: a condition that names nothing would hold for every match",
        );
        check("gate: {fail: [{fixable: yes}]}", "2:25: expected `true` or `false`, found `yes`");
        check(
            "gate: {fail: [{malicious: false}]}",
            "2:27: expected `true`, or no such key, found `false`",
        );
        check(
            "gate: {fail: [{severity: severe}]}",
            "2:26: expected one of `critical`, `high`, `medium`, `low`, `info`, found `severe`",
        );
        check(
            "promotion: {immutable-tags: [1.10]}",
            "2:30: expected a pattern, in quotes if it looks like a number, found a number",
        );
        check(
            "promotion: {from: \"a.io/[x]\"}",
            "2:19: expected a pattern, found `a.io/[x]`: `[` has no meaning in a pattern: only `*` and `**` have",
        );
        check(
            "rules: {EXC-002: {max-days: 0}}",
            "2:29: expected a whole number from 1 to 3650, found the number `0`",
        );
        check(
            "rules: {DF-030: }",
            "2:15: expected one of `off`, `inform`, `warn`, `deny`, found nothing",
        );
    }

    #[test]
    fn durations_are_positive_whole_numbers_with_a_unit() {
        for (text, seconds) in [("3d", 259_200), ("72h", 259_200), ("90m", 5_400)] {
            let policy = parse(&format!("version: 1\ngate: {{max-advisory-age: {text}}}")).unwrap();
            assert_eq!(policy.max_advisory_age().unwrap().as_secs(), seconds);
        }
        for bad in
            ["3", "3w", "0d", "-1d", "1.5d", "d", "9999999d", "\"+1d\"", "\"3 d\"", "3d2h", "日"]
        {
            let error = parse(&format!("version: 1\ngate: {{max-advisory-age: {bad}}}"));
            assert!(matches!(error, Err(Error::Invalid { line: 2, column: 26, .. })), "{bad}");
        }
    }

    #[test]
    fn the_version_comes_first_and_is_ours() {
        for (text, expect) in [
            ("{}", "1:1: expected `version: 1`"),
            ("version: 2", "1:10: expected a whole number from 1 to 1, found the number `2`"),
            ("version: \"1\"", "1:10: expected a whole number from 1 to 1, found `1`"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), format!("plimsoll.yaml:{expect}"));
        }
        assert!(
            parse("").is_err() && parse("[]").is_err() && parse("version: 1\nversion: 1").is_err()
        );
    }

    #[test]
    fn what_is_not_there_yet_says_so() {
        check(
            "gate: {fail: [{known-exploited: false}]}",
            "2:33: expected `true`, or no such key, found `false`",
        );
        check(
            "gate: {fail: [{origin: mine}]}",
            "2:24: expected one of `base`, `own`, found `mine`",
        );
        check(
            "gate: {fail: [{epss: 0.1}]}",
            "2:22: expected a probability such as `10%` or `0.5%`, in quotes if it looks like a number, found a number",
        );
        check(
            "gate: {fail: [{epss: 101%}]}",
            "2:22: expected a probability such as `10%` or `0.5%`, found `101%`: it is above 0% and up to 100%, with at most four decimals",
        );
        check(
            "bases: {allow: [{repository: \"a.io/*\", signer: x}]}",
            "2:48: expected one of `chainguard`, `distroless`, `kubernetes`, `dhi`, `docker-github-builder`, found `x`",
        );
        check(
            "bases: {lock: l, allow-flattened: false}",
            "2:35: expected `true`, or no such key, found `false`",
        );
        check(
            "bases: {allow-flattened: true}",
            "2:26: `allow-flattened` takes what the lock approves: expected `lock` beside it",
        );
        let signed = |signer: &str, rest: &str| {
            format!("bases: {{allow: [{{repository: \"a.io/*\", signer: {signer}{rest}}}]}}")
        };
        check(
            &signed("docker-github-builder", ""),
            "2:17: `docker-github-builder` signs for whoever calls it: expected `source`, the repository as `https://github.com/OWNER/REPOSITORY`",
        );
        check(
            &signed("dhi", ", source: \"https://github.com/a/b\""),
            "2:53: `source` goes with `signer: docker-github-builder`, which signs for the repositories of others",
        );
        for bad in [
            "github.com/a/b",
            "https://github.com/a",
            "https://github.com/a/*",
            "https://github.com/a/b/c",
        ] {
            check(
                &signed("docker-github-builder", &format!(", source: \"{bad}\"")),
                &format!(
                    "2:79: expected a repository, as `https://github.com/OWNER/REPOSITORY`, found `{bad}`"
                ),
            );
        }
        let good = signed("docker-github-builder", ", source: \"https://github.com/a/b.c\"");
        assert!(parse(&format!("version: 1\n{good}")).is_ok());
    }

    #[test]
    fn a_pattern_that_could_never_match_a_repository_is_refused() {
        check(
            "bases: {allow: [{repository: \"library/*\"}]}",
            "2:30: expected a pattern that begins with a registry, found `library/*`: did you mean `docker.io/library/*`?",
        );
        for mirror in ["registry.corp/hub", "registry.corp/*/x/*", "*", "docker.io*"] {
            let text = format!(
                "version: 1\nbases: {{mirrors: [{{from: \"{mirror}\", to: \"docker.io/*\"}}]}}"
            );
            assert!(parse(&text).is_err(), "{mirror}");
        }
    }

    const EXCEPTION: &str = "rule: IMG-001, reason: because, owner: a@corp, expires: 2026-12-15";

    #[test]
    fn an_exception_without_reason_owner_or_expiry_is_refused() {
        let parsed = parse(&format!("version: 1\nexceptions:\n  - {{{EXCEPTION}}}")).unwrap();
        let [Exception { rule: "IMG-001", line: 3, .. }] = parsed.exceptions() else { panic!() };
        for (part, key) in [
            (", reason: because", "reason"),
            (", owner: a@corp", "owner"),
            (", expires: 2026-12-15", "expires"),
        ] {
            let text = EXCEPTION.replace(part, "");
            check(
                &format!("exceptions:\n  - {{{text}}}"),
                &format!("3:5: an exception needs `{key}` (EXC-001)"),
            );
        }
        check(
            &format!("exceptions: [{{{}}}]", EXCEPTION.replace("because", "\" \"")),
            "2:38: expected a text, found ` `",
        );
        for bad in ["2026-13-01", "2026-02-30", "tomorrow", "20261215", "2026-12-15T00:00:00Z"] {
            let text = EXCEPTION.replace("2026-12-15", bad);
            assert!(parse(&format!("version: 1\nexceptions: [{{{text}}}]")).is_err(), "{bad}");
        }
    }

    #[test]
    fn exceptions_are_from_rules_that_exist_and_not_from_rules_about_exceptions() {
        let with = |rule: &str| format!("exceptions: [{{{}}}]", EXCEPTION.replace("IMG-001", rule));
        check(&with("EXC-003"), "2:21: there are no exceptions from the rules about exceptions");
        check(&with("\"*\""), "2:21: unknown rule `*`");
        check(
            &with("vulnerabilities"),
            "2:21: unknown rule `vulnerabilities`: did you mean `vulnerability`?",
        );
    }

    #[test]
    fn components_are_written_as_people_write_them() {
        let component = |text: &str| {
            let text = format!("version: 1\nexceptions: [{{{EXCEPTION}, component: \"{text}\"}}]");
            parse(&text).map(|policy| policy.exceptions()[0].component.clone().unwrap().to_string())
        };
        for (text, expect) in [
            ("pkg:npm/@angular/core", "pkg:npm/%40angular/core"),
            ("pkg:npm/%40angular/core@1?x=y", "pkg:npm/%40angular/core@1"),
            ("pkg:npm/@angular/*", "pkg:npm/%40angular/*"),
        ] {
            assert_eq!(component(text).unwrap(), expect);
        }
        for bad in ["zlib1g", "pkg:deb", "deb/debian/zlib1g"] {
            assert!(matches!(component(bad), Err(Error::Invalid { line: 2, .. })), "{bad}");
        }
    }

    #[test]
    fn values_keep_their_lines() {
        let policy = parse(
            "version: 1\nunknown: warn\nrules:\n  DF-030: off\n  IMG-002: {action: deny}\n\
             evidence:\n  require: [sbom]\n  signers:\n    - key: keys/release.pub\n",
        )
        .unwrap();
        assert_eq!(policy.unknown.line, Some(2));
        let of = |id| policy.action(rules::find(id).unwrap());
        assert_eq!((of("DF-030").value, of("DF-030").line), (None, Some(4)));
        assert_eq!((of("IMG-002").value, of("IMG-002").line), (Some(Action::Deny), Some(5)));
        assert_eq!((of("IMG-001").value, of("IMG-001").line), (Some(Action::Deny), None));
        assert_eq!(policy.evidence().line, Some(7));
        let path = "keys/release.pub".into();
        let who =
            SignerWho::Key { path, unlogged: Unlogged::Refuse, validity: Validity::default() };
        let signer = SignerPolicy {
            who,
            kinds: BTreeSet::new(),
            builders: Vec::new(),
            verifier: None,
            line: 9,
        };
        assert_eq!(policy.evidence().signers, [signer]);
    }

    #[test]
    fn a_family_of_rules_is_set_but_for_those_that_are_named() {
        let text = "version: 1\nextends: strict\nrules:\n  DF-030: inform\n  \"DF-*\": off\n";
        let policy = parse(text).unwrap();
        let of = |id| policy.action(rules::find(id).unwrap());
        assert_eq!((of("DF-020").value, of("DF-020").line), (None, Some(5)));
        assert_eq!((of("DF-030").value, of("DF-030").line), (Some(Action::Inform), Some(4)));
        assert_eq!((of("IMG-002").value, of("IMG-002").line), (Some(Action::Deny), None));
        check(
            "rules: {\"DG-*\": off}",
            "2:9: unknown family of rules `DG-*`: did you mean `DF-*`?",
        );
        for bad in ["*", "D*", "DF*", "DF-0*"] {
            let error = parse(&format!("version: 1\nrules: {{\"{bad}\": off}}")).unwrap_err();
            assert!(error.to_string().contains("unknown family of rules"), "{error}");
        }
        check(
            "rules: {\"DF-*\": {action: off}}",
            "2:17: expected one of `off`, `inform`, `warn`, `deny`, found a mapping",
        );
    }

    #[test]
    fn promotion_and_tags_match_by_part() {
        let text = "version: 1\npromotion: {from: \"r.corp/build/*\", to: \"r.corp/prod/*\", immutable-tags: [\"v*\"]}";
        let policy = parse(text).unwrap();
        let permits = |from: &str, to: &str| {
            policy.promotion().permits(Some(&from.parse().unwrap()), &to.parse().unwrap())
        };
        assert!(permits("r.corp/build/a", "r.corp/prod/a"));
        assert!(!permits("r.corp/build/a", "r.corp/production/a"));
        assert!(!permits("r.corp/build/a/b", "r.corp/prod/a"));
        assert!(!permits("evil.io/r.corp/build/a", "r.corp/prod/a"));
        let prod = "r.corp/prod/a".parse().unwrap();
        assert!(!policy.promotion().permits(None, &prod), "no repository matches no pattern");
        assert!(policy.promotion().is_immutable("v1.2") && !policy.promotion().is_immutable("dev"));
        assert!(Policy::baseline().promotion().permits(None, &"b".parse().unwrap()));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,200}") {
            drop(parse(&text));
            drop(parse(&format!("version: 1\n{text}")));
        }

        #[test]
        fn no_change_to_a_policy_makes_it_panic(at in 0..2_000_usize, with in "[\\[{}:,\\-\"'&*#\n a1]{0,3}") {
            let mut text = crate::template::POLICY_TEMPLATE.replace("#: ", "");
            let at = text.char_indices().map(|(at, _)| at).nth(at).unwrap_or(0);
            text.insert_str(at, &with);
            drop(parse(&text));
        }
    }
}
