//! `plimsoll verify`.

mod platforms;

use crate::{
    args::VerifyArguments,
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    report::{
        self,
        answers::{Row, counted, looked_as_json, object, refusal, verdict, write_looked},
        roots,
    },
    stages::{
        evidence_file,
        images::{self, Asked},
        keys,
        look::{self, Answers, Looked, Looking, Sources},
        trust,
    },
};
use plimsoll_attest::{Trust, archive::Archive};
use plimsoll_model::{Printable, evidence::Unlogged};
use plimsoll_policy::{EvidenceKind, Policy};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fmt::Write as _};

/// Verifies the evidence about images, and explains every candidate.
pub(crate) async fn verify(
    ctx: &Context,
    arguments: &VerifyArguments,
) -> Result<&'static ExitStatus, Error> {
    let policy = ctx.policy()?;
    let path = arguments.file.evidence.as_deref();
    let file = path.map(|path| evidence_file::read(ctx, path)).transpose()?;
    let belief = Belief::new(ctx, arguments, &policy, file.as_ref())?;
    if arguments.all_platforms {
        return platforms::verify(ctx, arguments, &belief).await;
    }
    let asked = asked(ctx, arguments, file.as_ref())?;
    let looking = Looking {
        sources: match (&file, arguments.bundles.as_slice()) {
            (Some(file), _) => Sources::File(file),
            (None, []) => Sources::Images(&arguments.from),
            (None, bundles) => Sources::Bundles(bundles),
        },
        platform: arguments.images.platform.as_ref(),
        trust: &belief.trust,
        kinds: &belief.kinds,
    };
    let mut answers = look::look(ctx, &looking, asked).await?;
    // Of one image alone it is said as an error why it can not be looked at.
    let single = arguments.images.single().is_some();
    if single && let Some(error) = answers.outcomes.extract_if(.., |one| one.is_err()).next() {
        error?;
    }
    let exported = match &arguments.file.export {
        Some(path) => {
            evidence_file::write(ctx, path, &answers, (&policy, &belief.trust, &belief.kinds))
        }
        None => Ok(()),
    };
    let (status, text, json) = match answers.outcomes.as_slice() {
        [Ok(looked)] if single => of_one(looked, &belief),
        _ => of_many(ctx, &answers, &belief),
    };
    let written = report::write_simple(&arguments.output, &text, &json);
    exit::settle(&ctx.ui, status, exported.and(written))
}

/// Who is believed, about what, and by whose word.
struct Belief {
    trust: Trust,
    kinds: BTreeSet<EvidenceKind>,
    whose: Whose,
}

/// By whose word somebody is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// That of who verifies: flags, policy, local key.
    Own,
    /// That of who made the evidence file.
    EvidenceFile,
}

impl Belief {
    fn new(
        ctx: &Context,
        arguments: &VerifyArguments,
        policy: &Policy,
        file: Option<&Archive>,
    ) -> Result<Self, Error> {
        if let Some(file) = file.filter(|_| arguments.file.trust_evidence_file) {
            let demanded = evidence_file::required(file)?;
            let kinds = if arguments.types.is_empty() { demanded } else { asked_for(arguments) };
            return Ok(Self { trust: file.trust.clone(), kinds, whose: Whose::EvidenceFile });
        }
        let trust = believed(ctx, arguments, policy)?;
        Ok(Self { trust, kinds: wanted(arguments, policy), whose: Whose::Own })
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        if self.whose == Whose::EvidenceFile {
            writeln!(
                out,
                "trust as the maker of the evidence file chose it, by --trust-evidence-file"
            )?;
        }
        for signer in &self.trust.signers {
            writeln!(out, "believed {}", Printable(&signer.to_string()))?;
        }
        self.trust.root.as_ref().map_or(Ok(()), |root| roots::write(out, root))
    }

    fn to_json(&self) -> Value {
        json!({
            "chosenBy": match self.whose { Whose::Own => "verifier", Whose::EvidenceFile => "evidence-file" },
            "signers": self.trust.signers.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "root": self.trust.root.as_ref().map(roots::as_json),
        })
    }
}

fn asked(
    ctx: &Context,
    arguments: &VerifyArguments,
    file: Option<&Archive>,
) -> Result<Vec<Asked>, Error> {
    let sources = &arguments.images;
    let is_named = !sources.subjects.is_empty()
        || sources.list.is_some()
        || !sources.compose.is_empty()
        || !sources.kubernetes.is_empty();
    match (is_named, file) {
        (true, _) => images::asked(ctx, sources),
        (false, Some(file)) => Ok(file.images.iter().map(Asked::packed).collect()),
        (false, None) => Err(Error::usage(
            "no image is named: there is nothing to verify",
            "give images, `--list FILE`, `--compose FILE`, `--kubernetes FILE`, or `--evidence FILE`",
        )),
    }
}

fn believed(ctx: &Context, arguments: &VerifyArguments, policy: &Policy) -> Result<Trust, Error> {
    let named = &arguments.believed;
    let demand = named.demand();
    let trust = if named.keys.is_empty() && demand.is_none() {
        trust::of_policy(ctx, policy, &arguments.trust, None)?
    } else {
        let keys = keys::public_keys(ctx, &named.keys)?;
        let named = (keys, demand.into_iter().collect());
        trust::by_hand(ctx, policy, &arguments.trust, named, Unlogged::Accept)?
    };
    if trust.signers.is_empty() {
        return Err(Error::usage(
            "there is nobody to believe: no key and no identity was given, the policy lists no signers, and there is no local key",
            "give the signer's public key with `--key FILE`, or his `--identity` and `--issuer`, or list him under `evidence.signers` in the policy",
        ));
    }
    Ok(trust)
}

fn asked_for(arguments: &VerifyArguments) -> BTreeSet<EvidenceKind> {
    arguments.types.iter().map(|kind| kind.kind()).collect()
}

fn wanted(arguments: &VerifyArguments, policy: &Policy) -> BTreeSet<EvidenceKind> {
    let asked = asked_for(arguments);
    let required = &policy.evidence().require;
    match (asked.is_empty(), required.is_empty()) {
        (false, _) => asked,
        (true, false) => required.clone(),
        (true, true) => EvidenceKind::STATED.into(),
    }
}

/// Everything about the one image that was asked for.
fn of_one(looked: &Looked, belief: &Belief) -> (&'static ExitStatus, String, Value) {
    let status = looked.status();
    let mut text = String::new();
    // Writing to a string does not fail.
    if let Some(why) = refusal(looked) {
        writeln!(text, "{}", Printable(&why)).ok();
    }
    writeln!(text, "subject {}", Printable(&looked.subject)).ok();
    belief.write(&mut text).ok();
    write_looked(&mut text, looked).ok();
    writeln!(text, "\n{}", verdict(status)).ok();
    let head = [("version", json!(1)), ("command", json!("verify")), ("trust", belief.to_json())];
    (status, text, object(head.into_iter().chain(looked_as_json(looked))))
}

/// A line for each image, and with `-v` everything about it.
fn of_many(
    ctx: &Context,
    answers: &Answers,
    belief: &Belief,
) -> (&'static ExitStatus, String, Value) {
    let rows: Vec<Row<'_>> =
        answers.iter().map(|(asked, outcome)| Row { asked, outcome }).collect();
    let status = exit::worst(rows.iter().map(Row::status));
    let is_detailed = ctx.shared.verbose > 0 || rows.len() == 1;
    let mut text = String::new();
    // Writing to a string does not fail.
    for row in &rows {
        row.write(&mut text).ok();
        if let Some(Ok(looked)) = row.outcome.filter(|_| is_detailed) {
            write_looked(&mut text, looked).ok();
            text.push('\n');
        }
    }
    let count =
        |wanted: &ExitStatus| rows.iter().filter(|row| row.status().code == wanted.code).count();
    belief.write(&mut text).ok();
    writeln!(
        text,
        "\n{}: {}, {} verified, {} not verified, {} undecided",
        verdict(status),
        counted(rows.len(), "image", "images"),
        count(&exit::PASSED),
        count(&exit::BLOCKED),
        count(&exit::UNDECIDED),
    )
    .ok();
    let json = json!({
        "version": 1,
        "command": "verify",
        "exitStatus": status.code,
        "trust": belief.to_json(),
        "images": rows.iter().map(Row::to_json).collect::<Vec<_>>(),
    });
    (status, text, json)
}
