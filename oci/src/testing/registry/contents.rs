//! What a registry holds.

use bytes::Bytes;
use plimsoll_model::Digest;
use serde_json::Value;
use std::collections::BTreeMap;

/// Media type and bytes.
pub(super) type Stored = (String, Bytes);

#[derive(Debug, Default)]
pub(super) struct Contents {
    repositories: BTreeMap<String, Repository>,
}

#[derive(Debug, Default)]
struct Repository {
    blobs: BTreeMap<Digest, Bytes>,
    manifests: BTreeMap<Digest, Stored>,
    tags: BTreeMap<String, Digest>,
}

impl Contents {
    fn repository(&mut self, name: &str) -> &mut Repository {
        self.repositories.entry(name.to_owned()).or_default()
    }

    pub(super) fn put_blob(&mut self, repository: &str, bytes: Bytes) -> Digest {
        let digest = Digest::of(&bytes);
        self.repository(repository).blobs.insert(digest, bytes);
        digest
    }

    pub(super) fn put_manifest(
        &mut self,
        repository: &str,
        media_type: &str,
        bytes: Bytes,
        tag: Option<&str>,
    ) -> Digest {
        let digest = Digest::of(&bytes);
        let repository = self.repository(repository);
        repository.manifests.insert(digest, (media_type.to_owned(), bytes));
        if let Some(tag) = tag {
            repository.tags.insert(tag.to_owned(), digest);
        }
        digest
    }

    pub(super) fn remove(&mut self, repository: &str, digest: &Digest) {
        let repository = self.repository(repository);
        repository.blobs.remove(digest);
        repository.manifests.remove(digest);
    }

    /// Deletes a tag, or a manifest with its tags; whether it was there.
    pub(super) fn delete(&mut self, repository: &str, reference: &str) -> bool {
        let Some(repository) = self.repositories.get_mut(repository) else { return false };
        let Ok(digest) = reference.parse::<Digest>() else {
            return repository.tags.remove(reference).is_some();
        };
        repository.tags.retain(|_, tagged| *tagged != digest);
        repository.manifests.remove(&digest).is_some()
    }

    /// The names of the repositories.
    pub(super) fn names(&self) -> Vec<String> {
        self.repositories.keys().cloned().collect()
    }

    pub(super) fn blob(&self, repository: &str, digest: &Digest) -> Option<Bytes> {
        self.repositories.get(repository)?.blobs.get(digest).cloned()
    }

    pub(super) fn manifest(&self, repository: &str, digest: &Digest) -> Option<Stored> {
        self.repositories.get(repository)?.manifests.get(digest).cloned()
    }

    /// By tag or by digest.
    pub(super) fn resolve(&self, repository: &str, reference: &str) -> Option<Digest> {
        reference
            .parse()
            .ok()
            .or_else(|| self.repositories.get(repository)?.tags.get(reference).copied())
    }

    pub(super) fn tags(&self, repository: &str) -> BTreeMap<String, Digest> {
        self.repositories
            .get(repository)
            .map(|repository| repository.tags.clone())
            .unwrap_or_default()
    }

    /// Whether everything is there that a manifest names, as registries insist on.
    pub(super) fn is_complete(&self, repository: &str, manifest: &Value) -> bool {
        let digest_of = |entry: &Value| entry.get("digest")?.as_str()?.parse::<Digest>().ok();
        let list =
            |key: &str| manifest.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        let has_blob = |digest: Option<Digest>| {
            digest.is_some_and(|digest| self.blob(repository, &digest).is_some())
        };
        let has_manifest = |digest: Option<Digest>| {
            digest.is_some_and(|digest| self.manifest(repository, &digest).is_some())
        };
        list("layers").iter().map(digest_of).all(has_blob)
            && manifest.get("config").map(digest_of).is_none_or(has_blob)
            && list("manifests").iter().map(digest_of).all(has_manifest)
    }

    /// What names `subject` as its subject, as entries of an index.
    pub(super) fn referrers(&self, repository: &str, subject: &Digest) -> Vec<Value> {
        let Some(repository) = self.repositories.get(repository) else { return Vec::new() };
        let entry = |(digest, (media_type, bytes)): (&Digest, &Stored)| {
            let manifest: Value = serde_json::from_slice(bytes).ok()?;
            let about = manifest.get("subject")?.get("digest")?.as_str()?;
            (about == subject.to_string()).then(|| {
                serde_json::json!({
                    "mediaType": media_type,
                    "digest": digest,
                    "size": bytes.len(),
                    "artifactType": manifest.get("artifactType"),
                    "annotations": manifest.get("annotations"),
                })
            })
        };
        repository.manifests.iter().filter_map(entry).collect()
    }
}
