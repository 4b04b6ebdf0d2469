//! `evidence`: what has to be there, and whose word counts.

use super::reader::{DayEnd, Fields, Reader};
use crate::{
    Error, EvidenceKind,
    policy::{Policy, SignerPolicy, SignerWho, TufPolicy},
    yaml::Node,
};
use plimsoll_model::{
    evidence::{Legacy, Unlogged, Validity},
    identity::{IdentityDemand, IdentityPattern},
};
use std::collections::BTreeSet;

/// What only an identity has.
const OF_IDENTITY: [&str; 8] =
    ["issuer", "identity", "repository", "repository-id", "owner-id", "ref", "triggers", "runner"];
/// What only a key has.
const OF_KEY: [&str; 3] = ["unlogged", "valid-from", "valid-until"];
/// The most logs, and the most timestamp authorities, that can be demanded.
const MOST: i64 = 8;

pub(super) fn read(reader: &Reader<'_>, node: &Node, policy: &mut Policy) -> Result<(), Error> {
    let known =
        ["require", "signers", "trusted-root", "tuf", "max-age", "legacy", "logs", "timestamps"];
    let fields = reader.fields(node, &known)?;
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
    Ok(())
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

fn kinds(reader: &Reader<'_>, list: &Node) -> Result<BTreeSet<EvidenceKind>, Error> {
    let kinds = EvidenceKind::ALL.map(|kind| (kind.as_str(), kind));
    reader.list(list)?.iter().map(|item| reader.word(item, &kinds)).collect()
}

fn signer(reader: &Reader<'_>, node: &Node) -> Result<SignerPolicy, Error> {
    let known: Vec<&str> = ["key", "for"].into_iter().chain(OF_KEY).chain(OF_IDENTITY).collect();
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
    Ok(SignerPolicy { who, kinds: kinds.unwrap_or_default(), line: node.at.line })
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
}
