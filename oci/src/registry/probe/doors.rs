//! What a registry lets everybody do, and us.

use super::{Asking, Consent, Known, untold, words};
use crate::{
    error::Error,
    registry::{Registry, exchange::Call, token::Scope},
};
use plimsoll_model::{
    Digest,
    registry::{CredentialKind, Door, LeftKind, Leftover, Told},
};
use reqwest::{Method, Response, header::CONTENT_LENGTH};
use serde::Deserialize;

/// How much of a list of repositories is read, in bytes: one name is asked for.
const CATALOG_LIMIT: u64 = 1 << 20;

#[derive(Deserialize)]
struct Catalog {
    repositories: Vec<String>,
}

impl Asking<'_> {
    /// Whether everybody may pull what is known to be there.
    pub(super) async fn anonymous_pull(
        &self,
        known: &Known,
        credential: &CredentialKind,
    ) -> Told<Door> {
        self.in_time(async {
            let Known::Image(image) = known else { return self.anonymous_list().await };
            let call = self.anonymous.get_manifest(&image.reference, &image.shown());
            let response = match knock(&self.anonymous, &call, &[200]).await {
                Ok(response) => response,
                // Some registries hide what they do not give. We see it only by our credentials.
                Err(Knocked::NotFound(_)) if *credential != CredentialKind::Absent => {
                    return Told::Is(Door::Shut(404));
                }
                Err(other) => return other.told(),
            };
            // What logs people in answers 200 too.
            let limit = self.anonymous.access().limits().manifest;
            match self.anonymous.access().body(response, limit, &call.attempt).await {
                Ok(bytes) if Digest::of(&bytes) == image.digest => Told::Is(Door::Open(200)),
                Ok(_) => Told::Untold("what everybody is sent is another document".to_owned()),
                Err(error) => untold(&error),
            }
        })
        .await
    }

    /// Where no image is known, the tags are what everybody may pull or not.
    async fn anonymous_list(&self) -> Told<Door> {
        match self.anonymous.first_tag().await {
            Ok(_) => Told::Is(Door::Open(200)),
            Err(error) => Knocked::of(error).told(),
        }
    }

    /// Whether everybody may list the repositories of the registry. None of their names is kept.
    pub(super) async fn catalog(&self) -> Told<Door> {
        self.in_time(async {
            let registry = &self.anonymous;
            let mut url = registry.origin.clone();
            url.set_path("/v2/_catalog");
            url.set_query(Some("n=1"));
            let attempt = registry.attempt("list the repositories beside", "");
            let call = Call::new(Method::GET, url, Scope::catalog(), attempt);
            let response = match knock(registry, &call, &[200]).await {
                Ok(response) => response,
                // Who has no catalog shows none.
                Err(Knocked::NotFound(_)) => return Told::Is(Door::Shut(404)),
                Err(other) => return other.told(),
            };
            let body = registry.access().body(response, CATALOG_LIMIT, &call.attempt).await;
            let listed = body.map(|bytes| serde_json::from_slice::<Catalog>(&bytes));
            match listed {
                Ok(Ok(catalog)) if catalog.repositories.is_empty() => {
                    Told::Untold("the catalog is answered, and lists nothing".to_owned())
                }
                Ok(Ok(_)) => Told::Is(Door::Open(200)),
                Ok(Err(_)) => Told::Untold("what is answered is no catalog".to_owned()),
                Err(error) => untold(&error),
            }
        })
        .await
    }

    /// Whether everybody may begin an upload.
    pub(super) async fn anonymous_push(&mut self) -> Told<Door> {
        let registry = self.anonymous.clone();
        self.push(&registry).await
    }

    /// Whether we may.
    pub(super) async fn own_push(&mut self, credential: &CredentialKind) -> Told<Door> {
        if *credential == CredentialKind::Absent {
            return Told::Untold("there are no credentials for it".to_owned());
        }
        let registry = self.own.clone();
        self.push(&registry).await
    }

    /// Begins an upload and gives it up again; attempted once.
    async fn push(&mut self, registry: &Registry) -> Told<Door> {
        if self.consent == Consent::Absent {
            return Told::NoConsent;
        }
        let scope = Scope::push(&registry.repository);
        let attempt = registry.attempt("begin an upload to", "");
        let call = Call::new(Method::POST, registry.url("blobs/uploads/"), scope, attempt)
            .header(CONTENT_LENGTH, "0");
        let asked = self.in_time(async {
            match knock(registry, &call, &[202]).await {
                Ok(response) => Told::Is(Begun::At(Box::new(response))),
                Err(other) => match other.told() {
                    Told::Is(door) => Told::Is(Begun::Not(door)),
                    Told::Untold(why) => Told::Untold(why),
                    Told::NoConsent => Told::NoConsent,
                },
            }
        });
        match asked.await {
            Told::Is(Begun::At(response)) => {
                if let Err(why) = self.give_up(registry, &call, &response).await {
                    self.leftovers.push(Leftover {
                        kind: LeftKind::Upload,
                        what: "an unfinished upload".to_owned(),
                        why,
                    });
                }
                Told::Is(Door::Open(202))
            }
            Told::Is(Begun::Not(door)) => Told::Is(door),
            Told::Untold(why) => Told::Untold(why),
            Told::NoConsent => Told::NoConsent,
        }
    }

    /// Ends an upload that was begun.
    async fn give_up(
        &self,
        registry: &Registry,
        begun: &Call,
        response: &Response,
    ) -> Result<(), String> {
        let at = registry.onward(response, &begun.attempt).map_err(|error| words(&error))?;
        let attempt = registry.attempt("give up the upload to", "");
        let call = Call::new(Method::DELETE, at, begun.scope.clone(), attempt);
        let ended = self.in_time(async {
            match registry.call_once(&call, &[200, 202, 204, 404]).await {
                Ok(_) => Told::Is(()),
                Err(error) => untold(&error),
            }
        });
        match ended.await {
            Told::Is(()) | Told::NoConsent => Ok(()),
            Told::Untold(why) => Err(why),
        }
    }

    /// Whether everybody may delete: a digest that nobody has is looked for by who may, and refused to who may not.
    pub(super) async fn anonymous_delete(&self, known: &Known) -> Told<Door> {
        if self.consent == Consent::Absent {
            return Told::NoConsent;
        }
        self.in_time(async {
            let registry = &self.anonymous;
            let digest = self.nobodys_digest();
            let attempt = registry.attempt_by_digest("delete manifest", &digest);
            let url = registry.url(&format!("manifests/{digest}"));
            let call = Call::new(Method::DELETE, url, Scope::delete(&registry.repository), attempt);
            match knock(registry, &call, &[200, 202, 204]).await {
                Ok(response) => Told::Is(Door::Open(response.status().as_u16())),
                Err(Knocked::NotFound(error)) => {
                    let is_looked_for = matches!(&error, Error::NotFound { reason, .. }
                        if reason.code == "MANIFEST_UNKNOWN");
                    // What hides what it does not give says the same of what it does not let delete.
                    if is_looked_for && !self.hides(known).await {
                        Told::Is(Door::Open(404))
                    } else {
                        untold(&error)
                    }
                }
                Err(other) => other.told(),
            }
        })
        .await
    }

    /// Whether the registry tells everybody that there is not what there is.
    async fn hides(&self, known: &Known) -> bool {
        let Known::Image(image) = known else { return false };
        let call = self.anonymous.get_manifest(&image.reference, &image.shown());
        matches!(knock(&self.anonymous, &call, &[200]).await, Err(Knocked::NotFound(_)))
    }
}

/// What came of asking to upload.
enum Begun {
    /// It was begun.
    At(Box<Response>),
    /// It was not.
    Not(Door),
}

/// What became of a request that was not answered as it is where it is allowed.
pub(super) enum Knocked {
    Shut(u16),
    NotFound(Error),
    Untold(Error),
}

impl Knocked {
    fn of(error: Error) -> Self {
        #[expect(clippy::wildcard_enum_match_arm, reason = "everything else tells nothing")]
        match error {
            Error::Unauthorized { .. } => Self::Shut(401),
            Error::Forbidden { .. } => Self::Shut(403),
            // Nobody may do it.
            Error::Status { status: 405, .. } => Self::Shut(405),
            error @ Error::NotFound { .. } => Self::NotFound(error),
            error => Self::Untold(error),
        }
    }

    fn told(self) -> Told<Door> {
        match self {
            Self::Shut(status) => Told::Is(Door::Shut(status)),
            Self::NotFound(error) | Self::Untold(error) => untold(&error),
        }
    }
}

/// Sends a request once; the answer where its status is one of `open`.
pub(super) async fn knock(
    registry: &Registry,
    call: &Call,
    open: &[u16],
) -> Result<Response, Knocked> {
    registry.call_once(call, open).await.map_err(Knocked::of)
}
