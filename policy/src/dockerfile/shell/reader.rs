//! From tokens to commands.

use super::{
    COMMANDS, Command, DEPTH, LENGTH, Redirect, Script, Word,
    lexer::{self, Lexed, Part, Quoting, Token, Tokens},
    walk::{Building, Expects, Frame, Header, Pending, Place, Walk},
};
use crate::dockerfile::{
    expand::{self, Expanded, Variable},
    instruction::Heredoc,
    lines::Position,
};
use std::collections::{BTreeMap, VecDeque};

/// What a script is read with.
pub(in crate::dockerfile) struct Shell<'a> {
    /// What is known of the variables of the instruction.
    pub(in crate::dockerfile) lookup: &'a dyn Fn(&str) -> Variable,
    /// The here-documents of the instruction.
    pub(in crate::dockerfile) heredocs: &'a [Heredoc],
}

/// Brackets, loops and conditions in one another that are told apart.
const NESTING: usize = 100;

/// The commands of a script whose bytes stand where `position` says.
pub(in crate::dockerfile) fn read(
    shell: &Shell<'_>,
    text: &str,
    position: &dyn Fn(usize) -> Position,
) -> Script {
    let mut reader = Reader::new(shell);
    reader.pending.push_back(Pending {
        text: text.to_owned(),
        place: Place::Offset(0),
        depth: 0,
        within: None,
    });
    reader.run(position)
}

/// What a list of words runs, without a shell.
pub(in crate::dockerfile) fn exec(shell: &Shell<'_>, words: &[String], at: Position) -> Script {
    let mut reader = Reader::new(shell);
    let word =
        |text: &String| Word { at, written: text.clone(), value: Expanded::Known(text.clone()) };
    let words = words.iter().map(word).collect();
    let command = Building { at, words, ..Building::new(at) };
    reader.command(command, (&[Frame::root(0)], 0, None));
    reader.run(&|_| at)
}

struct Reader<'a> {
    shell: &'a Shell<'a>,
    script: Script,
    pending: VecDeque<Pending>,
    /// Variables that the script itself sets.
    locals: BTreeMap<String, Variable>,
    pipelines: usize,
    /// Here-documents of the instruction that have an owner.
    heredocs: usize,
}

impl<'a> Reader<'a> {
    fn new(shell: &'a Shell<'a>) -> Self {
        Self {
            shell,
            script: Script::default(),
            pending: VecDeque::new(),
            locals: BTreeMap::new(),
            pipelines: 0,
            heredocs: 0,
        }
    }

    fn run(mut self, position: &dyn Fn(usize) -> Position) -> Script {
        while let Some(pending) = self.pending.pop_front() {
            self.read(&pending, position);
        }
        self.script
    }

    fn untold(&mut self, at: Position, what: impl Into<String>) {
        self.script.untold.push((at, what.into()));
    }

    fn read(&mut self, pending: &Pending, position: &dyn Fn(usize) -> Position) {
        let place = |offset: usize| pending.place.position(&pending.text, offset, position);
        if pending.depth > DEPTH {
            return self.untold(place(0), format!("scripts are nested more than {DEPTH} deep"));
        }
        if pending.text.len() > LENGTH {
            return self.untold(place(0), format!("a script is longer than {LENGTH} bytes"));
        }
        let Tokens { all: tokens, bodies, wrong } = lexer::tokens(&pending.text);
        if let Some((at, what)) = wrong {
            self.untold(place(at), what);
        }
        let mut walk = Walk {
            pending,
            position: &place,
            bodies: bodies.into(),
            frames: vec![Frame::root(self.pipeline())],
            current: None,
            expects: Expects::Command,
        };
        for (at, token) in tokens {
            if self.script.commands.len() >= COMMANDS || walk.frames.len() > NESTING {
                let limits = format!("{COMMANDS} commands, or {NESTING} brackets");
                return self.untold(place(at), format!("reading ended here, after {limits}"));
            }
            match token {
                Token::Word(word) => self.word(&mut walk, &word),
                Token::Operator(operator) => self.operator(&mut walk, operator, at),
                Token::Redirect(operator) if walk.expects == Expects::Test => {
                    self.operator(&mut walk, operator, at);
                }
                Token::Redirect(operator) => {
                    walk.building(at);
                    walk.expects = Expects::Target(operator);
                }
            }
        }
        self.finish(&mut walk);
    }

    fn pipeline(&mut self) -> usize {
        self.pipelines = self.pipelines.saturating_add(1);
        self.pipelines
    }

    fn word(&mut self, walk: &mut Walk<'_>, word: &Lexed) {
        let bare = word.bare();
        match walk.expects {
            Expects::Target(operator) => self.redirect(walk, operator, word),
            Expects::Header(header) => self.header(walk, (header, bare), word),
            Expects::Pattern if bare == Some("esac") => self.close(walk, "esac"),
            Expects::Pattern | Expects::Bracket => Self::inner_scripts(walk, word),
            Expects::Function => walk.expects = Expects::Command,
            Expects::Test => {
                self.argument(walk, word);
                if bare == Some("]]") {
                    walk.expects = Expects::Command;
                }
            }
            Expects::Command if walk.current.as_ref().is_none_or(Building::is_empty) => {
                if !self.reserved(walk, bare.unwrap_or_default()) {
                    self.argument(walk, word);
                    if bare == Some("[[") {
                        walk.expects = Expects::Test;
                    }
                }
            }
            Expects::Command => self.argument(walk, word),
        }
    }

    /// Whether the word is a reserved one, in the place of a command.
    fn reserved(&mut self, walk: &mut Walk<'_>, word: &str) -> bool {
        match word {
            "if" => self.open(walk, "fi"),
            "while" | "until" => self.open(walk, "done"),
            "{" => self.open(walk, "}"),
            "for" | "select" => {
                self.open(walk, "done");
                walk.expects = Expects::Header(Header::ForName);
            }
            "case" => {
                self.open(walk, "esac");
                walk.expects = Expects::Header(Header::Case);
            }
            "function" => walk.expects = Expects::Function,
            "then" | "elif" | "else" | "do" | "!" => {}
            "fi" | "done" | "esac" | "}" => self.close(walk, word),
            _ => return false,
        }
        true
    }

    fn open(&mut self, walk: &mut Walk<'_>, ends_with: &'static str) {
        let pipeline = self.pipeline();
        walk.frames.push(Frame { pipeline, segment: 0, ends_with });
        walk.current = None;
    }

    /// Closes what ends with this word, and all that was left open in it.
    fn close(&mut self, walk: &mut Walk<'_>, word: &str) {
        self.finish(walk);
        if let Some(number) = walk.frames.iter().rposition(|frame| frame.ends_with == word) {
            walk.frames.truncate(number);
        }
        walk.expects = Expects::Command;
    }

    fn header(
        &mut self,
        walk: &mut Walk<'_>,
        (header, bare): (Header, Option<&str>),
        word: &Lexed,
    ) {
        match (header, bare) {
            (Header::ForName, name) => {
                self.locals.insert(name.unwrap_or_default().to_owned(), Variable::Unknown);
                walk.expects = Expects::Header(Header::ForWords);
            }
            (Header::ForWords, Some("do")) => walk.expects = Expects::Command,
            (Header::Case, Some("in")) => walk.expects = Expects::Pattern,
            (Header::ForWords | Header::Case, _) => Self::inner_scripts(walk, word),
        }
    }

    fn operator(&mut self, walk: &mut Walk<'_>, operator: &'static str, at: usize) {
        match (walk.expects, operator) {
            (Expects::Test, "\n" | ";") => {}
            (Expects::Test, _) => {
                let at = (walk.position)(at);
                let written = operator.to_owned();
                let value = Expanded::Known(written.clone());
                walk.building_at(at).words.push(Word { at, written, value });
                return;
            }
            (Expects::Pattern | Expects::Bracket, ")") => {
                walk.expects = Expects::Command;
                return;
            }
            (Expects::Pattern | Expects::Bracket | Expects::Header(Header::Case), _) => return,
            (Expects::Header(_), ";" | "\n") | (Expects::Target(_) | Expects::Function, _) => {
                walk.expects = Expects::Command;
            }
            (Expects::Header(_) | Expects::Command, _) => {}
        }
        match operator {
            "(" if walk.is_definition_or_array() => walk.expects = Expects::Bracket,
            "(" => {
                self.finish(walk);
                self.open(walk, ")");
            }
            ")" => self.close(walk, ")"),
            "|" | "|&" => {
                self.finish(walk);
                if let Some(frame) = walk.frames.last_mut() {
                    frame.segment = frame.segment.saturating_add(1);
                }
            }
            _ => {
                self.finish(walk);
                let pipeline = self.pipeline();
                let is_case = walk.frames.last().is_some_and(|frame| frame.ends_with == "esac");
                if let Some(frame) = walk.frames.last_mut() {
                    (frame.pipeline, frame.segment) = (pipeline, 0);
                }
                if is_case && operator.starts_with(';') && operator.len() > 1 {
                    walk.expects = Expects::Pattern;
                }
            }
        }
    }

    fn redirect(&mut self, walk: &mut Walk<'_>, operator: &'static str, word: &Lexed) {
        walk.expects = Expects::Command;
        let at = (walk.position)(word.at);
        let to = self.expanded(walk, word);
        let building = walk.building_at(at);
        building.redirects.push(Redirect { operator, to });
        if operator.starts_with("<<") && operator != "<<<" {
            let body = walk.bodies.pop_front().map(|(offset, body)| (walk.place(offset), body));
            let body = body.or_else(|| {
                let heredoc = self.shell.heredocs.get(self.heredocs)?;
                self.heredocs = self.heredocs.saturating_add(1);
                Some((Place::Lines(heredoc.line), heredoc.content.clone()))
            });
            walk.building_at(at).bodies.extend(body);
        }
    }

    fn argument(&mut self, walk: &mut Walk<'_>, word: &Lexed) {
        let at = (walk.position)(word.at);
        let expanded = self.expanded(walk, word);
        let building = walk.building_at(at);
        let assignment = lexer::assignment(&expanded.written);
        let is_first_bare =
            matches!(word.parts.first(), Some(Part::Text(text)) if text.contains('='));
        match assignment {
            Some((name, written)) if building.words.is_empty() && is_first_bare => {
                let value = match &expanded.value {
                    Expanded::Known(text) => {
                        Expanded::Known(lexer::assignment(text).map_or("", |(_, v)| v).to_owned())
                    }
                    Expanded::Unknown { .. } => expanded.value.clone(),
                };
                let word = Word { at, written: written.to_owned(), value };
                building.assignments.push((name.to_owned(), word));
            }
            _ => match (&expanded.value, word.parts.as_slice(), word.quoting) {
                // What stands bare is split where its value has blanks.
                (Expanded::Known(text), [Part::Variable(_)], Quoting::Bare) => {
                    let split = text.split_whitespace().map(|part| Word {
                        at,
                        written: part.to_owned(),
                        value: Expanded::Known(part.to_owned()),
                    });
                    building.words.extend(split);
                }
                _ => building.words.push(expanded),
            },
        }
    }

    /// The word, and on the way the scripts in it.
    fn expanded(&mut self, walk: &mut Walk<'_>, word: &Lexed) -> Word {
        Self::inner_scripts(walk, word);
        let (mut written, mut known, mut unknown) = (String::new(), String::new(), None);
        for part in &word.parts {
            let value = match part {
                Part::Text(text) => {
                    written.push_str(text);
                    Expanded::Known(text.clone())
                }
                Part::Variable(variable) => {
                    written.push_str(variable);
                    self.variable(variable)
                }
                Part::Script(_, script) => {
                    let text = format!("$({script})");
                    written.push_str(&text);
                    Expanded::Unknown { variable: text }
                }
                Part::Other(text) => {
                    written.push_str(text);
                    Expanded::Unknown { variable: text.clone() }
                }
            };
            match value {
                Expanded::Known(text) => known.push_str(&text),
                other @ Expanded::Unknown { .. } => {
                    unknown.get_or_insert(other);
                }
            }
        }
        let value = unknown.unwrap_or(Expanded::Known(known));
        Word { at: (walk.position)(word.at), written, value }
    }

    fn variable(&self, written: &str) -> Expanded {
        let is_named = |c: char| c.is_ascii_alphabetic() || c == '_';
        if !written.trim_start_matches(['$', '{']).starts_with(is_named) {
            return Expanded::Unknown { variable: written.to_owned() };
        }
        expand::expand(written, '\\', &|name| match self.locals.get(name) {
            Some(value) => value.clone(),
            None => (self.shell.lookup)(name),
        })
    }

    /// Puts the scripts in a word aside, for the command that is in the making.
    fn inner_scripts(walk: &mut Walk<'_>, word: &Lexed) {
        let scripts = word.parts.iter().filter_map(|part| match part {
            Part::Script(at, script) => Some((*at, script.clone())),
            Part::Text(_) | Part::Variable(_) | Part::Other(_) => None,
        });
        let scripts: Vec<_> = scripts.collect();
        if !scripts.is_empty() {
            walk.building(word.at).scripts.extend(scripts);
        }
    }

    /// Ends the command that is in the making.
    fn finish(&mut self, walk: &mut Walk<'_>) {
        let Some(building) = walk.current.take() else { return };
        let frames = std::mem::take(&mut walk.frames);
        let context = (frames.as_slice(), walk.pending.depth, walk.pending.within);
        let scripts = building.scripts.clone();
        let is_empty = building.is_empty();
        let number = self.script.commands.len();
        if !is_empty {
            self.command(building, context);
        }
        for (offset, text) in scripts {
            self.pending.push_back(Pending {
                text,
                place: walk.place(offset),
                depth: walk.pending.depth.saturating_add(1),
                within: if is_empty { walk.pending.within } else { Some(number) },
            });
        }
        walk.frames = frames;
    }

    /// Takes a command down, and puts aside the scripts that it runs.
    fn command(
        &mut self,
        building: Building,
        (frames, depth, within): (&[Frame], usize, Option<usize>),
    ) {
        let Building { at, assignments, words, redirects, bodies, .. } = building;
        let path = frames.iter().map(|frame| (frame.pipeline, frame.segment)).collect();
        let command = Command { at, assignments, words, redirects, path, within };
        self.remember(&command);
        let number = self.script.commands.len();
        let scripts = run_by(&command).into_iter().map(|word| {
            let text = word.text().to_owned();
            (Place::At(word.at), text)
        });
        let is_script = command.words.is_empty() || command.is_shell();
        let bodies = bodies.into_iter().filter(|(_, body)| is_script && is_for_shell(body));
        let pending = scripts.chain(bodies).map(|(place, text)| Pending {
            text,
            place,
            depth: depth.saturating_add(1),
            within: Some(number),
        });
        self.pending.extend(pending);
        self.script.commands.push(command);
    }

    /// Remembers the variables that a command sets for those after it.
    fn remember(&mut self, command: &Command) {
        let known = |word: &Word| match &word.value {
            Expanded::Known(text) => Variable::Set(text.as_str().into()),
            Expanded::Unknown { .. } => Variable::Unknown,
        };
        if command.words.is_empty() {
            let set = command.assignments.iter().map(|(name, word)| (name.clone(), known(word)));
            self.locals.extend(set);
            return;
        }
        let Some((name, arguments)) = command.program() else { return };
        for argument in arguments {
            match (name, lexer::assignment(argument.text())) {
                ("export" | "declare" | "local" | "readonly" | "typeset", Some((name, value))) => {
                    let value = match argument.value {
                        Expanded::Known(_) => Variable::Set(value.into()),
                        Expanded::Unknown { .. } => Variable::Unknown,
                    };
                    self.locals.insert(name.to_owned(), value);
                }
                ("read" | "unset", _) => {
                    self.locals.insert(argument.text().to_owned(), Variable::Unknown);
                }
                _ => {}
            }
        }
    }
}

/// The words of a command that are scripts themselves: `sh -c WORD`, `su -c WORD`, `eval WORD`.
fn run_by(command: &Command) -> Vec<&Word> {
    let Some((name, arguments)) = command.program() else { return Vec::new() };
    if name == "eval" {
        return arguments.iter().collect();
    }
    if !(command.is_shell() || name == "su" || name == "runuser") {
        return Vec::new();
    }
    let is_option = |word: &Word| {
        let text = word.text();
        text == "--command"
            || (text.starts_with('-') && !text.starts_with("--") && text.ends_with('c'))
    };
    let option = arguments.iter().position(is_option);
    option.and_then(|at| arguments.get(at.saturating_add(1))).into_iter().collect()
}

/// Whether a here-document that is run is for a shell.
fn is_for_shell(body: &str) -> bool {
    let Some(interpreter) = body.strip_prefix("#!") else { return true };
    let line = interpreter.lines().next().unwrap_or_default();
    let mut words = line.split_whitespace().map(super::base_name);
    words.any(|word| super::SHELLS.contains(&word))
}
