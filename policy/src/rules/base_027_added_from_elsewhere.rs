//! BASE-027: what `ADD` fetches comes from where the policy says.

use super::{
    About, Parameter, ParameterKind, Raised, Rule, RuleContext, commands,
    commands::Placed,
    df_061_add_unverified::{Kind, kind, text},
    inputs,
};
use crate::{decide::Action, dockerfile::Argument};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "BASE-027",
    name: "base_027_added_from_elsewhere",
    title: "`ADD` fetches from addresses that are allowed",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "What `ADD` fetches is an input of the build as every base is. A checksum says that it is always the same, and not that anybody trusts where it is from.",
    mend: "name the address under `allow` where it is trusted, or keep the file beside the Dockerfile",
    bad: "ADD --checksum=sha256:… https://example.net/tool.tar.gz /opt/",
    good: "BASE-027: {allow: [\"https://example.net/\"]}   # and the same ADD",
    equivalents: &["buildx policy"],
    about: &[About::Dockerfiles],
    parameters: &[Parameter {
        name: "allow",
        kind: ParameterKind::Texts,
        help: "addresses that `ADD` may fetch from, and everything below them (`https://example.net/tools`); without any, what is fetched is shown and no more",
    }],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let allowed = context.texts("allow");
    let added = commands::reachable(context).filter(|placed| placed.is("ADD"));
    added.flat_map(|placed| of_step(context, placed, allowed)).collect()
}

fn of_step(context: &RuleContext<'_>, placed: Placed<'_>, allowed: &[String]) -> Vec<Raised> {
    let sources = placed.step.arguments.split_last().map(|(_, sources)| sources);
    let judge = |source: &Argument| {
        let text = text(source);
        let trust = match kind(text) {
            Kind::Local => return None,
            Kind::Untold => Trust::Untold,
            Kind::Url | Kind::Git => trust(text, allowed),
        };
        let place = inputs::place(placed.build, placed.step.at());
        let found = format!("`ADD {text}`");
        let expected = match allowed {
            [] => "an address of `allow`, which is empty".to_owned(),
            allowed => format!("an address below `{}`", allowed.join("`, `")),
        };
        let raised = match trust {
            Trust::Allowed => return None,
            Trust::Untold => {
                let title = "it can not be told where `ADD` fetches from";
                context.unknown(place, title, found, expected)
            }
            Trust::Other => context.fail(
                place,
                "`ADD` fetches from an address that is not allowed",
                found,
                expected,
            ),
        };
        // Who allows nothing has not said what is trusted.
        Some(if allowed.is_empty() { raised.at_most(Action::Inform) } else { raised })
    };
    sources.unwrap_or_default().iter().filter_map(judge).collect()
}

#[derive(Debug, PartialEq, Eq)]
enum Trust {
    Allowed,
    Other,
    Untold,
}

/// Whether an address is one of the allowed ones, or below.
fn trust(address: &str, allowed: &[String]) -> Trust {
    let (known, is_whole) = match address.split_once('$') {
        Some((known, _)) => (known, false),
        None => (address, true),
    };
    // What climbs up again is not below.
    let lower = known.to_ascii_lowercase();
    let climbs = lower.contains("/..") || lower.contains("%2e") || lower.contains('\\');
    let is_below = |allowed: &String| {
        let allowed = allowed.strip_suffix('/').unwrap_or(allowed);
        known.strip_prefix(allowed).is_some_and(|rest| match rest.chars().next() {
            None => is_whole,
            Some(next) => matches!(next, '/' | '#' | '?'),
        })
    };
    let has_host = known.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
    match (allowed.iter().any(is_below) && !climbs, is_whole) {
        (true, true) => Trust::Allowed,
        (true, false) => Trust::Untold,
        (false, false) if !has_host => Trust::Untold,
        (false, _) => Trust::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    const POLICY: &str =
        "rules: {BASE-027: {allow: [\"https://good.io/tools\", \"https://github.com/acme/\"]}}";

    fn case(steps: &str) -> Case {
        Case::default().policy(POLICY).dockerfile(&format!("FROM a\n{steps}"))
    }

    #[test]
    fn other_addresses_fail_whatever_they_look_like() {
        for bad in [
            "https://evil.io/x",
            "http://good.io/tools/x",
            "https://good.io/toolshed/x",
            "https://good.io/other/x",
            "https://good.io/tools/../x",
            "https://good.io/tools/%2e%2e/x",
            "https://good.io@evil.io/tools/x",
            "https://good.io.evil.io/tools/x",
            "https://github.com/evil/x.git#main",
            "git@github.com:evil/x.git",
            "https://evil.io/${X}",
        ] {
            let case = case(&format!("ADD --checksum=sha256:ab {bad} /x"));
            case.check("BASE-027", Expect::Fail);
            assert_eq!(case.findings("BASE-027")[0].action, Action::Warn, "{bad}");
        }
        assert_eq!(case("RUN x\nADD https://evil.io/x /x").places("BASE-027"), [(3, 1)]);
    }

    #[test]
    fn allowed_addresses_and_files_pass() {
        for good in [
            "https://good.io/tools/x.tgz",
            "https://good.io/tools",
            "https://github.com/acme/x.git#main",
            "app.tar.gz",
        ] {
            case(&format!("ADD {good} /x")).check("BASE-027", Expect::Pass);
        }
        case("ADD https://evil.io/x /x\nFROM b").check("BASE-027", Expect::Pass);
    }

    #[test]
    fn what_a_variable_hides_can_not_be_told() {
        for unknown in ["$URL", "https://$HOST/x", "https://good.io/tools/$NAME"] {
            case(&format!("ARG URL\nARG HOST\nARG NAME\nADD {unknown} /x"))
                .check("BASE-027", Expect::Unknown);
        }
        let given = case("ARG HOST\nADD https://$HOST/tools/x /x");
        given.clone().build_arg("HOST", "good.io").check("BASE-027", Expect::Pass);
        given.build_arg("HOST", "evil.io").check("BASE-027", Expect::Fail);
    }

    #[test]
    fn where_nothing_is_allowed_it_is_shown_and_no_more() {
        let found =
            Case::default().dockerfile("FROM a\nADD https://x.io/y /y").findings("BASE-027");
        assert_eq!((found.len(), found[0].action), (1, Action::Inform));
    }
}
