//! The identifiers behind `-` and `+` of semantic versions and their kin: `alpha.1`.

use super::{Number, is_digits};

/// Numbers come before texts.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Identifier<'a> {
    Number(Number<'a>),
    Text(&'a str),
}

/// Those between dots; of two lists the shorter comes first where they begin alike.
fn identifiers(text: &str) -> Option<Vec<Identifier<'_>>> {
    text.split('.').map(identifier).collect()
}

fn identifier(text: &str) -> Option<Identifier<'_>> {
    if is_digits(text) {
        return Some(Identifier::Number(Number(text.as_bytes())));
    }
    let is_text = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (!text.is_empty() && text.bytes().all(is_text)).then_some(Identifier::Text(text))
}

/// A version's numbers, and the lists of identifiers behind `-` and `+`; absent ones are empty.
pub(super) struct Parts<'a> {
    pub(super) numbers: Vec<Number<'a>>,
    pub(super) pre: Vec<Identifier<'a>>,
    pub(super) build: Vec<Identifier<'a>>,
}

/// `1.2.3-pre.1+build.2` with any count of numbers.
pub(super) fn parts(text: &str) -> Option<Parts<'_>> {
    let (text, build) = split(text, '+')?;
    let (core, pre) = split(text, '-')?;
    let numbers = core.split('.').map(Number::parse).collect::<Option<_>>()?;
    Some(Parts { numbers, pre, build })
}

fn split(text: &str, mark: char) -> Option<(&str, Vec<Identifier<'_>>)> {
    match text.split_once(mark) {
        Some((before, after)) => Some((before, identifiers(after)?)),
        None => Some((text, Vec::new())),
    }
}
