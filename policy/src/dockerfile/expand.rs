//! Variables in arguments, expanded as BuildKit's shell lexer does.

use std::rc::Rc;

/// What an expansion comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expanded {
    /// This text.
    Known(String),
    /// It depends on a variable whose value is not known here.
    Unknown {
        /// The variable, or the expression that could not be evaluated.
        variable: String,
    },
}

/// What is known of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Variable {
    Set(Rc<str>),
    Unset,
    Unknown,
}

/// Expressions nested deeper are not evaluated.
const DEPTH: usize = 16;
/// Values that grow longer, in bytes, are not evaluated: each variable may double the one before.
const LENGTH: usize = 4_096;

impl Expanded {
    /// The text, where it is known.
    pub fn known(&self) -> Option<&str> {
        match self {
            Self::Known(text) => Some(text),
            Self::Unknown { .. } => None,
        }
    }
}

/// Expands `text`: quotes go, escapes go, variables become their values.
pub(super) fn expand(text: &str, escape: char, lookup: &dyn Fn(&str) -> Variable) -> Expanded {
    let mut expander =
        Expander { chars: text.chars().collect(), at: 0, escape, lookup, unknown: None, length: 0 };
    let known = expander.until(None, 0);
    match expander.unknown {
        Some(variable) => Expanded::Unknown { variable },
        None => Expanded::Known(known),
    }
}

struct Expander<'a> {
    chars: Vec<char>,
    at: usize,
    escape: char,
    lookup: &'a dyn Fn(&str) -> Variable,
    /// The first thing that could not be told.
    unknown: Option<String>,
    /// Of all values so far, in bytes.
    length: usize,
}

impl Expander<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let char = self.peek()?;
        self.at = self.at.saturating_add(1);
        Some(char)
    }

    fn give_up(&mut self, on: impl Into<String>) {
        self.unknown.get_or_insert_with(|| on.into());
    }

    /// Expands up to `stop`, which is taken and left out.
    fn until(&mut self, stop: Option<char>, depth: usize) -> String {
        let mut out = String::new();
        while let Some(char) = self.next() {
            match char {
                char if Some(char) == stop => return out,
                '\'' => self.single_quoted(&mut out),
                '"' => self.double_quoted(&mut out, depth),
                '$' => out.push_str(&self.dollar(depth)),
                char if char == self.escape => out.extend(self.next()),
                char => out.push(char),
            }
        }
        if stop.is_some() {
            self.give_up("an expression without end");
        }
        out
    }

    fn single_quoted(&mut self, out: &mut String) {
        while let Some(char) = self.next() {
            if char == '\'' {
                return;
            }
            out.push(char);
        }
        self.give_up("a quote without end");
    }

    fn double_quoted(&mut self, out: &mut String, depth: usize) {
        while let Some(char) = self.next() {
            match char {
                '"' => return,
                '$' => out.push_str(&self.dollar(depth)),
                char if char == self.escape => match self.next() {
                    Some(next @ ('"' | '$')) => out.push(next),
                    Some(next) if next == self.escape => out.push(next),
                    Some(next) => out.extend([char, next]),
                    None => break,
                },
                char => out.push(char),
            }
        }
        self.give_up("a quote without end");
    }

    /// What follows a `$`.
    fn dollar(&mut self, depth: usize) -> String {
        if self.peek() != Some('{') {
            let name = self.name();
            return if name.is_empty() { "$".to_owned() } else { self.value(&name) };
        }
        self.at = self.at.saturating_add(1);
        let name = self.name();
        if name.is_empty() || depth >= DEPTH {
            self.give_up(format!("${{{name}…}}"));
            self.at = self.chars.len();
            return String::new();
        }
        match self.next() {
            Some('}') => self.value(&name),
            Some(':') => {
                let modifier = self.next();
                self.modified(&name, (modifier, Emptiness::IsUnset), depth)
            }
            modifier => self.modified(&name, (modifier, Emptiness::IsSet), depth),
        }
    }

    /// `${name-word}`, `${name+word}`, `${name?word}`, and the same after a colon.
    fn modified(
        &mut self,
        name: &str,
        modifier: (Option<char>, Emptiness),
        depth: usize,
    ) -> String {
        let before = self.unknown.clone();
        let word = self.until(Some('}'), depth.saturating_add(1));
        let of_word = std::mem::replace(&mut self.unknown, before);
        let (modifier, emptiness) = modifier;
        let value = match (self.lookup)(name) {
            Variable::Set(value) if value.is_empty() && emptiness == Emptiness::IsUnset => None,
            Variable::Set(value) => Some(value),
            Variable::Unset => None,
            Variable::Unknown => {
                self.give_up(name);
                return String::new();
            }
        };
        let takes_word = match (modifier, &value) {
            (Some('-'), value) => value.is_none(),
            (Some('+'), None) => return String::new(),
            (Some('+'), Some(_)) => true,
            (Some('?'), Some(_)) => false,
            // An error of the build, or a pattern that is not evaluated here.
            _ => {
                self.give_up(format!("${{{name}…}}"));
                return String::new();
            }
        };
        if takes_word {
            if let Some(unknown) = of_word {
                self.give_up(unknown);
            }
            word
        } else {
            value.map(|value| self.grown(&value)).unwrap_or_default()
        }
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(char) = self.peek() {
            let is_part = char == '_'
                || char.is_ascii_alphabetic()
                || (char.is_ascii_digit() && !name.is_empty());
            if !is_part {
                break;
            }
            name.push(char);
            self.at = self.at.saturating_add(1);
        }
        name
    }

    /// The value, or nothing where values have grown too long.
    fn grown(&mut self, value: &str) -> String {
        self.length = self.length.saturating_add(value.len());
        if self.length > LENGTH {
            self.give_up("a value that is too long");
            return String::new();
        }
        value.to_owned()
    }

    fn value(&mut self, name: &str) -> String {
        match (self.lookup)(name) {
            Variable::Set(value) => self.grown(&value),
            Variable::Unset => String::new(),
            Variable::Unknown => {
                self.give_up(name);
                String::new()
            }
        }
    }
}

/// Whether an empty value counts as none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Emptiness {
    IsSet,
    IsUnset,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lookup(name: &str) -> Variable {
        match name {
            "A" => Variable::Set("a".into()),
            "EMPTY" => Variable::Set("".into()),
            "LONG" => Variable::Set("x".repeat(3_000).into()),
            "UNKNOWN" => Variable::Unknown,
            _ => Variable::Unset,
        }
    }

    #[track_caller]
    fn check(text: &str, expect: &str) {
        assert_eq!(expand(text, '\\', &lookup), Expanded::Known(expect.to_owned()), "{text}");
    }

    #[track_caller]
    fn check_unknown(text: &str, variable: &str) {
        let expect = Expanded::Unknown { variable: variable.to_owned() };
        assert_eq!(expand(text, '\\', &lookup), expect, "{text}");
    }

    #[test]
    fn variables_and_defaults() {
        check("x$A-${A}y", "xa-ay");
        check("$NONE${NONE}", "");
        check("${A:-b}${NONE:-b}${EMPTY:-b}", "abb");
        check("${A-b}${NONE-b}${EMPTY-b}", "ab");
        check("${A:+b}${NONE:+b}${EMPTY:+b}", "b");
        check("${A+b}${NONE+b}${EMPTY+b}", "bb");
        check("${NONE:-${NONE:-$A}}", "a");
        check("${A:?message}", "a");
        check("$A_", "");
        check("$1 $", "$1 $");
    }

    #[test]
    fn quotes_and_escapes() {
        check("'$A' \"$A\" \\$A", "$A a $A");
        check("\"\\$A \\\" \\x\"", "$A \" \\x");
        check("${NONE:-'}'}", "}");
        assert_eq!(expand("`$A\\", '`', &lookup), Expanded::Known("$A\\".to_owned()));
    }

    #[test]
    fn what_depends_on_the_unknown_is_unknown() {
        check_unknown("x$UNKNOWN", "UNKNOWN");
        check_unknown("${UNKNOWN:-x}", "UNKNOWN");
        check_unknown("${UNKNOWN:+x}", "UNKNOWN");
        check_unknown("${NONE:-$UNKNOWN}", "UNKNOWN");
        // A default that is not needed does not matter.
        check("${A:-$UNKNOWN}", "a");
        check("'$UNKNOWN'", "$UNKNOWN");
    }

    #[test]
    fn what_is_not_evaluated_is_unknown_and_never_guessed() {
        check_unknown("${A#x}", "${A…}");
        check_unknown("${NONE:?message}", "${NONE…}");
        check_unknown("${A", "${A…}");
        check_unknown("'x", "a quote without end");
        check_unknown("$LONG$LONG", "a value that is too long");
        check_unknown("${", "${…}");
        let deep = format!("{}x{}", "${N:-".repeat(10_000), "}".repeat(10_000));
        assert_eq!(expand(&deep, '\\', &lookup).known(), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[$a{}:\\-+?'\"\\\\ UNKOWNé]{0,60}") {
            expand(&text, '\\', &lookup);
            expand(&text, '`', &lookup);
        }

        #[test]
        fn text_without_special_characters_stays(text in "[a-z0-9:/@._-]{0,60}") {
            prop_assert_eq!(expand(&text, '\\', &lookup), Expanded::Known(text));
        }
    }
}
