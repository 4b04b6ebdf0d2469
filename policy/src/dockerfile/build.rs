//! What a Dockerfile builds: its stages, the images that go in, and how the result runs.

use super::{
    expand::Expanded,
    instruction::Flag,
    lines::{Document, Position, Pragma, Problem},
    stages::{self, Stages},
    step::Step,
};
use crate::facts::{Dockerfile, Facts};
use camino::Utf8PathBuf;
use plimsoll_model::reference::{ImageName, ReferenceError};
use std::collections::BTreeSet;

/// What one Dockerfile builds.
#[derive(Debug, Clone)]
pub struct Build {
    /// The file.
    pub path: Utf8PathBuf,
    /// What could not be read of it.
    pub problems: Vec<Problem>,
    /// Comments that speak to tools, in order.
    pub pragmas: Vec<Pragma>,
    /// The frontend that `# syntax=` or the builder asks for.
    pub frontend: Option<Input>,
    /// The arguments in front of the first stage.
    pub before: Vec<Step>,
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
    /// The `--platform` of its `FROM`.
    pub platform: Option<Flag>,
    /// Other images that files are taken from.
    pub inputs: Vec<Input>,
    /// The last `USER`, and where it stands.
    pub user: Option<(Position, Expanded)>,
    /// The last `HEALTHCHECK`, and where it stands.
    pub healthcheck: Option<(Position, Healthcheck)>,
    /// Its instructions, in order, but for its `FROM`.
    pub steps: Vec<Step>,
    /// The last `SHELL`, its own or of the stage that it starts from.
    pub(super) shell: Option<Vec<String>>,
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
    /// `build.additional_contexts` of a service.
    Context,
    /// `BUILDKIT_SYNTAX`, which the builder is given and which wins over `# syntax=`.
    GivenFrontend,
    /// `image:` of a service, which is pulled where it runs.
    Service,
    /// `image:` of a container, or of a volume, of a pod.
    Pod,
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
    /// Whether it is the program that reads the Dockerfile.
    pub const fn is_frontend(self) -> bool {
        matches!(self, Self::Frontend | Self::GivenFrontend)
    }

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::From => "FROM",
            Self::Copy => "COPY --from",
            Self::Mount => "RUN --mount from",
            Self::Frontend => "# syntax",
            Self::Context => "additional context",
            Self::GivenFrontend => "--build-arg BUILDKIT_SYNTAX",
            Self::Service | Self::Pod => "image",
        }
    }

    /// Whether the image is run as it is, not built on.
    pub const fn is_run(self) -> bool {
        match self {
            Self::Service | Self::Pod => true,
            Self::From
            | Self::Copy
            | Self::Mount
            | Self::Frontend
            | Self::GivenFrontend
            | Self::Context => false,
        }
    }
}

impl Build {
    /// What `file` builds with the arguments and the target of `facts`.
    pub fn of(file: &Dockerfile, facts: &Facts<'_>) -> Self {
        let document = Document::parse(&file.text);
        let Stages { before, all: stages, problems: mistakes } = stages::read(&document, facts);
        let mut problems = document.problems;
        problems.extend(mistakes);
        if stages.is_empty() && problems.is_empty() {
            let at = Position { line: 1, column: 1 };
            let message = "there is no `FROM`".to_owned();
            problems.push(Problem { at, found: "no stage".to_owned(), message });
        }
        problems.sort_by_key(|problem| problem.at);
        let frontend = frontend(document.syntax, facts);
        let target = target(&stages, facts.target_stage);
        let (path, pragmas) = (file.path.clone(), document.pragmas);
        Self { path, problems, pragmas, frontend, before, stages, target }
    }

    /// Everything that files are taken from, in order, the frontend included. What several stages run because the stage below says so is
    /// told once.
    pub fn inputs(&self) -> impl Iterator<Item = &Input> {
        let of_stages =
            self.stages.iter().flat_map(|stage| std::iter::once(&stage.from).chain(&stage.inputs));
        let mut seen = BTreeSet::new();
        let is_new = move |input: &&Input| {
            let stage = match input.source {
                Source::Stage(number) => Some(number),
                Source::Scratch
                | Source::Image(_)
                | Source::Malformed(_)
                | Source::Unresolved { .. } => None,
            };
            seen.insert((input.at, stage))
        };
        self.frontend.iter().chain(of_stages.filter(is_new))
    }

    /// The user that a stage runs as.
    pub fn user<'b>(&'b self, stage: &'b Stage) -> User<'b> {
        let mut users = self.chain(stage).filter_map(|stage| stage.user.as_ref());
        if let Some((at, user)) = users.next() {
            return User::Set { at: *at, user };
        }
        let lowest = self.lowest(stage);
        match lowest.source {
            Source::Scratch => User::OfScratch(lowest),
            Source::Stage(_)
            | Source::Image(_)
            | Source::Malformed(_)
            | Source::Unresolved { .. } => User::OfImage(lowest),
        }
    }

    /// What a stage starts from in the end, past the stages of the same file.
    pub fn lowest<'b>(&'b self, stage: &'b Stage) -> &'b Input {
        self.chain(stage).last().map_or(&stage.from, |stage| &stage.from)
    }

    /// The health check of a stage, its own or inherited within the file.
    pub fn healthcheck(&self, stage: &Stage) -> Option<(Position, Healthcheck)> {
        self.chain(stage).find_map(|stage| stage.healthcheck)
    }

    /// Every instruction of every stage, in order, and those in front of the first.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.before.iter().chain(self.stages.iter().flat_map(|stage| &stage.steps))
    }

    /// The stages whose layers are in the image: the target, what it starts from, and so on, in the order of the file.
    /// All of them where there is no such target.
    pub fn in_image(&self) -> Vec<&Stage> {
        let Some(target) = self.target.as_ref().ok().and_then(|number| self.stages.get(*number))
        else {
            return self.stages.iter().collect();
        };
        let mut stages: Vec<_> = self.chain(target).collect();
        stages.reverse();
        stages
    }

    /// The stages that run when the target is built, in the order of the file. All of them where there is no such target,
    /// and all up to a stage that takes files from one that can not be told.
    pub fn reachable(&self) -> Vec<&Stage> {
        let Ok(target) = &self.target else { return self.stages.iter().collect() };
        let mut reached = BTreeSet::from([*target]);
        // Stages take from earlier ones only, so that one way backwards meets them all.
        for (number, stage) in self.stages.iter().enumerate().rev() {
            if !reached.contains(&number) {
                continue;
            }
            for input in std::iter::once(&stage.from).chain(&stage.inputs) {
                match &input.source {
                    Source::Stage(earlier) => reached.extend(Some(*earlier)),
                    Source::Unresolved { .. } => reached.extend(0..number),
                    Source::Scratch | Source::Image(_) | Source::Malformed(_) => {}
                }
            }
        }
        reached.into_iter().filter_map(|number| self.stages.get(number)).collect()
    }

    /// The stage, the stage it starts from, and so on. Stages start from earlier ones only.
    pub fn chain<'b>(&'b self, stage: &'b Stage) -> impl Iterator<Item = &'b Stage> {
        std::iter::successors(Some(stage), |stage| match stage.from.source {
            Source::Stage(number) => self.stages.get(number).filter(|next| next.at < stage.at),
            Source::Scratch
            | Source::Image(_)
            | Source::Malformed(_)
            | Source::Unresolved { .. } => None,
        })
    }
}

/// The argument by which BuildKit is given another frontend.
const FRONTEND: &str = "BUILDKIT_SYNTAX";

/// The frontend: the one that the builder is given wins over the one that the file asks for. What follows a blank are its arguments.
fn frontend(syntax: Option<(String, Position)>, facts: &Facts<'_>) -> Option<Input> {
    let given = facts.build_args.get(FRONTEND).map(|given| {
        let name = given.trim().split(' ').next().unwrap_or_default();
        (InputKind::GivenFrontend, name.to_owned(), Position { line: 1, column: 1 })
    });
    let asked = syntax.map(|(written, at)| (InputKind::Frontend, written, at));
    let (kind, written, at) = given.or(asked)?;
    Some(Input { kind, at, source: image(&written), written })
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
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.name.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(name))
    }
}

/// The image that a reference without variables names.
pub(super) fn image(text: &str) -> Source {
    if text == "scratch" {
        return Source::Scratch;
    }
    text.parse().map_or_else(Source::Malformed, Source::Image)
}

#[cfg(test)]
mod tests {
    use super::{stages::STAGES, *};
    use crate::rules::testing::Case;

    fn build(text: &str) -> Build {
        let file = Dockerfile { path: "Dockerfile".into(), text: text.to_owned() };
        Case::default().build_arg("GIVEN", "given").with_facts(|facts| Build::of(&file, facts))
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
    fn what_runs_for_the_target_is_reachable_and_what_it_starts_from_is_in_the_image() {
        let lines = |stages: Vec<&Stage>| stages.iter().map(|s| s.at.line).collect::<Vec<_>>();
        let build_of = |target: &str, last: &str| {
            let text = format!(
                "FROM a AS a\nFROM a AS b\nFROM a AS c\nFROM x AS d\n{last}\nFROM y AS e\n"
            );
            let file = Dockerfile { path: "Dockerfile".into(), text };
            Case::default().target(target).with_facts(|facts| Build::of(&file, facts))
        };
        let copied = build_of("d", "COPY --from=c / /");
        assert_eq!((lines(copied.in_image()), lines(copied.reachable())), (vec![4], vec![1, 3, 4]));
        let based = build_of("b", "");
        assert_eq!((lines(based.in_image()), lines(based.reachable())), (vec![1, 2], vec![1, 2]));
        let hidden = build_of("d", "COPY --from=$S / /");
        assert_eq!(lines(hidden.reachable()), [1, 2, 3, 4]);
        let nowhere = build_of("z", "");
        assert_eq!(lines(nowhere.in_image()), [1, 2, 3, 4, 6]);
        assert_eq!(lines(nowhere.reachable()), [1, 2, 3, 4, 6]);
    }

    #[test]
    fn copies_and_mounts_are_inputs_by_name_number_or_image() {
        let build = build(
            "FROM debian AS a\nFROM a AS b\nCOPY --from=A / /\nCOPY --from=0 / /\nCOPY --from=9 / /\n\
             RUN --mount=type=cache,target=/c --mount=type=bind,from=a,From=x.io/y:1,target=/y true\nCOPY / /\n",
        );
        let sources: Vec<_> = build.stages[1].inputs.iter().map(|input| &input.source).collect();
        let image = |text: &str| Source::Image(text.parse().unwrap());
        assert_eq!(
            sources,
            [&Source::Stage(0), &Source::Stage(0), &image("9"), &image("x.io/y:1")]
        );
    }

    #[test]
    fn mounts_are_read_as_csv_and_triggers_take_from_images() {
        let build = build(
            "FROM debian AS a\nFROM a AS b\nRUN --mount='type=bind,\"from=evil.io/x:1\",target=/m' x\n\
             ONBUILD COPY --from=a / /\nONBUILD RUN --mount=from=evil.io/y,target=/m x\n\
             RUN --mount=from=$NONE,target=/m x\n",
        );
        let image = |text: &str| Source::Image(text.parse().unwrap());
        let inputs = &build.stages[1].inputs;
        let found: Vec<_> = inputs.iter().map(|input| (input.at.line, &input.source)).collect();
        let unknown = Source::Unresolved { variable: "NONE".to_owned() };
        assert_eq!(
            found,
            [(3, &image("evil.io/x:1")), (4, &image("a")), (5, &image("evil.io/y")), (6, &unknown)]
        );
        assert_eq!(inputs[0].at, Position { line: 3, column: 5 });
    }

    #[test]
    fn a_stage_runs_what_the_stage_below_triggers() {
        let build = build(
            "FROM debian AS a\nENV U=1\nUSER $U\nONBUILD USER root\nONBUILD COPY --from=x.io/y / /\n\
             FROM a AS b\nFROM b\n",
        );
        let user = |number: usize| build.stages[number].user.as_ref().map(|(at, _)| at.line);
        assert_eq!((user(0), user(1), user(2)), (Some(3), Some(4), None));
        let inputs: Vec<_> = build.inputs().map(|input| input.at.line).collect();
        assert_eq!(inputs, [1, 6, 5, 7]);
        assert_eq!((build.stages[0].inputs.len(), build.stages[1].inputs.len()), (0, 1));
        let keywords: Vec<_> = build.stages[1].steps.iter().map(Step::keyword).collect();
        assert_eq!(keywords, ["USER", "COPY"]);
        assert_eq!(build.stages[2].steps.len(), 0);
        let many =
            format!("FROM a AS a\n{}{}", "ONBUILD RUN x\n".repeat(600), "FROM a\n".repeat(2));
        let build = self::build(&many);
        assert_eq!(build.problems.len(), 1);
        assert_eq!(build.problems[0].message, "stages run more than 1000 steps of `ONBUILD`");
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
