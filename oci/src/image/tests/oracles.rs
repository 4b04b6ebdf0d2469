//! What others make of the same images.

#![expect(
    clippy::disallowed_methods,
    reason = "the judges are programs, and where they are is told by the environment"
)]

use crate::{
    Source,
    fixture::{Everything, directory, image, path, read, read_from, tree},
    layout::Layout,
    squash::LayeredTree,
    testing::image::{Access, BuiltImage, LayerBuilder, Storage},
};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_model::{
    Limits, Pinned, TreePath,
    digest::Digester,
    reference::{Place, Selector},
    tree::{Condense, Condenser, EntryKind, Interest, Tree as _, Want},
};
use std::{
    collections::BTreeMap,
    env, fs,
    io::Read as _,
    ops::ControlFlow,
    os::unix::fs::PermissionsExt as _,
    process::{Command, Output},
    sync::Arc,
};

/// A program by others; `None`, said aloud, where it is not installed and need not be.
fn oracle(name: &str) -> Option<Utf8PathBuf> {
    let search = env::var("PATH").unwrap_or_default();
    let found = search
        .split(':')
        .map(|directory| Utf8Path::new(directory).join(name))
        .find(|path| path.exists());
    if found.is_none() {
        missing(name);
    }
    found
}

/// Says that there is nothing to compare with, which is an error where there has to be.
fn missing(name: &str) {
    assert!(env::var("PLIMSOLL_ORACLES").as_deref() != Ok("require"), "{name} is missing");
    eprintln!("{name} is missing: nothing is compared with it");
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// What lies at a path: its kind and mode, and its content or target.
type Seen = BTreeMap<Vec<u8>, (String, Vec<u8>)>;

/// What lies in a directory on disk.
fn on_disk(root: &Utf8Path) -> Seen {
    let mut seen = Seen::new();
    let mut ahead = vec![root.to_owned()];
    while let Some(directory) = ahead.pop() {
        for entry in directory.read_dir_utf8().unwrap() {
            let path = entry.unwrap().into_path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let mode = metadata.permissions().mode() & 0o7777;
            let value = if metadata.is_symlink() {
                (
                    "link".to_owned(),
                    fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes(),
                )
            } else if metadata.is_dir() {
                ahead.push(path.clone());
                (format!("directory {mode:o}"), Vec::new())
            } else {
                (format!("file {mode:o}"), fs::read(&path).unwrap())
            };
            seen.insert(path.strip_prefix(root).unwrap().as_str().as_bytes().to_vec(), value);
        }
    }
    seen
}

/// What lies in a tree.
fn in_tree(tree: &LayeredTree) -> Seen {
    let entries = tree.entries().filter(|entry| !entry.path.as_bytes().is_empty());
    let value = |entry: plimsoll_model::tree::Entry| match &entry.kind {
        EntryKind::Symlink(target) => ("link".to_owned(), target.clone()),
        EntryKind::Directory => (format!("directory {:o}", entry.mode), Vec::new()),
        EntryKind::File => (
            format!("file {:o}", entry.mode),
            tree.read(&entry.path, u64::MAX).unwrap().into_owned(),
        ),
        EntryKind::Device | EntryKind::Special => ("special".to_owned(), Vec::new()),
    };
    entries.map(|entry| (entry.path.as_bytes().to_vec(), value(entry))).collect()
}

/// What umoci unpacks.
fn unpacked(umoci: &Utf8Path, built: &BuiltImage) -> Seen {
    let (_kept, root) = directory();
    let (layout, rootfs) = (root.join("layout"), root.join("rootfs"));
    built.write_layout(&layout, Some("t"));
    run(Command::new(umoci)
        .args(["raw", "unpack", "--rootless", "--image"])
        .args([&format!("{layout}:t"), rootfs.as_str()]));
    on_disk(&rootfs)
}

fn layer() -> LayerBuilder {
    LayerBuilder::new()
}

#[test]
fn umoci_unpacks_what_we_see() {
    let Some(umoci) = oracle("umoci") else { return };
    let base = || {
        layer()
            .directory("usr/bin")
            .file_with("usr/bin/sh", "sh", Access::root(0o755))
            .symlink("bin", "usr/bin")
            .directory_with("tmp", Access::root(0o777))
            .file("etc/passwd", "root")
            .hardlink("etc/passwd-", "etc/passwd")
            .file("opt/a/b", "1")
            .file(&format!("long/{}/{}", "d".repeat(150), "f".repeat(150)), "long")
    };
    let cases = [
        vec![base()],
        vec![base(), layer().file("bin/new", "2").whiteout("bin/sh")],
        vec![base(), layer().directory("opt").opaque("opt").file("opt/c", "2")],
        vec![base(), layer().whiteout("opt"), layer().file("opt/again", "3")],
        vec![base(), layer().whiteout("opt/a").directory("opt/a").file("opt/a/c", "2")],
        vec![base(), layer().file("etc/passwd", "forged"), layer().whiteout("etc/passwd")],
        vec![base(), layer().hardlink("etc/shadow", "etc/passwd").symlink("opt/a", "/etc")],
        vec![base(), layer().file("opt", "file"), layer().directory("opt").file("opt/x", "2")],
        vec![base(), layer().directory("bin").file("bin/sh", "mine")],
        vec![
            base().storage(Storage::Plain),
            layer().whiteout("bin"),
            layer().symlink("bin", "opt").file("bin/z", "1"),
        ],
        vec![base(), layer().file("etc/.wh..wh..opqX", "")],
    ];
    for (number, layers) in cases.into_iter().enumerate() {
        let built = image(layers);
        let tree = read(&built, Everything, &Limits::STANDARD).unwrap();
        assert_eq!(in_tree(&tree), unpacked(&umoci, &built), "case {number}");
    }
}

/// Numbers that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    /// A path of up to three components out of three names.
    fn path(&mut self) -> String {
        let names: Vec<_> = (0..=self.below(3)).map(|_| ["a", "b", "c"][self.below(3)]).collect();
        names.join("/")
    }
}

/// A layer such as tools write it: first what it removes, then each entry after its parent directories.
fn layer_of(numbers: &mut Numbers, at: usize) -> LayerBuilder {
    let whiteouts = if at == 0 { 0 } else { numbers.below(3) };
    let mut built = (0..whiteouts).fold(layer(), |built, _| built.whiteout(&numbers.path()));
    for number in 0..=numbers.below(6) {
        let path = numbers.path();
        let parents = path.match_indices('/').filter_map(|(end, _)| path.get(..end));
        built = parents.fold(built, LayerBuilder::directory);
        built = match numbers.below(5) {
            0 => built.directory_with(&path, Access::root(0o700)),
            1 => built.symlink(&path, ["/a", "b", "../c", "nowhere"][numbers.below(4)]),
            _ => built.file(&path, format!("{number}")),
        };
    }
    built
}

#[test]
fn umoci_unpacks_what_we_see_of_layers_nobody_thought_of() {
    let Some(umoci) = oracle("umoci") else { return };
    let mut numbers = Numbers(2_026);
    for number in 0..40 {
        let built = image((0..=numbers.below(4)).map(|at| layer_of(&mut numbers, at)));
        let tree = read(&built, Everything, &Limits::STANDARD).unwrap();
        assert_eq!(in_tree(&tree), unpacked(&umoci, &built), "image {number}");
    }
}

#[test]
fn layouts_that_umoci_writes_are_read() {
    let Some(umoci) = oracle("umoci") else { return };
    let (_kept, root) = directory();
    let (layout, files) = (root.join("layout"), root.join("files"));
    fs::create_dir_all(files.join("d/e")).unwrap();
    fs::write(files.join("d/a"), "1").unwrap();
    fs::hard_link(files.join("d/a"), files.join("d/e/b")).unwrap();
    std::os::unix::fs::symlink("../a", files.join("d/e/l")).unwrap();
    let named = format!("{layout}:t");
    let umoci = |arguments: &[&str]| drop(run(Command::new(&umoci).args(arguments)));
    umoci(&["init", "--layout", layout.as_str()]);
    umoci(&["new", "--image", &named]);
    let insert = ["insert", "--rootless", "--image", &named];
    umoci(&[insert.as_slice(), &[files.as_str(), "/srv"]].concat());
    umoci(&[insert.as_slice(), &["--whiteout", "/srv/d/a"]].concat());
    umoci(&[insert.as_slice(), &["--opaque", files.join("d").as_str(), "/srv/d/e"]].concat());
    let rootfs = root.join("rootfs");
    umoci(&["raw", "unpack", "--rootless", "--image", &named, rootfs.as_str()]);
    let found = in_tree(&super::archives::read("oci", &layout));
    assert!(
        found.contains_key(b"srv/d/e/e/b".as_slice()) && !found.contains_key(b"srv/d/a".as_slice())
    );
    assert_eq!(found, on_disk(&rootfs));
}

/// A whole distribution, where it was built for the tests of the program.
#[test]
fn umoci_unpacks_what_we_see_of_a_distribution() {
    let repository = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let layout = repository.join("target/oracles/image/layout");
    let Some(umoci) = oracle("umoci") else { return };
    if !layout.is_dir() {
        return missing("the real image (`cargo xtask image` builds it)");
    }
    let (_kept, root) = directory();
    let rootfs = root.join("rootfs");
    run(Command::new(umoci)
        .args(["raw", "unpack", "--rootless", "--image"])
        .args([&format!("{layout}:app"), rootfs.as_str()]));
    let tree = super::archives::read("oci", Utf8Path::new(&format!("{layout}:app")));
    let (seen, unpacked) = (in_tree(&tree), on_disk(&rootfs));
    let different: Vec<_> = seen
        .keys()
        .chain(unpacked.keys())
        .filter(|path| {
            let is_special = seen.get(*path).is_some_and(|(kind, _)| kind == "special");
            seen.get(*path) != unpacked.get(*path) && !is_special
        })
        .map(|path| String::from_utf8_lossy(path))
        .collect();
    assert_eq!(different, [""; 0]);
    assert!(seen.len() > 1_000);
}

#[test]
fn archives_that_skopeo_writes_are_read() {
    let Some(skopeo) = oracle("skopeo") else { return };
    let (_kept, root) = directory();
    let built = image([
        layer().file("a", "1").file("b", "1"),
        layer().whiteout("a"),
        layer().file("b", "2").storage(Storage::Plain),
    ]);
    built.write_layout(&root.join("layout"), Some("t"));
    let expect = in_tree(&read(&built, Everything, &Limits::STANDARD).unwrap());
    for kind in ["oci-archive", "docker-archive", "oci"] {
        let file = root.join(kind);
        run(Command::new(&skopeo).args([
            "copy",
            "--insecure-policy",
            &format!("oci:{root}/layout:t"),
            &format!("{kind}:{file}:acme/app:t"),
        ]));
        assert_eq!(in_tree(&super::archives::read(kind, &file)), expect, "{kind}");
    }
}

#[test]
fn gnu_tar_writes_what_we_see_in_every_format() {
    let Some(tar) = oracle("tar") else { return };
    let (_kept, root) = directory();
    let files = root.join("files");
    fs::create_dir_all(files.join("d/e")).unwrap();
    fs::write(files.join("d/e/f"), "content").unwrap();
    fs::write(files.join("ünï\ncode"), "x".repeat(1_025)).unwrap();
    std::os::unix::fs::symlink("../e/f", files.join("d/l")).unwrap();
    fs::set_permissions(files.join("d/e"), fs::Permissions::from_mode(0o1777)).unwrap();
    let holes = fs::File::create(files.join("holes")).unwrap();
    holes.set_len(3 << 20).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&holes, b"data", 1 << 20).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&holes, b"end", (3 << 20) - 3).unwrap();
    let archived = |arguments: &[&str]| {
        let output =
            run(Command::new(&tar).args(arguments).args(["-C", files.as_str(), "-cf", "-", "."]));
        layer()
            .stored_as(output.stdout.clone())
            .claim_diff_id(plimsoll_model::Digest::of(&output.stdout))
    };
    let short = on_disk(&files);
    for format in ["v7", "oldgnu", "gnu", "ustar", "pax"] {
        assert_eq!(
            in_tree(&tree([archived(&[&format!("--format={format}")])]).unwrap()),
            short,
            "{format}"
        );
    }
    let sparse = archived(&["--format=gnu", "--sparse"]);
    assert!(image([sparse.clone()]).layers[0].size < 1 << 20, "the file has holes");
    assert_eq!(in_tree(&tree([sparse]).unwrap()), short);
    let long = files.join("n".repeat(120)).join("m".repeat(180));
    fs::create_dir_all(&long).unwrap();
    fs::write(long.join("o".repeat(200)), "deep").unwrap();
    std::os::unix::fs::symlink("t".repeat(300), files.join("far")).unwrap();
    let long = on_disk(&files);
    for format in ["oldgnu", "gnu", "pax"] {
        assert_eq!(
            in_tree(&tree([archived(&[&format!("--format={format}")])]).unwrap()),
            long,
            "{format}"
        );
    }
    assert!(tree([archived(&["--format=gnu"])]).unwrap().entry(&path("far")).is_some());
}

/// The digest of a file, and nothing kept of it.
static SUM: Condenser =
    Condenser { id: "sum", also: None, begin: |_| Box::new(Sum(Digester::new())) };

struct Sum(Digester);

impl Condense for Sum {
    fn take(&mut self, piece: &[u8]) -> ControlFlow<()> {
        self.0.update(piece);
        ControlFlow::Continue(())
    }

    fn finish(self: Box<Self>) -> Option<Vec<u8>> {
        Some(self.0.finish().as_bytes().to_vec())
    }
}

struct Sums;

impl Interest for Sums {
    fn want(&self, _: &TreePath, _: u64, _: u32) -> Want {
        Want::Condensed(&SUM)
    }
}

/// What lies at a path: its kind, and the digest of its content or its target.
type Summed = BTreeMap<Vec<u8>, (&'static str, Vec<u8>)>;

fn summed_on_disk(root: &Utf8Path) -> Summed {
    let mut seen = Summed::new();
    let mut ahead = vec![root.as_std_path().to_owned()];
    while let Some(directory) = ahead.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let kind = fs::symlink_metadata(&path).unwrap().file_type();
            let value = if kind.is_symlink() {
                ("link", fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes())
            } else if kind.is_dir() {
                ahead.push(path.clone());
                ("directory", Vec::new())
            } else if kind.is_file() {
                let mut sum = Sum(Digester::new());
                let mut file = fs::File::open(&path).unwrap();
                let mut buffer = vec![0; 1 << 20];
                loop {
                    let count = file.read(&mut buffer).unwrap();
                    if count == 0 {
                        break;
                    }
                    sum.0.update(&buffer[..count]);
                }
                ("file", sum.0.finish().as_bytes().to_vec())
            } else {
                ("special", Vec::new())
            };
            let inside = path.strip_prefix(root).unwrap();
            seen.insert(inside.as_os_str().as_encoded_bytes().to_vec(), value);
        }
    }
    seen
}

fn summed_in_tree(tree: &LayeredTree) -> Summed {
    let entries = tree.entries().filter(|entry| !entry.path.as_bytes().is_empty());
    let value = |entry: &plimsoll_model::tree::Entry| match &entry.kind {
        EntryKind::Symlink(target) => ("link", target.clone()),
        EntryKind::Directory => ("directory", Vec::new()),
        EntryKind::File => {
            ("file", tree.condensed(&entry.path, &SUM).unwrap().unwrap().into_owned())
        }
        EntryKind::Device | EntryKind::Special => ("special", Vec::new()),
    };
    entries.map(|entry| (entry.path.as_bytes().to_vec(), value(&entry))).collect()
}

/// Compares an image that others made with what umoci unpacks of it.
#[track_caller]
fn is_as_umoci_unpacks(layout: &Utf8Path, root: &Utf8Path) {
    let source = Source::Layout(Layout::open(layout, &Limits::STANDARD).unwrap());
    let place = Place::OciLayout(layout.to_owned());
    let Source::Layout(opened) = &source else { unreachable!() };
    let digest = opened.resolve(&Selector::Tag("app".parse().unwrap())).unwrap().digest;
    let pinned = Pinned { place, digest };
    let tree = read_from(&source, &pinned, Arc::new(Sums), &Limits::STANDARD).unwrap();
    let (seen, expect) = (summed_in_tree(&tree), summed_on_disk(root));
    let differs = |path: &&Vec<u8>| seen.get(*path) != expect.get(*path);
    let first: Vec<_> = seen
        .keys()
        .chain(expect.keys())
        .filter(differs)
        .take(10)
        .map(|path| (String::from_utf8_lossy(path), seen.get(path), expect.get(path)))
        .collect();
    assert!(first.is_empty(), "found, expected: {first:?}");
    assert!(seen.len() > 5_000, "{}", seen.len());
}

/// Where `cargo xtask image` puts its images.
fn built_image(name: &str) -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/oracles").join(name)
}

#[test]
fn a_real_image_is_what_umoci_unpacks() {
    let layout = built_image("image").join("layout");
    if !layout.exists() {
        return missing("the test image (`cargo xtask image`)");
    }
    let Some(umoci) = oracle("umoci") else { return };
    let (_kept, bundle) = directory();
    run(Command::new(umoci).args(["unpack", "--image", &format!("{layout}:app"), bundle.as_str()]));
    is_as_umoci_unpacks(&layout, &bundle.join("rootfs"));
}

/// The large image is not among what tests need: it takes a quarter of an hour to build.
#[test]
fn a_large_image_is_what_umoci_unpacks() {
    let folder = built_image("fat");
    if !folder.join(".stamp").exists() {
        eprintln!("the large image is not built (`cargo xtask image fat`): nothing is compared");
        return;
    }
    is_as_umoci_unpacks(&folder.join("layout"), &folder.join("unpacked/rootfs"));
}
