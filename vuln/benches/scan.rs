//! How long it takes to open an index, to scan 2,000 components, and to import OSV's export.
//!
//! The records are made here; with the shared test data at hand (`PLIMSOLL_SHARED`), its corpus is imported too.

#![expect(clippy::unwrap_used, reason = "a benchmark, not an interface")]

use camino::Utf8PathBuf;
use criterion::{Criterion, criterion_group, criterion_main};
use plimsoll_model::{Inventory, Limits, component::Component, inventory::Distribution};
use plimsoll_vuln::{Builder, Index, install, scan};
use std::{hint::black_box, io::Write as _};

const COMPONENTS: usize = 2_000;
/// Records about each of the packages.
const DEPTH: usize = 15;

/// Every second component has advisories, one in thirty of which apply.
fn index() -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for number in 0..COMPONENTS * DEPTH / 2 {
        let (package, flaw) = (number / DEPTH * 2, number % DEPTH);
        let record = format!(
            r#"{{"id":"GHSA-{number}","aliases":["CVE-2024-{number}"],"modified":"2024-01-01T00:00:00Z","summary":"flaw {number}",
            "severity":[{{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}}],"affected":[
            {{"package":{{"ecosystem":"{}","name":"package-{package}"}},"ranges":[{{"type":"ECOSYSTEM","events":[
            {{"introduced":"0"}},{{"fixed":"1.{flaw}.0"}},{{"introduced":"2.0.0"}},{{"fixed":"2.{flaw}.0"}}]}}]}}]}}"#,
            ecosystem(package).1,
        );
        archive
            .start_file(format!("{number}.json"), zip::write::SimpleFileOptions::default())
            .unwrap();
        archive.write_all(record.as_bytes()).unwrap();
    }
    let bytes = archive.finish().unwrap().into_inner();
    let mut builder = builder();
    builder.import_zip_bytes("bench", &bytes).unwrap();
    builder.finish().unwrap()
}

fn ecosystem(number: usize) -> (&'static str, &'static str) {
    match number % 5 {
        0 => ("deb/debian", "Debian:12"),
        1 => ("npm", "npm"),
        2 => ("pypi", "PyPI"),
        3 => ("cargo", "crates.io"),
        _ => ("golang", "Go"),
    }
}

fn inventory() -> Inventory {
    let components = (0..COMPONENTS)
        .map(|number| {
            let purl = format!("pkg:{}/package-{number}@1.13.0", ecosystem(number).0);
            Component::new(
                purl.parse().unwrap(),
                format!("package-{number}"),
                Some("1.13.0".to_owned()),
                "bench",
            )
        })
        .collect();
    let debian = Distribution {
        id: "debian".to_owned(),
        id_like: Vec::new(),
        version_id: Some("12".to_owned()),
        codename: None,
        pretty_name: None,
    };
    Inventory::new(Some(debian), components, Vec::new(), Vec::new())
}

fn builder() -> Builder {
    Builder::new("2026-11-22T12:00:00Z".parse().unwrap(), &Limits::STANDARD)
}

#[expect(clippy::disallowed_methods, reason = "where test data lies is the environment's to say")]
fn corpus() -> Option<Utf8PathBuf> {
    let root = std::env::var("PLIMSOLL_SHARED").ok()?;
    Some(Utf8PathBuf::from(root).join("data/osv")).filter(|path| path.is_dir())
}

fn scanning(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(folder.path().join("advisories.idx")).unwrap();
    let index = install(&index(), &path).unwrap();
    let inventory = inventory();
    criterion.bench_function("open an index of 15,000 records", |bench| {
        bench.iter(|| Index::open(black_box(&path)).unwrap());
    });
    criterion.bench_function("scan 2,000 components", |bench| {
        bench.iter(|| scan(black_box(&inventory), &index));
    });
}

fn importing(criterion: &mut Criterion) {
    let Some(corpus) = corpus() else { return };
    criterion.benchmark_group("import").sample_size(10).bench_function("the corpus", |bench| {
        bench.iter(|| {
            let mut builder = builder();
            builder.import(black_box(&corpus)).unwrap();
            builder.finish().unwrap()
        });
    });
}

criterion_group!(benches, scanning, importing);
criterion_main!(benches);
