//! The images that a Dockerfile names.
//!
//! Format: <https://docs.docker.com/reference/dockerfile/>. Only lines are read, with what decides where they end: the
//! escape character, comments and here-documents.

use crate::image_name::expand;
use std::collections::{BTreeMap, BTreeSet};

/// What a Dockerfile says of images.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Images {
    /// Names of images, in order, those of stages left out.
    pub(crate) named: Vec<String>,
    /// The image that reads the Dockerfile.
    pub(crate) frontend: Option<String>,
    /// What names an image and cannot be told, and why.
    pub(crate) unknown: Vec<String>,
}

/// The images that the Dockerfile in `text` names.
pub(crate) fn images(text: &str) -> Images {
    let mut reader = Reader::default();
    let (frontend, escape) = directives(text);
    reader.images.frontend = frontend;
    let (lines, waits) = logical_lines(text, escape);
    for line in lines {
        reader.take(&line);
    }
    if let Some(word) = waits {
        reader.images.unknown.push(format!("a here-document is not ended by `{word}`"));
    }
    if reader.stages == 0 {
        reader.images.unknown.push("it has no FROM".to_owned());
    }
    reader.images
}

/// The parser directives: the comments that a file begins with.
fn directives(text: &str) -> (Option<String>, char) {
    let mut frontend = None;
    let mut escape = '\\';
    for line in text.lines() {
        let Some((key, value)) =
            line.trim().strip_prefix('#').and_then(|line| line.split_once('='))
        else {
            break;
        };
        match (key.trim().to_ascii_lowercase().as_str(), value.trim()) {
            ("syntax", value) => frontend = Some(value.to_owned()),
            ("escape", "`") => escape = '`',
            ("escape" | "check", _) => {}
            _ => break,
        }
    }
    (frontend, escape)
}

/// The instructions, each on one line, without comments and here-documents; and the word for which a here-document waits in vain.
fn logical_lines(text: &str, escape: char) -> (Vec<String>, Option<String>) {
    let mut all = Vec::new();
    let mut open = String::new();
    let mut waits = None;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let is_comment = line.trim_start().starts_with('#');
        if is_comment || (line.trim().is_empty() && !open.is_empty()) {
            continue;
        }
        if let Some(continued) = line.trim_end().strip_suffix(escape) {
            open.push_str(continued);
            continue;
        }
        open.push_str(line);
        let whole = std::mem::take(&mut open);
        for (word, strips_tabs) in heredocs(&whole) {
            let ends = |line: &str| {
                let line = if strips_tabs { line.trim_start_matches('\t') } else { line };
                line == word
            };
            if !lines.by_ref().any(ends) {
                waits = Some(word);
            }
        }
        all.push(whole);
    }
    if !open.is_empty() {
        all.push(open);
    }
    (all, waits)
}

/// The words that end the here-documents which an instruction begins, and whether tabs before them are stripped.
///
/// A word of the instruction begins one where it is digits, two signs and the name, as in BuildKit's parser; shifts
/// (`$((1<<2))`) and here-strings (`<<<`) are none.
fn heredocs(line: &str) -> Vec<(String, bool)> {
    let mut words = line.split_whitespace();
    let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
    if !matches!(keyword.as_str(), "RUN" | "COPY" | "ADD" | "ONBUILD") {
        return Vec::new();
    }
    let one = |word: &str| {
        let rest =
            word.trim_start_matches(|char: char| char.is_ascii_digit()).strip_prefix("<<")?;
        let (rest, strips_tabs) = match rest.strip_prefix('-') {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let name = rest.trim_matches(['"', '\'']);
        (!name.is_empty() && !name.contains('<')).then(|| (name.to_owned(), strips_tabs))
    };
    words.filter_map(one).collect()
}

#[derive(Default)]
struct Reader {
    images: Images,
    /// Defaults of the arguments before the first stage; one without has none.
    arguments: BTreeMap<String, String>,
    names: BTreeSet<String>,
    stages: usize,
}

impl Reader {
    fn take(&mut self, line: &str) {
        let line = line.trim();
        let (keyword, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match keyword.to_ascii_uppercase().as_str() {
            "ARG" if self.stages == 0 => self.argument(rest),
            "FROM" => self.from(rest),
            "COPY" => self.copy(rest),
            "RUN" => self.run(rest),
            "ONBUILD" => {
                let (keyword, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                match keyword.to_ascii_uppercase().as_str() {
                    "COPY" => self.copy(rest),
                    "RUN" => self.run(rest),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn argument(&mut self, rest: &str) {
        for word in rest.split_whitespace() {
            if let Some((name, value)) = word.split_once('=') {
                let value = value.trim_matches(['"', '\'']);
                if let Some(value) = self.expand(value) {
                    self.arguments.insert(name.to_owned(), value);
                }
            }
        }
    }

    fn expand(&self, text: &str) -> Option<String> {
        expand(text, |name| self.arguments.get(name).map(String::as_str))
    }

    fn from(&mut self, rest: &str) {
        let mut words = rest.split_whitespace().skip_while(|word| word.starts_with("--"));
        self.stages = self.stages.saturating_add(1);
        match words.next() {
            Some(written) => self.image(written),
            None => self.images.unknown.push("a FROM names no image".to_owned()),
        }
        if words.next().is_some_and(|word| word.eq_ignore_ascii_case("as"))
            && let Some(name) = words.next()
        {
            self.names.insert(name.to_ascii_lowercase());
        }
    }

    /// Files out of another image or stage. Variables are not replaced there.
    fn copy(&mut self, rest: &str) {
        let flags = rest.split_whitespace().take_while(|word| word.starts_with("--"));
        for from in flags.filter_map(|flag| flag.strip_prefix("--from=")) {
            self.input(from);
        }
    }

    /// Directories out of another image or stage.
    fn run(&mut self, rest: &str) {
        let flags = rest.split_whitespace().take_while(|word| word.starts_with("--"));
        for mount in flags.filter_map(|flag| flag.strip_prefix("--mount=")) {
            for from in mount.split(',').filter_map(|part| part.strip_prefix("from=")) {
                self.input(from);
            }
        }
    }

    /// A stage by its name or number, or an image.
    fn input(&mut self, written: &str) {
        let is_stage = written.parse::<usize>().is_ok_and(|number| number < self.stages);
        if !is_stage {
            self.image(written);
        }
    }

    fn image(&mut self, written: &str) {
        let written = written.trim_matches(['"', '\'']);
        let Some(name) = self.expand(written).filter(|name| !name.is_empty()) else {
            let reason = format!("which image `{written}` is cannot be told");
            return self.images.unknown.push(reason);
        };
        if name != "scratch" && !self.names.contains(&name.to_ascii_lowercase()) {
            self.images.named.push(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, named: &[&str], unknown: &[&str]) {
        let images = images(text);
        assert_eq!(
            (images.named.as_slice(), images.unknown.as_slice()),
            (
                named.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>().as_slice(),
                unknown.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>().as_slice(),
            )
        );
    }

    #[test]
    fn stages_are_no_images() {
        check(
            "FROM golang:1.22 AS Build\nFROM build AS test\nFROM --platform=linux/amd64 scratch\n\
             COPY --from=build /a /a\nCOPY --chown=1:1 --from=1 /b /b\n\
             copy --from=nginx:1.25 /c /c\nRUN --mount=type=bind,from=alpine:3.20,target=/x true\n\
             ONBUILD COPY --from=busybox:1.36 /d /d\n",
            &["golang:1.22", "nginx:1.25", "alpine:3.20", "busybox:1.36"],
            &[],
        );
    }

    #[test]
    fn arguments_before_the_first_stage() {
        check(
            "ARG V=12 BASE\nARG FULL=debian:${V}\nFROM ${FULL}-slim\nFROM $BASE\nARG V=13\nFROM debian:$V\n",
            &["debian:12-slim", "debian:12"],
            &["which image `$BASE` is cannot be told"],
        );
    }

    #[test]
    fn what_looks_like_an_instruction() {
        check(
            "# syntax=docker/dockerfile:1\n# escape=`\nFROM `\n# comment\n\n  a:1\n\
             RUN <<EOF cat <<-'TWO'\nFROM no:1\nEOF\nFROM no:2\n\tTWO\n# FROM no:3\n\
             RUN echo $((1<<2)) <<< x\nRUN x `\nFROM no:4\nFROM b:1\n",
            &["a:1", "b:1"],
            &[],
        );
        assert_eq!(
            images("#syntax=docker/dockerfile:1\nFROM a").frontend.as_deref(),
            Some("docker/dockerfile:1")
        );
        assert_eq!(images("#\n# syntax=x\nFROM a").frontend, None);
    }

    #[test]
    fn arguments_do_not_grow_without_end() {
        let doubled = |number: usize| format!("ARG A{}=$A{number}$A{number}\n", number + 1);
        let text: String = (0..100).map(doubled).collect();
        let reason = "which image `$A99` is cannot be told";
        check(
            &format!("ARG A0=aaaaaaaa\n{text}FROM $A99\nFROM $A1\n"),
            &["aaaaaaaaaaaaaaaa"],
            &[reason],
        );
    }

    #[test]
    fn what_is_broken_is_said() {
        check("", &[], &["it has no FROM"]);
        check("FROM", &[], &["a FROM names no image"]);
        check("FROM --platform=x \\", &[], &["a FROM names no image"]);
        check(
            "RUN <<EOF\nFROM a:1",
            &[],
            &["a here-document is not ended by `EOF`", "it has no FROM"],
        );
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in "((FROM|RUN|COPY|ARG|<<EOF|--from=|[$]|[{]|[}]|\\\\|\n|#| )|\\PC){0,60}") {
            images(&text);
        }
    }
}
