//! GitHub's API for attestations, and the storage that has the bundles.
//!
//! <https://docs.github.com/en/rest/repos/attestations?apiVersion=2022-11-28>

use super::server::{Reply, Seen};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use plimsoll_model::Digest;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The token that this API takes.
pub const GITHUB_TOKEN: &str = "ghs_test-token-of-a-job";

/// Where the list of a repository has its bundles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kept {
    /// In the list.
    #[default]
    Inline,
    /// In storage, compressed.
    InStorage,
}

#[derive(Default)]
pub(super) struct GitHub {
    /// By repository and digest.
    attestations: BTreeMap<(String, String), Vec<Value>>,
    pub(super) kept: Kept,
}

impl GitHub {
    /// Answers below `/github`.
    pub(super) fn answer(&mut self, path: &str, seen: &Seen, base: &str) -> Reply {
        if let Some(rest) = path.strip_prefix("/storage/") {
            return self.stored(rest);
        }
        let token = seen.headers.get("authorization");
        let may_write = token == Some(&format!("Bearer {GITHUB_TOKEN}"));
        if token.is_some() && !may_write {
            return refusal(401, "Bad credentials");
        }
        let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
        let ["repos", owner, name, rest @ ..] = parts.as_slice() else {
            return refusal(404, "Not Found");
        };
        // Private: to whoever may not see it, it is not there.
        if *name == "hidden" {
            return refusal(404, "Not Found");
        }
        let repository = format!("{owner}/{name}");
        match (seen.method.as_str(), rest) {
            ("GET", []) => Reply::json(&json!({"full_name": repository})),
            ("GET", ["attestations", digest]) => self.list(&repository, digest, seen, base),
            ("POST", ["attestations"]) if may_write => self.take(&repository, &seen.body),
            ("POST", ["attestations"]) => refusal(403, "Resource not accessible by integration"),
            _ => refusal(404, "Not Found"),
        }
    }

    /// Takes a bundle in, about every subject of its statement.
    pub(super) fn put(&mut self, repository: &str, bundle: &Value) -> Option<()> {
        let payload = STANDARD.decode(bundle.pointer("/dsseEnvelope/payload")?.as_str()?).ok()?;
        let statement: Value = serde_json::from_slice(&payload).ok()?;
        for subject in statement.get("subject")?.as_array()? {
            let digest = format!("sha256:{}", subject.pointer("/digest/sha256")?.as_str()?);
            let key = (repository.to_owned(), digest);
            self.attestations.entry(key).or_default().push(bundle.clone());
        }
        Some(())
    }

    fn take(&mut self, repository: &str, body: &[u8]) -> Reply {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        match self.put(repository, &body["bundle"]) {
            Some(()) => Reply::json(&json!({"id": self.attestations.len()})).with_status(201),
            None => refusal(422, "Validation Failed"),
        }
    }

    fn list(&self, repository: &str, digest: &str, seen: &Seen, base: &str) -> Reply {
        let key = (repository.to_owned(), digest.to_owned());
        let Some(all) = self.attestations.get(&key) else { return refusal(404, "Not Found") };
        let number = |name: &str| seen.parameter(name).and_then(|text| text.parse::<usize>().ok());
        let size = number("per_page").unwrap_or(30).min(100);
        let after = number("after").unwrap_or(0);
        let entry = |bundle: &Value| match self.kept {
            Kept::Inline => json!({"bundle": bundle, "repository_id": 1, "bundle_url": null}),
            Kept::InStorage => {
                let name = Digest::of(bundle.to_string().as_bytes());
                let url = format!("{base}/github/storage/{}.sn?sig=signed-address", name.hex());
                json!({"bundle": null, "repository_id": 1, "bundle_url": url})
            }
        };
        let page: Vec<_> = all.iter().skip(after).take(size).map(entry).collect();
        let next = after + page.len();
        let reply = Reply::json(&json!({"attestations": page}));
        if next >= all.len() {
            return reply;
        }
        let path = format!("{base}/github/repos/{repository}/attestations/{digest}");
        let link = format!("<{path}?per_page={size}&after={next}>; rel=\"next\"");
        reply.header("link", link)
    }

    fn stored(&self, name: &str) -> Reply {
        let name = name.trim_end_matches(".sn");
        let mut all = self.attestations.values().flatten().map(Value::to_string);
        match all.find(|bundle| Digest::of(bundle.as_bytes()).hex() == name) {
            Some(bundle) => {
                let compressed = snap::raw::Encoder::new().compress_vec(bundle.as_bytes());
                Reply::bytes("application/x-snappy", compressed.expect("a bundle is not that long"))
            }
            None => Reply::status(404),
        }
    }
}

fn refusal(status: u16, message: &str) -> Reply {
    Reply::json(&json!({"message": message, "status": status.to_string()})).with_status(status)
}
