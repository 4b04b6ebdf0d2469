//! BASE-025: the program that reads the Dockerfile is trusted.

use super::{About, Raised, Rule, RuleContext, inputs};
use crate::{decide::Action, dockerfile::Source};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "BASE-025",
    name: "base_025_untrusted_frontend",
    title: "the frontend that `# syntax=` asks for is BuildKit's own, and pinned",
    severity: Severity::High,
    action: Action::Deny,
    why: "A frontend decides what the build does, and may do something else than the file says: it is code that runs with every secret of the build.",
    mend: "use `docker.io/docker/dockerfile` with a digest, or leave the line out",
    bad: "# syntax=example.org/frontend:1",
    good: "# syntax=docker.io/docker/dockerfile:1@sha256:…",
    equivalents: &[],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "`docker.io/docker/dockerfile`, by digest";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    inputs::of(context)
        .filter(|(_, input)| input.kind.is_frontend())
        .filter_map(|(place, input)| {
            let written = &input.written;
            let found = format!("`{}={written}`", input.kind.as_str());
            let Source::Image(name) = &input.source else { return None };
            if !inputs::is_trusted_frontend(input) && !inputs::is_approved_by_name(context, name) {
                let title = format!("the Dockerfile is read by `{written}`, which is not trusted");
                return Some(context.fail(place, title, found, EXPECTED));
            }
            // Nearly everybody writes `docker/dockerfile:1`: a warning, as for every image that is not pinned (BASE-012).
            name.digest.is_none().then(|| {
                let title = format!("the frontend `{written}` is not pinned by digest");
                context.fail(place, title, found, EXPECTED).at_most(Action::Warn)
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(syntax: &str) -> Case {
        Case::default().dockerfile(&format!("# syntax={syntax}\nFROM debian"))
    }

    #[test]
    fn another_frontend_is_denied() {
        for bad in [
            "evil.io/docker/dockerfile",
            "docker/dockerfiles",
            "evil.io/x@sha256:1",
            &at_digest("evil.io/x"),
        ] {
            if bad.ends_with(":1") {
                // Malformed: BASE-003 speaks.
                case(bad).check("BASE-003", Expect::Fail);
                continue;
            }
            let found = case(bad).findings("BASE-025");
            assert_eq!((found.len(), found[0].action), (1, Action::Deny), "{bad}");
        }
        assert_eq!(case("evil.io/x").places("BASE-025"), [(1, 1)]);
    }

    #[test]
    fn a_first_line_for_a_shell_hides_no_frontend() {
        for (bad, place) in [
            ("#!/usr/bin/env x\n# syntax=evil.io/fe:1\nFROM debian", (2, 1)),
            ("\u{feff}#!x\r\n#syntax = evil.io/fe:1 --flag\r\nFROM debian", (2, 1)),
            ("# escape=\\\n# SYNTAX=evil.io/fe:1\nFROM debian", (2, 1)),
        ] {
            let case = Case::default().dockerfile(bad);
            let found = case.findings("BASE-025");
            assert_eq!((found.len(), found[0].action), (1, Action::Deny), "{bad}");
            assert_eq!(found[0].finding.found, "`# syntax=evil.io/fe:1`");
            assert_eq!(case.places("BASE-025"), [place], "{bad}");
        }
        for good in [
            // BuildKit takes none of these for a directive.
            "#!x\n#!y\n# syntax=evil.io/fe:1\nFROM debian",
            " # syntax=evil.io/fe:1\nFROM debian",
            "# a comment\n# syntax=evil.io/fe:1\nFROM debian",
            "\n# syntax=evil.io/fe:1\nFROM debian",
            "ARG BUILDKIT_SYNTAX=evil.io/fe:1\nFROM debian",
        ] {
            Case::default().dockerfile(good).check("BASE-025", Expect::Pass);
        }
    }

    #[test]
    fn the_frontend_that_the_builder_is_given_wins() {
        let given = |file: &str, frontend: &str| {
            Case::default().dockerfile(file).build_arg("BUILDKIT_SYNTAX", frontend)
        };
        for file in ["FROM debian", "# syntax=docker/dockerfile:1\nFROM debian"] {
            let case = given(file, " evil.io/fe:1 --x");
            let found = case.findings("BASE-025");
            assert_eq!((found.len(), found[0].action), (1, Action::Deny), "{file}");
            assert_eq!(found[0].finding.found, "`--build-arg BUILDKIT_SYNTAX=evil.io/fe:1`");
            assert_eq!(case.places("BASE-025"), [(1, 1)]);
        }
        let good = at_digest("docker/dockerfile:1");
        given("# syntax=evil.io/fe:1\nFROM debian", &good).check("BASE-025", Expect::Pass);
        given("FROM debian", "").check("BASE-003", Expect::Fail);
    }

    #[test]
    fn the_makers_frontend_warns_without_a_digest_and_passes_with_one() {
        assert_eq!(case("docker/dockerfile:1").findings("BASE-025")[0].action, Action::Warn);
        for good in ["docker/dockerfile:1", "docker.io/docker/dockerfile-upstream:master"] {
            case(&at_digest(good)).check("BASE-025", Expect::Pass);
        }
        Case::default().dockerfile("FROM debian").check("BASE-025", Expect::Pass);
    }
}
