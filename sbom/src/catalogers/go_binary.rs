//! Go modules, from what the Go linker writes into every executable.
//!
//! Format: <https://pkg.go.dev/debug/buildinfo>; since Go 1.18 the texts follow the header, before they were pointed at.

use super::{Cataloger, Context, Draft, Files, Found};
use memchr::memmem;
use object::{Object as _, ObjectSegment as _};
use plimsoll_model::{
    TreePath,
    component::ComponentId,
    inventory::Coverage,
    tree::{Condense, Condenser, Entry, Want},
};
use std::ops::ControlFlow;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "go-binary",
    description: "Go modules in the build information of ELF executables",
    files: &[Files::Any],
    earlier: &[],
    want,
    edges: Coverage::Incomplete,
    catalog,
};

const MAGIC: &[u8] = b"\xff Go buildinf:";

/// The header is aligned to this, in memory and in the file.
const ALIGN: usize = 16;

/// Length of the header; the texts follow it.
const HEADER: usize = 32;

fn want(path: &TreePath, size: u64, _: u32) -> Want {
    // Of a program that is called an archive is said that it is one where archives are read.
    let is_elsewhere = crate::jar::is_archive(path.file_name());
    if size < 64 || is_elsewhere { Want::Nothing } else { Want::Condensed(&PROGRAM) }
}

/// Go programs as a whole.
pub(crate) static PROGRAM: Condenser =
    Condenser { id: "go-program", begin: |_| Box::new(Program { bytes: Vec::new() }) };

struct Program {
    bytes: Vec<u8>,
}

impl Condense for Program {
    fn take(&mut self, piece: &[u8]) -> ControlFlow<()> {
        self.bytes.extend_from_slice(piece);
        let is_elf = self.bytes.iter().zip(b"\x7fELF").all(|(found, expected)| found == expected);
        if is_elf { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    fn finish(self: Box<Self>) -> Option<Vec<u8>> {
        let is_go =
            self.bytes.starts_with(b"\x7fELF") && memmem::find(&self.bytes, MAGIC).is_some();
        is_go.then_some(self.bytes)
    }
}

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each_condensed(&PROGRAM, |ctx, entry, bytes, found| {
        // Programs that look for build information have the magic as a text of theirs: only where it is aligned can it be a header.
        let mut headers =
            memmem::find_iter(bytes, MAGIC).filter(|at| at.is_multiple_of(ALIGN)).peekable();
        let is_go = headers.peek().is_some();
        match headers.find_map(|at| read(bytes, at)) {
            Some(info) => modules(ctx, entry, &info, found),
            None if is_go => {
                let reason = "the build information of a Go program can not be read";
                ctx.note(found, entry, reason);
            }
            None => {}
        }
    })
}

/// What the linker wrote.
struct BuildInfo {
    /// `go1.22.1`, perhaps with experiments after a space.
    version: String,
    /// Lines of fields parted by tabs, empty where the build knew no modules; `None` where they cannot be read.
    modules: Option<String>,
}

fn read(bytes: &[u8], at: usize) -> Option<BuildInfo> {
    let header = bytes.get(at..)?;
    let flags = *header.get(15)?;
    let (version, modules) = if flags & 2 != 0 {
        let (version, rest) = inline(header.get(HEADER..)?)?;
        (version, inline(rest).map(|(modules, _)| modules))
    } else {
        let order = if flags & 1 == 0 { Order::Little } else { Order::Big };
        let memory = Memory::of(bytes, usize::from(*header.get(14)?), order)?;
        let modules = memory.pointer(header.get(16_usize.checked_add(memory.width)?..)?)?;
        (memory.text(memory.pointer(header.get(16..)?)?)?, memory.text(modules))
    };
    let version = std::str::from_utf8(version).ok()?;
    let is_go = version.starts_with("go") || version.starts_with("devel");
    let modules = modules.and_then(without_sentinels);
    let modules = modules.map(|modules| String::from_utf8_lossy(modules).into_owned());
    is_go.then(|| BuildInfo { version: version.to_owned(), modules })
}

/// A text with its length as a varint before it, and what comes after.
fn inline(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(9) {
        let shift = u32::try_from(index).ok()?.checked_mul(7)?;
        length |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            let rest = bytes.get(index.checked_add(1)?..)?;
            return rest.split_at_checked(usize::try_from(length).ok()?);
        }
    }
    None
}

/// 16 bytes mark the beginning and the end, so that a running program finds the text.
fn without_sentinels(modules: &[u8]) -> Option<&[u8]> {
    if modules.is_empty() {
        return Some(modules);
    }
    modules.get(16..modules.len().checked_sub(16)?).filter(|inner| inner.ends_with(b"\n"))
}

/// The bytes of a program by the addresses that they are loaded to.
struct Memory<'a> {
    file: object::File<'a>,
    /// Bytes of a pointer, 4 or 8.
    width: usize,
    order: Order,
}

/// Which byte of a pointer comes first.
enum Order {
    Little,
    Big,
}

impl<'a> Memory<'a> {
    fn of(bytes: &'a [u8], width: usize, order: Order) -> Option<Self> {
        let file = object::File::parse(bytes).ok()?;
        matches!(width, 4 | 8).then_some(Self { file, width, order })
    }

    /// The pointer that `bytes` begin with.
    fn pointer(&self, bytes: &[u8]) -> Option<u64> {
        let bytes = bytes.get(..self.width)?;
        let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        Some(match self.order {
            Order::Big => bytes.iter().fold(0, fold),
            Order::Little => bytes.iter().rev().fold(0, fold),
        })
    }

    /// Everything from an address to the end of its segment.
    fn at(&self, address: u64) -> Option<&'a [u8]> {
        self.file.segments().find_map(|segment| {
            let offset = usize::try_from(address.checked_sub(segment.address())?).ok()?;
            segment.data().ok()?.get(offset..)
        })
    }

    /// The text whose address and length are at an address.
    fn text(&self, address: u64) -> Option<&'a [u8]> {
        let header = self.at(address)?;
        let length = usize::try_from(self.pointer(header.get(self.width..)?)?).ok()?;
        if length == 0 {
            return Some(&[]);
        }
        self.at(self.pointer(header)?)?.get(..length)
    }
}

/// Path and version.
type Module<'a> = (&'a str, Option<&'a str>);

fn modules(ctx: &Context<'_>, entry: &Entry, info: &BuildInfo, found: &mut Found) {
    let library = info.version.split(' ').next().and_then(|version| version.strip_prefix("go"));
    let stdlib = ("stdlib", library);
    let mut main = None;
    let mut path = None;
    let mut needed = vec![stdlib];
    if info.modules.is_none() {
        ctx.note(found, entry, "the modules of a Go program can not be read");
    }
    for line in info.modules.iter().flat_map(|modules| modules.lines()) {
        let mut fields = line.split('\t');
        let key = fields.next().unwrap_or_default();
        let module = fields.next().map(|name| (name, fields.next().and_then(version)));
        match (key, module) {
            ("path", Some((name, _))) => path = Some(name),
            ("mod", module) => main = module,
            ("dep", Some(module)) => needed.push(module),
            ("=>", Some(module)) => {
                if let Some(replaced) = needed.last_mut().filter(|last| **last != stdlib) {
                    *replaced = replacement(*replaced, module);
                }
            }
            _ => {}
        }
    }
    let main = main.or_else(|| Some((path?, None)));
    let main = main.filter(|(name, _)| !is_toolchain(name));
    let main = main.and_then(|module| add(ctx, entry, module, found));
    for module in needed {
        if let Some((from, to)) = main.zip(add(ctx, entry, module, found)) {
            ctx.depends(found, from, &[to]);
        }
    }
}

/// What a module was replaced by: another one, or a directory, whose content has no version.
fn replacement<'a>(replaced: Module<'a>, by: Module<'a>) -> Module<'a> {
    let is_directory = by.0.starts_with(['.', '/']);
    if is_directory { (replaced.0, None) } else { by }
}

/// Go's own commands are released with its library, which stands for them.
fn is_toolchain(path: &str) -> bool {
    path == "cmd" || path.starts_with("cmd/")
}

fn version(text: &str) -> Option<&str> {
    (text != "(devel)" && !text.is_empty()).then_some(text)
}

fn add(
    ctx: &Context<'_>,
    entry: &Entry,
    (path, version): Module<'_>,
    found: &mut Found,
) -> Option<ComponentId> {
    let (namespace, name) = match path.rsplit_once('/') {
        Some((namespace, name)) => (Some(namespace), name),
        None => (None, path),
    };
    let draft = Draft { kind: "golang", namespace, name, shown: path, version, qualifiers: &[] };
    ctx.add(found, entry, &draft)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;

    const MODULES: &str = "path\tgithub.com/Acme/app/cmd\n\
        mod\tgithub.com/Acme/app\t(devel)\t\n\
        dep\tgithub.com/a/b\tv1.2.3\th1:x=\n\
        dep\tgolang.org/x/net\tv0.1.0\n\
        =>\tgithub.com/fork/net\tv0.1.1\th1:y=\n\
        dep\tk8s.io/api\tv0.0.0\n\
        =>\t./staging/api\t(devel)\t\n\
        build\t-compiler=gc\n";

    fn sentinels(modules: &str) -> Vec<u8> {
        if modules.is_empty() {
            return Vec::new();
        }
        [&[0x30; 16][..], modules.as_bytes(), &[0xf9; 16]].concat()
    }

    fn varint(mut length: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while length >= 0x80 {
            bytes.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
            length >>= 7;
        }
        bytes.push(u8::try_from(length).unwrap());
        bytes
    }

    /// As Go since 1.18 writes it, without any section.
    /// Without modules there are no sentinels either.
    fn inline_binary(version: &str, modules: &str) -> Vec<u8> {
        let mut bytes = b"\x7fELF".to_vec();
        // The magic as a text of the program, not aligned.
        bytes.resize(17, 0);
        bytes.extend_from_slice(MAGIC);
        bytes.resize(64, 0);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[8, 2]);
        bytes.resize(96, 0);
        for text in [version.as_bytes(), &sentinels(modules)] {
            bytes.extend(varint(text.len()));
            bytes.extend_from_slice(text);
        }
        bytes
    }

    /// As Go before 1.18 wrote it: a 64-bit ELF of one segment, loaded at `BASE`.
    fn pointer_binary(version: &str, modules: &str) -> Vec<u8> {
        const BASE: u64 = 0x40_0000;
        let modules = sentinels(modules);
        let mut bytes = Vec::new();
        let words = |bytes: &mut Vec<u8>, words: &[u64]| {
            bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        };
        bytes.extend_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0");
        words(&mut bytes, &[0, 64, 0]);
        bytes.extend_from_slice(b"\0\0\0\0\x40\0\x38\0\x01\0\x40\0\0\0\0\0");
        bytes.extend_from_slice(b"\x01\0\0\0\x06\0\0\0");
        let length = 224 + u64::try_from(version.len() + modules.len()).unwrap();
        words(&mut bytes, &[0, BASE, BASE, length, length, 4096]);
        assert_eq!(bytes.len(), 120);
        bytes.resize(128, 0);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[8, 0]);
        words(&mut bytes, &[BASE + 160, BASE + 176]);
        let text = BASE + 192;
        let length = u64::try_from(version.len()).unwrap();
        words(&mut bytes, &[text, length, text + length, u64::try_from(modules.len()).unwrap()]);
        bytes.extend_from_slice(version.as_bytes());
        bytes.extend(modules);
        bytes.resize(bytes.len() + 32, 0);
        bytes
    }

    #[track_caller]
    fn check(bytes: impl AsRef<[u8]>, expect: &[&str]) {
        assert_eq!(TestTree::new().file("usr/bin/app", bytes).lines(), expect);
    }

    const EXPECT: [&str; 11] = [
        "pkg:golang/github.com/a/b@v1.2.3",
        "pkg:golang/github.com/acme/app",
        "pkg:golang/github.com/fork/net@v0.1.1",
        "pkg:golang/k8s.io/api",
        "pkg:golang/stdlib@1.22.1",
        "pkg:golang/github.com/acme/app needs pkg:golang/github.com/a/b@v1.2.3",
        "pkg:golang/github.com/acme/app needs pkg:golang/github.com/fork/net@v0.1.1",
        "pkg:golang/github.com/acme/app needs pkg:golang/k8s.io/api",
        "pkg:golang/github.com/acme/app needs pkg:golang/stdlib@1.22.1",
        "go-binary: /usr/bin/app: package `github.com/Acme/app` states no version",
        "go-binary: /usr/bin/app: package `k8s.io/api` states no version",
    ];

    #[test]
    fn texts_in_place_and_pointed_at() {
        check(inline_binary("go1.22.1", MODULES), &EXPECT);
        check(inline_binary("go1.22.1 X:loopvar", MODULES), &EXPECT);
        check(pointer_binary("go1.22.1", MODULES), &EXPECT);
    }

    #[test]
    fn names_keep_their_case() {
        let tree = TestTree::new().file("usr/bin/app", inline_binary("go1.22.1", MODULES));
        assert_eq!(tree.catalog().components()[1].name, "github.com/Acme/app");
    }

    #[test]
    fn without_modules_there_is_the_library() {
        check(inline_binary("go1.17", ""), &["pkg:golang/stdlib@1.17"]);
        check(pointer_binary("go1.17", ""), &["pkg:golang/stdlib@1.17"]);
        check(inline_binary("go1.22.1", "path\tcmd/addr2line\n"), &["pkg:golang/stdlib@1.22.1"]);
        check(
            inline_binary("devel +abc", ""),
            &["pkg:golang/stdlib", "go-binary: /usr/bin/app: package `stdlib` states no version"],
        );
    }

    #[test]
    fn programs_that_are_not_go_are_nothing() {
        let mut bytes = inline_binary("go1.22.1", MODULES);
        bytes.truncate(64);
        check(&bytes, &[]);
        bytes[0] = 0;
        check(&bytes, &[]);
    }

    #[test]
    fn build_information_that_cannot_be_read_is_an_unknown() {
        const BROKEN: &str =
            "go-binary: /usr/bin/app: the build information of a Go program can not be read";
        let good = inline_binary("go1.22.1", MODULES);
        check(&good[..100], &[BROKEN]);
        let mut huge = good.clone();
        huge.splice(96..97, [0xff; 9]);
        check(&huge, &[BROKEN]);
        let mut away = pointer_binary("go1.22.1", MODULES);
        away[144..152].fill(0xff);
        check(&away, &[BROKEN]);
        // Cut after the version: the library is known, the modules are not.
        for cut in [96 + 9, good.len() - 1] {
            check(
                &good[..cut],
                &[
                    "pkg:golang/stdlib@1.22.1",
                    "go-binary: /usr/bin/app: the modules of a Go program can not be read",
                ],
            );
        }
    }
}
