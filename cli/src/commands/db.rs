//! `plimsoll db`.

use crate::{
    args::DbCommand,
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    report::{self, Output},
};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_model::{Class, Printable};
use plimsoll_vuln::{Builder, Imported, Index};
use serde_json::json;
use std::fmt::Write as _;
use tokio::task::spawn_blocking;

/// The advisory index.
pub(crate) async fn db(ctx: &Context, command: &DbCommand) -> Result<&'static ExitStatus, Error> {
    match command {
        DbCommand::Import { paths, index } => {
            import(ctx, paths, &ctx.index_path(index.db.as_deref())?).await
        }
        DbCommand::Update { from, ecosystems, index } => {
            update(ctx, (from, ecosystems), &ctx.index_path(index.db.as_deref())?).await
        }
        DbCommand::Status { index, output } => {
            status(&ctx.index_path(index.db.as_deref())?, output)
        }
        DbCommand::Verify { index } => {
            let path = ctx.index_path(index.db.as_deref())?;
            Index::open(&path)?.verify()?;
            report::to_stdout(format!("{path} is what its digest promises\n").as_bytes())?;
            Ok(&exit::PASSED)
        }
    }
}

async fn import(
    ctx: &Context,
    paths: &[Utf8PathBuf],
    path: &Utf8Path,
) -> Result<&'static ExitStatus, Error> {
    let stage = ctx.ui.stage("import");
    let mut builder = Builder::new(ctx.now, &ctx.limits);
    let paths = paths.to_vec();
    let (builder, imported) = spawn_blocking(move || {
        let imported =
            paths.iter().map(|path| builder.import(path)).collect::<Result<Vec<_>, _>>()?;
        Ok::<_, Error>((builder, imported))
    })
    .await
    .map_err(Error::Worker)??;
    stage.done(&summary(&imported));
    install(ctx, builder, &imported, path).await
}

async fn update(
    ctx: &Context,
    (from, ecosystems): (&url::Url, &[String]),
    path: &Utf8Path,
) -> Result<&'static ExitStatus, Error> {
    if ctx.shared.offline {
        return Err(Error::usage(
            format!("advisories can not be fetched from {from}: --offline forbids it"),
            "import records that are on this machine with `plimsoll db import DIR`",
        ));
    }
    let stage = ctx.ui.stage("update");
    let mut builder = Builder::new(ctx.now, &ctx.limits);
    let bar = stage.bar();
    let progress = move |ecosystem: &str, bytes: u64| {
        if let Some(bar) = &bar {
            bar.set_message(format!("update {}: {} KiB", Printable(ecosystem), bytes / 1024));
        }
    };
    let imported = plimsoll_vuln::feeds::update(from, ecosystems, &mut builder, &progress).await?;
    stage.done(&summary(&imported));
    install(ctx, builder, &imported, path).await
}

/// The old index stays until the new one is whole.
async fn install(
    ctx: &Context,
    builder: Builder,
    imported: &[Imported],
    path: &Utf8Path,
) -> Result<&'static ExitStatus, Error> {
    let target = path.to_owned();
    let index = spawn_blocking(move || {
        let bytes = builder.finish()?;
        Ok::<_, Error>(plimsoll_vuln::install(&bytes, &target)?)
    })
    .await
    .map_err(Error::Worker)??;
    let unreadable: Vec<_> = imported.iter().flat_map(|part| &part.unreadable).collect();
    for record in unreadable.iter().take(20) {
        ctx.ui.warn(&format!("record `{}` can not be read: {}", record.name, record.reason));
    }
    let said = format!("{} records in {path} ({})\n", index.len(), index.stamp().digest.short());
    report::to_stdout(said.as_bytes())?;
    if unreadable.is_empty() {
        Ok(&exit::PASSED)
    } else {
        ctx.ui.warn(&format!(
            "{} records could not be read: their sources are incomplete",
            unreadable.len()
        ));
        Ok(exit::of_class(Class::Undecided))
    }
}

fn summary(imported: &[Imported]) -> String {
    let records: u64 = imported.iter().map(|part| part.records).sum();
    let unreadable: usize = imported.iter().map(|part| part.unreadable.len()).sum();
    format!("{records} records, {unreadable} unreadable")
}

fn status(path: &Utf8Path, outputs: &[Output]) -> Result<&'static ExitStatus, Error> {
    let index = Index::open(path)?;
    let stamp = index.stamp();
    let mut text = format!(
        "index   {path}\ndigest  {}\nbuilt   {}\nrecords {}\n",
        stamp.digest,
        stamp.built,
        index.len()
    );
    for source in &stamp.sources {
        let newest =
            source.newest.map_or_else(|| "unknown".to_owned(), |newest| newest.to_string());
        let incomplete = match source.unreadable {
            0 => String::new(),
            count => format!(", {count} unreadable: incomplete"),
        };
        // Writing to a string does not fail.
        writeln!(
            text,
            "source  {}: {} records, newest {newest}, fetched {}{incomplete}",
            Printable(&source.ecosystem),
            source.records,
            source.fetched
        )
        .ok();
    }
    let json = json!({
        "version": 1, "index": path, "digest": stamp.digest, "built": stamp.built, "records": index.len(),
        "sources": stamp.sources.iter().map(|source| json!({
            "ecosystem": source.ecosystem, "records": source.records, "unreadable": source.unreadable,
            "newest": source.newest, "fetched": source.fetched,
        })).collect::<Vec<_>>(),
    });
    report::write_simple(outputs, &text, &json)?;
    Ok(&exit::PASSED)
}
