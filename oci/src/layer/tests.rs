use super::{KeptBudget, LayerFlaw, Reading, Selection, read_layer};
use crate::{
    Error, TarFlaw,
    fixture::{Everything, Paths, Sum, image, listing, noise, path, read, tree},
    testing::image::{BuiltImage, LayerBuilder, Storage, pax_record},
};
use plimsoll_model::{
    Digest, Limits, TreePath,
    tree::{Condense, Condenser, Interest, Tree as _, TreeError, Want},
};
use std::{
    io::{self, Read},
    ops::ControlFlow,
    sync::atomic::AtomicBool,
};

fn layer() -> LayerBuilder {
    LayerBuilder::new()
}

fn refused(image: &BuiltImage, limits: &Limits) -> LayerFlaw {
    match read(image, Everything, limits) {
        Err(Error::Layer { source, layer }) => {
            assert_eq!(layer, image.layers.last().unwrap().digest);
            source
        }
        other => panic!("expected a refused layer, found {other:?}"),
    }
}

fn flaw(layer: LayerBuilder) -> LayerFlaw {
    refused(&image([layer]), &Limits::STANDARD)
}

fn tar_flaw(layer: LayerBuilder) -> TarFlaw {
    let found = flaw(layer);
    let LayerFlaw::Tar { source, .. } = found else {
        panic!("expected a malformed archive, found {found:?}")
    };
    source
}

#[test]
fn every_way_of_storing_gives_the_same_tree_whatever_the_media_type_says() {
    for storage in Storage::ALL {
        let stored = layer().file("a", "1").file("big", noise(300_000)).storage(storage);
        let tree = tree([stored]).unwrap();
        assert_eq!(tree.read(&path("a"), 1).as_deref(), Ok(b"1".as_slice()), "{storage:?}");
        assert_eq!(
            tree.read(&path("big"), u64::MAX).as_deref(),
            Ok(noise(300_000).as_slice()),
            "{storage:?}"
        );
        // The manifest says gzip.
        let disguised = layer().file("a", "1");
        let blob = storage.store(&disguised.tar());
        assert_eq!(
            listing(&self::tree([disguised.stored_as(blob)]).unwrap()),
            ["a=1"],
            "{storage:?}"
        );
    }
}

#[test]
fn gzip_members_and_zstd_frames_follow_each_other() {
    let files = layer().file("a", noise(5_000)).file("b", "2");
    let tar = files.tar();
    let (first, second) = tar.split_at(1_000);
    for (storage, between) in
        [(Storage::Gzip, [].as_slice()), (Storage::Zstd, b"\x5a\x2a\x4d\x18\x03\0\0\0abc")]
    {
        // The skippable frame stands at the front, in the middle and at the end, as in zstd:chunked.
        let blob =
            [between, &storage.store(first), between, &storage.store(second), between].concat();
        let tree = tree([files.clone().stored_as(blob)]).unwrap();
        assert_eq!(tree.read(&path("b"), 1).as_deref(), Ok(b"2".as_slice()), "{storage:?}");
    }
}

/// Gives one byte at a time.
struct Trickle<'a>(&'a [u8]);

impl Read for Trickle<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = into.len().min(1);
        self.0.read(&mut into[..count])
    }
}

#[test]
fn f5_a_layer_may_arrive_byte_by_byte() {
    for storage in Storage::ALL {
        let built = image([layer().file("a", "1").file("b", noise(2_000)).storage(storage)]);
        let stored = &built.layers[0];
        let of_layer = plimsoll_model::image::Layer {
            digest: stored.digest,
            size: stored.size,
            diff_id: Digest::of(&layer().file("a", "1").file("b", noise(2_000)).tar()),
            media_type: String::new(),
            created_by: None,
        };
        let (limits, kept) = (Limits::STANDARD, KeptBudget::new(10_000));
        let (progress, given_up) = (Sum::default(), AtomicBool::new(false));
        let reading =
            Reading { limits: &limits, kept: &kept, progress: &progress, given_up: &given_up };
        let blob = Trickle(&built.blobs[&stored.digest]);
        let files = read_layer(blob, &of_layer, &Selection::Interest(&Everything), &reading);
        assert_eq!(files.unwrap().len(), 2, "{storage:?}");
        assert_eq!(progress.0.into_inner(), stored.size);
    }
}

#[test]
fn zeros_may_follow_gzip_and_nothing_else() {
    let files = layer().file("a", "1");
    let with = |tail: &[u8]| [Storage::Gzip.store(&files.tar()), tail.to_vec()].concat();
    assert_eq!(listing(&tree([files.clone().stored_as(with(&[0; 600]))]).unwrap()), ["a=1"]);
    for tail in [b"garbage".as_slice(), b"\0\0\0x", &files.tar()] {
        assert!(matches!(flaw(files.clone().stored_as(with(tail))), LayerFlaw::TrailingBytes));
    }
    assert!(matches!(
        flaw(files.clone().stored_as(with(b"\x1f\x8bgarbage"))),
        LayerFlaw::Inflate(_)
    ));
    let frame = [Storage::Zstd.store(&files.tar()), b"garbage".to_vec()].concat();
    assert!(matches!(flaw(files.stored_as(frame)), LayerFlaw::Inflate(_)));
}

#[test]
fn an_empty_layer_is_one() {
    assert_eq!(listing(&tree([layer()]).unwrap()), [""; 0]);
    let nothing = layer().stored_as(Vec::new()).claim_diff_id(Digest::of(b""));
    assert_eq!(listing(&tree([nothing]).unwrap()), [""; 0]);
}

#[test]
fn f7_a_flipped_bit_is_a_wrong_digest_wherever_it_is() {
    for storage in Storage::ALL {
        let image =
            image([layer().file("a", noise(20_000)).file("etc/passwd", "root").storage(storage)]);
        let (digest, size) =
            (image.layers[0].digest, usize::try_from(image.layers[0].size).unwrap());
        assert!(read(&image, Everything, &Limits::STANDARD).is_ok());
        for at in [0, 1, 3, 9, 100, size / 3, size / 2, size - 9, size - 5, size - 1] {
            let forged = read(&image.clone().flip(&digest, at), Everything, &Limits::STANDARD);
            assert!(
                matches!(&forged, Err(Error::Digest { expected, .. }) if *expected == digest),
                "{storage:?} at {at}: {forged:?}"
            );
        }
    }
}

#[test]
fn f6_a_truncated_layer_is_a_wrong_size_wherever_it_ends() {
    for storage in Storage::ALL {
        let image = image([layer().file("a", noise(20_000)).storage(storage)]);
        let (digest, size) = (image.layers[0].digest, image.layers[0].size);
        for to in [0, 1, 10, 512, size / 2, size - 1] {
            let cut = image.clone().truncate(&digest, usize::try_from(to).unwrap());
            let result = read(&cut, Everything, &Limits::STANDARD);
            assert!(
                matches!(result, Err(Error::Size { expected, found: Some(found), .. }) if (expected, found) == (size, to)),
                "{storage:?} at {to}: {result:?}"
            );
        }
    }
}

#[test]
fn data_that_ends_early_is_refused_though_its_digest_is_right() {
    let files = layer().file("a", noise(20_000));
    for storage in [Storage::Gzip, Storage::Zstd] {
        let blob = storage.store(&files.tar());
        let cut = blob[..blob.len() / 2].to_vec();
        assert!(matches!(flaw(files.clone().stored_as(cut)), LayerFlaw::Inflate(_)), "{storage:?}");
    }
    let mut cut = files.tar();
    cut.truncate(10_000);
    assert_eq!(tar_flaw(files.stored_as(cut)), TarFlaw::Truncated);
}

#[test]
fn f9_a_layer_that_claims_ten_gigabytes_is_refused_before_it_is_read() {
    let image = image([layer().file("a", "1").claim_size(10 << 30)]);
    let result = read(&image, Everything, &Limits::STANDARD);
    assert!(
        matches!(result, Err(Error::Size { expected: 0x2_8000_0000, found: Some(_), .. })),
        "{result:?}"
    );
    // A file within the layer that claims as much.
    let mut header = tar::Header::new_gnu();
    header.set_size(10 << 30);
    header.as_old_mut().name[0] = b'a';
    header.set_cksum();
    assert_eq!(tar_flaw(layer().raw(header.as_bytes())), TarFlaw::Truncated);
}

#[test]
fn a_layer_larger_than_promised_is_refused() {
    let image = image([layer().file("a", "1").claim_size(20)]);
    let result = read(&image, Everything, &Limits::STANDARD);
    assert!(matches!(result, Err(Error::Size { expected: 20, found: Some(_), .. })), "{result:?}");
}

#[test]
fn d5_a_bomb_stops_at_its_limit() {
    let bomb = layer().file("zeros", vec![0; 80 << 20]);
    let image = image([bomb.clone()]);
    let allowed = image.layers[0].size * 1_000;
    assert!(
        matches!(refused(&image, &Limits::STANDARD), LayerFlaw::TooLarge { limit } if limit == allowed)
    );
    let strict = Limits { layer_ratio: 10, ..Limits::STANDARD };
    assert!(matches!(refused(&image, &strict), LayerFlaw::TooLarge { limit: 0x400_0000 }));
    let low = Limits { layer_inflated: 1 << 20, ..Limits::STANDARD };
    assert!(matches!(refused(&image, &low), LayerFlaw::TooLarge { limit: 0x10_0000 }));
    let frame = self::image([bomb.storage(Storage::Zstd)]);
    assert!(matches!(
        refused(&frame, &Limits::STANDARD),
        LayerFlaw::TooLarge { limit: 0x400_0000 }
    ));
}

#[test]
fn d6_a_wrong_diff_id_is_refused() {
    let files = layer().file("a", "1");
    let promised = Digest::of(b"other");
    let lying = flaw(files.clone().claim_diff_id(promised));
    let LayerFlaw::DiffId { expected, found } = lying else { panic!("{lying:?}") };
    assert_eq!((expected, found), (promised, Digest::of(&files.tar())));
    // What follows the end of the archive counts too.
    let longer = [files.tar(), b"hidden".to_vec()].concat();
    let stored = files.clone().stored_as(Storage::Gzip.store(&longer));
    assert!(matches!(flaw(stored.clone()), LayerFlaw::DiffId { .. }));
    assert_eq!(listing(&tree([stored.claim_diff_id(Digest::of(&longer))]).unwrap()), ["a=1"]);
}

#[test]
fn a_missing_layer_is_named() {
    let image = image([layer().file("a", "1"), layer().file("b", "2")]);
    let missing = image.layers[1].digest;
    let result = read(&image.without(&missing), Everything, &Limits::STANDARD);
    assert!(
        matches!(result, Err(Error::MissingBlob { digest, .. }) if digest == missing),
        "{result:?}"
    );
}

#[test]
fn d1_names_that_leave_the_image_are_refused_and_absolute_ones_are_taken_as_relative() {
    assert_eq!(listing(&tree([layer().file("/etc/x", "1")]).unwrap()), ["etc/", "etc/x=1"]);
    for name in ["../x", "a/../../x", "..", "/..", "a/..", "a/.wh...", "a/.wh..", "a/.wh."] {
        let found = flaw(layer().file("ok", "1").file(name, "1"));
        assert!(matches!(&found, LayerFlaw::Path { path } if path == name), "{name}: {found:?}");
    }
    assert!(matches!(flaw(layer().file(".", "1")), LayerFlaw::Path { .. }));
    assert!(matches!(flaw(layer().hardlink("a", "../x")), LayerFlaw::Path { .. }));
    assert_eq!(tar_flaw(layer().pax(&[("path", "a\0b")]).file("a", "1")), TarFlaw::Pax);
}

fn limits(change: fn(&mut Limits)) -> Limits {
    let mut limits = Limits::STANDARD;
    change(&mut limits);
    limits
}

#[test]
fn dimensions_are_limited() {
    let many = image([layer().file("a", "1").file("b", "2").file("c", "3")]);
    assert!(matches!(
        refused(&many, &limits(|limits| limits.layer_entries = 2)),
        LayerFlaw::TooManyEntries { limit: 2 }
    ));
    assert!(read(&many, Everything, &limits(|limits| limits.layer_entries = 3)).is_ok());
}

#[test]
fn sizes_are_limited() {
    let many = image([layer().file("a", "1").file("b", "2").file("c", "3")]);
    let long = image([layer().pax(&[("path", &"a/".repeat(50))]).file("x", "1")]);
    assert!(matches!(
        refused(&long, &limits(|limits| limits.path = 80)),
        LayerFlaw::PathTooLong { limit: 80, .. }
    ));
    let kept = read(&many, Everything, &limits(|limits| limits.kept = 2));
    assert!(matches!(kept, Err(Error::KeptTooLarge { limit: 2 })), "{kept:?}");
    let content = image([layer().file("a", vec![0; 100_000])]);
    let kept = read(&content, Everything, &limits(|limits| limits.kept = 90_000));
    assert!(matches!(kept, Err(Error::KeptTooLarge { limit: 90_000 })), "{kept:?}");
    assert!(read(&content, Everything, &limits(|limits| limits.kept = 110_000)).is_ok());
    let long_link = "a".repeat(5_000);
    assert!(matches!(
        tar_flaw(layer().symlink("a", &long_link)),
        TarFlaw::MetadataTooLarge { size: 5_001, limit: 4_097 }
    ));
    let layers = read(&image([layer(), layer()]), Everything, &limits(|limits| limits.layers = 1));
    assert!(matches!(layers, Err(Error::TooMany { .. })), "{layers:?}");
    let stored = read(&many, Everything, &limits(|limits| limits.layer_compressed = 10));
    assert!(matches!(stored, Err(Error::TooLarge { limit: 10, .. })), "{stored:?}");
}

#[test]
fn d15_short_entries_that_imply_long_paths_are_limited() {
    let deep = "a/".repeat(2_000);
    let names = (0..40).fold(layer(), |layer, number| layer.file(&format!("{number}/{deep}x"), ""));
    let limits = Limits { kept: 16 << 20, ..Limits::STANDARD };
    let built = image([names]);
    assert!(built.layers[0].size < 4_000);
    let result = read(&built, Everything, &limits);
    assert!(matches!(result, Err(Error::KeptTooLarge { limit: 0x100_0000 })), "{result:?}");
}

#[test]
fn d3_pax_records_are_taken_by_their_length() {
    // By lines, the second line of the attribute would be a record of its own and rename the file.
    let attribute = format!("x\n{}", pax_record("path", "elsewhere"));
    check_pax(&[("SCHILY.xattr.user.a", attribute.trim_end())], &["name=12"]);
    check_pax(&[("SCHILY.xattr.user.a", "x\ny"), ("path", "real")], &["real=12"]);
    check_pax(&[("path", "first"), ("path", "last")], &["last=12"]);
    check_pax(&[("path", "other"), ("path", "")], &["name=12"]);
    check_pax(&[("uid", "70000"), ("mtime", "1.5"), ("comment", "=")], &["name=12"]);
    for broken in [
        "",
        "5 a=b\n",
        "x a=b\n",
        "6 a=bc\n",
        "6 =abc\n",
        "99999999999999999999 a=b\n",
        "8 a=bc\nx",
    ] {
        let record = layer().raw(&pax_header(broken)).file("name", "12");
        let found = read(&image([record]), Everything, &Limits::STANDARD);
        match broken {
            "" => assert!(found.is_ok()),
            _ => assert!(
                matches!(
                    &found,
                    Err(Error::Layer { source: LayerFlaw::Tar { source: TarFlaw::Pax, .. }, .. })
                ),
                "{broken:?}: {found:?}"
            ),
        }
    }
}

#[track_caller]
fn check_pax(records: &[(&str, &str)], expect: &[&str]) {
    let built = layer().pax(records).file("name", "12").file("z", "3");
    let expect: Vec<_> = expect.iter().copied().chain(["z=3"]).collect();
    assert_eq!(listing(&tree([built]).unwrap()), expect);
}

fn pax_header(records: &str) -> Vec<u8> {
    let built = layer().entry(b'x', "PaxHeaders/0", "", records.as_bytes()).tar();
    built[..built.len() - 1024].to_vec()
}

#[test]
fn d3_the_size_in_pax_records_is_the_size() {
    // CVE-2025-62518: whoever took the header's 0 read the file's content as entries.
    let hidden = layer().file("hidden", "evil").tar();
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    header.set_mode(0o644);
    header.as_old_mut().name[0] = b'a';
    header.set_cksum();
    let built = layer()
        .pax(&[("size", &hidden.len().to_string())])
        .raw(header.as_bytes())
        .raw(&hidden)
        .file("after", "1");
    let tree = tree([built]).unwrap();
    assert_eq!(tree.read(&path("a"), u64::MAX).as_deref(), Ok(hidden.as_slice()));
    assert_eq!(tree.entries().count(), 3);
}

#[test]
fn d3_what_readers_disagree_about_is_refused() {
    for kind in *b"123456" {
        let sized = layer().entry(kind, "x", "y", &[0; 512]);
        assert_eq!(tar_flaw(sized), TarFlaw::SizeWithoutContent(512), "{}", char::from(kind));
    }
    assert_eq!(
        tar_flaw(layer().file("a", "1").raw(&[0; 512]).file("b", "2")),
        TarFlaw::LoneZeroBlock
    );
    assert_eq!(
        tar_flaw(layer().pax(&[("path", "a")]).pax(&[("path", "b")]).file("x", "")),
        TarFlaw::StrayMetadata
    );
    assert_eq!(tar_flaw(layer().file("x", "").pax(&[("path", "a")])), TarFlaw::StrayMetadata);
    let global =
        || layer().entry(b'g', "pax_global_header", "", pax_record("path", "no").as_bytes());
    assert_eq!(listing(&tree([global().file("x", "1")]).unwrap()), ["x=1"]);
    let between = layer().pax(&[("path", "a")]).entry(b'g', "g", "", b"").file("x", "1");
    assert_eq!(tar_flaw(between), TarFlaw::StrayMetadata);
    for kind in *b"89AMNVZ" {
        let unknown = layer().entry(kind, "x", "", b"");
        assert_eq!(tar_flaw(unknown), TarFlaw::Type(kind));
    }
    let sparse = layer().pax(&[("GNU.sparse.major", "1"), ("GNU.sparse.name", "x")]).file("y", "1");
    assert_eq!(tar_flaw(sparse), TarFlaw::PaxSparse);
}

#[test]
fn headers_are_checked() {
    let built = |change: fn(&mut tar::Header)| {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(0);
        header.as_old_mut().name[0] = b'a';
        change(&mut header);
        layer().raw(header.as_bytes())
    };
    assert!(tree([built(tar::Header::set_cksum)]).is_ok());
    assert_eq!(
        tar_flaw(built(|header| header.as_old_mut().cksum = *b"000000\0 ")),
        TarFlaw::Checksum
    );
    let size = |field: [u8; 12]| {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.as_old_mut().name[0] = b'a';
        header.as_old_mut().size = field;
        header.set_cksum();
        layer().raw(header.as_bytes()).raw(b"x").raw(&[0; 511])
    };
    for one in
        [*b"00000000001\0", *b"          1 ", *b"1\0junk      ", *b"\x80\0\0\0\0\0\0\0\0\0\0\x01"]
    {
        let tree = tree([size(one)]).unwrap();
        assert_eq!(tree.read(&path("a"), 1).as_deref(), Ok(b"x".as_slice()), "{one:?}");
    }
    for bad in [
        *b"+0000000001\0",
        *b"00000000009\0",
        *b"1 2         ",
        *b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        *b"\x80\x01\0\0\0\0\0\0\0\0\0\x01",
    ] {
        assert_eq!(tar_flaw(size(bad)), TarFlaw::Number("size"), "{bad:?}");
    }
    let overflow = size(*b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff");
    assert_eq!(tar_flaw(overflow), TarFlaw::Number("size"));
}

#[test]
fn sparse_files_of_gnus_old_format_have_their_holes() {
    let sparse = |real: &[u8; 12], pairs: &[(&[u8; 12], &[u8; 12])]| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::GNUSparse);
        header.set_mode(0o644);
        header.set_size(4);
        let fields = header.as_gnu_mut().unwrap();
        fields.name[0] = b's';
        fields.realsize = *real;
        for (sparse, (offset, length)) in fields.sparse.iter_mut().zip(pairs) {
            (sparse.offset, sparse.numbytes) = (**offset, **length);
        }
        header.set_cksum();
        layer().raw(header.as_bytes()).raw(b"dataXXXX").raw(&[0; 504]).file("z", "1")
    };
    let tree = tree([sparse(
        b"00000000012\0",
        &[(b"00000000003\0", b"00000000001\0"), (b"00000000005\0", b"00000000003\0")],
    )])
    .unwrap();
    assert_eq!(tree.read(&path("s"), 10).as_deref(), Ok(b"\0\0\0d\0ata\0\0".as_slice()));
    assert_eq!(tree.read(&path("z"), 10).as_deref(), Ok(b"1".as_slice()));
    // A terabyte of holes is read by nobody.
    let huge = || sparse(b"\x80\0\0\0\0\0\x01\0\0\0\0\0", &[(b"00000000000\0", b"00000000004\0")]);
    let tree = read(&image([huge()]), Everything, &Limits::STANDARD).unwrap();
    assert_eq!(tree.read(&path("s"), 10), Err(TreeError::TooLarge { size: 1 << 40, limit: 10 }));
    assert_eq!(tree.read(&path("s"), u64::MAX), Err(TreeError::NotKept));
    // Nor is it condensed, which has no limit: what is in it is not told.
    let tree = read(&image([huge()]), Paths(&["s"], GO), &Limits::STANDARD).unwrap();
    assert_eq!(tree.condensed(&path("s"), &LENGTH), Err(TreeError::NotKept));
    for pairs in [
        [(b"00000000000\0", b"00000000003\0"); 1].as_slice(),
        &[(b"00000000000\0", b"00000000005\0")],
        &[(b"00000000002\0", b"00000000002\0"), (b"00000000001\0", b"00000000002\0")],
        &[(b"00000000011\0", b"00000000004\0")],
    ] {
        assert_eq!(tar_flaw(sparse(b"00000000012\0", pairs)), TarFlaw::SparseMap, "{pairs:?}");
    }
}

/// Makes of a program its length, and nothing of what is none.
static LENGTH: Condenser =
    Condenser { id: "length", also: None, begin: |_| Box::new(Length { first: None, count: 0 }) };

struct Length {
    first: Option<u8>,
    count: usize,
}

impl Condense for Length {
    fn take(&mut self, piece: &[u8]) -> ControlFlow<()> {
        self.first = self.first.or(piece.first().copied());
        self.count += piece.len();
        if self.first == Some(0x7f) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    fn finish(self: Box<Self>) -> Option<Vec<u8>> {
        (self.first == Some(0x7f)).then(|| self.count.to_string().into_bytes())
    }
}

const GO: Want = Want::Condensed(&LENGTH);

#[test]
fn only_what_is_wanted_is_kept() {
    let built = image([layer()
        .file("status", "deb")
        .file("other", "x")
        .file("go", "\x7fELF...Go buildinf...")
        .file("c", "\x7fELF...")
        .file("script", "#!Go buildinf")
        .file("short", "\x7fE")]);
    let paths = Paths(&["status"], Want::Content);
    let tree = read(&built, paths, &Limits::STANDARD).unwrap();
    assert_eq!(tree.read(&path("status"), 9).as_deref(), Ok(b"deb".as_slice()));
    assert_eq!(tree.read(&path("other"), 9), Err(TreeError::NotKept));
    assert_eq!(tree.entries().count(), 7);
    let binaries = Paths(&["go", "c", "script", "short", "status"], GO);
    let tree = read(&built, binaries, &Limits::STANDARD).unwrap();
    assert_eq!(tree.read(&path("go"), 99), Err(TreeError::NotKept));
    let length = |name| tree.condensed(&path(name), &LENGTH);
    assert_eq!(length("go").unwrap().as_deref(), Some(b"21".as_slice()));
    assert_eq!(length("short").unwrap().as_deref(), Some(b"2".as_slice()));
    for name in ["script", "status"] {
        assert_eq!(length(name), Ok(None), "{name}");
    }
    assert_eq!(length("other"), Err(TreeError::NotKept));
    let whole = self::tree([layer().file("go", "\x7fELF").directory("d")]).unwrap();
    let made = whole.condensed(&path("go"), &LENGTH).unwrap();
    assert_eq!(made.as_deref(), Some(b"4".as_slice()), "of what is there as a whole too");
    assert_eq!(whole.condensed(&path("d"), &LENGTH), Err(TreeError::NotAFile));
    let small = Limits { file: 20, ..Limits::STANDARD };
    let tree = read(&built, Paths(&["go", "status"], Want::Content), &small).unwrap();
    assert_eq!(tree.read(&path("go"), 20), Err(TreeError::TooLarge { size: 21, limit: 20 }));
    assert_eq!(tree.read(&path("status"), 20).as_deref(), Ok(b"deb".as_slice()));
}

/// Wants one file for its content, and all others for being made by Go.
struct Both;
impl Interest for Both {
    fn want(&self, path: &TreePath, _: u64, _: u32) -> Want {
        if path.as_bytes() == b"conf" { Want::Content } else { GO }
    }
}

#[test]
fn d4_content_is_had_under_every_name_that_is_wanted() {
    let status = &["var/lib/dpkg/status"];
    let hidden = layer().file("hidden", "deb").file("hidden", "deb2").file("later", "3");
    for upper in [
        layer().hardlink("var/lib/dpkg/status", "hidden"),
        layer().symlink("var/lib/dpkg/status", "/hidden"),
        layer()
            .hardlink("var/lib/dpkg/status", "hidden")
            .whiteout("hidden")
            .file("hidden", "decoy"),
    ] {
        let tree =
            read(&image([hidden.clone(), upper]), Paths(status, Want::Content), &Limits::STANDARD)
                .unwrap();
        assert_eq!(
            tree.read(&path(status[0]), 9).as_deref(),
            Ok(b"deb2".as_slice()),
            "{:?}",
            listing(&tree)
        );
        assert_eq!(tree.read(&path("later"), 9), Err(TreeError::NotKept));
    }
    // A name that lands elsewhere than it is spelled.
    let moved = layer().symlink("lib", "var/lib").file("lib/dpkg/status", "deb3");
    let tree = read(&image([moved]), Paths(status, Want::Content), &Limits::STANDARD).unwrap();
    assert_eq!(tree.read(&path("lib/dpkg/status"), 9).as_deref(), Ok(b"deb3".as_slice()));
    // Asked for in vain under one name, and for another reason under the other.
    let both = image([layer().file("bin", "#!script").hardlink("conf", "bin")]);
    let tree = read(&both, Both, &Limits::STANDARD).unwrap();
    assert_eq!(tree.read(&path("conf"), 9).as_deref(), Ok(b"#!script".as_slice()));
}
