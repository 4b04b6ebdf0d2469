//! What a Dockerfile builds: its stages, the images that go in, and how the result runs.

use super::{
    expand::{self, Expanded, Variable},
    instruction::{Form, Instruction},
    lines::{Document, Position, Problem},
    words,
};
use crate::facts::{Dockerfile, Facts};
use camino::Utf8PathBuf;
use plimsoll_model::{
    platform::Platform,
    reference::{ImageName, ReferenceError},
};
use std::collections::{BTreeMap, BTreeSet};

/// What one Dockerfile builds.
#[derive(Debug, Clone)]
pub struct Build {
    /// The file.
    pub path: Utf8PathBuf,
    /// What could not be read of it.
    pub problems: Vec<Problem>,
    /// The frontend that `# syntax=` asks for.
    pub frontend: Option<Input>,
    /// The stages, in order.
    pub stages: Vec<Stage>,
    /// The stage that is built; the name that was asked for where there is no such stage.
    pub target: Result<usize, String>,
}

/// One stage.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Its name, in lower case.
    pub name: Option<String>,
    /// Where its `FROM` stands.
    pub at: Position,
    /// What it starts from.
    pub from: Input,
    /// Other images that files are taken from.
    pub inputs: Vec<Input>,
    /// The last `USER`, and where it stands.
    pub user: Option<(Position, Expanded)>,
    /// The last `HEALTHCHECK`, and where it stands.
    pub healthcheck: Option<(Position, Healthcheck)>,
    /// Users that it creates with the id 0.
    root_names: BTreeSet<String>,
}

/// What a `HEALTHCHECK` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Healthcheck {
    /// There is a command.
    Command,
    /// `NONE`.
    None,
}

/// Something that a build takes files from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// How it is named.
    pub kind: InputKind,
    /// Where it is named.
    pub at: Position,
    /// As written.
    pub written: String,
    /// What it is.
    pub source: Source,
}

/// How an input is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputKind {
    /// `FROM`.
    From,
    /// `COPY --from`.
    Copy,
    /// `RUN --mount=…,from=`.
    Mount,
    /// `# syntax=`.
    Frontend,
}

/// What an input is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A stage of the same file.
    Stage(usize),
    /// Nothing.
    Scratch,
    /// An image.
    Image(ImageName),
    /// No image at all.
    Malformed(ReferenceError),
    /// It depends on a variable whose value is not known here.
    Unresolved {
        /// Which.
        variable: String,
    },
}

/// The user that a stage runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum User<'b> {
    /// A `USER` says so.
    Set {
        /// Where it stands.
        at: Position,
        /// What it says.
        user: &'b Expanded,
    },
    /// No `USER` says so, and this image decides.
    OfImage(&'b Input),
    /// No `USER` says so, and there is nothing below.
    OfScratch(&'b Input),
}

impl InputKind {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::From => "FROM",
            Self::Copy => "COPY --from",
            Self::Mount => "RUN --mount from",
            Self::Frontend => "# syntax",
        }
    }
}

impl Build {
    /// What `file` builds with the arguments and the target of `facts`.
    pub fn of(file: &Dockerfile, facts: &Facts<'_>) -> Self {
        let document = Document::parse(&file.text);
        let mut reader = Reader {
            escape: document.escape,
            build_args: facts.build_args,
            platform: facts.image.map(|image| &image.platform),
            globals: BTreeMap::new(),
            stages: Vec::new(),
            scopes: Vec::new(),
        };
        let mut problems = document.problems;
        for instruction in &document.instructions {
            if let Err(problem) = reader.read(instruction) {
                problems.push(problem);
            }
        }
        let stages = reader.stages;
        if stages.is_empty() && problems.is_empty() {
            let at = Position { line: 1, column: 1 };
            let message = "there is no `FROM`".to_owned();
            problems.push(Problem { at, found: "no stage".to_owned(), message });
        }
        problems.sort_by_key(|problem| problem.at);
        let frontend = document.syntax.map(|(written, at)| Input {
            kind: InputKind::Frontend,
            at,
            source: image(&written),
            written,
        });
        let target = target(&stages, facts.target_stage);
        Self { path: file.path.clone(), problems, frontend, stages, target }
    }

    /// Everything that files are taken from, in order, the frontend included.
    pub fn inputs(&self) -> impl Iterator<Item = &Input> {
        let of_stages =
            self.stages.iter().flat_map(|stage| std::iter::once(&stage.from).chain(&stage.inputs));
        self.frontend.iter().chain(of_stages)
    }

    /// The user that a stage runs as.
    pub fn user<'b>(&'b self, stage: &'b Stage) -> User<'b> {
        let mut lowest = &stage.from;
        for stage in self.chain(stage) {
            if let Some((at, user)) = &stage.user {
                return User::Set { at: *at, user };
            }
            lowest = &stage.from;
        }
        match lowest.source {
            Source::Scratch => User::OfScratch(lowest),
            Source::Stage(_)
            | Source::Image(_)
            | Source::Malformed(_)
            | Source::Unresolved { .. } => User::OfImage(lowest),
        }
    }

    /// The health check of a stage, its own or inherited within the file.
    pub fn healthcheck(&self, stage: &Stage) -> Option<(Position, Healthcheck)> {
        self.chain(stage).find_map(|stage| stage.healthcheck)
    }

    /// Whether a stage, or one below it, creates a user of this name with the id 0.
    pub fn creates_as_root(&self, stage: &Stage, name: &str) -> bool {
        self.chain(stage).any(|stage| stage.root_names.contains(name))
    }

    /// The stage, the stage it starts from, and so on. Stages start from earlier ones only.
    fn chain<'b>(&'b self, stage: &'b Stage) -> impl Iterator<Item = &'b Stage> {
        std::iter::successors(Some(stage), |stage| match stage.from.source {
            Source::Stage(number) => self.stages.get(number).filter(|next| next.at < stage.at),
            Source::Scratch
            | Source::Image(_)
            | Source::Malformed(_)
            | Source::Unresolved { .. } => None,
        })
    }
}

fn target(stages: &[Stage], asked: Option<&str>) -> Result<usize, String> {
    let last = stages.len().checked_sub(1).ok_or_else(|| "the last stage".to_owned())?;
    asked.map_or(Ok(last), |asked| {
        let named = stages.iter().position(|stage| stage.is_named(asked));
        named
            .or_else(|| asked.parse().ok().filter(|number| *number < stages.len()))
            .ok_or_else(|| asked.to_owned())
    })
}

impl Stage {
    fn is_named(&self, name: &str) -> bool {
        self.name.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(name))
    }
}

fn image(text: &str) -> Source {
    if text == "scratch" {
        return Source::Scratch;
    }
    text.parse().map_or_else(Source::Malformed, Source::Image)
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
    stages: Vec<Stage>,
    /// One for each stage.
    scopes: Vec<Scope>,
}

/// Stages of one file that are told apart.
const STAGES: usize = 200;
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
                self.arg(instruction);
                return Ok(());
            }
            keyword if self.stages.is_empty() => {
                let message = format!("`{keyword}` stands before the first `FROM`");
                let found = keyword.to_owned();
                return Err(Problem { at: instruction.at, found, message });
            }
            _ => {}
        }
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
            "RUN" => stage.root_names.extend(root_names(instruction)),
            _ => {}
        }
        Ok(())
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
        self.scopes.push(scope);
        self.stages.push(Stage {
            name: words.nth(1).map(str::to_ascii_lowercase),
            at: instruction.at,
            from: Input { kind: InputKind::From, at: instruction.text_at, written, source },
            inputs: Vec::new(),
            user: None,
            healthcheck: None,
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
                    value.split(',').rev().find_map(|field| field.trim().strip_prefix("from="))?
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

/// Names in `useradd -u 0 NAME` and its like.
fn root_names(instruction: &Instruction) -> Vec<String> {
    let joined = match &instruction.form {
        Form::Json(list) => list.join(" "),
        Form::Shell => instruction.text.clone(),
    };
    let here = instruction.heredocs.iter().map(|heredoc| heredoc.content.as_str());
    let scripts: Vec<&str> = std::iter::once(joined.as_str()).chain(here).collect();
    let commands = scripts.iter().flat_map(|script| script.split([';', '&', '|', '\n']));
    commands.filter_map(root_name).collect()
}

fn root_name(command: &str) -> Option<String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let is_creating = words.iter().any(|word| {
        let name = word.rsplit('/').next().unwrap_or(word);
        ["useradd", "adduser", "usermod"].contains(&name)
    });
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

#[cfg(test)]
mod tests {
    use super::*;

    fn build(text: &str) -> Build {
        let build_args = BTreeMap::from([("GIVEN".to_owned(), "given".to_owned())]);
        let facts = Facts {
            image: None,
            inventory: None,
            scan: None,
            dockerfiles: &[],
            target_stage: None,
            build_args: &build_args,
            bases: None,
            evidence: None,
        };
        Build::of(&Dockerfile { path: "Dockerfile".into(), text: text.to_owned() }, &facts)
    }

    #[track_caller]
    fn check_from(text: &str, expect: &str) {
        let build = build(text);
        let found = match &build.stages.last().unwrap().from.source {
            Source::Stage(number) => format!("stage {number}"),
            Source::Scratch => "scratch".to_owned(),
            Source::Image(name) => name.to_string(),
            Source::Malformed(error) => error.to_string(),
            Source::Unresolved { variable } => format!("${variable}"),
        };
        assert_eq!(found, expect, "{text}");
    }

    #[test]
    fn from_sees_arguments_in_front_of_the_first_from_alone() {
        check_from("ARG V=12\nFROM debian:$V", "docker.io/library/debian:12");
        check_from("ARG V=12\nFROM a\nARG V=13\nFROM debian:$V", "docker.io/library/debian:12");
        check_from("FROM a\nARG V=13\nFROM debian:x$V", "docker.io/library/debian:x");
        check_from("ARG GIVEN=default\nFROM debian:$GIVEN", "docker.io/library/debian:given");
        check_from("ARG A=b\nARG C=$A-d\nFROM debian:$C", "docker.io/library/debian:b-d");
        check_from("ARG V\nFROM debian:$V", "$V");
        check_from("FROM debian:$TARGETARCH", "$TARGETARCH");
        check_from("FROM ${BASE:-debian:12}", "docker.io/library/debian:12");
    }

    #[test]
    fn stages_are_named_whatever_the_case_and_only_by_earlier_ones() {
        check_from("FROM debian AS Base\nFROM base", "stage 0");
        check_from("FROM debian AS base\nFROM BASE AS base\nFROM base", "stage 1");
        check_from("FROM debian AS a\nFROM b\nFROM debian AS b\nFROM 0", "docker.io/library/0");
        check_from("FROM base AS base", "docker.io/library/base");
        check_from("FROM scratch", "scratch");
        check_from(
            "FROM a/B",
            "malformed repository `a/B`: expected lower case letters, digits and the separators `.`, `_`, `__`, `-`, `/`",
        );
    }

    #[test]
    fn copies_and_mounts_are_inputs_by_name_number_or_image() {
        let build = build(
            "FROM debian AS a\nFROM a AS b\nCOPY --from=A / /\nCOPY --from=0 / /\nCOPY --from=9 / /\n\
             RUN --mount=type=cache,target=/c --mount=type=bind,from=x.io/y:1,target=/y true\nCOPY / /\n",
        );
        let sources: Vec<_> = build.stages[1].inputs.iter().map(|input| &input.source).collect();
        let image = |text: &str| Source::Image(text.parse().unwrap());
        assert_eq!(
            sources,
            [&Source::Stage(0), &Source::Stage(0), &image("9"), &image("x.io/y:1")]
        );
    }

    #[test]
    fn env_wins_over_arg_and_is_inherited_and_arg_is_not() {
        let user = |text: &str| {
            let build = build(text);
            let User::Set { user, .. } = build.user(build.stages.last().unwrap()) else {
                panic!("{build:?}")
            };
            user.clone()
        };
        let known = |text: &str| Expanded::Known(text.to_owned());
        assert_eq!(user("FROM scratch\nARG U=a\nENV U=e\nUSER $U"), known("e"));
        assert_eq!(user("FROM scratch AS x\nENV U=e\nFROM x\nUSER $U"), known("e"));
        assert_eq!(user("FROM scratch AS x\nARG U=a\nFROM x\nUSER x$U"), known("x"));
        assert_eq!(user("FROM scratch\nENV U the user\nUSER $U"), known("the user"));
        assert_eq!(user("FROM scratch\nENV A=\"b c\" U=d\nUSER $U"), known("d"));
        assert_eq!(user("ARG U=g\nFROM scratch\nARG U\nUSER $U"), known("g"));
        let unknown = Expanded::Unknown { variable: "U".to_owned() };
        assert_eq!(user("FROM debian\nUSER $U"), unknown);
    }

    #[test]
    fn no_file_costs_more_than_its_limits() {
        let lines = (0..200).map(|n| format!("ENV A{}=\"${{A{n}}}${{A{n}}}x\"\n", n + 1));
        let doubling = lines.collect::<Vec<_>>().concat();
        let text = format!("FROM scratch\nENV A0=x\n{doubling}USER $A200\n");
        let build_of_it = build(&text);
        let User::Set { user, .. } = build_of_it.user(&build_of_it.stages[0]) else { panic!() };
        assert_eq!(user.known(), None);
        let endless = build(&format!("FROM a\n{}", "RUN <<X\n".repeat(5_000)));
        assert_eq!(endless.problems.len(), 101);
        assert_eq!(build(&"FROM a\n".repeat(5_000)).stages.len(), STAGES);
        let long = build(&"FROM a\nRUN x\n".repeat(50_000));
        assert!(long.problems.iter().any(|problem| problem.found == "more"));
    }

    #[test]
    fn instructions_before_the_first_from_are_problems() {
        let build = build("ARG A\nRUN x\nFROM a\n");
        assert_eq!(build.problems.len(), 1);
        assert_eq!(build.problems[0].message, "`RUN` stands before the first `FROM`");
        assert_eq!(build.stages.len(), 1);
    }
}
