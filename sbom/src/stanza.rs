//! Paragraphs of `Name: value` fields, as Debian's control files, Python's metadata and others have them.

/// One paragraph.
#[derive(Debug, Default)]
pub(crate) struct Stanza<'a> {
    fields: Vec<(&'a str, &'a str)>,
    /// The first line that is neither a field nor the continuation of one.
    pub(crate) broken: Option<&'a str>,
}

impl<'a> Stanza<'a> {
    /// The value of the first field with this name, in any case, without the spaces around it; continuation lines keep theirs.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// The values of all fields with this name, in any case.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.fields
            .iter()
            .filter(move |(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }

    fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.broken.is_none()
    }
}

/// The paragraphs of a text, which empty lines part.
pub(crate) fn stanzas(text: &str) -> impl Iterator<Item = Stanza<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            if rest.is_empty() {
                return None;
            }
            let (stanza, after) = first(rest);
            rest = after;
            if !stanza.is_empty() {
                return Some(stanza);
            }
        }
    })
}

/// The paragraph that a text begins with, and what comes after it.
pub(crate) fn first(text: &str) -> (Stanza<'_>, &str) {
    let mut stanza = Stanza::default();
    let mut rest = text;
    while let Some(end) = end_of_field(rest) {
        let (field, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        rest = after;
        if field.trim().is_empty() {
            break;
        }
        match field.split_once(':') {
            Some((name, value)) if is_name(name) => stanza.fields.push((name, value)),
            Some(_) | None => {
                let line = field.lines().next().unwrap_or_default();
                stanza.broken = stanza.broken.or(Some(line));
            }
        }
    }
    (stanza, rest)
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(char::is_whitespace)
}

/// Where the first line of a text ends, with the lines that continue it; `None` at the end of the text.
fn end_of_field(text: &str) -> Option<usize> {
    let mut end = 0_usize;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if number > 0 && !line.starts_with([' ', '\t']) {
            break;
        }
        end = end.saturating_add(line.len());
        if number == 0 && line.trim().is_empty() {
            break;
        }
    }
    (end > 0).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_continue_and_empty_lines_part() {
        let text = "\n\nA: 1\nb:2\n more\n\tand more\n\n \nA: x\r\nnonsense\n c: no\nD:\n";
        let all: Vec<_> = stanzas(text).collect();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].get("a"), Some("1"));
        assert_eq!(all[0].get("B"), Some("2\n more\n\tand more"));
        assert_eq!(all[0].broken, None);
        assert_eq!(all[1].get("A"), Some("x"));
        assert_eq!(all[1].get("D"), Some(""));
        assert_eq!(all[1].get("c"), None);
        assert_eq!(all[1].broken, Some("nonsense"));
    }

    #[test]
    fn what_follows_the_first_paragraph_is_left() {
        let (stanza, rest) = first("A: 1\n\nB: 2\n\nC\n");
        assert_eq!(stanza.get("A"), Some("1"));
        assert_eq!(rest, "B: 2\n\nC\n");
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in "(\\PC|[\n :\t]){0,200}") {
            for stanza in stanzas(&text) {
                prop_assert!(!stanza.is_empty());
            }
        }
    }
}
