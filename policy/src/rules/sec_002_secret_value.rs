//! SEC-002: no file of the image and no line of a Dockerfile holds a value that looks like a secret.

use super::{About, Raised, Rule, RuleContext, secret_files as files};
use crate::{
    decide::Action,
    dockerfile::{Build, Position, Step},
    secrets::{Depth, Hit, Named, PRIVATE_KEY, Seen, State, URL, search},
};
use plimsoll_model::{Severity, finding::Place};
use std::collections::BTreeSet;

pub(crate) const RULE: Rule = Rule {
    id: "SEC-002",
    name: "sec_002_secret_value",
    title: "nothing that looks like a secret is in a Dockerfile or a file of the image",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "Whoever can pull the image, or read the Dockerfile, has the secret, for as long as one copy exists. Tokens of providers are told by their published forms, and by their checksums where they have one.",
    mend: "revoke the secret first, it is known; then give it to the build with `RUN --mount=type=secret`, or to the container when it starts",
    bad: "RUN curl -H \"Authorization: Bearer <token>\" https://api.corp/",
    good: "RUN --mount=type=secret,id=api curl -H \"Authorization: Bearer $(cat /run/secrets/api)\" https://api.corp/",
    equivalents: &["CIS 4.10", "gitleaks", "trufflehog"],
    about: &[About::Image, About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "no secret";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let in_files = files::of(context, State::Remains).filter_map(|file| {
        let Seen::Content { hits, credential: None, .. } = &file.seen else { return None };
        if hits.is_empty() {
            return None;
        }
        let title = "a file of the image holds what looks like a secret";
        let raised = context.fail(files::place(file), title, files::told(hits), EXPECTED);
        Some((raised.at_most(files::at_most(files::surest(hits))), files::is_packaged(file)))
    });
    let mut raised = files::each(context, in_files);
    raised.extend(files::unseen(context, State::Remains, &[Named::Otherwise], EXPECTED));
    let texts = context.facts().dockerfiles.iter().zip(context.builds());
    raised.extend(texts.flat_map(|(file, build)| of_dockerfile(context, &file.text, build)));
    raised
}

fn of_dockerfile(context: &RuleContext<'_>, text: &str, build: &Build) -> Vec<Raised> {
    // Comments and here-documents are read by people as well as instructions.
    let hits = search(text.as_bytes(), Depth::Named);
    // Of passwords in addresses another rule speaks.
    let hits: Vec<Hit> = hits.into_iter().filter(|hit| hit.pattern != URL).collect();
    let mut seen: BTreeSet<String> = hits.iter().filter_map(|hit| value(text, hit)).collect();
    let place = |line, column| Place::Source { path: build.path.clone(), line, column };
    let mut raised: Vec<_> =
        hits.iter().map(|hit| raise(context, place(hit.line, column(text, hit)), hit)).collect();
    // What quotes, continuations and variables only put together.
    let steps = build.before.iter().chain(build.stages.iter().flat_map(|stage| &stage.steps));
    for (at, hit, value) in steps.flat_map(put_together) {
        if seen.insert(value) {
            raised.push(raise(context, place(at.line, at.column), &hit));
        }
    }
    raised
}

fn raise(context: &RuleContext<'_>, place: Place, hit: &Hit) -> Raised {
    let title = if hit.pattern == PRIVATE_KEY {
        "a private key is written into the Dockerfile"
    } else {
        "what looks like a secret is written into the Dockerfile"
    };
    context.fail(place, title, hit.told(), EXPECTED).at_most(files::at_most(hit.certainty))
}

/// The secret itself, which is compared and never shown.
fn value(text: &str, hit: &Hit) -> Option<String> {
    text.get(hit.offset..hit.offset.checked_add(hit.length)?).map(str::to_owned)
}

/// What looks like a secret in the texts of a step that are others than those in the file, and where each such text stands.
fn put_together(step: &Step) -> Vec<(Position, Hit, String)> {
    let instruction = &step.instruction;
    let joined = (instruction.end_line > instruction.first_line)
        .then_some((instruction.at, instruction.text.as_str()));
    let arguments = step.arguments.iter().filter_map(|argument| {
        let known = argument.known().filter(|known| argument.written.as_deref() != Some(*known))?;
        Some((argument.at, known))
    });
    let words = step.script.commands.iter().flat_map(|command| {
        command.words.iter().chain(command.assignments.iter().map(|(_, word)| word))
    });
    let words = words.filter_map(|word| Some((word.at, word.value.known()?)));
    // All of them are looked through at once, each in lines of its own.
    let (mut all, mut begins) = (String::new(), Vec::new());
    for (at, text) in arguments.chain(words).chain(joined) {
        begins.push((all.len(), at));
        all.push_str(text);
        all.push('\n');
    }
    let hits = search(all.as_bytes(), Depth::Known).into_iter().filter(|hit| hit.pattern != URL);
    let placed = hits.filter_map(|hit| {
        let number = begins.partition_point(|(begin, _)| *begin <= hit.offset);
        let (_, at) = begins.get(number.checked_sub(1)?)?;
        let value = value(&all, &hit)?;
        Some((*at, hit, value))
    });
    placed.collect()
}

/// In characters, from 1.
fn column(text: &str, hit: &Hit) -> u32 {
    let before = text.get(..hit.offset).unwrap_or_default();
    let line = before.rsplit_once('\n').map_or(before, |(_, line)| line);
    u32::try_from(line.chars().count()).unwrap_or(u32::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        rules::testing::*,
        secrets::{
            LARGEST,
            tests::{made, summed},
        },
    };

    fn file(path: &str, text: &str) -> Case {
        Case::default().secret_file(path, State::Remains, text.as_bytes())
    }

    #[test]
    fn a_secret_in_a_file_fails_where_it_is() {
        let token = summed("ghp_");
        let case = file("app/run.sh", &format!("#!/bin/sh\ncurl -u :{token} x\n"));
        case.check("SEC-002", Expect::Fail);
        let judged = &case.findings("SEC-002")[0];
        assert_eq!(judged.action, Action::Deny);
        let place = Place::File { path: "/app/run.sh".to_owned(), layer: Some(digest("a")) };
        assert_eq!(judged.finding.place, place);
        assert_eq!(judged.finding.found, "a token of GitHub (`ghp_…`, 40 characters) on line 2");
        assert!(!format!("{judged:?}").contains(token.get(4..12).unwrap()));
    }

    #[test]
    fn a_secret_anywhere_in_a_dockerfile_fails_where_it_stands() {
        let key = made("AKIA{U16}");
        for (text, at) in [
            (format!("FROM a\nENV K={key}\n"), (2, 7)),
            (format!("FROM a\nARG K=\"{key}\"\n"), (2, 8)),
            (format!("FROM a\nLABEL k={key}\n"), (2, 9)),
            (format!("FROM a\nRUN a && \\\n  b {key}\n"), (3, 5)),
            (format!("FROM a\nRUN <<E\nä {key}\nE\n"), (3, 3)),
            (format!("# {key}\nFROM a\n"), (1, 3)),
        ] {
            let case = Case::default().dockerfile(&text);
            case.check("SEC-002", Expect::Fail);
            assert_eq!(case.places("SEC-002"), [at], "{text}");
            assert_eq!(case.findings("SEC-002")[0].action, Action::Deny);
        }
    }

    #[test]
    fn a_secret_that_is_put_together_fails_at_its_instruction() {
        let key = made("AKIA{U16}");
        let (begin, end) = key.split_at(8);
        for (text, at) in [
            (format!("FROM a\nENV A={begin}\\\n{end}\n"), (2, 1)),
            (format!("FROM a\nENV B=c A={begin}\"\"{end}\n"), (2, 9)),
            (format!("FROM a\nARG P={begin}\nENV A=${{P}}{end}\n"), (3, 5)),
            (format!("FROM a\nARG P={begin}\nRUN x ${{P}}{end}\n"), (3, 7)),
            (format!("FROM a\nRUN x {begin}''{end}\n"), (2, 7)),
            (format!("FROM a\nRUN A={begin}''{end} x\n"), (2, 5)),
        ] {
            let case = Case::default().dockerfile(&text);
            case.check("SEC-002", Expect::Fail);
            assert_eq!(case.places("SEC-002"), [at], "{text}");
            assert!(!format!("{:?}", case.findings("SEC-002")).contains(end));
        }
        // What stands there whole is told once.
        let text = format!("FROM a\nENV A=\"{key}\" \\\n B=c\nRUN x $A {key}\n");
        assert_eq!(Case::default().dockerfile(&text).places("SEC-002"), [(2, 8), (4, 10)]);
        let text = format!("FROM a\nARG P={begin}\nENV A=$P B={end}\n");
        Case::default().dockerfile(&text).check("SEC-002", Expect::Pass);
    }

    #[test]
    fn what_is_less_sure_warns() {
        let text = made("FROM a\nRUN login --password={A20}\n");
        assert_eq!(Case::default().dockerfile(&text).findings("SEC-002")[0].action, Action::Warn);
        let text = made("db_password: '{A20}'\n");
        assert_eq!(file("app/config.yaml", &text).findings("SEC-002")[0].action, Action::Warn);
        file("app/config.py", &text).check("SEC-002", Expect::Pass);
    }

    #[test]
    fn a_file_or_a_dockerfile_without_a_secret_passes() {
        file("app/run.sh", "curl -u :$TOKEN x\n").check("SEC-002", Expect::Pass);
        let text = "FROM a\nARG TOKEN\nRUN --mount=type=secret,id=token TOKEN=$(cat /run/secrets/token) make\n";
        Case::default().dockerfile(text).check("SEC-002", Expect::Pass);
        Case::default().image(&["a"]).check("SEC-002", Expect::Pass);
    }

    #[test]
    fn what_packages_bring_is_told_once_and_blocks_nothing() {
        let token = summed("ghp_");
        let case = file("app/node_modules/a/test/x.js", &token).secret_file(
            "app/node_modules/b/test/y.js",
            State::Remains,
            token.as_bytes(),
        );
        let judged = case.findings("SEC-002");
        assert_eq!((judged.len(), judged[0].action), (1, Action::Inform));
        assert_eq!(judged[0].finding.found, "2 of them, with samples and tests as a rule");
    }

    #[test]
    fn a_text_that_is_too_large_can_not_be_told() {
        let large = "a".repeat(usize::try_from(LARGEST).unwrap() + 1);
        let case = file("var/log/a", &large);
        case.check("SEC-002", Expect::Unknown);
        assert_eq!(case.findings("SEC-002")[0].action, Action::Inform);
    }
}
