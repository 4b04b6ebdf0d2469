//! DF-041: the caches of package managers do not stay in the image.

use super::{
    About, Raised, Rule, RuleContext,
    commands::{self, Placed},
    downloads::is_off,
    packages::{Manager, Operation, Verb},
};
use crate::{
    decide::Action,
    dockerfile::{Build, Command, Stage, Word},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-041",
    name: "df_041_package_cache_left",
    title: "no package manager leaves its cache in the image",
    severity: Severity::Low,
    action: Action::Inform,
    why: "A cache makes the image larger and is never used again.",
    mend: "switch the cache off (`apk add --no-cache`, `pip install --no-cache-dir`), clean it in the same `RUN` (`dnf clean all`), or mount one (`--mount=type=cache`)",
    bad: "FROM alpine:3\nRUN apk add curl",
    good: "FROM alpine:3\nRUN apk add --no-cache curl",
    equivalents: &[
        "DL3019",
        "DL3032",
        "DL3036",
        "DL3040",
        "DL3042",
        "DL3060",
        "DS-0015",
        "DS-0019",
        "DS-0020",
        "DS-0025",
        "DS-0027",
        "DKL-DI-0004",
    ],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

/// How the cache of a manager is kept out of an image.
struct Cache {
    manager: Manager,
    /// Options that switch it off.
    options: &'static [&'static str],
    /// Variables that switch it off, or lead it elsewhere.
    variables: &'static [&'static str],
    /// Parts of the folders that it is in.
    folders: &'static [&'static str],
    /// What to do about it.
    expected: &'static str,
}

const RPM_FOLDERS: &[&str] =
    &["/var/cache/yum", "/var/cache/dnf", "/var/cache/libdnf5", "/var/cache/tdnf"];
const CACHES: [Cache; 7] = [
    Cache {
        manager: Manager::Apk,
        options: &["--no-cache"],
        variables: &[],
        folders: &["/var/cache/apk", "/etc/apk/cache"],
        expected: "`apk add --no-cache`",
    },
    Cache {
        manager: Manager::Yum,
        options: &[],
        variables: &[],
        folders: RPM_FOLDERS,
        expected: "`yum clean all` in the same `RUN`",
    },
    Cache {
        manager: Manager::Dnf,
        options: &[],
        variables: &[],
        folders: RPM_FOLDERS,
        expected: "`dnf clean all` in the same `RUN`",
    },
    Cache {
        manager: Manager::Zypper,
        options: &["--no-cache"],
        variables: &[],
        folders: &["/var/cache/zypp"],
        expected: "`zypper clean` in the same `RUN`",
    },
    Cache {
        manager: Manager::Pip,
        options: &["--no-cache-dir", "--no-cache"],
        variables: &["PIP_NO_CACHE_DIR", "UV_NO_CACHE"],
        folders: &["/.cache", "pip", "/uv"],
        expected: "`pip install --no-cache-dir`",
    },
    Cache {
        manager: Manager::Npm,
        options: &["--cache"],
        variables: &["NPM_CONFIG_CACHE", "npm_config_cache"],
        folders: &[".npm", "npm"],
        expected: "`npm cache clean --force` in the same `RUN`",
    },
    Cache {
        manager: Manager::Yarn,
        options: &["--cache-folder"],
        variables: &["YARN_CACHE_FOLDER"],
        folders: &["yarn", "/.cache"],
        expected: "`yarn cache clean` in the same `RUN`",
    },
];

const ABOUT: commands::Untold = commands::Untold {
    title: "it can not be told whether a cache of packages stays in the image",
    expected: "no cache where the step ends",
    names: commands::PACKAGERS,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let runs: Vec<_> = commands::in_image(context).filter(|placed| placed.is("RUN")).collect();
    let mut all: Vec<_> = runs.iter().flat_map(|placed| of_step(context, *placed)).collect();
    all.extend(commands::untold_of(context, runs, ABOUT));
    commands::once(all)
}

fn of_step(context: &RuleContext<'_>, placed: Placed<'_>) -> Vec<Raised> {
    let mut all = Vec::new();
    for cache in &CACHES {
        let fills = |command: &&Command| {
            Operation::of(command).is_some_and(|operation| is_filling(&operation, cache))
        };
        let Some(command) = placed.commands().find(fills) else { continue };
        if is_kept_out(placed, command, cache) {
            continue;
        }
        let shown = command.words.iter().take(2).map(Word::text).collect::<Vec<_>>().join(" ");
        let title = format!("the cache of `{shown}` stays in the image");
        all.push(placed.fail_at(context, command, (&title, cache.expected), format!("`{shown}`")));
    }
    all
}

fn is_filling(operation: &Operation<'_>, cache: &Cache) -> bool {
    let is_meant = match operation.verb {
        Verb::Install | Verb::Upgrade => true,
        Verb::Refresh => operation.manager == Manager::Apk,
        Verb::Remove | Verb::Clean | Verb::Other => false,
    };
    operation.manager == cache.manager && is_meant && !operation.options.has(cache.options)
}

fn is_kept_out(placed: Placed<'_>, command: &Command, cache: &Cache) -> bool {
    let is_folder = |text: &str| cache.folders.iter().any(|folder| text.contains(folder));
    let cleans = |other: &Command| {
        let is_clean = Operation::of(other)
            .is_some_and(|op| op.verb == Verb::Clean && is_same(op.manager, cache.manager));
        let removed = other.arguments_of("rm").unwrap_or_default();
        is_clean || removed.iter().any(|word| is_folder(word.text()) || is_all_caches(word.text()))
    };
    let sets = |name: &str, value: &str| cache.variables.contains(&name) && !is_unset(name, value);
    let assigned = |other: &Command| {
        let own = other.assignments.iter().map(|(name, word)| (name.as_str(), word.text()));
        let exported = other.arguments_of("export").unwrap_or_default();
        let exported = exported.iter().filter_map(|word| word.text().split_once('='));
        own.chain(exported).any(|(name, value)| sets(name, value))
    };
    placed.commands().any(cleans)
        || commands::mounts(placed.step, is_folder)
        || assigned(command)
        || placed.commands().any(|other| other.words.is_empty() && assigned(other))
        || placed.commands().any(|other| other.arguments_of("export").is_some() && assigned(other))
        || environment(placed.build, placed.stage).any(|(name, value)| sets(name, value))
}

/// `yum` and `dnf` clean for each other.
fn is_same(cleaner: Manager, filler: Manager) -> bool {
    let is_rpm = |manager| matches!(manager, Manager::Yum | Manager::Dnf);
    cleaner == filler || (is_rpm(cleaner) && is_rpm(filler))
}

fn is_all_caches(text: &str) -> bool {
    matches!(text, "/var/cache/*" | "/var/cache" | "/var/cache/" | "/root/.cache" | "~/.cache")
}

/// A switch that says no; folders are any text.
fn is_unset(name: &str, value: &str) -> bool {
    value.is_empty() || (name.contains("NO_CACHE") && is_off(value))
}

/// The variables that hold in a stage, by `ENV` and `ARG`.
fn environment<'b>(build: &'b Build, stage: &'b Stage) -> impl Iterator<Item = (&'b str, &'b str)> {
    let steps = build.chain(stage).flat_map(|stage| &stage.steps);
    let pairs = steps.filter(|step| matches!(step.keyword(), "ENV" | "ARG"));
    pairs.flat_map(|step| &step.arguments).filter_map(|argument| {
        let value = argument.known().or(argument.written.as_deref())?;
        Some((argument.name.as_deref()?, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(steps: &str) -> Case {
        Case::default().dockerfile(&format!("FROM a\n{steps}"))
    }

    #[test]
    fn caches_that_stay_fail() {
        for (bad, place) in [
            ("RUN apk add curl", (2, 5)),
            ("RUN apk update && \\\n  apk add --no-cache curl", (2, 5)),
            ("RUN apk upgrade", (2, 5)),
            ("RUN yum install -y curl", (2, 5)),
            ("RUN dnf -y install curl\nRUN dnf clean all", (2, 5)),
            ("RUN microdnf install curl", (2, 5)),
            ("RUN zypper -n in curl", (2, 5)),
            ("RUN pip install x==1", (2, 5)),
            ("RUN true && \\\n python3.12 -m pip install x==1", (3, 2)),
            ("ENV PIP_NO_CACHE_DIR=0\nRUN pip3 install x==1", (3, 5)),
            ("RUN npm ci", (2, 5)),
            ("RUN npm install -g x@1", (2, 5)),
            ("RUN yarn install --frozen-lockfile", (2, 5)),
            ("RUN <<EOF\nyarn\nEOF", (3, 1)),
        ] {
            case(bad).check("DF-041", Expect::Fail);
            assert_eq!(case(bad).places("DF-041"), [place], "{bad}");
            assert_eq!(case(bad).findings("DF-041")[0].action, Action::Inform);
        }
    }

    #[test]
    fn caches_that_are_off_cleaned_or_mounted_pass() {
        for good in [
            "RUN apk add --no-cache curl",
            "RUN apk --no-cache add curl",
            "RUN apk add curl && rm -rf /var/cache/apk/*",
            "RUN --mount=type=cache,target=/var/cache/apk apk add curl",
            "RUN yum install -y curl && yum clean all",
            "RUN dnf install -y curl && dnf -y clean all",
            "RUN dnf install -y curl && rm -rf /var/cache/dnf",
            "RUN --mount=type=cache,target=/var/cache/dnf,sharing=locked dnf install -y curl",
            "RUN zypper -n in curl && zypper cc -a",
            "RUN pip install --no-cache-dir x",
            "ENV PIP_NO_CACHE_DIR=1\nRUN pip install x",
            "RUN PIP_NO_CACHE_DIR=on pip install x",
            "RUN --mount=type=cache,target=/root/.cache/pip pip install x",
            "RUN pip install x && pip cache purge",
            "RUN npm ci && npm cache clean --force",
            "RUN --mount=type=cache,target=/root/.npm npm ci",
            "RUN yarn install && yarn cache clean",
            "RUN npm run build",
            "RUN yarn build",
            "RUN pip list",
            "RUN npm ci\nFROM b",
        ] {
            case(good).check("DF-041", Expect::Pass);
        }
    }
}
