//! Images in files: what `docker save` writes, and OCI layouts in archives.
#![no_main]

use camino::Utf8Path;
use libfuzzer_sys::fuzz_target;
use plimsoll_fuzz::interest;
use plimsoll_model::{
    Limits, Pinned, TreePath,
    reference::{Place, Selector},
    tree::{Interest, Want},
};
use plimsoll_oci::{
    Source,
    archive::{DockerArchive, OciArchive},
    image::{Progress, ReadOptions, open_image, read_tree},
};
use std::{io::Write as _, sync::Arc};

fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("room for a small file");
    let path = Utf8Path::from_path(file.path()).expect("a path in UTF-8");
    let limits = Limits::STANDARD;
    if let Ok(archive) = OciArchive::open(path, &limits)
        && let Ok(found) = archive.resolve(&Selector::Only)
    {
        read(&Source::OciArchive(archive), path, found.digest);
    }
    if let Ok(archive) = DockerArchive::open(path, &limits)
        && let Ok(found) = archive.resolve(&Selector::Only)
    {
        read(&Source::DockerArchive(archive), path, found.digest);
    }
});

/// Opens an image and reads all of it. That it is refused is no harm.
fn read(source: &Source, path: &Utf8Path, digest: plimsoll_model::Digest) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let pinned = Pinned { place: Place::OciLayout(path.to_owned()), digest };
        let Ok(image) = open_image(source, &pinned, None).await else { return };
        let interest = Arc::new(Catalogers);
        let options =
            ReadOptions { interest, limits: Limits::STANDARD, cache: None, threads: None };
        let _tree = read_tree(source, &image, &options, &Silence).await;
    });
}

struct Catalogers;

impl Interest for Catalogers {
    fn want(&self, path: &TreePath, size: u64, mode: u32) -> Want {
        interest().want(path, size, mode)
    }
}

struct Silence;

impl Progress for Silence {
    fn bytes(&self, _: u64) {}
}
