//! The advisory index when something goes wrong: feeds that fail in every way, a full disk, a broken file, a wrong clock.
//!
//! A server on loopback answers what it is told. Whatever happens, the old index stays or the new one is whole.

use crate::support::{Outcome, Sandbox, oracle, registry, run, sandbox};
use camino::Utf8PathBuf;
use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// How the server answers.
#[derive(Clone)]
enum Mode {
    /// As it should.
    Well,
    /// With this status and these headers.
    Status(&'static str, &'static str),
    /// With half of it.
    Cut,
    /// With the head, and then nothing for ever.
    Stalled,
    /// With something else.
    Garbage,
}

/// A site in OSV's bulk layout.
struct Site {
    address: String,
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    mode: Arc<Mutex<Mode>>,
}

impl Site {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (files, mode) = (Arc::default(), Arc::new(Mutex::new(Mode::Well)));
        let site = Self { address, files, mode };
        let (files, mode) = (Arc::clone(&site.files), Arc::clone(&site.mode));
        thread::spawn(move || {
            let mut stalled = Vec::new();
            for stream in listener.incoming() {
                let mode = mode.lock().unwrap().clone();
                stalled.extend(answer(stream.unwrap(), &files.lock().unwrap(), &mode));
            }
        });
        site
    }

    fn put(&self, path: &str, body: impl Into<Vec<u8>>) {
        self.files.lock().unwrap().insert(path.to_owned(), body.into());
    }

    fn put_npm(&self, records: &[String]) {
        self.put("/npm/all.zip", archive(records));
    }
}

/// Answers, and gives back a stream that is to stay open.
fn answer(
    mut stream: TcpStream,
    files: &BTreeMap<String, Vec<u8>>,
    mode: &Mode,
) -> Option<TcpStream> {
    let request: Vec<String> = BufReader::new(&stream)
        .lines()
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .collect();
    let path = request.first()?.split(' ').nth(1)?;
    let (mut status, mut headers) = ("200 OK", "");
    let mut body = files.get(path).cloned().unwrap_or_else(|| {
        status = "404 Not Found";
        Vec::new()
    });
    match mode {
        Mode::Status(other, more) => (status, headers) = (other, more),
        Mode::Garbage if status == "200 OK" => body = b"<html>please log in</html>".to_vec(),
        Mode::Well | Mode::Cut | Mode::Stalled | Mode::Garbage => {}
    }
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    // The client may have gone; that is its business.
    stream.write_all(head.as_bytes()).ok();
    match mode {
        Mode::Cut => stream.write_all(&body[..length / 2]).ok(),
        Mode::Stalled => return Some(stream),
        Mode::Well | Mode::Status(..) | Mode::Garbage => stream.write_all(&body).ok(),
    };
    None
}

fn record(id: &str, modified: &str) -> String {
    format!(
        r#"{{"id":"{id}","modified":"{modified}","database_specific":{{"severity":"CRITICAL"}},"affected":[
        {{"package":{{"ecosystem":"npm","name":"leftpad"}},"ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}},{{"fixed":"2.0.0"}}]}}]}}]}}"#
    )
}

fn archive(records: &[String]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (number, record) in records.iter().enumerate() {
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(format!("{number}.json"), options).unwrap();
        writer.write_all(record.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

const PAST: &str = "2026-01-01T00:00:00Z";
const SBOM: &str = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[
    {"type":"library","name":"leftpad","version":"1.0.0","purl":"pkg:npm/leftpad@1.0.0"}]}"#;

/// A machine with an index of one record, and the site that it is from.
struct Machine {
    sandbox: Sandbox,
    site: Site,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { sandbox: sandbox(), site: Site::open() };
        machine.sandbox.write("sbom.json", SBOM);
        machine.site.put_npm(&[record("OLD-1", PAST)]);
        machine.update(&[]).expect_status(0);
        machine
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        run(self.sandbox.plimsoll().args(arguments))
    }

    fn update(&self, more: &[&str]) -> Outcome {
        let base = ["--timeout", "300ms", "db", "update", "--ecosystem", "npm", "--from"];
        self.run(&[&base[..], &[&self.site.address], more].concat())
    }

    fn index(&self) -> Utf8PathBuf {
        self.sandbox.join("home/cache/plimsoll/advisories.index")
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.index()).unwrap()
    }

    /// Whether the folder of the index has nothing left over of an update that failed.
    fn has_leftovers(&self) -> bool {
        let folder = self.index().parent().unwrap().to_owned();
        folder.read_dir_utf8().unwrap().any(|entry| entry.unwrap().file_name().starts_with(".adv"))
    }
}

#[test]
fn a_feed_that_fails_leaves_the_old_index_and_the_build_undecided() {
    let machine = Machine::new();
    let before = machine.bytes();
    machine.site.put_npm(&[record("NEW-1", PAST), record("NEW-2", PAST)]);
    for (name, mode, said) in [
        ("404", Mode::Status("404 Not Found", ""), "has no advisories for the ecosystem `npm`"),
        ("429", Mode::Status("429 Too Many Requests", "Retry-After: 86400\r\n"), "429"),
        ("500", Mode::Status("500 Internal Server Error", ""), "500"),
        ("cut", Mode::Cut, "cannot fetch"),
        ("stalled", Mode::Stalled, "cannot fetch"),
        ("garbage", Mode::Garbage, "cannot read the archive `npm`"),
    ] {
        *machine.site.mode.lock().unwrap() = mode;
        let outcome = machine.update(&[]).expect_status(3);
        assert!(outcome.stderr.contains(said), "{name}: {}", outcome.stderr);
        assert!(machine.bytes() == before && !machine.has_leftovers(), "{name}");
        machine.run(&["db", "verify"]).expect_status(0);
    }
    *machine.site.mode.lock().unwrap() = Mode::Well;
    let outcome = machine.update(&[]).expect_status(0);
    assert!(outcome.stdout.starts_with("2 records"), "{}", outcome.stdout);
}

#[test]
fn records_that_can_not_be_read_are_named_and_the_source_is_incomplete() {
    let machine = Machine::new();
    let bomb = " ".repeat(9 << 20);
    let bom = format!("\u{feff}{}", record("BOM-1", PAST));
    machine.site.put_npm(&[record("A-1", PAST), "{".to_owned(), bomb, bom]);
    let outcome = machine.update(&[]).expect_status(3);
    assert!(outcome.stdout.starts_with("2 records"), "{}", outcome.stdout);
    let status = machine.run(&["db", "status"]).expect_status(0).stdout;
    for said in [
        "2 unreadable: incomplete",
        "1.json can not be read",
        "2.json can not be read: larger than",
    ] {
        assert!(status.contains(said), "{said}: {status}");
    }
    let json = machine.run(&["db", "status", "-o", "json"]).expect_status(0).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["sources"][0]["firstUnreadable"][1]["name"], "2.json");
    assert_eq!(json["sources"][0]["from"], format!("{}/", machine.site.address));
}

#[test]
fn what_a_subject_needs_is_fetched_and_nothing_else() {
    let machine = Machine::new();
    machine.site.put("/PyPI/all.zip", archive(&[]));
    let outcome = |sbom: &str| {
        machine.sandbox.write("sbom.json", sbom);
        let site = machine.site.address.as_str();
        machine.run(&["db", "update", "--for", "sbom:sbom.json", "--from", site])
    };
    // The site has no `ecosystems.txt`: all of it could not be fetched.
    outcome(SBOM).expect_status(0);
    let status = machine.run(&["db", "status"]).expect_status(0).stdout;
    assert!(status.contains("npm") && !status.contains("PyPI"), "{status}");
    outcome(&SBOM.replace("pkg:npm", "pkg:pypi")).expect_status(0);
    let status = machine.run(&["db", "status"]).expect_status(0).stdout;
    assert!(status.contains("PyPI") && !status.contains("npm"), "{status}");
    // What was not fetched is not evaluated, and never clean.
    machine.sandbox.write("sbom.json", SBOM);
    machine.run(&["scan", "sbom:sbom.json"]).expect_status(3);
    let before = machine.bytes();
    let missing = outcome(&SBOM.replace("pkg:npm", "pkg:cargo")).expect_status(3);
    assert!(missing.stderr.contains("`crates.io`"), "{}", missing.stderr);
    let nothing = outcome(&SBOM.replace("pkg:npm", "pkg:generic")).expect_status(2);
    assert!(nothing.stderr.contains("--ecosystem"), "{}", nothing.stderr);
    assert!(machine.bytes() == before);
}

#[test]
fn a_full_disk_leaves_the_old_index() {
    let machine = Machine::new();
    let before = machine.bytes();
    let many: Vec<_> = (0..500).map(|number| record(&format!("NEW-{number}"), PAST)).collect();
    machine.site.put_npm(&many);
    let script = r#"trap "" XFSZ; ulimit -f 8; exec "$0" "$@""#;
    let mut shell = machine.sandbox.command("bash");
    shell.args(["-c", script, crate::support::bin().as_str(), "db", "update"]);
    shell.args(["--ecosystem", "npm", "--from", &machine.site.address]);
    let outcome = run(&mut shell).expect_status(4);
    assert!(outcome.stderr.contains("cannot keep what was fetched"), "{}", outcome.stderr);
    assert!(machine.bytes() == before && !machine.has_leftovers());
    // Where what is fetched has room, and the index has not.
    let small = machine.sandbox.write("records/all.zip", archive(&many));
    let mut shell = machine.sandbox.command("bash");
    shell.args(["-c", script, crate::support::bin().as_str(), "db", "import", small.as_str()]);
    let outcome = run(&mut shell).expect_status(4);
    assert!(outcome.stderr.contains("cannot install"), "{}", outcome.stderr);
    assert!(machine.bytes() == before && !machine.has_leftovers());
    machine.update(&[]).expect_status(0);
}

#[test]
fn two_updates_at_once_do_no_harm() {
    let machine = Machine::new();
    let many: Vec<_> = (0..500).map(|number| record(&format!("NEW-{number}"), PAST)).collect();
    machine.site.put_npm(&many);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let outcome = machine.update(&[]).expect_status(0);
                assert!(outcome.stdout.starts_with("500 records"), "{}", outcome.stdout);
            });
        }
    });
    machine.run(&["db", "verify"]).expect_status(0);
    assert!(!machine.has_leftovers());
}

#[test]
fn a_broken_index_never_passes_a_scan() {
    let machine = Machine::new();
    let scan = || machine.run(&["scan", "sbom:sbom.json"]);
    let whole = machine.bytes();
    scan().expect_status(1);
    for at in (0..whole.len()).step_by(7) {
        let mut broken = whole.clone();
        broken[at] ^= 1 << (at % 8);
        std::fs::write(machine.index(), broken).unwrap();
        let status = scan().status;
        assert!(status == 1 || status == 3, "byte {at}: {status}");
        machine.run(&["db", "verify"]).expect_status(3);
    }
    for length in [0, 1, 79, 80, whole.len() - 1] {
        std::fs::write(machine.index(), &whole[..length]).unwrap();
        let outcome = scan().expect_status(3);
        assert!(outcome.stderr.contains("plimsoll db update"), "{}", outcome.stderr);
    }
    std::fs::remove_file(machine.index()).unwrap();
    assert!(scan().expect_status(3).stderr.contains("plimsoll db update"));
    machine.update(&[]).expect_status(0);
    scan().expect_status(1);
}

#[test]
fn a_record_of_the_future_is_told() {
    let machine = Machine::new();
    machine.site.put_npm(&[record("NEW-1", "2999-01-01T00:00:00Z")]);
    for outcome in [machine.update(&[]), machine.run(&["db", "status"])] {
        let stderr = outcome.expect_status(0).stderr;
        assert!(stderr.contains("2999-01-01T00:00:00Z, which is yet to come"), "{stderr}");
    }
}

#[test]
fn a_clock_that_is_behind_makes_no_index_fresh() {
    let Some(faketime) = oracle("faketime") else { return };
    let machine = Machine::new();
    let before = machine.bytes();
    let in_2020 = |arguments: &[&str]| {
        let mut command = machine.sandbox.command(&faketime);
        command.args(["2020-01-01 00:00:00", crate::support::bin().as_str()]).args(arguments);
        run(&mut command)
    };
    let status = in_2020(&["db", "status"]).expect_status(0).stderr;
    assert!(
        status.contains("the index was built at") && status.contains("yet to come"),
        "{status}"
    );
    machine.sandbox.write("sbom.json", SBOM.replace("1.0.0", "2.0.0"));
    machine.run(&["scan", "sbom:sbom.json"]).expect_status(0);
    let scan = in_2020(&["scan", "sbom:sbom.json"]).expect_status(3).stdout;
    assert!(scan.contains("VUL-001") && scan.contains("which is yet to come"), "{scan}");
    assert!(machine.bytes() == before);
}

#[cfg(unix)]
#[test]
fn an_index_that_is_replaced_under_a_scan_is_used_to_the_end() {
    let machine = Machine::new();
    let digest = |stdout: &str| {
        let report: serde_json::Value = serde_json::from_str(stdout).unwrap();
        report["scan"]["index"]["digest"].as_str().unwrap().to_owned()
    };
    let scan = ["scan", "sbom:sbom.json", "-o", "json"];
    let old = digest(&machine.run(&scan).expect_status(1).stdout);
    // The inventory comes out of a pipe: whoever opens it for reading has opened the index before.
    let pipe = machine.sandbox.join("pipe");
    run(machine.sandbox.command("mkfifo").arg(&pipe)).expect_status(0);
    let stdout = std::fs::File::create(machine.sandbox.join("out.json")).unwrap();
    let mut scanning = machine.sandbox.plimsoll();
    let mut scanning =
        scanning.args(["-q", "scan", "sbom:pipe", "-o", "json"]).stdout(stdout).spawn().unwrap();
    let mut writer = std::fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    machine.site.put_npm(&[]);
    machine.update(&[]).expect_status(0);
    writer.write_all(SBOM.as_bytes()).unwrap();
    drop(writer);
    assert_eq!(scanning.wait().unwrap().code(), Some(1));
    let report = std::fs::read_to_string(machine.sandbox.join("out.json")).unwrap();
    assert_eq!(digest(&report), old);
    assert_ne!(digest(&machine.run(&scan).stdout), old);
}

#[test]
fn lists_beside_the_advisories_are_fetched_and_imported() {
    let machine = Machine::new();
    let kev = "cveID,dateAdded,dueDate\nCVE-2021-44228,2021-12-10,2021-12-24\n";
    let epss = "#model_version:v1,score_date:2026-11-25T12:55:00+0000\ncve,epss,percentile\nCVE-1999-0001,0.1,0.2\n";
    machine.site.put("/kev", kev);
    let epss = machine.sandbox.write("epss.csv", epss);
    let at = format!("{}/kev", machine.site.address);
    machine
        .update(&["--kev", &at, "--epss", epss.as_str(), "--distro-info", "none"])
        .expect_status(0);
    let status = machine.run(&["db", "status"]).expect_status(0).stdout;
    assert!(status.contains("source  CISA KEV: 1 exploited flaws, newest 2021-12-10"), "{status}");
    assert!(status.contains("source  FIRST EPSS: 1 scores, newest 2026-11-25"), "{status}");
    let before = machine.bytes();
    let outcome = machine.update(&["--kev", epss.as_str()]).expect_status(3);
    assert!(outcome.stderr.contains("no list of the kind `known-exploited`"), "{}", outcome.stderr);
    assert!(machine.bytes() == before);
    let kev = machine.sandbox.write("any.name", kev);
    machine.run(&["db", "import", kev.as_str(), epss.as_str()]).expect_status(0);
    let status = machine.run(&["db", "status"]).expect_status(0).stdout;
    assert!(status.contains("CISA KEV") && status.contains("FIRST EPSS"), "{status}");
}

#[test]
fn an_index_travels_as_an_artifact() {
    let machine = Machine::new();
    let before = machine.bytes();
    let mut places = vec!["oci-layout:shelf:latest".to_owned()];
    let registry = registry();
    places.extend(registry.as_ref().map(|at| at.reference("advisories:latest")));
    for place in &places {
        let first = machine.run(&["db", "export", "--to", place]).expect_status(0).stdout;
        let again = machine.run(&["db", "export", "--to", place]).expect_status(0).stdout;
        assert_eq!(first, again);
        machine.run(&["db", "update", "--from", place, "--db", "pulled.index"]).expect_status(0);
        let pulled = std::fs::read(machine.sandbox.join("pulled.index")).unwrap();
        assert!(pulled == before);
    }
    for wrong in [
        &["db", "export", "--to", "oci-layout:shelf"][..],
        &["db", "update", "--ecosystem", "npm", "--from", &places[0]],
    ] {
        machine.run(wrong).expect_status(2);
    }
    machine
        .run(&["--offline", "db", "update", "--from", &places[0], "--db", "pulled.index"])
        .expect_status(0);
    // A blob that was changed, and an image that is none.
    let blobs = machine.sandbox.join("shelf/blobs/sha256");
    for blob in blobs.read_dir_utf8().unwrap() {
        let path = blob.unwrap().into_path();
        let whole = std::fs::read(&path).unwrap();
        let mut broken = whole.clone();
        *broken.last_mut().unwrap() ^= 1;
        if whole.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            std::fs::write(&path, &broken).unwrap();
            machine.run(&["db", "update", "--from", &places[0]]).expect_status(3);
            assert!(machine.bytes() == before);
            std::fs::write(&path, &whole).unwrap();
        }
    }
}
