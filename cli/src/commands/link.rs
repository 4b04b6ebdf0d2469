//! `plimsoll link`.

use crate::{
    args::LinkArguments,
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    files, report,
    stages::keys,
};
use camino::Utf8PathBuf;
use plimsoll_attest::link::{self, LinkFacts};
use plimsoll_model::Digest;
use std::collections::BTreeMap;

/// Signs what a step took and made, for a layout of in-toto.
pub(crate) fn link(ctx: &Context, arguments: &LinkArguments) -> Result<&'static ExitStatus, Error> {
    if arguments.materials.is_empty() && arguments.products.is_empty() {
        return Err(Error::usage(
            "a link about no file says nothing".to_owned(),
            "name what the step took with `--materials`, and what it made with `--products`",
        ));
    }
    let (materials, products) =
        (digests(ctx, &arguments.materials)?, digests(ctx, &arguments.products)?);
    let signer = keys::signer(ctx, &arguments.key)?;
    let facts = LinkFacts { step: &arguments.step, materials: &materials, products: &products };
    let link = link::sign(&facts, &signer)?;
    let path = arguments.links.join(link.file_name());
    files::write(&path, link.bytes())?;
    report::to_stdout(format!("{path}\n").as_bytes())?;
    Ok(&exit::PASSED)
}

/// Files by the names that verifiers give them: without `./` in front.
fn digests(ctx: &Context, paths: &[Utf8PathBuf]) -> Result<BTreeMap<String, Digest>, Error> {
    let digest = |path: &Utf8PathBuf| {
        let name = path.as_str();
        let name = name.strip_prefix("./").unwrap_or(name).to_owned();
        Ok((name, Digest::of(&files::read(path, ctx.limits.file)?)))
    };
    paths.iter().map(digest).collect()
}
