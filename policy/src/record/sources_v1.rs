//! Files of the user's: what their readers made of them, with the lines.
//!
//! Variables are named without their values, and so is what a key calls a secret; here-documents and the contents of configurations are left out, and what looks
//! like a secret in any other text is replaced.

use super::text::{build_step, cut, entry, labels, shown};
use crate::{
    ConfigFile, ConfigKind, Facts,
    compose::{self, Node, Project, Service, Value as ComposeValue},
    dockerfile::{Build, Expanded, Form, Healthcheck, Input, Problem, Source, Stage, Step},
    secrets,
};
use camino::Utf8PathBuf;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// A Dockerfile.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DockerfileJson {
    path: Utf8PathBuf,
    /// The position of the stage that is built; `null` where there is no such stage.
    target: Option<usize>,
    frontend: Option<InputJson>,
    /// Lines that are no instructions.
    problems: Vec<ProblemJson>,
    /// The arguments in front of the first stage.
    arguments: Vec<String>,
    stages: Vec<StageJson>,
    /// Whether something is left out of its build context.
    has_ignore_file: bool,
}

#[derive(Debug, Serialize)]
struct ProblemJson {
    path: Utf8PathBuf,
    line: u32,
    column: u32,
    message: String,
}

#[derive(Debug, Serialize)]
struct StageJson {
    position: usize,
    name: Option<String>,
    line: u32,
    from: InputJson,
    inputs: Vec<InputJson>,
    /// The last `USER`.
    user: Option<UserJson>,
    /// `command` or `none`, by the last `HEALTHCHECK`.
    healthcheck: Option<&'static str>,
    instructions: Vec<InstructionJson>,
}

#[derive(Debug, Serialize)]
struct UserJson {
    line: u32,
    /// `null` where it depends on a variable that is not known.
    value: Option<String>,
}

#[derive(Debug, Serialize)]
struct InputJson {
    kind: &'static str,
    line: u32,
    column: u32,
    written: String,
    source: SourceJson,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
enum SourceJson {
    Stage {
        position: usize,
    },
    Scratch,
    /// With the registry, as it is pulled.
    Image {
        repository: String,
        tag: Option<String>,
        digest: Option<String>,
    },
    Malformed,
    Unresolved {
        variable: String,
    },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct InstructionJson {
    keyword: String,
    line: u32,
    end_line: u32,
    flags: Vec<FlagJson>,
    /// `shell` or `json`.
    form: &'static str,
    /// The names of `ENV`, `ARG` and `LABEL`.
    names: Vec<String>,
    /// The arguments as written, those of `ONBUILD` without values of variables; `null` for `ENV` and `ARG`, which are named alone.
    text: Option<String>,
}

#[derive(Debug, Serialize)]
struct FlagJson {
    name: String,
    value: Option<String>,
}

pub(super) fn dockerfiles(facts: &Facts<'_>) -> Vec<DockerfileJson> {
    let file = |file: &crate::Dockerfile| {
        let build = Build::of(file, facts);
        DockerfileJson {
            target: build.target.clone().ok(),
            frontend: build.frontend.as_ref().map(InputJson::of),
            problems: build.problems.iter().map(|it| ProblemJson::of(it, &build)).collect(),
            arguments: build.before.iter().flat_map(names).collect(),
            stages: build.stages.iter().enumerate().map(StageJson::of).collect(),
            has_ignore_file: facts.ignored.contains_key(&file.path),
            path: build.path,
        }
    };
    facts.dockerfiles.iter().map(file).collect()
}

fn names(step: &Step) -> Vec<String> {
    let names = step.arguments.iter().filter_map(|argument| argument.name.as_deref());
    names.map(cut).collect()
}

impl ProblemJson {
    fn of(problem: &Problem, build: &Build) -> Self {
        Self {
            path: build.path.clone(),
            line: problem.at.line,
            column: problem.at.column,
            message: shown(&problem.message),
        }
    }
}

impl StageJson {
    fn of((position, stage): (usize, &Stage)) -> Self {
        let healthcheck = |(_, healthcheck)| match healthcheck {
            Healthcheck::Command => "command",
            Healthcheck::None => "none",
        };
        Self {
            position,
            name: stage.name.as_deref().map(cut),
            line: stage.at.line,
            from: InputJson::of(&stage.from),
            inputs: stage.inputs.iter().map(InputJson::of).collect(),
            user: stage
                .user
                .as_ref()
                .map(|(at, user)| UserJson { line: at.line, value: known(user) }),
            healthcheck: stage.healthcheck.map(healthcheck),
            instructions: stage.steps.iter().map(InstructionJson::of).collect(),
        }
    }
}

fn known(text: &Expanded) -> Option<String> {
    text.known().map(shown)
}

impl InputJson {
    fn of(input: &Input) -> Self {
        let source = match &input.source {
            Source::Stage(position) => SourceJson::Stage { position: *position },
            Source::Scratch => SourceJson::Scratch,
            Source::Image(name) => SourceJson::Image {
                repository: name.repository.to_string(),
                tag: name.tag.as_ref().map(ToString::to_string),
                digest: name.digest.map(|digest| digest.to_string()),
            },
            Source::Malformed(_) => SourceJson::Malformed,
            Source::Unresolved { variable } => SourceJson::Unresolved { variable: shown(variable) },
        };
        Self {
            kind: input.kind.as_str(),
            line: input.at.line,
            column: input.at.column,
            written: shown(&input.written),
            source,
        }
    }
}

impl InstructionJson {
    fn of(step: &Step) -> Self {
        let instruction = &step.instruction;
        let is_named = matches!(instruction.keyword.as_str(), "ENV" | "ARG");
        let flag = |flag: &crate::dockerfile::Flag| FlagJson {
            name: cut(&flag.name),
            value: flag.value.as_deref().map(shown),
        };
        Self {
            keyword: cut(&instruction.keyword),
            line: instruction.at.line,
            end_line: instruction.end_line,
            flags: instruction.flags.iter().map(flag).collect(),
            form: match instruction.form {
                Form::Shell => "shell",
                Form::Json(_) => "json",
            },
            names: names(step),
            text: (!is_named).then(|| match instruction.keyword.as_str() {
                "ONBUILD" => build_step(&instruction.text),
                "LABEL" => labels(&instruction.text),
                _ => shown(&instruction.text),
            }),
        }
    }
}

/// What one call of `docker compose` would start.
#[derive(Debug, Serialize)]
pub(super) struct ComposeJson {
    services: Vec<ServiceJson>,
    problems: Vec<ProblemJson>,
}

#[derive(Debug, Serialize)]
struct ServiceJson {
    name: String,
    path: Utf8PathBuf,
    line: u32,
    /// Its keys, merged and with variables replaced.
    definition: Value,
}

pub(super) fn compose(facts: &Facts<'_>) -> Vec<ComposeJson> {
    let project = |project: &Project| ComposeJson {
        services: project.services.iter().map(|it| ServiceJson::of(it, project)).collect(),
        problems: project
            .problems
            .iter()
            .map(|problem| ProblemJson {
                path: project.paths.get(problem.at.file).cloned().unwrap_or_default(),
                line: problem.at.line,
                column: problem.at.column,
                message: shown(&problem.message),
            })
            .collect(),
    };
    compose::projects(facts).iter().map(project).collect()
}

impl ServiceJson {
    fn of(service: &Service, project: &Project) -> Self {
        Self {
            name: cut(&service.name),
            path: project.paths.get(service.at.file).cloned().unwrap_or_default(),
            line: service.at.line,
            definition: definition(&service.node),
        }
    }
}

/// Keys below which values are variables.
const VARIABLES: [&str; 2] = ["environment", "args"];

/// A node as JSON. Its depth is bounded by the reader of YAML.
fn definition(node: &Node) -> Value {
    match &node.value {
        ComposeValue::Null => Value::Null,
        ComposeValue::Flag(flag) => json!(flag),
        ComposeValue::Number(number) => json!(number),
        ComposeValue::OtherNumber => json!(node.written()),
        ComposeValue::Text(_) => json!(entry(&known_or_written(node))),
        ComposeValue::List(items) => items.iter().map(definition).collect(),
        ComposeValue::Map(entries) => {
            let pair = |pair: &compose::Entry| (cut(&pair.key), valued(&pair.key, &pair.value));
            Value::Object(entries.iter().map(pair).collect::<Map<_, _>>())
        }
    }
}

/// What a key has, unless the key says that it is secret.
fn valued(key: &str, node: &Node) -> Value {
    let is_secret = match &node.value {
        _ if VARIABLES.contains(&key) => return variables(node),
        ComposeValue::Text(_) | ComposeValue::Number(_) | ComposeValue::OtherNumber => {
            secrets::is_secret_pair(&(key, &known_or_written(node)))
        }
        ComposeValue::Null
        | ComposeValue::Flag(_)
        | ComposeValue::List(_)
        | ComposeValue::Map(_) => false,
    };
    if is_secret { json!("…") } else { definition(node) }
}

/// What is not known stays as it is written.
fn known_or_written(node: &Node) -> String {
    node.scalar().filter(|_| node.unresolved().is_none()).unwrap_or_else(|| node.written())
}

/// The names of variables, in either form of a list of them.
fn variables(node: &Node) -> Value {
    let named = node.entries().iter().map(|entry| cut(&entry.key));
    let listed = node.items().iter().filter_map(Node::scalar);
    let listed = listed.map(|text| cut(text.split('=').next().unwrap_or_default()));
    named.chain(listed).map(Value::from).collect()
}

/// A file of settings or a pipeline.
#[derive(Debug, Serialize)]
pub(super) struct ConfigJson {
    path: Utf8PathBuf,
    kind: &'static str,
}

pub(super) fn configs(files: &[ConfigFile]) -> Vec<ConfigJson> {
    let file = |file: &ConfigFile| ConfigJson {
        path: file.path.clone(),
        kind: match file.kind {
            ConfigKind::Daemon => "daemon",
            ConfigKind::Unit => "unit",
            ConfigKind::Gitlab => "gitlab",
            ConfigKind::Workflow => "workflow",
        },
    };
    files.iter().map(file).collect()
}
