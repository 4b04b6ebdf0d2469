//! DF-135: labels have names and values that tools understand.

use super::{About, CORRECTNESS, Raised, Rule, RuleContext, commands, inputs};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-135",
    name: "df_135_labels",
    title: "labels have names and values that tools understand",
    severity: Severity::Low,
    action: CORRECTNESS,
    why: "A label that nobody can read does not say where the image comes from when it has to be found out.",
    mend: "write the label as the specification says",
    bad: "LABEL org.opencontainers.image.created=yesterday",
    good: "LABEL org.opencontainers.image.created=2026-01-31T12:00:00Z",
    equivalents: &["DL3048", "DL3051", "DL3052", "DL3053", "DL3055"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const OCI: &str = "org.opencontainers.image.";
/// Names that Docker keeps for itself.
const RESERVED: [&str; 3] = ["com.docker.", "io.docker.", "org.dockerproject."];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let steps = commands::in_image(context).filter(|placed| placed.is("LABEL"));
    let labels = steps.flat_map(|placed| {
        placed.step.arguments.iter().map(move |argument| (placed.build, argument))
    });
    let raise = |(build, argument): (&crate::dockerfile::Build, &crate::dockerfile::Argument)| {
        let name = argument.name.as_deref()?;
        let place = inputs::place(build, argument.at);
        if !is_name(name) {
            let expected =
                "lower case letters, digits, and single `.`, `-`, `_` or `/` between them";
            return Some(context.fail(
                place,
                "a label has a name that is none",
                format!("`{name}`"),
                expected,
            ));
        }
        // A value that is not known here is looked at in the image.
        let (key, value) = (name.strip_prefix(OCI)?, argument.known()?);
        let expected = complaint(key, value)?;
        let title = format!("`{name}` has a value that says nothing");
        Some(context.fail(place, title, format!("`{value}`"), expected))
    };
    labels.filter_map(raise).collect()
}

/// Guidelines: <https://docs.docker.com/engine/manage-resources/labels/#key-format-recommendations>.
fn is_name(name: &str) -> bool {
    let is_separator = |char: char| matches!(char, '.' | '-' | '_' | '/');
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || is_separator(char))
        && name.split(is_separator).all(|part| !part.is_empty())
        && !RESERVED.iter().any(|reserved| name.starts_with(reserved))
}

/// What is expected of a value that is not as the specification says:
/// <https://github.com/opencontainers/image-spec/blob/v1.1.0/annotations.md>.
fn complaint(key: &str, value: &str) -> Option<&'static str> {
    let is_url = || {
        let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
        rest.is_some_and(|rest| {
            !rest.is_empty() && !rest.starts_with('/') && !rest.contains(char::is_whitespace)
        })
    };
    let is_revision =
        || (7..=64).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    match key {
        _ if value.trim().is_empty() => Some("a value"),
        "url" | "source" | "documentation" => {
            (!is_url()).then_some("an address that begins with `https://`")
        }
        "created" => value
            .parse::<jiff::Timestamp>()
            .is_err()
            .then_some("a time such as `2026-01-31T12:00:00Z`"),
        "revision" => (!is_revision()).then_some("the hash of a commit"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn names_and_values_that_are_none_fail() {
        for label in [
            "Version=1",
            "a..b=1",
            "a b",
            "-a=1",
            "com.docker.x=1",
            "é=1",
            "org.opencontainers.image.created=2026-01-31",
            "org.opencontainers.image.url=example.com",
            "org.opencontainers.image.source=\"\"",
            "org.opencontainers.image.revision=main",
            "org.opencontainers.image.title=\" \"",
        ] {
            let case = Case::default().dockerfile(&format!("FROM a\nLABEL ok=1 \\\n  {label}"));
            let case =
                if label == "a b" { Case::default().dockerfile("FROM a\nLABEL A b") } else { case };
            case.check("DF-135", Expect::Fail);
        }
        assert_eq!(
            Case::default().dockerfile("FROM a\nLABEL ok=1 NO=1").places("DF-135"),
            [(2, 12)]
        );
    }

    #[test]
    fn labels_of_the_specification_pass() {
        let good = [
            "FROM a\nLABEL maintainer=b com.example.a-b_c=1 \"io.k8s/x\"=2 empty=",
            "FROM a\nLABEL org.opencontainers.image.created=2026-01-31T12:00:00+01:00 org.opencontainers.image.source=https://x/y",
            "FROM a\nARG R\nLABEL org.opencontainers.image.revision=$R org.opencontainers.image.version=v1",
            "FROM a AS b\nLABEL A=1\nFROM c",
        ];
        check_files("DF-135", Expect::Pass, &good);
    }
}
