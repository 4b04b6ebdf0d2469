//! What becomes of a command that has been read: it is taken down, and the scripts that it runs are put aside.

use super::{
    Command, DEPTH, Foreign, base_name,
    reader::{Context, Reader},
    run::{self, Input, Printed, Runs},
    walk::{Pending, Place},
};
use crate::dockerfile::{instruction::Heredoc, lines::Position};
use std::rc::Rc;

impl Reader<'_> {
    /// Takes a command down, and puts aside the scripts that it runs.
    pub(super) fn take(
        &mut self,
        command: Command,
        bodies: Vec<(Place, String)>,
        context: &Context,
    ) {
        let mut runs = run::of(&command);
        let number = self.script.commands.len();
        if command.words.is_empty() {
            runs.input = Input::Script;
        }
        let mut scripts: Vec<_> =
            runs.texts.drain(..).map(|(at, text)| (Place::At(at), text)).collect();
        match runs.input {
            Input::Script => {
                let given = command.redirects.iter().filter(|from| from.operator == "<<<");
                scripts
                    .extend(given.map(|from| (Place::At(from.to.at), from.to.text().to_owned())));
                scripts.extend(self.fed(&command));
            }
            Input::Data | Input::Foreign => {}
        }
        scripts.extend(runs.file.as_deref().and_then(|file| self.file(file)));
        scripts.extend(self.scripts_of(&command, &runs, bodies));
        self.script.untold.append(&mut runs.untold);
        self.script.foreign.append(&mut runs.foreign);
        let at = command.at;
        let path = command.path.clone();
        self.script.commands.push(command);
        self.pending.extend(scripts.into_iter().map(|(place, text)| Pending {
            text,
            place,
            depth: context.depth.saturating_add(1),
            within: Some(number),
            locals: context.locals.clone(),
        }));
        for words in runs.commands.into_iter().filter(|_| context.depth <= DEPTH) {
            let (assignments, redirects) = (Vec::new(), Vec::new());
            let within = Some(number);
            let started = Command { at, assignments, words, redirects, path: path.clone(), within };
            let depth = context.depth.saturating_add(1);
            let context =
                Context { path: path.clone(), depth, within, locals: context.locals.clone() };
            self.take(started, Vec::new(), &context);
        }
    }

    /// The here-documents of a command that are scripts for a shell; others are remembered for what they are.
    fn scripts_of(
        &mut self,
        command: &Command,
        runs: &Runs,
        bodies: Vec<(Place, String)>,
    ) -> Vec<(Place, String)> {
        let is_script =
            command.words.is_empty() || command.is_shell() || runs.input == Input::Script;
        let mut scripts = Vec::new();
        for (place, body) in bodies {
            let interpreter = match runs.input {
                Input::Foreign => command.program().map(|(name, _)| name.to_owned()),
                Input::Data | Input::Script if is_script => run::for_whom(&body).err(),
                Input::Data | Input::Script => None,
            };
            if let Some(interpreter) = interpreter {
                self.script.foreign.push(Foreign { at: command.at, interpreter, text: body });
            } else if is_script {
                scripts.push((place, body));
            } else {
                self.written(command, (place, &body));
                let number = self.script.commands.len();
                self.bodies.entry(number).or_default().push((place, body));
            }
        }
        scripts
    }

    /// Remembers a here-document that a command writes to a file.
    fn written(&mut self, command: &Command, (place, body): (Place, &str)) {
        let redirected = command.redirects.iter().filter(|to| to.operator.starts_with('>'));
        let teed = command.arguments_of("tee").unwrap_or_default();
        let teed = teed.iter().filter(|word| !word.text().starts_with('-'));
        let line = match place {
            Place::Lines(line) => line,
            Place::At(at) => at.line,
            Place::Offset(_) => command.at.line,
        };
        let mut heads =
            command.redirects.iter().filter(|from| matches!(from.operator, "<<" | "<<-"));
        let name = heads.next().map_or("", |head| head.to.text());
        let heredoc = Heredoc { name: name.to_owned(), content: body.to_owned(), line };
        let heredoc = Rc::new(heredoc);
        for to in redirected.map(|redirect| &redirect.to).chain(teed) {
            self.script.files.push((to.text().to_owned(), Rc::clone(&heredoc)));
        }
    }

    /// The script in a file that is run, where a here-document has written it.
    fn file(&mut self, path: &str) -> Option<(Place, String)> {
        let name = base_name(path);
        let mut own = self.script.files.iter().rev();
        let own = own.find(|(written, _)| base_name(written) == name).map(|(_, text)| text);
        let heredoc = Rc::clone(own.or_else(|| self.shell.files.get(name))?);
        if !self.ran.insert(name.to_owned()) {
            return None;
        }
        match run::for_whom(&heredoc.content) {
            Ok(()) => Some((Place::Lines(heredoc.line), heredoc.content.clone())),
            Err(interpreter) => {
                let at = Position { line: heredoc.line, column: 1 };
                let text = heredoc.content.clone();
                self.script.foreign.push(Foreign { at, interpreter, text });
                None
            }
        }
    }

    /// What the part of a pipe just before a shell prints.
    fn fed(&mut self, shell: &Command) -> Vec<(Place, String)> {
        let mut found = Vec::new();
        let outermost = shell.path.first().map(|(pipeline, _)| *pipeline);
        for (number, other) in self.script.commands.iter().enumerate().rev() {
            if other.path.first().map(|(pipeline, _)| *pipeline) != outermost {
                break;
            }
            if !other.is_just_before(shell) {
                continue;
            }
            match run::printed(other) {
                Some(Printed::Text(at, text)) => found.push((Place::At(at), text)),
                Some(Printed::Bodies) => {
                    let bodies = self.bodies.get(&number).into_iter().flatten();
                    found.extend(bodies.cloned());
                    let given = other.redirects.iter().filter(|from| from.operator == "<<<");
                    found.extend(
                        given.map(|from| (Place::At(from.to.at), from.to.text().to_owned())),
                    );
                }
                Some(Printed::Untold(at, written)) => {
                    let what = format!("a shell is fed `{written}`, whose value is not known");
                    self.script.untold.push((at, what));
                }
                None => {}
            }
        }
        found.reverse();
        found
    }
}
