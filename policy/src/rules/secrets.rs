//! What the rules about secrets have in common: names that sound like one, and addresses that carry one.
//!
//! Names are compared word by word: `TOKENIZERS` is no token, and `GPG_KEY` names a key that everybody may have.

/// Words that say it wherever they stand.
const SECRET: [&str; 16] = [
    "password",
    "passwd",
    "pword",
    "passphrase",
    "passcode",
    "secret",
    "secrets",
    "token",
    "credential",
    "credentials",
    "apikey",
    "apitoken",
    "authtoken",
    "accesskey",
    "secretkey",
    "privatekey",
];
/// Words that say it at the end of a longer name.
const LAST: [&str; 4] = ["pass", "pwd", "pw", "auth"];
/// What is said in front of `key` of one that is secret.
const KEYS: [&str; 26] = [
    "access",
    "account",
    "admin",
    "api",
    "app",
    "auth",
    "aws",
    "client",
    "deploy",
    "encryption",
    "hmac",
    "jwt",
    "license",
    "master",
    "private",
    "rsa",
    "secret",
    "security",
    "service",
    "session",
    "signing",
    "ssh",
    "ssl",
    "storage",
    "stripe",
    "tls",
];
/// Words of names that are public.
const PUBLIC: [&str; 5] = ["public", "pub", "fingerprint", "allow", "random"];
/// What a name ends with that says something about a secret, and is none.
const ABOUT: [&str; 44] = [
    "algorithm",
    "arn",
    "audience",
    "bytes",
    "class",
    "count",
    "dir",
    "directory",
    "duration",
    "enabled",
    "endpoint",
    "expiration",
    "expires",
    "expiry",
    "field",
    "file",
    "files",
    "format",
    "header",
    "host",
    "id",
    "issuer",
    "length",
    "lifetime",
    "limit",
    "max",
    "min",
    "mode",
    "name",
    "names",
    "path",
    "policy",
    "prefix",
    "provider",
    "required",
    "size",
    "store",
    "suffix",
    "timeout",
    "ttl",
    "type",
    "uri",
    "url",
    "version",
];

/// Whether a variable or a label of this name is likely to hold a secret.
pub(super) fn is_named_secret(name: &str) -> bool {
    let words = words(name);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let Some(last) = words.last() else { return false };
    if ABOUT.contains(last) || words.iter().any(|word| PUBLIC.contains(word)) {
        return false;
    }
    let is_key = |pair: (&&str, &&str)| *pair.1 == "key" && KEYS.contains(pair.0);
    words.iter().any(|word| SECRET.contains(word))
        || (words.len() > 1 && LAST.contains(last))
        || words.iter().zip(words.iter().skip(1)).any(is_key)
}

/// The words of a name, in lower case: `NPM_TOKEN`, `npm-token`, `npmToken` and `NPMToken` have the same two.
fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, char) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| chars.get(at));
        let after = chars.get(at.saturating_add(1));
        let is_lower =
            |char: Option<&char>| char.is_some_and(|char| char.is_lowercase() || char.is_numeric());
        let begins = char.is_uppercase()
            && (is_lower(before)
                || before.is_some_and(|c| c.is_uppercase())
                    && after.is_some_and(|c| c.is_lowercase()));
        if begins || !char.is_alphanumeric() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| char.is_alphanumeric()) {
            word.extend(char.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a value says yes or no, names a mounted secret, or says nothing, so that it gives nothing away.
pub(super) fn is_harmless(value: &str) -> bool {
    let value = value.trim_matches(['"', '\'']);
    let is_switch = ["", "true", "false", "yes", "no", "on", "off", "0", "1", "none", "null"]
        .iter()
        .any(|switch| value.eq_ignore_ascii_case(switch));
    is_switch || value.starts_with("/run/secrets/")
}

/// The user and password of the first address in a text that carries one that should be secret: every one in an address of the
/// web, elsewhere one with a password.
pub(super) fn userinfo(text: &str) -> Option<&str> {
    let addresses = text.match_indices("://").filter_map(|(at, separator)| {
        let scheme = text
            .get(..at)?
            .rsplit(|char: char| !(char.is_ascii_alphanumeric() || "+-.".contains(char)))
            .next()?;
        let rest = text.get(at.saturating_add(separator.len())..)?;
        let authority = rest
            .split(['/', '?', '#', ' ', '\t', '\n', '"', '\'', ',', ';', '|', '<', '>', '`', '\\'])
            .next()?;
        let (userinfo, _) = authority.rsplit_once('@')?;
        Some((scheme, userinfo))
    });
    let is_web = |scheme: &str| {
        ["http", "https", "git+http", "git+https"]
            .iter()
            .any(|web| web.eq_ignore_ascii_case(scheme))
    };
    let is_secret = |(scheme, userinfo): &(&str, &str)| {
        userinfo.split_once(':').map_or_else(
            || is_web(scheme) && !userinfo.is_empty() && *userinfo != "git",
            |(_, password)| !password.is_empty(),
        )
    };
    let mut addresses = addresses.filter(is_secret);
    addresses.next().map(|(_, userinfo)| userinfo)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_by_words() {
        for name in [
            "PASSWORD",
            "DB_PASSWORD",
            "dbPassword",
            "DBPassword",
            "db.password",
            "NPM_TOKEN",
            "GITHUB_TOKEN",
            "token",
            "API_KEY",
            "apiKey",
            "APIKEY",
            "AWS_SECRET_ACCESS_KEY",
            "aws-secret-access-key",
            "SSH_PRIVATE_KEY",
            "CLIENT_SECRET",
            "DB_PASS",
            "MYSQL_PWD",
            "NPM_AUTH",
            "MASTER_KEY",
            "SECRET_KEY_BASE",
            "CREDENTIALS",
        ] {
            assert!(is_named_secret(name), "{name}");
        }
        for name in [
            "TOKENIZERS_PARALLELISM",
            "SECRETARY",
            "GPG_KEY",
            "GPG_KEYS",
            "PUBLIC_KEY",
            "NEXT_PUBLIC_API_KEY",
            "POSTGRES_PASSWORD_FILE",
            "SECRET_PATH",
            "TOKEN_URL",
            "AWS_ACCESS_KEY_ID",
            "PWD",
            "OLDPWD",
            "COMPASS",
            "AUTHOR",
            "AUTH",
            "KEY",
            "KEYBOARD",
            "PASSENGER_VERSION",
            "MAX_TOKENS",
            "MYSQL_ALLOW_EMPTY_PASSWORD",
            "CACHE_KEY",
            "BYPASS",
            "",
            "_",
            "TOKEN_TTL",
            "SECRET_NAME",
            "É",
        ] {
            assert!(!is_named_secret(name), "{name}");
        }
    }

    #[test]
    fn addresses_carry_what_stands_before_the_host() {
        for (text, expect) in [
            ("https://u:p@h/x", Some("u:p")),
            ("--index-url=https://token@h", Some("token")),
            ("git+https://$T@h/x.git", Some("$T")),
            ("postgres://u:p@h/db", Some("u:p")),
            ("https://a/b https://u:p@h", Some("u:p")),
            ("https://u:p@w@h", Some("u:p@w")),
            ("https://h/@scope/x", None),
            ("https://h?x=a@b", None),
            ("ssh://git@h/x", None),
            ("https://git@h/x", None),
            ("postgres://u@h/db", None),
            ("redis://u:@h", None),
            ("git@h:x", None),
            ("see https://h and mail a@b", None),
            ("://@", None),
        ] {
            assert_eq!(userinfo(text), expect, "{text}");
        }
    }
}
