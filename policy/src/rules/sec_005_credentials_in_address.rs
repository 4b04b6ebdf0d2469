//! SEC-005: no address carries a user and a password.

use super::{About, Raised, Rule, RuleContext, commands, inputs, secrets, texts};
use crate::{
    decide::Action,
    dockerfile::{Argument, Build, Position, Step, Word},
};
use plimsoll_model::Severity;
use std::collections::BTreeSet;

pub(crate) const RULE: Rule = Rule {
    id: "SEC-005",
    name: "sec_005_credentials_in_address",
    title: "no address carries a user and a password",
    severity: Severity::High,
    action: Action::Deny,
    why: "The address stays in the configuration and the history of the image, and often in a file that the program writes (`.git/config`, `pip.conf`).",
    mend: "take them out of the address, and let the program find them in a mounted secret (`RUN --mount=type=secret`)",
    bad: "RUN git clone https://user:password@example.com/app.git",
    good: "RUN --mount=type=secret,id=netrc,target=/root/.netrc git clone https://example.com/app.git",
    equivalents: &["CIS 4.10"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "an address without a user and a password";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut raised = Vec::new();
    for build in context.builds() {
        let placed =
            || commands::reachable(context).filter(|placed| std::ptr::eq(placed.build, build));
        let steps: Vec<_> = build.before.iter().chain(placed().map(|placed| placed.step)).collect();
        let declared: BTreeSet<&str> = steps
            .iter()
            .filter(|step| matches!(step.keyword(), "ARG" | "ENV"))
            .flat_map(|step| step.arguments.iter().filter_map(|argument| argument.name.as_deref()))
            .collect();
        let found = steps.iter().flat_map(|step| addresses(step, &declared));
        raised.extend(found.map(|at| fail(context, build, at)));
        let unread = placed().flat_map(texts::unread);
        let found = unread.filter(|(_, text)| is_meant(text, &declared));
        raised.extend(found.map(|(at, _)| fail(context, build, at)));
    }
    commands::once(raised)
}

fn is_meant(text: &str, declared: &BTreeSet<&str>) -> bool {
    secrets::userinfo(text).is_some_and(|userinfo| is_given(userinfo, declared))
}

fn fail(context: &RuleContext<'_>, build: &Build, at: Position) -> Raised {
    let title = "an address carries a user or a password";
    // Never the address.
    context.fail(inputs::place(build, at), title, "what stands before `@` in an address", EXPECTED)
}

/// Where a step names an address with credentials that are written there, or come from a variable of the build.
fn addresses(step: &Step, declared: &BTreeSet<&str>) -> Vec<Position> {
    let is_meant = |text: &str| is_meant(text, declared);
    let of_argument = |argument: &Argument| {
        let texts = [argument.known(), argument.written.as_deref()];
        texts.into_iter().flatten().any(is_meant).then_some(argument.at)
    };
    let of_word =
        |word: &Word| (is_meant(&word.written) || is_meant(word.text())).then_some(word.at);
    let of_arguments = step.arguments.iter().filter_map(of_argument);
    let of_commands = step.script.commands.iter().flat_map(|command| {
        let assigned = command.assignments.iter().map(|(_, word)| word);
        let redirected = command.redirects.iter().map(|redirect| &redirect.to);
        command.words.iter().chain(assigned).chain(redirected).filter_map(of_word)
    });
    of_arguments.chain(of_commands).collect()
}

/// Whether what stands before the host is written there, at least in part, or is a variable that the file declares. One that it does not
/// declare is set where the container runs, or from a mounted secret.
fn is_given(userinfo: &str, declared: &BTreeSet<&str>) -> bool {
    let secret = userinfo.split_once(':').map_or(userinfo, |(_, password)| password);
    let Some((before, after)) = secret.split_once('$') else { return true };
    let name = after.trim_start_matches('{');
    if !before.is_empty() || name.starts_with('(') {
        return !before.is_empty();
    }
    let end = name
        .find(|char: char| !(char.is_ascii_alphanumeric() || char == '_'))
        .unwrap_or(name.len());
    name.get(..end).is_some_and(|name| declared.contains(name))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn credentials_in_addresses_fail_wherever_they_stand() {
        let bad = [
            "FROM a\nRUN x && git clone https://u:p@h/x",
            "FROM a\nRUN pip install -i https://token@h/simple x",
            "FROM a\nRUN pip install --index-url=https://u:p@h/simple x",
            "FROM a\nENV A=b HTTP_PROXY=http://u:p@proxy:3128",
            "FROM a\nENV DATABASE_URL postgres://u:p@db/x",
            "ARG PROXY=http://u:p@proxy\nFROM a",
            "FROM a\nADD https://u:p@h/x.tar /",
            "FROM a\nLABEL url=https://u:p@h",
            "FROM a\nARG TOKEN\nRUN git clone https://x:${TOKEN}@h/x",
            "FROM a\nARG TOKEN\nRUN git clone https://$TOKEN@h/x",
            "FROM a\nRUN https_proxy=http://u:p@proxy x",
            "FROM a\nRUN echo https://u:p@h > /etc/x",
            "FROM a AS b\nRUN git clone https://u:p@h/x\nFROM c\nCOPY --from=b / /",
        ];
        check_files("SEC-005", Expect::Fail, &bad);
        let places = |at: usize| Case::default().dockerfile(bad[at]).places("SEC-005");
        assert_eq!((places(0), places(3), places(5)), (vec![(2, 20)], vec![(2, 9)], vec![(1, 5)]));
    }

    #[test]
    fn addresses_without_them_pass() {
        let good = [
            "FROM a\nRUN git clone ssh://git@h/x && git clone git@h:x && npm i https://h/@s/x",
            "FROM a\nRUN --mount=type=secret,id=t,env=T git clone https://x:$T@h/x",
            "FROM a\nRUN --mount=type=secret,id=t git clone https://x:$(cat /run/secrets/t)@h/x",
            "FROM a\nCMD app --db postgres://$DB_USER:$DB_PASS@db/x",
            "FROM a AS b\nRUN git clone https://u:p@h/x\nFROM c",
        ];
        check_files("SEC-005", Expect::Pass, &good);
    }

    #[test]
    fn no_address_is_shown() {
        let findings =
            Case::default().dockerfile("FROM a\nRUN x https://u:hunter2@h").findings("SEC-005");
        assert!(!format!("{findings:?}").contains("hunter2"));
    }
}
