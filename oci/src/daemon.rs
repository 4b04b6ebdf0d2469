//! Images that an engine on this machine holds: Docker's, or podman's under the same API.
//!
//! The engine is asked to export the image, and what it sends is spooled to a temporary file that has no name: the list of
//! its layers comes last, and some engines send a layer once for all images that have it. From there it is read like any
//! other archive, every byte verified.
//! API: <https://docs.docker.com/reference/api/engine/version/v1.47/#tag/Image/operation/ImageGet>.

use crate::{
    archive::DockerArchive,
    error::{Attempt, Error, Reason},
    local::blocking,
    registry::Access,
};
use camino::Utf8Path;
use plimsoll_model::{
    Limits,
    reference::{ImageName, Place, Repository},
};
use reqwest::{Client, Response, redirect::Policy};
use serde::Deserialize;
use std::{fs::File, time::Duration};
use tokio::io::AsyncWriteExt as _;

/// An engine packs an image before it sends the first byte.
const PATIENCE: Duration = Duration::from_mins(10);
/// How much of a refusal is read for its reason, in bytes, and kept, in characters.
const REASON: (usize, usize) = (16 << 10, 200);

/// An image that an engine on this machine has handed out. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DockerDaemon {
    archive: DockerArchive,
    repository: Repository,
}

/// Why an engine refuses.
#[derive(Deserialize)]
struct Refusal {
    message: String,
}

impl DockerDaemon {
    /// Has the engine behind `socket` export the image that it knows by `name`; `latest` where no tag is named.
    ///
    /// # Errors
    /// [`Error::Transport`] where no engine answers, [`Error::NotFound`], [`Error::Offline`],
    /// [`Error::TooLarge`] past [`Limits::layer_inflated`], and those of [`DockerArchive::open`].
    pub async fn export(
        name: &ImageName,
        socket: &Utf8Path,
        access: &Access,
    ) -> Result<Self, Error> {
        let place = format!("docker-daemon:{name}");
        let attempt = Attempt { action: "export", on: format!("{place} ({socket})") };
        access.online(&attempt)?;
        let response = ask(name, socket, access, &attempt).await?;
        let (file, length) = spool(response, &attempt, access.limits()).await?;
        let limits = access.limits().clone();
        let archive =
            blocking(move || DockerArchive::of_file(file, length, &place, &limits)).await?;
        Ok(Self { archive, repository: name.repository.clone() })
    }

    /// What was exported.
    pub(crate) const fn archive(&self) -> &DockerArchive {
        &self.archive
    }

    /// Where this is.
    pub fn place(&self) -> Place {
        Place::DockerDaemon(self.repository.clone())
    }
}

async fn ask(
    name: &ImageName,
    socket: &Utf8Path,
    access: &Access,
    attempt: &Attempt,
) -> Result<Response, Error> {
    let client = Client::builder()
        .unix_socket(socket.as_std_path())
        .no_proxy()
        .redirect(Policy::none())
        .user_agent(access.options().user_agent.clone())
        .read_timeout(PATIENCE.max(access.options().timeout))
        .build()
        .map_err(|source| Error::Client { source })?;
    let latest = if name.is_untagged() { ":latest" } else { "" };
    // The host is not looked up: the socket stands for it.
    let mut url = url::Url::parse("http://localhost")
        .map_err(|_never| Error::NotAnImage { reference: name.to_string() })?;
    url.set_path(&format!("/images/{name}{latest}/get"));
    let failed = |source: reqwest::Error| Error::Transport {
        attempt: attempt.clone(),
        source: source.without_url(),
    };
    let response = client.get(url).send().await.map_err(failed)?;
    match response.status().as_u16() {
        200 => Ok(response),
        404 => Err(Error::NotFound { attempt: attempt.clone(), reason: reason(response).await }),
        status @ 500.. => Err(Error::Unavailable {
            attempt: attempt.clone(),
            status,
            retry_after: None,
            reason: reason(response).await,
        }),
        status => {
            Err(Error::Status { attempt: attempt.clone(), status, reason: reason(response).await })
        }
    }
}

/// Without a reason the status still says enough.
async fn reason(mut response: Response) -> Reason {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > REASON.0 {
            break;
        }
    }
    let message = serde_json::from_slice::<Refusal>(&body).map(|refusal| refusal.message);
    let message = message.unwrap_or_default().chars().take(REASON.1).collect();
    Reason { code: String::new(), message }
}

/// Writes what comes into a file that is gone when it is closed, however the program ends.
async fn spool(
    mut response: Response,
    attempt: &Attempt,
    limits: &Limits,
) -> Result<(File, u64), Error> {
    let failed = |source| Error::Spool { attempt: attempt.clone(), source };
    let mut file = tokio::fs::File::from_std(tempfile::tempfile().map_err(failed)?);
    let mut length = 0_u64;
    let broken = |source: reqwest::Error| Error::Transport {
        attempt: attempt.clone(),
        source: source.without_url(),
    };
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        length = length.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        if length > limits.layer_inflated {
            let (from, limit) = (attempt.on.clone(), limits.layer_inflated);
            return Err(Error::TooLarge { from, limit });
        }
        file.write_all(&chunk).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    Ok((file.into_std().await, length))
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;
    use crate::{
        Source, TarFlaw,
        archive::tests::saved,
        fixture::{bytes_of, directory},
        source::Network,
        testing::access,
    };
    use camino::Utf8PathBuf;
    use plimsoll_model::Reference;
    use serde_json::json;
    use tokio::{io::AsyncReadExt as _, net::UnixListener};

    /// An engine that gives one answer; returns what it was asked.
    async fn engine(socket: Utf8PathBuf, status: &'static str, body: Vec<u8>) -> String {
        let listener = UnixListener::bind(&socket).unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4_096];
        let count = stream.read(&mut request).await.unwrap();
        let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        // A client that has seen enough may have gone.
        stream.write_all(&body).await.ok();
        String::from_utf8_lossy(&request[..count]).lines().next().unwrap_or_default().to_owned()
    }

    async fn export(
        name: &str,
        status: &'static str,
        body: Vec<u8>,
    ) -> (String, Result<DockerDaemon, Error>) {
        let (_kept, root) = directory();
        let socket = root.join("socket");
        let (name, access): (ImageName, _) = (name.parse().unwrap(), access(|_| {}));
        let asks = async {
            while !socket.exists() {
                tokio::task::yield_now().await;
            }
            DockerDaemon::export(&name, &socket, &access).await
        };
        tokio::join!(engine(socket.clone(), status, body), asks)
    }

    #[tokio::test]
    async fn an_image_is_exported_and_read_like_an_archive() {
        let (_kept, root) = directory();
        let (path, config) = saved(&root, &json!(["acme/app:1.0"]));
        let (asked, exported) = export("acme/app:1.0", "200 OK", bytes_of(&path)).await;
        assert_eq!(asked, "GET /images/docker.io/acme/app:1.0/get HTTP/1.1");
        let source = Source::DockerDaemon(exported.unwrap());
        let typed: Reference = "docker-daemon:acme/app:1.0".parse().unwrap();
        let pinned = source.resolve(&typed).await.unwrap();
        assert!(pinned.to_string().starts_with("docker-daemon:docker.io/acme/app@sha256:"));
        let image = crate::open_image(&source, &pinned, None).await.unwrap();
        assert_eq!(image.config_digest, config);
    }

    #[tokio::test]
    async fn the_latest_is_meant_where_no_tag_is_named() {
        let (asked, refused) =
            export("app", "404 Not Found", br#"{"message":"No such image: app"}"#.to_vec()).await;
        assert_eq!(asked, "GET /images/docker.io/library/app:latest/get HTTP/1.1");
        let error = refused.unwrap_err();
        assert!(matches!(error, Error::NotFound { .. }));
        assert!(error.to_string().ends_with("the server says: No such image: app"), "{error}");
    }

    #[tokio::test]
    async fn an_export_that_is_cut_short_or_no_archive_is_refused() {
        let (_kept, root) = directory();
        let (path, _) = saved(&root, &json!(["acme/app:1.0"]));
        let mut bytes = bytes_of(&path);
        bytes.truncate(700);
        let (_, refused) = export("app", "200 OK", bytes).await;
        assert!(matches!(refused, Err(Error::Archive { source: TarFlaw::Truncated, .. })));
        let (_, refused) = export("app", "200 OK", b"garbage".to_vec()).await;
        assert!(matches!(refused, Err(Error::Archive { .. })), "{refused:?}");
        let (_, refused) = export("app", "500 Oops", b"<html>".to_vec()).await;
        assert!(matches!(refused, Err(Error::Unavailable { status: 500, .. })));
    }

    #[tokio::test]
    async fn nothing_is_asked_offline_or_where_no_engine_is() {
        let (_kept, root) = directory();
        let name: ImageName = "app".parse().unwrap();
        let offline = access(|options| options.network = Network::Refused);
        let refused = DockerDaemon::export(&name, &root.join("no"), &offline).await;
        assert!(matches!(refused, Err(Error::Offline { .. })));
        let refused = DockerDaemon::export(&name, &root.join("no"), &access(|_| {})).await;
        assert!(matches!(refused, Err(Error::Transport { .. })));
    }
}
