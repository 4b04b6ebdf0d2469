//! DF-063: what is downloaded is compared with a digest or a signature before it is run or unpacked.

use super::{
    About, Raised, Rule, RuleContext,
    commands::{self, Placed},
    downloads::{Download, is_local, is_verifying},
    packages::Operation,
};
use crate::{
    decide::Action,
    dockerfile::{Command, Word},
};
use plimsoll_model::Severity;

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
    let mut all = commands::of_reachable(context, (UNTOLD, EXPECTED), |placed| {
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
    if placed.commands().any(is_verifying) {
        return Vec::new();
    }
    let mut all = Vec::new();
    for command in placed.commands() {
        let Some(download) = remote(command) else { continue };
        let piped = placed.commands().filter(|other| other.is_fed());
        let piped = piped
            .filter(|other| placed.script().feeds(command, other))
            .find(|other| other.program().is_some_and(|(program, _)| UNPACKERS.contains(&program)));
        let used = piped.or_else(|| {
            let later =
                placed.commands().skip_while(|other| !std::ptr::eq(*other, command)).skip(1);
            let mut later = later.filter(|other| remote(other).is_none());
            later.find(|other| uses_any(other, &files(placed, command, &download)))
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
        if placed.commands().any(is_verifying) {
            // Which of them it verifies is not told apart.
            waiting.clear();
            continue;
        }
        waiting.retain(|(earlier, command, files)| {
            let user = placed.commands().find(|other| uses_any(other, files));
            if let Some(word) = user.and_then(|user| user.words.first()) {
                let program = command.words.first().map(Word::text).unwrap_or_default();
                let found = format!("`{program}`, then `{}` in a later step", word.text());
                all.push(earlier.fail_at(context, command, (TITLE, EXPECTED), found));
            }
            user.is_none()
        });
        // A limit for files that download without end.
        let room = 100_usize.saturating_sub(waiting.len());
        let fetched = placed.commands().filter_map(|command| Some((command, remote(command)?)));
        let fetched = fetched.map(|(command, download)| (placed, command, download.files));
        waiting.extend(fetched.filter(|(_, _, files)| !files.is_empty()).take(room));
    }
    all
}

/// A download from another machine; an address that is not known is taken to be one.
fn remote(command: &Command) -> Option<Download<'_>> {
    let download = Download::of(command)?;
    let is_only_local = !download.urls.is_empty() && download.urls.iter().all(|url| is_local(url));
    (!is_only_local).then_some(download)
}

/// The files that a download goes to, those included that it is piped or written into.
fn files(placed: Placed<'_>, command: &Command, download: &Download<'_>) -> Vec<String> {
    let fed = placed.commands().filter(|other| other.is_fed());
    let fed = fed.filter(|other| placed.script().feeds(command, other));
    let written = fed.flat_map(|other| {
        let redirected = other.redirects.iter().filter(|to| to.operator.starts_with('>'));
        let teed = other.arguments_of("tee").unwrap_or_default().iter();
        redirected.map(|to| to.to.text()).chain(teed.map(Word::text))
    });
    download.files.iter().map(String::as_str).chain(written).map(str::to_owned).collect()
}

fn is_in_path(file: &str) -> bool {
    ["/bin/", "/sbin/"].iter().any(|folder| file.contains(folder)) || file.ends_with("/bin")
}

/// Whether a command runs or unpacks one of the files.
fn uses_any(command: &Command, files: &[String]) -> bool {
    let is_meant = |text: &str| {
        files.iter().any(|file| {
            let is_same = text == file || base_name(text) == base_name(file);
            is_same && !is_data(file)
        })
    };
    let Some((program, arguments)) = command.program() else { return false };
    let first = command.words.first().map(Word::text).unwrap_or_default();
    if first.contains('/') && is_meant(first) {
        return true;
    }
    let is_installing = Operation::of(command)
        .is_some_and(|operation| operation.installed().any(|word| is_meant(word.text())));
    let is_using = UNPACKERS.contains(&program) || RUNNERS.contains(&program) || command.is_shell();
    let is_archive = |text: &str| {
        // Any archive that `tar` is given: names differ by patterns.
        text.contains('*') && files.iter().any(|file| fits(text, file))
    };
    let is_moved =
        matches!(program, "mv" | "cp") && arguments.last().is_some_and(|to| is_in_path(to.text()));
    is_installing
        || ((is_using || is_moved)
            && arguments.iter().any(|word| is_meant(word.text()) || is_archive(word.text())))
}

/// Whether a name fits a pattern with one `*`.
fn fits(pattern: &str, name: &str) -> bool {
    let (start, end) = pattern.split_once('*').unwrap_or((pattern, ""));
    let (start, name) = (base_name(start), base_name(name));
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
