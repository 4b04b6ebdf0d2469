//! FS-012: no layer brings devices.
//!
//! What else layers can be made of to get out of the image is refused when they are read, and leaves the image undecided:
//! names with `..`, entries below links that never end, hard links to nothing, whiteouts of nothing. Links are followed
//! inside of the image alone, and the same names in other letters are other files, as on Linux.

use super::{About, Raised, Rule, RuleContext, layers};
use crate::decide::Action;
use plimsoll_model::{Severity, tree::EntryKind};

pub(crate) const RULE: Rule = Rule {
    id: "FS-012",
    name: "fs_012_devices",
    title: "no layer brings a device",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "By a device node a container reads and writes a disk of the machine, or its memory, where it is allowed to. No program needs one that is in an image: runtimes make those that it may use.",
    mend: "remove the node, and give the container the device with `--device` where it has to have it",
    bad: "RUN mknod /opt/disk b 8 0",
    good: "docker run --device /dev/fuse …",
    equivalents: &[],
    about: &[About::Files],
    parameters: &[],
    check,
};

/// Nodes in `/dev` that every runtime makes anew, over whatever the image has.
const USUAL: [&str; 10] = [
    "dev/console",
    "dev/full",
    "dev/null",
    "dev/ptmx",
    "dev/random",
    "dev/tty",
    "dev/tty0",
    "dev/tty1",
    "dev/urandom",
    "dev/zero",
];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(files) = context.facts().files else { return Vec::new() };
    let devices = files.entries.iter().filter(|entry| entry.kind == EntryKind::Device);
    let raise = devices.map(|entry| {
        let title = format!("{} is a device", entry.path);
        let found = format!("a device with mode {:04o}", entry.mode);
        let raised = context.fail(layers::place_of(files, entry), title, found, "no devices");
        match entry.path.as_str() {
            Some(path) if USUAL.contains(&path) => {
                raised.with_severity(Severity::Low).at_most(Action::Warn)
            }
            _ => raised,
        }
    });
    raise.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;
    use plimsoll_model::finding::Place;

    #[test]
    fn devices_block_and_those_that_runtimes_cover_warn() {
        let case = Case::default().image(&["base", "app"]).files().file("dev/shm", 0o644, 1);
        case.check("FS-012", Expect::Pass);
        for (path, action) in
            [("dev/sda", Action::Deny), ("x/dev/null", Action::Deny), ("dev/null", Action::Warn)]
        {
            let found = case.clone().device(path, 1).findings("FS-012");
            let place = Place::File { path: format!("/{path}"), layer: Some(digest("app")) };
            assert_eq!((found[0].action, &found[0].finding.place), (action, &place));
        }
    }
}
