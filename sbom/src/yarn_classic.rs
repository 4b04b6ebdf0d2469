//! The format of lock files of Yarn 1: indented lines that are nearly YAML.
//!
//! Format: <https://classic.yarnpkg.com/en/docs/yarn-lock>, version 1.

use plimsoll_model::component::Scope;

/// What one package was resolved to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Block {
    /// What was asked for: `name@range`, at least one.
    pub(crate) keys: Vec<String>,
    pub(crate) version: Option<String>,
    pub(crate) resolved: Option<String>,
    pub(crate) integrity: Option<String>,
    /// Name and range of what it needs.
    pub(crate) needs: Vec<(String, String, Scope)>,
}

/// The blocks of a lock, and the first line that is part of none.
pub(crate) fn blocks(text: &str) -> (Vec<Block>, Option<&str>) {
    let mut blocks: Vec<Block> = Vec::new();
    let mut broken = None;
    let mut needs = None;
    for line in text.strip_prefix('\u{feff}').unwrap_or(text).lines() {
        let content = line.trim_start_matches(' ');
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let indent = line.len().saturating_sub(content.len());
        let is_read = match (indent, words(content)) {
            (0, Some(Line::Head(keys))) => {
                needs = None;
                blocks.push(Block { keys, ..Block::default() });
                true
            }
            (2, Some(Line::Head(name))) => {
                needs = scope_of(&name);
                name.len() == 1 && !blocks.is_empty()
            }
            (2, Some(Line::Words(words))) => {
                needs = None;
                blocks.last_mut().is_some_and(|block| set(block, words))
            }
            (4, Some(Line::Words(words))) => {
                blocks.last_mut().is_some_and(|block| need(block, needs, words))
            }
            _ => false,
        };
        if !is_read {
            broken = broken.or(Some(line));
        }
    }
    (blocks, broken)
}

/// The scope of what follows in a section; nothing where the section holds no dependencies.
fn scope_of(name: &[String]) -> Option<Scope> {
    match name.first().map(String::as_str)? {
        "dependencies" => Some(Scope::Required),
        "optionalDependencies" => Some(Scope::Optional),
        _ => None,
    }
}

/// Sets a field of a block; one that is not known may say anything. Whether it is a field.
fn set(block: &mut Block, words: Vec<String>) -> bool {
    let Ok([name, value]) = <[String; 2]>::try_from(words) else { return false };
    let field = match name.as_str() {
        "version" => &mut block.version,
        "resolved" => &mut block.resolved,
        "integrity" => &mut block.integrity,
        _ => return true,
    };
    *field = Some(value);
    true
}

/// Adds what a block needs, if the section is of what it needs. Whether it is something that a section may hold.
fn need(block: &mut Block, scope: Option<Scope>, words: Vec<String>) -> bool {
    let Ok([name, range]) = <[String; 2]>::try_from(words) else { return scope.is_none() };
    block.needs.extend(scope.map(|scope| (name, range, scope)));
    true
}

/// A line without its indentation.
enum Line {
    /// One that ends in a colon: others belong to it.
    Head(Vec<String>),
    /// Any other.
    Words(Vec<String>),
}

/// The words of a line, in quotes or not; `None` for a line that does not consist of words.
fn words(line: &str) -> Option<Line> {
    let mut words = Vec::new();
    let line = line.trim_end();
    let head = line.strip_suffix(':');
    let mut rest = head.unwrap_or(line);
    while !rest.is_empty() {
        let end = match rest.strip_prefix('"') {
            Some(quoted) => end_of_string(quoted)?.checked_add(1)?,
            None => rest.find([' ', ',']).unwrap_or(rest.len()),
        };
        let (word, after) = rest.split_at_checked(end)?;
        let is_quoted = word.starts_with('"');
        let word = if is_quoted { serde_json::from_str(word).ok()? } else { word.to_owned() };
        if word.is_empty() {
            return None;
        }
        words.push(word);
        rest = after.trim_start_matches([' ', ',']);
    }
    let line = if head.is_some() { Line::Head } else { Line::Words };
    (!words.is_empty()).then(|| line(words))
}

/// Where a string in quotes ends, behind its closing one.
fn end_of_string(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (place, char) in text.char_indices() {
        match char {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return place.checked_add(1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn blocks_with_all_that_they_say() {
        let text = "# yarn lockfile v1\r\n\r\n\"@s/a@^1.0.0\", b@1, \"c@>=1 <2\":\r\n  version \"1.0.0\"\r\n  \
            resolved \"https://x/\\\"a.tgz#1\"\r\n  integrity sha512-x==\r\n  other true\r\n  \
            dependencies:\r\n    d \"^2\"\r\n    \"@s/e\" 3\r\n  optionalDependencies:\r\n    f \"*\"\r\n  \
            engines:\r\n    node \">=1\"\r\n";
        let (blocks, broken) = blocks(text);
        assert_eq!(broken, None);
        let text = |text: &str| text.to_owned();
        let need = |name, range, scope| (text(name), text(range), scope);
        assert_eq!(
            blocks,
            [Block {
                keys: vec![text("@s/a@^1.0.0"), text("b@1"), text("c@>=1 <2")],
                version: Some(text("1.0.0")),
                resolved: Some(text("https://x/\"a.tgz#1")),
                integrity: Some(text("sha512-x==")),
                needs: vec![
                    need("d", "^2", Scope::Required),
                    need("@s/e", "3", Scope::Required),
                    need("f", "*", Scope::Optional),
                ],
            }]
        );
    }

    #[test]
    fn the_first_line_that_is_no_part_of_a_block_is_told() {
        for (text, line) in [
            ("a@1:\n  version \"1\n", Some("  version \"1")),
            ("<<<<<<< HEAD\na@1:\n", Some("<<<<<<< HEAD")),
            ("  version \"1\"\n", Some("  version \"1\"")),
            ("a@1:\n   version \"1\"\n", Some("   version \"1\"")),
            ("a@1:\n  dependencies:\n    b\n", Some("    b")),
            ("a@1:\n  version \"\"\n", Some("  version \"\"")),
            ("a@1:\n", None),
        ] {
            assert_eq!(blocks(text).1, line, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in "(\\PC|[\n :\",\\\\]){0,200}") {
            blocks(&text);
        }
    }
}
