//! Inputs that begin with the path of a file, in a line of its own: they can be read, written and replayed by people.

/// A path and the file that lies there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named<'a> {
    /// The path.
    pub path: &'a [u8],
    /// What lies there.
    pub bytes: &'a [u8],
}

impl<'a> Named<'a> {
    /// The two parts of an input; what has no line is no input.
    pub fn parse(input: &'a [u8]) -> Option<Self> {
        let end = line(input)?;
        Some(Self { path: input.get(..end)?, bytes: input.get(end + 1..)? })
    }
}

fn line(input: &[u8]) -> Option<usize> {
    input.iter().position(|byte| *byte == b'\n')
}

/// Changes the file and, with few exceptions, not the path: a file under a name that nobody wants is not read.
///
/// The signature is that of `fuzz_mutator!`.
pub fn mutate(data: &mut [u8], size: usize, most: usize, seed: u32) -> usize {
    const PATHS: u32 = 64;
    let start = data.get(..size).and_then(line).map_or(0, |end| end + 1);
    let start = if seed.is_multiple_of(PATHS) || start >= most { 0 } else { start };
    let Some(file) = data.get_mut(start..) else { return size };
    start + libfuzzer_sys::fuzzer_mutate(file, size - start, most - start)
}
