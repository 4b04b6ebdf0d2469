//! The lock files of a source: which packages its builds take, by digest.

use crate::{
    Error,
    builders::{DependencyDigest, ResolvedDependency},
};
use camino::Utf8Path;
use plimsoll_model::{Digest, Limits};
use std::{fs::File, io::Read as _};

/// Their names. Each pins what it lists to a digest or to one version.
const NAMES: &[&str] = &[
    ".terraform.lock.hcl",
    "Cargo.lock",
    "Gemfile.lock",
    "Package.resolved",
    "Pipfile.lock",
    "Podfile.lock",
    "bun.lock",
    "composer.lock",
    "conan.lock",
    "flake.lock",
    "go.sum",
    "gradle.lockfile",
    "mix.lock",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "packages.lock.json",
    "pdm.lock",
    "pnpm-lock.yaml",
    "poetry.lock",
    "pubspec.lock",
    "pylock.toml",
    "uv.lock",
    "yarn.lock",
];

/// The lock files that lie in `directory` itself, in the order of their names, as `file:NAME`.
///
/// A link or a device of such a name is none. What lies deeper is left to whoever built from it to say.
pub fn lock_files(directory: &Utf8Path, limits: &Limits) -> Result<Vec<ResolvedDependency>, Error> {
    let mut found = Vec::new();
    for name in NAMES {
        let path = directory.join(name);
        if !path.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
            continue;
        }
        let digest = DependencyDigest::Sha256(digest(&path, limits)?);
        found.push(ResolvedDependency { uri: format!("file:{name}"), digest });
    }
    Ok(found)
}

fn digest(path: &Utf8Path, limits: &Limits) -> Result<Digest, Error> {
    let fail = |source| Error::ReadFile { path: path.to_owned(), source };
    let limit = limits.package_metadata;
    let mut file = File::open(path).map_err(fail)?.take(limit.saturating_add(1));
    let mut bytes = Vec::new();
    #[expect(clippy::disallowed_methods, reason = "it has a limit")]
    file.read_to_end(&mut bytes).map_err(fail)?;
    crate::envelope::at_most(&bytes, "a lock file", limit)?;
    Ok(Digest::of(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink};

    #[test]
    fn lock_files_are_listed_by_name_and_links_and_folders_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        assert_eq!(lock_files(folder, &Limits::STANDARD).unwrap(), []);
        assert_eq!(lock_files(&folder.join("none"), &Limits::STANDARD).unwrap(), []);
        fs::write(folder.join("uv.lock"), "").unwrap();
        fs::write(folder.join("Cargo.lock"), "version = 4\n").unwrap();
        fs::create_dir_all(folder.join("go.sum/x")).unwrap();
        fs::create_dir(folder.join("deeper")).unwrap();
        fs::write(folder.join("deeper/yarn.lock"), "").unwrap();
        symlink("uv.lock", folder.join("poetry.lock")).unwrap();
        let found = lock_files(folder, &Limits::STANDARD).unwrap();
        let expect = |name: &str, bytes: &[u8]| ResolvedDependency {
            uri: format!("file:{name}"),
            digest: DependencyDigest::Sha256(Digest::of(bytes)),
        };
        assert_eq!(found, [expect("Cargo.lock", b"version = 4\n"), expect("uv.lock", b"")]);
        let tight = Limits { package_metadata: 4, ..Limits::STANDARD };
        assert!(matches!(lock_files(folder, &tight), Err(Error::TooLarge { limit: 4, .. })));
    }

    #[test]
    fn names_are_in_order_and_there_once() {
        assert!(NAMES.is_sorted_by(|left, right| left < right));
    }
}
