//! What is known of a program, written down compactly: a byte of version, then records of a tag, a length in four bytes
//! and so many bytes. It holds what an enemy wrote, and is parsed accordingly.

/// Changes whenever what is written does.
const VERSION: u8 = 1;

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    /// Version of Go, as the linker wrote it.
    GoVersion,
    /// Go's lines about modules.
    GoModules,
    /// Import paths of the Go packages that are linked in, one a line.
    GoPackages,
    /// What of a Go program cannot be read.
    GoFlaw,
    /// Dependencies of a Rust program, as they were embedded: deflated JSON.
    Audit,
    /// What of a Rust program cannot be read.
    AuditFlaw,
    /// GNU build id, in hexadecimal.
    BuildId,
    /// The package that the program was built for: JSON of `.note.package`.
    Package,
    /// A version, a line break, and the text of [`super::SOFTWARE`] that tells it.
    Text,
    /// It was packed by this program, so that its content is hidden.
    Packed,
}

const TAGS: [Tag; 10] = [
    Tag::GoVersion,
    Tag::GoModules,
    Tag::GoPackages,
    Tag::GoFlaw,
    Tag::Audit,
    Tag::AuditFlaw,
    Tag::BuildId,
    Tag::Package,
    Tag::Text,
    Tag::Packed,
];

/// What is known of a program.
#[derive(Debug, Default)]
pub(crate) struct Facts<'a> {
    /// Version of Go, as the linker wrote it (`go1.22.1`, perhaps with experiments after a space).
    pub(crate) go_version: Option<&'a str>,
    /// Lines of fields parted by tabs, empty where the build knew no modules; `None` where they cannot be read.
    pub(crate) go_modules: Option<String>,
    /// Import paths of the packages that are linked in, one a line and in order; `None` where they are not known.
    pub(crate) go_packages: Option<&'a str>,
    /// What of a Go program cannot be read.
    pub(crate) go_flaws: Vec<&'a str>,
    /// Dependencies of a Rust program: deflated JSON, for [`super::inflate`].
    pub(crate) audits: Vec<&'a [u8]>,
    /// What of a Rust program cannot be read.
    pub(crate) audit_flaws: Vec<&'a str>,
    /// GNU build id, in hexadecimal.
    pub(crate) build_id: Option<&'a str>,
    /// JSON of `.note.package`.
    pub(crate) package: Option<&'a [u8]>,
    /// Versions, each with the text of [`super::SOFTWARE`] that tells it, in the order of the file.
    pub(crate) texts: Vec<(&'a str, &'a str)>,
    /// What packed the program.
    pub(crate) packed: Option<&'a str>,
}

impl<'a> Facts<'a> {
    /// Reads what [`Writer`] wrote; `None` if it did not.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (version, mut rest) = bytes.split_first()?;
        if *version != VERSION {
            return None;
        }
        let mut facts = Self::default();
        while let Some((tag, after)) = rest.split_first() {
            let (length, after) = after.split_first_chunk::<4>()?;
            let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
            let (content, after) = after.split_at_checked(length)?;
            facts.take(*TAGS.get(usize::from(*tag))?, content)?;
            rest = after;
        }
        Some(facts)
    }

    fn take(&mut self, tag: Tag, content: &'a [u8]) -> Option<()> {
        let text = || std::str::from_utf8(content).ok();
        match tag {
            Tag::GoVersion => self.go_version = Some(text()?),
            Tag::GoModules => self.go_modules = Some(String::from_utf8_lossy(content).into_owned()),
            Tag::GoPackages => self.go_packages = Some(text()?),
            Tag::GoFlaw => self.go_flaws.push(text()?),
            Tag::Audit => self.audits.push(content),
            Tag::AuditFlaw => self.audit_flaws.push(text()?),
            Tag::BuildId => self.build_id = Some(text()?),
            Tag::Package => self.package = Some(content),
            Tag::Text => self.texts.push(text()?.split_once('\n')?),
            Tag::Packed => self.packed = Some(text()?),
        }
        Some(())
    }
}

/// Writes facts.
#[derive(Debug)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    /// Nothing known.
    pub(super) fn new() -> Self {
        Self(vec![VERSION])
    }

    /// Adds one; what is longer than a length can say is left out.
    pub(super) fn add(&mut self, tag: Tag, content: &[u8]) {
        let number = TAGS.iter().position(|known| *known == tag).map(u8::try_from);
        if let (Some(Ok(tag)), Ok(length)) = (number, u32::try_from(content.len())) {
            self.0.push(tag);
            self.0.extend_from_slice(&length.to_le_bytes());
            self.0.extend_from_slice(content);
        }
    }

    /// All of it.
    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_as_they_were_written() {
        let mut writer = Writer::new();
        writer.add(Tag::GoVersion, b"go1.22.1");
        writer.add(Tag::Text, b"1.2.13\nzlib");
        writer.add(Tag::Text, b"8.0.0\ncurl");
        writer.add(Tag::Audit, &[0xff, 0]);
        let bytes = writer.finish();
        let facts = Facts::parse(&bytes).unwrap();
        assert_eq!(facts.go_version, Some("go1.22.1"));
        assert_eq!(facts.texts, [("1.2.13", "zlib"), ("8.0.0", "curl")]);
        assert_eq!(facts.audits, [[0xff, 0]]);
        // Wherever it is cut inside a record it is malformed, never less.
        for cut in 0..bytes.len() {
            let is_whole = [1, 14, 30, 45].contains(&cut);
            assert_eq!(Facts::parse(&bytes[..cut]).is_some(), is_whole, "{cut}");
        }
    }

    #[test]
    fn what_was_written_otherwise_is_malformed() {
        for bytes in [
            &b""[..],
            b"\x02",
            b"\x01\xff\0\0\0\0",
            b"\x01\0\xff\xff\xff\xffgo1",
            b"\x01\0\x01\0\0\0\xff",
            b"\x01\x08\x01\0\0\0a",
        ] {
            assert!(Facts::parse(bytes).is_none(), "{bytes:?}");
        }
    }
}
