//! Keeps secrets out of what is going to be public for ever.

use super::{ProvenanceFacts, Variables};
use serde_json::{Map, Value};
use url::{Url, form_urlencoded::byte_serialize};

/// What stands in the place of a secret.
const REDACTED: &str = "[REDACTED]";
/// Parts of the names of variables that hold secrets.
const SECRET_NAMES: &[&str] = &[
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "CREDENTIAL",
    "PRIVATE",
    "API_KEY",
    "APIKEY",
    "ACCESS_KEY",
    "SIGNING_KEY",
    "ENCRYPTION_KEY",
    "AUTH_CONFIG",
    "CONNECTION_STRING",
    "COOKIE",
    "WEBHOOK",
    "JWT",
];
/// The shortest value of such a variable that is looked for: a shorter one would be found everywhere.
const SECRET_LENGTH: usize = 8;
/// How tokens of well-known services begin.
const TOKEN_PREFIXES: &[&str] = &[
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "gldt-",
    "glrt-",
    "glcbt-",
    "glptt-",
    "glft-",
    "glagent-",
    "glsoat-",
    "AKIA",
    "ASIA",
    "xoxb-",
    "xoxp-",
    "xapp-",
    "npm_",
    "pypi-",
    "sk_live_",
    "rk_live_",
    "sk-",
    "dckr_pat_",
    "dckr_oat_",
    "rubygems_",
    "dop_v1_",
    "glsa_",
    "hf_",
    "AIza",
    "ya29.",
    "SG.",
    "hvs.",
    "hvb.",
    "eyJ",
];
/// The shortest word that is taken for a token.
const TOKEN_LENGTH: usize = 20;

/// The facts without the values of secret variables, tokens of well-known forms, and passwords in URLs.
pub(super) fn redact(mut facts: ProvenanceFacts, env: &Variables) -> ProvenanceFacts {
    let mut secrets: Vec<String> = env
        .iter()
        .filter(|(name, value)| is_secret_name(name) && value.len() >= SECRET_LENGTH)
        .flat_map(|(_, value)| [value.clone(), byte_serialize(value.as_bytes()).collect()])
        .collect();
    // The longer first, so that no half of one is left when another is part of it.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    let mut redactor = Redactor { secrets, redacted: Vec::new() };
    redactor.map("externalParameters", &mut facts.external_parameters);
    redactor.map("internalParameters", &mut facts.internal_parameters);
    for (index, dependency) in facts.dependencies.iter_mut().enumerate() {
        redactor.text(&format!("resolvedDependencies.{index}.uri"), &mut dependency.uri);
    }
    redactor.text("builder.id", &mut facts.builder_id);
    for (name, version) in &mut facts.builder_version {
        redactor.text(&format!("builder.version.{name}"), version);
    }
    if let Some(id) = &mut facts.invocation_id {
        redactor.text("metadata.invocationId", id);
    }
    facts.redacted = redactor.redacted;
    facts
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    SECRET_NAMES.iter().any(|part| name.contains(part))
}

struct Redactor {
    /// As they are, and as URLs have them.
    secrets: Vec<String>,
    redacted: Vec<String>,
}

impl Redactor {
    fn map(&mut self, place: &str, map: &mut Map<String, Value>) {
        for (name, value) in map {
            self.value(&format!("{place}.{name}"), value);
        }
    }

    /// The parameters are made by builders, and are three levels deep at most.
    fn value(&mut self, place: &str, value: &mut Value) {
        match value {
            Value::String(text) => self.text(place, text),
            Value::Object(map) => self.map(place, map),
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.value(&format!("{place}.{index}"), item);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn text(&mut self, place: &str, text: &mut String) {
        let mut clean = without_password(text);
        for secret in &self.secrets {
            clean = clean.replace(secret, REDACTED);
        }
        for token in tokens(text) {
            clean = clean.replace(token, REDACTED);
        }
        if clean != *text {
            *text = clean;
            self.redacted.push(place.to_owned());
        }
    }
}

/// A URL without the user and the password in it, where they are somebody's; any other text as it is.
fn without_password(text: &str) -> String {
    let (scheme, url) = match text.strip_prefix("git+") {
        Some(url) => ("git+", url),
        None => ("", text),
    };
    // On the web a user without a password is a token; for SSH it is `git`, and everybody's.
    let is_private = |url: &Url| {
        url.password().is_some() || (url.scheme().starts_with("http") && !url.username().is_empty())
    };
    let Some(mut url) = Url::parse(url).ok().filter(is_private) else {
        return text.to_owned();
    };
    if url.set_password(None).and_then(|()| url.set_username("")).is_ok() {
        format!("{scheme}{url}")
    } else {
        REDACTED.to_owned()
    }
}

/// The words of a text that look like tokens.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split(|char: char| !(char.is_ascii_alphanumeric() || "_-.".contains(char))).filter(
        |word| {
            word.len() >= TOKEN_LENGTH
                && TOKEN_PREFIXES.iter().any(|prefix| word.starts_with(prefix))
        },
    )
}

#[cfg(test)]
mod tests {
    use crate::builders::{
        DependencyDigest, ResolvedDependency, detect,
        tests::{run, variables},
    };

    #[track_caller]
    fn check(env: &[(&str, &str)], text: &str, expect: &str) {
        let mut run = run();
        run.dependencies = vec![ResolvedDependency {
            uri: text.to_owned(),
            digest: DependencyDigest::GitCommit(String::new()),
        }];
        let facts = detect(&variables(env), None, &run).unwrap();
        assert_eq!(facts.dependencies[0].uri, expect);
        let redacted = if text == expect { vec![] } else { vec!["resolvedDependencies.0.uri"] };
        assert_eq!(facts.redacted, redacted);
    }

    #[test]
    fn e9_secrets_do_not_get_into_provenance_and_their_place_is_named() {
        let env = [
            ("DEPLOY_TOKEN", "s3cr3ts3cr3t"),
            ("deploy_password", "s3cr3ts3cr3t-longer"),
            ("SHORT_SECRET", "main"),
        ];
        check(&env, "https://x/s3cr3ts3cr3t/y", "https://x/[REDACTED]/y");
        check(&env, "https://x/s3cr3ts3cr3t-longer/y", "https://x/[REDACTED]/y");
        check(&env, "refs/heads/main", "refs/heads/main");
        check(&[("VERSION", "s3cr3ts3cr3t")], "s3cr3ts3cr3t", "s3cr3ts3cr3t");
        check(&[], "git+https://bot:hunter2@github.com/a/b@v1", "git+https://github.com/a/b@v1");
        check(&[], "ssh://git@github.com/a/b", "ssh://git@github.com/a/b");
        check(&[], "https://f00ba4@github.com/a/b", "https://github.com/a/b");
        check(
            &[("DEPLOY_TOKEN", "p@ss/w0rd")],
            "https://x/?t=p%40ss%2Fw0rd",
            "https://x/?t=[REDACTED]",
        );
        check(
            &[],
            "refs/heads/ghp_0123456789012345678901234567890123456789",
            "refs/heads/[REDACTED]",
        );
        check(&[], "refs/heads/npm_run", "refs/heads/npm_run");
        check(&[], "https://x/?jwt=eyJhbGciOiJub25lIn0.e30.", "https://x/?jwt=[REDACTED]");
    }
}
