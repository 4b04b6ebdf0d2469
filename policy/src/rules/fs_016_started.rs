//! FS-016: nothing in the image starts an SSH server or runs at times.

use super::{About, Raised, Rule, RuleContext, layers};
use crate::{decide::Action, files::Topic};
use plimsoll_model::Severity;

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
    let words = ("something in the image is to be started besides its program", "nothing");
    layers::about(context, Topic::Start, words)
}

#[cfg(test)]
mod tests {
    use crate::rules::{layers::testing::check_together, testing::*};

    #[test]
    fn each_is_named_and_the_first_is_the_place_and_what_only_looks_like_it_passes() {
        let all = [
            "etc/cron.d/job",
            "etc/cron.daily/job",
            "etc/crontab",
            "etc/rc2.d/S01ssh",
            "etc/runlevels/default/sshd",
            "etc/systemd/system/app.service",
            "etc/systemd/system/multi-user.target.wants/ssh.service",
            "var/spool/cron/crontabs/root",
        ];
        let others = [
            "etc/cron.d/.placeholder",
            "etc/cron.daily/dpkg",
            "etc/systemd/system/app.conf",
            "usr/lib/systemd/system/ssh.service",
            "usr/lib/systemd/system/app.service",
            "etc/rc2.d/K01ssh",
        ];
        check_together("FS-016", &all, &others);
        // Systemd's own names for what a package brought.
        let alias = Case::default().image(&["a"]).files();
        alias
            .link(
                "etc/systemd/system/dbus.service",
                "/usr/lib/systemd/system/dbus-broker.service",
                0,
            )
            .check("FS-016", Expect::Pass);
    }
}
