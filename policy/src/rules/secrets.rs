//! What the rules about secrets have in common: values that give nothing away, and addresses that carry a secret.

use crate::{
    compose::HOLE,
    kubernetes::is_template,
    secrets::{Certainty, Depth, is_named_secret, search},
};

/// Whether a value says yes or no, names a mounted secret, or says nothing, so that it gives nothing away.
pub(crate) fn is_harmless(value: &str) -> bool {
    let value = value.trim_matches(['"', '\'']);
    let is_switch = ["", "true", "false", "yes", "no", "on", "off", "0", "1", "none", "null"]
        .iter()
        .any(|switch| value.eq_ignore_ascii_case(switch));
    is_switch || value.starts_with("/run/secrets/")
}

/// Why what stands in a file as the value of `name` is a secret, without the value; nothing where it is none, or where it is
/// filled in from elsewhere.
pub(super) fn literal(name: &str, value: &str) -> Option<String> {
    if value.contains("-----BEGIN ") && value.contains("PRIVATE KEY-----") {
        return Some(format!("a private key in `{name}`"));
    }
    let hits = search(value.as_bytes(), Depth::Known);
    if let Some(hit) = hits.iter().find(|hit| hit.certainty == Certainty::Certain) {
        return Some(format!("{} in `{name}`", hit.told()));
    }
    // A text of many lines is a file, and its name is not that of a value.
    let is_value = !value.trim().contains('\n') && !is_harmless(value) && !is_reference(value);
    if is_named_secret(name) && is_value {
        return Some(format!("a value of `{name}`"));
    }
    let is_here = |password: &str| {
        !password.contains(HOLE) && !is_template(password) && !is_reference(password)
    };
    passwords(value).any(is_here).then(|| format!("a password in an address in `{name}`"))
}

/// Whether it is the value of another variable of a container, as Kubernetes writes it.
fn is_reference(value: &str) -> bool {
    value.starts_with("$(") && value.ends_with(')')
}

/// The user and password of the first address in a text that carries one that should be secret: every one in an address of the
/// web, elsewhere one with a password.
pub(super) fn userinfo(text: &str) -> Option<&str> {
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
    addresses(text).find(is_secret).map(|(_, userinfo)| userinfo)
}

/// The passwords in the addresses of a text.
pub(super) fn passwords(text: &str) -> impl Iterator<Item = &str> {
    let passwords = addresses(text).filter_map(|(_, userinfo)| userinfo.split_once(':'));
    passwords.map(|(_, password)| password).filter(|password| !password.is_empty())
}

/// The scheme of each address in a text, and what stands before its host.
fn addresses(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.match_indices("://").filter_map(|(at, separator)| {
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
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::tests::summed;

    #[test]
    fn a_literal_secret_is_told_without_its_value() {
        let token = summed("ghp_");
        for (name, value, expect) in [
            ("API_TOKEN", "hunter2", Some("a value of `API_TOKEN`")),
            ("X", "-----BEGIN RSA PRIVATE KEY-----\nMII", Some("a private key in `X`")),
            ("X", &*token, Some("a token of GitHub (`ghp_…`, 40 characters) in `X`")),
            ("DB", "postgres://u:hunter2@h/d", Some("a password in an address in `DB`")),
            (
                "DB",
                "postgres://u:$(P)@h,u:x@i postgres://u:hunter2@h",
                Some("a password in an address in `DB`"),
            ),
            ("DB", "postgres://u:$(P)@h/d", None),
            ("DB", "postgres://u:{{ .Values.password }}@h/d", None),
            ("DB", "https://user@h/d", None),
            ("API_TOKEN", "$(OTHER)", None),
            ("token.go", "package token\nvar a = 1\n", None),
            ("DB", "postgres://u:${P}@h/d", None),
            ("API_TOKEN", "true", None),
            ("API_TOKEN", "", None),
            ("API_TOKEN_FILE", "/run/secrets/t", None),
            ("X", "hunter2", None),
        ] {
            assert_eq!(literal(name, value).as_deref(), expect, "{name}={value}");
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
        let text = "https://token@h postgres://u:p@h redis://u:@h amqp://v:q:r@h";
        assert_eq!(passwords(text).collect::<Vec<_>>(), ["p", "q:r"]);
    }
}
