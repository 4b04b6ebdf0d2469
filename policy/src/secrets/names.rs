//! Names that sound like that of a secret, of variables, labels and keys alike.
//!
//! They are compared word by word: `TOKENIZERS` is no token, and `GPG_KEY` names a key that everybody may have.

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
/// Words that say it in a longer name; alone, `PWD` is where a shell is.
const INSIDE: [&str; 2] = ["pwd", "pat"];
/// Words that say it at the end of a longer name.
const LAST: [&str; 3] = ["pass", "pw", "auth"];
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
const ABOUT: [&str; 46] = [
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
    "ref",
    "required",
    "rotation",
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

/// Whether a variable, a label or a key of this name is likely to hold a secret.
pub(crate) fn is_named_secret(name: &str) -> bool {
    let words = words(name);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let Some(last) = words.last() else { return false };
    if ABOUT.contains(last) || words.iter().any(|word| PUBLIC.contains(word)) {
        return false;
    }
    let is_key = |pair: (&&str, &&str)| *pair.1 == "key" && KEYS.contains(pair.0);
    let is_inside =
        words.len() > 1 && (LAST.contains(last) || words.iter().any(|word| INSIDE.contains(word)));
    // `PGPASSWORD` is written in one.
    words.iter().any(|word| SECRET.contains(word) || word.ends_with("password"))
        || is_inside
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
            "PGPASSWORD",
            "GITHUB_PAT",
            "DB_PWD_OLD",
            "github-token",
        ] {
            assert!(is_named_secret(name), "{name}");
        }
    }

    #[test]
    fn what_only_sounds_like_a_secret_is_none() {
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
            "SECRET_REF",
            "PASSWORDLESS",
            "PUBLIC_API_KEY",
            "PATH",
            "TOKENIZER",
            "MONKEY",
            "É",
        ] {
            assert!(!is_named_secret(name), "{name}");
        }
    }
}
