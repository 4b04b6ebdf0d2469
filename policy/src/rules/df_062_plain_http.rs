//! DF-062: nothing is fetched without TLS.

use super::{
    About, Raised, Rule, RuleContext,
    commands::{self, Placed},
    df_061_add_unverified::{Checksum, checksum},
    downloads::{Download, is_plain, is_verified},
    packages::Operation,
    repositories::is_signed,
    texts,
};
use crate::{
    decide::Action,
    dockerfile::{Command, Word},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-062",
    name: "df_062_plain_http",
    title: "nothing is fetched without TLS",
    severity: Severity::High,
    action: Action::Warn,
    why: "Whoever sits between the build and the server puts into the image what he likes.",
    mend: "write `https://`, or compare what comes with a digest in the same `RUN`",
    bad: "FROM debian:12\nRUN curl -o app http://example.com/app",
    good: "FROM debian:12\nRUN curl -o app https://example.com/app",
    equivalents: &[],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "`https://`";
const TITLE: &str = "something is fetched without TLS";
const UNTOLD: &str = "it can not be told whether something is fetched without TLS";
const ABOUT: commands::Untold =
    commands::Untold { title: UNTOLD, expected: EXPECTED, names: &["http://", "ftp://"] };
/// Variables that lead package managers somewhere.
const VARIABLES: [&str; 8] = [
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "UV_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "NPM_CONFIG_REGISTRY",
    "YARN_REGISTRY",
    "GOPROXY",
    "RUSTUP_DIST_SERVER",
];

/// Programs that fetch what their arguments name, beside downloaders and package managers.
const FETCHERS: [&str; 16] = [
    "git",
    "svn",
    "hg",
    "rpm",
    "add-apt-repository",
    "apt-add-repository",
    "yum-config-manager",
    "helm",
    "composer",
    "bundle",
    "poetry",
    "uv",
    "pipx",
    "conda",
    "mamba",
    "gradle",
];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    commands::of_reachable(context, ABOUT, |placed| of_step(context, placed))
}

fn of_step(context: &RuleContext<'_>, placed: Placed<'_>) -> Vec<Raised> {
    let at_step = |url: &str| placed.fail(context, (TITLE, EXPECTED), format!("`{url}`"));
    let known = || {
        placed.step.arguments.iter().filter_map(|argument| {
            argument
                .known()
                .or(argument.written.as_deref())
                .map(|text| text.trim_matches(['"', '\'']))
        })
    };
    match placed.step.keyword() {
        "ADD" if checksum(placed.step) == Checksum::Missing => {
            known().filter(|text| is_plain(text)).map(at_step).collect()
        }
        "ENV" | "ARG" => {
            let pairs = placed.step.arguments.iter();
            let meant = pairs.filter(|pair| pair.name.as_deref().is_some_and(is_variable));
            let values = meant.filter_map(|pair| pair.known());
            values.filter(|value| is_plain(value)).map(at_step).collect()
        }
        "RUN" => {
            let windows = commands::windows_text(placed);
            let windows = windows.into_iter().flat_map(str::split_whitespace);
            let windows = windows.map(|word| word.trim_matches(['\'', '"', '(', ')', ';', ',']));
            let windows = windows.filter(|word| is_plain(word)).map(at_step);
            let commands = placed.commands().filter_map(|command| {
                let url = fetched(placed, command)?;
                Some(placed.fail_at(context, command, (TITLE, EXPECTED), format!("`{url}`")))
            });
            // In what is written to a file.
            commands.chain(sources(context, placed)).chain(windows).collect()
        }
        "COPY" => sources(context, placed).collect(),
        _ => Vec::new(),
    }
}

fn is_variable(name: &str) -> bool {
    VARIABLES.iter().any(|own| own.eq_ignore_ascii_case(name))
}

/// The lists of sources in what a step writes to files.
fn sources(context: &RuleContext<'_>, placed: Placed<'_>) -> impl Iterator<Item = Raised> {
    texts::lines(placed).filter_map(move |(at, line)| {
        let url = source(line)?;
        Some(placed.fail_on(context, at, (TITLE, EXPECTED), format!("`{url}`")))
    })
}

/// The address that a command fetches from without TLS.
fn fetched(placed: Placed<'_>, command: &Command) -> Option<String> {
    if let Some(download) = Download::of(command) {
        let plain = download.plain();
        return plain.filter(|_| !is_verified(placed)).map(str::to_owned);
    }
    // `GOPROXY=http://…`, also behind `env` and `export`.
    let pairs = command.words.iter().filter_map(|word| word.text().split_once('='));
    let assigned = command.assignments.iter().map(|(name, word)| (name.as_str(), word.text()));
    let set = assigned.chain(pairs).find(|(name, url)| is_variable(name) && is_plain(url));
    if let Some((_, url)) = set {
        return Some(url.to_owned());
    }
    let (program, arguments) = command.program()?;
    let values = arguments.iter().map(Word::text).flat_map(|text| {
        // `--index-url=…`, and `name @ …` of a requirement.
        let named = text.split_once('=').map_or("", |(_, value)| value);
        let required = text.split_once('@').map_or("", |(_, url)| url.trim());
        [text, named, required]
    });
    let plain = || values.clone().find(|text| is_plain(text) && !is_signed(text));
    let operation = Operation::of(command);
    let is_fetching = FETCHERS.contains(&program) || operation.is_some();
    // What is written to a list of sources.
    let is_list = commands::writes_to(command, |file| file == "/etc/apk/repositories");
    let found = if is_fetching || is_list { plain().map(str::to_owned) } else { None };
    found.or_else(|| {
        commands::settings(command).iter().find_map(|line| source(line).map(str::to_owned))
    })
}

/// The address of a source of packages whose lists are checked by no key that it names.
fn source(line: &str) -> Option<&str> {
    let text = line.trim();
    let is_apt = ["deb ", "deb-src ", "deb\t", "URIs:"].iter().any(|start| text.starts_with(start));
    let is_rpm = ["baseurl=", "baseurl ="].iter().any(|start| text.starts_with(start));
    if !(is_apt || is_rpm) || text.contains("signed-by=") {
        return None;
    }
    let mut words = text.split(|c: char| c.is_whitespace() || c == '=');
    words.find(|word| is_plain(word) && !is_signed(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(steps: &str) -> Case {
        Case::default().dockerfile(&format!("FROM a\n{steps}"))
    }

    #[test]
    fn plain_addresses_fail() {
        for (bad, place) in [
            ("ADD http://x.example/y /y", (2, 1)),
            ("RUN curl -fsSL http://x.example/y -o y", (2, 5)),
            ("RUN curl HTTP://x.example/y", (2, 5)),
            ("RUN true && \\\n  wget -q http://localhost.example/y", (3, 3)),
            ("RUN wget ftp://x.example/y", (2, 5)),
            ("RUN curl --url http://x.example/y", (2, 5)),
            ("RUN pip install -i http://x.example/simple y", (2, 5)),
            ("RUN pip install --extra-index-url=http://x.example/simple y", (2, 5)),
            ("RUN npm install --registry http://x.example", (2, 5)),
            ("RUN npm config set registry http://x.example", (2, 5)),
            ("RUN git clone http://x.example/y.git", (2, 5)),
            ("RUN apk add -X http://x.example/alpine y", (2, 5)),
            ("RUN rpm -i http://x.example/y.rpm", (2, 5)),
            ("RUN yum install -y http://x.example/y.rpm", (2, 5)),
            (
                "RUN echo 'deb http://x.example/debian stable main' > /etc/apt/sources.list.d/x.list",
                (2, 5),
            ),
            ("RUN cat <<EOF > /etc/yum.repos.d/x.repo\nbaseurl=http://x.example/\nEOF", (3, 1)),
            (
                "COPY <<EOF /etc/apt/sources.list\ndeb http://x.example/debian stable main\nEOF",
                (3, 1),
            ),
            ("COPY <<EOF /etc/yum.repos.d/x.repo\n[x]\n\nbaseurl=http://x.example/\nEOF", (5, 1)),
            ("ONBUILD RUN curl http://x.example/y", (2, 13)),
            ("ADD --checksum= http://x.example/y /y", (2, 1)),
            ("RUN echo http://x.example/alpine >> /etc/apk/repositories", (2, 5)),
            ("RUN echo deb http://x.example/debian s main >> /etc/apt/sources.list", (2, 5)),
            ("ENV PIP_INDEX_URL=http://x.example/simple", (2, 1)),
            ("ARG GOPROXY=http://x.example", (2, 1)),
            ("ARG U=http://x.example/y\nRUN curl $U", (3, 5)),
            ("RUN curl http://x.example/$V", (2, 5)),
            ("RUN true && curl -fsSL get.x.example/y -o y", (2, 13)),
            ("RUN wget x.example/y", (2, 5)),
            ("RUN git clone git://x.example/y", (2, 5)),
            ("RUN pip install git+http://x.example/y", (2, 5)),
            ("RUN pip install 'y @ git+http://x.example/y'", (2, 5)),
            ("RUN GOPROXY=http://x.example go build", (2, 5)),
            ("RUN export PIP_INDEX_URL=http://x.example; pip install y", (2, 5)),
            ("RUN curl http://x.example/y -o y && sha256sum y", (2, 5)),
            ("RUN curl http://x.example/y -o y && sha256sum --version", (2, 5)),
            (
                "SHELL [\"powershell\", \"-Command\"]\nRUN iwr 'http://x.example/y' -OutFile y",
                (3, 1),
            ),
        ] {
            case(bad).check("DF-062", Expect::Fail);
            assert_eq!(case(bad).places("DF-062"), [place], "{bad}");
            assert_eq!(case(bad).findings("DF-062")[0].action, Action::Warn);
        }
        let built = Case::default()
            .dockerfile("FROM a AS b\nRUN curl http://x/y\nFROM c\nCOPY --from=b / /");
        built.check("DF-062", Expect::Fail);
    }

    #[test]
    fn tls_the_machine_itself_and_what_is_verified_pass() {
        for good in [
            "RUN curl https://x.example/y",
            "RUN curl --proto-default https x.example/y && GOPROXY=https://x.example go build",
            "RUN git clone git@x.example:y && pip install git+https://x.example/y",
            "RUN curl http://localhost:8080/y && wget http://127.0.0.1/",
            "RUN curl -x http://proxy:3128 https://x.example/y",
            "RUN curl -H 'Referer: http://x.example' https://x.example/y",
            "RUN curl -o y http://x.example/y && echo 'ab  y' | sha256sum -c",
            "ADD --checksum=sha256:ab http://x.example/y /y",
            "RUN echo 'deb http://deb.debian.org/debian sid main' > /etc/apt/sources.list",
            "RUN echo 'deb [signed-by=/k.gpg] http://x.example/ s main' > /etc/apt/sources.list.d/x.list",
            "RUN sed -i 's|http://deb.debian.org|https://deb.debian.org|' /etc/apt/sources.list",
            "RUN apk add -X http://dl-cdn.alpinelinux.org/alpine/edge/testing y",
            "RUN echo see http://x.example",
            "RUN curl $U",
            "ENV HTTP_PROXY=http://proxy:3128 URL=http://x.example",
            "LABEL url=http://x.example",
            "HEALTHCHECK CMD curl -f http://app/",
            "RUN curl http://x.example/y\nFROM b",
        ] {
            case(good).check("DF-062", Expect::Pass);
        }
    }

    #[test]
    fn scripts_that_can_not_be_read_can_not_be_told() {
        case("RUN curl 'http").check("DF-062", Expect::Unknown);
        case("SHELL [\"python3\", \"-c\"]\nRUN x").check("DF-062", Expect::Unknown);
    }
}
