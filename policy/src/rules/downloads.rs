//! What the rules about downloads have in common: which command fetches what, and where it goes.

use super::options::{Options, Valued};
use crate::dockerfile::{Command, Word};

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

/// Whether a value switches something off.
pub(super) fn is_off(value: &str) -> bool {
    let value = value.trim_matches(['"', '\'', ' ']);
    ["false", "no", "off", "0", "never"].iter().any(|off| value.eq_ignore_ascii_case(off))
}

/// The name that a download has where none is given.
fn file_of(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    path.rsplit('/').next().unwrap_or(path).to_owned()
}

/// Whether a command compares what there is with a digest or a signature.
pub(super) fn is_verifying(command: &Command) -> bool {
    let Some((program, arguments)) = command.program() else { return false };
    let has = |words: &[&str]| arguments.iter().any(|word| words.contains(&word.text()));
    let first = arguments.first().map(Word::text);
    match program {
        "sha1sum" | "sha224sum" | "sha256sum" | "sha384sum" | "sha512sum" | "shasum" | "b2sum"
        | "b3sum" | "md5sum" | "rhash" | "minisign" | "signify" | "slsa-verifier" | "gpgv"
        | "sqv" | "rekor-cli" => true,
        "gpg" | "gpg2" => has(&["--verify", "--decrypt", "-d"]),
        "openssl" => matches!(first, Some("dgst" | "cms" | "smime" | "sha256" | "sha512")),
        "cosign" => first.is_some_and(|first| first.starts_with("verify")),
        "gh" => has(&["attestation"]) && has(&["verify"]),
        "jarsigner" => has(&["-verify"]),
        "sq" => has(&["verify"]),
        "sigstore" => has(&["verify"]) || has(&["identity"]),
        "rpm" | "rpmkeys" => has(&["-K", "--checksig"]),
        _ => false,
    }
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
    let is_plain = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("ftp");
    is_plain && url.contains("://") && !is_local(url)
}
