//! From tokens to commands.

use super::{
    COMMANDS, Command, DEPTH, Files, LENGTH, Script, Word,
    lexer::{self, Lexed, Part, Quoting, Token, Tokens},
    locals::{Certainty, Locals},
    walk::{Assigned, Building, Candidate, Expects, Frame, Header, Pending, Place, Reading, Walk},
};
use crate::dockerfile::{
    expand::{Expanded, Variable},
    instruction::Heredoc,
    lines::Position,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What a script is read with.
pub(in crate::dockerfile) struct Shell<'a> {
    /// What is known of the variables of the instruction.
    pub(in crate::dockerfile) lookup: &'a dyn Fn(&str) -> Variable,
    /// The here-documents of the instruction.
    pub(in crate::dockerfile) heredocs: &'a [Heredoc],
    /// What here-documents of steps before it have written.
    pub(in crate::dockerfile) files: &'a Files,
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
        locals: Locals::default(),
    });
    reader.run(position)
}

/// What a list of words runs, without a shell.
pub(in crate::dockerfile) fn exec(shell: &Shell<'_>, words: &[String], at: Position) -> Script {
    let mut reader = Reader::new(shell);
    let word = |text: &String| Candidate {
        word: Word { at, written: text.clone(), value: Expanded::Known(text.clone()) },
        others: Vec::new(),
        splits: false,
    };
    let words = words.iter().map(word).collect();
    let context = Context { path: vec![(0, 0)], depth: 0, within: None, locals: Locals::default() };
    reader.command(&Building { words, ..Building::new(at) }, &context);
    reader.run(&|_| at)
}

/// Where a command stands.
pub(super) struct Context {
    pub(super) path: Vec<(usize, usize)>,
    pub(super) depth: usize,
    pub(super) within: Option<usize>,
    /// What is set there.
    pub(super) locals: Locals,
}

/// Reads scripts, each of which may name others.
pub(super) struct Reader<'a> {
    pub(super) shell: &'a Shell<'a>,
    pub(super) script: Script,
    pub(super) pending: VecDeque<Pending>,
    /// Here-documents that commands may hand on, by the number of the command.
    pub(super) bodies: BTreeMap<usize, Vec<(Place, String)>>,
    /// Files that were read because they are run: each once.
    pub(super) ran: BTreeSet<String>,
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
            bodies: BTreeMap::new(),
            ran: BTreeSet::new(),
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
            locals: pending.locals.clone(),
            is_conditional: false,
            is_open: false,
        };
        for (at, token) in tokens {
            if self.script.commands.len() >= COMMANDS || walk.frames.len() > NESTING {
                let limits = format!("{COMMANDS} commands, or {NESTING} brackets");
                return self.untold(place(at), format!("reading ended here, after {limits}"));
            }
            let is_open = std::mem::take(&mut walk.is_open);
            match token {
                // A line may end behind `|`, `&&` and `||`.
                Token::Operator("\n") if is_open => walk.is_open = true,
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
                let unknown = vec![Variable::Unknown];
                self.set(&mut walk.locals, name.unwrap_or_default(), (unknown, Certainty::Always));
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
                let word = Word { at, written, value };
                let candidate = Candidate { word, others: Vec::new(), splits: false };
                walk.building_at(at).words.push(candidate);
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
                // What a part of a pipe sets is gone with its shell.
                walk.is_conditional = true;
                walk.is_open = true;
                self.finish(walk);
                if let Some(frame) = walk.frames.last_mut() {
                    frame.segment = frame.segment.saturating_add(1);
                }
            }
            _ => {
                walk.is_conditional |= operator == "&";
                self.finish(walk);
                walk.is_conditional = matches!(operator, "&&" | "||");
                walk.is_open = walk.is_conditional;
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
        walk.building_at(at).redirects.push((operator, to));
        if operator.starts_with("<<") && operator != "<<<" {
            let body = walk.bodies.pop_front();
            let body = body.map(|(offset, body)| (walk.place_of_body(offset), body));
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
        let certainty = walk.certainty();
        let building = walk.building_at(at);
        let written = expanded.word.written.clone();
        let assignment = lexer::assignment(&written);
        let is_first_bare =
            matches!(word.parts.first(), Some(Part::Text(text)) if text.contains('='));
        match assignment {
            Some((name, written)) if building.words.is_empty() && is_first_bare => {
                let value = |value: &Expanded| match value {
                    Expanded::Known(text) => {
                        Expanded::Known(lexer::assignment(text).map_or("", |(_, v)| v).to_owned())
                    }
                    Expanded::Unknown { .. } => value.clone(),
                };
                let others = expanded.others.iter().map(value).collect();
                let is_added = expanded.word.written.starts_with(&format!("{name}+"));
                let word =
                    Word { at, written: written.to_owned(), value: value(&expanded.word.value) };
                building.assignments.push(Assigned {
                    name: name.to_owned(),
                    value: Candidate { word, others, splits: false },
                    certainty: if is_added { Certainty::Perhaps } else { certainty },
                });
            }
            _ => {
                // What stands bare is split where its value has blanks.
                let is_bare = matches!(word.parts.as_slice(), [Part::Variable(_)]);
                let splits = is_bare && word.quoting == Quoting::Bare;
                building.words.push(Candidate { splits, ..expanded });
            }
        }
    }

    /// Puts the scripts in a word aside, for the command that is in the making.
    pub(super) fn inner_scripts(walk: &mut Walk<'_>, word: &Lexed) {
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
        let Some(building) = walk.current.take() else {
            return;
        };
        let scripts = building.scripts.clone();
        let is_empty = building.is_empty();
        let number = self.script.commands.len();
        let before = walk.locals.clone();
        if !is_empty {
            let context = Context {
                path: walk.frames.iter().map(|frame| (frame.pipeline, frame.segment)).collect(),
                depth: walk.pending.depth,
                within: walk.pending.within,
                locals: self.remember(walk, &building),
            };
            self.command(&building, &context);
        }
        for (offset, text) in scripts {
            self.pending.push_back(Pending {
                text,
                place: walk.place(offset),
                depth: walk.pending.depth.saturating_add(1),
                within: if is_empty { walk.pending.within } else { Some(number) },
                locals: before.clone(),
            });
        }
    }

    /// Takes a command down in every way to read it, and puts aside the scripts that it runs.
    fn command(&mut self, building: &Building, context: &Context) {
        let mut bodies = building.bodies.clone();
        for Reading { assignments, words, redirects } in building.readings() {
            let (path, within) = (context.path.clone(), context.within);
            let command = Command { at: building.at, assignments, words, redirects, path, within };
            self.take(command, std::mem::take(&mut bodies), context);
        }
    }
}
