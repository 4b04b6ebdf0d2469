//! FS-001: no program runs as its owner or its group that nobody has allowed to.

use super::{
    About, Parameter, ParameterKind, Raised, Rule, RuleContext,
    layers::{self, Origin},
};
use crate::{decide::Action, files};
use plimsoll_model::{Severity, tree::Entry};

pub(crate) const RULE: Rule = Rule {
    id: "FS-001",
    name: "fs_001_set_id_program",
    title: "no program has the setuid or setgid bit that is not allowed to",
    severity: Severity::High,
    action: Action::Warn,
    why: "Whoever starts such a program has the rights of its owner while it runs. One flaw in it, or one such program that was put there, makes root of any user. What came with the approved base is shown and blocks nothing; what was added is judged.",
    mend: "take the bit away with `chmod a-s`, or name the program under `allow`",
    bad: "RUN chmod u+s /usr/local/bin/tool",
    good: "RUN chmod a-s /usr/local/bin/tool",
    equivalents: &["CIS 4.8", "CIS-DI-0008"],
    about: &[About::Files],
    parameters: &[Parameter {
        name: "allow",
        kind: ParameterKind::Texts,
        help: "programs that may, by their whole paths (none)",
    }],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(files) = context.facts().files else { return Vec::new() };
    let allowed = context.texts("allow");
    let base = layers::of_base(context);
    let set: Vec<&Entry> = files
        .entries
        .iter()
        .filter(|entry| files::is_set_id(entry) && !allowed.contains(&entry.path.to_string()))
        .collect();
    let is_of_base = |entry: &&&Entry| layers::origin(base, entry.layer) == Origin::Base;
    let of_base: Vec<&Entry> = set.iter().filter(is_of_base).copied().collect();
    let words = ("programs of the base image run with the rights of their owners", "none");
    let of_base = layers::together(context, &of_base, words)
        .map(|raised| layers::limited(raised, Origin::Base));
    let added = set.iter().filter(|entry| !is_of_base(entry)).map(|entry| {
        let found = format!("mode {:04o}, user {}, group {}", entry.mode, entry.uid, entry.gid);
        let title = format!("{} runs with the rights of its {}", entry.path, whose(entry));
        context.fail(layers::place_of(files, entry), title, found, "no setuid or setgid bit")
    });
    of_base.into_iter().chain(added).collect()
}

const fn whose(entry: &Entry) -> &'static str {
    match entry.mode & 0o6000 {
        0o2000 => "group",
        0o4000 => "owner",
        _ => "owner and its group",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;
    use plimsoll_model::finding::Place;

    fn case() -> Case {
        Case::default()
            .image(&["base", "app"])
            .file("usr/bin/su", 0o4755, 0)
            .file("opt/tool", 0o2755, 1)
            .file("opt/plain", 0o1755, 1)
    }

    #[test]
    fn what_was_added_is_judged_and_what_the_base_has_is_shown() {
        let approved = case().approved("debian:12", &["base"], "2026-12-31");
        let seen = |case: &Case| -> Vec<_> {
            let judged = case.findings("FS-001").into_iter();
            judged.map(|judged| (judged.finding.place, judged.action)).collect()
        };
        let at =
            |path: &str, layer| Place::File { path: path.to_owned(), layer: Some(digest(layer)) };
        let strict = approved.clone().policy("rules: {FS-001: deny}");
        let (su, tool) = (at("/usr/bin/su", "base"), at("/opt/tool", "app"));
        let mut expect = vec![(tool.clone(), Action::Deny), (su.clone(), Action::Inform)];
        assert_eq!(seen(&strict), expect);
        // Where no base is known, nobody has seen it.
        expect[1].1 = Action::Deny;
        let mut found = seen(&case().policy("rules: {FS-001: deny}"));
        found.sort_by_key(|(place, _)| place.to_string());
        assert_eq!(found, expect);
        assert_eq!(seen(&approved)[0].1, Action::Warn);
    }

    #[test]
    fn what_is_allowed_passes_by_its_whole_path() {
        let allow = "rules: {FS-001: {allow: [/usr/bin/su, /opt/tool]}}";
        case().policy(allow).check("FS-001", Expect::Pass);
        let short = "rules: {FS-001: {allow: [su, tool]}}";
        assert_eq!(case().policy(short).findings("FS-001").len(), 2);
        Case::default().image(&["a"]).file("x", 0o755, 0).check("FS-001", Expect::Pass);
    }
}
