//! The work that nobody can leave out who verifies what he lists: SHA-256 of the stored layers, inflating them, SHA-256 of
//! what comes out. `cargo xtask compare` measures it beside Plimsoll and its peers.
//!
//!     cargo run --release -p plimsoll-oci --example floor LAYOUT TAG
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a measurement stops at the first surprise"
)]

use camino::{Utf8Path, Utf8PathBuf};
use flate2::read::MultiGzDecoder;
use plimsoll_model::{Digest, digest::Digester};
use serde_json::Value;
use std::{
    fs::File,
    io::{self, BufReader, Read},
};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, layout, tag] = arguments.as_slice() else { panic_usage() };
    let layout = Utf8Path::new(layout);
    let index = json(&layout.join("index.json"));
    let is_tagged = |manifest: &&Value| {
        manifest["annotations"]["org.opencontainers.image.ref.name"].as_str() == Some(tag)
    };
    let manifest = index["manifests"].as_array().unwrap().iter().find(is_tagged).expect("the tag");
    let manifest = json(&blob(layout, manifest));
    let config = json(&blob(layout, &manifest["config"]));
    for (at, layer) in manifest["layers"].as_array().unwrap().iter().enumerate() {
        let (stored, inflated) = digests(&blob(layout, layer));
        assert_eq!(layer["digest"], stored.to_string());
        assert_eq!(config["rootfs"]["diff_ids"][at], inflated.to_string());
    }
}

#[expect(clippy::panic, reason = "there is nothing to measure")]
fn panic_usage() -> ! {
    panic!("usage: floor LAYOUT TAG")
}

fn json(path: &Utf8Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn blob(layout: &Utf8Path, descriptor: &Value) -> Utf8PathBuf {
    layout.join("blobs").join(descriptor["digest"].as_str().unwrap().replace(':', "/"))
}

/// A file that is hashed as it is read.
struct Hashing(File, Digester);

impl Read for Hashing {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(into)?;
        self.1.update(&into[..count]);
        Ok(count)
    }
}

/// The digests of a layer as stored and inflated, in one pass on one thread.
fn digests(path: &Utf8Path) -> (Digest, Digest) {
    const PIECE: usize = 1 << 17;
    let stored = Hashing(File::open(path).unwrap(), Digester::new());
    let mut reader = MultiGzDecoder::new(BufReader::with_capacity(PIECE, stored));
    let (mut inflated, mut buffer) = (Digester::new(), vec![0; PIECE]);
    loop {
        let count = reader.read(&mut buffer).unwrap();
        if count == 0 {
            break;
        }
        inflated.update(&buffer[..count]);
    }
    let mut stored = reader.into_inner();
    io::copy(&mut stored, &mut io::sink()).unwrap();
    (stored.into_inner().1.finish(), inflated.finish())
}
