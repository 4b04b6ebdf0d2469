//! Names that sound like that of a secret, of variables, labels and keys alike.
//!
//! They are compared word by word: `TOKENIZERS` is no token, and `GPG_KEY` names a key that everybody may have.

/// Words that say it wherever they stand, as one or several.
const SECRET: [&str; 15] = [
    "password",
    "passwd",
    "pword",
    "passphrase",
    "passcode",
    "secret",
    "token",
    "credential",
    "cred",
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
/// Words that say it at the end, and alone.
const ENDING: [&str; 2] = ["pass", "jwt"];
/// Whose password it is, where both are written in one: `DBPASS`, and neither `BYPASS` nor `COMPASS`.
const OWNERS: [&str; 28] = [
    "admin", "app", "db", "ftp", "git", "imap", "key", "ldap", "login", "mail", "mongo", "my",
    "mysql", "pg", "postgres", "proxy", "rabbitmq", "redis", "root", "smtp", "sql", "ssh", "store",
    "sudo", "svn", "user", "vnc", "web",
];
/// What is said of tokens that are counted: those of language models, and of limits.
const COUNTED: [&str; 16] = [
    "completion",
    "context",
    "count",
    "input",
    "limit",
    "max",
    "min",
    "new",
    "num",
    "number",
    "output",
    "per",
    "prompt",
    "special",
    "stop",
    "total",
];
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
const ABOUT: [&str; 47] = [
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
    "ids",
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
    let words: Vec<&str> = words.iter().map(|word| unnumbered(word)).collect();
    // `DB_PASS_2` is the second of them.
    let end = words.iter().rposition(|word| !word.is_empty()).map_or(0, |at| at.saturating_add(1));
    let words = words.get(..end).unwrap_or_default();
    let Some(last) = words.last() else { return false };
    if ABOUT.contains(last) || words.iter().any(|word| PUBLIC.contains(word)) {
        return false;
    }
    let is_counted = words.iter().any(|word| COUNTED.contains(word));
    let is_secret = |word: &&str| {
        let single = singular(word);
        // `PGPASSWORD` is written in one.
        let is_one = SECRET.contains(&single)
            || ["password", "passwd"].iter().any(|end| single.ends_with(end));
        is_one && !(is_counted && *word == "tokens")
    };
    let is_key = |pair: (&&str, &&str)| singular(pair.1) == "key" && KEYS.contains(pair.0);
    let is_inside =
        words.len() > 1 && (LAST.contains(last) || words.iter().any(|word| INSIDE.contains(word)));
    words.iter().any(is_secret)
        || is_inside
        || ENDING.contains(last)
        || words.iter().any(|word| is_owned(word))
        || words.iter().zip(words.iter().skip(1)).any(is_key)
}

/// A word without the number behind it: `password2`. Auth0 is a company.
fn unnumbered(word: &str) -> &str {
    if word == "auth0" { word } else { word.trim_end_matches(|char: char| char.is_ascii_digit()) }
}

/// One of what a word names several of.
fn singular(word: &str) -> &str {
    word.strip_suffix('s').unwrap_or(word)
}

/// `DBPASS`, `ROOTPW`, `DBPWD`.
fn is_owned(word: &str) -> bool {
    let owner = ["pass", "pwd", "pw"].iter().find_map(|end| word.strip_suffix(end));
    owner.is_some_and(|owner| OWNERS.contains(&owner))
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
            "DBPASSWD",
            "MYSQLPASSWD",
            "DBPASS",
            "SSHPASS",
            "ROOTPW",
            "PASS",
            "PASSWORDS",
            "TOKENS",
            "AUTH_TOKENS",
            "API_KEYS",
            "PRIVATE_KEYS",
            "PASSWORD1",
            "DB_PASSWORD2",
            "DB_PASS_2",
            "TOKEN2",
            "TOKEN_2",
            "CREDS",
            "DB_CREDS",
            "JWT",
            "USER_JWT",
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
            "MAX_OUTPUT_TOKENS",
            "TOKENS_PER_MINUTE",
            "NUM_TOKENS2",
            "TRESPASS",
            "LOWPASS",
            "MULTIPASS",
            "PASS_THROUGH",
            "PASSIVE",
            "JWT_ISSUER",
            "JWT_AUDIENCE",
            "TOKEN_URL2",
            "TOKEN_FILE_2",
            "AUTH2",
            "OAUTH2",
            "API_KEY_IDS",
            "SPAWN",
            "MYPWDX",
            "KEYS",
            "SSH_KEYSCAN",
            "CREDITS",
            "1",
            "_2",
        ] {
            assert!(!is_named_secret(name), "{name}");
        }
    }
}
