//! DF-067: packages are installed with their signatures checked.

use super::{
    About, Raised, Rule, RuleContext,
    commands::{self, Placed},
    downloads::{is_off, is_on},
    packages::{Manager, Operation},
    repositories::is_unverified_by_apt,
    texts,
};
use crate::{
    decide::Action,
    dockerfile::{Command, Word},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-067",
    name: "df_067_signatures_unchecked",
    title: "signatures of packages are checked",
    severity: Severity::High,
    action: Action::Deny,
    why: "A mirror, or whoever sits in front of it, then decides what is installed, with scripts that run as root.",
    mend: "take the option away, and install the key of the source: `[signed-by=/usr/share/keyrings/…]`, `rpm --import`, a file in `/etc/apk/keys`",
    bad: "FROM debian:12\nRUN apt-get update && apt-get install -y --allow-unauthenticated app",
    good: "FROM debian:12\nRUN apt-get update && apt-get install -y app",
    equivalents: &[
        "CIS 4.11",
        "CKV2_DOCKER_7",
        "CKV2_DOCKER_8",
        "CKV2_DOCKER_9",
        "CKV2_DOCKER_10",
        "CKV2_DOCKER_11",
    ],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "signatures that are checked";
const TITLE: &str = "signatures of packages are not checked";
const UNTOLD: &str = "it can not be told whether signatures of packages are checked";
const ABOUT: commands::Untold = commands::Untold {
    title: UNTOLD,
    expected: EXPECTED,
    names: &[
        "unauthenticated",
        "gpgcheck",
        "gpg-check",
        "trusted=yes",
        "allow-untrusted",
        "nosignature",
        "force-yes",
    ],
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    commands::of_reachable(context, ABOUT, |placed| {
        if placed.is("RUN") || placed.is("COPY") || placed.is("ADD") {
            of_step(context, placed)
        } else {
            Vec::new()
        }
    })
}

fn of_step(context: &RuleContext<'_>, placed: Placed<'_>) -> Vec<Raised> {
    let of_commands = placed.commands().filter_map(|command| {
        let found = complaint(command)?;
        Some(placed.fail_at(context, command, (TITLE, EXPECTED), format!("`{found}`")))
    });
    // What here-documents write to files.
    let lines = texts::lines(placed).filter_map(|(at, line)| Some((at, setting(line)?)));
    let lines = lines
        .map(|(at, found)| placed.fail_on(context, at, (TITLE, EXPECTED), format!("`{found}`")));
    of_commands.chain(lines).collect()
}

fn complaint(command: &Command) -> Option<String> {
    let (program, arguments) = command.program()?;
    let has = |names: &[&str]| {
        let mut words =
            arguments.iter().map(|word| word.text().split('=').next().unwrap_or_default());
        words.find(|word| names.contains(word)).map(str::to_owned)
    };
    if let Some(operation) = Operation::of(command) {
        return of_operation(&operation);
    }
    match program {
        "rpm" | "rpmkeys" => has(&["--nosignature", "--nodigest", "--nogpg", "--noverify"]),
        "dpkg" => has(&["--force-bad-verify", "--no-debsig"]),
        "debootstrap" | "mmdebstrap" => has(&["--no-check-gpg", "--no-check-sig"]),
        "yum-config-manager" | "dnf-config-manager" => setopt(arguments),
        "pacman" => has(&["--nosign"]),
        _ => commands::settings(command).iter().find_map(|line| setting(line).map(str::to_owned)),
    }
}

fn of_operation(operation: &Operation<'_>) -> Option<String> {
    let options = &operation.options;
    let first = |names: &[&str]| {
        let mut given = options.all.iter();
        let is_meant = |(own, value): &&(String, Option<String>)| {
            names.contains(&own.as_str()) && !value.as_deref().is_some_and(is_off)
        };
        given.find(is_meant).map(|(name, _)| name.clone())
    };
    match operation.manager {
        Manager::Apt => {
            let options_of_apt = options.values(&["-o", "--option"]);
            let is_set = |option: &&str| {
                let (name, value) = option.split_once('=').unwrap_or((option, ""));
                is_unverified_by_apt(name, value)
            };
            let by_name = first(&[
                "--allow-unauthenticated",
                "--force-yes",
                "--allow-insecure-repositories",
                "--allow-weak-repositories",
                "--allow-untrusted",
            ]);
            by_name.or_else(|| {
                let mut set = options_of_apt.filter(is_set);
                set.next().map(str::to_owned)
            })
        }
        Manager::Apk => first(&["--allow-untrusted"]),
        Manager::Yum | Manager::Dnf => {
            first(&["--nogpgcheck", "--no-gpgchecks", "--no-gpg-checks"]).or_else(|| {
                let mut values = options.values(&["--setopt"]);
                values.find_map(setting).map(str::to_owned)
            })
        }
        Manager::Zypper => first(&[
            "--no-gpg-checks",
            "--no-gpgcheck",
            "--nogpgcheck",
            "--gpgcheck-allow-unsigned",
            "--gpgcheck-allow-unsigned-package",
            "--gpgcheck-allow-unsigned-repo",
            "--allow-unsigned-rpm",
            "-G",
        ]),
        Manager::Pip
        | Manager::Npm
        | Manager::Yarn
        | Manager::Pnpm
        | Manager::Gem
        | Manager::Go
        | Manager::Cargo => None,
    }
}

/// `--setopt=x.gpgcheck=0`.
fn setopt(words: &[Word]) -> Option<String> {
    let mut values = words.iter().map(|word| word.text().trim_start_matches("--setopt="));
    values.find_map(setting).map(str::to_owned)
}

/// A line of a list of sources, or of a file of settings, that switches the check off.
fn setting(line: &str) -> Option<&str> {
    let text = line.trim().trim_matches(['"', '\'', ';']);
    let lower = text.to_ascii_lowercase();
    let words: Vec<&str> = lower.split(['[', ']', ' ', '\t']).collect();
    let begins = |names: &[&str]| names.iter().any(|name| lower.starts_with(name));
    if begins(&["deb ", "deb\t", "deb[", "deb-src"]) {
        let is_trusting = |word: &&str| {
            let (name, value) = word.split_once('=').unwrap_or_default();
            matches!(name, "trusted" | "allow-insecure" | "allow-weak") && !is_off(value)
        };
        return words.iter().any(is_trusting).then_some(text);
    }
    let (name, value) = lower.split_once(['=', ':', ' '])?;
    let name = name.trim();
    let name = name.rsplit('.').next().unwrap_or(name);
    let value = value.trim_matches([' ', '=', ':', '"', '\'', ';']);
    let is_meant = match name {
        "gpgcheck" | "repo_gpgcheck" | "pkg_gpgcheck" | "localpkg_gpgcheck" => {
            name != "localpkg_gpgcheck" && name != "repo_gpgcheck" && is_off(value)
        }
        "trusted" | "allow-insecure" | "allow-weak" => lower.contains(':') && is_on(value),
        "siglevel" => value.split_whitespace().any(|level| level == "never"),
        _ => {
            let option = lower.split([' ', '=']).next().unwrap_or_default();
            let value = lower.get(option.len()..).unwrap_or_default();
            let value = value.trim_matches([' ', '=', '"', '\'', ';']);
            is_unverified_by_apt(option, value)
        }
    };
    is_meant.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(steps: &str) -> Case {
        Case::default().dockerfile(&format!("FROM debian\n{steps}"))
    }

    #[track_caller]
    fn fails(steps: &str, place: (u32, u32)) {
        assert_eq!(case(steps).places("DF-067"), [place], "{steps}");
        case(steps).check("DF-067", Expect::Fail);
        assert_eq!(case(steps).findings("DF-067")[0].action, Action::Deny);
    }

    #[test]
    fn every_way_to_skip_a_signature_fails() {
        for bad in [
            "apt-get install -y --allow-unauthenticated x",
            "apt-get --allow-unauthenticated install x",
            "apt-get install -y --force-yes x",
            "apt-get update --allow-insecure-repositories",
            "apt-get -o APT::Get::AllowUnauthenticated=true install x",
            "apt-get -oAcquire::AllowInsecureRepositories=1 update",
            "echo 'deb [trusted=yes] https://x.example/ s main' > /etc/apt/sources.list.d/x.list",
            "echo \"deb [arch=amd64 trusted=yes] https://x.example/ s main\" | tee /etc/apt/x.list",
            "printf 'deb [ trusted=yes ] https://x.example/ s main\\n' > /etc/apt/x.list",
            "echo 'APT::Get::AllowUnauthenticated \"true\";' > /etc/apt/apt.conf.d/x",
            "add-apt-repository 'deb [trusted=yes] https://x.example/ s main'",
            "yum install -y --nogpgcheck x",
            "dnf --nogpgcheck -y install x",
            "dnf install -y --setopt=gpgcheck=0 x",
            "microdnf install --nogpgcheck x",
            "tdnf install -y --nogpgcheck x",
            "yum-config-manager --save --setopt=x.gpgcheck=0",
            "echo gpgcheck=0 >> /etc/yum.repos.d/x.repo",
            "sed -i 's/gpgcheck=1/gpgcheck=0/' /etc/yum.conf",
            "rpm -i --nosignature x.rpm",
            "rpm -Uvh --nodigest --nosignature x.rpm",
            "apk add --allow-untrusted ./x.apk",
            "apk --allow-untrusted add ./x.apk",
            "zypper --no-gpg-checks in x",
            "zypper ar -G https://x.example x",
            "pacman-key --init; echo 'SigLevel = Never' > /etc/pacman.conf",
        ] {
            let column = if bad.starts_with("pacman") { 24 } else { 5 };
            fails(&format!("RUN {bad}"), (2, column));
        }
        fails("RUN true && \\\n  apk add --allow-untrusted x", (3, 3));
        fails("RUN <<EOF\nset -e\nrpm -i --nosignature x.rpm\nEOF", (4, 1));
        fails("RUN cat <<EOF > /etc/apt/x.list\ndeb [trusted=yes] https://x s main\nEOF", (3, 1));
        fails(
            "COPY <<EOF /etc/apt/sources.list.d/x.sources\nTypes: deb\nTrusted: yes\nEOF",
            (4, 1),
        );
        for trusting in ["Trusted: true", "Trusted: on", "Allow-Insecure: enable"] {
            let text = format!("COPY <<EOF /etc/apt/sources.list.d/x.sources\n{trusting}\nEOF");
            case(&text).check("DF-067", Expect::Fail);
            case(&text.replace(trusting, "Trusted: disable")).check("DF-067", Expect::Pass);
        }
        fails("COPY <<EOF /etc/yum.repos.d/x.repo\n[x]\ngpgcheck = 0\nEOF", (4, 1));
        fails("COPY <<EOF /etc/yum.repos.d/x.repo\n[x]\nname=x\ngpgcheck = 0\nEOF", (5, 1));
        fails("ONBUILD RUN rpm -i --nosignature x.rpm", (2, 13));
        let built = "FROM a AS b\nRUN apk add --allow-untrusted x\nFROM c\nCOPY --from=b / /";
        Case::default().dockerfile(built).check("DF-067", Expect::Fail);
    }

    #[test]
    fn checked_signatures_pass() {
        for good in [
            "RUN apt-get install -y x",
            "RUN apt-get install -y --allow-unauthenticated=false x",
            "RUN apt-get -o APT::Get::AllowUnauthenticated=false install x",
            "RUN echo 'deb [signed-by=/k.gpg] https://x.example/ s main' > /etc/apt/x.list",
            "RUN echo 'deb [trusted=no] https://x.example/ s main' > /etc/apt/x.list",
            "RUN yum install -y --setopt=gpgcheck=1 x",
            "RUN sed -i 's/gpgcheck=0/gpgcheck=1/' /etc/yum.conf",
            "RUN echo gpgcheck=1 >> /etc/yum.repos.d/x.repo",
            "RUN rpm -K x.rpm",
            "RUN apk add $FLAGS x",
            "RUN echo --allow-untrusted",
            "LABEL x=--nogpgcheck",
            "RUN apk add --allow-untrusted x\nFROM c",
        ] {
            case(good).check("DF-067", Expect::Pass);
        }
    }

    #[test]
    fn scripts_that_can_not_be_read_can_not_be_told() {
        case("RUN apk add 'x").check("DF-067", Expect::Unknown);
        case("SHELL [\"python3\", \"-c\"]\nRUN x").check("DF-067", Expect::Unknown);
    }
}
