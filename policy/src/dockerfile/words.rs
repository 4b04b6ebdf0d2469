//! Words of an instruction: flags, and the heads of here-documents.

/// The head of a here-document: `<<NAME`, `<<-NAME`, `3<<"NAME"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HeredocHead {
    pub(super) name: String,
    /// Whether tabs in front of its end do not count.
    pub(super) strips_tabs: bool,
}

/// Flags, and the byte offset at which the arguments begin. A flag is a leading word that begins with `--`.
pub(super) fn flags(text: &str) -> (Vec<(usize, String)>, usize) {
    let mut flags = Vec::new();
    let mut at = 0;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let start = at.saturating_add(rest.len().saturating_sub(rest.trim_start().len()));
        let rest = rest.trim_start();
        if !rest.starts_with("--") {
            return (flags, start);
        }
        let (word, length) = flag_word(rest);
        if word == "--" {
            return (flags, start.saturating_add(length));
        }
        flags.push((start, word));
        at = start.saturating_add(length);
    }
}

/// One flag without its quotes and escapes, and how many bytes it took.
fn flag_word(text: &str) -> (String, usize) {
    let mut word = String::new();
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match (quote, char) {
            (None, char) if char.is_whitespace() => return (word, at),
            (None, '\'' | '"') => quote = Some(char),
            (Some(open), char) if char == open => quote = None,
            (_, '\\') => word.extend(chars.next().map(|(_, char)| char)),
            (_, char) => word.push(char),
        }
    }
    (word, text.len())
}

/// Words split at whitespace, whatever is quoted, each with the byte offset at which it begins.
pub(super) fn bare(text: &str) -> Vec<(usize, String)> {
    let mut words = Vec::new();
    let mut at = 0_usize;
    for word in text.split([' ', '\t', '\u{b}', '\u{c}', '\r']) {
        if !word.is_empty() {
            words.push((at, word.to_owned()));
        }
        at = at.saturating_add(word.len()).saturating_add(1);
    }
    words
}

/// Words split at whitespace outside quotes, with their quotes and escapes as they stand.
pub(super) fn quoted(text: &str, escape: char) -> Vec<String> {
    placed(text, escape).into_iter().map(|(_, word)| word).collect()
}

/// The same, each with the byte offset at which it begins.
pub(super) fn placed(text: &str, escape: char) -> Vec<(usize, String)> {
    let mut words = vec![(0, String::new())];
    let mut open: Option<char> = None;
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        let Some((start, word)) = words.last_mut() else { break };
        match (open, char) {
            (None, char) if char.is_whitespace() => {
                words.push((at, String::new()));
                continue;
            }
            (None, '\'' | '"') => open = Some(char),
            (Some(quote), char) if quote == char => open = None,
            _ => {}
        }
        if word.is_empty() {
            *start = at;
        }
        word.push(char);
        if char == escape && open != Some('\'') {
            word.extend(chars.next().map(|(_, char)| char));
        }
    }
    words.retain(|(_, word)| !word.is_empty());
    words
}

/// The heads of the here-documents on a line, in order.
pub(super) fn heredocs(line: &str) -> Vec<HeredocHead> {
    raw_words(line).iter().filter_map(|word| heredoc(word)).collect()
}

/// `^(\d*)<<([-]?)([^<]*)$`.
fn heredoc(word: &str) -> Option<HeredocHead> {
    let rest = word.trim_start_matches(|char: char| char.is_ascii_digit()).strip_prefix("<<")?;
    let (strips_tabs, rest) = match rest.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    if rest.is_empty() || rest.contains('<') {
        return None;
    }
    // A name is exactly one word once its quotes are gone.
    let mut words = plain_words(rest).into_iter();
    let name = words.next().filter(|name| !name.is_empty())?;
    words.next().is_none().then_some(HeredocHead { name, strips_tabs })
}

/// Words with their quotes and escapes as they stand.
fn raw_words(line: &str) -> Vec<String> {
    split(line, Quotes::Keep)
}

/// Words without their quotes and escapes.
fn plain_words(line: &str) -> Vec<String> {
    split(line, Quotes::Remove)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    Keep,
    Remove,
}

/// Splits at whitespace outside quotes and outside `${…}`. The escape is always the backslash here.
fn split(line: &str, quotes: Quotes) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut open: Option<char> = None;
    let mut braces = 0_usize;
    let mut chars = line.chars().peekable();
    while let Some(char) = chars.next() {
        if open.is_none() && braces == 0 && char.is_whitespace() {
            words.extend(word.take());
            continue;
        }
        let text = word.get_or_insert_default();
        let is_quote = match open {
            None if matches!(char, '\'' | '"') => {
                open = Some(char);
                true
            }
            Some(quote) if quote == char => {
                open = None;
                true
            }
            None | Some(_) => false,
        };
        if char == '\\' && open != Some('\'') {
            if quotes == Quotes::Keep {
                text.push(char);
            }
            text.extend(chars.next());
            continue;
        }
        if open != Some('\'') {
            match char {
                '$' if chars.peek() == Some(&'{') => {
                    braces = braces.saturating_add(1);
                    text.push(char);
                    text.extend(chars.next());
                    continue;
                }
                '}' => braces = braces.saturating_sub(1),
                _ => {}
            }
        }
        if !is_quote || quotes == Quotes::Keep {
            text.push(char);
        }
    }
    words.extend(word);
    words
}
