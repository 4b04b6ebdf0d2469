//! DF-021: the user that a Dockerfile names is created in it, or is one of the base image's.

use super::{About, Raised, Rule, RuleContext, commands, inputs, packages::Operation};
use crate::{
    Users,
    decide::Action,
    dockerfile::{Build, Command, Expanded, Input, InputKind, Source, Stage, Step, User, Word},
};
use plimsoll_model::{Severity, reference::ImageName};

pub(crate) const RULE: Rule = Rule {
    id: "DF-021",
    name: "df_021_user_not_created",
    title: "the user that `USER` names is there",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "A name that is not in the image's /etc/passwd ends every start with an error, and invites somebody to run it as root instead.",
    mend: "create the user in the same stage (`RUN useradd …`), or name one by its number",
    bad: "FROM debian:12\nUSER app",
    good: "FROM debian:12\nRUN useradd --uid 10001 app\nUSER app",
    equivalents: &[],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "a user that this stage creates, or that its base brings";
/// Accounts that Debian, Ubuntu and Alpine bring.
const ACCOUNTS: [&str; 27] = [
    "root", "daemon", "bin", "sys", "sync", "games", "man", "lp", "mail", "news", "uucp", "proxy",
    "www-data", "backup", "list", "irc", "_apt", "nobody", "adm", "shutdown", "halt", "operator",
    "ftp", "guest", "sshd", "ntp", "cron",
];
/// Official images that bring those accounts, and which more.
const OFFICIAL: [(&str, &[&str]); 18] = [
    ("debian", &[]),
    ("ubuntu", &["ubuntu"]),
    ("alpine", &[]),
    ("python", &[]),
    ("golang", &[]),
    ("rust", &[]),
    ("ruby", &[]),
    ("perl", &[]),
    ("php", &[]),
    ("gcc", &[]),
    ("busybox", &[]),
    ("buildpack-deps", &[]),
    ("node", &["node"]),
    ("nginx", &["nginx"]),
    ("httpd", &[]),
    ("redis", &["redis"]),
    ("postgres", &["postgres"]),
    ("caddy", &[]),
];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let untold = "it can not be told which user the target stage names";
    inputs::of_targets(context, (untold, EXPECTED), |build, stage| {
        check_stage(context, build, stage)
    })
}

fn check_stage(context: &RuleContext<'_>, build: &Build, stage: &Stage) -> Option<Raised> {
    // A variable is DF-020's.
    let User::Set { at, user: Expanded::Known(user) } = build.user(stage) else { return None };
    let name = user.split(':').next().unwrap_or_default().trim();
    if name.is_empty() || name == "root" || name.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let place = inputs::place(build, at);
    let found = |where_from: &str| format!("`USER {user}`, and {where_from}");
    let fail = |where_from: &str| {
        let title = "the user that the image is to run as is not there";
        Some(context.fail(place.clone(), title, found(where_from), EXPECTED))
    };
    match context.facts().users {
        Some(Users::Known(accounts)) => {
            let is_there = accounts.iter().any(|account| account.name == name);
            return if is_there { None } else { fail("the image's /etc/passwd does not name it") };
        }
        Some(Users::Absent) => return fail("the image has no /etc/passwd"),
        Some(Users::Unreadable(_)) | None => {}
    }
    let steps: Vec<&Step> = build.chain(stage).flat_map(|stage| &stage.steps).collect();
    if steps.iter().any(|step| brings(build, step, name)) {
        return None;
    }
    let lowest = build.chain(stage).last().map_or(&stage.from, |stage| &stage.from);
    let unknown = |why: String| {
        let title = "it can not be told whether the user is there that the image is to run as";
        Some(context.unknown(place.clone(), title, found(&why), EXPECTED).at_most(Action::Inform))
    };
    match (base(context, lowest, name), steps.iter().find_map(|step| untold(step))) {
        (Base::Has, _) => None,
        (Base::Lacks, None) => fail(&format!("neither a step nor `{}` brings it", lowest.written)),
        (Base::Lacks, Some(why)) => unknown(why),
        (Base::Unknown, _) => unknown(format!("the users of `{}` are not known", lowest.written)),
    }
}

/// Whether the image below has a user of that name.
enum Base {
    Has,
    Lacks,
    Unknown,
}

fn base(context: &RuleContext<'_>, input: &Input, name: &str) -> Base {
    match &input.source {
        Source::Scratch => Base::Lacks,
        Source::Image(image) => of_image(context, image, name),
        Source::Stage(_) | Source::Malformed(_) | Source::Unresolved { .. } => Base::Unknown,
    }
}

fn of_image(context: &RuleContext<'_>, image: &ImageName, name: &str) -> Base {
    let mut locked = context.facts().bases.into_iter().flat_map(|lock| lock.named(image));
    let is_default = |user: &str| user.split(':').next() == Some(name);
    if locked.any(|entry| entry.user().flatten().is_some_and(is_default)) {
        return Base::Has;
    }
    let repository = image.repository.to_string();
    let official = repository.strip_prefix("docker.io/library/");
    let known = OFFICIAL.iter().find(|(image, _)| Some(*image) == official);
    match known {
        Some((_, more)) if more.contains(&name) || ACCOUNTS.contains(&name) => Base::Has,
        Some(_) => Base::Lacks,
        None if repository.starts_with("gcr.io/distroless/") => match name {
            "nonroot" | "nobody" => Base::Has,
            _ => Base::Lacks,
        },
        None => Base::Unknown,
    }
}

/// Whether a step creates the user, or copies an account file that may.
fn brings(build: &Build, step: &Step, name: &str) -> bool {
    match step.keyword() {
        "RUN" => step.script.commands.iter().any(|command| creates(command, name)),
        "COPY" => {
            let from = step.instruction.flag("from").and_then(|flag| flag.value.as_deref());
            let is_account_file = |text: &str| text.ends_with("/passwd");
            let is_meant =
                step.arguments.iter().filter_map(|word| word.known()).any(is_account_file);
            is_meant && from.is_none_or(|from| stage_brings(build, step, (from, name)))
        }
        _ => false,
    }
}

/// Whether the stage that is copied from creates the user; of an image that is taken to be so.
fn stage_brings(build: &Build, step: &Step, (from, name): (&str, &str)) -> bool {
    let inputs = build.stages.iter().flat_map(|stage| &stage.inputs);
    let meant = inputs
        .filter(|input| input.kind == InputKind::Copy && input.written == from)
        .find(|input| input.at.line >= step.at().line);
    let Some(Source::Stage(number)) = meant.map(|input| &input.source) else { return true };
    let stage = build.stages.get(*number);
    let mut steps = stage.into_iter().flat_map(|stage| build.chain(stage)).flat_map(|s| &s.steps);
    // No stage copies from a later one, and what it copied itself counts as brought.
    steps.any(|step| match step.keyword() {
        "RUN" => step.script.commands.iter().any(|command| creates(command, name)),
        keyword => matches!(keyword, "COPY" | "ADD"),
    })
}

fn creates(command: &Command, name: &str) -> bool {
    let Some((program, arguments)) = command.program() else { return false };
    let is_entry = |word: &Word| {
        word.text().lines().any(|line| {
            let line = line.trim_start_matches(['\'', '"']);
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(':'))
                || line.contains(&format!("\\n{name}:"))
        })
    };
    match program {
        "useradd" | "adduser" | "usermod" | "newusers" => {
            arguments.iter().any(|word| word.text() == name || word.value.known().is_none())
        }
        "systemd-sysusers" => true,
        "echo" | "printf" | "sed" => arguments.iter().any(is_entry),
        // Packages create the users that their services run as.
        _ => Operation::of(command).is_some_and(|operation| {
            operation
                .installed()
                .any(|package| package.text().starts_with(name) || package.value.known().is_none())
        }),
    }
}

/// Why it can not be told which users a step creates, where it can not.
fn untold(step: &Step) -> Option<String> {
    if !matches!(step.keyword(), "RUN" | "COPY" | "ADD") {
        return None;
    }
    if step.interpreter.is_some() || !step.script.untold.is_empty() {
        return Some("a `RUN` that can not be read may create it".to_owned());
    }
    let is_whole =
        |word: Option<&str>| word.is_none_or(|text| matches!(text, "/" | "/etc" | "/etc/"));
    if step.keyword() != "RUN" && step.arguments.last().is_some_and(|to| is_whole(to.known())) {
        return Some("what is copied into the image may bring it".to_owned());
    }
    let is_script = |command: &Command| {
        let shown = command.words.first().map(Word::text).unwrap_or_default();
        let is_path = shown.contains('/')
            && !["/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/"].iter().any(|f| shown.starts_with(f));
        let reads_file = command.is_shell()
            && command.program().is_some_and(|(_, arguments)| {
                arguments.iter().any(|word| !word.text().starts_with('-'))
            });
        is_path
            || reads_file
            || shown.starts_with('$')
            || matches!(command.program(), Some(("make" | "ansible-playbook" | "." | "source", _)))
            || commands::writes_to(command, |file| file.ends_with("/passwd"))
    };
    let command = step.script.commands.iter().find(|command| is_script(command))?;
    let shown = command.words.first().map(Word::text).unwrap_or_default();
    Some(format!("what `{shown}` does is not known"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(dockerfile: &str) -> Case {
        Case::default().dockerfile(dockerfile)
    }

    #[test]
    fn a_name_that_nothing_brings_fails() {
        for bad in [
            "FROM debian:12\nUSER app",
            "FROM alpine\nRUN adduser -D other\nUSER app:app",
            "FROM scratch\nUSER app",
            "FROM node\nRUN groupadd app\nUSER app",
            "FROM gcr.io/distroless/static\nUSER app",
            "FROM debian AS a\nRUN useradd app\nFROM debian\nCOPY --from=a /etc/group /etc/group\nUSER app",
            "FROM debian AS a\nRUN useradd other\nFROM scratch\nCOPY --from=a /etc/passwd /etc/passwd\nUSER app",
        ] {
            case(bad).check("DF-021", Expect::Fail);
        }
        let case = case("FROM debian\nRUN true\nUSER 5\nUSER app");
        assert_eq!(case.places("DF-021"), [(4, 1)]);
        assert_eq!(case.findings("DF-021")[0].action, Action::Warn);
    }

    #[test]
    fn created_brought_and_numbered_users_pass() {
        for good in [
            "FROM debian\nRUN useradd -r app\nUSER app",
            "FROM debian\nARG U=app\nRUN groupadd x && \\\n useradd -u 1 $U\nUSER ${U}",
            "FROM alpine\nRUN addgroup -S app && adduser -S -G app app\nUSER app:app",
            "FROM alpine AS a\nRUN adduser -D app\nFROM a\nUSER app",
            "FROM scratch\nCOPY passwd /etc/passwd\nUSER app",
            "FROM debian AS a\nRUN useradd app\nFROM scratch\nCOPY --from=a /etc/passwd /etc/passwd\nUSER app",
            "FROM scratch\nRUN echo 'app:x:1:1::/:' >> /etc/passwd\nUSER app",
            "FROM node\nUSER node",
            "FROM debian\nUSER www-data",
            "FROM gcr.io/distroless/base-debian12\nUSER nonroot:nonroot",
            "FROM alpine\nRUN apk add --no-cache nginx\nUSER nginx",
            "FROM debian\nUSER 10001",
            "FROM debian\nUSER $U",
        ] {
            case(good).check("DF-021", Expect::Pass);
        }
    }

    #[test]
    fn bases_and_scripts_that_are_not_known_can_not_be_told() {
        for unknown in [
            "FROM corp.example/base:1\nUSER app",
            "FROM debian\nCOPY rootfs /\nUSER app",
            "FROM debian\nRUN ./setup.sh\nUSER app",
            "FROM debian\nRUN bash setup.sh\nUSER app",
            "FROM $BASE\nUSER app",
        ] {
            case(unknown).check("DF-021", Expect::Unknown);
            assert_eq!(case(unknown).findings("DF-021")[0].action, Action::Inform);
        }
    }

    #[test]
    fn the_image_and_the_lock_tell_more() {
        let text = "FROM corp.example/base:1\nUSER app";
        let passwd = |text: &str, accounts: &str| case(text).passwd(accounts);
        passwd(text, "app:x:1:1::/:").check("DF-021", Expect::Pass);
        passwd(text, "other:x:1:1::/:").check("DF-021", Expect::Fail);
        case(text).users(Users::Absent).check("DF-021", Expect::Fail);
        let locked = case(text).approved_with_user("corp.example/base:1", Some("app"));
        locked.check("DF-021", Expect::Pass);
    }
}
