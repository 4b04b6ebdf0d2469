//! Where a component was found, as text: `/opt/a.jar!/lib/b.jar`, with the rest beside it.

use plimsoll_model::{Digest, TreePath, component::Location};
use std::fmt::Write as _;

const INSIDE: &str = "!/";
const LAYER: &str = "layer:";
const PATH_HEX: &str = "path-hex:";

/// A [`Location`] in two texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LocationText {
    /// For people: the path with a leading slash, then what is inside after `!/`; not UTF-8 is replaced.
    pub(crate) place: String,
    /// For reading back: words with the layer and, where `place` would be misread, the path in hexadecimal.
    pub(crate) context: Option<String>,
}

impl LocationText {
    /// The texts of a location.
    pub(crate) fn of(location: &Location) -> Self {
        let mut place = location.path.to_string();
        if !location.inside.is_empty() {
            place.push_str(INSIDE);
            place.push_str(&location.inside);
        }
        let mut words = Vec::new();
        if let Some(layer) = location.layer {
            words.push(format!("{LAYER}{layer}"));
        }
        let naive = Self { place: place.clone(), context: None }.read();
        if naive.is_none_or(|read| {
            (read.path, read.inside) != (location.path.clone(), location.inside.clone())
        }) {
            words.push(format!("{PATH_HEX}{}", hex::encode(location.path.as_bytes())));
        }
        Self { place, context: (!words.is_empty()).then(|| words.join(" ")) }
    }

    /// The location, if the place is a path inside a tree.
    pub(crate) fn read(&self) -> Option<Location> {
        let words = || self.context.as_deref().unwrap_or_default().split(' ');
        let layer = words()
            .find_map(|word| word.strip_prefix(LAYER))
            .and_then(|word| word.parse::<Digest>().ok());
        let exact = words()
            .find_map(|word| word.strip_prefix(PATH_HEX))
            .and_then(|word| hex::decode(word).ok())
            .and_then(|bytes| TreePath::parse(&bytes).ok());
        let exact = exact.and_then(|path| {
            let rest = self.place.strip_prefix(path.to_string().as_str())?;
            Some((path, rest.strip_prefix(INSIDE).unwrap_or_default()))
        });
        let plain = || {
            let (path, inside) = self.place.split_once(INSIDE).unwrap_or((&self.place, ""));
            Some((TreePath::parse(path.as_bytes()).ok()?, inside))
        };
        let (path, inside) = exact.or_else(plain)?;
        Some(Location { path, inside: inside.to_owned(), layer })
    }

    /// Both texts in one line: the words first, then the place, which begins with a slash and so ends them.
    pub(crate) fn to_line(&self) -> String {
        let mut line = String::new();
        if let Some(context) = &self.context {
            // Writing to a string does not fail.
            write!(line, "{context} ").unwrap_or_default();
        }
        line + &self.place
    }

    /// The texts of a line.
    pub(crate) fn from_line(line: &str) -> Self {
        let place = line.find('/').unwrap_or(0);
        let (context, place) = line.split_at_checked(place).unwrap_or(("", line));
        let context = Some(context.trim_end()).filter(|text| !text.is_empty()).map(str::to_owned);
        Self { place: place.to_owned(), context }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Any location, hostile ones included.
    pub(crate) fn any_location() -> impl Strategy<Value = Location> {
        let part = prop_oneof!["[a-z.!/ ]{1,8}", "\\PC{1,4}"].prop_map(String::into_bytes);
        let path = prop_oneof![part, proptest::collection::vec(1_u8.., 1..6)]
            .prop_filter_map("path", |bytes| TreePath::parse(&bytes).ok());
        let inside = prop_oneof![Just(String::new()), "[a-z!/]{0,8}", any::<String>()];
        (path, inside, proptest::option::of(any::<[u8; 32]>())).prop_map(|(path, inside, layer)| {
            Location { path, inside, layer: layer.map(Digest::from_bytes) }
        })
    }

    proptest! {
        #[test]
        fn every_location_comes_back(location in any_location()) {
            let text = LocationText::of(&location);
            prop_assert_eq!(text.read(), Some(location));
            prop_assert_eq!(LocationText::from_line(&text.to_line()), text);
        }
    }

    #[test]
    fn plain_places_need_no_words() {
        let location = Location {
            path: TreePath::parse(b"opt/a.jar").unwrap(),
            inside: "lib/b.jar!/lib/c.jar".to_owned(),
            layer: None,
        };
        let text = LocationText::of(&location);
        assert_eq!(text.place, "/opt/a.jar!/lib/b.jar!/lib/c.jar");
        assert_eq!(text.context, None);
    }

    #[test]
    fn a_place_that_leaves_the_tree_is_none() {
        for place in ["/../etc/passwd", "a/../../b", "a\0b"] {
            assert_eq!(LocationText { place: place.to_owned(), context: None }.read(), None);
        }
    }
}
