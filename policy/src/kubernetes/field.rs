//! Values of an object, each there, absent, or not to be told.

use crate::yaml::{At, Node, Value};

/// What stands under a key.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Field<'a, T> {
    /// Nothing: the default of Kubernetes counts.
    Absent,
    /// This.
    Is(At, T),
    /// Something that is not what has to stand there: a template, or a value of a wrong type.
    Untold(&'a Node),
}

/// The value at a path of keys. Its place is that of its text, also where an alias brought it.
pub(crate) fn look<'a>(node: &'a Node, path: &[&str]) -> Field<'a, &'a Node> {
    let mut node = node;
    for key in path {
        if !matches!(node.value, Value::Map(_) | Value::Null) {
            return Field::Untold(node);
        }
        let Some(next) = node.get(key) else { return Field::Absent };
        node = next;
    }
    Field::Is(node.defined, node)
}

/// Whether a text is to be filled in by a program first.
pub(crate) fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("${")
}

impl<'a, T: Copy> Field<'a, T> {
    /// This, or the other where this is absent.
    pub(crate) fn or(self, other: Self) -> Self {
        if matches!(self, Self::Absent) { other } else { self }
    }

    /// The value, where it is there.
    pub(crate) fn known(self) -> Option<(At, T)> {
        if let Self::Is(at, value) = self { Some((at, value)) } else { None }
    }

    /// What stands there in place of a value.
    pub(crate) fn untold(self) -> Option<&'a Node> {
        if let Self::Untold(node) = self { Some(node) } else { None }
    }

    /// Where it stands, else where what it is a part of stands.
    pub(crate) fn at(self, otherwise: At) -> At {
        match self {
            Self::Absent => otherwise,
            Self::Is(at, _) => at,
            Self::Untold(node) => node.defined,
        }
    }
}

impl<'a> Field<'a, &'a Node> {
    fn read<T>(self, read: impl FnOnce(&'a Node) -> Option<T>) -> Field<'a, T> {
        match self {
            Self::Absent => Field::Absent,
            Self::Untold(node) => Field::Untold(node),
            Self::Is(at, node) => {
                read(node).map_or(Field::Untold(node), |read| Field::Is(at, read))
            }
        }
    }

    /// As yes or no.
    pub(crate) fn boolean(self) -> Field<'a, bool> {
        self.read(|node| if let Value::Boolean(value) = node.value { Some(value) } else { None })
    }

    /// As a whole number.
    pub(crate) fn number(self) -> Field<'a, i64> {
        self.read(|node| if let Value::Integer(value) = node.value { Some(value) } else { None })
    }

    /// As a text that is no template.
    pub(crate) fn text(self) -> Field<'a, &'a str> {
        self.read(|node| node.text().filter(|text| !is_template(text)))
    }

    /// As a list.
    pub(crate) fn list(self) -> Field<'a, &'a [Node]> {
        self.read(|node| matches!(node.value, Value::List(_)).then(|| node.items()))
    }

    /// As a mapping.
    pub(crate) fn mapping(self) -> Self {
        self.read(|node| matches!(node.value, Value::Map(_)).then_some(node))
    }

    /// The items of a list, none where it is no list.
    pub(crate) fn items(self) -> &'a [Node] {
        self.known().map(|(_, node)| node.items()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_is_told_from_what_is_wrong() {
        let node = crate::yaml::read(
            "a: {b: true, c: '{{ x }}', d: null, e: 5, f: [1]}\ng: text\n",
            "p".into(),
        )
        .unwrap();
        let of = |path: &[&str]| look(&node, path);
        assert_eq!(of(&["a", "b"]).boolean().known(), Some((At { line: 1, column: 8 }, true)));
        assert!(of(&["a", "c"]).boolean().untold().is_some());
        assert!(of(&["a", "c"]).text().untold().is_some());
        let absent: [&[&str]; 3] = [&["a", "d"], &["a", "d", "x"], &["x", "y"]];
        assert!(absent.into_iter().all(|path| matches!(of(path), Field::Absent)));
        assert!(of(&["g", "y"]).untold().is_some());
        assert_eq!(of(&["a", "e"]).number().known().unwrap().1, 5);
        assert!(of(&["a", "e"]).text().untold().is_some());
        assert_eq!(of(&["a", "f"]).items().len(), 1);
        assert!(of(&["a", "e"]).list().untold().is_some());
        assert!(of(&["a"]).mapping().known().is_some());
    }
}
