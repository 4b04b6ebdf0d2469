//! Which advisories are judged by, and what they say.

use crate::{args::IndexArguments, context::Context, error::Error};
use plimsoll_model::{Inventory, scan::Scan};
use plimsoll_vuln::{Builder, Index};
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// Opens the index, or builds one of the records that were named on the command line.
pub(crate) async fn open(ctx: &Context, arguments: &IndexArguments) -> Result<Arc<Index>, Error> {
    if arguments.advisories.is_empty() {
        return Ok(Arc::new(Index::open(&ctx.index_path(arguments.db.as_deref())?)?));
    }
    let stage = ctx.ui.stage("advisories");
    let mut builder = Builder::new(ctx.now, &ctx.limits);
    let paths = arguments.advisories.clone();
    let (index, unreadable) = spawn_blocking(move || {
        let mut unreadable = Vec::new();
        for path in &paths {
            unreadable.extend(builder.import(path)?.unreadable);
        }
        Ok::<_, Error>((Index::from_bytes(builder.finish()?)?, unreadable))
    })
    .await
    .map_err(Error::Worker)??;
    for record in &unreadable {
        ctx.ui
            .warn(&format!("advisory record `{}` can not be read: {}", record.name, record.reason));
    }
    stage.done(&format!("{} records", index.len()));
    Ok(Arc::new(index))
}

/// The same without a word, of a build that is looked at beside the one that is judged.
pub(crate) async fn scan_quietly(
    inventory: &Arc<Inventory>,
    index: &Arc<Index>,
) -> Result<Scan, Error> {
    let (inventory, index) = (Arc::clone(inventory), Arc::clone(index));
    spawn_blocking(move || plimsoll_vuln::scan(&inventory, &index)).await.map_err(Error::Worker)
}

/// Matches the inventory against the index.
pub(crate) async fn scan(
    ctx: &Context,
    inventory: &Arc<Inventory>,
    index: &Arc<Index>,
) -> Result<Scan, Error> {
    let stage = ctx.ui.stage("scan");
    let (inventory, index) = (Arc::clone(inventory), Arc::clone(index));
    let scan = spawn_blocking(move || plimsoll_vuln::scan(&inventory, &index))
        .await
        .map_err(Error::Worker)?;
    let counts = scan.counts();
    stage.done(&format!(
        "{} matched, {} clean, {} not evaluated",
        counts.matched, counts.clean, counts.not_evaluated
    ));
    Ok(scan)
}
