//! FS-016: nothing in the image starts an SSH server or runs at times.

use super::{About, Raised, Rule, RuleContext, layers};
use crate::{decide::Action, files::Topic};
use plimsoll_model::{Severity, tree::Entry};

pub(crate) const RULE: Rule = Rule {
    id: "FS-016",
    name: "fs_016_started",
    title: "nothing in the image starts an SSH server or runs at times",
    severity: Severity::Low,
    action: Action::Inform,
    why: "A container runs one program. What cron or an init system would start is either dead weight, or runs beside that program where nobody looks.",
    mend: "leave it out; what is to run at times is a job of the scheduler",
    bad: "RUN systemctl enable ssh",
    good: "ENTRYPOINT [\"/usr/bin/app\"]",
    equivalents: &[],
    about: &[About::Files],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(files) = context.facts().files else { return Vec::new() };
    let seen: Vec<&Entry> = files.about(Topic::Start).collect();
    let words = ("something in the image is to be started besides its program", "nothing");
    layers::together(context, &seen, words).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;
    use plimsoll_model::finding::Place;

    #[test]
    fn each_is_named_and_the_first_is_the_place() {
        let case = Case::default().image(&["base", "app"]).files();
        let all = [
            "etc/cron.d/job",
            "etc/rc2.d/S01ssh",
            "etc/runlevels/default/sshd",
            "etc/systemd/system/multi-user.target.wants/ssh.service",
            "var/spool/cron/crontabs/root",
        ];
        for path in all {
            let found = case.clone().file(path, 0o755, 1).findings("FS-016");
            let place = Place::File { path: format!("/{path}"), layer: Some(digest("app")) };
            assert_eq!((found.len(), &found[0].finding.place), (1, &place));
        }
        let case = all.iter().fold(case, |case, path| case.file(path, 0o755, 1));
        let found = case.findings("FS-016");
        let mut named: Vec<_> = all.iter().map(|path| format!("/{path}")).collect();
        named.sort();
        assert_eq!((found.len(), &found[0].finding.found), (1, &named.join(", ")));
    }

    #[test]
    fn what_only_looks_like_it_passes() {
        let case = Case::default().image(&["base", "app"]).files();
        for path in
            ["etc/cron.d/.placeholder", "usr/lib/systemd/system/ssh.service", "etc/rc2.d/K01ssh"]
        {
            case.clone().file(path, 0o755, 1).check("FS-016", Expect::Pass);
        }
    }
}
