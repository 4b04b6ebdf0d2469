//! VEX documents → what is said of the flaws of a subject. Which of it counts is the policy's.

use crate::{context::Context, error::Error, files, policy_file};
use camino::Utf8Path;
use plimsoll_model::Digest;
use plimsoll_policy::{
    Policy,
    vex::{self, Document, Image, VexFacts},
};
use std::sync::Arc;

/// The documents that the policy names, and those that the command line does; nothing where neither names one.
///
/// Documents that are attached to the image are not looked at: whoever can push there could clear whatever is aboard.
#[derive(Debug, Default)]
pub(crate) struct Read(Arc<[Document]>);

/// Reads the documents. What can not be read is an error, and never a document that says nothing.
///
/// Those of the command line are as much of the policy as what `--fail-on` says: it gets a digest of its own.
pub(crate) fn read(
    policy: Policy,
    arguments: &crate::args::VexArguments,
) -> Result<(Policy, Read), Error> {
    let named = policy.vex().documents.iter().map(|path| {
        let bytes = policy_file::read_named(&policy, path, vex::LARGEST)?;
        Ok(vex::read(&bytes, &Context::beside_policy(&policy, path))?)
    });
    let mut documents = named.collect::<Result<Vec<_>, Error>>()?;
    let given = arguments.vex.iter().map(|path| read_one(path));
    let given = given.collect::<Result<Vec<_>, _>>()?;
    let digests: Vec<Digest> = given.iter().map(|document| document.digest).collect();
    documents.extend(given);
    Ok((policy.with_vex(&digests), Read(documents.into())))
}

/// Reads one document.
pub(crate) fn read_one(path: &Utf8Path) -> Result<Document, Error> {
    Ok(vex::read(&files::read_past(path, vex::LARGEST)?, path)?)
}

impl Read {
    /// What is said of this image, or of what is no image.
    pub(crate) fn about(&self, image: Option<Image>) -> Option<VexFacts> {
        let documents = Arc::clone(&self.0);
        (!documents.is_empty()).then_some(VexFacts { documents, image })
    }
}
