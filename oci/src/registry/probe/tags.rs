//! Whether a tag stays where it was: one of our own, pushed twice.

use super::{Asking, Consent, untold, words};
use crate::{
    error::Error,
    manifest::{Manifest, OCI_INDEX},
    registry::{exchange::Call, token::Scope},
};
use plimsoll_model::{
    Digest,
    reference::Tag,
    registry::{LeftKind, Leftover, TagMoves, Told},
};
use reqwest::Method;
use serde_json::json;

/// What the tags that are tried begin with.
const TAG_PREFIX: &str = "plimsoll-audit-";

impl Asking<'_> {
    /// Pushes a tag twice, looks at what it stands for, and takes it out again.
    pub(super) async fn tag_moves(&mut self) -> Told<TagMoves> {
        if self.consent == Consent::Absent {
            return Told::NoConsent;
        }
        let name = format!("{TAG_PREFIX}{}", self.nonce);
        let Ok(tag) = name.parse::<Tag>() else {
            return Told::Untold("the nonce makes no tag".to_owned());
        };
        let (first, second) = match (self.document("first"), self.document("second")) {
            (Ok(first), Ok(second)) => (first, second),
            (Err(error), _) | (_, Err(error)) => return untold(&error),
        };
        // 1. Nothing of others' is written over.
        let before = self.in_time(async {
            self.own.tagged(&name).await.map_or_else(|error| untold(&error), Told::Is)
        });
        match before.await {
            Told::Is(None) => {}
            Told::Is(Some(_)) => return Told::Untold(format!("there is a tag `{name}` already")),
            Told::Untold(why) => return Told::Untold(why),
            Told::NoConsent => return Told::NoConsent,
        }
        // 2. The tag is pushed, and pushed again.
        let moves = self.in_time(self.push_twice(&tag, &first, &second)).await;
        // 3. What came of it or not, it is taken out.
        self.take_out(&tag, [first.descriptor.digest, second.descriptor.digest]).await;
        moves
    }

    async fn push_twice(&self, tag: &Tag, first: &Manifest, second: &Manifest) -> Told<TagMoves> {
        if let Err(error) = self.own.put_manifest(first, Some(tag)).await {
            return untold(&error);
        }
        let again = self.own.put_manifest(second, Some(tag)).await;
        let now = match self.own.tagged(tag.as_str()).await {
            Ok(now) => now.map(|manifest| manifest.descriptor.digest),
            Err(error) => return untold(&error),
        };
        let name = tag.to_string();
        match (again, now) {
            (_, Some(now)) if now == second.descriptor.digest => Told::Is(TagMoves::Yes(name)),
            (Ok(_) | Err(Error::Forbidden { .. } | Error::Status { .. }), Some(now))
                if now == first.descriptor.digest =>
            {
                Told::Is(TagMoves::No(name))
            }
            (Err(error), _) => untold(&error),
            (Ok(_), _) => Told::Untold(format!("tag `{name}` stands for what nobody pushed")),
        }
    }

    /// A document that nobody else has: an index of nothing.
    fn document(&self, which: &str) -> Result<Manifest, Error> {
        let document = json!({
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [],
            "annotations": {
                "org.opencontainers.image.description": "a probe of plimsoll registry audit, to be deleted",
                "org.opencontainers.image.version": format!("{} {which}", self.nonce),
            },
        });
        let bytes = document.to_string().into_bytes().into();
        Manifest::parse(bytes, Some(OCI_INDEX), "the probe", self.own.access().limits())
    }

    /// Deletes the tag and its documents; what is still there then is said.
    async fn take_out(&mut self, tag: &Tag, documents: [Digest; 2]) {
        // The tag first: where tags can not be deleted, it goes with what it stands for.
        let untagged = self.delete(tag.as_str()).await.err();
        let mut kept = None;
        for digest in &documents {
            kept = self.delete(&digest.to_string()).await.err().or(kept);
        }
        let own = self.own.clone();
        let left = self.in_time(async {
            match own.tagged(tag.as_str()).await {
                Ok(left) => Told::Is(left.map(|manifest| manifest.descriptor.digest)),
                Err(error) => untold(&error),
            }
        });
        let left = left.await;
        let why = |error: Option<Error>| {
            let taken = || "its deletion was accepted, and it is still there".to_owned();
            error.map_or_else(taken, |error| words(&error))
        };
        let tagged = match &left {
            Told::Is(tagged) => *tagged,
            Told::Untold(_) | Told::NoConsent => None,
        };
        let manifests = self.left_of(documents, tagged).await.map(|(digests, unread)| Leftover {
            kind: LeftKind::Manifests,
            what: format!("manifests of the probe, without a tag ({digests})"),
            why: unread.unwrap_or_else(|| why(kept)),
        });
        let tag_is_there = match left {
            Told::Is(None) => None,
            Told::Is(Some(_)) | Told::NoConsent => Some(why(untagged)),
            Told::Untold(why) => Some(why),
        };
        let left = tag_is_there.map(|why| Leftover {
            kind: LeftKind::Tag,
            what: format!("tag `{tag}`"),
            why,
        });
        self.leftovers.extend(left.into_iter().chain(manifests));
    }

    /// Which of these manifests are there, besides the one that a tag stands for; and why that can not be told of one of them.
    async fn left_of(
        &self,
        documents: [Digest; 2],
        tagged: Option<Digest>,
    ) -> Option<(String, Option<String>)> {
        let (mut left, mut unread) = (Vec::new(), None);
        for digest in documents.into_iter().filter(|digest| Some(*digest) != tagged) {
            let there = self.in_time(async {
                self.own.has_manifest(&digest).await.map_or_else(|error| untold(&error), Told::Is)
            });
            match there.await {
                Told::Is(false) => continue,
                Told::Is(true) | Told::NoConsent => {}
                Told::Untold(why) => unread = Some(why),
            }
            left.push(digest.to_string());
        }
        (!left.is_empty()).then(|| (left.join(", "), unread))
    }

    async fn delete(&self, reference: &str) -> Result<(), Error> {
        let url = self.own.url(&format!("manifests/{reference}"));
        let attempt = self.own.attempt("delete", &format!(" {reference}"));
        let call = Call::new(Method::DELETE, url, Scope::delete(&self.own.repository), attempt);
        // It may not have come to be, or have gone with its tag.
        self.own.call_once(&call, &[200, 202, 204, 404]).await.map(drop)
    }
}
