//! The stages of a Dockerfile, read instruction by instruction with the variables that each of them sees.

use super::{
    build::{Healthcheck, Input, InputKind, Source, Stage, image},
    expand::{self, Expanded, Variable},
    instruction::{Form, Instruction},
    lines::{Document, Problem},
    shell::{self, Files},
    step::{Argument, Step, View},
    words,
};
use crate::facts::Facts;
use plimsoll_model::platform::Platform;
use std::{collections::BTreeMap, rc::Rc};

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
        triggers: 0,
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
    /// What here-documents have written.
    files: Rc<Files>,
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
    /// Steps that stages ran because the stage below says so with `ONBUILD`.
    triggers: usize,
}

/// Where the name of an input is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    /// Among the stages of the file, then among images.
    Stages,
    /// Among images: the stages are those of a file that is not known.
    Images,
}

/// Stages of one file that are told apart.
pub(super) const STAGES: usize = 200;
/// Steps of one file that stages run because the stage below says so with `ONBUILD`.
const TRIGGERS: usize = 1_000;
/// Files that here-documents of one stage write, and that are remembered.
const FILES: usize = 64;
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
                return self.triggered(instruction);
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
        let inputs = match &step.triggered {
            Some(triggered) => self.inputs(triggered, Names::Images),
            None => self.inputs(&step, Names::Stages),
        };
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
            "SHELL" => stage.shell = interpreter(instruction),
            _ => {}
        }
        if let Some(scope) = self.scopes.last_mut().filter(|_| !step.script.files.is_empty()) {
            let files = Rc::make_mut(&mut scope.files);
            let room = FILES.saturating_sub(files.len());
            let written = step.script.files.iter().take(room);
            files.extend(
                written.map(|(path, text)| (shell::base_name(path).to_owned(), Rc::clone(text))),
            );
        }
        stage.steps.push(step);
        Ok(())
    }

    /// Runs what the stage below says with `ONBUILD`, as BuildKit does for a stage of the same file.
    fn triggered(&mut self, from: &Instruction) -> Result<(), Problem> {
        let Some(Source::Stage(number)) = self.stages.last().map(|stage| &stage.from.source) else {
            return Ok(());
        };
        let steps = self.stages.get(*number).into_iter().flat_map(|stage| &stage.steps);
        let triggers: Vec<_> = steps
            .filter_map(|step| step.instruction.triggered.as_deref())
            .take(TRIGGERS.saturating_add(1).saturating_sub(self.triggers))
            .cloned()
            .collect();
        self.triggers = self.triggers.saturating_add(triggers.len());
        if self.triggers > TRIGGERS {
            let message = format!("stages run more than {TRIGGERS} steps of `ONBUILD`");
            return Err(Problem { at: from.at, found: "FROM".to_owned(), message });
        }
        // What they take files from is told where they run.
        let number = *number;
        if let Some(below) = self.stages.get_mut(number) {
            let is_own = |input: &Input| {
                let mut steps = below.steps.iter().filter_map(|step| step.triggered.as_deref());
                !steps.any(|step| step.flags.iter().any(|flag| flag.at == input.at))
            };
            let mut inputs = std::mem::take(&mut below.inputs);
            inputs.retain(is_own);
            below.inputs = inputs;
        }
        triggers.iter().try_for_each(|instruction| self.read(instruction))
    }

    /// Where the instructions of the stage go that is read; before the first, those in front of it.
    fn steps(&mut self) -> &mut Vec<Step> {
        self.stages.last_mut().map_or(&mut self.before, |stage| &mut stage.steps)
    }

    fn step(&self, instruction: &Instruction) -> Step {
        let lookup = |name: &str| self.variable(name);
        // A build that starts from the image has arguments of its own, and the variables of the image.
        let of_child = |name: &str| {
            let env = self.scopes.last().and_then(|scope| scope.env.get(name));
            env.cloned().unwrap_or(Variable::Unknown)
        };
        let triggered = instruction.triggered.as_deref();
        let triggered = triggered.map(|triggered| self.viewed(triggered, &of_child));
        Step { triggered: triggered.map(Box::new), ..self.viewed(instruction, &lookup) }
    }

    fn viewed(&self, instruction: &Instruction, lookup: &dyn Fn(&str) -> Variable) -> Step {
        let shell = self.stages.last().and_then(|stage| stage.shell.as_deref());
        let none = Files::new();
        let files = self.scopes.last().map_or(&none, |scope| scope.files.as_ref());
        Step::of(instruction, &View { escape: self.escape, lookup, shell, files })
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
        });
    }

    fn stage_named(&self, name: &str) -> Option<Source> {
        // The last of that name is meant.
        self.stages.iter().rposition(|stage| stage.is_named(name)).map(Source::Stage)
    }

    /// What a step takes files from.
    fn inputs(&self, step: &Step, names: Names) -> Vec<Input> {
        let input = |kind, at, written: &str, value: &Expanded| {
            let source = self.source(value, names);
            Input { kind, at, written: written.to_owned(), source }
        };
        let copied = |flag: &Argument| {
            let (written, value) = (flag.written.as_deref()?, flag.value.as_ref()?);
            Some(input(InputKind::Copy, flag.at, written, value))
        };
        let mounted = step.mounts.iter().filter_map(|mount| {
            let (written, value) = (mount.written(&["from"])?, mount.value(&["from"])?);
            Some(input(InputKind::Mount, mount.at, written, value))
        });
        let copies = step.flags.iter().filter(|flag| flag.name.as_deref() == Some("from"));
        let copies = copies.filter(|_| step.keyword() == "COPY").filter_map(copied);
        copies.chain(mounted).collect()
    }

    fn source(&self, name: &Expanded, names: Names) -> Source {
        let name = match name {
            Expanded::Unknown { variable } => {
                return Source::Unresolved { variable: variable.clone() };
            }
            Expanded::Known(name) => name,
        };
        let numbered = || {
            let number = name.parse().ok()?;
            (number < self.stages.len()).then_some(Source::Stage(number))
        };
        let stage = match names {
            Names::Stages => self.stage_named(name).or_else(numbered),
            Names::Images => None,
        };
        stage.unwrap_or_else(|| image(name))
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
fn interpreter(instruction: &Instruction) -> Option<Vec<String>> {
    match &instruction.form {
        Form::Json(list) => Some(list.clone()),
        Form::Shell => None,
    }
}
