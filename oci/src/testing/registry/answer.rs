//! What a registry answers: distribution specification v1.1.0.

use super::{Fault, Login, ReferrersApi, Seen, State, lock};
use crate::manifest::OCI_INDEX;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{Response, StatusCode, body::Frame, header::HeaderValue};
use plimsoll_model::Digest;
use serde_json::{Value, json};
use std::{future, io};

pub(super) type Answer = Response<BoxBody<Bytes, io::Error>>;

/// The token that this registry gives and takes.
const TOKEN: &str = "granted";

/// How often a server may send what it has before the connection breaks.
const FLUSHES: usize = 50;

/// An answer on its way to being one.
struct Plain {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

impl Plain {
    fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new() }
    }

    fn refusal(status: u16, code: &str) -> Self {
        let body = json!({"errors": [{"code": code, "message": "refused"}]}).to_string();
        Self { body: body.into(), ..Self::new(status) }
    }

    fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }
}

pub(super) async fn to(seen: &Seen, fault: Option<Fault>, state: &State) -> io::Result<Answer> {
    let head = |seen: &Seen| seen.method == "HEAD";
    let mut plain = match &fault {
        Some(Fault::Answer { status, headers, body }) => {
            Plain { status: *status, headers: headers.clone(), body: body.clone() }
        }
        Some(Fault::Hang) => return future::pending().await,
        Some(Fault::Drop) => return Err(io::Error::other("dropped")),
        Some(Fault::Header(..) | Fault::Body(_) | Fault::Cut(_) | Fault::Endless) | None => {
            route(seen, state)
        }
    };
    let mut cut = None;
    match fault {
        Some(Fault::Header(name, value)) => plain.headers.push((name, value)),
        Some(Fault::Body(body)) => plain.body = body,
        Some(Fault::Cut(at)) => cut = Some(at),
        Some(Fault::Endless) => return finish(plain.status, plain.headers, None, endless()),
        Some(Fault::Answer { .. } | Fault::Hang | Fault::Drop) | None => {}
    }
    let length = plain.body.len();
    let body = match cut {
        _ if head(seen) => Full::new(Bytes::new()).map_err(|never| match never {}).boxed(),
        None => Full::new(plain.body).map_err(|never| match never {}).boxed(),
        Some(at) => cut_off(plain.body.slice(..at.min(length))),
    };
    finish(plain.status, plain.headers, Some(length), body)
}

fn finish(
    status: u16,
    headers: Vec<(&'static str, String)>,
    length: Option<usize>,
    body: BoxBody<Bytes, io::Error>,
) -> io::Result<Answer> {
    let mut answer = Response::new(body);
    *answer.status_mut() = StatusCode::from_u16(status).map_err(io::Error::other)?;
    if let Some(length) = length {
        answer.headers_mut().insert("content-length", length.into());
    }
    for (name, value) in headers {
        answer.headers_mut().insert(name, HeaderValue::from_str(&value).map_err(io::Error::other)?);
    }
    Ok(answer)
}

/// The bytes go out before the connection breaks: the server sends what it has whenever there is no more for now.
fn cut_off(bytes: Bytes) -> BoxBody<Bytes, io::Error> {
    let broken = stream::once(async {
        for _ in 0..FLUSHES {
            tokio::task::yield_now().await;
        }
        Err(io::Error::other("cut"))
    });
    BodyExt::boxed(StreamBody::new(stream::iter([Ok(Frame::data(bytes))]).chain(broken)))
}

fn endless() -> BoxBody<Bytes, io::Error> {
    BodyExt::boxed(StreamBody::new(stream::repeat_with(|| {
        Ok(Frame::data(Bytes::from_static(&[b'x'; 4_096])))
    })))
}

fn route(seen: &Seen, state: &State) -> Plain {
    let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
    if path == "/token" {
        return token(seen, state);
    }
    if !is_logged_in(seen, state) {
        let challenge = match &state.options.login {
            Login::Token { .. } => {
                format!("Bearer realm=\"http://{}/token\",service=\"test\"", state.address)
            }
            Login::Basic { .. } | Login::None => "Basic realm=\"test\"".to_owned(),
        };
        return Plain::refusal(401, "UNAUTHORIZED").header("www-authenticate", challenge);
    }
    let Some(rest) = path.strip_prefix("/v2/") else { return Plain::refusal(404, "NAME_UNKNOWN") };
    if rest.is_empty() {
        return Plain::new(200).body("{}");
    }
    if rest == "_catalog" {
        let repositories = lock(&state.contents).names();
        return Plain::new(200).body(json!({ "repositories": repositories }).to_string());
    }
    for (part, answer) in ROUTES {
        if let Some((repository, rest)) = rest.split_once(part) {
            return answer(&Question { seen, state, repository, rest, query });
        }
    }
    Plain::refusal(404, "NAME_UNKNOWN")
}

/// A request, taken apart.
struct Question<'a> {
    seen: &'a Seen,
    state: &'a State,
    repository: &'a str,
    /// What follows the part of the path that says what is asked for.
    rest: &'a str,
    query: &'a str,
}

impl Question<'_> {
    fn parameter(&self, name: &str) -> Option<String> {
        let pairs = url::form_urlencoded::parse(self.query.as_bytes());
        pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

type Route = (&'static str, fn(&Question<'_>) -> Plain);

const ROUTES: [Route; 5] = [
    ("/tags/list", tags),
    ("/manifests/", manifests),
    ("/blobs/uploads/", uploads),
    ("/blobs/", blobs),
    ("/referrers/", referrers),
];

fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
}

fn is_logged_in(seen: &Seen, state: &State) -> bool {
    let given = seen.headers.get("authorization");
    match &state.options.login {
        Login::None => true,
        Login::Basic { username, password } => given == Some(&basic(username, password)),
        Login::Token { .. } => given.is_some_and(|given| given == &format!("Bearer {TOKEN}")),
    }
}

fn token(seen: &Seen, state: &State) -> Plain {
    let Login::Token { username, password } = &state.options.login else {
        return Plain::refusal(404, "NAME_UNKNOWN");
    };
    if seen.headers.get("authorization") == Some(&basic(username, password)) {
        Plain::new(200).body(json!({"token": TOKEN}).to_string())
    } else {
        Plain::refusal(401, "UNAUTHORIZED")
    }
}

fn tags(question: &Question<'_>) -> Plain {
    let tags = lock(&question.state.contents).tags(question.repository);
    let names: Vec<_> = tags.keys().collect();
    Plain::new(200).body(json!({"name": question.repository, "tags": names}).to_string())
}

fn manifests(question: &Question<'_>) -> Plain {
    let mut contents = lock(&question.state.contents);
    let (repository, reference) = (question.repository, question.rest);
    if question.seen.method == "DELETE" {
        return if contents.delete(repository, reference) {
            Plain::new(202)
        } else {
            Plain::refusal(404, "MANIFEST_UNKNOWN")
        };
    }
    if question.seen.method == "PUT" {
        let bytes = question.seen.body.clone();
        let digest = Digest::of(&bytes);
        let media_type = question.seen.headers.get("content-type").cloned().unwrap_or_default();
        let Ok(manifest) = serde_json::from_slice::<Value>(&bytes) else {
            return Plain::refusal(400, "MANIFEST_INVALID");
        };
        if reference.contains(':') && reference != digest.to_string() {
            return Plain::refusal(400, "DIGEST_INVALID");
        }
        if !contents.is_complete(repository, &manifest) {
            return Plain::refusal(400, "MANIFEST_BLOB_UNKNOWN");
        }
        let tag = (!reference.contains(':')).then_some(reference);
        contents.put_manifest(repository, &media_type, bytes, tag);
        let answer = Plain::new(201).header("docker-content-digest", digest.to_string());
        let subject = manifest.get("subject").and_then(|subject| subject.get("digest")?.as_str());
        return match (subject, question.state.options.referrers) {
            (Some(subject), ReferrersApi::Present) => answer.header("oci-subject", subject),
            _ => answer,
        };
    }
    let digest = contents.resolve(repository, reference);
    match digest.and_then(|digest| contents.manifest(repository, &digest)) {
        Some((media_type, bytes)) => Plain::new(200)
            .header("content-type", media_type)
            .header("docker-content-digest", Digest::of(&bytes).to_string())
            .body(bytes),
        None => Plain::refusal(404, "MANIFEST_UNKNOWN"),
    }
}

fn blobs(question: &Question<'_>) -> Plain {
    let digest = question.rest.parse::<Digest>().ok();
    let blob =
        digest.and_then(|digest| lock(&question.state.contents).blob(question.repository, &digest));
    let Some(bytes) = blob else { return Plain::refusal(404, "BLOB_UNKNOWN") };
    let range = question.seen.headers.get("range").and_then(|range| range.strip_prefix("bytes="));
    let Some((from, to)) = range.and_then(|range| range.split_once('-')) else {
        return Plain::new(200).body(bytes);
    };
    let from = from.parse().unwrap_or(0);
    let to = to.parse::<usize>().map_or(bytes.len(), |to| to.saturating_add(1)).min(bytes.len());
    if from >= to {
        return Plain::new(416);
    }
    let range = format!("bytes {from}-{}/{}", to.saturating_sub(1), bytes.len());
    Plain::new(206).header("content-range", range).body(bytes.slice(from..to))
}

fn uploads(question: &Question<'_>) -> Plain {
    let mut contents = lock(&question.state.contents);
    let digest = question.parameter("digest").and_then(|digest| digest.parse::<Digest>().ok());
    match question.seen.method.as_str() {
        "POST" => {
            let mounted =
                question.parameter("mount").and_then(|digest| digest.parse::<Digest>().ok());
            let from = question.parameter("from");
            if let Some(blob) =
                mounted.zip(from).and_then(|(digest, from)| contents.blob(&from, &digest))
            {
                contents.put_blob(question.repository, blob);
                return Plain::new(201);
            }
            Plain::new(202).header(
                "location",
                format!("/v2/{}/blobs/uploads/session?state=1", question.repository),
            )
        }
        "PUT" if digest == Some(Digest::of(&question.seen.body)) => {
            contents.put_blob(question.repository, question.seen.body.clone());
            Plain::new(201)
        }
        "PUT" => Plain::refusal(400, "DIGEST_INVALID"),
        "DELETE" => Plain::new(204),
        _ => Plain::refusal(405, "UNSUPPORTED"),
    }
}

fn referrers(question: &Question<'_>) -> Plain {
    let subject = question.rest.parse::<Digest>().ok();
    let Some(subject) =
        subject.filter(|_| question.state.options.referrers == ReferrersApi::Present)
    else {
        return Plain::refusal(404, "NAME_UNKNOWN");
    };
    let listed = lock(&question.state.contents).referrers(question.repository, &subject);
    let size = question.state.options.page.unwrap_or(usize::MAX);
    let page: usize = question.parameter("page").and_then(|page| page.parse().ok()).unwrap_or(0);
    let shown: Vec<_> = listed.iter().skip(page.saturating_mul(size)).take(size).cloned().collect();
    let answer = Plain::new(200).header("content-type", OCI_INDEX);
    let next = page.saturating_add(1);
    let answer = if next.saturating_mul(size) < listed.len() {
        answer.header(
            "link",
            format!("</v2/{}/referrers/{subject}?page={next}>; rel=\"next\"", question.repository),
        )
    } else {
        answer
    };
    answer.body(json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": shown}).to_string())
}
