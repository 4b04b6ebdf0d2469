//! What the rules about package managers have in common: which command does what to which packages.

use super::options::{Options, Valued};
use crate::dockerfile::{Command, Word};

/// A package manager, those that are used alike taken as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manager {
    /// `apt-get`, `apt`, `aptitude`.
    Apt,
    Apk,
    Yum,
    /// `dnf`, `dnf5`, `microdnf`, `tdnf`.
    Dnf,
    Zypper,
    /// `pip`, `python -m pip`, `uv pip`.
    Pip,
    Npm,
    Yarn,
    Pnpm,
    Gem,
    Go,
    Cargo,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    /// Packages come in, those of the project where none is named.
    Install,
    /// The lists of packages are fetched.
    Refresh,
    /// Everything that is installed is made newer, or what is named.
    Upgrade,
    Remove,
    /// Caches go.
    Clean,
    Other,
}

/// One call of a package manager.
#[derive(Debug)]
pub(super) struct Operation<'c> {
    pub(super) manager: Manager,
    /// As it is called.
    pub(super) program: &'c str,
    pub(super) verb: Verb,
    pub(super) options: Options<'c>,
    /// What follows the verb.
    pub(super) packages: Vec<&'c Word>,
}

struct Kind {
    manager: Manager,
    programs: &'static [&'static str],
    valued: Valued,
    verbs: &'static [(&'static str, Verb)],
}

const RPM_VALUED: Valued = Valued {
    letters: "cx",
    names: &[
        "--enablerepo",
        "--disablerepo",
        "--repo",
        "--repoid",
        "--installroot",
        "--releasever",
        "--setopt",
        "--exclude",
        "--config",
        "--forcearch",
        "--disableplugin",
        "--enableplugin",
    ],
};
const RPM_VERBS: &[(&str, Verb)] = &[
    ("install", Verb::Install),
    ("localinstall", Verb::Install),
    ("reinstall", Verb::Install),
    ("makecache", Verb::Refresh),
    ("update", Verb::Upgrade),
    ("upgrade", Verb::Upgrade),
    ("distro-sync", Verb::Upgrade),
    ("update-minimal", Verb::Upgrade),
    ("upgrade-minimal", Verb::Upgrade),
    ("remove", Verb::Remove),
    ("erase", Verb::Remove),
    ("autoremove", Verb::Remove),
    ("clean", Verb::Clean),
];
const JS_VALUED: Valued = Valued {
    letters: "Cw",
    names: &[
        "--prefix",
        "--registry",
        "--cache",
        "--cache-folder",
        "--workspace",
        "--loglevel",
        "--tag",
        "--omit",
        "--include",
        "--cwd",
        "--network-timeout",
        "--modules-folder",
        "--filter",
        "--dir",
        "--store-dir",
    ],
};
const JS_VERBS: &[(&str, Verb)] = &[
    ("install", Verb::Install),
    ("i", Verb::Install),
    ("add", Verb::Install),
    ("ci", Verb::Install),
    ("clean-install", Verb::Install),
    ("uninstall", Verb::Remove),
    ("remove", Verb::Remove),
];
const KINDS: &[Kind] = &[
    Kind {
        manager: Manager::Apt,
        programs: &["apt-get", "apt", "aptitude"],
        valued: Valued {
            letters: "toca",
            names: &["--target-release", "--default-release", "--option", "--config-file"],
        },
        verbs: &[
            ("install", Verb::Install),
            ("build-dep", Verb::Install),
            ("reinstall", Verb::Install),
            ("update", Verb::Refresh),
            ("upgrade", Verb::Upgrade),
            ("dist-upgrade", Verb::Upgrade),
            ("full-upgrade", Verb::Upgrade),
            ("safe-upgrade", Verb::Upgrade),
            ("remove", Verb::Remove),
            ("purge", Verb::Remove),
            ("autoremove", Verb::Remove),
            ("autopurge", Verb::Remove),
            ("clean", Verb::Clean),
            ("autoclean", Verb::Clean),
            ("distclean", Verb::Clean),
            ("dist-clean", Verb::Clean),
        ],
    },
    Kind {
        manager: Manager::Apk,
        programs: &["apk"],
        valued: Valued {
            letters: "Xtp",
            names: &[
                "--repository",
                "--virtual",
                "--root",
                "--arch",
                "--keys-dir",
                "--repositories-file",
                "--cache-dir",
                "--timeout",
                "--wait",
            ],
        },
        verbs: &[
            ("add", Verb::Install),
            ("update", Verb::Refresh),
            ("upgrade", Verb::Upgrade),
            ("del", Verb::Remove),
        ],
    },
    Kind { manager: Manager::Yum, programs: &["yum"], valued: RPM_VALUED, verbs: RPM_VERBS },
    Kind {
        manager: Manager::Dnf,
        programs: &["dnf", "dnf5", "microdnf", "tdnf"],
        valued: RPM_VALUED,
        verbs: RPM_VERBS,
    },
    Kind {
        manager: Manager::Zypper,
        programs: &["zypper"],
        valued: Valued {
            letters: "rRpCDt",
            names: &["--repo", "--root", "--from", "--type", "--plus-repo", "--installroot"],
        },
        verbs: &[
            ("install", Verb::Install),
            ("in", Verb::Install),
            ("refresh", Verb::Refresh),
            ("ref", Verb::Refresh),
            ("update", Verb::Upgrade),
            ("up", Verb::Upgrade),
            ("dist-upgrade", Verb::Upgrade),
            ("dup", Verb::Upgrade),
            ("patch", Verb::Upgrade),
            ("remove", Verb::Remove),
            ("rm", Verb::Remove),
            ("clean", Verb::Clean),
            ("cc", Verb::Clean),
        ],
    },
    Kind {
        manager: Manager::Pip,
        programs: &["pip", "pip3"],
        valued: Valued {
            letters: "rcifteC",
            names: &[
                "--requirement",
                "--constraint",
                "--index-url",
                "--extra-index-url",
                "--find-links",
                "--trusted-host",
                "--target",
                "--editable",
                "--prefix",
                "--root",
                "--src",
                "--platform",
                "--python-version",
                "--python",
                "--implementation",
                "--abi",
                "--proxy",
                "--timeout",
                "--retries",
                "--cache-dir",
                "--no-binary",
                "--only-binary",
                "--progress-bar",
                "--cert",
                "--upgrade-strategy",
                "--root-user-action",
                "--config-settings",
                "--global-option",
                "--report",
                "--log",
                "--exists-action",
            ],
        },
        verbs: &[("install", Verb::Install), ("uninstall", Verb::Remove)],
    },
    Kind { manager: Manager::Npm, programs: &["npm"], valued: JS_VALUED, verbs: JS_VERBS },
    Kind { manager: Manager::Yarn, programs: &["yarn"], valued: JS_VALUED, verbs: JS_VERBS },
    Kind { manager: Manager::Pnpm, programs: &["pnpm"], valued: JS_VALUED, verbs: JS_VERBS },
    Kind {
        manager: Manager::Gem,
        programs: &["gem"],
        valued: Valued {
            letters: "vinsP",
            names: &["--version", "--install-dir", "--bindir", "--source", "--platform"],
        },
        verbs: &[("install", Verb::Install), ("i", Verb::Install), ("uninstall", Verb::Remove)],
    },
    Kind {
        manager: Manager::Go,
        programs: &["go"],
        valued: Valued {
            letters: "",
            names: &[
                "-ldflags",
                "-tags",
                "-o",
                "-mod",
                "-p",
                "-gcflags",
                "-asmflags",
                "-C",
                "-modfile",
                "-buildmode",
                "-pkgdir",
            ],
        },
        verbs: &[("install", Verb::Install), ("get", Verb::Install)],
    },
    Kind {
        manager: Manager::Cargo,
        programs: &["cargo"],
        valued: Valued {
            letters: "FjZ",
            names: &[
                "--version",
                "--vers",
                "--git",
                "--branch",
                "--tag",
                "--rev",
                "--path",
                "--root",
                "--features",
                "--target",
                "--target-dir",
                "--profile",
                "--registry",
                "--index",
                "--jobs",
                "--bin",
                "--example",
                "--config",
            ],
        },
        verbs: &[("install", Verb::Install), ("uninstall", Verb::Remove)],
    },
];

impl<'c> Operation<'c> {
    /// What a command does to packages, if it is the call of a package manager.
    pub(super) fn of(command: &'c Command) -> Option<Self> {
        let (program, arguments) = command.program()?;
        let (program, arguments) = as_pip(program, arguments);
        let kind = KINDS.iter().find(|kind| kind.programs.contains(&program))?;
        let mut options = Options::of(arguments, kind.valued);
        let mut operands = std::mem::take(&mut options.operands).into_iter().peekable();
        if kind.manager == Manager::Yarn {
            // `yarn global add`, `yarn workspace NAME add`.
            operands.next_if(|word| word.text() == "global");
        }
        let verb = match operands.next().map(Word::text) {
            Some(word) => kind.verbs.iter().find(|(name, _)| *name == word).map(|(_, verb)| *verb),
            None if kind.manager == Manager::Yarn => Some(Verb::Install),
            None => None,
        };
        let verb = verb.unwrap_or(Verb::Other);
        let packages: Vec<_> = operands.collect();
        // `npm cache clean`, `yarn cache clean`, `pip cache purge`.
        let is_purge = |word: &&Word| matches!(word.text(), "clean" | "purge" | "prune");
        let verb = match (verb, packages.first()) {
            (Verb::Other, Some(first)) if is_purge(first) && command.has_word("cache") => {
                Verb::Clean
            }
            _ => verb,
        };
        Some(Self { manager: kind.manager, program, verb, options, packages })
    }

    /// What is installed.
    pub(super) fn installed(&self) -> impl Iterator<Item = &'c Word> {
        let is_install = self.verb == Verb::Install;
        self.packages.iter().copied().filter(move |_| is_install)
    }

    /// Whether everything is made newer, and not a few packages that are named.
    pub(super) fn upgrades_all(&self) -> bool {
        self.verb == Verb::Upgrade && self.packages.is_empty()
    }

    /// Whether it is about packages of the system, and not of an application.
    pub(super) const fn is_of_system(&self) -> bool {
        match self.manager {
            Manager::Apt | Manager::Apk | Manager::Yum | Manager::Dnf | Manager::Zypper => true,
            Manager::Pip
            | Manager::Npm
            | Manager::Yarn
            | Manager::Pnpm
            | Manager::Gem
            | Manager::Go
            | Manager::Cargo => false,
        }
    }
}

/// `pip3.12`, `python3 -m pip` and `uv pip` as `pip`.
fn as_pip<'c>(program: &'c str, arguments: &'c [Word]) -> (&'c str, &'c [Word]) {
    let text = |at: usize| arguments.get(at).map(Word::text);
    let is_versioned = |name: &str| {
        let rest = program.strip_prefix(name);
        rest.is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
    };
    if is_versioned("pip") {
        return ("pip", arguments);
    }
    if program == "uv" && text(0) == Some("pip") {
        return ("pip", arguments.get(1..).unwrap_or_default());
    }
    let module = arguments.iter().position(|word| word.text() == "-m");
    let named = module.and_then(|at| arguments.get(at.saturating_add(1)..));
    match named.and_then(<[Word]>::split_first) {
        Some((name, rest)) if is_versioned("python") && name.text() == "pip" => ("pip", rest),
        _ => (program, arguments),
    }
}
