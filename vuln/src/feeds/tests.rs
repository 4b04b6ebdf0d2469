//! Against a server on loopback that answers what it is told.

use super::*;
use crate::testing::{builder, zip};
use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

/// The paths that were asked for.
type Log = Arc<Mutex<Vec<String>>>;

/// Serves `answers` one after the other, one for each connection, the last one for good.
async fn serve(answers: Vec<Vec<u8>>) -> (Url, Log) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/osv", listener.local_addr().unwrap())).unwrap();
    let log = Log::default();
    let written = Arc::clone(&log);
    tokio::spawn(async move {
        let mut answers = answers.into_iter().peekable();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(stream.read_u8().await.unwrap());
            }
            let request = String::from_utf8(request).unwrap();
            written.lock().unwrap().push(request.split(' ').nth(1).unwrap().to_owned());
            let answer = answers.next().unwrap();
            if answers.peek().is_none() {
                answers = vec![answer.clone()].into_iter().peekable();
            }
            stream.write_all(&answer).await.unwrap();
        }
    });
    (url, log)
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn archive() -> Vec<u8> {
    let record = br#"{"id":"X","affected":[{"package":{"ecosystem":"npm","name":"a"},"versions":["1.0.0"]}]}"#;
    zip(&[("X.json", record), ("Y.json", b"{")])
}

fn paths(log: &Log) -> Vec<String> {
    log.lock().unwrap().clone()
}

/// A feed that does not wait between attempts.
fn feed(base: &Url) -> Feed<'_> {
    let attempts = ExponentialBuilder::default()
        .with_min_delay(Duration::ZERO)
        .with_max_delay(Duration::ZERO)
        .with_max_times(2);
    Feed { attempts, ..Feed::new(base).unwrap() }
}

async fn fetch(base: &Url, limit: u64) -> Result<Vec<u8>, Error> {
    feed(base)
        .fetch(&["npm", "all.zip"], limit, &|_| {})
        .await
        .map_err(|failure| failure.about("npm", base))
}

#[tokio::test]
async fn what_the_feed_lists_is_fetched() {
    let list = b"Red Hat\n[EMPTY]\n\nnpm\nDebian:12\n";
    let (base, log) =
        serve(vec![answer("200 OK", "", list), answer("200 OK", "", &archive())]).await;
    let mut builder = builder();
    let seen = Mutex::new(Vec::new());
    let imported = update(&base, &[], &mut builder, &|name, bytes| {
        seen.lock().unwrap().push((name.to_owned(), bytes));
    })
    .await
    .unwrap();
    assert_eq!(paths(&log), ["/osv/ecosystems.txt", "/osv/Red%20Hat/all.zip", "/osv/npm/all.zip"]);
    let names: Vec<_> = imported.iter().map(|import| import.source.as_str()).collect();
    assert_eq!(names, ["Red Hat", "npm"]);
    assert_eq!((imported[1].records, imported[1].unreadable.len()), (1, 1));
    let length = u64::try_from(archive().len()).unwrap();
    assert_eq!(seen.lock().unwrap().last(), Some(&("npm".to_owned(), length)));
}

#[tokio::test]
async fn only_what_is_chosen_is_fetched_without_its_release() {
    let (base, log) = serve(vec![answer("200 OK", "", &archive())]).await;
    update(&base, &["Debian:12".to_owned()], &mut builder(), &|_, _| {}).await.unwrap();
    assert_eq!(paths(&log), ["/osv/Debian/all.zip"]);
}

#[tokio::test]
async fn names_that_would_lead_elsewhere_are_refused_before_anything_is_fetched() {
    let (base, log) = serve(vec![answer("200 OK", "", &archive())]).await;
    for name in ["", "..", "a/b", "../x", "a?b", "a%2fb", "a\nb"] {
        let error = update(&base, &["npm".to_owned(), name.to_owned()], &mut builder(), &|_, _| {})
            .await
            .unwrap_err();
        assert!(matches!(error, Error::EcosystemName { .. }), "{name}: {error:?}");
    }
    assert_eq!(paths(&log), Vec::<String>::new());
    for base in ["file:///etc", "mailto:a@b", "data:,x"] {
        let base = Url::parse(base).unwrap();
        let error = update(&base, &[], &mut builder(), &|_, _| {}).await.unwrap_err();
        assert!(matches!(error, Error::FeedUrl { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn an_absent_ecosystem_is_named_and_not_asked_for_again() {
    let (base, log) = serve(vec![answer("404 Not Found", "", b"")]).await;
    let error = update(&base, &["Nope".to_owned()], &mut builder(), &|_, _| {}).await.unwrap_err();
    let Error::EcosystemAbsent { ecosystem, .. } = error else { panic!("{error:?}") };
    assert_eq!(ecosystem, "Nope");
    assert_eq!(paths(&log).len(), 1);
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    let (base, log) = serve(vec![
        answer("500 Internal Server Error", "", b""),
        answer("429 Too Many Requests", "Retry-After: 0\r\n", b""),
        answer("200 OK", "", b"body"),
    ])
    .await;
    assert_eq!(fetch(&base, 4).await.unwrap(), b"body");
    assert_eq!(paths(&log).len(), 3);
}

#[tokio::test]
async fn patience_ends() {
    let (base, log) = serve(vec![answer("503 Service Unavailable", "", b"")]).await;
    assert!(matches!(fetch(&base, 4).await, Err(Error::Status { status: 503, .. })));
    assert_eq!(paths(&log).len(), 3);
    // A server that asks for more than we wait is not asked again.
    let (base, log) =
        serve(vec![answer("429 Too Many Requests", "Retry-After: 86400\r\n", b"")]).await;
    assert!(matches!(fetch(&base, 4).await, Err(Error::Status { status: 429, .. })));
    assert_eq!(paths(&log).len(), 1);
}

#[tokio::test]
async fn refusals_are_not_tried_again() {
    for status in ["401 Unauthorized", "403 Forbidden", "204 No Content"] {
        let (base, log) = serve(vec![answer(status, "", b"")]).await;
        assert!(matches!(fetch(&base, 4).await, Err(Error::Status { .. })), "{status}");
        assert_eq!(paths(&log).len(), 1);
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_or_cut_is_an_error() {
    let (base, _) = serve(vec![answer("200 OK", "", b"body!")]).await;
    assert!(matches!(fetch(&base, 4).await, Err(Error::SourceTooLarge { limit: 4, .. })));
    let mut cut = answer("200 OK", "", b"body");
    cut.pop();
    let (base, log) = serve(vec![cut]).await;
    assert!(matches!(fetch(&base, 4).await, Err(Error::Fetch { .. })));
    assert_eq!(paths(&log).len(), 3);
    let (base, _) = serve(vec![answer("200 OK", "", b"<html>")]).await;
    let error = update(&base, &["npm".to_owned()], &mut builder(), &|_, _| {}).await.unwrap_err();
    assert!(matches!(error, Error::Archive { .. }), "{error:?}");
    let (base, _) = serve(vec![answer("200 OK", "", b"\xff\xfe")]).await;
    let error = update(&base, &[], &mut builder(), &|_, _| {}).await.unwrap_err();
    assert!(matches!(error, Error::EcosystemList { .. }), "{error:?}");
}

#[tokio::test]
async fn redirects_end_and_never_leave_encryption() {
    let (base, log) = serve(vec![answer("302 Found", "Location: /osv/again\r\n", b"")]).await;
    assert!(matches!(fetch(&base, 4).await, Err(Error::Fetch { .. })));
    assert_eq!(paths(&log).len(), 6);
    let url = |text| Url::parse(text).unwrap();
    assert!(is_downgrade(&[url("https://a")], &url("http://b")));
    assert!(!is_downgrade(&[url("https://a")], &url("https://b")));
    assert!(!is_downgrade(&[url("http://a")], &url("https://b")));
    assert!(is_downgrade(&[url("https://a"), url("http://b")], &url("http://c")));
}

#[tokio::test]
async fn no_server_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    assert!(matches!(fetch(&base, 4).await, Err(Error::Fetch { .. })));
}
