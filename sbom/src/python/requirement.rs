//! Requirements, as metadata, locks and `requirements.txt` write them.
//!
//! Format: <https://packaging.python.org/en/latest/specifications/dependency-specifiers/>.

use super::normal;

/// One requirement.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Requirement<'a> {
    /// The name as it is written.
    pub(crate) name: &'a str,
    /// Extras that it asks for, in normal form.
    pub(crate) extras: Vec<String>,
    /// The versions that it allows.
    specifier: &'a str,
    /// The address that it names instead.
    pub(crate) url: Option<&'a str>,
    /// Under which conditions it holds; empty where always.
    pub(crate) marker: &'a str,
}

impl<'a> Requirement<'a> {
    /// The requirement in a line; `None` where that is none.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let is_part = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.');
        let end = text.find(|char| !is_part(char)).unwrap_or(text.len());
        let (name, rest) = text.split_at_checked(end)?;
        let is_edge = |char: Option<char>| char.is_some_and(|char| char.is_ascii_alphanumeric());
        if !is_edge(name.chars().next()) || !is_edge(name.chars().next_back()) {
            return None;
        }
        let rest = rest.trim_start();
        let (extras, rest) = match rest.strip_prefix('[') {
            Some(rest) => rest.split_once(']')?,
            None => ("", rest),
        };
        let extras = extras
            .split(',')
            .map(|extra| normal(extra.trim()))
            .filter(|extra| !extra.is_empty())
            .collect();
        let rest = rest.trim_start();
        // A semicolon is part of an address unless a space stands before it.
        let (what, marker) = match rest.strip_prefix('@') {
            Some(url) => url.split_once(" ;").unwrap_or((url, "")),
            None => rest.split_once(';').unwrap_or((rest, "")),
        };
        let (url, specifier) =
            if rest.starts_with('@') { (Some(what.trim()), "") } else { (None, what.trim()) };
        let specifier = specifier.trim_start_matches('(').trim_end_matches(')').trim();
        let is_specifier = |clause: &str| clause.trim().starts_with(['=', '<', '>', '!', '~']);
        if !specifier.is_empty() && !specifier.split(',').any(is_specifier) {
            return None;
        }
        Some(Self { name, extras, specifier, url, marker: marker.trim() })
    }

    /// The one version that it allows, if that is certain.
    pub(crate) fn pin(&self) -> Option<&'a str> {
        self.specifier.split(',').find_map(|clause| {
            let clause = clause.trim();
            let version = clause.strip_prefix("===").or_else(|| clause.strip_prefix("=="))?;
            let version = version.trim();
            (!version.is_empty() && !version.contains('*')).then_some(version)
        })
    }

    /// The extra that has to be asked for so that it holds, in normal form.
    pub(crate) fn extra(&self) -> Option<String> {
        let mut words = self.marker.split(|char: char| {
            char.is_whitespace() || matches!(char, '=' | '(' | ')' | '\'' | '"')
        });
        words.find(|word| *word == "extra")?;
        words.find(|word| !word.is_empty()).map(normal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, name: &str, pin: Option<&str>, marker: &str) {
        let found = Requirement::parse(text).unwrap();
        assert_eq!((found.name, found.pin(), found.marker), (name, pin, marker));
    }

    #[test]
    fn requirements_of_all_forms() {
        check("six", "six", None, "");
        check("Six ==1.16.0", "Six", Some("1.16.0"), "");
        check("six===1.16.0-x;python_version<'3'", "six", Some("1.16.0-x"), "python_version<'3'");
        check("six (>=1,<2); extra == 'a'", "six", None, "extra == 'a'");
        check("six>=1,==1.4", "six", Some("1.4"), "");
        check("six==1.*", "six", None, "");
        check("a.b_c-d[x , Y_z]~=1.0", "a.b_c-d", None, "");
        check("a @ https://example.com/a;b.whl ; os_name=='nt'", "a", None, "os_name=='nt'");
    }

    #[test]
    fn extras_and_addresses() {
        let found = Requirement::parse("a[x , Y_z]; (extra == \"Q_r\") and x").unwrap();
        assert_eq!(found.extras, ["x", "y-z"]);
        assert_eq!(found.extra().as_deref(), Some("q-r"));
        let found = Requirement::parse("a @ git+https://example.com/a@1").unwrap();
        assert_eq!(found.url, Some("git+https://example.com/a@1"));
        assert_eq!((found.extras, found.marker), (vec![], ""));
        assert_eq!(Requirement::parse("a; extra").unwrap().extra(), None);
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in ["", "-a", "a-", "[x]", "a[x", "==1", "the system shall work", "./a", "é"] {
            assert_eq!(Requirement::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in "(\\PC|[a=;@\\[\\] ,]){0,60}") {
            if let Some(found) = Requirement::parse(&text) {
                prop_assert!(!found.name.is_empty());
                let told = (found.pin(), found.extra());
                prop_assert!(told.0.is_none_or(|pin| text.contains(pin)));
            }
        }
    }
}
