//! `environments`: what of a policy is different in one place.
//!
//! An environment is the file with some of its keys replaced, so it is laid over the document before anything of it is
//! read: each key is judged, and refused, as if it stood in the file itself.

use super::{KEYS, reader::Reader};
use crate::{
    Error,
    yaml::{Entry, Node, Value},
};

const SECTION: &str = "environments";
/// The keys that are of the file as a whole.
const OF_THE_FILE: [&str; 2] = ["version", SECTION];
/// The most environments: each is read as a policy of its own.
const MOST: usize = 32;

/// Each environment with the document that it makes.
pub(super) fn read(reader: &Reader<'_>, document: &Node) -> Result<Vec<(String, Node)>, Error> {
    let known: Vec<_> = KEYS.iter().copied().filter(|key| !OF_THE_FILE.contains(key)).collect();
    let Some(section) = reader.fields(document, KEYS)?.get(SECTION) else { return Ok(Vec::new()) };
    let environments = reader.mapping(section, &["prod", "staging"])?;
    if let Some(entry) = environments.iter().nth(MOST) {
        return reader.fail(entry.at, format!("expected at most {MOST} environments"));
    }
    let read = environments.iter().map(|entry| {
        if !is_name(&entry.key) {
            let shown: String = entry.key.chars().take(100).collect();
            let message = format!(
                "expected the name of an environment in letters, digits, `-` and `_`, found `{shown}`"
            );
            return reader.fail(entry.at, message);
        }
        reader.fields(&entry.value, &known)?;
        Ok((entry.key.clone(), overlaid(document, &entry.value)))
    });
    read.collect()
}

fn is_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=64).contains(&text.len()) && text.bytes().all(is_part)
}

/// The document with the keys of `over` in place of its own; of a section that both have, key by key.
fn overlaid(document: &Node, over: &Node) -> Node {
    let mut merged = document.clone();
    for entry in entries(over) {
        let own = entries_mut(&mut merged);
        match own.and_then(|own| own.iter_mut().find(|own| own.key == entry.key)) {
            Some(own) if is_map(&own.value) && is_map(&entry.value) => {
                for inner in entries(&entry.value) {
                    put(&mut own.value, inner);
                }
            }
            Some(_) | None => put(&mut merged, entry),
        }
    }
    merged
}

fn put(map: &mut Node, entry: &Entry) {
    if let Some(entries) = entries_mut(map) {
        entries.retain(|own| own.key != entry.key);
        entries.push(entry.clone());
    }
}

const fn is_map(node: &Node) -> bool {
    matches!(node.value, Value::Map(_))
}

fn entries(node: &Node) -> &[Entry] {
    if let Value::Map(entries) = &node.value { entries } else { &[] }
}

const fn entries_mut(node: &mut Node) -> Option<&mut Vec<Entry>> {
    if let Value::Map(entries) = &mut node.value { Some(entries) } else { None }
}

#[cfg(test)]
mod tests {
    use crate::{Action, Error, Policy, Profile, policy::Leniency, rules};
    use plimsoll_model::{Class, Classify as _};

    const FILE: &str = "version: 1\nunknown: warn\ngate:\n  max-advisory-age: 2d\n  unknown-severity: warn\n\
        rules:\n  DF-030: off\n  IMG-002: warn\nenvironments:\n  prod:\n    extends: strict\n    unknown: fail\n    \
        gate:\n      max-advisory-age: 1d\n    rules:\n      DF-030: deny\n    \
        promotion: {to: \"r.corp/prod/**\"}\n  staging: {}\n";

    fn parse(text: &str, environment: Option<&str>) -> Result<Policy, Error> {
        Policy::parse_for(text, "plimsoll.yaml".into(), environment)
    }

    fn action(policy: &Policy, id: &str) -> (Option<Action>, Option<u32>) {
        let action = policy.action(rules::find(id).unwrap());
        (action.value, action.line)
    }

    #[test]
    fn an_environment_replaces_key_by_key_what_the_file_says() {
        let prod = parse(FILE, Some("prod")).unwrap();
        assert_eq!((prod.profile(), prod.environment()), (Profile::Strict, Some("prod")));
        assert_eq!((prod.unknown.value, prod.unknown.line), (Leniency::Fail, Some(12)));
        let age = prod.gate.max_advisory_age;
        assert_eq!((age.value.unwrap().as_hours(), age.line), (24, Some(14)));
        let severity = prod.gate.unknown_severity;
        assert_eq!((severity.value, severity.line), (Leniency::Warn, Some(5)), "inherited");
        assert_eq!(action(&prod, "DF-030"), (Some(Action::Deny), Some(16)));
        assert_eq!(action(&prod, "IMG-002"), (Some(Action::Warn), Some(8)), "inherited");
        assert!(prod.promotion().to.is_some());
    }

    #[test]
    fn without_a_choice_the_file_says_what_holds() {
        let plain = parse(FILE, None).unwrap();
        assert_eq!((plain.profile(), plain.environment()), (Profile::Baseline, None));
        assert_eq!(action(&plain, "DF-030"), (None, Some(7)));
        assert_eq!(plain.promotion().to, None);
        let staging = parse(FILE, Some("staging")).unwrap();
        assert_eq!(action(&staging, "DF-030"), (None, Some(7)));
    }

    #[test]
    fn each_environment_is_a_policy_with_a_digest_of_its_own() {
        let digest = |environment| parse(FILE, environment).unwrap().digest();
        assert_ne!(digest(Some("prod")), digest(None));
        assert_ne!(digest(Some("prod")), digest(Some("staging")));
        assert_eq!(digest(None), plimsoll_model::Digest::of(FILE.as_bytes()));
    }

    #[test]
    fn an_unknown_environment_names_those_that_there_are() {
        let error = parse(FILE, Some("production")).unwrap_err();
        assert_eq!(error.to_string(), "plimsoll.yaml has no environment `production`");
        assert_eq!(error.class(), Class::Usage);
        assert_eq!(error.hint().as_deref(), Some("it has `prod`, `staging`"));
        let error = parse("version: 1", Some("prod")).unwrap_err();
        assert_eq!(error.hint().as_deref(), Some("it has no `environments`"));
    }

    #[test]
    fn what_is_wrong_in_an_environment_is_refused_where_it_stands_whichever_is_chosen() {
        for (section, expect) in [
            ("{prod: {gates: {}}}", "2:23: unknown key `gates`: did you mean `gate`?"),
            ("{prod: {gate: {fial: []}}}", "2:30: unknown key `fial`: did you mean `fail`?"),
            ("{prod: {version: 1}}", "2:23: unknown key `version`"),
            ("{prod: {environments: {}}}", "2:23: unknown key `environments`"),
            (
                "{prod: {rules: {VUL-0005: off}}}",
                "2:31: unknown rule `VUL-0005`: did you mean `VUL-005`?",
            ),
            (
                "{prod: {gate: off}}",
                "2:29: expected a mapping (`fail`, `max-advisory-age`, `unknown-severity`, …), found `off`",
            ),
            (
                "{prod: }",
                "2:20: expected a mapping (`extends`, `unknown`, `gate`, `bases`, …), found nothing",
            ),
            ("[]", "2:15: expected a mapping (`prod`, `staging`, …), found a list"),
            (
                "{\"a b\": {}}",
                "2:16: expected the name of an environment in letters, digits, `-` and `_`, found `a b`",
            ),
        ] {
            let error = parse(&format!("version: 1\nenvironments: {section}\n"), None).unwrap_err();
            assert!(error.to_string().ends_with(expect), "{error}");
            assert_eq!(error.class(), Class::Usage);
        }
    }

    #[test]
    fn there_are_not_thousands_of_them() {
        let many: Vec<_> = (0..=super::MOST).map(|n| format!("  e{n}: {{}}\n")).collect();
        let error =
            parse(&format!("version: 1\nenvironments:\n{}", many.concat()), None).unwrap_err();
        assert_eq!(error.to_string(), "plimsoll.yaml:35:3: expected at most 32 environments");
    }
}
