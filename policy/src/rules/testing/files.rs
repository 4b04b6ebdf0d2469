//! Images with files, for tests.

use super::Case;
use crate::files::Text;
use plimsoll_model::{
    TreePath,
    tree::{self, EntryKind, LayerIndex, TreeError},
};

impl Case {
    fn entry(self, path: &str, layer: u32, change: impl FnOnce(&mut tree::Entry)) -> Self {
        let mut entry = tree::Entry {
            path: TreePath::parse(path.as_bytes()).unwrap(),
            kind: EntryKind::File,
            size: 1,
            mode: 0o755,
            uid: 0,
            gid: 0,
            capabilities: Box::default(),
            layer: LayerIndex(layer),
        };
        change(&mut entry);
        self.change_files(|files| {
            files.entries.push(entry);
            files.entries.sort_by(|left, right| left.path.cmp(&right.path));
        })
    }

    /// A file of root's with a mode, in a layer.
    pub(crate) fn file(self, path: &str, mode: u32, layer: u32) -> Self {
        self.entry(path, layer, |entry| entry.mode = mode)
    }

    /// A directory of root's with a mode, in a layer.
    pub(crate) fn directory(self, path: &str, mode: u32, layer: u32) -> Self {
        self.entry(path, layer, |entry| (entry.kind, entry.mode) = (EntryKind::Directory, mode))
    }

    /// A symbolic link, in a layer.
    pub(crate) fn link(self, path: &str, target: &str, layer: u32) -> Self {
        let kind = EntryKind::Symlink(target.as_bytes().to_vec());
        self.entry(path, layer, |entry| (entry.kind, entry.mode) = (kind, 0o777))
    }

    /// A device, in a layer.
    pub(crate) fn device(self, path: &str, layer: u32) -> Self {
        self.entry(path, layer, |entry| entry.kind = EntryKind::Device)
    }

    /// A program of somebody's, in a layer.
    pub(crate) fn owned(self, path: &str, uid: u64, layer: u32) -> Self {
        self.entry(path, layer, |entry| entry.uid = uid)
    }

    /// A program with capabilities, in a layer.
    pub(crate) fn holding(self, path: &str, attribute: &[u8], layer: u32) -> Self {
        self.entry(path, layer, |entry| entry.capabilities = attribute.into())
    }

    /// A file with a text, in a layer.
    pub(crate) fn text(self, path: &str, text: &str, layer: u32) -> Self {
        self.replaced(path, (text, layer), &[])
    }

    /// A file with a text, in a layer, and what it said in lower ones.
    pub(crate) fn replaced(self, path: &str, now: (&str, u32), earlier: &[(&str, u32)]) -> Self {
        let earlier = earlier.iter();
        self.change_files(|files| {
            files.texts.push(Text {
                path: TreePath::parse(path.as_bytes()).unwrap(),
                layer: LayerIndex(now.1),
                content: Ok(now.0.as_bytes().to_vec()),
                earlier: earlier
                    .map(|(text, layer)| (LayerIndex(*layer), text.as_bytes().to_vec()))
                    .collect(),
            });
        })
    }

    /// A file that can not be read.
    pub(crate) fn unreadable(self, path: &str, error: TreeError) -> Self {
        self.text(path, "", 0).change_files(|files| {
            if let Some(text) = files.texts.last_mut() {
                text.content = Err(error);
            }
        })
    }
}
