//! DF-033: a health check says how long it may take, and gives nothing away.

use super::{About, Raised, Rule, RuleContext, downloads::Download, inputs};
use crate::{
    decide::Action,
    dockerfile::{Build, Command, Stage, Step, Word},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-033",
    name: "df_033_healthcheck_unbounded",
    title: "the health check has bounds, checks certificates and holds no secret",
    severity: Severity::Low,
    action: Action::Inform,
    why: "The bounds that hold otherwise are 30 seconds each, which fit few services; and everyone who can inspect the image reads the command.",
    mend: "give `--interval` and `--timeout`; read a secret from a file, and let certificates be checked",
    bad: "FROM debian:12\nHEALTHCHECK CMD curl -kf https://user:pass@app.corp/",
    good: "FROM debian:12\nHEALTHCHECK --interval=30s --timeout=3s CMD curl -f http://localhost/",
    equivalents: &[],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "`--interval`, `--timeout`, and a command without secrets";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let of_stage = |build: &Build, stage: &Stage| {
        let last = stage.steps.iter().rfind(|step| step.keyword() == "HEALTHCHECK");
        last.map(|step| complaints(context, build, step)).unwrap_or_default()
    };
    let builds = context.builds().iter();
    let stages = builds.flat_map(|build| build.in_image().into_iter().map(move |s| (build, s)));
    stages.flat_map(|(build, stage)| of_stage(build, stage)).collect()
}

fn complaints(context: &RuleContext<'_>, build: &Build, step: &Step) -> Vec<Raised> {
    if step.instruction.words().next().is_some_and(|word| word.eq_ignore_ascii_case("NONE")) {
        return Vec::new();
    }
    let missing: Vec<_> = ["interval", "timeout"]
        .into_iter()
        .filter(|name| step.instruction.flag(name).is_none())
        .map(|name| format!("`--{name}`"))
        .collect();
    let unbounded = (!missing.is_empty()).then(|| {
        let found = format!("no {}", missing.join(" and no "));
        let place = inputs::place(build, step.at());
        context.fail(place, "the health check does not say how long it may take", found, EXPECTED)
    });
    let of_command = |command: &Command| {
        let title = complaint(command)?;
        let shown = command.words.first().map(Word::text).unwrap_or_default();
        let place = inputs::place(build, command.at);
        // Not the words: they may be the secret.
        Some(context.fail(place, title, format!("`{shown} …`"), EXPECTED))
    };
    unbounded.into_iter().chain(step.script.commands.iter().filter_map(of_command)).collect()
}

fn complaint(command: &Command) -> Option<&'static str> {
    let download = Download::of(command)?;
    if download.is_unchecked() {
        return Some("the health check takes any certificate");
    }
    let has_password = |text: &str| {
        let authority = text.split_once("://").map(|(_, rest)| rest.split('/').next());
        authority.flatten().is_some_and(|authority| authority.contains('@'))
    };
    let is_user = |text: &str| {
        text.split_once(':')
            .is_some_and(|(_, password)| !password.is_empty() && !password.starts_with('$'))
    };
    let is_header = |text: &str| {
        let (name, value) = text.split_once(':').unwrap_or_default();
        let is_secret = ["authorization", "x-api-key", "private-token", "cookie"];
        is_secret.contains(&name.trim().to_ascii_lowercase().as_str()) && !value.contains('$')
    };
    let options = &download.options;
    let holds_secret = download.urls.iter().any(|url| has_password(url))
        || options.values(&["-u", "--user"]).any(is_user)
        || options.values(&["-H", "--header"]).any(is_header)
        || options.has(&["--password"]);
    holds_secret.then_some("the health check holds a secret")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(check: &str) -> Case {
        Case::default().dockerfile(&format!("FROM debian\nHEALTHCHECK {check}"))
    }

    #[test]
    fn no_bounds_no_certificates_and_secrets_fail() {
        const BOTH: &str = "--interval=1s --timeout=1s CMD";
        for (bad, place) in [
            ("CMD /app", (2, 1)),
            ("--timeout=1s CMD /app", (2, 1)),
            ("--interval=1s CMD [\"/app\"]", (2, 1)),
            (&format!("{BOTH} curl -fk https://localhost/"), (2, 44)),
            (&format!("{BOTH} \\\n  wget --no-check-certificate https://x/"), (3, 3)),
            (&format!("{BOTH} curl -f https://a:b@x/"), (2, 44)),
            (&format!("{BOTH} curl -f -u a:b https://x/"), (2, 44)),
            (&format!("{BOTH} curl -f -H 'Authorization: Bearer x' https://x/"), (2, 44)),
        ] {
            case(bad).check("DF-033", Expect::Fail);
            assert_eq!(case(bad).places("DF-033"), [place], "{bad}");
            assert_eq!(case(bad).findings("DF-033")[0].action, Action::Inform);
        }
        let findings = case("CMD curl -u admin:hunter2 x").findings("DF-033");
        assert!(findings.iter().all(|judged| !judged.finding.found.contains("hunter2")));
    }

    #[test]
    fn bounds_and_a_plain_question_pass() {
        for good in [
            "--interval=1s --timeout=1s CMD curl -f http://localhost/",
            "--interval=1s --timeout=1s CMD curl -f -u \"a:$P\" http://localhost/",
            "--interval=1s --timeout=1s --retries=3 CMD [\"/app\"]",
            "NONE",
            "CMD x\nHEALTHCHECK --interval=1s --timeout=1s CMD x",
        ] {
            case(good).check("DF-033", Expect::Pass);
        }
    }
}
