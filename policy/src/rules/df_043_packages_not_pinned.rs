//! DF-043: packages are installed in a version that somebody chose.

use super::{
    About, Raised, Rule, RuleContext, commands, inputs,
    packages::{Manager, Operation, Verb},
};
use crate::{
    decide::Action,
    dockerfile::{Command, Word},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-043",
    name: "df_043_packages_not_pinned",
    title: "packages are pinned to a version",
    severity: Severity::Low,
    action: Action::Inform,
    why: "The same Dockerfile builds another image tomorrow, and nobody has seen what is in it.",
    mend: "name a version (`curl=8.5.0-2`, `x==1.2.3`, `x@1.2.3`), or install from a lock file",
    bad: "FROM python:3.12\nRUN pip install --no-cache-dir requests",
    good: "FROM python:3.12\nRUN pip install --no-cache-dir requests==2.32.3",
    equivalents: &[
        "DL3008", "DL3013", "DL3016", "DL3018", "DL3028", "DL3033", "DL3037", "DL3041", "DL3062",
    ],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "each with a version";

/// Whether the version of a package is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pinning {
    Pinned,
    Loose,
    Untold,
}

const ABOUT: commands::Untold = commands::Untold {
    title: "it can not be told which packages are installed",
    expected: EXPECTED,
    names: commands::PACKAGERS,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut all = Vec::new();
    for placed in commands::in_image(context).filter(|placed| placed.is("RUN")) {
        for command in placed.commands() {
            let place = inputs::place(placed.build, command.at);
            let (loose, untold) = packages(command);
            if !loose.is_empty() {
                let title = "packages are installed in whatever version there is";
                all.push(context.fail(place, title, loose.join(", "), EXPECTED));
            } else if !untold.is_empty() {
                all.push(context.unknown(place, ABOUT.title, untold.join(", "), EXPECTED));
            }
        }
        all.extend(commands::untold(context, placed, ABOUT));
    }
    commands::once(all)
}

/// The packages that a command installs without a version, and those of which it can not be told.
fn packages(command: &Command) -> (Vec<String>, Vec<String>) {
    let (mut loose, mut untold) = (Vec::new(), Vec::new());
    let Some(operation) = Operation::of(command) else { return (loose, untold) };
    if operation.verb != Verb::Install || is_pinned_otherwise(&operation) {
        return (loose, untold);
    }
    if operation.manager == Manager::Cargo {
        // The head of a repository.
        loose.extend(operation.options.values(&["--git"]).map(|url| format!("`{url}`")));
    }
    for package in operation.installed() {
        let shown = format!("`{}`", package.text());
        match pinning(&operation, package) {
            Pinning::Pinned => {}
            Pinning::Loose => loose.push(shown),
            Pinning::Untold => untold.push(shown),
        }
    }
    (loose, untold)
}

/// Whether an option pins everything that the command installs.
fn is_pinned_otherwise(operation: &Operation<'_>) -> bool {
    let options = &operation.options;
    match operation.manager {
        Manager::Pip => options.has(&["-c", "--constraint", "--require-hashes"]),
        Manager::Gem => options.has(&["-v", "--version"]),
        Manager::Cargo => options.has(&["--version", "--vers", "--path", "--rev", "--tag"]),
        Manager::Apt
        | Manager::Apk
        | Manager::Yum
        | Manager::Dnf
        | Manager::Zypper
        | Manager::Npm
        | Manager::Yarn
        | Manager::Pnpm
        | Manager::Go => false,
    }
}

fn pinning(operation: &Operation<'_>, package: &Word) -> Pinning {
    // Behind a sign that ties a version a variable is as good as a text.
    let text = package.text();
    let is_unknown = package.value.known().is_none();
    if is_unknown && text.starts_with('$') && !text.contains(['=', '@', '/']) {
        return Pinning::Untold;
    }
    let is_pinned = is_local(text)
        || match operation.manager {
            Manager::Apt => text.contains('=') || text.contains('/') || text.ends_with(['-', '+']),
            Manager::Apk => text.contains(['=', '<', '>', '~']) || text.starts_with('!'),
            Manager::Yum | Manager::Dnf => is_rpm_pinned(text),
            Manager::Zypper => text.contains(['=', '<', '>']) || is_rpm_pinned(text),
            Manager::Pip => is_pip_pinned(text),
            Manager::Npm | Manager::Yarn | Manager::Pnpm => is_npm_pinned(text),
            Manager::Gem => text.contains(':'),
            Manager::Go => is_go_pinned(text),
            Manager::Cargo => text.contains('@'),
        };
    if is_pinned { Pinning::Pinned } else { Pinning::Loose }
}

/// Whether it is a file or a folder of the build.
fn is_local(text: &str) -> bool {
    const FILES: [&str; 9] =
        [".deb", ".apk", ".rpm", ".whl", ".tar.gz", ".tgz", ".gem", ".zip", ".tar"];
    let is_remote = text.contains("://") || text.contains("git+");
    let is_path = text.starts_with(['.', '/', '~']) || text.starts_with("file:");
    !is_remote && (is_path || FILES.iter().any(|end| text.ends_with(end)))
}

/// `name-1.2.3`, `name-1.2.3-4.el9`, `name = 1.2`; groups and modules have no versions.
fn is_rpm_pinned(text: &str) -> bool {
    if text.starts_with('@') || text.contains([' ', '=', '<', '>', '*', '/']) {
        return true;
    }
    let parts: Vec<&str> = text.split('-').skip(1).collect();
    let last = parts.len().saturating_sub(1);
    let is_version = |(at, part): (usize, &&str)| {
        let begins = part.starts_with(|first: char| first.is_ascii_digit() || first == '$');
        begins && (at == last || part.contains(['.', '$']))
    };
    parts.iter().enumerate().any(is_version)
}

fn is_pip_pinned(text: &str) -> bool {
    let address = text.split_once("://").map(|(_, rest)| rest);
    if let Some(address) = address {
        let path = address.split_once('/').map_or("", |(_, path)| path);
        // `git+https://host/x@ref`, and a digest behind an address.
        return path.contains('@') || text.contains("#sha") || text.contains("&sha");
    }
    ["==", "~=", "@"].iter().any(|sign| text.contains(sign))
        || (text.contains('<') && !text.ends_with('<'))
}

fn is_npm_pinned(text: &str) -> bool {
    let is_address = text.contains("://") || text.contains("git+") || text.starts_with("github:");
    if is_address {
        return text.contains('#') || text.contains(".tgz");
    }
    let name = text.strip_prefix('@').unwrap_or(text);
    let version = name.split_once('@').map(|(_, version)| version);
    let version = version.map(|version| version.rsplit('@').next().unwrap_or(version));
    version.is_some_and(|version| {
        let version = version.strip_prefix('v').unwrap_or(version);
        version.starts_with(|first: char| first.is_ascii_digit() || first == '$')
    })
}

/// In a module, what go.mod says holds where nothing is said here.
fn is_go_pinned(text: &str) -> bool {
    const MOVING: [&str; 6] = ["latest", "upgrade", "patch", "master", "main", "HEAD"];
    text.split_once('@').is_none_or(|(_, version)| !MOVING.contains(&version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(run: &str) -> Case {
        Case::default().dockerfile(&format!("FROM debian\nRUN {run}"))
    }

    #[test]
    fn whatever_version_there_is_fails() {
        for bad in [
            "apt-get install -y curl",
            "apt-get install -y curl=8 git",
            "apt-get -t stable install curl",
            "apt install -y --no-install-recommends curl",
            "apk add --no-cache curl",
            "apk add -t .deps curl",
            "yum install -y java-17-openjdk",
            "dnf install -y --enablerepo crb curl",
            "microdnf install curl",
            "zypper -n in curl",
            "pip install requests",
            "pip install requests>=2 'x>=1'",
            "python3 -m pip install --upgrade pip",
            "pip install git+https://github.com/a/b",
            "pip install https://x.example/y.whl",
            "npm install -g typescript",
            "npm i -g typescript@latest",
            "npm i -g typescript@^5 @scope/x",
            "yarn global add x",
            "gem install bundler",
            "go install example.com/x@latest",
            "cargo install ripgrep --locked",
            "cargo install --git https://github.com/a/b",
        ] {
            case(bad).check("DF-043", Expect::Fail);
            assert_eq!(case(bad).places("DF-043"), [(2, 5)], "{bad}");
            assert_eq!(case(bad).findings("DF-043")[0].action, Action::Inform);
        }
        let found = case("true && \\\n  apt-get install -y a=1 b c/x \\\n  d");
        assert_eq!(found.places("DF-043"), [(3, 3)]);
        assert_eq!(found.findings("DF-043")[0].finding.found, "`b`, `d`");
    }

    #[test]
    fn chosen_versions_files_and_locks_pass() {
        for good in [
            "apt-get install -y curl=8.5.0-2 git=1:2*",
            "apt-get install -y curl=${V} git=\"$W\"",
            "apt-get install -y /tmp/x.deb ./y.deb curl/stable",
            "apk add --no-cache 'curl=~8' 'git>2' x~1 --virtual .deps",
            "yum install -y nginx-1.24.0 httpd-2.4.57-5.el9 nodejs-$V",
            "dnf install -y 'nginx = 1.2' @development",
            "zypper -n in 'curl=8' ./x.rpm",
            "pip install -r requirements.txt",
            "pip install requests==2.1 'x~=1.2' . ./y '.[z]' -e .",
            "pip install -c constraints.txt requests",
            "pip install git+https://github.com/a/b@1a2b3c 'x @ https://x/y.whl#sha256=ab'",
            "pip install --index-url https://pypi.corp/simple x==1",
            "npm ci",
            "npm install",
            "npm install -g typescript@5.4.5 @scope/x@1 ./y",
            "npm install -g npm@$NPM",
            "yarn install",
            "gem install bundler -v 2.5",
            "gem install bundler:2.5 ./x.gem",
            "go install example.com/x@v1.2.3 ./cmd/...",
            "go install ./...",
            "cargo install ripgrep@14.1.0",
            "cargo install ripgrep --version 14.1.0",
            "cargo install --path .",
            "apt-get remove curl",
            "echo apt-get install curl",
            "pip install x\nFROM debian",
        ] {
            case(good).check("DF-043", Expect::Pass);
        }
    }

    #[test]
    fn what_a_variable_names_can_not_be_told() {
        case("apt-get install -y $PACKAGES").check("DF-043", Expect::Unknown);
        let known =
            Case::default().dockerfile("FROM debian\nARG P=\"a b\"\nRUN apt-get install $P");
        assert_eq!(known.findings("DF-043")[0].finding.found, "`a`, `b`");
    }
}
