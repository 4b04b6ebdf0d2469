//! Every field of every form of bundle that is accepted, changed in every way: refused, or known to be harmless.
#![cfg(feature = "testing")]

use super::{
    StepKind::{self, *},
    forge::*,
};
use crate::{Trust, signers::KeyKind};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use plimsoll_model::{Digest, evidence::EvidenceFacts};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A form of bundle that is accepted.
struct Scene {
    name: &'static str,
    bundle: Value,
    trust: Trust,
}

/// A bundle with one change.
struct Mutant {
    /// Where, indices left out.
    path: String,
    mutation: &'static str,
    bundle: Value,
}

/// Changes that anybody may make: scenes whose name begins like this, path, mutation (empty means any), why.
/// The evidence has to be the same, but for the digest of the bundle.
const HARMLESS: &[(&str, &str, &str, &str)] = &[
    ("", "*", "field added", "what nobody knows nobody reads"),
    ("", "/signature/keyid", "", "it picks no key"),
    ("", "/vm/publicKey/hint", "field removed", "all keys that are trusted are tried"),
    ("", "/vm/publicKey/hint", "text emptied", "all keys that are trusted are tried"),
    ("", "/vm/publicKey/hint", "text extended", "no form of hint that names a key: all are tried"),
    ("keyless", "/stamps", "element doubled", "it is one timestamp all the same"),
    (
        "keyless",
        "/stamps/signedTimestamp",
        "middle flipped",
        "in the certificate, which the root has",
    ),
    ("keyless v1", "/vm/timestampVerificationData", "field removed", LOG_SAYS_WHEN),
    ("keyless v1", "/stamps", "", LOG_SAYS_WHEN),
    ("", "/entry", "element doubled", "it is one entry all the same"),
    (
        "keyless v1 dated",
        "/entry/inclusionPromise",
        "field removed",
        "proof and timestamp are there",
    ),
    ("logged", "/entry/inclusionPromise", "field removed", UNDATED),
    ("keyless v2", "/entry/integratedTime", "field removed", NO_TIME),
    ("keyless v2", "/entry/integratedTime", "negative", NO_TIME),
    ("keyless v2", "/entry/integratedTime", "one less", NO_TIME),
    ("keyless v2", "/entry/integratedTime", "one more", NO_TIME),
    ("keyless v2", "/entry/logId/keyId", "middle flipped", "the checkpoint says which log it is"),
    ("keyless v2", "/entry/logId/keyId", "end flipped", "the checkpoint says which log it is"),
    ("keyless v2", "/entry/proof/logIndex", "field removed", "the entry says its index"),
    ("keyless v2", "/entry/proof/logIndex", "one less", "the entry says its index"),
    ("keyless v2", "/entry/proof/logIndex", "one more", "the entry says its index"),
    ("keyless v2", "/entry/proof/rootHash", "middle flipped", IN_CHECKPOINT),
    ("keyless v2", "/entry/proof/rootHash", "end flipped", IN_CHECKPOINT),
    ("keyless v2", "/entry/proof/treeSize", "one less", IN_CHECKPOINT),
    ("keyless v2", "/entry/proof/treeSize", "one more", IN_CHECKPOINT),
];
const LOG_SAYS_WHEN: &str = "the log says when, too";
const NO_TIME: &str = "entries of Rekor v2 have no time: nobody reads it";
const IN_CHECKPOINT: &str = "the checkpoint says it";
/// The one change that takes something away: the time. It does no harm because what needs the time refuses.
const UNDATED: &str = "the log has seen it, and nothing says when any more";

/// Which step refuses what.
/// The first line that fits counts.
const STEPS: &[(&str, &str, &str, StepKind)] = &[
    ("keyless", "/dsseEnvelope/payload", "text emptied", Statement),
    ("logged", "/dsseEnvelope/payload", "text emptied", Statement),
    ("key ", "/dsseEnvelope/payload", "text emptied", Signature),
    ("", "/dsseEnvelope/payloadType", "text emptied", Envelope),
    ("", "/dsseEnvelope/payloadType", "text extended", Envelope),
    ("key ", "/signature/sig", "text emptied", Signature),
    ("logged", "/signature/sig", "text emptied", Signature),
    ("keyless v1 alone", "/signature/sig", "text emptied", Signature),
    ("keyless v2", "/signature/sig", "text emptied", Time),
    ("keyless v1 dated", "/signature/sig", "text emptied", Time),
    ("", "/vm/timestampVerificationData", "field removed", Time),
    ("keyless", "/entry", "field removed", Log),
    ("logged", "/entry", "field removed", Time),
    ("", "/vm/certificate/rawBytes", "text emptied", Certificate),
    ("", "/stamps", "field removed", Time),
    ("", "/stamps/signedTimestamp", "text emptied", Time),
    ("keyless v1", "/entry/canonicalizedBody", "text emptied", Time),
    ("logged", "/entry/canonicalizedBody", "text emptied", Log),
    ("keyless v2", "/entry/canonicalizedBody", "text emptied", Log),
    ("", "/entry/inclusionPromise", "field removed", Time),
    ("", "/entry/inclusionPromise/signedEntryTimestamp", "text emptied", Time),
    ("", "/entry/proof", "field removed", Log),
    ("", "/entry/proof/checkpoint", "field removed", Log),
    ("", "/entry/proof/checkpoint/envelope", "field removed", Log),
    ("", "/entry/proof/checkpoint/envelope", "text emptied", Log),
    ("", "/entry/proof/hashes", "field removed", Log),
    ("", "/entry/proof/logIndex", "field removed", Log),
    ("", "/entry/integratedTime", "field removed", Time),
    ("", "/entry/integratedTime", "negative", Time),
    ("keyless v1", "/entry/logIndex", "field removed", Time),
    ("logged", "/entry/logIndex", "field removed", Time),
    ("keyless v2", "/entry/logIndex", "field removed", Log),
    ("", "*", "text extended", Bundle),
    ("", "*", "field removed", Bundle),
    ("", "*", "text emptied", Bundle),
    ("", "*", "negative", Bundle),
    ("keyless", "/dsseEnvelope/payload", "end flipped", Statement),
    ("logged", "/dsseEnvelope/payload", "end flipped", Statement),
    ("key ", "/dsseEnvelope/payload", "end flipped", Signature),
    ("", "/dsseEnvelope/payload", "middle flipped", Signature),
    ("", "/signature", "", Envelope),
    ("key ", "/signature/sig", "", Signature),
    ("logged", "/signature/sig", "", Signature),
    ("keyless v1 alone", "/signature/sig", "", Signature),
    ("keyless v2", "/signature/sig", "", Time),
    ("keyless v1 dated", "/signature/sig", "", Time),
    ("", "/vm/certificate/rawBytes", "", Certificate),
    ("", "/vm/publicKey/hint", "", Signer),
    ("", "/stamps", "", Time),
    ("", "/stamps/signedTimestamp", "", Time),
    ("keyless", "/entry", "", Log),
    ("logged", "/entry", "", Time),
    ("keyless v1", "/entry/canonicalizedBody", "", Time),
    ("logged", "/entry/canonicalizedBody", "", Log),
    ("keyless v2", "/entry/canonicalizedBody", "", Log),
    ("", "/entry/inclusionPromise/signedEntryTimestamp", "", Time),
    ("", "/entry/proof/hashes", "", Log),
    ("", "/entry/proof/logIndex", "", Log),
    ("", "/entry/proof/rootHash", "", Log),
    ("", "/entry/proof/treeSize", "", Log),
    ("", "/entry/integratedTime", "", Time),
    ("", "/entry/logId/keyId", "", Time),
    ("keyless v1", "/entry/logIndex", "", Time),
    ("logged", "/entry/logIndex", "", Time),
    ("keyless v2", "/entry/logIndex", "", Log),
];

async fn scenes() -> Vec<Scene> {
    let forge = Forge::start().await;
    let mut scenes = Vec::new();
    for (name, kind) in
        [("key P-256, unlogged", KeyKind::EcdsaP256), ("key Ed25519, unlogged", KeyKind::Ed25519)]
    {
        let signed = Signed::by_key(kind, PROVENANCE);
        let trust = Trust::in_keys(&[signed.key.public_key().clone()]);
        scenes.push(Scene { name, bundle: signed.bundle(&[], &[]), trust });
    }
    let signed = Signed::by_key(KeyKind::EcdsaP256, PROVENANCE);
    let entry = forge.entry_v1(&signed).await;
    let (bundle, trust) = (signed.bundle(&[entry], &[]), forge.trust_key(&signed.key));
    scenes.push(Scene { name: "logged key, v1", bundle, trust });
    let signed = forge.keyless(&acme()).await;
    let stamp = [forge.stamp(&signed).await];
    let (first, second) = (forge.entry_v1(&signed).await, forge.entry_v2(&signed).await);
    for (name, entry, stamps) in [
        ("keyless v1 dated", &first, &stamp[..]),
        ("keyless v1 alone", &first, &[]),
        ("keyless v2 dated", &second, &stamp[..]),
    ] {
        let bundle = signed.bundle(std::slice::from_ref(entry), stamps);
        scenes.push(Scene { name, bundle, trust: forge.trust(release()) });
    }
    scenes
}

/// Every change of one value, at the place that `pointer` names.
fn changes(value: &Value) -> Vec<(&'static str, Value)> {
    match value {
        Value::String(text) => changed_texts(text),
        Value::Array(elements) => {
            let mut changed = vec![("empty", json!([]))];
            for at in 0..elements.len() {
                let (mut fewer, mut more) = (elements.clone(), elements.clone());
                fewer.remove(at);
                more.insert(at, elements[at].clone());
                changed.push(("element removed", fewer.into()));
                changed.push(("element doubled", more.into()));
            }
            changed
        }
        Value::Object(fields) => {
            let mut changed: Vec<_> = fields
                .keys()
                .map(|name| {
                    let mut fewer = fields.clone();
                    fewer.remove(name);
                    ("field removed", Value::Object(fewer))
                })
                .collect();
            let mut more = fields.clone();
            more.insert("unknown".to_owned(), json!("x"));
            changed.push(("field added", more.into()));
            changed
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => panic!("{value}: bundles have none"),
    }
}

fn changed_texts(text: &str) -> Vec<(&'static str, Value)> {
    let mut changed = vec![("text extended", json!(format!("{text}x")))];
    if !text.is_empty() {
        changed.push(("text emptied", json!("")));
    }
    if let Ok(number) = text.parse::<i64>() {
        changed.push(("one more", json!((number + 1).to_string())));
        changed.push(("one less", json!((number - 1).to_string())));
        changed.push(("negative", json!((-number - 1).to_string())));
    } else if let Ok(bytes) = STANDARD.decode(text)
        && bytes.len() > 16
    {
        for (mutation, at) in
            [("middle flipped", bytes.len() / 2), ("end flipped", bytes.len() - 1)]
        {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            changed.push((mutation, json!(STANDARD.encode(bytes))));
        }
    }
    changed
}

/// Every bundle that is another by one change.
fn mutants(bundle: &Value) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    let mut places = vec![String::new()];
    while let Some(pointer) = places.pop() {
        let value = bundle.pointer(&pointer).unwrap();
        let inside: Vec<String> = match value {
            Value::Object(fields) => fields.keys().cloned().collect(),
            Value::Array(elements) => (0..elements.len()).map(|at| at.to_string()).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        };
        places.extend(inside.iter().map(|name| format!("{pointer}/{name}")));
        for (mutation, changed) in changes(value) {
            let mut path = pattern(&pointer);
            if mutation == "field removed" {
                let (before, after) = (value.as_object().unwrap(), changed.as_object().unwrap());
                let gone = before.keys().find(|name| !after.contains_key(*name)).unwrap();
                path = pattern(&format!("{pointer}/{gone}"));
            }
            let mut bundle = bundle.clone();
            *bundle.pointer_mut(&pointer).unwrap() = changed;
            mutants.push(Mutant { path, mutation, bundle });
        }
    }
    mutants
}

/// A pointer without its indices, shortened.
fn pattern(pointer: &str) -> String {
    let parts = pointer.split('/').filter(|part| part.parse::<usize>().is_err());
    let mut path = parts.collect::<Vec<_>>().join("/");
    for (long, short) in [
        ("/dsseEnvelope/signatures", "/signature"),
        ("/verificationMaterial/", "/vm/"),
        ("/vm/tlogEntries", "/entry"),
        ("/entry/inclusionProof", "/entry/proof"),
        ("/vm/timestampVerificationData/rfc3161Timestamps", "/stamps"),
    ] {
        path = path.replace(long, short);
    }
    path
}

fn is_meant(scene: &Scene, mutant: &Mutant, (of, path, mutation): (&str, &str, &str)) -> bool {
    scene.name.starts_with(of)
        && (path == "*" || mutant.path == path)
        && (mutation.is_empty() || mutant.mutation == mutation)
}

/// The facts but for the digest of the bundle, which is another for every change.
fn facts(scene: &Scene, bundle: &Value) -> Result<EvidenceFacts, StepKind> {
    let found = check(bundle, &scene.trust);
    match (found.failed_step(), found.evidence.as_ref()) {
        (None, Some(evidence)) => {
            Ok(EvidenceFacts { bundle: Digest::of(b""), ..evidence.facts().clone() })
        }
        (Some(failed), None) => Err(failed.kind),
        _ => panic!("{found:#?}"),
    }
}

#[tokio::test]
async fn every_change_of_a_bundle_is_refused_or_harmless() {
    let (mut kinds, mut wrong, mut count) = (BTreeSet::new(), Vec::new(), 0);
    let mut harmless: BTreeSet<usize> = (0..HARMLESS.len()).collect();
    let mut steps: BTreeSet<usize> = (0..STEPS.len()).collect();
    let mut by_step: BTreeMap<StepKind, usize> = BTreeMap::new();
    for scene in scenes().await {
        let unchanged = facts(&scene, &scene.bundle).expect("the unchanged bundle");
        for mutant in mutants(&scene.bundle) {
            count += 1;
            let found = facts(&scene, &mutant.bundle);
            let mut say = |what: &str| {
                let Mutant { path, mutation, .. } = &mutant;
                wrong.push(format!("(\"{}\", \"{path}\", \"{mutation}\", {what}),", scene.name));
            };
            let known = HARMLESS.iter().position(|(of, path, mutation, _)| {
                is_meant(&scene, &mutant, (of, path, mutation))
            });
            match (found, known) {
                (Ok(facts), Some(known)) => {
                    harmless.remove(&known);
                    let is_undated = HARMLESS[known].3 == UNDATED && facts.signed.is_none();
                    let signed = if is_undated { unchanged.signed } else { facts.signed };
                    if (EvidenceFacts { signed, ..facts.clone() }) != unchanged {
                        say(&format!("other facts: {facts:?}"));
                    }
                }
                (Ok(_), None) => say("accepted"),
                (Err(step), Some(_)) => say(&format!("not harmless: {step:?}")),
                (Err(step), None) => {
                    *by_step.entry(step).or_default() += 1;
                    let known = STEPS.iter().position(|(of, path, mutation, _)| {
                        is_meant(&scene, &mutant, (of, path, mutation))
                    });
                    if let Some(known) = known {
                        steps.remove(&known);
                    }
                    if known.is_none_or(|known| STEPS[known].3 != step) {
                        say(&format!("{step:?}"));
                    }
                }
            }
            kinds.insert((mutant.path, mutant.mutation));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    let unused = |left: BTreeSet<usize>| left.into_iter().collect::<Vec<_>>();
    assert_eq!((unused(harmless), unused(steps)), (vec![], vec![]), "lines that nothing needs");
    println!("{count} mutants of {} kinds, refused at {by_step:?}", kinds.len());
    assert!(kinds.len() >= 45 && count >= 400, "{count} mutants of {} kinds", kinds.len());
}
