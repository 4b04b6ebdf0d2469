//! Which images a command is about, where they are many: typed, listed, or named by the files of an orchestrator.

use crate::{args::ImagesArguments, context::Context, error::Error, files, stages::resolve};
use camino::Utf8Path;
use plimsoll_attest::archive::ArchivedImage;
use plimsoll_model::{Digest, Reference};
use plimsoll_policy::manifests::{self, ImageUse, UsedImage};
use std::io::Read as _;

/// The most images that are taken at once.
const IMAGES: usize = 10_000;
/// What `-` is called.
const STANDARD_INPUT: &str = "standard input";

/// An image that was asked for.
#[derive(Debug)]
pub(crate) struct Asked {
    /// What people call it. May come from a file: not yet fit for a terminal.
    pub name: String,
    /// Where it is named (`compose.yaml:3:5, service web`); absent where it was typed.
    pub place: Option<String>,
    /// What it refers to, or why that can not be told.
    pub image: Result<AskedImage, String>,
}

/// What an image that was asked for is looked up by.
#[derive(Debug, Clone)]
pub(crate) enum AskedImage {
    /// What a person or a file names.
    Named(Reference),
    /// What an evidence file has.
    Packed(Digest),
}

impl Asked {
    /// One that was typed.
    pub(crate) fn typed(reference: &Reference) -> Self {
        Self {
            name: reference.to_string(),
            place: None,
            image: Ok(AskedImage::Named(reference.clone())),
        }
    }

    /// One in an evidence file.
    pub(crate) fn packed(image: &ArchivedImage) -> Self {
        let image_of_file = AskedImage::Packed(image.digest);
        Self { name: image.subject.clone(), place: None, image: Ok(image_of_file) }
    }
}

/// Every image that was asked for, in order: those that were typed, the list, compose files, Kubernetes manifests.
pub(crate) fn asked(ctx: &Context, arguments: &ImagesArguments) -> Result<Vec<Asked>, Error> {
    let mut asked: Vec<Asked> = arguments.subjects.iter().map(Asked::typed).collect();
    if let Some(path) = &arguments.list {
        let name = if path == "-" { Utf8Path::new(STANDARD_INPUT) } else { path };
        asked.extend(list(&read(ctx, path)?, name)?);
    }
    let kinds: [(_, Reader); 2] =
        [(&arguments.compose, manifests::compose), (&arguments.kubernetes, manifests::kubernetes)];
    for (paths, reader) in kinds {
        for path in paths {
            let uses = reader(&read(ctx, path)?, path)?;
            asked.extend(uses.into_iter().map(|found| used(found, path)));
        }
    }
    for one in &asked {
        if let Ok(AskedImage::Named(reference)) = &one.image {
            resolve::refuse_others(reference)?;
        }
    }
    if asked.len() > IMAGES {
        let found = asked.len();
        return Err(Error::usage(
            format!("{found} images: at most {IMAGES} are taken at once"),
            "call it several times, each with a part of them",
        ));
    }
    Ok(asked)
}

type Reader = fn(&str, &Utf8Path) -> Result<Vec<ImageUse>, plimsoll_policy::Error>;

#[expect(clippy::disallowed_methods, reason = "the read is bounded by `take`")]
fn read(ctx: &Context, path: &Utf8Path) -> Result<String, Error> {
    let limit = ctx.limits.user_file;
    if path != "-" {
        return files::read_text(path, limit);
    }
    let path = Utf8Path::new(STANDARD_INPUT);
    let mut bytes = Vec::new();
    std::io::stdin()
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|source| Error::Read { path: path.to_owned(), source })?;
    if u64::try_from(bytes.len()).map_or(true, |length| length > limit) {
        return Err(Error::TooLarge { path: path.to_owned(), limit });
    }
    String::from_utf8(bytes).map_err(|_not_utf8| Error::NotText { path: path.to_owned() })
}

/// One image a line; empty lines and those that begin with `#` are none.
fn list(text: &str, path: &Utf8Path) -> Result<Vec<Asked>, Error> {
    let lines = (1_usize..).zip(text.lines().map(str::trim));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let read = lines.map(|(number, line)| {
        let reference =
            line.parse().map_err(|error: plimsoll_model::reference::ReferenceError| {
                Error::usage(
                    format!("{path}:{number}: {error}"),
                    "a list has one image a line, and nothing behind it",
                )
            })?;
        let place = Some(format!("{path}:{number}"));
        Ok(Asked { name: line.to_owned(), place, image: Ok(AskedImage::Named(reference)) })
    });
    read.collect()
}

fn used(found: ImageUse, path: &Utf8Path) -> Asked {
    let ImageUse { line, column, by, image } = found;
    let place = format!("{path}:{line}:{column}, {by}");
    match image {
        UsedImage::Named(name) => Asked {
            name: name.to_string(),
            place: Some(place),
            image: Ok(AskedImage::Named(Reference::Registry(name))),
        },
        UsedImage::Untold(why) => Asked { name: by, place: Some(place), image: Err(why) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_one_image_a_line() {
        let asked = list("# all of them\n\n a.io/b:1 \r\noci-layout:out:2", "l".into()).unwrap();
        let lines: Vec<_> =
            asked.iter().map(|one| (one.name.as_str(), one.place.as_deref().unwrap())).collect();
        assert_eq!(lines, [("a.io/b:1", "l:3"), ("oci-layout:out:2", "l:4")]);
        let error = list("a.io/b:1\na b\n", "l".into()).unwrap_err();
        assert!(
            matches!(&error, Error::Usage { message, .. } if message.starts_with("l:2: malformed ")),
            "{error}"
        );
    }
}
