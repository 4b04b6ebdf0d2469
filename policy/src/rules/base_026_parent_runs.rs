//! BASE-026: the base lets nothing run in the build that the Dockerfile does not say.

use super::{About, Raised, Rule, RuleContext, inputs};
use crate::{bases::Entry, decide::Action, dockerfile::InputKind};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "BASE-026",
    name: "base_026_parent_runs",
    title: "the base has no `ONBUILD` triggers",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "`ONBUILD` of a base runs in every build on it, with the secrets and the files of that build, and stands in no Dockerfile that is judged.",
    mend: "build on a variant of the base without triggers, and write out what they do",
    bad: "FROM docker.io/library/python:2-onbuild   # its configuration has OnBuild",
    good: "FROM docker.io/library/python:3.13",
    equivalents: &[],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "a base without triggers";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    // Triggers run where something is built on the image, not where files are taken from it.
    inputs::named(context)
        .filter(|(_, input, _)| input.kind == InputKind::From)
        .filter_map(|(place, input, name)| {
            let written = &input.written;
            let entries = inputs::entries(context, name);
            if let Some((entry, trigger)) =
                entries.iter().find_map(|entry| Some((entry, trigger(entry)?)))
            {
                // What follows may be secret.
                let word = trigger.split_whitespace().next().unwrap_or_default();
                let title = format!("`{written}` runs instructions of its own in this build");
                let found = format!("`ONBUILD {word} …` of `{}`", entry.name());
                return Some(context.fail(place, title, found, EXPECTED));
            }
            let is_untold =
                |entry: &&Entry| entry.platforms.iter().any(|one| one.on_build.is_none());
            let entry = entries.into_iter().find(is_untold)?;
            let title = format!("whether `{written}` runs something in this build can not be told");
            let found = format!("`{}` was approved before that was written down", entry.name());
            let raised = context.unknown(place, title, found, EXPECTED);
            Some(raised.with_remedy("approve it again with `plimsoll base approve`"))
        })
        .collect()
}

fn trigger(entry: &Entry) -> Option<&str> {
    let triggers = entry.platforms.iter().filter_map(|platform| platform.on_build.as_ref());
    triggers.flatten().map(String::as_str).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(dockerfile: &str, on_build: Option<&[&str]>) -> Case {
        let mut base = entry("debian:12", &["a"], "2026-12-31");
        base.platforms[0].on_build =
            on_build.map(|all| all.iter().map(|&one| one.to_owned()).collect());
        Case::default().dockerfile(dockerfile).approved_entry(base)
    }

    #[test]
    fn a_base_with_triggers_fails_and_what_they_say_stays_hidden() {
        let bad = case("FROM debian:12", Some(&["RUN curl -u me:secret x"]));
        bad.check("BASE-026", Expect::Fail);
        assert_eq!(bad.places("BASE-026"), [(1, 6)]);
        let found = &bad.findings("BASE-026")[0];
        let expect = "`ONBUILD RUN …` of `docker.io/library/debian:12`";
        assert_eq!((&*found.finding.found, found.action), (expect, Action::Warn));
    }

    #[test]
    fn bases_without_triggers_and_images_that_only_give_files_pass() {
        case("FROM debian:12", Some(&[])).check("BASE-026", Expect::Pass);
        let triggers: &[&str] = &["RUN x"];
        case("FROM scratch\nCOPY --from=debian:12 / /", Some(triggers))
            .check("BASE-026", Expect::Pass);
        // Of what is not in the lock BASE-001 speaks.
        case("FROM debian:13", Some(triggers)).check("BASE-026", Expect::Pass);
    }

    #[test]
    fn an_approval_that_does_not_say_leaves_it_untold() {
        case("FROM debian:12", None).check("BASE-026", Expect::Unknown);
    }
}
