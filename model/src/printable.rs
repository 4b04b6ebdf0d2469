//! Text from an artifact, made safe to show.

use std::fmt;

/// Shows text from an artifact on a terminal or in a log without letting it act there.
///
/// Control characters (C0, C1, DEL), bidirectional overrides, zero-width and other invisible format characters
/// come out as `\u{…}`; a line break too, so that one value stays on one line. So does a `#` behind another: runners of CI
/// systems take `##[…]` and `##vso[…]` anywhere in a line for commands. Everything else stays as it is.
#[derive(Debug, Clone, Copy)]
pub struct Printable<'a>(pub &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Nearly every text is plain, and is told by its bytes.
        if self.0.bytes().fold(true, |is_plain, byte| is_plain & is_plain_byte(byte)) {
            return out.write_str(self.0);
        }
        let (mut written, mut before) = (0, None);
        for (at, char) in self.0.char_indices() {
            let is_command = before.replace(char) == Some('#') && char == '#';
            if is_unprintable(char) || is_command {
                out.write_str(self.0.get(written..at).unwrap_or_default())?;
                write!(out, "\\u{{{:x}}}", u32::from(char))?;
                written = at.saturating_add(char.len_utf8());
            }
        }
        out.write_str(self.0.get(written..).unwrap_or_default())
    }
}

/// A byte that stands for itself wherever it is.
const fn is_plain_byte(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'#'
}

fn is_unprintable(char: char) -> bool {
    // Most of it by far.
    if matches!(char, ' '..='~') {
        return false;
    }
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        assert_eq!(Printable(text).to_string(), expect);
    }

    #[test]
    fn what_acts_on_a_terminal_is_spelled_out() {
        check("zlib1g 1:1.2.13", "zlib1g 1:1.2.13");
        check("日本語 é", "日本語 é");
        check("\u{1b}[2Jgone", "\\u{1b}[2Jgone");
        check("a\nb\r", "a\\u{a}b\\u{d}");
        check("\u{9b}31m", "\\u{9b}31m");
        check("user\u{202e}exe.txt", "user\\u{202e}exe.txt");
        check("a\u{200b}b", "a\\u{200b}b");
    }

    #[test]
    fn what_commands_a_runner_is_spelled_out() {
        check("issue #1 # x", "issue #1 # x");
        check("x ##[add-mask]y", "x #\\u{23}[add-mask]y");
        check("###vso[", "#\\u{23}\\u{23}vso[");
    }
}
