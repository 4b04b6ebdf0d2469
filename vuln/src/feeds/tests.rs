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
    Feed { attempts, ..Feed::new(base, PATIENCE).unwrap() }
}

const PATIENCE: Duration = Duration::from_secs(20);

/// Everything of `base` that is asked for, into a folder that is gone afterwards.
async fn update(
    base: &Url,
    ecosystems: &[String],
    builder: &mut Builder,
    progress: &(dyn Fn(&str, u64) + Sync),
) -> Result<Vec<Imported>, Error> {
    let folder = tempfile::tempdir().unwrap();
    let index = Utf8PathBuf::from_path_buf(folder.path().join("index")).unwrap();
    let kept = Kept::beside(&index).await.unwrap();
    let (base, ecosystems) = (base.clone(), ecosystems.to_vec());
    let plan = Plan { base, ecosystems, lists: Vec::new(), patience: PATIENCE };
    super::update(&plan, &kept, builder, progress).await
}

async fn fetch(base: &Url, limit: u64) -> Result<Vec<u8>, Error> {
    let feed = feed(base);
    let answer = feed.fetch(&feed.address(&["npm", "all.zip"]), limit, None, &|_| {}).await;
    match answer.map_err(|failure| failure.about("npm", base))? {
        Answer::Body { bytes, .. } => Ok(bytes),
        Answer::Unchanged => panic!("nothing is known"),
    }
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

/// What a site has, by path, and what was asked of it: the path and the status.
#[derive(Clone, Default)]
struct Site {
    files: Arc<Mutex<std::collections::BTreeMap<String, Vec<u8>>>>,
    log: Arc<Mutex<Vec<String>>>,
}

impl Site {
    /// A site that answers for as long as the test runs.
    async fn open() -> (Self, Url) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let site = Self::default();
        let open = site.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    request.push(stream.read_u8().await.unwrap());
                }
                let answer = open.answer(&String::from_utf8(request).unwrap());
                stream.write_all(&answer).await.unwrap();
            }
        });
        (site, url)
    }

    fn answer(&self, request: &str) -> Vec<u8> {
        let path = request.split(' ').nth(1).unwrap();
        let files = self.files.lock().unwrap();
        let (status, tag, body) = match files.get(path) {
            None => ("404 Not Found", String::new(), &[][..]),
            Some(body) => {
                let tag = format!("\"{}\"", Digest::of(body));
                let is_known = request.contains(&tag);
                let status = if is_known { "304 Not Modified" } else { "200 OK" };
                (status, tag, if is_known { &[][..] } else { body.as_slice() })
            }
        };
        self.log.lock().unwrap().push(format!("{path} {}", status.split(' ').next().unwrap()));
        answer(status, &format!("ETag: {tag}\r\n"), body)
    }

    fn put(&self, path: &str, body: impl Into<Vec<u8>>) {
        self.files.lock().unwrap().insert(path.to_owned(), body.into());
    }

    /// Puts an ecosystem as OSV's export has it.
    fn put_npm(&self, records: &[(&str, &str, &str)]) {
        self.files.lock().unwrap().retain(|path, _| !path.starts_with("/npm/"));
        let mut list = String::new();
        let mut entries = Vec::new();
        for (id, time, package) in records {
            let record = osv(id, time, package);
            self.put(&format!("/npm/{id}.json"), record.clone());
            entries.push((format!("{id}.json"), record));
            list.push_str(&[time, ",", id, "\n"].concat());
        }
        let entries: Vec<_> =
            entries.iter().map(|(name, record)| (name.as_str(), record.as_bytes())).collect();
        self.put("/npm/all.zip", zip(&entries));
        self.put("/npm/modified_id.csv", list);
    }

    /// What was asked since the last time.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.lock().unwrap())
    }
}

fn osv(id: &str, time: &str, package: &str) -> String {
    format!(
        r#"{{"id":"{id}","modified":"{time}","affected":[{{"package":{{"ecosystem":"npm","name":"{package}"}},"versions":["1"]}}]}}"#
    )
}

/// The cache of one machine.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn index(&self) -> Utf8PathBuf {
        Utf8PathBuf::from_path_buf(self.0.path().join("index")).unwrap()
    }

    /// The index that an update of npm and of these lists gives.
    async fn try_update(
        &self,
        base: &Url,
        lists: &[(SourceKind, Location)],
    ) -> Result<Vec<u8>, Error> {
        let kept = Kept::beside(&self.index()).await.unwrap();
        let plan = Plan {
            base: base.clone(),
            ecosystems: vec!["npm".to_owned()],
            lists: lists.to_vec(),
            patience: PATIENCE,
        };
        let mut builder = builder();
        super::update(&plan, &kept, &mut builder, &|_, _| {}).await?;
        builder.finish()
    }

    async fn update(&self, base: &Url) -> Vec<u8> {
        self.try_update(base, &[]).await.unwrap()
    }
}

const DAY_1: &str = "2026-11-01T00:00:00Z";
const DAY_2: &str = "2026-11-02T00:00:00.25Z";

#[tokio::test]
async fn only_what_changed_is_fetched_and_the_index_is_that_of_a_whole_update() {
    let (site, base) = Site::open().await;
    let machine = Machine::new();
    site.put_npm(&[("A", DAY_1, "a"), ("B:1", DAY_1, "b")]);
    let first = machine.update(&base).await;
    assert_eq!(site.asked(), ["/npm/all.zip 200"]);
    // Nothing changed: the list is read, and then known.
    assert_eq!(machine.update(&base).await, first);
    assert_eq!(machine.update(&base).await, first);
    assert_eq!(site.asked(), ["/npm/modified_id.csv 200", "/npm/modified_id.csv 304"]);
    // One changed, one is new.
    site.put_npm(&[("A", DAY_1, "a"), ("B:1", DAY_2, "changed"), ("C", DAY_2, "c")]);
    let second = machine.update(&base).await;
    let mut asked = site.asked();
    asked.sort();
    assert_eq!(asked, ["/npm/B:1.json 200", "/npm/C.json 200", "/npm/modified_id.csv 200"]);
    let whole = Machine::new().update(&base).await;
    assert!(second == whole && second != first);
    site.asked();
    // What is kept is an archive that can be imported.
    let mut imported = builder();
    let folder = format!("{}.feeds/npm", machine.index());
    assert_eq!(imported.import(folder.as_str().into()).unwrap().records, 3);
    assert_eq!(machine.update(&base).await, whole);
    assert_eq!(site.asked(), ["/npm/modified_id.csv 304"]);
}

#[tokio::test]
async fn a_record_that_is_gone_or_absent_has_the_archive_fetched() {
    let (site, base) = Site::open().await;
    let machine = Machine::new();
    site.put_npm(&[("A", DAY_1, "a"), ("B", DAY_1, "b")]);
    machine.update(&base).await;
    // The list alone does not take a record away.
    site.put("/npm/modified_id.csv", format!("{DAY_1},A\n"));
    let index = crate::Index::from_bytes(machine.update(&base).await).unwrap();
    assert_eq!(index.len(), 2);
    site.put_npm(&[("A", DAY_1, "a")]);
    let index = crate::Index::from_bytes(machine.update(&base).await).unwrap();
    assert_eq!(index.len(), 1);
    site.asked();
    // A record that the list names is not there.
    site.put("/npm/modified_id.csv", format!("{DAY_2},X\n{DAY_1},A\n"));
    machine.update(&base).await;
    assert_eq!(site.asked(), ["/npm/modified_id.csv 200", "/npm/X.json 404", "/npm/all.zip 304"]);
}

#[tokio::test]
async fn a_list_that_can_not_tell_has_the_archive_fetched_if_it_is_another() {
    let (site, base) = Site::open().await;
    let machine = Machine::new();
    site.put_npm(&[("A", "0001-01-01T00:00:00Z", "a")]);
    let first = machine.update(&base).await;
    assert_eq!(machine.update(&base).await, first);
    site.put_npm(&[("A", "0001-01-01T00:00:00Z", "b")]);
    assert!(machine.update(&base).await != first);
    site.files.lock().unwrap().remove("/npm/modified_id.csv");
    machine.update(&base).await;
    assert_eq!(
        site.asked(),
        [
            "/npm/all.zip 200",
            "/npm/modified_id.csv 200",
            "/npm/all.zip 304",
            "/npm/modified_id.csv 200",
            "/npm/all.zip 200",
            "/npm/modified_id.csv 404",
            "/npm/all.zip 304",
        ]
    );
}

#[tokio::test]
async fn more_changes_than_are_fetched_one_by_one_have_the_archive_fetched() {
    let (site, base) = Site::open().await;
    let machine = Machine::new();
    let ids: Vec<_> = (0..=archive::MOST_SINGLE).map(|number| format!("A-{number}")).collect();
    let all = |time| ids.iter().map(|id| (id.as_str(), time, "a")).collect::<Vec<_>>();
    site.put_npm(&all(DAY_1));
    machine.update(&base).await;
    site.put_npm(&all(DAY_2));
    machine.update(&base).await;
    let expect = ["/npm/all.zip 200", "/npm/modified_id.csv 200", "/npm/all.zip 200"];
    assert_eq!(site.asked(), expect);
}

#[tokio::test]
async fn what_is_kept_and_is_not_what_it_was_is_fetched_anew() {
    let (site, base) = Site::open().await;
    let machine = Machine::new();
    site.put_npm(&[("A", DAY_1, "a")]);
    let expect = machine.update(&base).await;
    let archive = format!("{}.feeds/npm/all.zip", machine.index());
    let whole = crate::source::read_archive(archive.as_str().into()).unwrap();
    let mut flipped = whole.clone();
    flipped[40] ^= 1;
    for broken in [&whole[..whole.len() - 1], b"", &flipped] {
        std::fs::write(&archive, broken).unwrap();
        site.asked();
        assert!(machine.update(&base).await == expect);
        assert_eq!(site.asked(), ["/npm/all.zip 200"]);
    }
    std::fs::write(format!("{archive}.tag"), "{").unwrap();
    assert!(machine.update(&base).await == expect);
    assert_eq!(site.asked(), ["/npm/all.zip 200"]);
    // Another mirror is another thing.
    let (other, base) = Site::open().await;
    other.put_npm(&[("B", DAY_1, "b")]);
    assert!(machine.update(&base).await != expect);
    assert_eq!(other.asked(), ["/npm/all.zip 200"]);
}

#[tokio::test]
async fn a_failed_update_keeps_what_was_kept() {
    let (site, base) = Site::open().await;
    let machine = Machine::new();
    site.put_npm(&[("A", DAY_1, "a")]);
    let expect = machine.update(&base).await;
    site.put("/npm/modified_id.csv", "<html>");
    site.put("/npm/all.zip", "<html>");
    let error = machine.try_update(&base, &[]).await.unwrap_err();
    assert!(matches!(error, Error::Archive { .. }), "{error:?}");
    site.put_npm(&[("A", DAY_1, "a")]);
    site.asked();
    assert!(machine.update(&base).await == expect);
    assert_eq!(site.asked(), ["/npm/modified_id.csv 200"]);
}

#[tokio::test]
async fn lists_are_fetched_when_they_changed_and_have_to_be_what_they_should_be() {
    let (site, base) = Site::open().await;
    let machine = Machine::new();
    site.put_npm(&[("A", DAY_1, "a")]);
    site.put("/kev", "cveID,dateAdded\nCVE-2021-44228,2021-12-10\n");
    let mut secret = base.join("kev?token=x").unwrap();
    secret.set_password(Some("y")).unwrap();
    let kev = base.join("kev").unwrap();
    let file = machine.index().with_extension("csv");
    std::fs::write(&file, "version,series,release,eol,eol-lts\n12,bookworm,,2026-06-10,\n")
        .unwrap();
    let lists = [
        (SourceKind::Exploited, Location::Url(kev.clone())),
        (SourceKind::Lifetimes, Location::File(file)),
    ];
    let first = machine.try_update(&base, &lists).await.unwrap();
    let index = crate::Index::from_bytes(first.clone()).unwrap();
    let from: Vec<_> = index.stamp().sources.iter().map(|source| source.from.as_deref()).collect();
    assert_eq!(from, [Some(base.as_str()), Some(kev.as_str()), None]);
    assert!(index.exploited("CVE-2021-44228").unwrap().is_some());
    assert!(machine.try_update(&base, &lists).await.unwrap() == first);
    assert_eq!(
        site.asked(),
        ["/npm/all.zip 200", "/kev 200", "/npm/modified_id.csv 200", "/kev 304"]
    );
    assert_eq!(shown(&secret), kev.to_string());
    let wrong = [(SourceKind::Predictions, Location::Url(kev))];
    let error = machine.try_update(&base, &wrong).await.unwrap_err();
    assert!(matches!(error, Error::OtherList { expected: "exploit-prediction", .. }), "{error:?}");
    let absent = [(SourceKind::Predictions, Location::Url(base.join("nothing").unwrap()))];
    let error = machine.try_update(&base, &absent).await.unwrap_err();
    assert!(matches!(error, Error::Status { status: 404, .. }), "{error:?}");
}

#[tokio::test]
async fn a_second_update_waits_for_the_first() {
    let machine = Machine::new();
    let first = Kept::beside(&machine.index()).await.unwrap();
    let index = machine.index();
    let mut second = Box::pin(Kept::beside(&index));
    let waits = tokio::time::timeout(Duration::from_millis(1), &mut second).await;
    assert!(waits.is_err());
    drop(first);
    second.await.unwrap();
}
