//! Rows of the tables of threats (C) and faults (F), each against a registry that does just that.

mod login;
mod probe;
mod referrers;
mod tags;
mod transport;

use super::*;
use crate::{
    auth::{Credentials, Helpers, Secret},
    manifest::{Descriptor, Manifest, OCI_INDEX, OCI_MANIFEST},
    source::Source,
    store::{Artifact, Store},
    testing::{
        access,
        registry::{Fault, Login, Options, ReferrersApi, Registry as Server, Seen},
    },
};
use bytes::Bytes;
use plimsoll_model::{Limits, Reference};
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

const OLD: ReferrersApi = ReferrersApi::Absent;
const NEW: ReferrersApi = ReferrersApi::Present;

async fn server() -> Server {
    Server::start(Options::default()).await.unwrap()
}

async fn server_with(referrers: ReferrersApi) -> Server {
    Server::start(Options { referrers, ..Options::default() }).await.unwrap()
}

async fn server_with_login(login: Login) -> Server {
    Server::start(Options { login, ..Options::default() }).await.unwrap()
}

fn token_login() -> Login {
    Login::Token { username: "user".to_owned(), password: "hunter2".to_owned() }
}

/// Access as `user` to this server.
fn logged_in(server: &Server) -> Access {
    let registry = server.addr().to_string();
    access(|options| {
        options.credentials =
            Credentials::anonymous().with(&registry, "user", Secret::new("hunter2".to_owned()));
    })
}

fn repository(server: &Server, access: &Access) -> Registry {
    Registry::new(server.name("app").parse().unwrap(), access).unwrap()
}

fn anonymous(server: &Server) -> Registry {
    repository(server, &access(|_| ()))
}

fn descriptor(bytes: &[u8]) -> Descriptor {
    Descriptor::of("application/octet-stream", bytes)
}

/// An image with one layer, at the tag `1`; its manifest's descriptor.
fn image(server: &Server, layer: &'static [u8]) -> Descriptor {
    server.put_blob("app", layer);
    server.put_blob("app", "{}");
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(b"{}").to_json(),
        "layers": [descriptor(layer).to_json()],
    })
    .to_string();
    let descriptor = Descriptor::of(OCI_MANIFEST, manifest.as_bytes());
    server.put_manifest("app", OCI_MANIFEST, manifest, Some("1"));
    descriptor
}

/// What goes wrong with the first so many requests whose path has `part`.
fn first(
    times: usize,
    part: &'static str,
    fault: Fault,
) -> impl Fn(&Seen) -> Option<Fault> + Send + Sync {
    let left = AtomicUsize::new(times);
    move |seen| {
        let is_meant = seen.path.contains(part)
            && left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                .is_ok();
        is_meant.then(|| fault.clone())
    }
}

fn always(part: &'static str, fault: Fault) -> impl Fn(&Seen) -> Option<Fault> + Send + Sync {
    first(usize::MAX, part, fault)
}

fn answer(status: u16, name: &'static str, value: &str) -> Fault {
    Fault::Answer { status, headers: vec![(name, value.to_owned())], body: Bytes::new() }
}

async fn resolve(server: &Server, access: &Access) -> Result<Digest, Error> {
    let reference: Reference = server.name("app:1").parse().unwrap();
    let source = Source::open(&reference, access).await?;
    Ok(source.resolve(&reference).await?.digest)
}

fn no_authorization(log: &[Seen]) -> bool {
    log.iter().all(|seen| !seen.headers.contains_key("authorization"))
}
