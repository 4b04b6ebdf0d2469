//! An evidence file: written where an image can be asked about, read where nothing can be asked.

use crate::{
    context::Context,
    error::Error,
    files, policy_file,
    stages::look::{Answers, Looked},
};
use camino::Utf8Path;
use plimsoll_attest::{
    Trust,
    archive::{ARCHIVE_LIMIT, Archive, ArchivedImage},
};
use plimsoll_policy::{EvidenceKind, Policy};
use std::collections::BTreeSet;

/// Reads an evidence file.
pub(crate) fn read(ctx: &Context, path: &Utf8Path) -> Result<Archive, Error> {
    let bytes = files::read(path, ARCHIVE_LIMIT)?;
    Ok(Archive::parse(&bytes, &ctx.limits, ctx.now)?)
}

/// Writes an evidence file with everything that was found. What could not be told is packed as that; an image that could
/// not be resolved has no digest, and nothing about it can be packed.
pub(crate) fn write(
    ctx: &Context,
    path: &Utf8Path,
    answers: &Answers,
    (policy, trust, kinds): (&Policy, &Trust, &BTreeSet<EvidenceKind>),
) -> Result<(), Error> {
    let looked = answers.outcomes.iter().filter_map(|outcome| outcome.as_ref().ok());
    let images: Vec<ArchivedImage> = looked.map(image).collect();
    if images.is_empty() {
        return Err(Error::usage(
            format!("there is nothing to pack into `{path}`: no image was found"),
            "see above why",
        ));
    }
    let file = policy.path().and_then(Utf8Path::file_name).map(Utf8Path::new);
    let policy = file
        .map(|file| policy_file::read_named_text(policy, file, ctx.limits.user_file))
        .transpose()?;
    let archive = Archive {
        images,
        trust: trust.clone(),
        required: kinds.iter().map(ToString::to_string).collect(),
        policy,
    };
    files::write(path, &archive.to_bytes(&ctx.limits)?)
}

fn image(looked: &Looked) -> ArchivedImage {
    ArchivedImage {
        subject: looked.subject.clone(),
        digest: looked.digest,
        candidates: looked.candidates.found().map(<[_]>::to_vec),
    }
}

/// What the maker of a file demanded.
///
/// [`Error::Usage`] where a kind of evidence is not known here: to leave it out would be to demand less.
pub(crate) fn required(archive: &Archive) -> Result<BTreeSet<EvidenceKind>, Error> {
    let kinds = archive.required.iter().map(|kind| {
        kind.parse().map_err(|error| {
            Error::usage(
                format!("the evidence file demands `{kind}`: {error}"),
                "say what has to be there: `--type TYPE`",
            )
        })
    });
    kinds.collect()
}
