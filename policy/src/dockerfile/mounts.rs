//! What a `RUN` mounts: the fields of `--mount`.
//!
//! As BuildKit reads them: one record of CSV, names in any case, the last of a name counts, and variables in every value.
//! <https://github.com/moby/buildkit/blob/v0.25.0/frontend/dockerfile/instructions/commands_runmount.go>

use super::{expand::Expanded, lines::Position};

/// One `--mount` of a `RUN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Where the flag stands.
    pub at: Position,
    fields: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    /// In lower case.
    name: String,
    written: String,
    value: Expanded,
}

impl Mount {
    pub(super) fn read(at: Position, text: &str, expand: &dyn Fn(&str) -> Expanded) -> Self {
        let fields = records(text).into_iter().filter_map(|field| {
            let (name, written) = field.split_once('=')?;
            let name = name.trim().to_ascii_lowercase();
            Some(Field { name, value: expand(written), written: written.to_owned() })
        });
        Self { at, fields: fields.collect() }
    }

    /// What a field comes to that may have any of these names.
    pub fn value(&self, names: &[&str]) -> Option<&Expanded> {
        self.field(names).map(|field| &field.value)
    }

    /// A field as it is written.
    pub fn written(&self, names: &[&str]) -> Option<&str> {
        self.field(names).map(|field| field.written.as_str())
    }

    /// Its text, as far as it is known: with variables replaced where all are, else as written.
    pub fn text(&self, names: &[&str]) -> Option<&str> {
        self.field(names).map(|field| field.value.known().unwrap_or(&field.written))
    }

    /// Its type in lower case: `bind` where none is given, and nothing where it depends on what is not known.
    pub fn kind(&self) -> Option<String> {
        match self.value(&["type"]) {
            Some(kind) => kind.known().map(str::to_ascii_lowercase),
            None => Some("bind".to_owned()),
        }
    }

    fn field(&self, names: &[&str]) -> Option<&Field> {
        self.fields.iter().rfind(|field| names.contains(&field.name.as_str()))
    }
}

/// The fields of one record of CSV: what begins with a quote goes up to the next one, and two of them stand for one.
///
/// Off-spec: a quote within a field is taken as it is, where BuildKit refuses to build.
fn records(text: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut is_quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let Some(field) = fields.last_mut() else { break };
        match char {
            '"' if is_quoted && chars.next_if_eq(&'"').is_some() => field.push('"'),
            '"' if is_quoted => is_quoted = false,
            '"' if field.is_empty() => is_quoted = true,
            ',' if !is_quoted => fields.push(String::new()),
            char => field.push(char),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(text: &str) -> Mount {
        let expand = |text: &str| match text.strip_prefix('$') {
            Some(variable) => Expanded::Unknown { variable: variable.to_owned() },
            None => Expanded::Known(text.to_owned()),
        };
        Mount::read(Position { line: 1, column: 5 }, text, &expand)
    }

    #[test]
    fn fields_are_csv_with_names_in_any_case_and_the_last_counts() {
        for text in [
            "type=bind,from=x.io/y:1,target=/m",
            "TYPE=bind,From=x.io/y:1,TARGET=/m",
            "type=bind,\"from=x.io/y:1\",\"target=/m\"",
            "from=a,from=x.io/y:1,dst=/n,target=/m",
            "ro,from=x.io/y:1,target=/m",
        ] {
            let mount = mount(text);
            assert_eq!(mount.kind().as_deref(), Some("bind"), "{text}");
            assert_eq!(mount.text(&["from"]), Some("x.io/y:1"), "{text}");
            assert_eq!(mount.text(&["target", "dst"]), Some("/m"), "{text}");
        }
        assert_eq!(mount("\"id=a,b\"\"c\",type=SECRET").text(&["id"]), Some("a,b\"c"));
        assert_eq!(mount("\"id=a,b\"\"c\",type=SECRET").kind().as_deref(), Some("secret"));
        assert_eq!(mount("\"id=a").text(&["id"]), Some("a"));
        assert_eq!(mount("id=a\"b,x=c").text(&["id"]), Some("a\"b"));
        assert_eq!(mount("").text(&["id"]), None);
    }

    #[test]
    fn what_a_variable_hides_is_not_guessed() {
        let mount = mount("type=$T,from=$F");
        assert_eq!((mount.kind(), mount.text(&["from"])), (None, Some("$F")));
        assert_eq!(mount.value(&["from"]), Some(&Expanded::Unknown { variable: "F".to_owned() }));
        assert_eq!(mount.written(&["from"]), Some("$F"));
    }
}
