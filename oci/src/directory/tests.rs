use super::*;
use camino::Utf8PathBuf;
use plimsoll_model::tree::Condense;
use std::{fs, os::unix::fs::symlink};

struct Directory {
    _temporary: tempfile::TempDir,
    path: Utf8PathBuf,
}

fn directory(files: &[&str]) -> Directory {
    let temporary = tempfile::tempdir().unwrap();
    let path = Utf8Path::from_path(temporary.path()).unwrap().join("tree");
    fs::create_dir(&path).unwrap();
    let directory = Directory { _temporary: temporary, path };
    for name in files {
        directory.write(name, name);
    }
    directory
}

impl Directory {
    fn write(&self, name: &str, text: &str) {
        let path = self.path.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn tree(&self, ignored: Ignored) -> DirectoryTree {
        DirectoryTree::open(&self.path, ignored, &Limits::STANDARD).unwrap()
    }

    fn files(&self, ignored: Ignored) -> Vec<String> {
        let tree = self.tree(ignored);
        let files = tree.entries().filter(|entry| entry.kind == EntryKind::File);
        files.map(|entry| entry.path.to_string()).collect()
    }
}

fn path(text: &str) -> TreePath {
    TreePath::parse(text.as_bytes()).unwrap()
}

fn read(tree: &DirectoryTree, name: &str) -> Result<String, TreeError> {
    tree.read(&path(name), 100).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
}

struct Count(usize);

impl Condense for Count {
    fn take(&mut self, piece: &[u8]) -> ControlFlow<()> {
        self.0 += piece.len();
        ControlFlow::Continue(())
    }

    fn finish(self: Box<Self>) -> Option<Vec<u8>> {
        (self.0 > 0).then(|| self.0.to_string().into_bytes())
    }
}

static COUNT: Condenser = Condenser { id: "count", also: None, begin: |_| Box::new(Count(0)) };

#[test]
fn everything_is_listed_in_path_order_and_read_when_it_is_asked_for() {
    let directory = directory(&["b", "a/c", "a.b", ".hidden/x", ".git/config", "a/.git/config"]);
    assert_eq!(directory.files(Ignored::Read), ["/.hidden/x", "/a.b", "/a/c", "/b"]);
    let tree = directory.tree(Ignored::Read);
    assert!(tree.layers().is_empty() && tree.gaps().is_empty());
    assert_eq!(tree.entry(&path("")).unwrap().kind, EntryKind::Directory);
    assert_eq!(read(&tree, "a/c").unwrap(), "a/c");
    assert_eq!(read(&tree, "a"), Err(TreeError::NotAFile));
    assert_eq!(read(&tree, "z"), Err(TreeError::Absent));
    let limit = tree.read(&path("a.b"), 2);
    assert_eq!(limit, Err(TreeError::TooLarge { size: 3, limit: 2 }));
}

#[test]
fn a_file_of_any_size_is_condensed_in_pieces() {
    let directory = directory(&["empty"]);
    directory.write("empty", "");
    directory.write("large", &"x".repeat(3 * CHUNK + 1));
    let tree = directory.tree(Ignored::Read);
    let condensed = |name: &str| tree.condensed(&path(name), &COUNT).unwrap();
    assert_eq!(condensed("large").unwrap().as_ref(), (3 * CHUNK + 1).to_string().as_bytes());
    assert_eq!(condensed("empty"), None);
}

#[test]
fn links_lead_to_what_was_listed_and_never_out() {
    let directory = directory(&["etc/passwd", "a/b/c"]);
    fs::write(directory.path.parent().unwrap().join("secret"), "secret").unwrap();
    for (name, target) in [
        ("inside", "a/b/c"),
        ("absolute", "/etc/passwd"),
        ("out", "../secret"),
        ("circle", "circle"),
        ("d", "a/b"),
    ] {
        symlink(target, directory.path.join(name)).unwrap();
    }
    symlink(directory.path.parent().unwrap().join("secret"), directory.path.join("far")).unwrap();
    let tree = directory.tree(Ignored::Read);
    assert_eq!(read(&tree, "inside").unwrap(), "a/b/c");
    assert_eq!(read(&tree, "d/c").unwrap(), "a/b/c");
    // The root of the tree is the root of its links.
    assert_eq!(read(&tree, "absolute").unwrap(), "etc/passwd");
    assert_eq!(read(&tree, "out"), Err(TreeError::Absent));
    assert_eq!(read(&tree, "far"), Err(TreeError::Absent));
    assert_eq!(read(&tree, "circle"), Err(TreeError::TooManyLinks));
}

#[test]
fn what_takes_a_files_place_is_not_read() {
    let directory = directory(&["a/b", "c", "d", "e"]);
    let tree = directory.tree(Ignored::Read);
    assert_eq!(read(&tree, "a/b").unwrap(), "a/b");
    let outside = directory.path.parent().unwrap().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("b"), "secret").unwrap();
    fs::rename(directory.path.join("a"), directory.path.join("old")).unwrap();
    symlink(&outside, directory.path.join("a")).unwrap();
    assert_eq!(read(&tree, "a/b"), Err(TreeError::Changed));
    // Another file of that name; a link; the same file, longer.
    fs::rename(directory.path.join("d"), directory.path.join("c")).unwrap();
    assert_eq!(read(&tree, "c"), Err(TreeError::Changed));
    symlink("e", directory.path.join("d")).unwrap();
    assert!(matches!(read(&tree, "d"), Err(TreeError::Unreadable { .. })));
    directory.write("e", "longer");
    assert_eq!(read(&tree, "e"), Err(TreeError::Changed));
    fs::remove_file(directory.path.join("c")).unwrap();
    let gone = read(&tree, "c").unwrap_err().to_string();
    assert_eq!(gone, "it can not be read: No such file or directory");
}

#[test]
fn in_a_work_tree_what_git_ignores_is_passed_over_and_counted() {
    let names = [
        "app/keep",
        "app/a.log",
        "app/b/c.log",
        "app/b/keep.log",
        "app/out/x",
        "app/b/out/x",
        "app/secret",
    ];
    let directory = directory(&names);
    directory.write(".gitignore", "*.log\nnode_modules/\n");
    directory.write("app/.gitignore", "/out\n\\\n[\n");
    directory.write("app/b/.gitignore", "!keep.log\n");
    directory.write(".git/info/exclude", "secret\n");
    let ignored = ["/app/a.log", "/app/b/c.log", "/app/out/x", "/app/secret"];
    let all = directory.files(Ignored::Read);
    let expect: Vec<_> =
        all.iter().filter(|name| !ignored.contains(&name.as_str())).cloned().collect();
    assert_eq!(directory.files(Ignored::PassedOver), expect);
    assert_eq!(directory.tree(Ignored::PassedOver).passed_over(), 4);
    // The rules of the directories above hold as well.
    let app = directory.path.join("app/b");
    let below = DirectoryTree::open(&app, Ignored::PassedOver, &Limits::STANDARD).unwrap();
    assert_eq!(below.passed_over(), 1);
    assert!(below.entry(&path("out/x")).is_some());
    // Outside a work tree they are files like others.
    fs::remove_dir_all(directory.path.join(".git")).unwrap();
    assert_eq!(directory.files(Ignored::PassedOver), directory.files(Ignored::Read));
}

#[test]
fn neither_a_root_file_system_nor_what_is_named_itself_is_ignored() {
    let directory = directory(&["rootfs/usr/bin/x", "rootfs/etc/os-release", "out/a/x", "out/b"]);
    directory.write(".gitignore", "x\nout\n");
    fs::create_dir(directory.path.join(".git")).unwrap();
    for (name, count) in [("rootfs", 2), ("out", 2), ("out/a", 1)] {
        let root = directory.path.join(name);
        let tree = DirectoryTree::open(&root, Ignored::PassedOver, &Limits::STANDARD).unwrap();
        let files = tree.entries().filter(|entry| entry.kind == EntryKind::File).count();
        assert_eq!((files, tree.passed_over()), (count, 0), "{name}");
    }
}

#[test]
fn too_many_files_are_refused_and_paths_that_are_too_long_are_gaps() {
    let directory = directory(&["a", "b", "c/d"]);
    let limits = |layer_entries, path| Limits { layer_entries, path, ..Limits::STANDARD };
    let open = |limits| DirectoryTree::open(&directory.path, Ignored::Read, &limits);
    assert!(matches!(open(limits(4, 100)), Err(Error::TooMany { what: "files", limit: 4, .. })));
    let tree = open(limits(5, 2)).unwrap();
    let gaps: Vec<_> =
        tree.gaps().iter().map(|gap| format!("{}: {}", gap.path, gap.reason)).collect();
    assert_eq!(gaps, ["/c: it can not be listed: File name too long"]);
}

#[test]
fn a_file_by_itself_has_the_name_that_the_user_gave_it() {
    let directory = directory(&["package-lock.json", "d/x"]);
    symlink("package-lock.json", directory.path.join("link.json")).unwrap();
    for name in ["package-lock.json", "link.json"] {
        let file = directory.path.join(name);
        let tree = DirectoryTree::open_file(&file, &Limits::STANDARD).unwrap();
        assert_eq!(tree.entries().count(), 1);
        assert_eq!(read(&tree, name).unwrap(), "package-lock.json");
    }
    for name in ["d", "absent"] {
        let refused = DirectoryTree::open_file(&directory.path.join(name), &Limits::STANDARD);
        assert!(matches!(refused, Err(Error::Read { .. })), "{name}");
    }
    let absent = directory.path.join("package-lock.json");
    let refused = DirectoryTree::open(&absent, Ignored::Read, &Limits::STANDARD);
    assert!(matches!(refused, Err(Error::Read { .. })));
}

/// Names of other encodings, pipes and devices.
#[test]
fn what_is_no_text_and_no_file_is_listed_all_the_same() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};
    let directory = directory(&[]);
    fs::write(directory.path.as_std_path().join(OsStr::from_bytes(b"\xff\n")), "x").unwrap();
    let pipe = directory.path.join("pipe");
    let mode = Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(CWD, pipe.as_std_path(), FileType::Fifo, mode, 0).unwrap();
    let tree = directory.tree(Ignored::Read);
    let name = TreePath::parse(b"\xff\n").unwrap();
    assert_eq!(tree.read(&name, 9).unwrap().as_ref(), b"x");
    assert_eq!(tree.entry(&path("pipe")).unwrap().kind, EntryKind::Special);
    assert_eq!(read(&tree, "pipe"), Err(TreeError::NotAFile));
}
