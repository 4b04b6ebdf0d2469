//! DF-020: what a Dockerfile builds does not run as root.

use super::{
    About, Raised, Rule, RuleContext,
    accounts::{self, Rooted},
    img_001_user_is_root::is_root,
    inputs,
};
use crate::{
    decide::Action,
    dockerfile::{Build, Expanded, Input, Source, Stage, User},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-020",
    name: "df_020_final_user_is_root",
    title: "the stage that is built ends with a user other than root",
    severity: Severity::High,
    action: Action::Deny,
    why: "Root in the container is root on the host as soon as one isolation fails, and until then may rewrite everything in the container.",
    mend: "create a user and end the stage with `USER` and its number",
    bad: "FROM debian:12\nCMD [\"/app\"]",
    good: "FROM debian:12\nUSER 10001\nCMD [\"/app\"]",
    equivalents: &["CIS 4.1", "DL3002", "DS-0002", "CKV_DOCKER_3", "CKV_DOCKER_8"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "a user other than root";
const TITLE: &str = "the image runs as root";
const UNTOLD: &str = "it can not be told which user the image runs as";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let untold = "it can not be told which user the target stage runs as";
    inputs::of_targets(context, (untold, EXPECTED), |build, stage| {
        check_stage(context, build, stage)
    })
}

fn check_stage(context: &RuleContext<'_>, build: &Build, stage: &Stage) -> Option<Raised> {
    match build.user(stage) {
        User::Set { at, user: Expanded::Unknown { variable } } => {
            let found = format!("`USER` depends on `{variable}`, whose value is not known here");
            Some(context.unknown(inputs::place(build, at), UNTOLD, found, EXPECTED))
        }
        User::Set { at, user: Expanded::Known(user) } => {
            let name = user.split(':').next().unwrap_or_default().trim();
            let place = inputs::place(build, at);
            let rooted = accounts::rooted(build, stage, name);
            let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
            match rooted {
                _ if is_root(user) => {
                    Some(context.fail(place, TITLE, format!("`USER {user}`"), EXPECTED))
                }
                Some(Rooted::Root(by)) => {
                    let found = format!("`USER {user}`, which has the id 0 by line {}", by.line);
                    Some(context.fail(place, TITLE, found, EXPECTED))
                }
                // A number is what it is, and the image itself tells (IMG-001).
                Some(Rooted::Untold(..)) if is_number || context.facts().image.is_some() => None,
                Some(Rooted::Untold(by, what)) => {
                    let found = format!("`USER {user}`, and {what} in line {}", by.line);
                    Some(context.unknown(place, UNTOLD, found, EXPECTED))
                }
                None => None,
            }
        }
        User::OfScratch(_) => {
            Some(context.fail(inputs::place(build, stage.at), TITLE, "no `USER`", EXPECTED))
        }
        User::OfImage(input) => of_image(context, (build, stage), input),
    }
}

/// No `USER`: the base image's counts, which the lock knows.
fn of_image(context: &RuleContext<'_>, stage: (&Build, &Stage), input: &Input) -> Option<Raised> {
    let (build, stage) = stage;
    let place = inputs::place(build, stage.at);
    let user = match &input.source {
        Source::Image(name) => {
            context.facts().bases.and_then(|lock| lock.named(name).next()?.user())
        }
        Source::Stage(_) | Source::Scratch | Source::Malformed(_) | Source::Unresolved { .. } => {
            None
        }
    };
    let base = &input.written;
    match user {
        Some(user) if is_root(user.unwrap_or_default()) => {
            let found = format!("no `USER`, and `{base}` runs as root");
            Some(context.fail(place, TITLE, found, EXPECTED))
        }
        Some(_) => None,
        // The image itself tells (IMG-001).
        None if context.facts().image.is_some() => None,
        None => {
            let found = format!("no `USER`, and the user of `{base}` is not known");
            Some(context.unknown(place, UNTOLD, found, EXPECTED))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    fn case(dockerfile: &str) -> Case {
        Case::default().dockerfile(dockerfile)
    }

    #[test]
    fn every_spelling_of_root_fails() {
        for user in ["root", "0", "00", "0:1000", "root:app", "+0", "\"0\"", "'root'", "\"\""] {
            case(&format!("FROM debian\nUSER {user}")).check("DF-020", Expect::Fail);
        }
        case("FROM debian\nUSER 1\nUSER 0").check("DF-020", Expect::Fail);
        case("FROM scratch").check("DF-020", Expect::Fail);
    }

    #[test]
    fn another_user_passes_wherever_it_is_set() {
        for good in [
            "FROM debian\nUSER 10001",
            "FROM debian\nUSER 0\nUSER app:0",
            "FROM debian AS a\nUSER app\nFROM a\nRUN x",
            "FROM debian\nARG U=app\nUSER ${U}",
            "FROM debian\nENV U=app\nUSER $U",
            "ARG U=app\nFROM debian\nARG U\nUSER $U",
            "FROM debian\nUSER ${U:-app}\nUSER 5",
        ] {
            case(good).check("DF-020", Expect::Pass);
        }
    }

    #[test]
    fn variables_and_stages_are_followed_to_root() {
        for bad in [
            "FROM debian\nARG U=0\nUSER ${U}",
            "FROM debian AS a\nUSER app\nFROM a\nUSER root",
            "FROM debian AS a\nENV U=root\nFROM a\nUSER $U",
            "FROM scratch\nUSER ${U:-0}",
            "FROM debian\nRUN useradd -o -u 0 app && x\nUSER app",
        ] {
            case(bad).check("DF-020", Expect::Fail);
        }
    }

    #[test]
    fn root_by_another_name_is_root() {
        for run in [
            "useradd -ou 0 app",
            "useradd -ou0 app",
            "useradd --uid=00 --non-unique app",
            "useradd app -u 0 -o",
            "useradd -lom -u 0x0 app",
            "usermod -o -u 0 app",
            "adduser -Du 0 app",
            "adduser -D -u 0 app wheel",
            "adduser --uid 0 -D app -G x",
            "busybox adduser -D -u 0 app",
            "echo 'app:x:0:0::/:/bin/sh' >> /etc/passwd",
            "printf 'app:x:0:0::/:/bin/sh\\n' | tee -a /etc/passwd",
            "cat >> /etc/passwd <<EOF\napp:x:0:0::/:/bin/sh\nEOF",
            "<<EOF\ncat > /etc/passwd <<X\napp:x:0:0::/:/bin/sh\nX\nEOF",
            "sh -c 'useradd -o -u 0 app'",
        ] {
            let case = case(&format!("FROM debian\nRUN {run}\nUSER app"));
            case.check("DF-020", Expect::Fail);
            assert_eq!(case.places("DF-020").len(), 1, "{run}");
            assert_eq!(case.findings("DF-020")[0].finding.title, super::TITLE, "{run}");
        }
        for bad in [
            "FROM debian\nCOPY <<EOF /etc/passwd\nroot:x:0:0::/:/bin/sh\napp:x:0:0::/:/bin/sh\nEOF\nUSER app",
            "FROM debian AS b\nRUN adduser -D -u 0 app\nFROM scratch\nCOPY --from=b /etc/passwd /etc/\nUSER app",
            "FROM debian AS b\nRUN echo app:x:0:0::/: > /p\nFROM scratch\nCOPY --from=b /p /etc/passwd\nUSER app",
            "FROM debian AS a\nUSER 1\nONBUILD USER root\nFROM a",
        ] {
            case(bad).check("DF-020", Expect::Fail);
        }
        let at = case("FROM debian\nRUN useradd -ou 0 app\nUSER app");
        assert_eq!(at.places("DF-020"), [(3, 1)]);
        let found = &at.findings("DF-020")[0].finding.found;
        assert_eq!(found, "`USER app`, which has the id 0 by line 2");
    }

    #[test]
    fn users_of_other_names_and_numbers_pass() {
        for run in [
            "useradd -ou 0 other",
            "useradd -u 1000 app",
            "useradd -ou 1000 -g 0 app",
            "useradd -u $UID app",
            "echo 'app:x:1000:0::/:/bin/sh' >> /etc/passwd",
            "echo 'app:x:0:0::/:/bin/sh' > /x",
            "sed -i 's#/root:/bin/ash#/root:/sbin/nologin#' /etc/passwd",
            "grep app /etc/passwd",
            "python3 <<EOF\nprint('x')\nEOF",
        ] {
            case(&format!("FROM debian\nRUN {run}\nUSER app")).check("DF-020", Expect::Pass);
        }
        case("FROM debian AS b\nRUN adduser -D -u 5 app\nFROM scratch\nCOPY --from=b /etc/passwd /etc/passwd\nUSER app")
            .check("DF-020", Expect::Pass);
        case("FROM debian\nCOPY passwd /etc/passwd\nUSER 1000").check("DF-020", Expect::Pass);
    }

    #[test]
    fn accounts_that_are_not_known_can_not_be_told() {
        for unknown in [
            "ARG I\nRUN useradd -o -u $I app",
            "ARG I\nRUN adduser -D -u $I app",
            "ARG N\nRUN useradd -o -u 0 $N",
            "RUN sed -i s/1000/0/ /etc/passwd",
            "RUN newusers /x",
            "RUN cp /x /etc/passwd",
            "COPY passwd /etc/passwd",
            "COPY --from=other.io/x /etc/passwd /etc/passwd",
            "RUN echo \"app:x:$I:0::/:/bin/sh\" >> /etc/passwd",
            "RUN python3 <<EOF\nopen('/etc/passwd', 'w')\nEOF",
            "SHELL [\"/usr/bin/fish\", \"-c\"]\nRUN useradd app",
            "RUN useradd 'app",
        ] {
            let case = case(&format!("FROM debian\n{unknown}\nUSER app"));
            case.check("DF-020", Expect::Unknown);
        }
    }

    #[test]
    fn what_depends_on_the_unknown_can_not_be_told() {
        for unknown in [
            "FROM debian",
            "FROM debian\nUSER $U",
            "FROM debian\nARG U\nUSER $U",
            "FROM debian\nUSER ${U:-app}",
        ] {
            case(unknown).check("DF-020", Expect::Unknown);
        }
        case("FROM debian\nUSER 1").target("nosuch").check("DF-020", Expect::Unknown);
        let given = case("FROM debian\nARG U\nUSER $U").build_arg("U", "0");
        given.check("DF-020", Expect::Fail);
    }

    #[test]
    fn the_lock_knows_the_user_of_the_base() {
        let locked = |user| case("FROM debian:12").approved_with_user("debian:12", user);
        locked(None).check("DF-020", Expect::Fail);
        locked(Some("0:0")).check("DF-020", Expect::Fail);
        locked(Some("nonroot")).check("DF-020", Expect::Pass);
    }

    #[test]
    fn the_stage_that_is_built_counts() {
        let text = "FROM debian AS Test\nUSER root\nFROM debian\nUSER 1";
        case(text).check("DF-020", Expect::Pass);
        for target in ["test", "TEST", "0"] {
            let case = case(text).target(target);
            case.check("DF-020", Expect::Fail);
            assert_eq!(case.places("DF-020"), [(2, 1)]);
        }
    }

    #[test]
    fn what_a_heredoc_says_sets_nothing() {
        case("FROM debian\nUSER 1\nRUN python3 <<EOF\nUSER root\nEOF\n")
            .check("DF-020", Expect::Pass);
    }

    #[test]
    fn the_image_itself_tells_where_the_file_does_not() {
        case("FROM debian").image(&["a"]).check("DF-020", Expect::Pass);
        case("FROM debian\nUSER 0").image(&["a"]).check("DF-020", Expect::Fail);
    }
}
