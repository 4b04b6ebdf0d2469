//! `evidence`: what has to be there, and whose word counts.

use super::{
    located,
    reader::{DayEnd, Fields, Reader},
};
use crate::{
    Error, EvidenceKind, OutagePolicy,
    policy::{Policy, ProvenancePolicy, SignerPolicy, SignerWho, TufPolicy},
    yaml::{Node, Value},
};
use plimsoll_model::{
    evidence::{BuildProperty, Legacy, Unlogged, Validity},
    identity::{IdentityDemand, IdentityPattern},
};
use std::collections::BTreeSet;

/// What only an identity has.
const OF_IDENTITY: [&str; 8] =
    ["issuer", "identity", "repository", "repository-id", "owner-id", "ref", "triggers", "runner"];
/// What only a key has.
const OF_KEY: [&str; 3] = ["unlogged", "valid-from", "valid-until"];
/// What the section can have.
const KNOWN: [&str; 11] = [
    "require",
    "signers",
    "trusted-root",
    "tuf",
    "max-age",
    "max-scan-age",
    "legacy",
    "logs",
    "timestamps",
    "provenance",
    "outage",
];
/// The most logs, and the most timestamp authorities, that can be demanded.
const MOST: i64 = 8;

pub(super) fn read(reader: &Reader<'_>, node: &Node, policy: &mut Policy) -> Result<(), Error> {
    let fields = reader.fields(node, &KNOWN)?;
    let evidence = &mut policy.evidence;
    if let Some(list) = fields.get("require") {
        evidence.require = kinds(reader, list)?;
        evidence.line = Some(list.at.line);
    }
    if let Some(list) = fields.get("signers") {
        let signers = reader.list(list)?.iter().map(|item| signer(reader, item));
        evidence.signers = signers.collect::<Result<_, _>>()?;
    }
    evidence.trusted_root = fields.get("trusted-root").map(|node| reader.file(node)).transpose()?;
    evidence.tuf = fields.get("tuf").map(|node| tuf(reader, node)).transpose()?;
    if let (Some(_), Some(node)) = (&evidence.trusted_root, fields.get("tuf")) {
        return reader
            .fail(node.at, "`trusted-root` and `tuf` are two ways to say whose word counts");
    }
    evidence.max_age = fields.get("max-age").map(|node| reader.duration(node)).transpose()?;
    if let Some(node) = fields.get("max-scan-age") {
        evidence.max_scan_age = located(Some(reader.duration(node)?), node);
    }
    if let Some(node) = fields.get("provenance") {
        evidence.provenance = provenance(reader, node)?;
    }
    if let Some(node) = fields.get("legacy") {
        let words = [("accept", Legacy::Accept), ("refuse", Legacy::Refuse)];
        evidence.legacy = reader.word(node, &words)?;
    }
    for (key, value) in [("logs", &mut evidence.logs), ("timestamps", &mut evidence.timestamps)] {
        if let Some(node) = fields.get(key) {
            let number = reader.integer(node, (1, MOST))?;
            *value = usize::try_from(number).unwrap_or_default();
        }
    }
    if let Some(node) = fields.get("outage") {
        evidence.outage = outage(reader, node)?;
        if evidence.outage != OutagePolicy::Fail && evidence.require.is_empty() {
            return reader.fail(
                node.at,
                "nothing would keep what is queued from promotion: see `require`, which is empty",
            );
        }
    }
    Ok(())
}

fn outage(reader: &Reader<'_>, node: &Node) -> Result<OutagePolicy, Error> {
    const QUEUE: &str = "to queue takes the file of a public key: `{queue: {key: FILE}}`";
    if let Value::Text(word) = &node.value
        && word == "queue"
    {
        return reader.fail(node.at, QUEUE);
    }
    if !matches!(node.value, Value::Map(_)) {
        return reader.word(node, &[("fail", ())]).map(|()| OutagePolicy::Fail);
    }
    let fields = reader.fields(node, &["queue"])?;
    let Some(queue) = fields.get("queue") else { return reader.fail(node.at, QUEUE) };
    match reader.fields(queue, &["key"])?.get("key") {
        Some(key) => Ok(OutagePolicy::Queue { key: reader.file(key)? }),
        None => reader.fail(queue.at, QUEUE),
    }
}

fn tuf(reader: &Reader<'_>, node: &Node) -> Result<TufPolicy, Error> {
    let fields = reader.fields(node, &["url", "root"])?;
    match (fields.get("url"), fields.get("root")) {
        (Some(address), Some(root)) => {
            Ok(TufPolicy { url: url(reader, address)?, root: reader.file(root)? })
        }
        _ => reader.fail(
            fields.at,
            "a TUF repository has a `url`, and a `root`, the file of its `root.json`",
        ),
    }
}

/// What provenance has to say. A key without a value would be a demand that nothing or everything meets.
fn provenance(reader: &Reader<'_>, node: &Node) -> Result<ProvenancePolicy, Error> {
    let known = [
        "build-types",
        "parameters",
        "repository",
        "ref",
        "commit",
        "triggers",
        "complete",
        "hermetic",
        "reproducible",
    ];
    let fields = reader.fields(node, &known)?;
    let texts = |key| -> Result<Vec<String>, Error> {
        let Some(list) = fields.get(key) else { return Ok(Vec::new()) };
        let texts: Vec<_> = reader
            .list(list)?
            .iter()
            .map(|item| reader.text(item).map(str::to_owned))
            .collect::<Result<_, _>>()?;
        if texts.is_empty() {
            return reader.fail(list.at, "expected at least one, or no such key");
        }
        Ok(texts)
    };
    let parameters = fields.get("parameters").map(|list| {
        let paths = reader.list(list)?.iter();
        paths.map(|item| reader.parsed(item, "a parameter such as `inputs.debug`")).collect()
    });
    Ok(ProvenancePolicy {
        build_types: texts("build-types")?,
        parameters: parameters.transpose()?,
        repository: fields.get("repository").map(|node| url(reader, node)).transpose()?,
        reference: fields.get("ref").map(|node| reader.pattern(node)).transpose()?,
        commit: fields.get("commit").map(|node| commit(reader, node)).transpose()?,
        triggers: texts("triggers")?,
        properties: properties(reader, &fields)?,
        line: Some(node.at.line),
    })
}

/// What of the build provenance can list completely.
const COMPLETE: [(&str, BuildProperty); 3] = [
    ("parameters", BuildProperty::CompleteParameters),
    ("environment", BuildProperty::CompleteEnvironment),
    ("materials", BuildProperty::CompleteMaterials),
];

/// What the build has to have been.
fn properties(reader: &Reader<'_>, fields: &Fields<'_>) -> Result<BTreeSet<BuildProperty>, Error> {
    let mut demanded = BTreeSet::new();
    if let Some(list) = fields.get("complete") {
        for item in reader.list(list)? {
            demanded.insert(reader.word(item, &COMPLETE)?);
        }
        if demanded.is_empty() {
            return reader.fail(list.at, "expected at least one, or no such key");
        }
    }
    for (key, property) in
        [("hermetic", BuildProperty::Hermetic), ("reproducible", BuildProperty::Reproducible)]
    {
        if let Some(node) = fields.get(key) {
            reader.word_true(node)?;
            demanded.insert(property);
        }
    }
    Ok(demanded)
}

fn commit(reader: &Reader<'_>, node: &Node) -> Result<String, Error> {
    let text = reader.text(node)?;
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if matches!(text.len(), 40 | 64) && text.bytes().all(is_hex) {
        return Ok(text.to_owned());
    }
    reader
        .fail(node.at, format!("expected a whole commit in lower-case hexadecimal, found `{text}`"))
}

fn kinds(reader: &Reader<'_>, list: &Node) -> Result<BTreeSet<EvidenceKind>, Error> {
    let kinds = EvidenceKind::ALL.map(|kind| (kind.as_str(), kind));
    reader.list(list)?.iter().map(|item| reader.word(item, &kinds)).collect()
}

fn signer(reader: &Reader<'_>, node: &Node) -> Result<SignerPolicy, Error> {
    let known: Vec<&str> = ["key", "for", "builders", "verifier"]
        .into_iter()
        .chain(OF_KEY)
        .chain(OF_IDENTITY)
        .collect();
    let fields = reader.fields(node, &known)?;
    let who = match (fields.get("key"), fields.get("issuer"), fields.get("identity")) {
        (Some(key), None, None) => {
            if let Some(entry) = OF_IDENTITY.iter().find_map(|key| fields.entry(key)) {
                return reader
                    .fail(entry.at, "a signer by key has no identity to compare this with");
            }
            by_key(reader, &fields, key)?
        }
        (None, Some(issuer), Some(identity)) => {
            if let Some(entry) = OF_KEY.iter().find_map(|key| fields.entry(key)) {
                return reader.fail(
                    entry.at,
                    "an identity has certificates of minutes, which are always logged or timestamped",
                );
            }
            SignerWho::Identity(Box::new(demand(reader, &fields, (issuer, identity))?))
        }
        (Some(_), _, _) => {
            return reader
                .fail(fields.at, "a signer has either a `key`, or an `issuer` and an `identity`");
        }
        (None, _, _) => {
            return reader.fail(fields.at, "a signer has a `key`, the file of a public key, or both an `issuer` and an `identity`");
        }
    };
    let kinds = fields.get("for").map(|list| kinds(reader, list)).transpose()?;
    if let (Some(kinds), Some(list)) = (&kinds, fields.get("for"))
        && kinds.is_empty()
    {
        return reader.fail(list.at, "expected a kind of evidence, or no such key");
    }
    let kinds = kinds.unwrap_or_default();
    let states = |kind| kinds.is_empty() || kinds.contains(&kind);
    let (builders, verifier) = (fields.entry("builders"), fields.entry("verifier"));
    for (entry, kind) in [(builders, EvidenceKind::Provenance), (verifier, EvidenceKind::Vsa)] {
        if let Some(entry) = entry.filter(|_| !states(kind)) {
            let message = format!("this signer is not believed about `{kind}`: see its `for`");
            return reader.fail(entry.at, message);
        }
    }
    Ok(SignerPolicy {
        who,
        builders: fields
            .get("builders")
            .map_or(Ok(Vec::new()), |list| self::builders(reader, list))?,
        verifier: fields.get("verifier").map(|node| url(reader, node)).transpose()?,
        kinds,
        line: node.at.line,
    })
}

fn builders(reader: &Reader<'_>, list: &Node) -> Result<Vec<IdentityPattern>, Error> {
    let items = reader.list(list)?;
    if items.is_empty() {
        return reader.fail(list.at, "expected a builder, or no such key");
    }
    items.iter().map(|item| reader.parsed(item, "the id of a builder")).collect()
}

fn by_key(reader: &Reader<'_>, fields: &Fields<'_>, key: &Node) -> Result<SignerWho, Error> {
    let words = [("accept", Unlogged::Accept), ("refuse", Unlogged::Refuse)];
    let unlogged = fields.get("unlogged").map(|node| reader.word(node, &words)).transpose()?;
    let moment = |key, end| fields.get(key).map(|node| reader.moment(node, end)).transpose();
    let validity = Validity {
        from: moment("valid-from", DayEnd::First)?,
        until: moment("valid-until", DayEnd::Last)?,
    };
    if let Some(entry) = fields.entry("valid-until")
        && let Validity { from: Some(from), until: Some(until) } = validity
        && until < from
    {
        return reader
            .fail(entry.at, "`valid-until` is before `valid-from`: that key would never be valid");
    }
    if let Some(entry) = fields.entry("unlogged")
        && unlogged == Some(Unlogged::Accept)
        && validity.is_limited()
    {
        return reader.fail(
            entry.at,
            "a key with `valid-from` or `valid-until` needs a log or a timestamp to prove when it signed",
        );
    }
    Ok(SignerWho::Key { path: reader.file(key)?, unlogged: unlogged.unwrap_or_default(), validity })
}

fn demand(
    reader: &Reader<'_>,
    fields: &Fields<'_>,
    (issuer, identity): (&Node, &Node),
) -> Result<IdentityDemand, Error> {
    let pattern: IdentityPattern = reader.parsed(identity, "an identity")?;
    let mut demand = IdentityDemand::new(url(reader, issuer)?, pattern);
    let text = |key| fields.get(key).map(|node| reader.text(node).map(str::to_owned)).transpose();
    demand.repository = fields.get("repository").map(|node| url(reader, node)).transpose()?;
    demand.repository_id = text("repository-id")?;
    demand.owner_id = text("owner-id")?;
    demand.runner = text("runner")?;
    demand.reference = fields.get("ref").map(|node| reader.pattern(node)).transpose()?;
    if let Some(list) = fields.get("triggers") {
        let triggers = reader.list(list)?.iter().map(|item| reader.text(item).map(str::to_owned));
        demand.triggers = triggers.collect::<Result<_, _>>()?;
        if demand.triggers.is_empty() {
            return reader.fail(list.at, "expected a trigger, or no such key");
        }
    }
    Ok(demand)
}

/// An address that is compared letter by letter: wildcards in it would match nothing.
fn url(reader: &Reader<'_>, node: &Node) -> Result<String, Error> {
    let text = reader.text(node)?;
    if text.contains("://") && !text.contains('*') {
        return Ok(text.to_owned());
    }
    reader.fail(node.at, format!("expected a URL, compared letter by letter, found `{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(evidence: &str) -> Result<Policy, Error> {
        Policy::parse(&format!("version: 1\nevidence: {evidence}\n"), "plimsoll.yaml".into())
    }

    #[track_caller]
    fn check(evidence: &str, expect: &str) {
        let error = parse(evidence).unwrap_err().to_string();
        assert!(error.ends_with(expect), "{error}");
    }

    const GITHUB: &str = "issuer: https://token.actions.githubusercontent.com";
    const RELEASE: &str = "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v*";

    #[test]
    fn everything_that_can_be_demanded_is_read() {
        let policy = parse(&format!(
            "{{require: [sbom], trusted-root: corp.json, max-age: 30d, legacy: accept, logs: 2, timestamps: 1, signers: [\
             {{key: a.pub, unlogged: accept, for: [vulnerabilities, sbom]}}, {{key: b.pub}},\
             {{{GITHUB}, identity: \"{RELEASE}\", repository: https://github.com/acme/app, repository-id: \"17\",\
             owner-id: \"18\", ref: refs/tags/v*, triggers: [push, release], runner: github-hosted, for: [provenance]}}]}}"
        ))
        .unwrap();
        let evidence = policy.evidence();
        assert_eq!(evidence.trusted_root.as_deref(), Some("corp.json".into()));
        assert_eq!(evidence.max_age, Some(jiff::SignedDuration::from_hours(720)));
        assert_eq!((evidence.legacy, evidence.logs, evidence.timestamps), (Legacy::Accept, 2, 1));
        let some = |text: &str| Some(text.to_owned());
        let identity = IdentityDemand {
            issuer: "https://token.actions.githubusercontent.com".to_owned(),
            subject: RELEASE.parse().unwrap(),
            repository: some("https://github.com/acme/app"),
            repository_id: some("17"),
            owner_id: some("18"),
            reference: Some("refs/tags/v*".parse().unwrap()),
            triggers: vec!["push".to_owned(), "release".to_owned()],
            runner: some("github-hosted"),
        };
        let signer = |who, kinds: &[EvidenceKind]| SignerPolicy {
            who,
            kinds: kinds.iter().copied().collect(),
            builders: Vec::new(),
            verifier: None,
            line: 2,
        };
        let validity = Validity::default();
        let key = |path: &str, unlogged| SignerWho::Key { path: path.into(), unlogged, validity };
        let expect = [
            signer(
                key("a.pub", Unlogged::Accept),
                &[EvidenceKind::Sbom, EvidenceKind::Vulnerabilities],
            ),
            signer(key("b.pub", Unlogged::Refuse), &[]),
            signer(SignerWho::Identity(Box::new(identity)), &[EvidenceKind::Provenance]),
        ];
        assert_eq!(evidence.signers, expect);
    }

    #[test]
    fn a_signer_is_a_key_or_an_identity_with_its_issuer() {
        let both =
            "a signer has a `key`, the file of a public key, or both an `issuer` and an `identity`";
        check("{signers: [{}]}", both);
        check(&format!("{{signers: [{{{GITHUB}}}]}}"), both);
        check(&format!("{{signers: [{{identity: \"{RELEASE}\"}}]}}"), both);
        check(
            &format!("{{signers: [{{key: a.pub, {GITHUB}}}]}}"),
            "a signer has either a `key`, or an `issuer` and an `identity`",
        );
        check(
            "{signers: [{key: a.pub, runner: x}]}",
            "2:35: a signer by key has no identity to compare this with",
        );
        check(
            &format!("{{signers: [{{{GITHUB}, identity: \"{RELEASE}\", unlogged: accept}}]}}"),
            "an identity has certificates of minutes, which are always logged or timestamped",
        );
    }

    #[test]
    fn f25_an_outage_fails_or_queues_by_a_key_and_what_is_queued_is_required() {
        let outage = |text: &str| parse(text).unwrap().evidence().outage.clone();
        assert_eq!(outage("{max-age: 1d}"), OutagePolicy::Fail);
        assert_eq!(outage("{outage: fail}"), OutagePolicy::Fail);
        let key = "keys/outage.pub".into();
        let text = "{require: [sbom], outage: {queue: {key: keys/outage.pub}}}";
        assert_eq!(outage(text), OutagePolicy::Queue { key });
        let queue = "to queue takes the file of a public key: `{queue: {key: FILE}}`";
        for (outage, expect) in [
            ("queue", queue),
            ("{}", queue),
            ("{queue: {}}", queue),
            ("{queue: {key: \"\"}}", "expected a file name, found ``"),
            ("{queue: {keys: a}}", "unknown key `keys`: did you mean `key`?"),
            ("wait", "expected `fail`, found `wait`: did you mean `fail`?"),
            ("[fail]", "expected `fail`, found a list"),
        ] {
            check(&format!("{{require: [sbom], outage: {outage}}}"), expect);
        }
        check(
            "{require: [], outage: {queue: {key: a.pub}}}",
            "2:33: nothing would keep what is queued from promotion: see `require`, which is empty",
        );
    }

    #[test]
    fn a09_a_key_is_valid_between_two_moments_or_through_whole_days() {
        let validity = |keys: &str| {
            let policy = parse(&format!("{{signers: [{{key: a.pub, {keys}}}]}}")).unwrap();
            match policy.evidence().signers[0].who {
                SignerWho::Key { validity, .. } => validity,
                SignerWho::Identity(_) => panic!("a key"),
            }
        };
        let at = |text: &str| Some(text.parse().unwrap());
        assert_eq!(
            validity("valid-from: 2026-01-31, valid-until: 2026-01-31"),
            Validity {
                from: at("2026-01-31T00:00:00Z"),
                until: at("2026-01-31T23:59:59.999999999Z")
            }
        );
        assert_eq!(
            validity("valid-until: \"2026-01-31T12:00:00+02:00\""),
            Validity { from: None, until: at("2026-01-31T10:00:00Z") }
        );
        assert_eq!(
            validity("unlogged: refuse, valid-from: 2026-01-31t12:00:00z").from,
            at("2026-01-31T12:00:00Z")
        );
        let refused = |keys: &str, expect: &str| {
            check(&format!("{{signers: [{{key: a.pub, {keys}}}]}}"), expect);
        };
        let expected = "expected a date such as `2026-12-31`, or a time with its zone such as `2026-12-31T12:00:00Z`";
        for found in ["2026-02-30", "2026-01-31T12:00:00", "2026-1-31", "soon", "9999-12-31"] {
            refused(&format!("valid-until: {found}"), &format!("{expected}, found `{found}`"));
        }
        refused(
            "valid-from: 2026-02-01, valid-until: 2026-01-31",
            "2:59: `valid-until` is before `valid-from`: that key would never be valid",
        );
        refused(
            "valid-from: 2026-02-01, unlogged: accept",
            "2:59: a key with `valid-from` or `valid-until` needs a log or a timestamp to prove when it signed",
        );
        check(
            &format!(
                "{{signers: [{{{GITHUB}, identity: \"{RELEASE}\", valid-from: 2026-01-31}}]}}"
            ),
            "an identity has certificates of minutes, which are always logged or timestamped",
        );
    }

    #[test]
    fn a_trusted_root_comes_from_a_file_or_by_tuf() {
        let policy =
            parse("{tuf: {url: \"https://tuf.acme.test\", root: corp/root.json}}").unwrap();
        let tuf = TufPolicy { url: "https://tuf.acme.test".into(), root: "corp/root.json".into() };
        assert_eq!(policy.evidence().tuf, Some(tuf));
        let part = "a TUF repository has a `url`, and a `root`, the file of its `root.json`";
        check("{tuf: {root: r.json}}", part);
        check("{tuf: {url: \"https://tuf.acme.test\"}}", part);
        check(
            "{tuf: {url: tuf, root: r}}",
            "expected a URL, compared letter by letter, found `tuf`",
        );
        check(
            "{trusted-root: t.json, tuf: {url: \"https://tuf.acme.test\", root: r.json}}",
            "`trusted-root` and `tuf` are two ways to say whose word counts",
        );
    }

    #[test]
    fn b1_b2_an_identity_or_an_issuer_that_names_nobody_is_refused_where_it_stands() {
        let identity =
            |identity: &str| format!("{{signers: [{{{GITHUB}, identity: \"{identity}\"}}]}}");
        for unanchored in ["*", "https://github.com/**", "https://*.evil/acme/x"] {
            let error = parse(&identity(unanchored)).unwrap_err().to_string();
            let expect = format!(
                "plimsoll.yaml:2:86: expected an identity, found `{unanchored}`: `{unanchored}` matches the identities of strangers"
            );
            assert!(error.contains(&expect), "{error}");
        }
        check(
            &format!("{{signers: [{{issuer: \"https://*.com\", identity: \"{RELEASE}\"}}]}}"),
            "2:31: expected a URL, compared letter by letter, found `https://*.com`",
        );
        check(
            &format!("{{signers: [{{issuer: github.com, identity: \"{RELEASE}\"}}]}}"),
            "2:31: expected a URL, compared letter by letter, found `github.com`",
        );
    }

    #[test]
    fn empty_lists_and_numbers_out_of_range_are_refused() {
        check(
            "{signers: [{key: a, for: []}]}",
            "2:36: expected a kind of evidence, or no such key",
        );
        check(
            &format!("{{signers: [{{{GITHUB}, identity: \"{RELEASE}\", triggers: []}}]}}"),
            "expected a trigger, or no such key",
        );
        check("{logs: 0}", "expected a whole number from 1 to 8, found the number `0`");
        check("{legacy: yes}", "expected one of `accept`, `refuse`, found `yes`");
    }

    #[test]
    fn what_evidence_has_to_say_is_read() {
        let commit = "1234567890123456789012345678901234567890";
        let policy = parse(&format!(
            "{{require: [tests, vsa], max-scan-age: 24h, provenance: {{build-types: [a], parameters: [workflow, inputs.debug],\
             repository: https://github.com/acme/app, ref: refs/tags/v*, commit: \"{commit}\", triggers: [push], complete: [materials, parameters], hermetic: true}},\
             signers: [{{key: a.pub, for: [provenance, vsa], builders: [https://ci.example/b], verifier: https://gate.example/v1}}]}}"
        ))
        .unwrap();
        let evidence = policy.evidence();
        let kinds = [EvidenceKind::Tests, EvidenceKind::Vsa];
        assert_eq!(evidence.require, kinds.into());
        let day = jiff::SignedDuration::from_hours(24);
        assert_eq!((evidence.max_scan_age.value, evidence.max_scan_age.line), (Some(day), Some(2)));
        let expect = ProvenancePolicy {
            build_types: vec!["a".to_owned()],
            parameters: Some(vec!["workflow".parse().unwrap(), "inputs.debug".parse().unwrap()]),
            repository: Some("https://github.com/acme/app".to_owned()),
            reference: Some("refs/tags/v*".parse().unwrap()),
            commit: Some(commit.to_owned()),
            triggers: vec!["push".to_owned()],
            properties: BTreeSet::from([
                BuildProperty::CompleteParameters,
                BuildProperty::CompleteMaterials,
                BuildProperty::Hermetic,
            ]),
            line: Some(2),
        };
        assert_eq!(evidence.provenance, expect);
        let signer = &evidence.signers[0];
        assert_eq!(signer.builders, ["https://ci.example/b".parse().unwrap()]);
        assert_eq!(signer.verifier.as_deref(), Some("https://gate.example/v1"));
    }

    #[test]
    fn b07_demands_on_what_evidence_says_that_demand_nothing_are_refused() {
        let signer = |more: &str| format!("{{signers: [{{key: a.pub, {more}}}]}}");
        check(&signer("builders: []"), "expected a builder, or no such key");
        let wild = parse(&signer("builders: [\"*\"]")).unwrap_err().to_string();
        assert!(wild.contains("expected the id of a builder, found `*`"), "{wild}");
        check(&signer("verifier: gate"), "expected a URL, compared letter by letter, found `gate`");
        check(
            &signer("for: [sbom], builders: [https://ci.example/b]"),
            "this signer is not believed about `provenance`: see its `for`",
        );
        check(
            &signer("for: [sbom], verifier: https://gate.example"),
            "this signer is not believed about `vsa`: see its `for`",
        );
        check("{provenance: {build-types: []}}", "expected at least one, or no such key");
        check("{provenance: {triggers: []}}", "expected at least one, or no such key");
        for path in ["a..b", ".a", "\"\"", "\"*\"", "a.*"] {
            let error = parse(&format!("{{provenance: {{parameters: [{path}]}}}}"));
            let error = error.unwrap_err().to_string();
            assert!(
                error.contains("expected a parameter such as `inputs.debug`"),
                "{path}: {error}"
            );
        }
        for commit in ["abc", "\"ABCDEF7890123456789012345678901234567890\""] {
            let error = parse(&format!("{{provenance: {{commit: {commit}}}}}"));
            let error = error.unwrap_err().to_string();
            assert!(error.contains("a whole commit in lower-case hexadecimal"), "{error}");
        }
    }
}
