//! Credentials that a Dockerfile copies into the image, by the names of their files: what SEC-003 sees before there is an image.

use super::{
    Raised, RuleContext,
    commands::{self, Placed},
    globs, inputs,
};
use crate::{
    decide::Action,
    dockerfile::{Argument, Expanded, Position},
};

const EXPECTED: &str = "no file with credentials";

/// How sure a name is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sureness {
    /// Such a file has no other use.
    Sure,
    /// It has to do with nothing but credentials, and may hold none all the same.
    Likely,
    /// It depends on what is in it.
    Depends,
}

/// Files by their whole name, in lower case.
const NAMES: [(&str, Sureness); 29] = [
    ("id_rsa", Sureness::Sure),
    ("id_dsa", Sureness::Sure),
    ("id_ecdsa", Sureness::Sure),
    ("id_ed25519", Sureness::Sure),
    ("id_ecdsa_sk", Sureness::Sure),
    ("id_ed25519_sk", Sureness::Sure),
    ("ssh_host_rsa_key", Sureness::Sure),
    ("ssh_host_dsa_key", Sureness::Sure),
    ("ssh_host_ecdsa_key", Sureness::Sure),
    ("ssh_host_ed25519_key", Sureness::Sure),
    (".netrc", Sureness::Sure),
    ("_netrc", Sureness::Sure),
    (".pgpass", Sureness::Sure),
    (".git-credentials", Sureness::Sure),
    (".pypirc", Sureness::Sure),
    (".dockercfg", Sureness::Sure),
    ("application_default_credentials.json", Sureness::Sure),
    ("kubeconfig", Sureness::Sure),
    ("terraform.tfstate", Sureness::Sure),
    (".env", Sureness::Sure),
    (".vault-token", Sureness::Sure),
    (".my.cnf", Sureness::Depends),
    (".s3cfg", Sureness::Sure),
    (".boto", Sureness::Sure),
    (".htpasswd", Sureness::Depends),
    ("auth.json", Sureness::Depends),
    ("credentials.json", Sureness::Depends),
    (".npmrc", Sureness::Depends),
    ("wp-config.php", Sureness::Depends),
];
/// Files by the end of their path.
const PATHS: [(&str, Sureness); 4] = [
    (".aws/credentials", Sureness::Sure),
    (".kube/config", Sureness::Sure),
    (".docker/config.json", Sureness::Depends),
    (".gem/credentials", Sureness::Sure),
];
/// Folders that are copied whole, by the end of their path.
const FOLDERS: [(&str, Sureness); 7] = [
    (".ssh", Sureness::Likely),
    (".aws", Sureness::Likely),
    (".kube", Sureness::Likely),
    (".gnupg", Sureness::Likely),
    (".azure", Sureness::Likely),
    (".config/gcloud", Sureness::Likely),
    // Also the name of a folder of what Dockerfiles need.
    (".docker", Sureness::Depends),
];
/// What private keys and stores of them end with.
const STORES: [&str; 6] = [".pfx", ".p12", ".jks", ".keystore", ".kdbx", ".ppk"];
/// What the name of a key says where it is one of a server or of its owner alone.
const PRIVATE: [&str; 9] =
    ["server", "private", "privkey", "priv", "tls", "ssl", "client", "localhost", "domain"];
/// What is said of variants of a file that hold nothing.
const EMPTY: [&str; 6] = ["example", "sample", "template", "dist", "tpl", "defaults"];

/// The findings about files that are copied.
pub(super) fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    commands::reachable(context)
        .flat_map(|placed| match placed.step.keyword() {
            "COPY" | "ADD" => of_step(context, placed),
            "RUN" => of_mounts(context, placed),
            _ => Vec::new(),
        })
        .collect()
}

/// Which of the arguments of a step a path is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    From,
    To,
}

fn of_step(context: &RuleContext<'_>, placed: Placed<'_>) -> Vec<Raised> {
    // A place that a variable names is no file that comes from somewhere.
    let (to, from) = match placed.step.arguments.split_last() {
        Some((to, from)) => (to.known().is_some().then_some(to), from),
        None => return Vec::new(),
    };
    let from_elsewhere = |argument: &&Argument| {
        let text = argument.written.as_deref().unwrap_or_default();
        !text.contains("://") && !text.starts_with("<<")
    };
    let of = |side: Side| move |argument: &Argument| of_argument(context, placed, (argument, side));
    let of_sources: Vec<_> =
        from.iter().filter(from_elsewhere).filter_map(of(Side::From)).collect();
    if of_sources.is_empty() { to.and_then(of(Side::To)).into_iter().collect() } else { of_sources }
}

fn of_argument(
    context: &RuleContext<'_>,
    placed: Placed<'_>,
    (argument, side): (&Argument, Side),
) -> Option<Raised> {
    let keyword = placed.step.keyword();
    let text = argument.known().or(argument.written.as_deref())?.trim_matches(['"', '\'']);
    let sureness = match side {
        Side::From => credentials(text).or_else(|| folder(text)).or_else(|| pattern(text)),
        Side::To => credentials(text),
    };
    if let Some(sureness) = sureness {
        let found = format!("`{keyword}` of `{text}`");
        return Some(raise(context, placed, (argument.at, sureness), found));
    }
    let Some(Expanded::Unknown { variable }) = &argument.value else { return None };
    // The end of the name says what a file is.
    let is_hidden = text
        .rsplit('/')
        .next()
        .is_some_and(|name| name.starts_with('$') && (name.ends_with('}') || !name.contains('.')));
    is_hidden.then(|| {
        let found =
            format!("`{keyword}` of `{text}`, where `{variable}` has no value that is known here");
        raise(context, placed, (argument.at, Sureness::Depends), found)
    })
}

/// What a step sees by a mount, and copies from there.
fn of_mounts(context: &RuleContext<'_>, placed: Placed<'_>) -> Vec<Raised> {
    let copied = commands::bound(placed.step).into_iter().filter_map(|bound| {
        let sureness = credentials(&bound.source).or_else(|| folder(&bound.source))?;
        let command = placed.commands().find(|command| commands::copies(command, &bound.target))?;
        let found = format!("a copy of `{}`, which is mounted", bound.source);
        Some(raise(context, placed, (command.at, sureness), found))
    });
    copied.collect()
}

fn raise(
    context: &RuleContext<'_>,
    placed: Placed<'_>,
    (at, sureness): (Position, Sureness),
    found: String,
) -> Raised {
    let place = inputs::place(placed.build, at);
    match sureness {
        Sureness::Sure => {
            context.fail(place, "credentials are copied into the image", found, EXPECTED)
        }
        Sureness::Likely | Sureness::Depends => {
            let title = "it can not be told whether credentials are copied into the image";
            let raised = context.unknown(place, title, found, EXPECTED);
            // Most such files hold none: they are worth a look and no stop.
            if sureness == Sureness::Depends { raised.at_most(Action::Warn) } else { raised }
        }
    }
}

/// How sure it is that a folder is one of credentials.
fn folder(path: &str) -> Option<Sureness> {
    let path = path.to_lowercase().replace('\\', "/");
    let path = path.trim_end_matches(['*', '.']).trim_end_matches('/');
    let is_it = |known: &str| {
        path.strip_suffix(known).is_some_and(|before| before.is_empty() || before.ends_with('/'))
    };
    FOLDERS.iter().find(|(known, _)| is_it(known)).map(|(_, sureness)| *sureness)
}

/// How sure it is that a pattern means credentials. One that means almost everything is the whole context (SEC-004).
fn pattern(path: &str) -> Option<Sureness> {
    const LEAST: usize = 3;
    let path = path.to_lowercase().replace('\\', "/");
    let name = path.rsplit('/').next().unwrap_or_default();
    let literal = name.split(['*', '?', '[']).next().unwrap_or_default();
    let means = |known: &str| globs::is_match(name, known);
    let is_told = globs::is_pattern(name) && literal.len() >= LEAST;
    if !is_told || !NAMES.iter().any(|(known, _)| means(known)) {
        return None;
    }
    let is_key = literal.starts_with("id_") || literal.starts_with("ssh_host_");
    Some(if is_key { Sureness::Likely } else { Sureness::Depends })
}

/// How sure it is that a path names credentials, where it may.
fn credentials(path: &str) -> Option<Sureness> {
    let path = path.to_lowercase().replace('\\', "/");
    let name = path.rsplit('/').next().unwrap_or_default();
    let named = NAMES.iter().find(|(known, _)| *known == name.trim_end_matches('*'));
    let placed =
        || PATHS.iter().find(|(known, _)| path == *known || path.ends_with(&format!("/{known}")));
    if let Some((_, sureness)) = named.or_else(placed) {
        return Some(*sureness);
    }
    let mut parts = name.split(['.', '-', '_']);
    // `.env.production`, and not `.env.example`.
    if name.starts_with(".env.") {
        return (!parts.any(|part| EMPTY.contains(&part))).then_some(Sureness::Sure);
    }
    if STORES.iter().any(|store| name.ends_with(store)) {
        let is_trust =
            name.contains("trust") || name.contains("cacert") || name == "debug.keystore";
        return (!is_trust).then_some(Sureness::Sure);
    }
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    // `prod.env`, and not `example.env`.
    if extension == Some("env") {
        return (!parts.any(|part| EMPTY.contains(&part))).then_some(Sureness::Depends);
    }
    let is_private = parts.clone().any(|part| PRIVATE.contains(&part));
    let is_public = parts.any(|part| {
        ["pub", "public", "gpg", "asc", "apt", "archive", "release", "signing"].contains(&part)
    });
    if extension == Some("key") && !is_public {
        return Some(if is_private { Sureness::Sure } else { Sureness::Depends });
    }
    let is_key = name.contains("privkey")
        || name.contains("private")
        || name.ends_with("-key.pem")
        || name.ends_with("_key.pem")
        || name == "key.pem";
    (extension == Some("pem") && is_key && !is_public).then_some(Sureness::Sure)
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn files_of_credentials_fail() {
        for file in [
            "id_rsa",
            ".ssh/id_ed25519",
            ".netrc",
            ".git-credentials",
            ".pypirc",
            ".env",
            ".env*",
            "config/.env.production",
            ".aws/credentials",
            "home/.kube/config",
            "kubeconfig",
            "server.key",
            "certs/tls.key",
            "privkey.pem",
            "a-key.pem",
            "store.pfx",
            "app.jks",
            "x.kdbx",
            "terraform.tfstate",
            "ssh_host_rsa_key",
            "application_default_credentials.json",
            "ID_RSA",
            ".vault-token",
        ] {
            let case = Case::default().dockerfile(&format!("FROM a\nCOPY x {file} /y/"));
            case.check("SEC-003", Expect::Fail);
            assert_eq!(case.places("SEC-003"), [(2, 8)], "{file}");
        }
        let bad = [
            "FROM a\nADD [\"id_rsa\", \"/root/.ssh/\"]",
            "FROM a\nCOPY secrets/prod /root/.aws/credentials",
            "FROM a\nCOPY <<EOF /root/.netrc\nx\nEOF\n",
            "FROM a\nARG K=id_rsa\nCOPY $K /x",
            "FROM a AS b\nCOPY id_rsa /x\nFROM c\nCOPY --from=b / /",
            "FROM a\nCOPY --from=b /root/.netrc /root/",
        ];
        check_files("SEC-003", Expect::Fail, &bad);
    }

    #[test]
    fn files_that_only_look_like_it_pass() {
        for file in [
            "id_rsa.pub",
            ".env.example",
            ".env.sample",
            "env",
            "ca.pem",
            "fullchain.pem",
            "rds-ca-bundle.pem",
            "nodesource.gpg.key",
            "apt-signing.key",
            "truststore.jks",
            "cacerts.jks",
            "public.key",
            "config.json",
            "keyboard",
            "src/",
            ".",
            "kubeconfig.md",
            "https://x/server.key",
            "example.env",
            "sample-app.env",
            "*.json",
            "*",
            ".*",
            "x.ssh",
            "id.rsa*",
            "ssh/",
        ] {
            Case::default()
                .dockerfile(&format!("FROM a\nADD {file} /y/"))
                .check("SEC-003", Expect::Pass);
        }
        let good = [
            "FROM a AS b\nCOPY id_rsa /x\nFROM c",
            "FROM a\nCOPY ${NAME}.jar /app.jar",
            "FROM a\nCOPY x $HOME/",
            "FROM a\nRUN --mount=type=bind,source=id_rsa,target=/x y",
            "FROM a\nRUN --mount=type=bind,source=id_rsa,target=/x ssh -i /x h && cp /y /z",
            "FROM a\nRUN --mount=type=bind,source=app,target=/x cp /x /y",
            "FROM a\nCOPY known_hosts /root/.ssh/",
            "FROM a\nCOPY known_hosts /root/.ssh",
        ];
        check_files("SEC-003", Expect::Pass, &good);
    }

    #[test]
    fn folders_and_patterns_of_credentials_can_not_be_told_and_block() {
        for (steps, place) in [
            ("COPY .ssh /root/.ssh", (2, 6)),
            ("COPY x .ssh/ /root/", (2, 8)),
            ("COPY home/.aws/* /root/.aws/", (2, 6)),
            ("ADD .kube/. /root/.kube", (2, 5)),
            ("COPY .config/gcloud /root/.config/gcloud", (2, 6)),
            ("COPY id_* /root/.ssh/", (2, 6)),
            ("RUN --mount=type=bind,source=.ssh,target=/s true && cp -r /s /root/", (2, 53)),
        ] {
            let case = Case::default().dockerfile(&format!("FROM a\n{steps}"));
            case.check("SEC-003", Expect::Unknown);
            assert_eq!(case.places("SEC-003"), [place], "{steps}");
            assert_eq!(case.findings("SEC-003")[0].action, crate::Action::Deny);
        }
        let mounted = Case::default().dockerfile(
            "FROM a\nRUN --mount=type=bind,source=id_rsa,target=/k cp /k /root/.ssh/id_rsa",
        );
        mounted.check("SEC-003", Expect::Fail);
        assert_eq!(mounted.places("SEC-003"), [(2, 47)]);
    }

    #[test]
    fn what_depends_on_its_content_or_on_a_variable_is_worth_a_look() {
        for file in [
            ".npmrc",
            "wp-config.php",
            ".docker/config.json",
            "app.key",
            "$F",
            "x/${F}",
            "prod.env",
            ".htpasswd",
            ".docker",
            "auth.json",
            ".en*",
            ".npm*",
        ] {
            let case = Case::default().dockerfile(&format!("FROM a\nCOPY {file} /y/"));
            case.check("SEC-003", Expect::Unknown);
            assert_eq!(case.findings("SEC-003")[0].action, crate::Action::Warn);
        }
    }
}
