//! Programs that run the program that follows them, and what stands between.

use super::{Word, lexer};

/// A program that runs another one.
#[derive(Debug)]
pub(super) struct Starter {
    name: &'static str,
    /// Letters of options that take a value.
    letters: &'static str,
    /// Long options that take a value, with their dashes.
    names: &'static [&'static str],
    others: Others,
}

/// The words, other than options, that belong to the starter itself.
#[derive(Debug, Clone, Copy)]
enum Others {
    None,
    One,
    /// One, where it is a number.
    Number,
}

const fn starter(name: &'static str, letters: &'static str, names: &'static [&str]) -> Starter {
    Starter { name, letters, names, others: Others::None }
}

/// One that takes a word of its own first.
const fn after_one(name: &'static str, letters: &'static str, names: &'static [&str]) -> Starter {
    Starter { name, letters, names, others: Others::One }
}

/// In the order of their names.
const STARTERS: [Starter; 56] = [
    starter("builtin", "", &[]),
    starter("busybox", "", &[]),
    starter("catatonit", "", &[]),
    starter("ccache", "", &[]),
    starter("chpst", "uUenlLmdopfcrtb/", &[]),
    after_one("chroot", "", &["--userspec", "--groups"]),
    after_one("chrt", "TPD", &["--sched-runtime", "--sched-period", "--sched-deadline"]),
    starter("command", "", &[]),
    starter("coproc", "", &[]),
    starter("dbus-run-session", "", &["--config-file", "--dbus-daemon"]),
    starter("doas", "uC", &[]),
    starter("docker-init", "pe", &[]),
    starter("dumb-init", "r", &["--rewrite"]),
    starter("eatmydata", "", &[]),
    starter("env", "uCSa", &["--unset", "--chdir", "--split-string", "--argv0"]),
    starter("exec", "a", &[]),
    starter("fakechroot", "secdb", &[]),
    starter("fakeroot", "lsib", &["--lib", "--faked"]),
    after_one("flock", "wEc", &["--timeout", "--wait", "--conflict-exit-code", "--command"]),
    after_one("gosu", "", &[]),
    starter("i386", "", &[]),
    starter("ionice", "cnpPu", &["--class", "--classdata"]),
    starter("linux32", "", &[]),
    starter("linux64", "", &[]),
    starter("ltrace", "oepnslauADFSxwX", &["--output"]),
    starter("nice", "n", &["--adjustment"]),
    starter("nohup", "", &[]),
    starter("nsenter", "tSGW", &["--target", "--setuid", "--setgid", "--wdns"]),
    starter(
        "parallel",
        "jLnNSIdaCEsPX",
        &["--jobs", "--delay", "--retries", "--timeout", "--colsep"],
    ),
    starter("pkexec", "", &["--user"]),
    starter("proxychains", "f", &[]),
    starter("proxychains4", "f", &[]),
    Starter {
        name: "retry",
        letters: "tdmn",
        names: &["--times", "--delay"],
        others: Others::Number,
    },
    starter("runuser", "ugGwsc", &["--user", "--group", "--supp-group", "--shell", "--command"]),
    after_one("s6-setuidgid", "", &[]),
    after_one("setarch", "", &[]),
    starter(
        "setpriv",
        "",
        &[
            "--reuid",
            "--regid",
            "--ruid",
            "--rgid",
            "--euid",
            "--egid",
            "--groups",
            "--inh-caps",
            "--ambient-caps",
            "--bounding-set",
            "--securebits",
            "--pdeathsig",
            "--selinux-label",
            "--apparmor-profile",
        ],
    ),
    starter("setsid", "", &[]),
    after_one("setuidgid", "", &[]),
    starter("stdbuf", "ioe", &["--input", "--output", "--error"]),
    starter("strace", "oepsEuabIOSXP", &["--output", "--trace"]),
    after_one("su-exec", "", &[]),
    starter(
        "sudo",
        "ughpCrtUDRT",
        &[
            "--user",
            "--group",
            "--host",
            "--prompt",
            "--close-from",
            "--role",
            "--type",
            "--other-user",
            "--chdir",
            "--chroot",
            "--command-timeout",
        ],
    ),
    after_one("taskset", "", &[]),
    starter("time", "fo", &["--format", "--output"]),
    after_one("timeout", "ks", &["--signal", "--kill-after"]),
    starter("tini", "pe", &[]),
    starter("torsocks", "uap", &["--user", "--pass", "--address", "--port"]),
    starter("toybox", "", &[]),
    starter("unbuffer", "", &[]),
    starter(
        "unshare",
        "SGRw",
        &["--setuid", "--setgid", "--root", "--wd", "--map-user", "--map-group"],
    ),
    starter("watch", "n", &["--interval"]),
    starter("with-contenv", "", &[]),
    starter("x86_64", "", &[]),
    starter(
        "xargs",
        "InPLdaEs",
        &["--max-args", "--max-procs", "--max-lines", "--delimiter", "--arg-file", "--max-chars"],
    ),
    starter(
        "xvfb-run",
        "aefnpsw",
        &["--auth-file", "--error-file", "--server-num", "--server-args", "--wait"],
    ),
];

/// The starter of this name, as which its arguments make it run: `runuser` starts a program only where it is told the user by option.
pub(super) fn named(name: &str, arguments: &[Word]) -> Option<&'static Starter> {
    let is_user = |word: &Word| {
        let text = word.text();
        text.starts_with("--user") || (text.starts_with("-u") && !text.starts_with("--"))
    };
    let found = STARTERS.binary_search_by_key(&name, |starter| starter.name).ok()?;
    STARTERS.get(found).filter(|_| name != "runuser" || arguments.iter().any(is_user))
}

impl Starter {
    /// What is started: past options, their values, assignments, and the words that belong to the starter.
    pub(super) fn started<'w>(&self, mut words: &'w [Word]) -> &'w [Word] {
        let mut others = self.others;
        let mut has_options = true;
        while let Some((first, rest)) = words.split_first() {
            let text = first.text();
            words = match others {
                _ if has_options && text == "--" => {
                    has_options = false;
                    rest
                }
                _ if has_options && self.takes_next(text) => rest.get(1..).unwrap_or_default(),
                _ if has_options && text.starts_with('-') && text.len() > 1 => rest,
                _ if lexer::assignment(text).is_some() => rest,
                Others::One => {
                    others = Others::None;
                    rest
                }
                Others::Number if text.parse::<f64>().is_ok() => {
                    others = Others::None;
                    rest
                }
                Others::None | Others::Number => break,
            };
        }
        words
    }

    /// Whether an option takes the word that follows: by its name, or by the last letter of a cluster.
    fn takes_next(&self, option: &str) -> bool {
        if option.starts_with("--") {
            return self.names.contains(&option);
        }
        let Some(cluster) = option.strip_prefix('-') else { return false };
        cluster.find(|letter| self.letters.contains(letter)).is_some_and(|at| {
            let joined = cluster.get(at..).map_or(0, |rest| rest.chars().count());
            joined == 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order() {
        assert!(STARTERS.is_sorted_by(|left, right| left.name < right.name));
    }
}
