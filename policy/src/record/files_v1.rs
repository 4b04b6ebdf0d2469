//! Files of the image that rules look at: what they are, and never what is in them.

use super::text::cut;
use crate::Files;
use plimsoll_model::{
    Digest, Printable,
    owned::{LaterContent, LaterFile},
    tree::{Entry, EntryKind, LayerIndex},
};
use serde::Serialize;
use std::fmt::Write as _;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FilesJson {
    entries: Vec<EntryJson>,
    /// Files of packages that a later layer brought, and that are not known to be the package's still.
    rewritten: Vec<RewrittenJson>,
    /// Databases of packages that could not be read.
    unread: Vec<UnreadJson>,
    /// Programs that no package has.
    programs: Vec<ProgramJson>,
    caches: Vec<CacheJson>,
    /// How many entries and rewritten files are not listed.
    left_out: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct EntryJson {
    path: String,
    kind: &'static str,
    /// Four octal digits.
    mode: String,
    uid: u64,
    gid: u64,
    size: u64,
    /// What a symbolic link says.
    target: Option<String>,
    /// The attribute `security.capability` in hexadecimal.
    capabilities: Option<String>,
    /// The diffID of its layer.
    layer: Option<Digest>,
}

#[derive(Debug, Serialize)]
struct RewrittenJson {
    package: String,
    path: String,
    layer: Option<Digest>,
    /// What the database of packages states; absent where it can not be told whether the file is another.
    expected: Option<String>,
    /// What is there.
    found: Option<String>,
    /// Why it can not be told.
    unknown: Option<String>,
}

#[derive(Debug, Serialize)]
struct UnreadJson {
    path: String,
    layer: Option<Digest>,
    reason: String,
}

#[derive(Debug, Serialize)]
struct ProgramJson {
    path: String,
    layer: Option<Digest>,
}

#[derive(Debug, Serialize)]
struct CacheJson {
    path: &'static str,
    files: u64,
    bytes: u64,
}

impl FilesJson {
    pub(super) fn of(files: &Files) -> Self {
        let layer = |LayerIndex(at): LayerIndex| {
            usize::try_from(at).ok().and_then(|at| files.layers.get(at).copied())
        };
        let rewritten = files.later.iter();
        let unread = files.unread.iter().map(|unknown| UnreadJson {
            path: unknown.path.to_string(),
            layer: unknown.layer,
            reason: printable(&unknown.reason),
        });
        let programs = files
            .programs
            .iter()
            .map(|entry| ProgramJson { path: entry.path.to_string(), layer: layer(entry.layer) });
        let caches = files.caches.iter();
        Self {
            entries: files.entries.iter().map(|it| EntryJson::of(it, layer(it.layer))).collect(),
            rewritten: rewritten.map(|file| RewrittenJson::of(file, layer(file.layer))).collect(),
            unread: unread.collect(),
            programs: programs.collect(),
            caches: caches
                .map(|(path, it)| CacheJson { path, files: it.files, bytes: it.bytes })
                .collect(),
            left_out: files.left_out,
        }
    }
}

fn printable(text: &str) -> String {
    cut(&Printable(text).to_string())
}

impl RewrittenJson {
    fn of(file: &LaterFile, layer: Option<Digest>) -> Self {
        let (expected, found, unknown) = match &file.content {
            LaterContent::Expected(_) => (None, None, Some("its content was not hashed")),
            LaterContent::Changed { expected, found } => (Some(expected), Some(found), None),
            LaterContent::Untold(why) => (None, None, Some(why.as_str())),
        };
        Self {
            package: cut(&file.package),
            path: file.path.to_string(),
            layer,
            expected: expected.map(|text| printable(text)),
            found: found.map(|text| printable(text)),
            unknown: unknown.map(printable),
        }
    }
}

impl EntryJson {
    fn of(entry: &Entry, layer: Option<Digest>) -> Self {
        let (kind, target) = match &entry.kind {
            EntryKind::File => ("file", None),
            EntryKind::Directory => ("directory", None),
            EntryKind::Symlink(target) => ("symlink", Some(String::from_utf8_lossy(target))),
            EntryKind::Device => ("device", None),
            EntryKind::Special => ("special", None),
        };
        let mut capabilities = String::new();
        for byte in &entry.capabilities {
            // Writing to a string does not fail.
            write!(capabilities, "{byte:02x}").ok();
        }
        Self {
            path: entry.path.to_string(),
            kind,
            mode: format!("{:04o}", entry.mode),
            uid: entry.uid,
            gid: entry.gid,
            size: entry.size,
            target: target.map(|target| printable(&target)),
            capabilities: Some(capabilities).filter(|hex| !hex.is_empty()),
            layer,
        }
    }
}
