//! DF-063: what is downloaded is compared with a digest or a signature before it is run or unpacked.

use super::{
    About, Raised, Rule, RuleContext,
    commands::{self, Placed},
    downloads::{Download, is_verified},
    packages::Operation,
};
use crate::{
    decide::Action,
    dockerfile::{Command, Word},
};
use plimsoll_model::Severity;
use std::collections::BTreeMap;

pub(crate) const RULE: Rule = Rule {
    id: "DF-063",
    name: "df_063_download_unverified",
    title: "downloads are verified before they are run or unpacked",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "Whoever takes over the server, or the account that publishes there, runs in the build and is in the image.",
    mend: "compare it in the same `RUN`: `echo \"<digest>  file\" | sha256sum --check`, or `gpg --verify`",
    bad: "FROM debian:12\nRUN curl -fsSL https://example.com/app.tgz | tar -xz",
    good: "FROM debian:12\nRUN curl -fsSLo app.tgz https://example.com/app.tgz \\\n && echo \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  app.tgz\" | sha256sum --check \\\n && tar -xzf app.tgz",
    equivalents: &[],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "a digest or a signature that is checked in the same `RUN`";
const UNTOLD: &str = "it can not be told whether downloads are verified";
const ABOUT: commands::Untold = commands::Untold {
    title: UNTOLD,
    expected: EXPECTED,
    names: &["curl", "wget", "urlopen", "urlretrieve", "requests.get", "LWP", "open-uri"],
};
/// Downloads, and names with a `*`, that are followed at once.
const WAITING: usize = 100;
/// Programs that unpack, or install, what they are given.
const UNPACKERS: [&str; 18] = [
    "tar",
    "bsdtar",
    "unzip",
    "7z",
    "7za",
    "cpio",
    "unxz",
    "xz",
    "gunzip",
    "gzip",
    "bunzip2",
    "zstd",
    "zcat",
    "dpkg",
    "rpm",
    "installer",
    "dpkg-deb",
    "jar",
];
/// Programs that run a file.
const RUNNERS: [&str; 12] = [
    "python", "python3", "perl", "ruby", "node", "php", "java", "source", ".", "chmod", "install",
    "gdebi",
];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut all = commands::of_reachable(context, ABOUT, |placed| {
        if placed.is("RUN") { of_step(context, placed) } else { Vec::new() }
    });
    for build in context.builds() {
        for stage in build.reachable() {
            let steps = stage.steps.iter().map(|step| Placed { build, stage, step });
            all.extend(of_later_steps(context, &steps.collect::<Vec<_>>()));
        }
    }
    commands::once(all)
}

const TITLE: &str = "a download is run or unpacked, and nothing says that it is the right one";

fn of_step(context: &RuleContext<'_>, placed: Placed<'_>) -> Vec<Raised> {
    if is_verified(placed) {
        return Vec::new();
    }
    let users = Users::of(placed);
    let mut all = Vec::new();
    for (number, command) in placed.commands().enumerate() {
        let Some(download) = remote(command) else { continue };
        let readers = || placed.script().readers(number);
        let piped = readers()
            .find(|other| other.program().is_some_and(|(program, _)| UNPACKERS.contains(&program)));
        let used = piped.or_else(|| {
            let mut files =
                download.files.iter().map(String::as_str).chain(readers().flat_map(files));
            users.of_any(&mut files, Some(number))
        });
        let is_program = download.files.iter().any(|file| is_in_path(file));
        if used.is_some() || is_program {
            let found = match used.and_then(|used| used.words.first()) {
                Some(word) => format!("`{}`, then `{}`", download.program, word.text()),
                None => format!("`{}` into the path of programs", download.program),
            };
            all.push(placed.fail_at(context, command, (TITLE, EXPECTED), found));
        }
    }
    all
}

/// What one step downloads and another one uses.
fn of_later_steps(context: &RuleContext<'_>, steps: &[Placed<'_>]) -> Vec<Raised> {
    let mut waiting: Vec<(Placed<'_>, &Command, Vec<String>)> = Vec::new();
    let mut all = Vec::new();
    for placed in steps.iter().copied().filter(|placed| placed.is("RUN")) {
        if is_verified(placed) {
            // Which of them it verifies is not told apart.
            waiting.clear();
            continue;
        }
        let users = Users::of(placed);
        waiting.retain(|(earlier, command, files)| {
            let user = users.of_any(&mut files.iter().map(String::as_str), None);
            if let Some(word) = user.and_then(|user| user.words.first()) {
                let program = command.words.first().map(Word::text).unwrap_or_default();
                let found = format!("`{program}`, then `{}` in a later step", word.text());
                all.push(earlier.fail_at(context, command, (TITLE, EXPECTED), found));
            }
            user.is_none()
        });
        // A limit for files that download without end.
        let room = WAITING.saturating_sub(waiting.len());
        let fetched = placed.commands().filter_map(|command| Some((command, remote(command)?)));
        let fetched = fetched.map(|(command, download)| (placed, command, download.files));
        waiting.extend(fetched.filter(|(_, _, files)| !files.is_empty()).take(room));
    }
    all
}

/// What the commands of a step run or unpack.
struct Users<'a> {
    /// The last command that does, and its number, by the name of the file.
    by_name: BTreeMap<&'a str, (usize, &'a Command)>,
    /// The same for names with a `*`.
    patterns: Vec<(&'a str, usize, &'a Command)>,
}

impl<'a> Users<'a> {
    fn of(placed: Placed<'a>) -> Self {
        let mut users = Self { by_name: BTreeMap::new(), patterns: Vec::new() };
        for (number, command) in placed.commands().enumerate() {
            for name in used(command).into_iter().map(base_name) {
                if name.contains('*') && users.patterns.len() < WAITING {
                    users.patterns.push((name, number, command));
                } else {
                    users.by_name.insert(name, (number, command));
                }
            }
        }
        users
    }

    /// A command after that one which uses one of the files.
    fn of_any(
        &self,
        files: &mut dyn Iterator<Item = &str>,
        after: Option<usize>,
    ) -> Option<&'a Command> {
        let is_later = |number: usize| after.is_none_or(|after| number > after);
        let names = files.filter(|file| !is_data(file)).map(base_name);
        let mut found = names.filter_map(|name| {
            let named = self.by_name.get(name).copied();
            let mut patterns = self.patterns.iter();
            let fitting = || {
                let (_, number, command) = patterns
                    .rfind(|(pattern, number, _)| is_later(*number) && fits(pattern, name))?;
                Some((*number, *command))
            };
            named.filter(|(number, _)| is_later(*number)).or_else(fitting)
        });
        found.next().map(|(_, command)| command)
    }
}

/// The words by which a command names what it runs or unpacks.
fn used(command: &Command) -> Vec<&str> {
    let Some((program, arguments)) = command.program() else { return Vec::new() };
    if Download::of(command).is_some() {
        return Vec::new();
    }
    let first = command.words.first().map(Word::text).filter(|first| first.contains('/'));
    let is_moved =
        matches!(program, "mv" | "cp") && arguments.last().is_some_and(|to| is_in_path(to.text()));
    let is_using = UNPACKERS.contains(&program) || RUNNERS.contains(&program) || command.is_shell();
    let named = arguments.iter().filter(|_| is_moved || is_using).map(Word::text);
    let operation = Operation::of(command);
    let installed = operation.iter().flat_map(Operation::installed).map(Word::text);
    first.into_iter().chain(named).chain(installed).collect()
}

/// A download from another machine; an address that is not known is taken to be one.
fn remote(command: &Command) -> Option<Download<'_>> {
    let download = Download::of(command)?;
    (!download.is_only_local()).then_some(download)
}

/// The files that a command writes what it reads into.
fn files(command: &Command) -> impl Iterator<Item = &str> {
    let redirected = command.redirects.iter().filter(|to| to.operator.starts_with('>'));
    let teed = command.arguments_of("tee").unwrap_or_default().iter();
    redirected.map(|to| to.to.text()).chain(teed.map(Word::text))
}

fn is_in_path(file: &str) -> bool {
    ["/bin/", "/sbin/"].iter().any(|folder| file.contains(folder)) || file.ends_with("/bin")
}

/// Whether a name fits a pattern with one `*`.
fn fits(pattern: &str, name: &str) -> bool {
    let (start, end) = pattern.split_once('*').unwrap_or((pattern, ""));
    name.starts_with(start) && name.ends_with(end)
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Keys, lists and certificates, of which only the mode is set.
fn is_data(file: &str) -> bool {
    [".asc", ".gpg", ".key", ".list", ".repo", ".pem", ".crt", ".sources", ".txt"]
        .iter()
        .any(|end| file.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(steps: &str) -> Case {
        Case::default().dockerfile(&format!("FROM debian\n{steps}"))
    }

    #[test]
    fn run_or_unpacked_without_a_look_fails() {
        for (bad, place) in [
            ("RUN curl -fsSL https://x.example/y.tgz | tar -xz -C /opt", (2, 5)),
            ("RUN wget -qO- https://x.example/y.tgz | tar xz", (2, 5)),
            ("RUN curl -L $URL | gunzip > /usr/local/bin/y && chmod +x /usr/local/bin/y", (2, 5)),
            ("RUN wget https://x.example/y.tgz && tar xf y.tgz", (2, 5)),
            ("RUN curl -fsSLO https://x.example/y-${V}.zip && unzip y-${V}.zip", (2, 5)),
            (
                "RUN true && \\\n  curl -o /tmp/y.deb https://x.example/y && dpkg -i /tmp/y.deb",
                (3, 3),
            ),
            ("RUN curl -o y.deb https://x.example/y && apt-get install -y ./y.deb", (2, 5)),
            ("RUN curl https://x.example/y > y.sh && sh y.sh", (2, 5)),
            ("RUN curl -o y https://x.example/y && chmod +x y && ./y", (2, 5)),
            ("RUN curl -Lo /usr/local/bin/y https://x.example/y", (2, 5)),
            ("RUN wget -O y.py https://x.example/y; python3 y.py", (2, 5)),
            ("RUN wget https://x.example/y.tgz; tar xf *.tgz", (2, 5)),
            ("RUN curl -o y https://x.example/y && mv y /usr/bin/", (2, 5)),
            ("RUN curl -o /tmp/y.tgz https://x.example/y\nRUN tar xf /tmp/y.tgz", (2, 5)),
            ("RUN curl -O https://x.example/y.tgz; sha256sum y.tgz; tar xf y.tgz", (2, 5)),
            ("RUN curl -O https://x.example/y.tgz; sha256sum -c s || true; tar xf y.tgz", (2, 5)),
            ("RUN <<EOF\nset -e\ncurl -o y https://x.example/y\nbash ./y\nEOF", (4, 1)),
        ] {
            case(bad).check("DF-063", Expect::Fail);
            assert_eq!(case(bad).places("DF-063"), [place], "{bad}");
            assert_eq!(case(bad).findings("DF-063")[0].action, Action::Warn);
        }
        let built = "FROM a AS b\nRUN curl https://x/y | tar x\nFROM c\nCOPY --from=b / /";
        Case::default().dockerfile(built).check("DF-063", Expect::Fail);
    }

    #[test]
    fn verified_kept_and_piped_to_a_shell_pass() {
        for good in [
            "RUN curl -o y.tgz https://x.example/y && echo 'ab  y.tgz' | sha256sum -c - && tar xf y.tgz",
            "RUN wget https://x.example/y https://x.example/y.asc && gpg --batch --verify y.asc y && tar xf y",
            "RUN curl -o y https://x.example/y && sha512sum --check y.sum && chmod +x y",
            "RUN curl -o y https://x.example/y && cosign verify-blob --key k y && ./y",
            "RUN curl -o y https://x.example/y && test \"$(sha256sum y | cut -d' ' -f1)\" = ab && ./y",
            "RUN curl -o y https://x.example/y\nRUN sha256sum -c y.sum\nRUN ./y",
            "RUN curl -o config.json https://x.example/y",
            "RUN curl https://x.example/y | jq .",
            // That is DF-064's.
            "RUN curl https://x.example/y | sh",
            "RUN curl -fsSL https://x.example/k.asc -o /usr/share/keyrings/k.asc && chmod a+r /usr/share/keyrings/k.asc",
            "RUN curl -fsSL https://x.example/k | gpg --dearmor -o /usr/share/keyrings/k.gpg",
            "RUN curl -f http://localhost/y | tar x",
            "RUN tar xf y.tgz",
            "COPY y.tgz /\nRUN tar xf y.tgz && curl -o z https://x.example/z",
            "RUN curl https://x/y | tar x\nFROM c",
        ] {
            case(good).check("DF-063", Expect::Pass);
        }
    }

    #[test]
    fn scripts_that_can_not_be_read_can_not_be_told() {
        case("RUN x 'y").check("DF-063", Expect::Unknown);
    }
}
