//! A private key in a file that its owner alone can read.

use crate::{Error, files::read_text, signers::KeySigner};
use camino::Utf8Path;
use plimsoll_model::Limits;
use std::io::{self, Write as _};
use tempfile::NamedTempFile;

/// Writes a new key file, encrypted where a password is given.
///
/// The file appears whole or not at all, readable by its owner alone, and never in the place of another:
/// [`Error::FileExists`] where there is one.
pub fn create_key_file(
    path: &Utf8Path,
    signer: &KeySigner,
    password: Option<&str>,
) -> Result<(), Error> {
    let pem = match password {
        Some(password) => signer.to_encrypted_pem(password),
        None => signer.to_pem(),
    }?;
    let fail = |source| Error::WriteFile { path: path.to_owned(), source };
    let folder = path.parent().filter(|folder| !folder.as_str().is_empty());
    // Temporary files are made with mode 0600.
    let mut file = NamedTempFile::new_in(folder.unwrap_or(Utf8Path::new("."))).map_err(fail)?;
    file.write_all(pem.expose().as_bytes())
        .and_then(|()| file.as_file().sync_all())
        .map_err(fail)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            Err(Error::FileExists { path: path.to_owned() })
        }
        Err(error) => Err(fail(error.error)),
    }
}

/// Reads a key file of at most `limits.user_file` bytes.
pub fn load_key_file(
    path: &Utf8Path,
    password: Option<&str>,
    limits: &Limits,
) -> Result<KeySigner, Error> {
    KeySigner::from_pem(&read_text(path, limits.user_file, "a key file")?, password)
        .map_err(|source| Error::KeyFile { path: path.to_owned(), source: Box::new(source) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signers::KeyKind;
    use plimsoll_model::{Class, Classify as _};
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_key_file_is_its_owners_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        let path = folder.join("signing.key");
        let signer = KeySigner::generate(KeyKind::EcdsaP256).unwrap();
        create_key_file(&path, &signer, None).unwrap();
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let read = load_key_file(&path, None, &Limits::STANDARD).unwrap();
        assert_eq!(read.public_key(), signer.public_key());

        let other = KeySigner::generate(KeyKind::Ed25519).unwrap();
        assert!(matches!(
            create_key_file(&path, &other, None),
            Err(Error::FileExists { path: found }) if found == path
        ));
        let read = load_key_file(&path, None, &Limits::STANDARD).unwrap();
        assert_eq!(read.public_key(), signer.public_key());
        assert_eq!(folder.read_dir_utf8().unwrap().count(), 1, "nothing temporary is left");
    }

    #[test]
    fn what_cannot_be_read_or_written_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        let signer = KeySigner::generate(KeyKind::Ed25519).unwrap();
        let absent = folder.join("none/signing.key");
        assert!(matches!(create_key_file(&absent, &signer, None), Err(Error::WriteFile { .. })));
        let error = load_key_file(&absent, None, &Limits::STANDARD).unwrap_err();
        assert!(matches!(&error, Error::ReadFile { path, .. } if *path == absent));
        assert_eq!(error.class(), Class::Usage);

        let path = folder.join("signing.key");
        create_key_file(&path, &signer, None).unwrap();
        let tight = Limits { user_file: 16, ..Limits::STANDARD };
        assert!(matches!(
            load_key_file(&path, None, &tight),
            Err(Error::TooLarge { limit: 16, .. })
        ));
    }
}
