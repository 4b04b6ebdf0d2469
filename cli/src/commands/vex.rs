//! `plimsoll vex`.

use crate::{
    args::{VexAddArguments, VexCommand, VexExportArguments, VexFormat, VexListArguments},
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    files, report,
    stages::vex::read_one,
};
use plimsoll_model::Printable;
use plimsoll_policy::vex::{
    self, Document, Item, Product, Statement,
    write::{Addition, ExportFormat},
};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// VEX in and out.
pub(crate) fn vex(ctx: &Context, command: &VexCommand) -> Result<&'static ExitStatus, Error> {
    match command {
        VexCommand::Add(arguments) => add(ctx, arguments),
        VexCommand::List(arguments) => list(arguments),
        VexCommand::Export(arguments) => export(ctx, arguments),
    }
}

fn add(ctx: &Context, arguments: &VexAddArguments) -> Result<&'static ExitStatus, Error> {
    let path = &arguments.path;
    let existing = path.exists().then(|| files::read_past(path, vex::LARGEST)).transpose()?;
    let addition = Addition {
        products: arguments.products.clone(),
        subcomponents: arguments.subcomponents.clone(),
        id: arguments.vulnerability.clone(),
        aliases: arguments.aliases.clone(),
        status: arguments.status.clone(),
        justification: arguments.justification.clone(),
        impact: arguments.impact.clone(),
        action: arguments.action.clone(),
        author: arguments.author.clone(),
    };
    let time = ctx.document_time.unwrap_or(ctx.now);
    let written = vex::write::add(existing.as_deref(), path, &addition, time)?;
    files::write(path, &written.bytes)?;
    let said = format!(
        "added {} {} in {}; {path} is now at version {}, with {} statements",
        addition.id,
        addition.status,
        addition.products.join(", "),
        written.version,
        written.statements,
    );
    report::to_stdout(format!("{}\n", Printable(&said)).as_bytes())?;
    Ok(&exit::PASSED)
}

fn list(arguments: &VexListArguments) -> Result<&'static ExitStatus, Error> {
    let documents = arguments.files.iter().map(|path| read_one(path));
    let documents = documents.collect::<Result<Vec<_>, _>>()?;
    let mut text = String::new();
    for document in &documents {
        // Writing to a string does not fail.
        table(&mut text, document).ok();
    }
    let json =
        json!({ "version": 1, "documents": documents.iter().map(as_json).collect::<Vec<_>>() });
    report::write_simple(&arguments.output, &text, &json)?;
    Ok(&exit::PASSED)
}

fn table(out: &mut String, document: &Document) -> std::fmt::Result {
    let author = if document.author.is_empty() { "nobody" } else { &document.author };
    let heading = format!(
        "{} ({}, version {}) by {author}: {} statements",
        document.path,
        document.format,
        version(document),
        document.statements.len()
    );
    writeln!(out, "{}", Printable(&heading))?;
    for statement in &document.statements {
        let time =
            statement.timestamp.map_or_else(|| "(no time)".to_owned(), |time| time.to_string());
        let line = format!("{time} {} {}", statement.ids.join(", "), statement.status.as_str());
        writeln!(out, "\n{}", Printable(&line))?;
        row(out, "at", &statement.at)?;
        for product in &statement.products {
            row(out, "product", &describe(product))?;
        }
        row(out, "why", statement.justification.unwrap_or_default())?;
        row(out, "impact", statement.impact.as_deref().unwrap_or_default())?;
        row(out, "action", statement.action.as_deref().unwrap_or_default())?;
    }
    Ok(())
}

fn row(out: &mut String, name: &str, value: &str) -> std::fmt::Result {
    if value.is_empty() { Ok(()) } else { writeln!(out, "  {name:<9} {}", Printable(value)) }
}

fn version(document: &Document) -> String {
    document.version.iter().map(ToString::to_string).collect::<Vec<_>>().join(".")
}

fn describe(product: &Product) -> String {
    let parts: Vec<String> = product.subcomponents.iter().map(name).collect();
    let whole = name(&product.item);
    if parts.is_empty() { whole } else { format!("{} in {whole}", parts.join(", ")) }
}

fn name(item: &Item) -> String {
    let purls: Vec<&str> = item.purls.iter().map(plimsoll_model::Purl::as_str).collect();
    let digest = item.digest.iter().map(ToString::to_string);
    let version = item.version.iter().map(|version| format!("version {version}"));
    let unusable = item.unusable.iter().map(|reason| format!("which {reason}"));
    let mut words: Vec<String> = purls.into_iter().map(str::to_owned).collect();
    words.extend(digest);
    words.extend(item.hashes.iter().map(|hash| hash.hex.clone()));
    if words.is_empty() {
        words.push(item.label.clone());
    }
    words.extend(version.chain(unusable));
    words.join(", ")
}

fn as_json(document: &Document) -> Value {
    json!({
        "path": document.path,
        "digest": document.digest,
        "format": document.format,
        "id": document.id,
        "author": document.author,
        "version": version(document),
        "timestamp": document.timestamp,
        "statements": document.statements.iter().map(statement_json).collect::<Vec<_>>(),
    })
}

fn statement_json(statement: &Statement) -> Value {
    json!({
        "at": statement.at,
        "vulnerabilities": statement.ids,
        "status": statement.status.as_str(),
        "justification": statement.justification,
        "impact": statement.impact,
        "action": statement.action,
        "timestamp": statement.timestamp,
        "products": statement.products.iter().map(|product| {
            let mut json = item_json(&product.item);
            if let Some(object) = json.as_object_mut() {
                let parts: Vec<_> = product.subcomponents.iter().map(item_json).collect();
                object.insert("subcomponents".to_owned(), json!(parts));
            }
            json
        }).collect::<Vec<_>>(),
    })
}

fn item_json(item: &Item) -> Value {
    json!({
        "name": item.label,
        "purls": item.purls,
        "digest": item.digest,
        "hashes": item.hashes.iter().map(|hash| &hash.hex).collect::<Vec<_>>(),
        "version": item.version,
        "unusable": item.unusable,
    })
}

fn export(ctx: &Context, arguments: &VexExportArguments) -> Result<&'static ExitStatus, Error> {
    let policy = ctx.policy()?;
    let format = match arguments.format {
        VexFormat::Openvex => ExportFormat::OpenVex,
        VexFormat::Cyclonedx => ExportFormat::CycloneDx,
    };
    let times = (ctx.now, ctx.document_time.unwrap_or(ctx.now));
    let exported =
        vex::write::export(policy.exceptions(), arguments.product.as_deref(), format, times)?;
    for omitted in &exported.omitted {
        ctx.ui.warn(&format!("left out {omitted}"));
    }
    match &arguments.output {
        Some(path) => files::write(path, &exported.bytes)?,
        None => report::to_stdout(&exported.bytes)?,
    }
    Ok(&exit::PASSED)
}
