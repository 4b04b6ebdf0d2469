//! SEC-006: no password is set or given in a command.

use super::{
    About, Raised, Rule, RuleContext,
    commands::{self, Placed},
    inputs,
    options::{Options, Valued},
};
use crate::{
    decide::Action,
    dockerfile::{Command, Word},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "SEC-006",
    name: "sec_006_password_set",
    title: "no password is set or given in a command",
    severity: Severity::High,
    action: Action::Deny,
    why: "The command is in the history of the image, and what it sets in a layer: everybody who can pull knows the password, and every container has the same.",
    mend: "do without a password: a container is entered by its runtime. What a command needs it reads from a mounted secret",
    bad: "RUN echo 'root:secret' | chpasswd",
    good: "RUN useradd --system app",
    equivalents: &["CIS 4.10", "CKV2_DOCKER_17"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "no password in a command, and none that is set";
/// Clients of databases that take a password behind `-p`, joined to it.
const CLIENTS: [&str; 8] = [
    "mysql",
    "mysqladmin",
    "mysqldump",
    "mysqlimport",
    "mysqlcheck",
    "mariadb",
    "mariadb-admin",
    "mariadb-dump",
];
/// Variables by which clients take one.
const VARIABLES: [&str; 4] = ["PGPASSWORD", "MYSQL_PWD", "SSHPASS", "REDISCLI_AUTH"];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let untold = "it can not be told whether a password is set";
    let names: &[&str] = &["passwd", "useradd", "usermod"];
    let about = commands::Untold { title: untold, expected: EXPECTED, names };
    commands::of_reachable(context, about, |placed| {
        let found = placed.commands().filter_map(|command| Some((command, sets(placed, command)?)));
        let raise = |(command, title): (&Command, &str)| {
            // Never the command itself, which has the password.
            let program = command.program().map_or("", |(program, _)| program);
            context.fail(
                inputs::place(placed.build, command.at),
                title,
                format!("`{program}`"),
                EXPECTED,
            )
        };
        // A shell of Windows knows none of these programs, unless it does not run on Windows.
        let hidden = commands::windows_text(placed)
            .filter(|text| text.contains("passwd") || text.contains("useradd"))
            .map(|_| {
                let found = "a script that is not read names `passwd` or `useradd`";
                context.unknown(
                    inputs::place(placed.build, placed.step.at()),
                    untold,
                    found,
                    EXPECTED,
                )
            });
        let written = of_file(placed).then(|| {
            let found = format!("`{} … {SHADOW}`", placed.step.keyword());
            placed.fail(context, ("the passwords of users are set", EXPECTED), found)
        });
        found.map(raise).chain(hidden).chain(written).collect()
    })
}

/// Where the passwords of users are.
const SHADOW: &str = "/etc/shadow";

/// Whether a step puts a file of the build in the place of the passwords of users.
fn of_file(placed: Placed<'_>) -> bool {
    let is_copy =
        (placed.is("COPY") || placed.is("ADD")) && placed.step.instruction.flag("from").is_none();
    let to = placed.step.arguments.last().filter(|_| is_copy);
    to.and_then(|to| to.known()).is_some_and(|to| to.trim_matches('"') == SHADOW)
}

/// What a command does with a password.
fn sets(placed: Placed<'_>, command: &Command) -> Option<&'static str> {
    let given = "a command is given a password";
    let is_assigned = |(name, word): &(String, Word)| {
        VARIABLES.contains(&name.as_str()) && is_written(word.text())
    };
    if command.assignments.iter().any(is_assigned) {
        return Some(given);
    }
    let (program, arguments) = command.program()?;
    let set = "the password of a user is set";
    match program {
        "chpasswd" | "newusers" => Some(set),
        "passwd" => {
            let options = Options::of(arguments, Valued { letters: "niwxRrP", names: &[] });
            let is_fed = placed.commands().any(|other| placed.step.script.feeds(other, command));
            let is_read =
                command.redirects.iter().any(|redirect| redirect.operator.starts_with('<'));
            if options.has(&["-d"]) || options.has_abbreviated("--delete", "--d") {
                return Some("the password of a user is removed");
            }
            (is_fed || is_read || options.has(&["--stdin"])).then_some(set)
        }
        "useradd" | "usermod" => {
            let value = valued(arguments, ('p', "--password"))?;
            // What is no hash locks the account.
            (!value.starts_with(['!', '*'])).then_some(set)
        }
        "mysqladmin" | "mariadb-admin"
            if arguments.iter().any(|word| word.text() == "password") =>
        {
            Some(set)
        }
        program if CLIENTS.contains(&program) => {
            let is_given = |word: &Word| {
                let text = word.text();
                let value = text.strip_prefix("--password=").or_else(|| text.strip_prefix("-p"));
                value.is_some_and(is_written)
            };
            arguments.iter().any(is_given).then_some(given)
        }
        "sshpass" => valued(arguments, ('p', "--")).is_some_and(is_written).then_some(given),
        "export" => {
            let is_given = |word: &Word| {
                let pair = word.text().split_once('=');
                pair.is_some_and(|(name, value)| VARIABLES.contains(&name) && is_written(value))
            };
            arguments.iter().any(is_given).then_some(given)
        }
        "sed" | "perl" if edits_shadow(arguments) => Some(set),
        "cp" | "mv" | "install" | "ln" if arguments.last().is_some_and(is_shadow) => Some(set),
        "echo" | "printf" | "cat" | "tee" if commands::writes_to(command, |to| to == SHADOW) => {
            // What is no hash locks the account.
            let lines = commands::settings(command);
            let is_locked = |line: &String| {
                line.split(':').nth(1).is_some_and(|hash| hash.starts_with(['!', '*']))
            };
            (lines.is_empty() || !lines.iter().all(is_locked)).then_some(set)
        }
        _ => gives(program, arguments).then_some(given),
    }
}

fn is_shadow(word: &Word) -> bool {
    word.text() == SHADOW
}

/// Whether a script changes the passwords of users, and not so that it locks them.
fn edits_shadow(arguments: &[Word]) -> bool {
    let is_locking = |word: &Word| {
        let text = word.text();
        [":!", ":*", ":\\*"].iter().any(|locked| text.contains(locked))
    };
    let is_in_place = |word: &Word| {
        let text = word.text();
        text.starts_with("--in-place")
            || (text.starts_with('-') && !text.starts_with("--") && text.contains('i'))
    };
    let is_edited = arguments.iter().any(is_shadow) && arguments.iter().any(is_in_place);
    is_edited && !arguments.iter().any(is_locking)
}

/// Whether a program is given a password that stands there.
fn gives(program: &str, arguments: &[Word]) -> bool {
    let value = |letters: &'static str, short: &str, names: &'static [&'static str]| {
        let options = Options::of(arguments, Valued { letters, names });
        let all: Vec<String> =
            options.values(names).chain(options.values(&[short])).map(str::to_owned).collect();
        all
    };
    let is_any = |values: Vec<String>| values.iter().any(|value| is_written(value));
    match program {
        "redis-cli" => is_any(value("ahpnisuD", "-a", &["--pass"])),
        "mongo" | "mongosh" => is_any(value("pu", "-p", &["--password"])),
        "wget" => is_any(value(
            "OPTtUeaoiQwlADRIXB",
            "",
            &["--password", "--http-password", "--ftp-password"],
        )),
        "curl" => {
            let users = value("AbcCdDeEFHKmoPQrTuUwxXyYzt", "-u", &["--user", "--proxy-user"]);
            users.iter().any(|user| user.split_once(':').is_some_and(|(_, word)| is_written(word)))
        }
        "docker" | "podman" | "nerdctl" | "buildah" | "skopeo" | "helm" | "crane" | "oras" => {
            let is_login = arguments.iter().any(|word| word.text() == "login");
            is_login && is_any(value("pu", "-p", &["--password"]))
        }
        "htpasswd" => {
            let options = Options::of(arguments, Valued { letters: "Cr", names: &[] });
            let last = options.operands.last().map(|word| word.text());
            options.has(&["-b"]) && last.is_some_and(is_written)
        }
        _ => false,
    }
}

/// Whether a password stands there, and no variable that the container is given when it runs.
fn is_written(value: &str) -> bool {
    !value.is_empty() && !value.contains('$')
}

/// The shortest that a long name is cut to.
const LEAST: usize = 4;

/// The value of an option, joined to it or behind it.
fn valued<'w>(arguments: &'w [Word], (letter, name): (char, &str)) -> Option<&'w str> {
    arguments.iter().enumerate().find_map(|(at, word)| {
        let text = word.text();
        let after = || arguments.get(at.saturating_add(1)).map(Word::text);
        // Long names may be cut where nothing else begins so.
        let (long, value) = text.split_once('=').map_or((text, None), |(n, v)| (n, Some(v)));
        if long.len() >= LEAST && name.starts_with(long) {
            return value.or_else(after);
        }
        let cluster = text.strip_prefix('-').filter(|rest| !rest.starts_with('-'))?;
        // Letters in front of it take no value.
        let (before, rest) = cluster.split_once(letter)?;
        let is_cluster = before.chars().all(|char| "mrMNoULl".contains(char));
        is_cluster.then(|| if rest.is_empty() { after() } else { Some(rest) }).flatten()
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn every_way_to_set_a_password_fails() {
        let bad = [
            "FROM a\nRUN x && echo 'root:x' | chpasswd",
            "FROM a\nRUN chpasswd <<< 'root:x'",
            "FROM a\nRUN sh -c \"echo root:x | /usr/sbin/chpasswd -e\"",
            "FROM a\nRUN echo x | passwd --stdin root",
            "FROM a\nRUN printf 'x\\nx\\n' | passwd app",
            "FROM a\nRUN passwd -d root",
            "FROM a\nRUN useradd -m -p x app",
            "FROM a\nRUN useradd -mp x app",
            "FROM a\nRUN usermod --password=x root",
            "FROM a\nRUN usermod --password $(openssl passwd x) root",
            "FROM a\nRUN mysql -uroot -psecret -e x",
            "FROM a\nCMD mysqladmin --password=x ping",
            "FROM a\nRUN mysqladmin -u root password x",
            "FROM a\nENV P=x\nHEALTHCHECK CMD mysqladmin ping -p$P",
            "FROM a\nRUN PGPASSWORD=x psql",
            "FROM a\nRUN sshpass -p x ssh h",
            "FROM a AS b\nRUN echo a:b | chpasswd\nFROM c\nCOPY --from=b / /",
            "FROM a\nRUN passwd -du root",
            "FROM a\nRUN passwd --del root",
            "FROM a\nRUN echo 'root:$6$x:1:' >> /etc/shadow",
            "FROM a\nRUN echo 'root::1:' | tee /etc/shadow",
            "FROM a\nRUN sed -i 's/^root:[^:]*:/root::/' /etc/shadow",
            "FROM a\nRUN newusers <<< 'a:b:1:1::/:/bin/sh'",
            "FROM a\nRUN useradd --passw=x app",
            "FROM a\nRUN usermod --pass x app",
            "FROM a\nRUN cp shadow /etc/shadow",
            "FROM a\nCOPY shadow /etc/shadow",
            "FROM a\nCOPY <<EOF /etc/shadow\nroot::1:\nEOF\n",
            "FROM a\nRUN redis-cli -a hunter2 ping",
            "FROM a\nHEALTHCHECK CMD curl -fu admin:hunter2 http://localhost/",
            "FROM a\nRUN wget --http-user=a --http-password=x https://h/",
            "FROM a\nRUN docker login -u a -p x h",
            "FROM a\nRUN htpasswd -bc /x admin hunter2",
        ];
        check_files("SEC-006", Expect::Fail, &bad);
        assert_eq!(Case::default().dockerfile(bad[0]).places("SEC-006"), [(2, 26)]);
    }

    #[test]
    fn accounts_without_a_password_pass() {
        let good = [
            "FROM a\nRUN useradd -m app && adduser --disabled-password app && passwd -l root",
            "FROM a\nRUN useradd -p '!' app && usermod -p '*' app",
            "FROM a\nRUN mkdir -p x && mysql -p -P 3306 -e x && mysql --protocol=tcp",
            "FROM a\nHEALTHCHECK CMD mysqladmin ping -p$MYSQL_ROOT_PASSWORD",
            "FROM a\nRUN --mount=type=secret,id=p PGPASSWORD=$(cat /run/secrets/p) psql",
            "FROM a\nRUN echo chpasswd && apt-get install passwd",
            "FROM a AS b\nRUN echo a:b | chpasswd\nFROM c",
            "FROM a\nRUN passwd -l root && passwd -uq app",
            "FROM a\nRUN echo 'app:!:1:' >> /etc/shadow",
            "FROM a\nRUN sed -i 's/^root:[^:]*:/root:!:/' /etc/shadow",
            "FROM a\nRUN sed -n 's/a/b/p' /etc/shadow",
            "FROM a\nRUN chmod 640 /etc/shadow && cat /etc/shadow && cp /etc/shadow /x",
            "FROM a\nCOPY --from=b /etc/shadow /etc/shadow",
            "FROM a\nRUN redis-cli -a $REDIS_PASSWORD ping && redis-cli -h a -p 1 ping",
            "FROM a\nRUN curl -u $U:$P https://h && curl -u a: https://h && curl -u a https://h",
            "FROM a\nRUN --mount=type=secret,id=p docker login -u a --password-stdin < /run/secrets/p",
            "FROM a\nRUN htpasswd -bc /x admin $P && docker run -p 80:80 x",
            "FROM a\nRUN useradd --prefix /x app",
        ];
        check_files("SEC-006", Expect::Pass, &good);
    }

    #[test]
    fn a_script_that_is_not_understood_can_not_be_told_and_no_password_is_shown() {
        let shell = "FROM a\nSHELL [\"pwsh\", \"-c\"]\nRUN chpasswd x";
        check_files("SEC-006", Expect::Unknown, &["FROM a\nRUN x 'y", shell]);
        let findings =
            Case::default().dockerfile("FROM a\nRUN mysql -phunter2").findings("SEC-006");
        assert!(!format!("{findings:?}").contains("hunter2"));
    }
}
