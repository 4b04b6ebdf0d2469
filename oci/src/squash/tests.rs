use crate::{
    Error,
    fixture::{listing, path, tree},
    layer::LayerFlaw,
    testing::image::{Access, LayerBuilder},
};
use plimsoll_model::tree::{Entry, EntryKind, LayerIndex, Tree as _, TreeError};

fn layer() -> LayerBuilder {
    LayerBuilder::new()
}

#[track_caller]
fn check(layers: impl IntoIterator<Item = LayerBuilder>, expect: &[&str]) {
    assert_eq!(listing(&tree(layers).unwrap()), expect);
}

#[track_caller]
fn refused(layers: impl IntoIterator<Item = LayerBuilder>) -> LayerFlaw {
    match tree(layers) {
        Err(Error::Layer { source, .. }) => source,
        other => panic!("expected a refused layer, found {other:?}"),
    }
}

#[test]
fn upper_layers_add_and_replace() {
    check(
        [
            layer().directory("etc").file("etc/a", "1").file("etc/b", "1"),
            layer().file("etc/b", "2").file("c", "2"),
        ],
        &["c=2", "etc/", "etc/a=1", "etc/b=2"],
    );
    check([], &[]);
}

#[test]
fn order_is_that_of_the_paths_and_what_is_below_a_directory_is_told_by_the_slash() {
    let base = layer().file("a-b", "1").file("a/x", "2").file("a.b", "3").file("a0", "4");
    check([base.clone()], &["a/", "a-b=1", "a.b=3", "a/x=2", "a0=4"]);
    check([base, layer().whiteout("a")], &["a-b=1", "a.b=3", "a0=4"]);
}

#[test]
fn a_whiteout_removes_from_below_with_everything_in_it() {
    check([layer().file("a/b/c", "1").file("a/d", "1"), layer().whiteout("a/b")], &["a/", "a/d=1"]);
    check([layer().file("a", "1"), layer().whiteout("a"), layer().file("a", "3")], &["a=3"]);
    check([layer().file("a", "1"), layer().whiteout("b").whiteout("x/y")], &["a=1"]);
}

#[test]
fn a_file_and_its_whiteout_in_one_layer_leave_the_file_whatever_their_order() {
    check([layer().file("a", "1"), layer().file("a", "2").whiteout("a")], &["a=2"]);
    check([layer().file("a", "1"), layer().whiteout("a").file("a", "2")], &["a=2"]);
    check(
        [layer().file("d/old", "1"), layer().file("d/new", "2").whiteout("d")],
        &["d/", "d/new=2"],
    );
}

#[test]
fn an_opaque_directory_hides_what_is_below_and_not_its_own() {
    let base = || layer().file("d/a", "1").file("d/s/b", "1").file("e", "1");
    check(
        [base(), layer().directory("d").file("d/new", "2").opaque("d")],
        &["d/", "d/new=2", "e=1"],
    );
    check([base(), layer().opaque("d").file("d/new", "2")], &["d/", "d/new=2", "e=1"]);
    check([base(), layer().opaque("d"), layer().file("d/a", "3")], &["d/", "d/a=3", "e=1"]);
    check([base(), layer().file("f", "2").raw(b"").entry(b'0', ".wh..wh..opq", "", b"")], &["f=2"]);
}

#[test]
fn a_name_that_only_begins_like_the_opaque_marker_is_a_whiteout_of_another_name() {
    // stereoscope#696: this erased all of /etc.
    let marker = layer().file("etc/.wh..wh..opqX", "");
    check([layer().file("etc/passwd", "1"), marker], &["etc/", "etc/passwd=1"]);
    check(
        [
            layer().file("etc/.wh..opqX", "1").file("etc/passwd", "1"),
            layer().file("etc/.wh..wh..opqX", ""),
        ],
        &["etc/", "etc/passwd=1"],
    );
}

#[test]
fn markers_in_the_lowest_layer_vanish() {
    check(
        [layer().file("a", "1").whiteout("b").opaque("d").file("d/x", "1")],
        &["a=1", "d/", "d/x=1"],
    );
}

#[test]
fn an_opaque_marker_masks_a_link_and_does_not_empty_what_it_leads_to() {
    // stereoscope#694.
    let base = || layer().file("target/keep", "1").symlink("link", "/target");
    let expect = &["link/", "link/new=2", "target/", "target/keep=1"];
    check([base(), layer().directory("link").opaque("link").file("link/new", "2")], expect);
    check([base(), layer().opaque("link").file("link/new", "2")], expect);
}

#[test]
fn what_a_runtime_does_not_unpack_is_not_there() {
    check(
        [layer()
            .file("a", "1")
            .file("stargz.index.json", "{}")
            .file(".prefetch.landmark", "\x0f")
            .file(".no.prefetch.landmark", "\x0f")
            .file(".wh..wh.plnk/1.2", "x")
            .file("d/stargz.index.json", "mine")],
        &["a=1", "d/", "d/stargz.index.json=mine"],
    );
}

#[test]
fn kinds_replace_each_other() {
    let file = || layer().file("x", "1");
    let directory = || layer().directory("x").file("x/in", "1");
    let link = || layer().file("t/in", "t").symlink("x", "t");
    check([directory(), file()], &["x=1"]);
    check([file(), directory()], &["x/", "x/in=1"]);
    check([link(), directory()], &["t/", "t/in=t", "x/", "x/in=1"]);
    check([directory(), link()], &["t/", "t/in=t", "x->t"]);
    check([file(), link()], &["t/", "t/in=t", "x->t"]);
    check([link(), file()], &["t/", "t/in=t", "x=1"]);
    // A file in the place of a parent, without an entry for the directory.
    check([file(), layer().file("x/in", "2")], &["x/", "x/in=2"]);
    check([directory(), layer().entry(b'6', "x", "", b"")], &["x!"]);
}

#[test]
fn of_two_entries_with_one_name_the_last_counts() {
    check([layer().file("a", "1").file("./a", "2").file("/a", "3")], &["a=3"]);
    check([layer().file("a/b", "1").file("a", "2")], &["a=2"]);
    check([layer().file("a", "1").file("a/b", "2")], &["a/", "a/b=2"]);
}

#[test]
fn a_directory_again_keeps_what_is_in_it_and_changes_its_mode() {
    let tree = tree([
        layer().file("d/a", "1"),
        layer().directory_with("d", Access { mode: 0o1777, uid: 5, gid: 6 }),
    ])
    .unwrap();
    assert_eq!(listing(&tree), ["d/", "d/a=1"]);
    let Entry { mode, uid, gid, layer, .. } = tree.entry(&path("d")).unwrap().clone();
    assert_eq!((mode, uid, gid, layer), (0o1777, 5, 6, LayerIndex(1)));
}

#[test]
fn a_hard_link_keeps_the_content_it_was_made_with() {
    // stereoscope#670: the other name is replaced, then removed.
    let base =
        || layer().file_with("a", "1", Access { mode: 0o4755, uid: 7, gid: 8 }).hardlink("b", "a");
    check([base(), layer().file("a", "2")], &["a=2", "b=1"]);
    check([base(), layer().whiteout("a")], &["b=1"]);
    let linked = tree([base()]).unwrap();
    let Entry { mode, uid, gid, size, kind, .. } = linked.entry(&path("b")).unwrap().clone();
    assert_eq!((mode, uid, gid, size, kind), (0o4755, 7, 8, 1, EntryKind::File));
}

#[test]
fn a_hard_link_leads_to_lower_layers_too() {
    check([layer().file("a", "1"), layer().hardlink("b", "a")], &["a=1", "b=1"]);
    // The layer that links to a file also removes it: a rename.
    check([layer().file("a", "1"), layer().hardlink("b", "a").whiteout("a")], &["b=1"]);
    check(
        [layer().file("usr/bin/a", "1").symlink("bin", "usr/bin"), layer().hardlink("b", "/bin/a")],
        &["b=1", "bin->usr/bin", "usr/", "usr/bin/", "usr/bin/a=1"],
    );
    check([layer().symlink("l", "x"), layer().hardlink("m", "l")], &["l->x", "m->x"]);
}

#[test]
fn d2_a_hard_link_to_nothing_is_refused() {
    for (link, target) in [("b", "a"), ("b", "b"), ("d", "dir"), ("b", "../../etc/passwd")] {
        let flaw = refused([layer().directory("dir"), layer().hardlink(link, target)]);
        assert!(matches!(flaw, LayerFlaw::HardLink { .. } | LayerFlaw::Path { .. }), "{flaw:?}");
    }
    // Nothing that comes later is linked to.
    let flaw = refused([layer().hardlink("b", "a").file("a", "1")]);
    assert!(matches!(flaw, LayerFlaw::HardLink { path, target } if path == "b" && target == "a"));
}

#[test]
fn writes_go_through_links_of_lower_layers() {
    let usrmerge =
        || layer().directory("usr/bin").symlink("bin", "usr/bin").file("usr/bin/sh", "1");
    check(
        [usrmerge(), layer().file("bin/new", "2")],
        &["bin->usr/bin", "usr/", "usr/bin/", "usr/bin/new=2", "usr/bin/sh=1"],
    );
    check(
        [usrmerge(), layer().file("bin/sh", "2")],
        &["bin->usr/bin", "usr/", "usr/bin/", "usr/bin/sh=2"],
    );
    check([usrmerge(), layer().whiteout("bin/sh")], &["bin->usr/bin", "usr/", "usr/bin/"]);
    // Within one layer as well, to what is not there yet, and never out of the root.
    check(
        [layer().symlink("l", "/not/there").file("l/x", "1")],
        &["l->/not/there", "not/", "not/there/", "not/there/x=1"],
    );
    check([layer().symlink("l", "../../..").file("l/x", "1")], &["l->../../..", "x=1"]);
    // A whiteout removes the link, not what it leads to.
    check([usrmerge(), layer().whiteout("bin")], &["usr/", "usr/bin/", "usr/bin/sh=1"]);
}

#[test]
fn entries_below_links_that_never_end_are_refused() {
    let flaw = refused([layer().symlink("a", "b").symlink("b", "a"), layer().file("a/x", "1")]);
    assert!(matches!(flaw, LayerFlaw::Links { path } if path == "a/x"));
}

#[test]
fn long_walks_through_links_end() {
    let long = "x/../".repeat(500);
    let links = layer()
        .file("real", "1")
        .symlink("a", &format!("{long}b"))
        .symlink("b", &format!("{long}real"));
    let tree = tree([links]).unwrap();
    assert_eq!(tree.read(&path("b"), 9).as_deref(), Ok(b"1".as_slice()));
    assert_eq!(tree.read(&path("a"), 9), Err(TreeError::TooManyLinks));
}

#[test]
fn links_are_followed_within_the_root_and_not_for_ever() {
    let tree = tree([layer()
        .file("etc/real", "1")
        .symlink("etc/abs", "/etc/real")
        .symlink("etc/rel", "../etc/./abs")
        .symlink("out", "../../../../etc/real")
        .symlink("dir", "etc")
        .symlink("dangling", "nowhere")
        .symlink("self", "self")
        .symlink("one", "two")
        .symlink("two", "one")
        .symlink("root", "/")])
    .unwrap();
    for name in ["etc/abs", "etc/rel", "out", "dir/rel", "root/root/root/dir/real"] {
        assert_eq!(tree.read(&path(name), 10).as_deref(), Ok(b"1".as_slice()), "{name}");
        assert_eq!(tree.resolve(&path(name)).unwrap().path, path("etc/real"), "{name}");
    }
    assert_eq!(tree.resolve(&path("dangling")), Err(TreeError::Absent));
    assert_eq!(tree.resolve(&path("self")), Err(TreeError::TooManyLinks));
    assert_eq!(tree.resolve(&path("one/x")), Err(TreeError::TooManyLinks));
    assert_eq!(tree.read(&path("etc"), 10), Err(TreeError::NotAFile));
    assert_eq!(tree.read(&path("etc/real"), 0), Err(TreeError::TooLarge { size: 1, limit: 0 }));
    assert_eq!(
        tree.entry(&path("etc/abs")).unwrap().kind,
        EntryKind::Symlink(b"/etc/real".to_vec())
    );
    assert_eq!(tree.resolve(&path("root")).unwrap().path, path(""));
}

#[test]
fn entries_keep_who_owns_them_and_the_layer_they_came_with() {
    let tree = tree([
        layer()
            .file_with("a", "1", Access { mode: 0o6755, uid: 1000, gid: 2_000_000 })
            .created_by("base"),
        layer().file("b", "22").created_by("RUN b"),
    ])
    .unwrap();
    let Entry { mode, uid, gid, size, layer, .. } = tree.entry(&path("a")).unwrap().clone();
    assert_eq!((mode, uid, gid, size, layer), (0o6755, 1000, 2_000_000, 1, LayerIndex(0)));
    assert_eq!(tree.entry(&path("b")).unwrap().layer, LayerIndex(1));
    let commands: Vec<_> =
        tree.layers().iter().filter_map(|layer| layer.created_by.as_deref()).collect();
    assert_eq!(commands, ["base", "RUN b"]);
}

#[test]
fn d15_names_of_any_bytes_are_kept() {
    let long = format!("{}/{}", "d".repeat(200), "f".repeat(250));
    let tree = tree([layer()
        .file("new\nline", "1")
        .file(&long, "2")
        .pax(&[("path", "ünïcode")])
        .file("x", "3")])
    .unwrap();
    assert_eq!(tree.read(&path("new\nline"), 9).as_deref(), Ok(b"1".as_slice()));
    assert_eq!(tree.read(&path(&long), 9).as_deref(), Ok(b"2".as_slice()));
    assert_eq!(tree.read(&path("ünïcode"), 9).as_deref(), Ok(b"3".as_slice()));
}

#[test]
fn a_link_that_a_layer_adds_leads_what_comes_after_it() {
    let base = || layer().directory("real").file("etc/sub/x", "1").symlink("l", "real/new/..");
    check(
        [base(), layer().symlink("l/new", "/etc/sub").file("l/passwd", "2")],
        &[
            "etc/",
            "etc/passwd=2",
            "etc/sub/",
            "etc/sub/x=1",
            "l->real/new/..",
            "real/",
            "real/new->/etc/sub",
        ],
    );
}

#[test]
fn capabilities_set_id_bits_and_devices_are_told_whoever_gave_them() {
    let held = [("SCHILY.xattr.security.capability", "\u{1}\u{0}\u{0}\u{2}caps")];
    let tree = tree([
        layer()
            .pax(&held)
            .file("usr/bin/ping", "1")
            .file("usr/bin/plain", "1")
            .pax(&[held[0], ("SCHILY.xattr.security.capability", "")])
            .file("usr/bin/none", "1")
            .entry(b'3', "dev/null", "", b"")
            .entry(b'4', "x/sda", "", b"")
            .entry(b'6', "x/pipe", "", b""),
        // A link gives its own mode and attributes to what it links to.
        layer()
            .hardlink("a/ping", "usr/bin/ping")
            .with_link("a/root", "usr/bin/plain", Access::root(0o4755))
            .pax(&[("SCHILY.xattr.security.capability", &"x".repeat(100))])
            .hardlink("a/long", "usr/bin/none"),
    ])
    .unwrap();
    let entry = |at: &str| tree.entry(&path(at)).unwrap();
    for at in ["usr/bin/ping", "a/ping"] {
        assert_eq!(&*entry(at).capabilities, b"\x01\0\0\x02caps", "{at}");
    }
    assert_eq!(&*entry("usr/bin/plain").capabilities, b"");
    for at in ["usr/bin/none", "a/long"] {
        assert_eq!(&*entry(at).capabilities, [b'x'; 32], "{at}");
    }
    assert_eq!((entry("a/root").mode, entry("usr/bin/plain").mode), (0o4644, 0o644));
    for at in ["dev/null", "x/sda"] {
        assert_eq!(entry(at).kind, EntryKind::Device, "{at}");
    }
    assert_eq!(entry("x/pipe").kind, EntryKind::Special);
}
