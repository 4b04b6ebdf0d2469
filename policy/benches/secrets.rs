//! How fast files are searched for secrets: text with no keyword in it, source code, text that is full of keywords, and text that
//! is full of values which have the shape of secrets and are none.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use plimsoll_policy::secrets::{Depth, search};
use std::hint::black_box;

const MIB: usize = 1 << 20;

fn repeated(text: &str) -> Vec<u8> {
    text.bytes().cycle().take(MIB).collect()
}

fn secrets(criterion: &mut Criterion) {
    let prose = repeated("The quick brown fox jumps over the lazy dog, and then rests.\n");
    let code = repeated(
        "def connect(host, password=None):\n    url = f\"https://{host}/v1\"\n    return Client(url, token=read(path), task=None)\n",
    );
    let keywords =
        repeated("api_key: token secret password key-value sk-1 pat eyJ SG. https://a:b\n");
    let values = repeated(
        "token: aaaaaaaaaaaaaaaaaaa\nhttps://user:${PASSWORD}@host/ https://a:changeme@host\npassword = \"correct horse\"\nsk-learn-and-many-other-packages pat_and_other_names_of_things\n",
    );
    let texts = [("prose", prose), ("code", code), ("keywords", keywords), ("values", values)];
    let mut group = criterion.benchmark_group("secrets");
    group.throughput(Throughput::Bytes(MIB.try_into().unwrap_or_default())).sample_size(20);
    for (name, text) in texts {
        group.bench_function(name, |bencher| {
            bencher.iter(|| search(black_box(&text), Depth::Named));
        });
    }
    group.finish();
}

criterion_group!(benches, secrets);
criterion_main!(benches);
