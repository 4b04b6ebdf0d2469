//! Verified evidence → what it states, as values that the rules can look at.

use crate::{
    context::Context,
    stages::{decide::Case, dependencies},
};
use plimsoll_attest::{
    builders::{DependencyDigest, ResolvedDependency},
    claims::{self, Claims, DependencyClaim, ProvenanceClaims, ScanClaims, TestClaims},
};
use plimsoll_model::{
    Digest, Inventory, Purl,
    evidence::{Evidence, EvidenceFacts, Presence},
    reference::ImageName,
};
use plimsoll_policy::{
    EvidenceKind,
    stated::{
        Dependency, DependencyName, Provenance, Said, SbomDifference, Scanned, Stated, TestOutcome,
    },
};
use plimsoll_sbom::{
    changes::{self, ChangeKind},
    formats,
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Reads what the evidence states. What can not be read is kept as that.
pub(crate) fn read(
    ctx: &Context,
    case: &Case<'_>,
    evidence: &BTreeMap<EvidenceKind, Presence>,
) -> Stated {
    let mut stated = Stated { at_hand: at_hand(case), ..Stated::default() };
    for facts in evidence.values().flat_map(Presence::evidence).map(Evidence::facts) {
        match claims(facts) {
            Ok(Claims::Provenance(claims)) => {
                stated.provenance.push(said(facts, Ok(provenance(facts, &claims))));
            }
            Ok(Claims::Scan(claims)) => stated.scans.push(said(facts, Ok(scanned(&claims)))),
            Ok(Claims::Test(claims)) => stated.tests.push(said(facts, Ok(tests(&claims)))),
            Ok(Claims::Document(_)) => stated.differences.extend(compared(ctx, case, facts)),
            // Whether it passed has been verified, and nothing more is judged.
            Ok(Claims::Vsa(_)) => {}
            Err(reason) => untold(&mut stated, facts, &reason),
        }
    }
    stated
}

fn said<T>(facts: &EvidenceFacts, what: Result<T, String>) -> Said<T> {
    Said { statement: facts.statement, by: facts.signer.to_string(), what }
}

/// What a statement says; of evidence that was verified this has been read once.
fn claims(facts: &EvidenceFacts) -> Result<Claims, String> {
    let predicate: Map<String, Value> = serde_json::from_str(&facts.predicate)
        .map_err(|error| format!("no JSON object: {error}"))?;
    match claims::read(&facts.predicate_type, &predicate) {
        Ok(Some(claims)) => Ok(claims),
        Ok(None) => Err(format!("`{}` is not known", facts.predicate_type)),
        Err(error) => Err(error.to_string()),
    }
}

/// What can not be read is no statement that is missing: it is kept with those of its kind.
fn untold(stated: &mut Stated, facts: &EvidenceFacts, reason: &str) {
    let is_of =
        |kind: EvidenceKind| kind.predicate_types().contains(&facts.predicate_type.as_str());
    let reason = reason.to_owned();
    if is_of(EvidenceKind::Provenance) {
        stated.provenance.push(said(facts, Err(reason)));
    } else if is_of(EvidenceKind::Vulnerabilities) {
        stated.scans.push(said(facts, Err(reason)));
    } else if is_of(EvidenceKind::Tests) {
        stated.tests.push(said(facts, Err(reason)));
    } else {
        stated.differences.push(said(facts, Err(reason)));
    }
}

fn provenance(facts: &EvidenceFacts, claims: &ProvenanceClaims) -> Provenance {
    let dependencies = || claims.dependencies.iter().flatten();
    Provenance {
        build_type: claims.build_type.clone(),
        parameters: claims.external_parameters.as_ref().map(paths),
        repository: claims.repository.clone(),
        reference: claims.reference.clone(),
        commit: claims.commit.clone(),
        trigger: claims.trigger.clone(),
        signer: Some(facts.signer.clone()),
        dependencies: dependencies().filter_map(claimed).collect(),
        unpinned: dependencies().filter_map(unpinned).collect(),
        properties: claims.properties.clone(),
    }
}

/// Where each parameter is: of an object the things in it, unless it is empty. Lists are one thing.
fn paths(parameters: &Map<String, Value>) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut waiting: Vec<(Vec<String>, &Map<String, Value>)> = vec![(Vec::new(), parameters)];
    while let Some((path, map)) = waiting.pop() {
        for (name, value) in map {
            let mut path = path.clone();
            path.push(name.clone());
            match value {
                Value::Object(inner) if !inner.is_empty() => waiting.push((path, inner)),
                Value::Object(_)
                | Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::String(_)
                | Value::Array(_) => found.push(path),
            }
        }
    }
    found.sort();
    found
}

fn claimed(claim: &DependencyClaim) -> Option<Dependency> {
    let hex = claim.digest.get("sha256")?;
    let digest: Digest = format!("sha256:{hex}").parse().ok()?;
    Some(Dependency { what: name(claim.uri.as_deref()?)?, digest })
}

/// The URI of an image of which it is not said which it is.
fn unpinned(claim: &DependencyClaim) -> Option<String> {
    let uri = claim.uri.as_deref()?;
    let is_image = ["pkg:oci/", "pkg:docker/"].iter().any(|start| uri.starts_with(start));
    (is_image && claimed(claim).is_none()).then(|| uri.to_owned())
}

/// What a URI names, where that is a file of the source or an image.
///
/// Images are known by the package URLs of type `oci`, as Plimsoll has them, and of type `docker`, as BuildKit has them.
fn name(uri: &str) -> Option<DependencyName> {
    if let Some(path) = uri.strip_prefix("file:") {
        return Some(DependencyName::File(path.to_owned()));
    }
    let purl: Purl = uri.parse().ok()?;
    let (image, tag) = match purl.kind() {
        "oci" => (purl.qualifier("repository_url")?.to_owned(), purl.qualifier("tag")),
        "docker" => match purl.namespace() {
            Some(namespace) => (format!("{namespace}/{}", purl.name()), purl.version()),
            None => (purl.name().to_owned(), purl.version()),
        },
        _ => return None,
    };
    let image: ImageName = image.parse().ok()?;
    Some(DependencyName::Image {
        repository: image.repository.to_string(),
        tag: tag.filter(|tag| !tag.is_empty()).map(str::to_owned),
    })
}

/// Lock files and images that are known here. Of an approved base both digests count: a Dockerfile names that of the index.
fn at_hand(case: &Case<'_>) -> Vec<Dependency> {
    let resolved = dependencies::of_build(case).into_iter().chain(case.build.lock_files.clone());
    let mut found: Vec<Dependency> = resolved.filter_map(|one| known(&one)).collect();
    let base = case.matched_base();
    found.extend(base.and_then(|(entry, _)| {
        let tag = entry.tag.as_ref().map(ToString::to_string);
        let what = DependencyName::Image { repository: entry.repository.to_string(), tag };
        Some(Dependency { what, digest: entry.index? })
    }));
    found
}

fn known(dependency: &ResolvedDependency) -> Option<Dependency> {
    match dependency.digest {
        DependencyDigest::Sha256(digest) => {
            Some(Dependency { what: name(&dependency.uri)?, digest })
        }
        DependencyDigest::GitCommit(_) => None,
    }
}

fn scanned(claims: &ScanClaims) -> Scanned {
    Scanned { finished: claims.finished, advisories: claims.db_updated }
}

fn tests(claims: &TestClaims) -> TestOutcome {
    let remarkable = claims.failed.iter().chain(&claims.warned).flatten();
    TestOutcome {
        result: claims.result.map_or_else(String::new, |result| result.as_str().to_owned()),
        remarkable: remarkable.cloned().collect(),
    }
}

/// How what is aboard differs from a document; nothing where nobody looked what is aboard, or where it is no SBOM.
fn compared(ctx: &Context, case: &Case<'_>, facts: &EvidenceFacts) -> Option<Said<SbomDifference>> {
    let aboard = case.inventory?;
    if !EvidenceKind::Sbom.predicate_types().contains(&facts.predicate_type.as_str()) {
        return None;
    }
    let listed = formats::read(facts.predicate.as_bytes(), &ctx.limits);
    let what = listed.map(|listed| difference(&listed, aboard)).map_err(|error| error.to_string());
    Some(said(facts, what))
}

fn difference(listed: &Inventory, aboard: &Inventory) -> SbomDifference {
    let mut found = SbomDifference { unread: aboard.unknowns.len(), ..SbomDifference::default() };
    for change in changes::changes(listed, aboard).changes {
        let (from, to) = (change.from.unwrap_or_default(), change.to.unwrap_or_default());
        let with = |version: &str| format!("{} {version}", change.package);
        match change.kind {
            ChangeKind::Added => found.unlisted.push(with(&to)),
            ChangeKind::Removed => found.not_found.push(with(&from)),
            ChangeKind::Version => found.versions.push((change.package, from, to)),
            ChangeKind::Content | ChangeKind::Licenses => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::component::Component;
    use serde_json::json;

    #[test]
    fn b07_every_external_parameter_has_a_path_and_none_hides_in_another() {
        let parameters = json!({
            "workflow": {"ref": "refs/heads/main", "path": "x"},
            "inputs": {"a": {"b": [1, {"c": 2}]}, "empty": {}, "d.e": null},
            "": 1,
        });
        let found = paths(parameters.as_object().unwrap());
        let found: Vec<_> = found.iter().map(|path| path.join("|")).collect();
        let expect =
            ["", "inputs|a|b", "inputs|d.e", "inputs|empty", "workflow|path", "workflow|ref"];
        assert_eq!(found, expect);
        assert!(paths(&Map::new()).is_empty());
    }

    #[test]
    fn files_and_images_are_named_alike_whoever_writes_them() {
        let image = |repository: &str, tag: Option<&str>| {
            Some(DependencyName::Image {
                repository: repository.to_owned(),
                tag: tag.map(str::to_owned),
            })
        };
        let debian = image("docker.io/library/debian", Some("12"));
        let sha = Digest::of(b"");
        for (uri, expect) in [
            ("file:Cargo.lock".to_owned(), Some(DependencyName::File("Cargo.lock".to_owned()))),
            (
                format!("pkg:oci/debian@{sha}?repository_url=docker.io%2Flibrary%2Fdebian&tag=12"),
                debian.clone(),
            ),
            ("pkg:docker/debian@12?platform=linux%2Famd64".to_owned(), debian),
            ("pkg:docker/ghcr.io/acme/base@v1".to_owned(), image("ghcr.io/acme/base", Some("v1"))),
            (
                format!("pkg:oci/debian@{sha}?repository_url=debian"),
                image("docker.io/library/debian", None),
            ),
            (format!("pkg:oci/debian@{sha}"), None),
            ("pkg:npm/debian@12".to_owned(), None),
            ("git+https://github.com/acme/app".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(name(&uri), expect, "{uri}");
        }
    }

    #[test]
    fn a_digest_that_is_none_is_no_dependency() {
        let claim = |algorithm: &str, value: &str| DependencyClaim {
            uri: Some("file:go.sum".to_owned()),
            digest: BTreeMap::from([(algorithm.to_owned(), value.to_owned())]),
        };
        let hex = Digest::of(b"").hex();
        assert!(claimed(&claim("sha256", &hex)).is_some());
        for (algorithm, value) in
            [("sha512", hex.as_str()), ("sha256", ""), ("sha256", "ff"), ("sha256", "é")]
        {
            assert_eq!(claimed(&claim(algorithm, value)), None, "{algorithm} {value}");
        }
        let of = |uri: &str, algorithm: &str| {
            let uri = Some(uri.to_owned());
            unpinned(&DependencyClaim { uri, ..claim(algorithm, &hex) })
        };
        let (known, other) = ("pkg:docker/debian@12", "pkg:oci/base?digest=x");
        assert_eq!(of(known, "sha256"), None);
        assert_eq!(of(known, "sha512").as_deref(), Some(known));
        // Nobody knows which image that is, whatever its digest.
        assert_eq!(of(other, "sha256").as_deref(), Some(other));
        assert_eq!(of("file:go.sum", "sha512"), None);
    }

    #[test]
    fn an_sbom_differs_by_package_and_by_version() {
        let inventory = |purls: &[&str]| {
            let component = |purl: &&str| {
                let purl: Purl = purl.parse().unwrap();
                let version = purl.version().map(str::to_owned);
                Component::new(purl.clone(), purl.name(), version, "test")
            };
            Inventory::new(None, purls.iter().map(component).collect(), vec![], vec![])
        };
        let same = inventory(&["pkg:npm/a@1", "pkg:npm/b@1"]);
        assert_eq!(difference(&same, &same), SbomDifference::default());
        let aboard = inventory(&["pkg:npm/a@2", "pkg:npm/evil@1"]);
        let expect = SbomDifference {
            unlisted: vec!["pkg:npm/evil 1".to_owned()],
            not_found: vec!["pkg:npm/b 1".to_owned()],
            versions: vec![("pkg:npm/a".to_owned(), "1".to_owned(), "2".to_owned())],
            unread: 0,
        };
        assert_eq!(difference(&same, &aboard), expect);
    }
}
