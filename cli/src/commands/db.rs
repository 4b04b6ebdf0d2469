//! `plimsoll db`.

use crate::{
    args::{DbCommand, DbList, DbOrigin, DbUpdateArguments},
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    report::{self, Output},
    stages::{
        aboard::{self, Reading},
        advisories,
    },
};
use camino::{Utf8Path, Utf8PathBuf};
use jiff::{SignedDuration, Timestamp};
use plimsoll_model::{
    Class, Printable, Reference,
    scan::{IndexStamp, SourceKind, SourceStamp},
};
use plimsoll_oci::directory::Ignored;
use plimsoll_vuln::{
    Builder, Imported, Index,
    feeds::{Kept, Location, Plan},
};
use serde_json::{Value, json};
use std::fmt::Write as _;
use tokio::task::spawn_blocking;

/// The lists beside OSV's export: what they are told by, and where they are published.
const LISTS: &[(SourceKind, &str)] = &[
    (
        SourceKind::Exploited,
        "https://www.cisa.gov/sites/default/files/csv/known_exploited_vulnerabilities.csv",
    ),
    (SourceKind::Predictions, "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz"),
    (SourceKind::Lifetimes, "https://debian.pages.debian.net/distro-info-data/debian.csv"),
    (SourceKind::Lifetimes, "https://debian.pages.debian.net/distro-info-data/ubuntu.csv"),
];
/// Clocks of two machines may differ by this much.
const SKEW: SignedDuration = SignedDuration::from_mins(10);
/// Records that could not be read and are named.
const NAMED: usize = 20;

/// The advisory index.
pub(crate) async fn db(ctx: &Context, command: &DbCommand) -> Result<&'static ExitStatus, Error> {
    match command {
        DbCommand::Import { paths, index } => {
            import(ctx, paths, &ctx.index_path(index.db.as_deref())?).await
        }
        DbCommand::Update(arguments) => {
            let path = ctx.index_path(arguments.index.db.as_deref())?;
            match &arguments.from {
                DbOrigin::Feed(base) => update(ctx, base, arguments, &path).await,
                DbOrigin::Artifact(from) => pull(ctx, from, arguments, &path).await,
            }
        }
        DbCommand::Export { to, index } => {
            let path = ctx.index_path(index.db.as_deref())?;
            let artifact = advisories::export(ctx, &path, to).await?;
            report::to_stdout(format!("{path} is at {to} as {}\n", artifact.digest).as_bytes())?;
            Ok(&exit::PASSED)
        }
        DbCommand::Status { index, output } => {
            status(ctx, &ctx.index_path(index.db.as_deref())?, output)
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
    install(ctx, builder, path).await
}

async fn update(
    ctx: &Context,
    base: &url::Url,
    arguments: &DbUpdateArguments,
    path: &Utf8Path,
) -> Result<&'static ExitStatus, Error> {
    if ctx.shared.offline {
        return Err(Error::usage(
            format!("advisories can not be fetched from {base}: --offline forbids it"),
            "import records that are on this machine with `plimsoll db import DIR`",
        ));
    }
    let plan = Plan {
        base: base.clone(),
        ecosystems: ecosystems(ctx, arguments).await?,
        lists: lists(base, arguments)?,
        patience: ctx.shared.timeout,
    };
    let stage = ctx.ui.stage("update");
    let mut builder = Builder::new(ctx.now, &ctx.limits);
    let bar = stage.bar();
    let progress = move |what: &str, bytes: u64| {
        if let Some(bar) = &bar {
            bar.set_message(format!("update {}: {} KiB", Printable(what), bytes / 1024));
        }
    };
    // Held until the index is in its place: of two updates at once the second one waits, and then finds little to do.
    let kept = Kept::beside(path).await?;
    let imported = plimsoll_vuln::feeds::update(&plan, &kept, &mut builder, &progress).await?;
    stage.done(&summary(&imported));
    let status = install(ctx, builder, path).await;
    drop(kept);
    status
}

/// The ecosystems that are wanted, by name and as what is aboard the subject needs them; none for all.
async fn ecosystems(ctx: &Context, arguments: &DbUpdateArguments) -> Result<Vec<String>, Error> {
    let Some(subject) = &arguments.subject else { return Ok(arguments.ecosystems.clone()) };
    let reading = Reading { platform: None, ignored: Ignored::PassedOver };
    let aboard = aboard::read(ctx, subject, reading).await?;
    let needed = plimsoll_vuln::ecosystems(aboard.inventory());
    if needed.is_empty() && arguments.ecosystems.is_empty() {
        return Err(Error::usage(
            format!("nothing aboard `{subject}` is of an ecosystem that has advisories"),
            "name the ecosystems with --ecosystem",
        ));
    }
    Ok(needed.into_iter().chain(arguments.ecosystems.iter().cloned()).collect())
}

/// The lists that are wanted. Those of the public are taken where the advisories are the public's as well: who has a mirror
/// may reach nothing else.
fn lists(
    base: &url::Url,
    arguments: &DbUpdateArguments,
) -> Result<Vec<(SourceKind, Location)>, Error> {
    let is_public = base.as_str().trim_end_matches('/') == DbOrigin::OSV;
    let given: [(SourceKind, Vec<&DbList>); 3] = [
        (SourceKind::Exploited, arguments.kev.iter().collect()),
        (SourceKind::Predictions, arguments.epss.iter().collect()),
        (SourceKind::Lifetimes, arguments.distro_info.iter().collect()),
    ];
    let mut lists = Vec::new();
    for (kind, given) in given {
        for list in &given {
            if let DbList::At(location) = list {
                lists.push((kind, location.clone()));
            }
        }
        if given.is_empty() && is_public {
            for (_, url) in LISTS.iter().filter(|(of, _)| *of == kind) {
                let url = url.parse().map_err(|_error| Error::Internal("an address is none"))?;
                lists.push((kind, Location::Url(url)));
            }
        }
    }
    Ok(lists)
}

/// The old index stays until the new one is whole.
async fn pull(
    ctx: &Context,
    from: &Reference,
    arguments: &DbUpdateArguments,
    path: &Utf8Path,
) -> Result<&'static ExitStatus, Error> {
    let lists = [&arguments.kev, &arguments.epss].iter().any(|list| list.is_some());
    let ecosystems = !arguments.ecosystems.is_empty() || arguments.subject.is_some();
    if lists || ecosystems || !arguments.distro_info.is_empty() {
        return Err(Error::usage(
            format!("`{from}` is a whole index: nothing can be chosen or added"),
            "leave out --ecosystem, --for, --kev, --epss and --distro-info",
        ));
    }
    let bytes = advisories::pull(ctx, from).await?;
    let target = path.to_owned();
    let index = spawn_blocking(move || plimsoll_vuln::install(&bytes, &target))
        .await
        .map_err(Error::Worker)??;
    say(ctx, &index, path)
}

/// The old index stays until the new one is whole.
async fn install(
    ctx: &Context,
    builder: Builder,
    path: &Utf8Path,
) -> Result<&'static ExitStatus, Error> {
    let target = path.to_owned();
    let index = spawn_blocking(move || {
        let bytes = builder.finish()?;
        Ok::<_, Error>(plimsoll_vuln::install(&bytes, &target)?)
    })
    .await
    .map_err(Error::Worker)??;
    say(ctx, &index, path)
}

/// What is in its place now, and what is not in it.
fn say(ctx: &Context, index: &Index, path: &Utf8Path) -> Result<&'static ExitStatus, Error> {
    let stamp = index.stamp();
    let named = index
        .unreadable()
        .iter()
        .flat_map(|source| source.first.iter().map(move |record| (source.source.as_str(), record)));
    for (source, record) in named.take(NAMED) {
        ctx.ui.warn(&format!(
            "record `{}` of {source} can not be read: {}",
            record.name, record.reason
        ));
    }
    for warning in yet_to_come(stamp, ctx.now) {
        ctx.ui.warn(&warning);
    }
    let said = format!("{} records in {path} ({})\n", index.len(), stamp.digest.short());
    report::to_stdout(said.as_bytes())?;
    match unreadable(stamp) {
        0 => Ok(&exit::PASSED),
        count => {
            let text = format!("{count} records could not be read: their sources are incomplete");
            ctx.ui.warn(&text);
            Ok(exit::of_class(Class::Undecided))
        }
    }
}

fn unreadable(stamp: &IndexStamp) -> u64 {
    stamp.sources.iter().map(|source| source.unreadable).fold(0, u64::saturating_add)
}

/// Times that have not been yet: a clock is wrong, and ages by it are not to be believed.
fn yet_to_come(stamp: &IndexStamp, now: Timestamp) -> Vec<String> {
    let is_to_come = |time: Timestamp| time.duration_since(now) > SKEW;
    let built = is_to_come(stamp.built)
        .then(|| format!("the index was built at {}, which is yet to come", stamp.built));
    let newest = stamp.sources.iter().filter_map(|source| {
        let newest = source.newest.filter(|newest| is_to_come(*newest))?;
        Some(format!(
            "the newest record of {} is of {newest}, which is yet to come: is the clock right?",
            source.ecosystem
        ))
    });
    built.into_iter().chain(newest).collect()
}

fn summary(imported: &[Imported]) -> String {
    let records: u64 = imported.iter().map(|part| part.records).sum();
    let unreadable: usize = imported.iter().map(|part| part.unreadable.len()).sum();
    format!("{records} records, {unreadable} unreadable")
}

fn status(
    ctx: &Context,
    path: &Utf8Path,
    outputs: &[Output],
) -> Result<&'static ExitStatus, Error> {
    let index = Index::open(path)?;
    let stamp = index.stamp();
    let mut text = format!(
        "index   {path}\ndigest  {}\nbuilt   {}\nrecords {}\n",
        stamp.digest,
        stamp.built,
        index.len()
    );
    for source in &stamp.sources {
        text.push_str(&line(source, ctx.now));
        for record in first_unreadable(&index, source) {
            // Writing to a string does not fail.
            let (name, reason) = (Printable(&record.name), Printable(&record.reason));
            writeln!(text, "        {name} can not be read: {reason}").ok();
        }
    }
    for warning in yet_to_come(stamp, ctx.now) {
        ctx.ui.warn(&warning);
    }
    let json = json!({
        "version": 1, "index": path, "digest": stamp.digest, "built": stamp.built, "records": index.len(),
        "sources": stamp.sources.iter().map(|source| as_json(&index, source, ctx.now)).collect::<Vec<_>>(),
    });
    report::write_simple(outputs, &text, &json)?;
    Ok(&exit::PASSED)
}

fn first_unreadable<'a>(
    index: &'a Index,
    source: &SourceStamp,
) -> impl Iterator<Item = &'a plimsoll_vuln::UnreadableRecord> {
    let named = index.unreadable().iter().filter(|named| named.source == source.ecosystem);
    named.flat_map(|named| &named.first)
}

fn line(source: &SourceStamp, now: Timestamp) -> String {
    let newest = source.newest.map_or_else(|| "unknown".to_owned(), |newest| newest.to_string());
    let from = source.from.as_deref().unwrap_or("files");
    let incomplete = match source.unreadable {
        0 => String::new(),
        count => format!(", {count} unreadable: incomplete"),
    };
    let what = match source.kind {
        SourceKind::Advisories => "records",
        SourceKind::Exploited => "exploited flaws",
        SourceKind::Predictions => "scores",
        SourceKind::Lifetimes => "releases",
    };
    format!(
        "source  {}: {} {what}, newest {newest}, fetched {} ({} ago) from {}{incomplete}\n",
        Printable(&source.ecosystem),
        source.records,
        source.fetched,
        age(source, now),
        Printable(from)
    )
}

fn age(source: &SourceStamp, now: Timestamp) -> String {
    let age = now.duration_since(source.fetched);
    match age.as_hours() {
        0 => format!("{} minutes", age.as_mins()),
        hours @ ..48 => format!("{hours} hours"),
        hours => format!("{} days", hours.div_euclid(24)),
    }
}

fn as_json(index: &Index, source: &SourceStamp, now: Timestamp) -> Value {
    let named = first_unreadable(index, source);
    json!({
        "kind": source.kind.as_str(), "ecosystem": source.ecosystem, "from": source.from,
        "records": source.records, "unreadable": source.unreadable, "newest": source.newest,
        "fetched": source.fetched, "ageSeconds": now.duration_since(source.fetched).as_secs(),
        "firstUnreadable": named
            .map(|record| json!({ "name": record.name, "reason": record.reason }))
            .collect::<Vec<_>>(),
    })
}
