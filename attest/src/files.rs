//! Reading the user's files, never without a limit.

use crate::error::Error;
use camino::Utf8Path;
use std::{fs::File, io::Read as _};
use zeroize::Zeroizing;

/// The text of a file of at most `limit` bytes; wiped from memory when it is dropped, because it may be a key. Errors call
/// it `what`.
pub(crate) fn read_text(
    path: &Utf8Path,
    limit: u64,
    what: &'static str,
) -> Result<Zeroizing<String>, Error> {
    let fail = |source| Error::ReadFile { path: path.to_owned(), source };
    let file = File::open(path).map_err(fail)?;
    let mut text = Zeroizing::new(String::new());
    #[expect(clippy::disallowed_methods, reason = "this is the helper that puts a limit on it")]
    file.take(limit.saturating_add(1)).read_to_string(&mut text).map_err(fail)?;
    if u64::try_from(text.len()).is_ok_and(|size| size <= limit) {
        Ok(text)
    } else {
        Err(Error::TooLarge { what, limit })
    }
}
