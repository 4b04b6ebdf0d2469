//! What a command runs beside itself: scripts in its words, what it reads from its input, and files.

use super::{Command, Expanded, Foreign, SHELLS, Word, base_name};
use crate::dockerfile::lines::Position;

/// What a command runs.
#[derive(Debug, Default)]
pub(super) struct Runs {
    /// Scripts, each with the place of the word that has it.
    pub(super) texts: Vec<(Position, String)>,
    /// Whether it runs what it reads from its input.
    pub(super) input: Input,
    /// The file that it runs.
    pub(super) file: Option<String>,
    /// Other commands, as `find -exec` runs them.
    pub(super) commands: Vec<Vec<Word>>,
    /// Scripts that depend on what is not known.
    pub(super) untold: Vec<(Position, String)>,
    /// Scripts in other languages.
    pub(super) foreign: Vec<Foreign>,
}

/// What becomes of the input of a command.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    /// It is read, or it is not.
    #[default]
    Data,
    /// It is a script for a shell.
    Script,
    /// It is a script for another interpreter.
    Foreign,
}

/// What a command prints.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Printed {
    /// This text.
    Text(Position, String),
    /// Its here-documents.
    Bodies,
    /// What is not known.
    Untold(Position, String),
}

/// Interpreters of other languages, without their version, and the options behind which a script stands.
const FOREIGN: [(&str, &[&str]); 16] = [
    ("csh", &["-c"]),
    ("elvish", &["-c"]),
    ("fish", &["-c", "--command"]),
    ("groovy", &["-e"]),
    ("julia", &["-e", "--eval"]),
    ("lua", &["-e"]),
    ("node", &["-e", "--eval", "-p", "--print"]),
    ("nodejs", &["-e", "--eval", "-p", "--print"]),
    ("nu", &["-c", "--commands"]),
    ("perl", &["-e", "-E"]),
    ("php", &["-r", "--run"]),
    ("pwsh", &["-c", "-command", "-Command"]),
    ("python", &["-c"]),
    ("ruby", &["-e"]),
    ("tclsh", &[]),
    ("tcsh", &["-c"]),
];

/// What a command runs.
pub(super) fn of(command: &Command) -> Runs {
    let mut runs = Runs::default();
    let Some((name, arguments)) = command.program() else { return runs };
    match name {
        "eval" => runs.joined(arguments),
        "trap" => {
            let first = arguments.iter().find(|word| word.text() != "--");
            runs.scripts(first.filter(|word| !word.text().starts_with('-')));
        }
        "alias" => {
            let values = arguments.iter().filter_map(|word| {
                let (_, value) = word.text().split_once('=')?;
                Some((word.at, value.to_owned()))
            });
            runs.texts.extend(values);
        }
        "env" => runs.scripts(value_of(arguments, &["-S", "--split-string"]).as_ref()),
        "su" | "runuser" => {
            runs.scripts(value_of(arguments, &["-c", "--command", "--session-command"]).as_ref());
            if runs.texts.is_empty() {
                runs.input = Input::Script;
            }
        }
        "flock" | "script" => runs.scripts(value_of(arguments, &["-c", "--command"]).as_ref()),
        "." | "source" => match arguments.first().map(Word::text) {
            Some("/dev/stdin") => runs.input = Input::Script,
            first => runs.file = first.map(str::to_owned),
        },
        "find" => runs.commands = executed(arguments),
        name if SHELLS.contains(&name) => runs.shell(arguments),
        name => match interpreter(name) {
            Some((_, options)) => runs.foreign(name, arguments, options),
            None => runs.file = command.words.first().map(|word| word.text().to_owned()),
        },
    }
    runs
}

/// What a command prints, of those whose output is their words or what they are given.
pub(super) fn printed(command: &Command) -> Option<Printed> {
    let (name, arguments) = command.program()?;
    let is_option = |word: &&Word| matches!(word.text(), "-n" | "-e" | "-E" | "-ne" | "-en" | "--");
    let mut words = arguments.iter().skip_while(is_option).peekable();
    let at = words.peek().map(|word| word.at);
    let text = match name {
        "echo" => words.clone().map(Word::text).collect::<Vec<_>>().join(" "),
        // Nothing is formatted: each argument is a line.
        "printf" => words.clone().map(Word::text).collect::<Vec<_>>().join("\n"),
        "cat" if arguments.iter().all(|word| matches!(word.text(), "-")) => {
            return Some(Printed::Bodies);
        }
        _ => return None,
    };
    let at = at?;
    match words.find(|word| is_hidden(word)) {
        Some(word) => Some(Printed::Untold(at, word.written.clone())),
        None => Some(Printed::Text(at, text.replace("\\n", "\n"))),
    }
}

/// The shell that a here-document is for by its first line; another interpreter where it is for none.
pub(super) fn for_whom(body: &str) -> Result<(), String> {
    let Some(line) = body.strip_prefix("#!") else { return Ok(()) };
    let line = line.lines().next().unwrap_or_default();
    let mut words = line.split_whitespace().map(base_name);
    if words.clone().any(|word| SHELLS.contains(&word)) {
        return Ok(());
    }
    let name = words.find(|word| *word != "env" && !word.starts_with('-'));
    Err(name.unwrap_or_default().to_owned())
}

/// Whether a word is nothing but variables without a known value.
fn is_hidden(word: &Word) -> bool {
    let mut rest = word.written.as_str();
    if word.value.known().is_some() || !rest.starts_with('$') || rest.starts_with("$(") {
        return false;
    }
    while let Some(after) = rest.strip_prefix('$') {
        let end = if after.starts_with('{') {
            after.find('}').map_or(after.len(), |at| at.saturating_add(1))
        } else {
            let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '@' | '*');
            after.find(|c| !is_part(c)).unwrap_or(after.len())
        };
        rest = after.get(end..).unwrap_or_default().trim_start();
    }
    rest.is_empty()
}

/// The value of an option: joined to it, behind `=`, or the word that follows; the option may end a cluster of letters.
fn value_of(arguments: &[Word], options: &[&str]) -> Option<Word> {
    let cut = |word: &Word, length: usize| {
        let written = word.written.get(length..).unwrap_or_default().to_owned();
        let value = match word.value.known() {
            Some(text) => Expanded::Known(text.get(length..).unwrap_or_default().to_owned()),
            None => word.value.clone(),
        };
        Word { at: word.at, written, value }
    };
    arguments.iter().enumerate().find_map(|(at, word)| {
        let text = word.text();
        options.iter().find_map(|option| {
            let is_short = option.len() == 2;
            let letter = option.chars().last()?;
            let rest = text.strip_prefix(option);
            match rest {
                Some("") => arguments.get(at.saturating_add(1)).cloned(),
                Some(rest) if rest.starts_with('=') && !is_short => {
                    Some(cut(word, option.len().saturating_add(1)))
                }
                Some(_) if is_short => Some(cut(word, option.len())),
                _ => {
                    let is_cluster = is_short && text.starts_with('-') && !text.starts_with("--");
                    (is_cluster && text.ends_with(letter))
                        .then(|| arguments.get(at.saturating_add(1)).cloned())
                        .flatten()
                }
            }
        })
    })
}

/// The commands behind `-exec` and its like.
fn executed(arguments: &[Word]) -> Vec<Vec<Word>> {
    let runs = |word: &Word| matches!(word.text(), "-exec" | "-execdir" | "-ok" | "-okdir");
    let parts = arguments.split(runs).skip(1).map(|part| {
        part.iter().take_while(|word| !matches!(word.text(), ";" | "+")).cloned().collect()
    });
    parts.filter(|words: &Vec<Word>| !words.is_empty()).collect()
}

fn interpreter(name: &str) -> Option<&'static (&'static str, &'static [&'static str])> {
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    FOREIGN.iter().find(|(own, _)| *own == name)
}

impl Runs {
    /// Takes a word as a script, or says that nobody knows it.
    fn scripts(&mut self, word: Option<&Word>) {
        let Some(word) = word else { return };
        if is_hidden(word) {
            let what =
                format!("a script that is run is `{}`, whose value is not known", word.written);
            self.untold.push((word.at, what));
        } else if !word.text().is_empty() {
            self.texts.push((word.at, word.text().to_owned()));
        }
    }

    /// `eval` runs its words as one.
    fn joined(&mut self, words: &[Word]) {
        let Some(first) = words.first() else { return };
        if words.iter().all(is_hidden) {
            return self.scripts(Some(first));
        }
        let text = words.iter().map(Word::text).collect::<Vec<_>>().join(" ");
        self.texts.push((first.at, text));
    }

    /// `sh [OPTION]… -c SCRIPT`, `sh FILE`, `sh -s`, `sh`.
    fn shell(&mut self, arguments: &[Word]) {
        let (mut is_script, mut is_input) = (false, false);
        let mut words = arguments.iter();
        let mut operand = None;
        while let Some(word) = words.next() {
            let text = word.text();
            let cluster = text.strip_prefix(['-', '+']).filter(|rest| !rest.is_empty());
            match cluster {
                Some("-") => {
                    operand = words.next();
                    break;
                }
                Some("-rcfile" | "-init-file") => {
                    words.next();
                }
                Some(long) if long.starts_with('-') => {}
                Some(letters) => {
                    is_script |= letters.contains('c') && text.starts_with('-');
                    is_input |= letters.contains('s');
                    let values = letters.chars().filter(|letter| matches!(letter, 'o' | 'O'));
                    for _ in values {
                        words.next();
                    }
                }
                None if text == "-" => {}
                None => {
                    operand = Some(word);
                    break;
                }
            }
        }
        match operand {
            Some(word) if is_script => self.scripts(Some(word)),
            Some(word) if !is_input && word.text() != "/dev/stdin" => {
                self.file = Some(word.text().to_owned());
            }
            _ if is_script => {}
            _ => self.input = Input::Script,
        }
    }

    /// `python3 -c SCRIPT`, `python3`.
    fn foreign(&mut self, name: &str, arguments: &[Word], options: &[&str]) {
        let scripts = arguments.iter().zip(arguments.iter().skip(1));
        // What another command prints is told as that command.
        let is_given = |word: &Word| !word.written.starts_with("$(");
        let scripts =
            scripts.filter(|(option, word)| options.contains(&option.text()) && is_given(word));
        self.foreign.extend(scripts.map(|(_, word)| Foreign {
            at: word.at,
            interpreter: name.to_owned(),
            text: word.text().to_owned(),
        }));
        let mut operands = arguments
            .iter()
            .filter(|word| !word.text().starts_with('-') || matches!(word.text(), "-"));
        let has_script = arguments.iter().any(|word| options.contains(&word.text()));
        if !has_script && operands.all(|word| word.text() == "-") {
            self.input = Input::Foreign;
        }
    }
}
