//! How long the inventory of a real image takes, and how much of that is the floor nobody gets below:
//! SHA-256 of the stored layers, inflating them, and SHA-256 of what comes out.
//!
//!     cargo xtask image && cargo bench -p plimsoll --bench inventory
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first surprise, and says what it needs"
)]

use camino::Utf8PathBuf;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flate2::read::MultiGzDecoder;
use plimsoll_model::{
    Digest, Limits, Reference,
    digest::Digester,
    image::Image,
    reference::{Archive, Selector},
};
use plimsoll_oci::{
    Source,
    auth::Credentials,
    image::{Progress, ReadOptions},
    source::{Access, AccessOptions, Network},
};
use std::{hint::black_box, io::Read as _, sync::Arc, time::Duration};
use tokio::runtime::Runtime;

struct Silent;

impl Progress for Silent {
    fn bytes(&self, _count: u64) {}
}

fn access() -> Access {
    Access::new(AccessOptions {
        credentials: Credentials::anonymous(),
        plain_http: Vec::new(),
        trusted_realms: Vec::new(),
        user_agent: "benchmark".to_owned(),
        network: Network::Refused,
        limits: Limits::STANDARD,
        attempts: 1,
        timeout: Duration::from_secs(1),
        retry_budget: Duration::ZERO,
    })
    .unwrap()
}

fn inventory(criterion: &mut Criterion) {
    let layout =
        Utf8PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/oracles/image/layout"));
    if !layout.exists() {
        eprintln!("there is no image to measure on: make it with `cargo xtask image`");
        return;
    }
    let runtime = Runtime::new().unwrap();
    let reference = Reference::OciLayout(Archive {
        path: layout.clone(),
        selector: Selector::Tag("app".parse().unwrap()),
    });
    let (source, image) = runtime.block_on(async {
        let source = Source::open(&reference, &access()).await.unwrap();
        let pinned = source.resolve(&reference).await.unwrap();
        let image = plimsoll_oci::open_image(&source, &pinned, None).await.unwrap();
        (source, image)
    });
    let blobs: Vec<Vec<u8>> = image
        .layers
        .iter()
        .map(|layer| std::fs::read(layout.join("blobs/sha256").join(layer.digest.hex())).unwrap())
        .collect();

    let mut group = criterion.benchmark_group("inventory");
    group.sample_size(10);
    group.throughput(Throughput::Bytes(image.layers.iter().map(|layer| layer.size).sum()));
    group.bench_function("whole", |bencher| {
        bencher.iter(|| black_box(runtime.block_on(catalog(&source, &image))));
    });
    group.bench_function("floor: SHA-256, inflate, SHA-256, one thread", |bencher| {
        bencher.iter(|| blobs.iter().map(|blob| floor(blob)).collect::<Vec<_>>());
    });
    group.finish();
}

async fn catalog(source: &Source, image: &Image) -> usize {
    let interest = Arc::from(plimsoll_sbom::interest());
    let options = ReadOptions { interest, limits: Limits::STANDARD, cache: None, threads: None };
    let tree = plimsoll_oci::read_tree(source, image, &options, &Silent).await.unwrap();
    plimsoll_sbom::catalog(&tree, &Limits::STANDARD).components().len()
}

fn floor(blob: &[u8]) -> (Digest, Digest) {
    let mut stored = Digester::new();
    stored.update(blob);
    let mut inflated = Digester::new();
    let mut reader = MultiGzDecoder::new(blob);
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let count = reader.read(&mut buffer).unwrap();
        if count == 0 {
            break;
        }
        inflated.update(&buffer[..count]);
    }
    (stored.finish(), inflated.finish())
}

criterion_group!(benches, inventory);
criterion_main!(benches);
