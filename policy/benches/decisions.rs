//! How long a whole decision by the baseline policy takes: a hundred Dockerfiles, forty compose files, and 250
//! documents of Kubernetes.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a benchmark that reads files of ours"
)]

use camino::{Utf8Path, Utf8PathBuf};
use criterion::{Criterion, criterion_group, criterion_main};
use plimsoll_policy::{Dockerfile, Facts, Policy, SourceFile, decide};
use std::{fs, hint::black_box};

/// More files than the tests have of a kind.
const FILES: usize = 64;

/// The files of these folders of the tests, again and again, in a directory each time, until there are `count`.
fn files(folders: &[&str], count: usize) -> Vec<(Utf8PathBuf, String)> {
    let data = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let entries =
        folders.iter().flat_map(|folder| data.join(folder).read_dir_utf8().expect(folder));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").into_path()).collect();
    paths.sort();
    let once = paths.len();
    let read = |(at, path): (usize, Utf8PathBuf)| {
        let text = fs::read_to_string(&path).expect("a file");
        let name = path.file_name().unwrap_or_default();
        (Utf8PathBuf::from(format!("{}/{name}", at / once)), text)
    };
    paths.into_iter().cycle().take(count).enumerate().map(read).collect()
}

/// The documents of the manifests of the tests, again and again, five to a file, until there are `count`.
fn documents(count: usize) -> Vec<SourceFile> {
    let once = files(&["good/kubernetes"], FILES);
    let texts = once.iter().filter(|(path, _)| path.extension() == Some("yaml"));
    let documents: Vec<_> = texts.flat_map(|(_, text)| text.split("\n---\n")).collect();
    let all: Vec<_> = documents.into_iter().cycle().take(count).collect();
    let file = |(number, some): (usize, &[&str])| SourceFile {
        path: format!("app-{number}.yaml").into(),
        text: some.join("\n---\n"),
    };
    all.chunks(5).enumerate().map(file).collect()
}

fn decisions(criterion: &mut Criterion) {
    let now = "2026-06-15T12:00:00Z".parse().expect("a time");
    let policy = Policy::baseline();
    let mut group = criterion.benchmark_group("decisions");
    group.sample_size(20);

    let files_of_builds = files(&["good/dockerfiles", "hadolint", "checkov"], 100);
    let dockerfiles: Vec<_> =
        files_of_builds.into_iter().map(|(path, text)| Dockerfile { path, text }).collect();
    let facts = Facts { dockerfiles: &dockerfiles, ..Facts::none() };
    group.bench_function("100 Dockerfiles", |bencher| {
        bencher.iter(|| decide(black_box(&policy), black_box(&facts), now));
    });

    let files_of_compose = files(&["good/compose"], 40);
    let compose: Vec<_> =
        files_of_compose.into_iter().map(|(path, text)| SourceFile { path, text }).collect();
    let facts = Facts { compose: &compose, ..Facts::none() };
    group.bench_function("40 compose files", |bencher| {
        bencher.iter(|| decide(black_box(&policy), black_box(&facts), now));
    });

    let manifests = documents(250);
    let facts = Facts { manifests: &manifests, ..Facts::none() };
    group.bench_function("250 documents of Kubernetes", |bencher| {
        bencher.iter(|| decide(black_box(&policy), black_box(&facts), now));
    });
    group.finish();
}

criterion_group!(benches, decisions);
criterion_main!(benches);
