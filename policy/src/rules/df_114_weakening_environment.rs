//! DF-114: no variable lets programs and libraries be taken from where others write.

use super::{About, Raised, Rule, RuleContext, commands, inputs};
use crate::{decide::Action, dockerfile::Argument, host};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-114",
    name: "df_114_weakening_environment",
    title: "no variable lets programs and libraries be taken from where others write",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "What others may put into such a place runs instead of the program or library that was meant, with the rights of whoever starts it.",
    mend: "name absolute directories that root alone may write to",
    bad: "ENV PATH=.:$PATH",
    good: "ENV PATH=/opt/app/bin:$PATH",
    equivalents: &[],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "absolute directories that not everybody may write to";

/// What counts against a directory of a variable.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strictness {
    /// That it is relative, empty, or of everybody.
    Relative,
    /// That it is of everybody. What is relative depends on `WORKDIR`, which the same file sets.
    Writable,
}

const VARIABLES: [(&str, Strictness); 12] = [
    ("PATH", Strictness::Relative),
    ("LD_LIBRARY_PATH", Strictness::Relative),
    ("LD_PRELOAD", Strictness::Relative),
    ("LD_AUDIT", Strictness::Relative),
    ("PYTHONPATH", Strictness::Writable),
    ("PYTHONSTARTUP", Strictness::Writable),
    ("NODE_PATH", Strictness::Writable),
    ("PERL5LIB", Strictness::Writable),
    ("RUBYLIB", Strictness::Writable),
    ("CLASSPATH", Strictness::Writable),
    ("BASH_ENV", Strictness::Writable),
    ("ENV", Strictness::Writable),
];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let steps = commands::in_image(context).filter(|placed| placed.is("ENV"));
    let arguments = steps
        .flat_map(|placed| placed.step.arguments.iter().map(move |argument| (placed, argument)));
    let raise = |(placed, argument): (commands::Placed<'_>, &Argument)| {
        let name = argument.name.as_deref()?;
        let (_, strictness) = VARIABLES.iter().find(|(variable, _)| *variable == name)?;
        // What a variable hides came with the base, or stands in this file: what is beside it counts.
        let written = argument.written.as_deref()?.trim_matches(['"', '\'']);
        let text = argument.known().unwrap_or(written);
        let directory = weak(name, text, *strictness)?;
        let title = format!("`{name}` names a place where others write");
        let found = format!("`{directory}` in `{name}`");
        Some(context.fail(inputs::place(placed.build, argument.at), title, found, EXPECTED))
    };
    arguments.filter_map(raise).collect()
}

fn weak<'t>(name: &str, text: &'t str, strictness: Strictness) -> Option<&'t str> {
    // A library by its bare name is looked for where the system keeps them.
    let is_library = |part: &str| matches!(name, "LD_PRELOAD" | "LD_AUDIT") && !part.contains('/');
    let separators: &[char] =
        if matches!(name, "LD_PRELOAD" | "LD_AUDIT") { &[':', ' '] } else { &[':'] };
    let is_weak = |part: &&str| {
        let is_variable = part.starts_with('$');
        let is_relative = !part.starts_with('/') && !is_variable && !is_library(part);
        (part.starts_with('/') && host::is_writable(part))
            || (strictness == Strictness::Relative && is_relative)
    };
    // One that is empty as a whole names nothing; `;` separates on Windows.
    if text.is_empty() || text.contains(';') {
        return None;
    }
    text.split(separators).find(is_weak)
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn directories_of_others_fail() {
        let bad = [
            "FROM a\nENV A=b PATH=.:$PATH",
            "FROM a\nENV PATH=\"$PATH:\"",
            "FROM a\nENV PATH /tmp/bin:$PATH",
            "FROM a\nENV PATH=$PATH:node_modules/.bin",
            "FROM scratch\nENV PATH=/bin:/var/tmp/x",
            "FROM a\nENV PYTHONPATH=/tmp",
            "FROM a\nENV LD_PRELOAD=/tmp/x.so",
            "FROM a\nENV LD_PRELOAD=./x.so",
            "FROM a\nENV LD_LIBRARY_PATH=lib",
            "FROM a AS b\nENV PATH=.:$PATH\nFROM b",
        ];
        check_files("DF-114", Expect::Fail, &bad);
        assert_eq!(Case::default().dockerfile(bad[0]).places("DF-114"), [(2, 9)]);
    }

    #[test]
    fn directories_of_root_pass() {
        let good = [
            "FROM a\nENV PATH=/opt/app/bin:$PATH",
            "FROM a\nENV PATH=\"${PATH}:/opt/x\" PYTHONPATH=. NODE_PATH=lib",
            "FROM a\nENV LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libjemalloc.so.2",
            "FROM a\nENV LD_PRELOAD=libjemalloc.so.2 LD_LIBRARY_PATH=/usr/lib:$LD_LIBRARY_PATH",
            "FROM a\nENV LD_PRELOAD= MY_PATH=/tmp TMPDIR=/tmp",
            "FROM a AS b\nENV PATH=.:$PATH\nFROM c\nCOPY --from=b / /",
            "FROM a\nARG PATH=.",
        ];
        check_files("DF-114", Expect::Pass, &good);
    }
}
