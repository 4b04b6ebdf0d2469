//! IMG-002: the image has a health check.

use super::{About, Raised, Rule, RuleContext};
use crate::decide::Action;
use plimsoll_model::{Severity, finding::Place};

pub(crate) const RULE: Rule = Rule {
    id: "IMG-002",
    name: "img_002_healthcheck_missing",
    title: "the image's configuration has a health check",
    severity: Severity::Low,
    action: Action::Warn,
    why: "Without one a container that hangs counts as running. (An orchestrator's own probes do as well: turn the rule off where they are there.)",
    mend: "add a `HEALTHCHECK CMD` to the Dockerfile that asks the service itself, and build again",
    bad: "\"Healthcheck\": {\"Test\": [\"NONE\"]}",
    good: "\"Healthcheck\": {\"Test\": [\"CMD\", \"/app\", \"--health\"]}",
    equivalents: &["CIS 4.6", "CIS-DI-0006"],
    about: &[About::Image],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(image) = context.facts().image else { return Vec::new() };
    let place = || Place::Config { field: "config.Healthcheck".to_owned() };
    let expected = "a command, after `CMD` or `CMD-SHELL`";
    let test = image.config.healthcheck.as_ref().map(|check| check.test.as_slice());
    let words: Vec<&str> = test.unwrap_or_default().iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => vec![context.fail(place(), "the image has no health check", "none", expected)],
        ["NONE", ..] => {
            vec![context.fail(place(), "the health check is switched off", "`NONE`", expected)]
        }
        ["CMD" | "CMD-SHELL", _, ..] => Vec::new(),
        [kind, ..] => {
            let title = "it can not be told whether the image has a health check";
            vec![context.unknown(place(), title, format!("`{kind}`"), expected)]
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;
    use plimsoll_model::image::Healthcheck;

    fn case(test: Option<&[&str]>) -> Case {
        let test = test.map(|words| words.iter().map(|word| (*word).to_owned()).collect());
        let healthcheck = test.map(|test| Healthcheck { test });
        Case::default().image_with(&["a"], |config| config.healthcheck = healthcheck)
    }

    #[test]
    fn none_and_switched_off_fail() {
        for bad in [None, Some(vec![]), Some(vec!["NONE"])] {
            case(bad.as_deref()).check("IMG-002", Expect::Fail);
            let field = "config.Healthcheck".to_owned();
            let place = &case(bad.as_deref()).findings("IMG-002")[0].finding.place;
            assert_eq!(*place, plimsoll_model::finding::Place::Config { field });
        }
    }

    #[test]
    fn a_command_passes_and_other_words_can_not_be_told() {
        case(Some(&["CMD-SHELL", "x"])).check("IMG-002", Expect::Pass);
        case(Some(&["CMD", "x", "y"])).check("IMG-002", Expect::Pass);
        case(Some(&["HTTP", "x"])).check("IMG-002", Expect::Unknown);
        case(Some(&["CMD"])).check("IMG-002", Expect::Unknown);
    }
}
