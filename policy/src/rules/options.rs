//! The options of a command, as `getopt_long` reads them: clusters of letters, long names, and values.

use crate::dockerfile::Word;

/// Which options take the word that follows as their value, where none is joined to them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Valued {
    /// Of one letter.
    pub(super) letters: &'static str,
    /// Long ones, with their dashes.
    pub(super) names: &'static [&'static str],
}

/// What a command is given.
#[derive(Debug, Default)]
pub(super) struct Options<'c> {
    /// Its options with their dashes, in order; letters of a cluster each for themselves.
    pub(super) all: Vec<(String, Option<String>)>,
    /// What is no option, in order.
    pub(super) operands: Vec<&'c Word>,
}

impl<'c> Options<'c> {
    pub(super) fn of(arguments: &'c [Word], valued: Valued) -> Self {
        let mut options = Self::default();
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let text = word.text();
            if text == "--" {
                options.operands.extend(words);
                break;
            }
            let (name, joined) = text.split_once('=').map_or((text, None), |(n, v)| (n, Some(v)));
            if !text.starts_with('-') || text.len() < 2 {
                options.operands.push(word);
            } else if valued.names.contains(&name) {
                let value = joined.or_else(|| words.next().map(Word::text));
                options.all.push((name.to_owned(), value.map(str::to_owned)));
            } else if name.starts_with("--") || (joined.is_some() && name.len() == 2) {
                options.all.push((name.to_owned(), joined.map(str::to_owned)));
            } else {
                let cluster = text.trim_start_matches('-');
                let takes = |letter: char| valued.letters.contains(letter);
                let at = cluster.char_indices().find(|(_, letter)| takes(*letter));
                let letters = cluster.chars().take_while(|letter| !takes(*letter));
                options.all.extend(letters.map(|letter| (format!("-{letter}"), None)));
                if let Some((at, letter)) = at {
                    let rest = cluster.get(at.saturating_add(letter.len_utf8())..);
                    let joined = rest.filter(|rest| !rest.is_empty());
                    let value = joined.or_else(|| words.next().map(Word::text));
                    options.all.push((format!("-{letter}"), value.map(str::to_owned)));
                }
            }
        }
        options
    }

    /// Whether one of these is given.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.all.iter().any(|(name, _)| names.contains(&name.as_str()))
    }

    /// Whether a long option is given that these letters begin, and that begins so.
    pub(super) fn has_abbreviated(&self, whole: &str, least: &str) -> bool {
        let mut names = self.all.iter().map(|(name, _)| name.as_str());
        names.any(|name| name.starts_with(least) && whole.starts_with(name))
    }

    /// The values of these, in order.
    pub(super) fn values<'o>(&'o self, names: &'o [&str]) -> impl Iterator<Item = &'o str> {
        let meant = self.all.iter().filter(|(name, _)| names.contains(&name.as_str()));
        meant.filter_map(|(_, value)| value.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dockerfile::{Expanded, Position};

    #[test]
    fn clusters_names_and_values_come_apart() {
        let text = "-fsSLo out -H a:b --retry 3 --retry=4 --insecure -- -x url";
        let words: Vec<Word> = text
            .split(' ')
            .map(|word| Word {
                at: Position { line: 1, column: 1 },
                written: word.to_owned(),
                value: Expanded::Known(word.to_owned()),
            })
            .collect();
        let options = Options::of(&words, Valued { letters: "oH", names: &["--retry"] });
        let operands: Vec<_> = options.operands.iter().map(|word| word.text()).collect();
        assert_eq!(operands, ["-x", "url"]);
        assert!(options.has(&["-S"]) && !options.has(&["-o=out", "-x"]));
        assert_eq!(options.values(&["-o"]).collect::<Vec<_>>(), ["out"]);
        assert_eq!(options.values(&["--retry"]).collect::<Vec<_>>(), ["3", "4"]);
        assert!(options.has_abbreviated("--insecure", "--inse"));
        assert!(!options.has_abbreviated("--insecure-not", "--insecure-"));
    }
}
