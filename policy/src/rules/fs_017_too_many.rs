//! FS-017: all files that matter were looked at.
//!
//! Layers that are too large, inflate to too much or have too many entries are refused when they are read.

use super::{About, Raised, Rule, RuleContext};
use crate::decide::Action;
use plimsoll_model::{Severity, finding::Place};

pub(crate) const RULE: Rule = Rule {
    id: "FS-017",
    name: "fs_017_too_many",
    title: "all files that rules look at were looked at",
    severity: Severity::High,
    action: Action::Deny,
    why: "An image with tens of thousands of files that matter, as of programs that run as root or of files that everybody may write to, is one in which something can be hidden among them.",
    mend: "find out what made so many, as a `chmod -R 777`, and mend that",
    bad: "RUN chmod -R 777 /",
    good: "RUN chmod 1777 /scratch",
    equivalents: &[],
    about: &[About::Files],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let left_out = context.facts().files.map_or(0, |files| files.left_out);
    if left_out == 0 {
        return Vec::new();
    }
    let found = format!("{left_out} more than are listed");
    let title = "not all files that matter were looked at";
    vec![context.unknown(Place::Image, title, found, "as few as an image needs")]
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn what_was_left_out_can_not_be_told() {
        let case = Case::default().image(&["a"]).files();
        case.check("FS-017", Expect::Pass);
        let case = case.change_files(|files| files.left_out = 1);
        case.check("FS-017", Expect::Unknown);
        let place = &case.findings("FS-017")[0].finding.place;
        assert_eq!(*place, plimsoll_model::finding::Place::Image);
    }
}
