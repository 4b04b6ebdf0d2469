//! DF-066: certificates are checked.

use super::{
    About, Raised, Rule, RuleContext,
    commands::{self, Placed},
    downloads::{Download, is_local, is_off},
    inputs,
    options::{Options, Valued},
    packages::{Manager, Operation},
    texts,
};
use crate::{
    decide::Action,
    dockerfile::{Command, Word},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-066",
    name: "df_066_tls_unchecked",
    title: "certificates are checked",
    severity: Severity::High,
    action: Action::Deny,
    why: "Without the check, TLS protects from nobody: whoever sits between may answer in the name of any server.",
    mend: "take the option or the variable away; for a server of your own, add its certificate authority to the image",
    bad: "FROM debian:12\nRUN curl -k -o app https://example.com/app",
    good: "FROM debian:12\nRUN curl -o app https://example.com/app",
    equivalents: &[
        "CKV2_DOCKER_2",
        "CKV2_DOCKER_3",
        "CKV2_DOCKER_4",
        "CKV2_DOCKER_5",
        "CKV2_DOCKER_6",
        "CKV2_DOCKER_12",
        "CKV2_DOCKER_13",
        "CKV2_DOCKER_14",
        "CKV2_DOCKER_15",
        "CKV2_DOCKER_16",
    ],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "certificates that are checked";
const TITLE: &str = "certificates are not checked";
const UNTOLD: &str = "it can not be told whether certificates are checked";
const ABOUT: commands::Untold = commands::Untold {
    title: UNTOLD,
    expected: EXPECTED,
    names: &[
        "curl",
        "wget",
        "verify=False",
        "verify = False",
        "CERT_NONE",
        "_unverified_context",
        "VERIFY_NONE",
        "rejectUnauthorized",
        "SSL_VERIFY",
        "trusted-host",
        "insecure",
    ],
};
/// A variable, and when it switches the check off.
const VARIABLES: [(&str, Switch); 17] = [
    ("NODE_TLS_REJECT_UNAUTHORIZED", Switch::No),
    ("PYTHONHTTPSVERIFY", Switch::No),
    ("NPM_CONFIG_STRICT_SSL", Switch::No),
    ("YARN_STRICT_SSL", Switch::No),
    ("YARN_ENABLE_STRICT_SSL", Switch::No),
    ("GIT_SSL_NO_VERIFY", Switch::Yes),
    ("PIP_TRUSTED_HOST", Switch::Yes),
    ("UV_INSECURE_HOST", Switch::Yes),
    ("GOINSECURE", Switch::Yes),
    ("CURL_INSECURE", Switch::Yes),
    ("CONDA_SSL_VERIFY", Switch::No),
    ("CARGO_HTTP_CHECK_REVOKE", Switch::No),
    ("HEX_UNSAFE_HTTPS", Switch::Yes),
    ("BUNDLE_SSL_VERIFY_MODE", Switch::No),
    ("PERL_LWP_SSL_VERIFY_HOSTNAME", Switch::No),
    ("AWS_NO_VERIFY_SSL", Switch::Yes),
    ("REQUESTS_CA_BUNDLE", Switch::Nothing),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Switch {
    /// By any value that does not say no.
    Yes,
    /// By a value that says no.
    No,
    /// By an empty value.
    Nothing,
}

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    commands::of_reachable(context, ABOUT, |placed| of_step(context, placed))
}

fn of_step(context: &RuleContext<'_>, placed: Placed<'_>) -> Vec<Raised> {
    match placed.step.keyword() {
        "ENV" | "ARG" => of_variables(context, placed),
        "RUN" | "CMD" | "ENTRYPOINT" => {
            let complaints = placed.commands().flat_map(|command| {
                let found = complaints(command).into_iter();
                found.map(move |found| placed.fail_at(context, command, (TITLE, EXPECTED), found))
            });
            let hidden = placed.commands().filter_map(|command| {
                let found = hides_options(command)?;
                Some(context.unknown(
                    inputs::place(placed.build, command.at),
                    UNTOLD,
                    found,
                    EXPECTED,
                ))
            });
            let windows = commands::windows_text(placed).and_then(windows);
            let windows = windows.map(|found| placed.fail(context, (TITLE, EXPECTED), found));
            complaints.chain(hidden).chain(lines(context, placed)).chain(windows).collect()
        }
        "COPY" => lines(context, placed).collect(),
        // Of a health check, DF-033 speaks: it mostly asks the machine itself.
        _ => Vec::new(),
    }
}

/// What the lines of here-documents say, which are written to files.
fn lines(context: &RuleContext<'_>, placed: Placed<'_>) -> impl Iterator<Item = Raised> {
    texts::lines(placed).filter_map(move |(at, line)| {
        let found = setting(line)?;
        Some(placed.fail_on(context, at, (TITLE, EXPECTED), format!("`{found}`")))
    })
}

/// A variable beside an address that is known, which may hold any option of a downloader.
fn hides_options(command: &Command) -> Option<String> {
    let download = Download::of(command)?;
    let is_known = download.urls.iter().any(|url| url.contains("://"));
    let is_hidden = |word: &&Word| {
        word.value.known().is_none()
            && word.written.starts_with('$')
            && !word.written.starts_with("$(")
    };
    let mut operands = download.options.operands.iter().copied();
    let hidden = operands.find(is_hidden).filter(|_| is_known)?;
    Some(format!("`{} {}`, which may be any option", download.program, hidden.written))
}

fn of_variables(context: &RuleContext<'_>, placed: Placed<'_>) -> Vec<Raised> {
    let judge = |argument: &crate::dockerfile::Argument| {
        let name = argument.name.as_deref()?;
        let switch = switch(name)?;
        let written = argument.written.as_deref()?;
        let place = inputs::place(placed.build, argument.at);
        let found = format!("`{name}={written}`");
        match argument.known() {
            Some(value) if is_switched(switch, value) => {
                Some(context.fail(place, TITLE, found, EXPECTED))
            }
            Some(_) => None,
            None => Some(context.unknown(place, UNTOLD, found, EXPECTED)),
        }
    };
    placed.step.arguments.iter().filter_map(judge).collect()
}

fn switch(name: &str) -> Option<Switch> {
    VARIABLES.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, switch)| *switch)
}

fn is_switched(switch: Switch, value: &str) -> bool {
    match switch {
        Switch::Yes => !value.is_empty() && !is_off(value),
        Switch::No => is_off(value) || value == "none",
        Switch::Nothing => value.is_empty(),
    }
}

/// What a command says against the check.
fn complaints(command: &Command) -> Vec<String> {
    let mut all = Vec::new();
    let shown = |name: &str, word: &Word| format!("`{name}={}`", word.text());
    let is_set = |name: &str, word: &Word| {
        word.value.known().is_some_and(|value| switch(name).is_some_and(|s| is_switched(s, value)))
    };
    let assigned = command.assignments.iter().filter(|(name, word)| is_set(name, word));
    all.extend(assigned.map(|(name, word)| shown(name, word)));
    let Some((program, arguments)) = command.program() else { return all };
    // Also behind `env` and `export`.
    let pairs =
        command.words.iter().filter_map(|word| Some((word, word.value.known()?.split_once('=')?)));
    let pairs =
        pairs.filter(|(_, (name, value))| switch(name).is_some_and(|s| is_switched(s, value)));
    all.extend(pairs.map(|(word, _)| format!("`{}`", word.text())));
    if let Some(download) = Download::of(command)
        && download.is_unchecked()
        && !download.is_only_local()
    {
        all.push(format!("`{program}` that takes any certificate"));
    }
    all.extend(of_packages(command));
    all.extend(of_others(program, arguments));
    if commands::writes_to(command, |file| file.ends_with(".curlrc")) {
        let lines = commands::settings(command);
        let switching = lines.iter().filter(|line| is_of_curl(line));
        all.extend(switching.map(|line| format!("`{line}`")));
    }
    let lines = commands::settings(command);
    all.extend(lines.iter().filter_map(|line| setting(line)).map(|line| format!("`{line}`")));
    all
}

fn of_packages(command: &Command) -> Option<String> {
    let operation = Operation::of(command)?;
    let options = &operation.options;
    // `NAME=value`, as the value of an option.
    let has_setting = |names: &'static [&str], ends: &[&str]| {
        let settings = options.values(names).filter_map(|setting| setting.split_once('='));
        let mut off = settings.filter(|(_, value)| is_off(value));
        off.any(|(name, _)| ends.iter().any(|end| name.to_ascii_lowercase().ends_with(end)))
    };
    let found = match operation.manager {
        Manager::Pip => {
            let is_elsewhere = |host: &str| !is_local(&format!("https://{host}"));
            let is_named = command.words.iter().any(|word| word.text().ends_with("trusted-host"));
            let is_set = command.has_word("config") && command.has_word("set") && is_named;
            let is_given = options.values(&["--trusted-host"]).any(is_elsewhere);
            (is_set || is_given).then_some("trusted-host")
        }
        Manager::Npm | Manager::Yarn | Manager::Pnpm => {
            let is_key =
                |key: &str| matches!(key, "--strict-ssl" | "strict-ssl" | "enablestrictssl");
            let is_switched =
                switches_off(&command.words, is_key) || options.has(&["--no-strict-ssl"]);
            is_switched.then_some("strict-ssl=false")
        }
        Manager::Apt => {
            let ends = ["::verify-peer", "::verify-host"];
            has_setting(&["-o", "--option"], &ends).then_some("Verify-Peer=false")
        }
        Manager::Yum | Manager::Dnf => {
            has_setting(&["--setopt"], &["sslverify"]).then_some("sslverify=false")
        }
        Manager::Apk => {
            options.has(&["--no-check-certificate"]).then_some("--no-check-certificate")
        }
        Manager::Go => {
            let is_flag = |word: &Word| word.text().split(' ').any(|flag| flag == "-insecure");
            let mut flags = command.assignments.iter().filter(|(name, _)| name == "GOFLAGS");
            (command.has_word("-insecure") || flags.any(|(_, word)| is_flag(word)))
                .then_some("-insecure")
        }
        Manager::Zypper | Manager::Gem | Manager::Cargo => None,
    };
    found.map(|found| format!("`{found}`"))
}

/// Whether a key, in lower case, is set to a value that says no: `KEY value`, `KEY=value`, `-cKEY=value`.
fn switches_off(words: &[Word], is_key: impl Fn(&str) -> bool) -> bool {
    let is_meant = |key: &str| is_key(key.trim_start_matches("-c").to_ascii_lowercase().as_str());
    let mut pairs = words.iter().zip(words.iter().skip(1));
    pairs.any(|(key, value)| is_meant(key.text()) && is_off(value.text()))
        || words.iter().any(|word| {
            let pair = word.text().split_once('=');
            pair.is_some_and(|(key, value)| is_meant(key) && is_off(value))
        })
}

fn of_others(program: &str, arguments: &[Word]) -> Option<String> {
    let options = Options::of(arguments, Valued { letters: "", names: &[] });
    let has = |names: &[&'static str]| -> Option<&'static str> {
        names.iter().copied().find(|name| options.has(&[*name]))
    };
    let set = |name: &'static str, is_key: &dyn Fn(&str) -> bool| {
        switches_off(arguments, is_key).then_some(name)
    };
    let found = match program {
        "git" => {
            let is_key = |key: &str| key.starts_with("http.") && key.ends_with("sslverify");
            set("http.sslVerify=false", &is_key)
        }
        "yum-config-manager" | "dnf-config-manager" => {
            let mut settings = arguments.iter().filter_map(|word| word.text().rsplit_once('='));
            let is_off = settings.any(|(key, value)| {
                key.to_ascii_lowercase().ends_with("sslverify") && is_off(value)
            });
            is_off.then_some("sslverify=false")
        }
        "bundle" => set("ssl_verify_mode=0", &|key| key.ends_with("ssl_verify_mode")),
        "conda" | "mamba" => set("ssl_verify=false", &|key| key == "ssl_verify"),
        "composer" => {
            let mut pairs = arguments.iter().zip(arguments.iter().skip(1));
            let is_disabled =
                pairs.any(|(key, value)| (key.text(), value.text()) == ("disable-tls", "true"));
            let disabled = is_disabled.then_some("disable-tls=true");
            disabled.or_else(|| set("secure-http=false", &|key| key == "secure-http"))
        }
        "helm" | "kubectl" | "oc" | "argocd" => has(&["--insecure-skip-tls-verify", "--insecure"]),
        "svn" => has(&["--trust-server-cert"]),
        "crane" | "oras" | "cosign" => has(&["--insecure", "--allow-insecure-registry"]),
        "skopeo" | "podman" | "buildah" => {
            let is_key = |key: &str| key.ends_with("tls-verify");
            set("--tls-verify=false", &is_key)
        }
        "aws" => has(&["--no-verify-ssl"]),
        "uv" | "uvx" => has(&["--allow-insecure-host"]),
        _ => None,
    };
    found.map(|found| format!("`{found}`"))
}

/// Whether a line of a file of curl's says that any certificate does. Dashes may be left out of long names.
fn is_of_curl(line: &str) -> bool {
    let mut words = line.split([' ', '=', ':', '\t']);
    let first = words.next().unwrap_or_default();
    let is_short = first.starts_with('-') && !first.starts_with("--") && first.contains('k');
    is_short || matches!(first.trim_start_matches("--"), "insecure" | "proxy-insecure")
}

/// A line of a file of settings that switches the check off.
fn setting(line: &str) -> Option<&str> {
    let text = line.trim().trim_end_matches([';', '\\']);
    let text = text.trim_end_matches("\\n");
    let (name, value) = text.split_once(['=', ' '])?;
    let name = name.trim().trim_end_matches(':').to_ascii_lowercase();
    let value = value.trim_matches([' ', '=', '"', '\'']);
    let is_meant = match name.as_str() {
        "sslverify" | "strict-ssl" | "check_certificate" | "ssl_verify" | "check-certificate"
        | "strict_ssl" | "enablestrictssl" => is_off(value),
        "trusted-host" => !value.is_empty(),
        name if name.starts_with("acquire::")
            && (name.ends_with("verify-peer") || name.ends_with("verify-host")) =>
        {
            is_off(value)
        }
        _ => false,
    };
    is_meant.then_some(text)
}

/// PowerShell and `cmd`, looked through as text.
fn windows(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let words =
        || lower.split(|c: char| c.is_whitespace() || matches!(c, ';' | '(' | ')' | '|' | '&'));
    let is_meant = |word: &str| {
        matches!(
            word,
            "-skipcertificatecheck" | "--insecure" | "--no-check-certificate" | "--trusted-host"
        ) || word.contains("servercertificatevalidationcallback")
    };
    let is_curl = words().any(|word| matches!(word, "curl" | "curl.exe"));
    let is_short = |word: &str| is_curl && word == "-k";
    words().find(|word| is_meant(word) || is_short(word)).map(|word| format!("`{word}`"))
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
        assert_eq!(case(steps).places("DF-066"), [place], "{steps}");
        case(steps).check("DF-066", Expect::Fail);
        assert_eq!(case(steps).findings("DF-066")[0].action, Action::Deny);
    }

    #[test]
    fn commands_that_take_any_certificate_fail() {
        for bad in [
            "curl -k https://x/y",
            "curl --insecure https://x/y",
            "curl -fsSLk https://x/y",
            "curl -fkLo y https://x/y",
            "/usr/bin/curl https://x/y -k",
            "sudo curl -k https://x/y",
            "curl --proxy-insecure https://x/y",
            "wget --no-check-certificate https://x/y",
            "wget --no-check-cert https://x/y",
            "aria2c --check-certificate=false https://x/y",
            "sudo --user x curl -k https://x/y",
            "setsid curl -k https://x/y",
            "runuser -u app -- curl -k https://x/y",
            "pip install --trusted-host pypi.corp x",
            "pip3 install --trusted-host=pypi.corp x",
            "python3 -m pip install x --trusted-host pypi.corp",
            "pip config set global.trusted-host pypi.corp",
            "git -c http.sslVerify=false clone https://x/y",
            "git config --global http.sslVerify false",
            "git config --global http.https://x.sslverify 0",
            "GIT_SSL_NO_VERIFY=1 git clone https://x/y",
            "export GIT_SSL_NO_VERIFY=true",
            "env NODE_TLS_REJECT_UNAUTHORIZED=0 npm ci",
            "NODE_TLS_REJECT_UNAUTHORIZED='0' node x",
            "PYTHONHTTPSVERIFY=0 python3 x",
            "npm config set strict-ssl false",
            "npm config set strict-ssl=false",
            "npm install --strict-ssl=false",
            "npm install --no-strict-ssl",
            "yarn config set strict-ssl false",
            "yarn config set enableStrictSsl false",
            "yum install -y --setopt=sslverify=false x",
            "dnf --setopt=sslverify=0 install x",
            "yum-config-manager --save --setopt=corp.sslverify=0",
            "yum-config-manager --save --setopt corp.sslverify=false",
            "echo 'sslverify=false' >> /etc/yum.conf",
            "sed -i 's/sslverify=1/sslverify=0/' /etc/yum.conf",
            "echo 'strict-ssl=false' > ~/.npmrc",
            "apt-get -o Acquire::https::Verify-Peer=false update",
            "echo 'Acquire::https::Verify-Peer \"false\";' > /etc/apt/apt.conf.d/x",
            "echo check_certificate = off >> /root/.wgetrc",
            "helm repo add --insecure-skip-tls-verify x https://x",
            "composer config -g disable-tls true",
            "echo insecure >> ~/.curlrc",
            "echo -k > /root/.curlrc",
            "printf '%s\\n' insecure > /root/.curlrc",
            "GOFLAGS=-insecure go get x",
            "GOFLAGS='-mod=mod -insecure' go get x",
            "bundle config ssl_verify_mode 0",
            "bundle config set --global ssl_verify_mode 0",
            "curl -k https://localhost/ --resolve localhost:443:6.6.6.6",
        ] {
            fails(&format!("RUN {bad}"), (2, 5));
        }
    }

    #[test]
    fn commands_that_take_any_certificate_fail_wherever_they_stand() {
        for (bad, place) in [
            ("RUN O=-k; if false; then O=; fi; curl $O https://x/y", (2, 34)),
            ("RUN O=-k; (O=); curl $O https://x/y", (2, 17)),
            ("RUN O=-k; f(){ O=-s; }; curl $O https://x/y", (2, 25)),
            ("RUN find / -exec curl -k https://x/y \\;", (2, 5)),
            ("RUN eval curl -k https://x/y", (2, 10)),
            ("RUN env -S 'curl -k https://x/y'", (2, 12)),
            ("RUN trap 'curl -k https://x/y' EXIT", (2, 10)),
            ("RUN echo 'curl -k https://x/y' | sh", (2, 10)),
            ("RUN cat <<EOF | sh\n\ncurl -k https://x/y\nEOF", (4, 1)),
            ("COPY <<EOF /s.sh\n\ncurl -k https://x/y\nEOF\nRUN sh /s.sh", (4, 1)),
            ("ONBUILD RUN curl -k https://x/y", (2, 13)),
        ] {
            fails(bad, place);
        }
        fails("RUN true && \\\n  curl -k https://x/y", (3, 3));
        fails("RUN <<EOF\nset -e\nwget --no-check-certificate https://x/y\nEOF", (4, 1));
        fails("RUN sh -c 'curl -k https://x/y'", (2, 11));
        fails("RUN x=$(curl -k https://x/y)", (2, 9));
        fails("ENTRYPOINT [\"curl\", \"-k\", \"https://x/y\"]", (2, 12));
        fails("SHELL [\"pwsh\", \"-c\"]\nRUN iwr https://x/y -SkipCertificateCheck", (3, 1));
    }

    #[test]
    fn variables_and_files_that_switch_it_off_fail() {
        for bad in [
            "NODE_TLS_REJECT_UNAUTHORIZED=0",
            "NODE_TLS_REJECT_UNAUTHORIZED 0",
            "NODE_TLS_REJECT_UNAUTHORIZED=\"0\"",
            "PYTHONHTTPSVERIFY=0",
            "GIT_SSL_NO_VERIFY=true",
            "NPM_CONFIG_STRICT_SSL=false",
            "npm_config_strict_ssl=false",
            "PIP_TRUSTED_HOST=pypi.corp",
            "GOINSECURE=*",
        ] {
            fails(&format!("ENV {bad}"), (2, 5));
        }
        fails("ENV A=b \\\n  GIT_SSL_NO_VERIFY=1", (3, 3));
        fails("ARG GIT_SSL_NO_VERIFY=1", (2, 5));
        fails("COPY <<EOF /root/.npmrc\nstrict-ssl=false\nEOF", (3, 1));
        fails("RUN cat <<EOF > /etc/pip.conf\n[global]\ntrusted-host = pypi.corp\nEOF", (4, 1));
        let built = "FROM a AS b\nRUN curl -k https://x/y\nFROM c\nCOPY --from=b / /";
        Case::default().dockerfile(built).check("DF-066", Expect::Fail);
    }

    #[test]
    fn checked_certificates_pass() {
        for good in [
            "RUN curl -fsSL https://x/y -o k",
            "RUN curl -o -k https://x/y",
            "RUN curl -H -k https://x/y",
            "RUN curl -fsSL $URL -o y",
            "RUN curl -o $FILE https://x/y",
            "RUN O=-s; if c; then O=-f; fi; curl $O https://x/y",
            "RUN python3 -c 'print(1)'",
            "RUN curl -k https://localhost:8443/",
            "RUN echo insecure >> /etc/motd && echo retry = 3 >> ~/.curlrc",
            "RUN GOFLAGS=-mod=vendor go build && bundle config ssl_verify_mode 1",
            "RUN wget --no-clobber https://x/y",
            "RUN pip install x",
            "RUN git config --global http.sslVerify true",
            "RUN npm config set strict-ssl true",
            "RUN echo curl -k",
            "RUN apt-get install -y curl -k",
            "RUN grep -k x",
            "ENV NODE_TLS_REJECT_UNAUTHORIZED=1 GIT_SSL_NO_VERIFY=false PYTHONHTTPSVERIFY=1",
            "ENV GIT_SSL_NO_VERIFY=\"\"",
            "ARG GIT_SSL_NO_VERIFY",
            "HEALTHCHECK CMD curl -fk https://localhost/",
            "SHELL [\"powershell\", \"-Command\"]\nRUN iwr https://x/y -OutFile y",
            "RUN curl -k https://x/y\nFROM c",
        ] {
            case(good).check("DF-066", Expect::Pass);
        }
    }

    #[test]
    fn what_is_hidden_can_not_be_told() {
        case("ARG V\nENV GIT_SSL_NO_VERIFY=$V").check("DF-066", Expect::Unknown);
        case("ARG V\nENV GIT_SSL_NO_VERIFY=$V").build_arg("V", "1").check("DF-066", Expect::Fail);
        case("RUN curl 'x").check("DF-066", Expect::Unknown);
        for hidden in [
            "RUN curl $FLAGS https://x/y",
            "ARG O\nRUN curl $O https://x/y",
            "RUN curl ${O:--k} https://x/y",
            "RUN A=(-k); curl \"${A[@]}\" https://x/y",
            "RUN bash -c \"$CMD\"",
            "RUN fish -c \"curl -k https://x/y\"",
            "RUN python3 <<EOF\nrequests.get('https://x/y', verify=False)\nEOF",
            "RUN <<EOF\n#!/usr/bin/python3\nssl._create_unverified_context()\nEOF",
        ] {
            case(hidden).check("DF-066", Expect::Unknown);
        }
        assert_eq!(case("RUN x && curl $FLAGS https://x/y").places("DF-066"), [(2, 10)]);
        case("SHELL [\"python3\", \"-c\"]\nRUN x").check("DF-066", Expect::Unknown);
    }
}
