//! What tells a secret from what only looks like one: a checksum, entropy, and words that stand in its place.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Whether a secret may be one.
pub(super) type Check = fn(&[u8]) -> bool;

/// Nothing can be said against it.
pub(super) fn anything(_: &[u8]) -> bool {
    true
}

const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `xxx_`, 30 characters, and in six digits to the base 62 the CRC-32 of those, as GitHub and npm have it.
pub(super) fn crc32_base62(token: &[u8]) -> bool {
    let Some((body, sum)) = token.get(4..).and_then(|token| token.split_at_checked(30)) else {
        return false;
    };
    let digit = |digit: &u8| BASE62.iter().position(|known| known == digit);
    let number = sum.iter().try_fold(0_u64, |number, next| {
        number.checked_mul(62)?.checked_add(u64::try_from(digit(next)?).ok()?)
    });
    sum.len() == 6 && number == Some(u64::from(crc32fast::hash(body)))
}

/// Whether the header is JSON that names an algorithm (RFC 7515, section 4.1.1).
pub(super) fn json_web_token(token: &[u8]) -> bool {
    let header = token.split(|byte| *byte == b'.').next().unwrap_or_default();
    let header = URL_SAFE_NO_PAD.decode(header).unwrap_or_default();
    serde_json::from_slice::<serde_json::Value>(&header)
        .is_ok_and(|header| header.get("alg").is_some_and(serde_json::Value::is_string))
}

/// Passwords of addresses in documentation.
const COMMON: &[&str] = &[
    "pass", "password", "passwd", "pwd", "pw", "secret", "token", "user", "foo", "bar", "baz",
    "port", "host", "xxx",
];

/// Whether a password of an address is none that documentation uses.
pub(super) fn no_common_password(password: &[u8]) -> bool {
    let text = String::from_utf8_lossy(password).to_ascii_lowercase();
    !COMMON.contains(&text.as_str())
        && !text.contains("pass")
        && !text.contains('%')
        && !text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Words in what is no secret though it is called one: code, names of files, and placeholders.
const WORDS: &[&str] = &[
    "secret",
    "password",
    "passwd",
    "token",
    "null",
    "none",
    "true",
    "false",
    "default",
    "string",
    "value",
    "config",
    "param",
    "field",
    "label",
    "error",
    "invalid",
    "required",
    "test",
    "http",
    "://",
    ".py",
    ".js",
    ".json",
    ".yaml",
    ".yml",
    ".pem",
    ".txt",
    ".conf",
    "/etc/",
    "/run/",
    "/var/",
    "/usr/",
    "self.",
    "this.",
    "os.",
    "env.",
    "process.",
    "get",
    "read",
    "file",
    "name",
    "user",
    "type",
    "key",
    "auth",
    "login",
    "begin",
    "function",
    "return",
    "import",
    "class",
    "module",
    "public",
    "private",
    "request",
    "response",
    "client",
    "server",
    "localhost",
    "enabled",
];

/// Whether a value mixes letters and digits and has no word in it that a secret would not have.
pub(super) fn no_word(value: &[u8]) -> bool {
    let text = String::from_utf8_lossy(value).to_ascii_lowercase();
    value.iter().any(u8::is_ascii_digit)
        && value.iter().any(u8::is_ascii_alphabetic)
        && !WORDS.iter().any(|word| text.contains(word))
}

/// What stands in the place of a secret.
const PLACEHOLDERS: &[&str] = &[
    "example",
    "xxxx",
    "0123456789",
    "1234567890",
    "abcdefghij",
    "your_",
    "your-",
    "yourkey",
    "yourtoken",
    "changeme",
    "change-me",
    "change_me",
    "placeholder",
    "redacted",
    "dummy",
    "sample",
    "insert",
    "deadbeef",
    "****",
    "....",
];
/// So many of the same character in a row are no chance.
const RUN: usize = 10;

/// Whether it stands in the place of a secret.
pub(super) fn is_placeholder(secret: &[u8]) -> bool {
    let text = String::from_utf8_lossy(secret).to_ascii_lowercase();
    let mut run = 0_usize;
    let mut last = None;
    let has_run = secret.iter().any(|byte| {
        run = if last == Some(byte) { run.saturating_add(1) } else { 1 };
        last = Some(byte);
        run >= RUN
    });
    has_run || PLACEHOLDERS.iter().any(|placeholder| text.contains(placeholder))
}

/// Shannon's entropy in bits for each byte.
pub(super) fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count = count.saturating_add(1);
        }
    }
    let total: f64 = counts.iter().copied().map(f64::from).sum();
    let of = |count: f64| if count > 0.0 { -(count / total) * (count / total).log2() } else { 0.0 };
    counts.iter().copied().map(f64::from).map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_verified() {
        // Published with the format.
        let good = ["ghp_", "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ", "0mLq17"].concat();
        assert!(crc32_base62(good.as_bytes()));
        for bad in [good.replace("0mLq17", "0mLq18"), good.replace("zQW", "zQV"), "ghp_".to_owned()]
        {
            assert!(!crc32_base62(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn entropy_is_that_of_each_byte() {
        assert!(entropy(b"").abs() < f64::EPSILON);
        assert!(entropy(b"aaaa").abs() < f64::EPSILON);
        assert!((entropy(b"abab") - 1.0).abs() < f64::EPSILON);
        assert!((entropy(b"abcdefgh") - 3.0).abs() < f64::EPSILON);
    }

    #[test]
    fn what_stands_in_the_place_of_a_secret_is_none() {
        for placeholder in
            ["AKIAIOSFODNN7EXAMPLE", "your-token-here", "aaaaaaaaaaaa", "sk_live_xxxxxxxx"]
        {
            assert!(is_placeholder(placeholder.as_bytes()), "{placeholder}");
        }
        assert!(!is_placeholder(b"aGVsbG8Aaaaaaaaa1"));
    }
}
