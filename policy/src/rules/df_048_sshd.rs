//! DF-048: no SSH server in the image.

use super::{About, Raised, Rule, RuleContext, commands, packages::Operation};
use crate::{
    decide::Action,
    dockerfile::{Command, Word},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-048",
    name: "df_048_sshd",
    title: "the image has no SSH server",
    severity: Severity::High,
    action: Action::Warn,
    why: "It is a way in of its own, with keys and passwords that no orchestrator knows of, and host keys that every container shares.",
    mend: "leave it out: `docker exec` and `kubectl exec` get in where that is needed",
    bad: "FROM debian:12\nRUN apt-get update && apt-get install -y openssh-server",
    good: "FROM debian:12\nRUN apt-get update && apt-get install -y openssh-client",
    equivalents: &["CIS 5.7"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "no SSH server";
/// Packages that bring one.
const SERVERS: [&str; 9] = [
    "openssh-server",
    "ssh",
    "openssh",
    "openssh-server-pam",
    "openssh-server-common",
    "dropbear",
    "dropbear-bin",
    "dropbear-run",
    "tinyssh",
];

const ABOUT: commands::Untold = commands::Untold {
    title: "it can not be told whether an SSH server is in the image",
    expected: EXPECTED,
    names: &["sshd", "openssh-server", "dropbear"],
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut all = Vec::new();
    for placed in commands::in_image(context) {
        for command in placed.commands() {
            let shown = |word: &Word| format!("`{}`", word.text());
            if let Some(package) = server(command) {
                let title = "an SSH server is installed";
                all.push(placed.fail_at(context, command, (title, EXPECTED), shown(package)));
            } else if starts(command) {
                let title = "an SSH server is started or set up";
                let found = command.words.iter().map(Word::text).collect::<Vec<_>>().join(" ");
                all.push(placed.fail_at(context, command, (title, EXPECTED), format!("`{found}`")));
            }
        }
        all.extend(commands::untold(context, placed, ABOUT));
    }
    commands::once(all)
}

fn server(command: &Command) -> Option<&Word> {
    let operation = Operation::of(command)?;
    let name = |word: &Word| {
        let text = word.text();
        let name = text.split(['=', '/', ':', '<', '>', '~', '@']).next().unwrap_or(text);
        SERVERS.contains(&name)
    };
    operation.installed().find(|word| name(word))
}

fn starts(command: &Command) -> bool {
    let Some((program, arguments)) = command.program() else { return false };
    let is_service = |word: &Word| {
        let text = word.text();
        let name = text.strip_suffix(".service").unwrap_or(text);
        matches!(name.rsplit('/').next(), Some("ssh" | "sshd" | "dropbear"))
    };
    match program {
        "sshd" | "dropbear" => true,
        "service" | "systemctl" | "rc-service" | "rc-update" | "update-rc.d" | "invoke-rc.d"
        | "chkconfig" => arguments.iter().any(is_service),
        "ssh-keygen" => arguments.iter().any(|word| word.text() == "-A"),
        // An init that is given what to start.
        "tini" | "dumb-init" | "catatonit" => {
            arguments.iter().any(|word| word.text().ends_with("/sshd"))
        }
        _ => command.words.first().is_some_and(|word| {
            let text = word.text();
            matches!(text, "/etc/init.d/ssh" | "/etc/init.d/sshd" | "/etc/init.d/dropbear")
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(steps: &str) -> Case {
        Case::default().dockerfile(&format!("FROM debian\n{steps}"))
    }

    #[test]
    fn installed_started_and_set_up_fail() {
        for (bad, place) in [
            ("RUN apt-get install -y openssh-server", (2, 5)),
            ("RUN apt-get update && \\\n  apt-get install -y curl \\\n  ssh", (3, 3)),
            ("RUN apk add --no-cache openssh=9", (2, 5)),
            ("RUN yum -y install openssh-server", (2, 5)),
            ("RUN dnf install -y dropbear", (2, 5)),
            ("RUN <<EOF\nservice ssh start\nEOF", (3, 1)),
            ("RUN systemctl enable sshd.service", (2, 5)),
            ("RUN ssh-keygen -A", (2, 5)),
            ("CMD [\"/usr/sbin/sshd\", \"-D\"]", (2, 5)),
            ("ENTRYPOINT exec /usr/sbin/sshd -D", (2, 12)),
            ("CMD /etc/init.d/ssh start", (2, 5)),
        ] {
            case(bad).check("DF-048", Expect::Fail);
            assert_eq!(case(bad).places("DF-048"), [place], "{bad}");
            assert_eq!(case(bad).findings("DF-048")[0].action, Action::Warn);
        }
    }

    #[test]
    fn clients_pass() {
        for good in [
            "RUN apt-get install -y openssh-client",
            "RUN apk add openssh-client",
            "RUN apt-get remove -y openssh-server",
            "RUN ssh-keygen -t ed25519",
            "RUN ssh-keyscan github.com",
            "RUN service nginx start",
            "CMD [\"ssh\", \"host\"]",
            "RUN echo sshd",
            "RUN apt-get install -y openssh-server\nFROM debian",
        ] {
            case(good).check("DF-048", Expect::Pass);
        }
    }
}
