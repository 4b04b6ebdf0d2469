//! The images that files of orchestrators name: what would run, wherever it stands in them.
//!
//! Nothing that may name an image is passed over: where it can not be told which one, that is part of the answer. A name is
//! always one in a registry: no manifest makes a reader open files of this machine.

mod compose;
mod kubernetes;

pub use compose::compose;
pub use kubernetes::kubernetes;

use crate::{
    Error,
    yaml::{self, At, Entry, Node, Value},
};
use camino::Utf8Path;
use plimsoll_model::reference::ImageName;

/// What a file of YAML is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManifestKind {
    /// Services for `docker compose`.
    Compose,
}

/// What a file is for, by its name; nothing where the name does not say.
pub fn kind(name: &str) -> Option<ManifestKind> {
    let name = name.to_ascii_lowercase();
    let stem = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml"))?;
    let is_compose = ["compose", "docker-compose"].iter().any(|known| {
        stem.strip_prefix(known)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_']))
    }) || stem.ends_with(".compose");
    is_compose.then_some(ManifestKind::Compose)
}

/// The most images that one file may name.
const IMAGES: usize = 1_000;

/// A place in a manifest where an image is named, or should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageUse {
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// What would run it (`Deployment web, container app`). From the file: not yet fit for a terminal.
    pub by: String,
    /// The image.
    pub image: UsedImage,
}

/// Which image is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsedImage {
    /// This one.
    Named(ImageName),
    /// One that can not be told from the file, and why. With text from the file: not yet fit for a terminal.
    Untold(String),
}

/// What was found so far.
struct Found<'a> {
    path: &'a Utf8Path,
    uses: Vec<ImageUse>,
}

impl<'a> Found<'a> {
    const fn new(path: &'a Utf8Path) -> Self {
        Self { path, uses: Vec::new() }
    }

    fn add(&mut self, at: At, by: String, image: UsedImage) -> Result<(), Error> {
        if self.uses.len() >= IMAGES {
            return Err(Error::Manifest {
                path: self.path.to_owned(),
                line: at.line,
                column: at.column,
                message: format!("more than {IMAGES} images"),
            });
        }
        self.uses.push(ImageUse { line: at.line, column: at.column, by, image });
        Ok(())
    }

    /// An image by its name, or why that is none.
    fn name(&mut self, at: At, by: String, text: &str) -> Result<(), Error> {
        let image = match text.parse() {
            Ok(name) => UsedImage::Named(name),
            Err(error) => UsedImage::Untold(format!("`{text}` names no image: {error}")),
        };
        self.add(at, by, image)
    }

    fn untold(&mut self, at: At, by: String, why: impl Into<String>) -> Result<(), Error> {
        self.add(at, by, UsedImage::Untold(why.into()))
    }
}

/// The documents of a manifest; what can not be read as a whole is rejected as a whole.
fn documents(text: &str, path: &Utf8Path) -> Result<Vec<Node>, Error> {
    yaml::read_all(text, path).map_err(|error| {
        if let Error::Invalid { path, line, column, message, .. } = error {
            Error::Manifest { path, line, column, message }
        } else {
            error
        }
    })
}

impl Node {
    /// The entries of a mapping; none of anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        if let Value::Map(entries) = &self.value { entries } else { &[] }
    }

    /// The items of a list; none of anything else.
    pub(crate) fn items(&self) -> &[Self] {
        if let Value::List(items) = &self.value { items } else { &[] }
    }

    /// What stands under a key; nothing at all counts as no such key.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let entry = self.entries().iter().find(|entry| entry.key == key)?;
        (!matches!(entry.value.value, Value::Null)).then_some(&entry.value)
    }

    /// A text.
    pub(crate) fn text(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }

    /// The text under a key.
    pub(crate) fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_their_names() {
        for name in [
            "compose.yaml",
            "compose.yml",
            "docker-compose.yml",
            "Docker-Compose.prod.yaml",
            "compose.override.yaml",
            "docker-compose-ci.yml",
            "shop.compose.yaml",
        ] {
            assert_eq!(kind(name), Some(ManifestKind::Compose), "{name}");
        }
        for name in ["composer.yaml", "values.yaml", "compose.json", "Dockerfile", ".yaml"] {
            assert_eq!(kind(name), None, "{name}");
        }
    }
}
