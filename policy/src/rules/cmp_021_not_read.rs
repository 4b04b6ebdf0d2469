//! CMP-021: every compose file is read whole.

use super::{About, Raised, Rule, RuleContext, services};
use crate::decide::Action;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "CMP-021",
    name: "cmp_021_not_read",
    title: "every compose file is read whole",
    severity: Severity::High,
    action: Action::Deny,
    why: "What can not be read is judged by no other rule, and a service that nobody has judged is not a good one.",
    mend: "mend what is named, or give the files that it draws on as well",
    bad: "services: {web: {extends: {file: missing.yaml, service: base}}}",
    good: "services: {web: {image: docker.io/library/nginx:1.29}}",
    equivalents: &[],
    about: &[About::Compose],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut raised = Vec::new();
    for project in context.projects() {
        for problem in &project.problems {
            let place = project.place(problem.at);
            let title = "a compose file can not be read whole";
            raised.push(context.unknown(
                place,
                title,
                problem.message.clone(),
                "what `docker compose` can read",
            ));
        }
    }
    services::once(raised)
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    /// A service `web` on its first line with these lines below it.
    fn case(lines: &str) -> Case {
        Case::default().compose(&format!("services:\n  web:\n    {lines}\n"))
    }

    #[test]
    fn what_is_read_passes() {
        case("image: a").check("CMP-021", Expect::Pass);
        for good in
            ["labels: ['a=b !reset c']", "hostname: a # !reset b", "labels: {a: 'x!override y'}"]
        {
            case(&format!("image: a\n    {good}")).check("CMP-021", Expect::Pass);
        }
        case("provider: {type: awesomecloud}").check("CMP-021", Expect::Pass);
    }

    #[test]
    fn what_is_not_read_can_not_be_told() {
        for (text, place) in [
            ("services: [", (1, 11)),
            ("services: {a: {}, a: {}}", (1, 19)),
            ("[]", (1, 1)),
            ("", (1, 1)),
            ("services: {}", (1, 1)),
            ("services: []", (1, 11)),
            ("services: {a: 5}", (1, 12)),
            ("services: {a: {}}", (1, 12)),
            ("services: {a: {image: b, ports: {c: d}}}", (1, 33)),
            ("services: {a: {image: b, environment: [{c: d}]}}", (1, 39)),
            ("services: {a: {image: [b]}}", (1, 23)),
            ("include: [other.yaml]\nservices: {a: {image: b}}", (1, 11)),
            ("services: {a: {extends: {file: x.yaml, service: b}}}", (1, 32)),
            ("services: {a: {extends: b}}", (1, 25)),
            ("services: {a: {extends: a}}", (1, 25)),
            ("services:\n  a:\n    image: b\n    ports: !reset []", (4, 12)),
            ("services: {a: {image: \"b#c\", ports: !override []}}", (1, 37)),
            ("services: {a: {build: {dockerfile_inline: \"FROM a\"}}}", (1, 43)),
        ] {
            let case = Case::default().compose(text);
            case.check("CMP-021", Expect::Unknown);
            assert_eq!(case.places("CMP-021"), [place], "{text}");
            assert_ne!(case.decide().verdict(), crate::Verdict::Pass, "{text}");
        }
    }
}
