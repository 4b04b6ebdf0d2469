//! CycloneDX 1.2 to 1.7 XML: made into what its JSON would be, and read as that.
//!
//! There is no DTD and no entity but the five of XML itself; elements nest at most 128 deep, and there are at most 64 of
//! them for each component that may be read.

use super::{cyclonedx, found::Found};
use crate::Error;
use plimsoll_model::Limits;
use quick_xml::{
    Reader, XmlVersion,
    events::{BytesRef, BytesStart, Event},
};
use serde_json::{Map, Value};

/// How deep elements nest.
const DEPTH: usize = 128;

/// Elements that hold a list of what is in them.
const LISTS: [&str; 12] = [
    "assemblies",
    "authors",
    "components",
    "compositions",
    "dependencies",
    "externalReferences",
    "hashes",
    "licenses",
    "lifecycles",
    "methods",
    "occurrences",
    "properties",
];

/// Elements that may stand several times without a list around them.
const REPEATED: [&str; 3] = ["contact", "identity", "url"];

/// Elements that are objects even where there is nothing in them.
const OBJECTS: [&str; 8] =
    ["bom", "component", "evidence", "license", "lifecycle", "metadata", "occurrence", "supplier"];

/// Elements that hold a text and attributes, and the field that the text is in JSON.
const TEXTS: [(&str, &str); 3] =
    [("expression", "expression"), ("hash", "content"), ("property", "value")];

/// Reads a document, and says of what version it is.
pub(crate) fn read(bytes: &[u8], limits: &Limits) -> Result<(Found, String), Error> {
    let text = std::str::from_utf8(bytes).map_err(|_error| refused("it is not UTF-8"))?;
    let mut tree = Tree { open: Vec::new(), elements: 0, components: 0, limits, root: None };
    let mut reader = Reader::from_str(text);
    loop {
        let event = reader.read_event().map_err(syntax)?;
        if matches!(event, Event::Eof) {
            break;
        }
        tree.take(event)?;
    }
    let Some((name, root)) = tree.root.filter(|_| tree.open.is_empty()) else {
        return Err(refused("it ends before its last element does"));
    };
    let version = root
        .get("xmlns")
        .and_then(Value::as_str)
        .and_then(|namespace| namespace.strip_prefix("http://cyclonedx.org/schema/bom/"));
    let Some(version) = version.filter(|_| name == "bom").map(str::to_owned) else {
        return Err(Error::UnknownSbomFormat);
    };
    if !matches!(version.as_str(), "1.2" | "1.3" | "1.4" | "1.5" | "1.6" | "1.7") {
        let supported = "1.2 to 1.7";
        return Err(Error::UnsupportedSbomVersion { format: "CycloneDX", version, supported });
    }
    let bom = serde_json::from_value(root).map_err(|source| Error::SbomSyntax { source })?;
    Ok((cyclonedx::of_bom(bom), version))
}

fn syntax(source: quick_xml::Error) -> Error {
    Error::SbomXml { source: Box::new(source) }
}

fn refused(reason: &'static str) -> Error {
    Error::SbomXmlRefused { reason }
}

/// An element that has begun.
struct Open {
    name: String,
    attributes: Map<String, Value>,
    children: Vec<(String, Value)>,
    text: String,
}

/// What was read so far.
struct Tree<'a> {
    open: Vec<Open>,
    elements: usize,
    components: usize,
    limits: &'a Limits,
    root: Option<(String, Value)>,
}

impl Tree<'_> {
    fn take(&mut self, event: Event<'_>) -> Result<(), Error> {
        match event {
            Event::Start(start) => self.begin(&start),
            Event::Empty(start) => {
                self.begin(&start)?;
                self.end();
                Ok(())
            }
            Event::End(_) => {
                self.end();
                Ok(())
            }
            Event::Text(text) => {
                self.text(&text.xml10_content());
                Ok(())
            }
            Event::CData(text) => {
                self.text(&text.xml10_content());
                Ok(())
            }
            Event::GeneralRef(reference) => {
                let char = resolve(&reference)?;
                self.text(char.encode_utf8(&mut [0; 4]));
                Ok(())
            }
            Event::DocType(_) => Err(refused("it has a document type definition")),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::Eof => Ok(()),
        }
    }

    fn begin(&mut self, start: &BytesStart<'_>) -> Result<(), Error> {
        if self.open.len() >= DEPTH {
            return Err(refused("its elements nest too deep"));
        }
        if self.open.is_empty() && self.root.is_some() {
            return Err(refused("it has more than one root"));
        }
        self.elements = self.elements.saturating_add(1);
        if self.elements > self.limits.sbom_components.saturating_mul(64).max(4_096) {
            return Err(refused("it has too many elements"));
        }
        let name = start.local_name().as_ref().to_owned();
        if name == "component" && self.open.last().is_some_and(|one| one.name == "components") {
            self.components = self.components.saturating_add(1);
        }
        let (count, limit) = (self.components, self.limits.sbom_components);
        if count > limit {
            return Err(Error::TooManySbomComponents { count, limit });
        }
        let mut attributes = Map::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| syntax(error.into()))?;
            let value = attribute.normalized_value(XmlVersion::Explicit1_0).map_err(syntax)?;
            let value = Value::String(value.into_owned());
            attributes.insert(attribute.key.as_ref().to_owned(), value);
        }
        self.open.push(Open { name, attributes, children: Vec::new(), text: String::new() });
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if let Some(open) = self.open.last_mut() {
            open.text.push_str(text);
        }
    }

    fn end(&mut self) {
        // The reader has seen to it that each element ends that has begun.
        let Some(open) = self.open.pop() else { return };
        let name = open.name.clone();
        let value = open.close();
        match self.open.last_mut() {
            Some(around) => around.children.push((name, value)),
            None => self.root = Some((name, value)),
        }
    }
}

/// One character for a reference to it: by number, or one of the five names of XML.
fn resolve(reference: &BytesRef<'_>) -> Result<char, Error> {
    if let Some(char) = reference.resolve_char_ref().map_err(syntax)? {
        return Ok(char);
    }
    match &*reference.xml10_content() {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => Err(refused("it refers to an entity that XML does not define")),
    }
}

impl Open {
    /// The element as JSON would have it.
    fn close(self) -> Value {
        let Self { name, mut attributes, children, text } = self;
        let is_tools = name == "tools" && !children.iter().any(|(name, _)| name == "components");
        if LISTS.contains(&name.as_str()) || is_tools {
            return Value::Array(children.into_iter().map(of_list).collect());
        }
        if name == "dependency" {
            let needs = children.into_iter().filter_map(|(_, mut child)| {
                Some(child.as_object_mut()?.remove("ref").unwrap_or_default())
            });
            attributes.insert("dependsOn".to_owned(), Value::Array(needs.collect()));
            return Value::Object(attributes);
        }
        if let Some((_, field)) = TEXTS.iter().find(|(element, _)| *element == name) {
            attributes.insert((*field).to_owned(), Value::String(text));
            return Value::Object(attributes);
        }
        let is_object = OBJECTS.contains(&name.as_str());
        if children.is_empty() && attributes.is_empty() && !is_object {
            return Value::String(text);
        }
        for (name, child) in children {
            if !REPEATED.contains(&name.as_str()) {
                attributes.insert(name, child);
                continue;
            }
            let list = attributes.entry(name).or_insert_with(|| Value::Array(Vec::new()));
            if let Some(list) = list.as_array_mut() {
                list.push(child);
            }
        }
        Value::Object(attributes)
    }
}

/// A thing in a list: a licence says in JSON what it is.
fn of_list((name, value): (String, Value)) -> Value {
    if name == "license" { Value::Object(Map::from_iter([(name, value)])) } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "<bom xmlns=\"http://cyclonedx.org/schema/bom/1.6\"";

    #[track_caller]
    fn check_refused(xml: &str, expect: &str) {
        let error = read(xml.as_bytes(), &Limits::STANDARD).unwrap_err();
        let found = format!("{error:?}");
        assert!(found.contains(expect), "{found}");
        assert_eq!(plimsoll_model::Classify::class(&error), plimsoll_model::Class::Rejected);
    }

    #[test]
    fn hostile_xml_is_refused() {
        let bomb = "<!DOCTYPE bom [<!ENTITY a \"b\"><!ENTITY c \"&a;&a;\">]>";
        check_refused(&format!("{bomb}{HEAD}>&c;</bom>"), "document type definition");
        check_refused(&format!("{HEAD}>&c;</bom>"), "entity");
        check_refused(&format!("{HEAD}>&#0;</bom>"), "SbomXml");
        check_refused(&format!("{HEAD}>{}", "<components><component>".repeat(100_000)), "nest");
        check_refused(&format!("{HEAD}/><bom/>"), "more than one root");
        check_refused(&format!("{HEAD}>"), "ends before");
        check_refused(&format!("{HEAD}></bum>"), "SbomXml");
        check_refused(&format!("{HEAD} a=\"1\" a=\"2\"/>"), "SbomXml");
        check_refused("<bom/>", "UnknownSbomFormat");
        check_refused("<html xmlns=\"http://cyclonedx.org/schema/bom/1.6\"/>", "UnknownSbomFormat");
        check_refused(
            "<bom xmlns=\"http://cyclonedx.org/schema/bom/1.1\"/>",
            "UnsupportedSbomVersion",
        );
        check_refused(
            &format!(
                "{HEAD}><components><component><name><b/></name></component></components></bom>"
            ),
            "SbomSyntax",
        );
    }

    #[test]
    fn the_number_of_components_is_limited() {
        let xml = format!("{HEAD}><components>{}</components></bom>", "<component/>".repeat(3));
        let limits = Limits { sbom_components: 2, ..Limits::STANDARD };
        let error = read(xml.as_bytes(), &limits).unwrap_err();
        assert!(matches!(error, Error::TooManySbomComponents { count: 3, limit: 2 }), "{error:?}");
        assert!(read(xml.as_bytes(), &Limits { sbom_components: 3, ..Limits::STANDARD }).is_ok());
    }

    #[test]
    fn documents_of_others_are_read() {
        let xml = r#"<?xml version="1.0"?>
            <!-- by hand -->
            <b:bom xmlns:b="urn:x" xmlns="http://cyclonedx.org/schema/bom/1.4" version="1">
              <metadata>
                <timestamp>2026-11-22T12:00:00Z</timestamp>
                <tools><tool><vendor>v</vendor><name>t</name><version>1</version></tool></tools>
                <authors><author><name>A &amp; B</name><email>a@example.org</email></author></authors>
                <component type="container" bom-ref="r"><name>app</name><version/></component>
              </metadata>
              <components>
                <component type="library" bom-ref="1">
                  <group>org.slf4j</group><name><![CDATA[slf4j-api]]></name><version>2.0</version>
                  <scope>optional</scope>
                  <hashes><hash alg="SHA-1">AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA</hash></hashes>
                  <licenses><license><id>MIT</id></license><license><name>mine</name></license></licenses>
                  <purl>pkg:maven/org.slf4j/slf4j-api@2.0?type=jar&amp;x=y</purl>
                  <components><component type="library" bom-ref="2"><name>n</name><purl>pkg:npm/n@1</purl></component></components>
                </component>
                <component type="library"><name>odd</name></component>
              </components>
              <dependencies><dependency ref="2"><dependency ref="1"/></dependency></dependencies>
            </b:bom>"#;
        let (mut found, version) = read(xml.as_bytes(), &Limits::STANDARD).unwrap();
        found.facts.format = "CycloneDX";
        let sbom = found.into_sbom();
        assert_eq!(version, "1.4");
        assert_eq!(sbom.facts.authors, ["A & B <a@example.org>"]);
        assert_eq!(sbom.facts.tools, ["t 1"]);
        let [slf4j, nested] = sbom.inventory.components() else { panic!() };
        assert_eq!((slf4j.name.as_str(), nested.name.as_str()), ("org.slf4j:slf4j-api", "n"));
        assert_eq!(slf4j.licenses, ["MIT", "mine"]);
        assert_eq!(slf4j.hashes.len(), 1);
        assert_eq!(slf4j.purl.qualifier("x"), Some("y"));
        assert_eq!(slf4j.scope, plimsoll_model::component::Scope::Optional);
        // One of containment, one of need.
        assert_eq!(sbom.inventory.relations().len(), 2);
        assert_eq!(sbom.inventory.unknowns.len(), 1);
        assert_eq!(sbom.facts.components.len(), 4);
    }
}
