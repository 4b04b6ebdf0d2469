//! CycloneDX as XML: 1.6, and by `@` other versions: <https://cyclonedx.org/docs/1.6/xml/>.
//!
//! It is made from the tree that is written as JSON, whose fields stand in the order of the XML schema. Characters that XML
//! can not hold (NUL, escape) become U+FFFD: the only thing that is not read back as it was.

use super::{
    Document, Format,
    shared::{
        cyclonedx::{self, Version},
        cyclonedx_legacy::{self, Text},
    },
};
use crate::Error;
use cyclonedx_bom::prelude::SpecVersion;
use serde_json::{Map, Value};
use std::{
    fmt::{self, Write as _},
    io::Write,
};

/// CycloneDX 1.6 XML.
pub(crate) const FORMAT: Format = Format {
    id: "cyclonedx-xml",
    description: "CycloneDX 1.6 as XML: the same as in JSON",
    write: |document, out| write(document, Version::V1_6, out),
};

/// The other versions.
pub(crate) const VERSIONS: &[Format] = &[
    Format {
        id: "cyclonedx-xml@1.3",
        description: "CycloneDX 1.3 as XML",
        write: |document, out| legacy(document, SpecVersion::V1_3, out),
    },
    Format {
        id: "cyclonedx-xml@1.4",
        description: "CycloneDX 1.4 as XML",
        write: |document, out| legacy(document, SpecVersion::V1_4, out),
    },
    Format {
        id: "cyclonedx-xml@1.5",
        description: "CycloneDX 1.5 as XML",
        // The crate writes the lifecycles of 1.5 where its schema does not allow them.
        write: |document, out| write(document, Version::V1_5, out),
    },
    Format {
        id: "cyclonedx-xml@1.7",
        description: "CycloneDX 1.7 as XML",
        write: |document, out| write(document, Version::V1_7, out),
    },
];

/// Fields that are attributes of the element that they belong to.
const ATTRIBUTES: [(&str, &[&str]); 9] = [
    ("component", &["type", "bom-ref"]),
    ("hash", &["alg"]),
    ("property", &["name"]),
    ("license", &["acknowledgement"]),
    ("expression", &["acknowledgement"]),
    ("dependency", &["ref"]),
    ("assembly", &["ref"]),
    ("bom", &["serialNumber", "version"]),
    ("swid", &["tagId", "name", "version"]),
];

/// Elements whose text is the value of this field; the others are attributes.
const TEXTS: [(&str, &str); 3] =
    [("hash", "content"), ("property", "value"), ("expression", "expression")];

/// Lists, and the element that each thing in them is. What is not here stands for itself, as often as there are things.
const LISTS: [(&str, &str); 9] = [
    ("assemblies", "assembly"),
    ("components", "component"),
    ("compositions", "composition"),
    ("dependencies", "dependency"),
    ("hashes", "hash"),
    ("lifecycles", "lifecycle"),
    ("methods", "method"),
    ("occurrences", "occurrence"),
    ("properties", "property"),
];

fn write(document: &Document<'_>, version: Version, out: &mut dyn Write) -> Result<(), Error> {
    let tree = cyclonedx::with_bom(document, version, |bom| {
        serde_json::to_value(bom).map_err(|source| Error::WriteSbom { source })
    })?;
    let mut xml = Xml { text: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned(), depth: 0 };
    if let Value::Object(mut bom) = tree {
        for field in ["$schema", "bomFormat", "specVersion"] {
            bom.shift_remove(field);
        }
        let namespace = format!("http://cyclonedx.org/schema/bom/{}", version.as_str());
        let mut fields = Map::from_iter([("xmlns".to_owned(), Value::String(namespace))]);
        fields.extend(bom);
        xml.object("bom", &fields);
    }
    out.write_all(xml.text.as_bytes()).map_err(|source| Error::Output { source })
}

fn legacy(
    document: &Document<'_>,
    version: SpecVersion,
    mut out: &mut dyn Write,
) -> Result<(), Error> {
    cyclonedx_legacy::bom(document, version, Text::Xml)?
        .output_as_xml(&mut out, version)
        .map_err(|source| Error::WriteCycloneDxXml { source })?;
    out.write_all(b"\n").map_err(|source| Error::Output { source })
}

/// What is written so far, and how deep it stands. The depth is that of our own tree.
struct Xml {
    text: String,
    depth: usize,
}

impl Xml {
    fn value(&mut self, name: &str, value: &Value) {
        match value {
            Value::Object(fields) => self.object(name, fields),
            Value::Array(things) => self.list(name, things),
            Value::Null => {}
            Value::String(text) => self.leaf(name, "", text),
            Value::Bool(_) | Value::Number(_) => self.leaf(name, "", &value.to_string()),
        }
    }

    fn list(&mut self, name: &str, things: &[Value]) {
        if name == "dependsOn" {
            return things.iter().for_each(|thing| self.reference("dependency", thing));
        }
        if name == "licenses" {
            return self.around(name, |xml| things.iter().for_each(|thing| xml.license(thing)));
        }
        let Some((_, item)) = LISTS.iter().find(|(list, _)| *list == name) else {
            return things.iter().for_each(|thing| self.value(name, thing));
        };
        self.around(name, |xml| {
            for thing in things {
                // Whatever a composition is about is only named.
                if thing.is_string() {
                    xml.reference(item, thing);
                } else {
                    xml.value(item, thing);
                }
            }
        });
    }

    /// One licence of a list; an expression is its own element.
    fn license(&mut self, choice: &Value) {
        match choice.get("license") {
            Some(license) => self.value("license", license),
            None => self.value("expression", choice),
        }
    }

    fn reference(&mut self, name: &str, to: &Value) {
        let to = to.as_str().unwrap_or_default();
        self.line(&format!("<{name} ref=\"{}\"/>", Escaped(to)));
    }

    fn object(&mut self, name: &str, fields: &Map<String, Value>) {
        let own = ATTRIBUTES.iter().find(|(element, _)| *element == name);
        let is_attribute = |key: &str| {
            key == "xmlns" || own.is_some_and(|(_, attributes)| attributes.contains(&key))
        };
        let mut attributes = String::new();
        for (key, value) in fields.iter().filter(|(key, _)| is_attribute(key)) {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            // Writing to a string does not fail.
            write!(attributes, " {key}=\"{}\"", Escaped(&value)).unwrap_or_default();
        }
        let text = TEXTS.iter().find(|(element, _)| *element == name);
        if let Some((_, field)) = text {
            let text = fields.get(*field).and_then(Value::as_str).unwrap_or_default();
            return self.leaf(name, &attributes, text);
        }
        let mut rest = fields.iter().filter(|(key, _)| !is_attribute(key)).peekable();
        if rest.peek().is_none() {
            return self.line(&format!("<{name}{attributes}/>"));
        }
        self.line(&format!("<{name}{attributes}>"));
        self.depth = self.depth.saturating_add(1);
        rest.for_each(|(key, value)| self.value(key, value));
        self.depth = self.depth.saturating_sub(1);
        self.line(&format!("</{name}>"));
    }

    fn around(&mut self, name: &str, inside: impl FnOnce(&mut Self)) {
        self.line(&format!("<{name}>"));
        self.depth = self.depth.saturating_add(1);
        inside(self);
        self.depth = self.depth.saturating_sub(1);
        self.line(&format!("</{name}>"));
    }

    fn leaf(&mut self, name: &str, attributes: &str, text: &str) {
        self.line(&format!("<{name}{attributes}>{}</{name}>", Escaped(text)));
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(&"  ".repeat(self.depth));
        self.text.push_str(line);
        self.text.push('\n');
    }
}

/// A text as it stands in an element or an attribute.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for char in self.0.chars() {
            match char {
                '&' => out.write_str("&amp;")?,
                '<' => out.write_str("&lt;")?,
                '>' => out.write_str("&gt;")?,
                '"' => out.write_str("&quot;")?,
                // As they are, they would be read as spaces.
                '\t' => out.write_str("&#9;")?,
                '\n' => out.write_str("&#10;")?,
                '\r' => out.write_str("&#13;")?,
                char => out.write_char(cyclonedx_legacy::held(char))?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::tests::{document, inventory};

    #[test]
    fn what_xml_can_not_hold_is_escaped_or_replaced() {
        let text = Escaped("<a> & \"b\"\n\r\t\0\u{1b}\u{ffff}é").to_string();
        assert_eq!(text, "&lt;a&gt; &amp; &quot;b&quot;&#10;&#13;&#9;\u{fffd}\u{fffd}\u{fffd}é");
    }

    #[test]
    fn every_version_says_which_it_is_and_is_read_again() {
        let inventory = inventory();
        for format in VERSIONS.iter().chain([&FORMAT]) {
            let bytes = format.to_vec(&document(&inventory)).unwrap();
            let limits = plimsoll_model::Limits::STANDARD;
            let sbom = super::super::read_document(&bytes, &limits).unwrap();
            let version = format.id.split_once('@').map_or("1.6", |(_, version)| version);
            assert_eq!(sbom.facts.version, version);
            assert_eq!(sbom.inventory.components().len(), inventory.components().len());
        }
    }
}
