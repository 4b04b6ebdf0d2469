//! IMG-005: the image that is shipped changes no build that begins with it.

use super::{About, Raised, Rule, RuleContext};
use crate::decide::Action;
use plimsoll_model::{Severity, finding::Place};

pub(crate) const RULE: Rule = Rule {
    id: "IMG-005",
    name: "img_005_on_build",
    title: "the image has no triggers for builds that begin with it",
    severity: Severity::Low,
    action: Action::Warn,
    why: "`ONBUILD` runs in the next build, where nobody reads it: it can bring files and commands in without a line in that Dockerfile.",
    mend: "take `ONBUILD` out of the Dockerfile, or ship another stage of it",
    bad: "ONBUILD COPY . /app",
    good: "COPY . /app",
    equivalents: &[],
    about: &[About::Image],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let triggers = context.facts().image.map(|image| image.config.on_build.as_slice());
    let raise = |(at, trigger): (usize, &String)| {
        let place = Place::Config { field: format!("config.OnBuild.{at}") };
        let title = "the image runs an instruction in builds that begin with it";
        // What follows may be secret.
        let found = trigger.split_whitespace().next().unwrap_or_default();
        context.fail(place, title, format!("`ONBUILD {found} …`"), "no triggers")
    };
    triggers.unwrap_or_default().iter().enumerate().map(raise).collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn each_trigger_is_named() {
        let case = Case::default().image_with(&["a"], |config| {
            config.on_build = vec!["RUN a".to_owned(), "COPY . .".to_owned()];
        });
        case.check("IMG-005", Expect::Fail);
        let found = case.findings("IMG-005");
        let seen: Vec<_> = found.iter().map(|judged| &*judged.finding.found).collect();
        assert_eq!(seen, ["`ONBUILD RUN …`", "`ONBUILD COPY …`"]);
        Case::default().image(&["a"]).check("IMG-005", Expect::Pass);
    }
}
