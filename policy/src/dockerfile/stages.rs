//! The stages of a Dockerfile, read instruction by instruction with the variables that each of them sees.

use super::{
    build::{Healthcheck, Input, InputKind, Source, Stage, image},
    expand::{self, Expanded, Variable},
    instruction::{Form, Instruction},
    lines::{Document, Problem},
    shell::{Command, Script, Word},
    step::{Step, View},
    words,
};
use crate::facts::Facts;
use plimsoll_model::platform::Platform;
use std::collections::{BTreeMap, BTreeSet};

/// What a document says, stage by stage.
pub(super) struct Stages {
    /// What stands in front of the first.
    pub(super) before: Vec<Step>,
    /// In order.
    pub(super) all: Vec<Stage>,
    /// What is wrong with their order.
    pub(super) problems: Vec<Problem>,
}

/// The stages of a document.
pub(super) fn read(document: &Document, facts: &Facts<'_>) -> Stages {
    let mut reader = Reader {
        escape: document.escape,
        build_args: facts.build_args,
        platform: facts.image.map(|image| &image.platform),
        globals: BTreeMap::new(),
        before: Vec::new(),
        stages: Vec::new(),
        scopes: Vec::new(),
    };
    let instructions = document.instructions.iter();
    let problems = instructions.filter_map(|instruction| reader.read(instruction).err()).collect();
    Stages { before: reader.before, all: reader.stages, problems }
}

/// Variables of one stage.
#[derive(Debug, Clone, Default)]
struct Scope {
    /// `ENV`, which stages inherit and which wins over `ARG`.
    env: BTreeMap<String, Variable>,
    args: BTreeMap<String, Variable>,
    /// Whether an image below may have set variables that the file does not mention.
    below: Below,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Below {
    #[default]
    Image,
    Scratch,
}

/// Reads the instructions, in order.
struct Reader<'a> {
    escape: char,
    build_args: &'a BTreeMap<String, String>,
    platform: Option<&'a Platform>,
    /// `ARG` in front of the first `FROM`.
    globals: BTreeMap<String, Variable>,
    /// The same, as they stand there.
    before: Vec<Step>,
    stages: Vec<Stage>,
    /// One for each stage.
    scopes: Vec<Scope>,
}

/// Stages of one file that are told apart.
pub(super) const STAGES: usize = 200;
/// Arguments that every build has without declaring them, and that are empty unless given.
const PROXIES: [&str; 6] =
    ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY", "SOURCE_DATE_EPOCH"];

impl Reader<'_> {
    fn read(&mut self, instruction: &Instruction) -> Result<(), Problem> {
        match instruction.keyword.as_str() {
            "FROM" if self.stages.len() >= STAGES => {
                let message = format!("there are more than {STAGES} stages");
                return Err(Problem { at: instruction.at, found: "FROM".to_owned(), message });
            }
            "FROM" => {
                self.from(instruction);
                return Ok(());
            }
            "ARG" => {
                let step = self.step(instruction);
                self.arg(instruction);
                self.steps().push(step);
                return Ok(());
            }
            keyword if self.stages.is_empty() => {
                let message = format!("`{keyword}` stands before the first `FROM`");
                let found = keyword.to_owned();
                return Err(Problem { at: instruction.at, found, message });
            }
            _ => {}
        }
        let step = self.step(instruction);
        let inputs = self.inputs(instruction);
        let user = (instruction.keyword == "USER").then(|| self.expand(&instruction.text));
        if instruction.keyword == "ENV" {
            self.env(instruction);
        }
        let Some(stage) = self.stages.last_mut() else { return Ok(()) };
        stage.inputs.extend(inputs);
        if let Some(user) = user {
            stage.user = Some((instruction.at, user));
        }
        match instruction.keyword.as_str() {
            "HEALTHCHECK" => {
                let word = instruction.words().next().unwrap_or_default();
                let is_none = word.eq_ignore_ascii_case("NONE");
                let kind = if is_none { Healthcheck::None } else { Healthcheck::Command };
                stage.healthcheck = Some((instruction.at, kind));
            }
            "RUN" => stage.root_names.extend(root_names(&step.script)),
            "SHELL" => stage.shell = shell(instruction),
            _ => {}
        }
        stage.steps.push(step);
        Ok(())
    }

    /// Where the instructions of the stage go that is read; before the first, those in front of it.
    fn steps(&mut self) -> &mut Vec<Step> {
        self.stages.last_mut().map_or(&mut self.before, |stage| &mut stage.steps)
    }

    fn step(&self, instruction: &Instruction) -> Step {
        let shell = self.stages.last().and_then(|stage| stage.shell.as_deref());
        let lookup = |name: &str| self.variable(name);
        Step::of(instruction, &View { escape: self.escape, lookup: &lookup, shell })
    }

    fn from(&mut self, instruction: &Instruction) {
        let mut words = instruction.words();
        let written = words.next().unwrap_or_default().to_owned();
        let expanded = expand::expand(&written, self.escape, &|name| self.global(name));
        let source = match expanded {
            Expanded::Unknown { variable } => Source::Unresolved { variable },
            Expanded::Known(name) => self.stage_named(&name).unwrap_or_else(|| image(&name)),
        };
        let scope = match &source {
            Source::Stage(number) => {
                let inherited = self.scopes.get(*number).cloned().unwrap_or_default();
                Scope { args: BTreeMap::new(), ..inherited }
            }
            Source::Scratch => Scope { below: Below::Scratch, ..Scope::default() },
            Source::Image(_) | Source::Malformed(_) | Source::Unresolved { .. } => Scope::default(),
        };
        let shell = match &source {
            Source::Stage(number) => self.stages.get(*number).and_then(|stage| stage.shell.clone()),
            Source::Scratch
            | Source::Image(_)
            | Source::Malformed(_)
            | Source::Unresolved { .. } => None,
        };
        self.scopes.push(scope);
        self.stages.push(Stage {
            name: words.nth(1).map(str::to_ascii_lowercase),
            at: instruction.at,
            from: Input { kind: InputKind::From, at: instruction.text_at, written, source },
            platform: instruction.flag("platform").cloned(),
            inputs: Vec::new(),
            user: None,
            healthcheck: None,
            steps: Vec::new(),
            shell,
            root_names: BTreeSet::new(),
        });
    }

    fn stage_named(&self, name: &str) -> Option<Source> {
        // The last of that name is meant.
        self.stages.iter().rposition(|stage| stage.is_named(name)).map(Source::Stage)
    }

    fn inputs(&self, instruction: &Instruction) -> Vec<Input> {
        let kind = match instruction.keyword.as_str() {
            "COPY" => InputKind::Copy,
            "RUN" => InputKind::Mount,
            _ => return Vec::new(),
        };
        let names = instruction.flags.iter().filter_map(|flag| {
            let value = flag.value.as_deref().unwrap_or_default();
            let name = match (kind, flag.name.as_str()) {
                (InputKind::Copy, "from") => value,
                (InputKind::Mount, "mount") => {
                    let mut fields =
                        value.split(',').rev().filter_map(|field| field.split_once('='));
                    fields.find(|(key, _)| key.trim().eq_ignore_ascii_case("from"))?.1
                }
                _ => return None,
            };
            Some((flag.at, name.to_owned()))
        });
        names
            .map(|(at, written)| {
                let source = match self.expand(&written) {
                    Expanded::Unknown { variable } => Source::Unresolved { variable },
                    Expanded::Known(name) => self
                        .stage_named(&name)
                        .or_else(|| {
                            let number = name.parse().ok()?;
                            (number < self.stages.len()).then_some(Source::Stage(number))
                        })
                        .unwrap_or_else(|| image(&name)),
                };
                Input { kind, at, written, source }
            })
            .collect()
    }

    fn arg(&mut self, instruction: &Instruction) {
        for (name, default) in assignments(instruction, self.escape) {
            let value = match (self.build_args.get(&name), default) {
                (Some(given), _) => Variable::Set(given.as_str().into()),
                (None, Some(default)) => variable(self.expand(&default)),
                // Declared here, valued in front of the first `FROM`, by the builder, or by nobody that is known.
                (None, None) if self.scopes.is_empty() => Variable::Unknown,
                (None, None) => match self.globals.get(&name) {
                    Some(value) => value.clone(),
                    None => self.built_in(&name).unwrap_or(Variable::Unknown),
                },
            };
            let args = match self.scopes.last_mut() {
                Some(scope) => &mut scope.args,
                None => &mut self.globals,
            };
            args.insert(name, value);
        }
    }

    fn env(&mut self, instruction: &Instruction) {
        let pairs: Vec<_> = match instruction.words().next() {
            // The old form: `ENV name value`.
            Some(name) if !name.contains('=') => {
                let value = instruction.text.strip_prefix(name).unwrap_or_default().trim();
                vec![(name.to_owned(), Some(value.to_owned()))]
            }
            _ => assignments(instruction, self.escape),
        };
        let values: Vec<_> = pairs
            .into_iter()
            .map(|(name, value)| (name, variable(self.expand(&value.unwrap_or_default()))))
            .collect();
        if let Some(scope) = self.scopes.last_mut() {
            scope.env.extend(values);
        }
    }

    fn expand(&self, text: &str) -> Expanded {
        expand::expand(text, self.escape, &|name| self.variable(name))
    }

    fn variable(&self, name: &str) -> Variable {
        let Some(scope) = self.scopes.last() else { return self.global(name) };
        match (scope.env.get(name).or_else(|| scope.args.get(name)), scope.below) {
            (Some(value), _) => value.clone(),
            (None, Below::Scratch) => Variable::Unset,
            (None, Below::Image) => Variable::Unknown,
        }
    }

    /// A variable as `FROM` sees it.
    fn global(&self, name: &str) -> Variable {
        match self.globals.get(name) {
            Some(value) => value.clone(),
            None => self.built_in(name).unwrap_or(Variable::Unset),
        }
    }

    /// What the builder itself sets.
    fn built_in(&self, name: &str) -> Option<Variable> {
        if PROXIES.contains(&name.to_ascii_uppercase().as_str()) {
            let given = self.build_args.get(name).cloned();
            return Some(given.map_or(Variable::Unset, |given| Variable::Set(given.into())));
        }
        if let Some(given) = self.build_args.get(name) {
            return Some(Variable::Set(given.as_str().into()));
        }
        let target = |value: &dyn Fn(&Platform) -> String| {
            self.platform
                .map_or(Variable::Unknown, |platform| Variable::Set(value(platform).into()))
        };
        match name {
            "TARGETPLATFORM" => Some(target(&Platform::to_string)),
            "TARGETOS" => Some(target(&|platform| platform.os.clone())),
            "TARGETARCH" => Some(target(&|platform| platform.architecture.clone())),
            "TARGETVARIANT" => {
                Some(target(&|platform| platform.variant.clone().unwrap_or_default()))
            }
            "BUILDPLATFORM" | "BUILDOS" | "BUILDARCH" | "BUILDVARIANT" | "TARGETSTAGE" => {
                Some(Variable::Unknown)
            }
            _ => None,
        }
    }
}

fn variable(expanded: Expanded) -> Variable {
    match expanded {
        Expanded::Known(value) => Variable::Set(value.into()),
        Expanded::Unknown { .. } => Variable::Unknown,
    }
}

/// `name=value` words; quotes stay, because they are part of what is expanded.
fn assignments(instruction: &Instruction, escape: char) -> Vec<(String, Option<String>)> {
    words::quoted(&instruction.text, escape)
        .into_iter()
        .map(|word| match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (word, None),
        })
        .collect()
}

/// The program and its options that scripts are run by from here on.
fn shell(instruction: &Instruction) -> Option<Vec<String>> {
    match &instruction.form {
        Form::Json(list) => Some(list.clone()),
        Form::Shell => None,
    }
}

/// Names in `useradd -u 0 NAME` and its like.
fn root_names(script: &Script) -> Vec<String> {
    script.commands.iter().filter_map(root_name).collect()
}

fn root_name(command: &Command) -> Option<String> {
    let (program, arguments) = command.program()?;
    let words: Vec<&str> = arguments.iter().map(Word::text).collect();
    let is_creating = ["useradd", "adduser", "usermod"].contains(&program);
    let is_root = |pair: (&&str, &&str)| {
        matches!(*pair.0, "-u" | "--uid") && is_zero(pair.1)
            || ["-u", "--uid="].iter().any(|flag| pair.0.strip_prefix(flag).is_some_and(is_zero))
    };
    let has_zero = words.iter().zip(words.iter().skip(1)).any(is_root);
    (is_creating && has_zero).then(|| words.last().map(|name| (*name).to_owned())).flatten()
}

fn is_zero(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte == b'0')
}
