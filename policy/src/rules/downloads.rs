//! What the rules about downloads have in common: which command fetches what, and where it goes.

use super::{
    commands::Placed,
    options::{Options, Valued},
};
use crate::dockerfile::{Command, Script, Word};

/// What a command fetches from elsewhere.
#[derive(Debug)]
pub(super) struct Download<'c> {
    /// `curl`, `wget`, ….
    pub(super) program: &'c str,
    /// What it is given.
    pub(super) options: Options<'c>,
    /// What is fetched, as far as it is known.
    pub(super) urls: Vec<&'c str>,
    /// The files that it goes to; none where it goes to the output.
    pub(super) files: Vec<String>,
}

const CURL: Valued = Valued {
    letters: "AbcCdDeEFHKmoPQrTuUwxXyYzt",
    names: &[
        "--output",
        "--output-dir",
        "--header",
        "--user",
        "--user-agent",
        "--retry",
        "--retry-delay",
        "--retry-max-time",
        "--connect-timeout",
        "--max-time",
        "--max-redirs",
        "--max-filesize",
        "--proxy",
        "--proxy-user",
        "--data",
        "--data-raw",
        "--data-binary",
        "--data-urlencode",
        "--json",
        "--form",
        "--request",
        "--cacert",
        "--capath",
        "--cert",
        "--key",
        "--write-out",
        "--proto",
        "--proto-redir",
        "--proto-default",
        "--tls-max",
        "--ciphers",
        "--resolve",
        "--connect-to",
        "--range",
        "--referer",
        "--cookie",
        "--cookie-jar",
        "--limit-rate",
        "--speed-limit",
        "--speed-time",
        "--config",
        "--netrc-file",
        "--interface",
        "--unix-socket",
        "--upload-file",
        "--url",
        "--pinnedpubkey",
        "--parallel-max",
        "--dump-header",
        "--keepalive-time",
        "--cert-type",
        "--key-type",
        "--pass",
        "--oauth2-bearer",
        "--aws-sigv4",
        "--dns-servers",
        "--doh-url",
        "--etag-compare",
        "--etag-save",
        "--expect100-timeout",
        "--form-string",
        "--ftp-port",
        "--happy-eyeballs-timeout-ms",
        "--local-port",
        "--noproxy",
        "--preproxy",
        "--proxy-header",
        "--proxy-cacert",
        "--quote",
        "--rate",
        "--socks5",
        "--socks5-hostname",
        "--stderr",
        "--time-cond",
        "--tls13-ciphers",
        "--trace",
        "--trace-ascii",
        "--url-query",
    ],
};
const WGET: Valued = Valued {
    letters: "OPTtUeaoiQwlADRIXB",
    names: &[
        "--output-document",
        "--directory-prefix",
        "--output-file",
        "--append-output",
        "--header",
        "--timeout",
        "--connect-timeout",
        "--read-timeout",
        "--dns-timeout",
        "--tries",
        "--wait",
        "--waitretry",
        "--retry-on-http-error",
        "--user-agent",
        "--referer",
        "--execute",
        "--post-data",
        "--post-file",
        "--ca-certificate",
        "--user",
        "--password",
        "--secure-protocol",
        "--progress",
        "--input-file",
        "--accept",
        "--accept-regex",
        "--base",
        "--body-data",
        "--ca-directory",
        "--certificate",
        "--cut-dirs",
        "--default-page",
        "--domains",
        "--exclude-directories",
        "--exclude-domains",
        "--ftp-password",
        "--ftp-user",
        "--http-password",
        "--http-user",
        "--include-directories",
        "--level",
        "--limit-rate",
        "--load-cookies",
        "--max-redirect",
        "--method",
        "--private-key",
        "--quota",
        "--reject",
        "--reject-regex",
        "--save-cookies",
    ],
};
const OTHER: Valued = Valued {
    letters: "odxs",
    names: &["--out", "--dir", "--output", "--max-connection-per-server", "--split"],
};

impl<'c> Download<'c> {
    /// What a command fetches, if it is one that does.
    pub(super) fn of(command: &'c Command) -> Option<Self> {
        let (program, arguments) = command.program()?;
        let (program, arguments) = match arguments.split_first() {
            Some((first, rest)) if program == "busybox" && first.text() == "wget" => ("wget", rest),
            _ => (program, arguments),
        };
        let options = match program {
            "curl" => Options::of(arguments, CURL),
            "wget" | "wget2" => Options::of(arguments, WGET),
            "aria2c" | "axel" | "fetch" | "lwp-download" | "http" | "https" | "xh" => {
                Options::of(arguments, OTHER)
            }
            _ => return None,
        };
        let operands = options.operands.iter().map(|word| word.text());
        let urls: Vec<&'c str> = operands.collect();
        let named = arguments.iter().zip(arguments.iter().skip(1));
        let named = named.filter(|(option, _)| option.text() == "--url");
        let urls: Vec<&'c str> = urls.into_iter().chain(named.map(|(_, url)| url.text())).collect();
        let redirected =
            command.redirects.iter().filter(|to| matches!(to.operator, ">" | ">>" | ">|" | "&>"));
        let mut files: Vec<String> = redirected.map(|to| to.to.text().to_owned()).collect();
        let (outputs, to_output): (&[&str], &[&str]) = match program {
            "curl" => (&["-o", "--output"], &["-"]),
            "wget" | "wget2" => (&["-O", "--output-document"], &["-", "/dev/stdout"]),
            _ => (&["-o", "--out", "--output"], &["-"]),
        };
        let given: Vec<&str> = options.values(outputs).collect();
        let is_file = |name: &&&str| !to_output.contains(*name);
        files.extend(given.iter().filter(is_file).map(|name| (*name).to_owned()));
        let is_named_by_url = match program {
            "curl" => options.has(&["-O", "--remote-name", "--remote-name-all"]),
            _ => {
                given.is_empty() && command.redirects.iter().all(|to| !to.operator.starts_with('>'))
            }
        };
        if is_named_by_url {
            files.extend(urls.iter().map(|url| file_of(url)).filter(|name| !name.is_empty()));
        }
        Some(Self { program, options, urls, files })
    }

    /// What it fetches without TLS from another machine. An address without a scheme is one of HTTP for curl and wget.
    pub(super) fn plain(&self) -> Option<&'c str> {
        let guesses = match self.program {
            "curl" => {
                let mut given = self.options.values(&["--proto-default", "--proto"]);
                !given.any(|protocols| protocols.trim_start_matches('=') == "https")
            }
            "wget" | "wget2" => true,
            _ => false,
        };
        let is_it = |url: &&&str| is_plain(url) || (guesses && is_without_scheme(url));
        self.urls.iter().find(is_it).copied()
    }

    /// Whether it only asks the machine itself. A name that is said to be elsewhere may be any machine.
    pub(super) fn is_only_local(&self) -> bool {
        !self.urls.is_empty()
            && self.urls.iter().all(|url| is_local(url))
            && !self.options.has(&["--resolve", "--connect-to"])
    }

    /// Whether it takes any certificate.
    pub(super) fn is_unchecked(&self) -> bool {
        match self.program {
            "curl" => self.options.has(&["-k", "--insecure", "--proxy-insecure", "--doh-insecure"]),
            "wget" | "wget2" => {
                self.options.has_abbreviated("--no-check-certificate", "--no-ch")
                    || self.options.values(&["--check-certificate"]).any(is_off)
            }
            _ => {
                self.options.values(&["--check-certificate", "--verify"]).any(is_off)
                    || self.options.has(&["--insecure"])
            }
        }
    }
}

/// Whether a value switches something off, as programs that install and fetch read it.
pub(super) fn is_off(value: &str) -> bool {
    let value = value.trim_matches(['"', '\'', ' ']);
    let words = ["false", "no", "off", "0", "never", "without", "disable"];
    words.iter().any(|off| value.eq_ignore_ascii_case(off))
}

/// Whether a value switches something on, as apt and dnf read it.
pub(super) fn is_on(value: &str) -> bool {
    let value = value.trim_matches(['"', '\'', ' ']);
    let words = ["true", "yes", "on", "with", "enable"];
    words.iter().any(|on| value.eq_ignore_ascii_case(on))
        || value.parse::<i64>().is_ok_and(|number| number != 0)
}

/// The name that a download has where none is given.
fn file_of(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    path.rsplit('/').next().unwrap_or(path).to_owned()
}

/// Programs that compare a text with what is expected.
const COMPARING: [&str; 9] = ["test", "[", "[[", "grep", "egrep", "fgrep", "cmp", "diff", "comm"];

/// Whether a step compares what there is with a digest or a signature, and stops where they differ.
pub(super) fn is_verified(placed: Placed<'_>) -> bool {
    let script = placed.script();
    let mut commands = script.commands.iter().enumerate();
    commands.any(|command| verifies(script, command)) && !is_given_up(placed)
}

fn verifies(script: &Script, (number, command): (usize, &Command)) -> bool {
    let Some((program, arguments)) = command.program() else { return false };
    let has = |words: &[&str]| arguments.iter().any(|word| words.contains(&word.text()));
    let has_letter = |letter: char| {
        let clusters = arguments.iter().filter_map(|word| word.text().strip_prefix('-'));
        clusters.filter(|cluster| !cluster.starts_with('-')).any(|cluster| cluster.contains(letter))
    };
    let first = arguments.first().map(Word::text);
    match program {
        // Without the option they only print.
        "sha1sum" | "sha224sum" | "sha256sum" | "sha384sum" | "sha512sum" | "shasum" | "b2sum"
        | "b3sum" | "md5sum" | "rhash" => {
            has_letter('c') || has(&["--check"]) || is_compared(script, number)
        }
        "openssl" => {
            let is_sum = matches!(first, Some("dgst" | "cms" | "smime" | "sha256" | "sha512"));
            is_sum && (has(&["-verify", "-prverify"]) || is_compared(script, number))
        }
        "minisign" | "signify" => has_letter('V') || has_letter('C'),
        "slsa-verifier" | "gpgv" | "sqv" | "rekor-cli" => true,
        "gpg" | "gpg2" => has(&["--verify", "--decrypt", "-d"]),
        "cosign" => first.is_some_and(|first| first.starts_with("verify")),
        "gh" => has(&["attestation"]) && has(&["verify"]),
        "jarsigner" => has(&["-verify"]),
        "sq" => has(&["verify"]),
        "sigstore" => has(&["verify"]) || has(&["identity"]),
        "rpm" | "rpmkeys" => has(&["-K", "--checksig"]),
        _ => false,
    }
}

/// Whether what a command prints is compared with something: in `test "$(…)" = …`, behind a pipe, by the variable or in the
/// file that it goes to.
fn is_compared(script: &Script, number: usize) -> bool {
    let is_comparing = |command: &Command| {
        command.program().is_some_and(|(program, _)| COMPARING.contains(&program))
    };
    let names = |text: &str| {
        let mut comparing = script.commands.iter().filter(|command| is_comparing(command));
        comparing.any(|command| command.words.iter().any(|word| word.written.contains(text)))
    };
    let (mut at, mut is_inner) = (Some(number), false);
    while let Some((number, command)) = at.and_then(|at| Some((at, script.commands.get(at)?))) {
        let mut assigned =
            command.assignments.iter().map(|(name, _)| name.as_str()).chain(
                command.words.iter().filter_map(|word| Some(word.written.split_once('=')?.0)),
            );
        let is_named = |name: &str| {
            !name.is_empty() && (names(&format!("${name}")) || names(&format!("${{{name}")))
        };
        let mut files = command.redirects.iter().filter(|to| to.operator.starts_with('>'));
        if (is_inner && is_comparing(command))
            || script.readers(number).any(is_comparing)
            || (is_inner && assigned.any(is_named))
            || files.any(|to| !to.to.written.starts_with("/dev/") && names(&to.to.written))
        {
            return true;
        }
        // What is inside of another one stands behind it.
        at = command.within.filter(|outer| *outer < number);
        is_inner = true;
    }
    false
}

/// Whether a step goes on where a digest is another one: `sha256sum -c sums || true`.
fn is_given_up(placed: Placed<'_>) -> bool {
    let instruction = &placed.step.instruction;
    let heredocs = instruction.heredocs.iter().map(|heredoc| heredoc.content.as_str());
    let parts = heredocs
        .chain([instruction.text.as_str()])
        .flat_map(|text| text.split(['\n', ';']).flat_map(|line| line.split("&&")));
    let is_passing = |end: &str| {
        let words: Vec<_> = end.trim_matches([' ', '\t', '(', ')', '{', '}']).split(' ').collect();
        matches!(words.as_slice(), ["true" | ":" | "/bin/true"] | ["exit", "0"])
    };
    let mut given_up = parts.filter_map(|part| part.rsplit_once("||"));
    given_up.any(|(check, end)| check.contains("sum ") && is_passing(end))
}

/// The host of an address with a scheme, without user and port.
pub(super) fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let authority = authority.rsplit('@').next()?;
    if let Some(address) = authority.strip_prefix('[') {
        return address.split(']').next();
    }
    authority.split(':').next()
}

/// Whether an address leads to the machine itself.
pub(super) fn is_local(url: &str) -> bool {
    matches!(
        host(url),
        Some("localhost" | "127.0.0.1" | "0.0.0.0" | "::1" | "host.docker.internal")
    )
}

/// Whether a text is an address that is fetched without TLS, from another machine.
pub(super) fn is_plain(url: &str) -> bool {
    let scheme = url.split("://").next().unwrap_or_default();
    let plain = ["http", "ftp", "git", "svn", "git+http", "git+git", "svn+http"];
    let is_plain = plain.iter().any(|plain| scheme.eq_ignore_ascii_case(plain));
    is_plain && url.contains("://") && !is_local(url)
}

/// Whether a text is the address of another machine without a scheme: `get.example.com/app`.
fn is_without_scheme(url: &str) -> bool {
    let authority = url.split(['/', '?', '#']).next().unwrap_or_default();
    let name = authority.rsplit('@').next().unwrap_or_default();
    let name = name.split(':').next().unwrap_or_default();
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    !url.contains("://")
        && name.trim_end_matches('.').contains('.')
        && is_name
        && !name.starts_with(['.', '-'])
        && !is_local(&format!("http://{url}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dockerfile::Build, facts::Dockerfile, rules::testing::Case};

    /// What `look` says of a script.
    fn of<T>(run: &str, look: impl Fn(Placed<'_>) -> T) -> T {
        let text = format!("FROM a\nRUN {run}");
        let file = Dockerfile { path: "Dockerfile".into(), text };
        let build = Case::default().with_facts(|facts| Build::of(&file, facts));
        let stage = &build.stages[0];
        look(Placed { build: &build, stage, step: &stage.steps[0] })
    }

    #[test]
    fn digests_that_are_compared_verify_and_printed_ones_do_not() {
        for good in [
            "echo 'ab  y' | sha256sum -c -",
            "sha512sum --check y.sum",
            "shasum -a 256 -sc y.sum",
            "test \"$(sha256sum y | cut -d' ' -f1)\" = ab",
            "[ $(md5sum y) = ab ]",
            "S=$(sha256sum y | awk '{print $1}'); [ \"$S\" = ab ]",
            "export S=\"$(sha256sum y)\" && test ab = \"${S%% *}\"",
            "sha256sum y | grep -q ab",
            "echo \"$(sha256sum y)\" | grep ab",
            "sha256sum y > sums && diff sums expected",
            "openssl dgst -sha256 -verify k -signature s y",
            "openssl sha256 y | grep ab",
            "sha256sum -c y.sum || { echo wrong; exit 1; }",
            "sha256sum -c y.sum || exit 1; true || true",
            "gpg --batch --verify y.asc y",
            "minisign -Vm y",
        ] {
            assert!(of(good, is_verified), "{good}");
        }
        for bad in [
            "sha256sum y",
            "sha256sum --version",
            "sha256sum y | cut -d' ' -f1",
            "sha256sum y > y.sum",
            "S=$(sha256sum y); echo $S",
            "S=$(sha256sum y); [ \"$T\" = ab ]",
            "[ -f y ] && sha256sum y",
            "openssl dgst -sha256 y",
            "openssl rand 5",
            "minisign -Sm y",
            "sha256sum -c y.sum || true",
            "sha256sum -c y.sum || (exit 0)",
            "echo sha256sum -c y",
        ] {
            assert!(!of(bad, is_verified), "{bad}");
        }
    }

    #[test]
    fn addresses_without_tls_are_told_with_and_without_a_scheme() {
        let plain = |run: &str| {
            of(run, |placed| {
                let command = placed.commands().next()?;
                Download::of(command)?.plain().map(str::to_owned)
            })
        };
        for (run, expect) in [
            ("curl -fsSL get.e.org/x -o /x", Some("get.e.org/x")),
            ("wget e.org:8080/x", Some("e.org:8080/x")),
            ("curl 10.0.0.1/x", Some("10.0.0.1/x")),
            ("curl https://e.org/x", None),
            ("curl --proto-default https e.org/x", None),
            ("curl --proto '=https' e.org/x", None),
            ("curl 127.0.0.1:80/x localhost.:80", None),
            ("curl app/health $H/x ${H}.org/x - ./x", None),
            ("curl -o x.tgz --cacert ca.pem https://e.org/x", None),
            ("wget -A x.deb --reject y.html https://e.org/", None),
        ] {
            assert_eq!(plain(run).as_deref(), expect, "{run}");
        }
        for (url, expect) in [
            ("git://e.org/x", true),
            ("git+http://e.org/x", true),
            ("GIT://e.org", true),
            ("git+https://e.org/x", false),
            ("ssh://e.org", false),
            ("http://localhost/", false),
        ] {
            assert_eq!(is_plain(url), expect, "{url}");
        }
        for (value, off, on) in [
            ("disable", true, false),
            ("Without", true, false),
            ("\"no\"", true, false),
            ("with", false, true),
            ("ENABLE", false, true),
            ("1", false, true),
            ("0", true, false),
            ("maybe", false, false),
            ("", false, false),
        ] {
            assert_eq!((is_off(value), is_on(value)), (off, on), "{value}");
        }
    }

    #[test]
    fn a_name_that_is_said_to_be_elsewhere_is_not_the_machine_itself() {
        let local = |run: &str| {
            of(run, |placed| {
                Download::of(placed.commands().next().unwrap()).unwrap().is_only_local()
            })
        };
        assert!(local("curl https://localhost/ http://127.0.0.1"));
        assert!(!local("curl https://localhost/ --resolve localhost:443:6.6.6.6"));
        assert!(!local("curl --connect-to ::e.org: https://localhost/"));
        assert!(!local("curl https://localhost.evil.example/"));
    }
}
