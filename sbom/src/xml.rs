//! XML documents as small trees: read within limits, and without anything that a document type could define.
//!
//! Specification: <https://www.w3.org/TR/xml/>. Names are told apart without their prefixes; entities are the five of XML
//! and characters by number.

use quick_xml::{
    Reader, XmlVersion,
    escape::resolve_predefined_entity,
    events::{BytesRef, BytesStart, Event},
};

/// One element with everything in it.
#[derive(Debug, Default)]
pub(crate) struct Element {
    /// Its name without the prefix.
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Self>,
}

/// Why a document was not read to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum XmlError {
    /// It is not well-formed.
    #[error("malformed XML: {0}")]
    Malformed(quick_xml::Error),
    /// An attribute is not well-formed.
    #[error("malformed XML: {0}")]
    Attribute(quick_xml::events::attributes::AttrError),
    /// It ends inside an element, or has none.
    #[error("malformed XML: the document ends too early")]
    Truncated,
    /// It defines a type of document, and with it entities perhaps.
    #[error("the document has a type definition, which is not read")]
    Definitions,
    /// It uses an entity that nobody may define.
    #[error("the entity `{0}` is not known")]
    Entity(String),
    /// Elements are nested too deep.
    #[error("elements are nested more than {DEEPEST} deep")]
    TooDeep,
    /// There are too many elements.
    #[error("more than {MOST} elements")]
    TooMany,
}

/// How deep elements may be nested.
const DEEPEST: usize = 64;

/// How many elements there may be, attributes included.
const MOST: usize = 500_000;

impl Element {
    /// The outermost element of a document; with the reason where it was not read to its end, and what was read till then.
    pub(crate) fn parse(text: &str) -> (Self, Option<XmlError>) {
        let mut open = vec![Self::default()];
        let error = fill(text, &mut open).err();
        let is_whole = error.is_some() || open.len() == 1;
        while open.len() > 1 {
            close(&mut open);
        }
        let root = open.pop().and_then(|mut document| document.children.pop());
        let is_whole = is_whole && root.is_some();
        let error = error.or((!is_whole).then_some(XmlError::Truncated));
        (root.unwrap_or_default(), error)
    }

    /// The elements with this name directly inside.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// Every element directly inside.
    pub(crate) fn children(&self) -> &[Self] {
        &self.children
    }

    /// The first element with this name directly inside.
    pub(crate) fn first(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text inside, without the spaces around it.
    pub(crate) fn text(&self) -> &str {
        self.text.trim()
    }

    /// The text of the first element with this name, where there is any.
    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        self.first(name).map(Self::text).filter(|text| !text.is_empty())
    }

    /// The value of an attribute, in any case of its name, where it is not empty.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let (_, value) =
            self.attributes.iter().find(|(found, _)| found.eq_ignore_ascii_case(name))?;
        Some(value.trim()).filter(|value| !value.is_empty())
    }
}

/// Reads a document into the element that stands for it, and leaves open what the document does not close.
fn fill(text: &str, open: &mut Vec<Element>) -> Result<(), XmlError> {
    let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    let mut left = MOST;
    loop {
        match reader.read_event().map_err(XmlError::Malformed)? {
            Event::Start(tag) => {
                if open.len() > DEEPEST {
                    return Err(XmlError::TooDeep);
                }
                open.push(element(&tag, &mut left)?);
            }
            Event::Empty(tag) => {
                let element = element(&tag, &mut left)?;
                if let Some(inner) = open.last_mut() {
                    inner.children.push(element);
                }
            }
            Event::End(_) => close(open),
            Event::Text(text) => write(open, &text.xml10_content()),
            Event::CData(text) => write(open, &text.xml10_content()),
            Event::GeneralRef(entity) => write(open, &resolve(&entity)?),
            Event::DocType(_) => return Err(XmlError::Definitions),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => return Ok(()),
        }
    }
}

fn close(open: &mut Vec<Element>) {
    if open.len() > 1
        && let Some(inner) = open.pop()
        && let Some(outer) = open.last_mut()
    {
        outer.children.push(inner);
    }
}

fn write(open: &mut [Element], text: &str) {
    if let Some(inner) = open.last_mut() {
        inner.text.push_str(text);
    }
}

fn element(tag: &BytesStart<'_>, left: &mut usize) -> Result<Element, XmlError> {
    let mut take = || left.checked_sub(1).map(|rest| *left = rest).ok_or(XmlError::TooMany);
    take()?;
    let mut element = Element { name: tag.local_name().as_ref().to_owned(), ..Element::default() };
    for attribute in tag.attributes() {
        take()?;
        let attribute = attribute.map_err(XmlError::Attribute)?;
        let value =
            attribute.normalized_value(XmlVersion::Implicit1_0).map_err(XmlError::Malformed)?;
        let name = attribute.key.local_name().as_ref().to_owned();
        element.attributes.push((name, value.into_owned()));
    }
    Ok(element)
}

fn resolve(entity: &BytesRef<'_>) -> Result<String, XmlError> {
    let name = entity.xml10_content();
    let char = entity.resolve_char_ref().map_err(XmlError::Malformed)?;
    let known = char.map(String::from);
    let known = known.or_else(|| resolve_predefined_entity(&name).map(str::to_owned));
    known.ok_or_else(|| XmlError::Entity(name.chars().take(100).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn error(text: &str) -> String {
        Element::parse(text).1.map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn elements_attributes_and_text() {
        let text = "\u{feff}<?xml version='1.0'?><!-- c --><x:a xmlns:x='u' Key=' 1&amp;2 '>\
            <b>one &lt;&#65; <![CDATA[<two>]]></b><b/><c>x</c></x:a>";
        let (root, error) = Element::parse(text);
        assert!(error.is_none(), "{error:?}");
        assert_eq!((root.name.as_str(), root.attribute("key")), ("a", Some("1&2")));
        assert_eq!(root.all("b").count(), 2);
        assert_eq!(root.text_of("b"), Some("one <A <two>"));
        assert_eq!(root.text_of("d"), None);
        assert_eq!(root.children().len(), 3);
    }

    #[test]
    fn of_a_broken_document_is_kept_what_was_read() {
        let (root, error) = Element::parse("<a><b>1</b><c>2");
        assert_eq!(root.text_of("b"), Some("1"));
        assert_eq!(error.unwrap().to_string(), "malformed XML: the document ends too early");
        assert!(error_of_mismatch().starts_with("malformed XML: "));
        for text in ["", "  ", "text", "<!-- -->"] {
            assert_eq!(self::error(text), "malformed XML: the document ends too early", "{text}");
        }
    }

    fn error_of_mismatch() -> String {
        error("<a><b></a></b>")
    }

    #[test]
    fn nothing_is_defined_nested_or_repeated_without_end() {
        let bomb = "<!DOCTYPE a [<!ENTITY b 'x'>]><a>&b;</a>";
        assert_eq!(error(bomb), "the document has a type definition, which is not read");
        assert_eq!(error("<a>&b;</a>"), "the entity `b` is not known");
        assert!(error("<a b='&c;'/>").starts_with("malformed XML: "));
        assert_eq!(error(&"<a>".repeat(1_000_000)), "elements are nested more than 64 deep");
        let many = format!("<a>{}</a>", "<b/>".repeat(MOST));
        assert_eq!(error(&many), "more than 500000 elements");
    }
}
