//! Gives a name to what this crate's sources make of a file, for those who keep it: another source, another name.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a build script reads the sources and tells cargo what it found"
)]

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    let mut sources = BTreeMap::new();
    read(Path::new("src"), &mut sources)?;
    let mut hasher = DefaultHasher::new();
    sources.hash(&mut hasher);
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rustc-env=PLIMSOLL_SBOM_SOURCES={:016x}", hasher.finish());
    Ok(())
}

fn read(directory: &Path, sources: &mut BTreeMap<PathBuf, Vec<u8>>) -> io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            read(&path, sources)?;
        } else {
            sources.insert(path.clone(), std::fs::read(&path)?);
        }
    }
    Ok(())
}
