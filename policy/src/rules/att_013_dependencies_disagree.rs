//! ATT-013: what the provenance says went in is what is at hand: lock files and base images.

use super::{
    About, Raised, Rule, RuleContext,
    statements::{of_provenance, some_of},
};
use crate::{
    decide::Action,
    stated::{Dependency, DependencyName, Provenance},
};
use plimsoll_model::{Digest, Severity, finding::Place};
use std::collections::BTreeMap;

pub(crate) const RULE: Rule = Rule {
    id: "ATT-013",
    name: "att_013_dependencies_disagree",
    title: "lock files and base images are the ones that the provenance states",
    severity: Severity::High,
    action: Action::Deny,
    why: "Where the provenance names another lock file or another base than the ones at hand, one of them is not of this build.",
    mend: "judge the image beside the source that it was built from (`--source`), and build it anew where that is not the one that the provenance states",
    bad: "# the provenance states file:Cargo.lock with one digest, and the Cargo.lock at hand has another",
    good: "# every file and image that both name has the same digest",
    equivalents: &[],
    about: &[About::Evidence],
    parameters: &[],
    check,
};

const EXPECTED: &str = "dependencies with the digests that are known here";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(stated) = context.facts().stated else { return Vec::new() };
    let at_hand = Dependency::by_name(&stated.at_hand);
    let raised = of_provenance(context, EXPECTED, |provenance, said| {
        let (compared, different) = compare(provenance, &at_hand);
        if !different.is_empty() {
            let title = format!("the build that {} states took other dependencies", said.by);
            return Some(context.fail(Place::Evidence, title, some_of(&different), EXPECTED));
        }
        // Who states nothing contradicts nothing, unless the policy wants to see the agreement.
        (compared == 0 && context.is_set()).then(|| {
            let title = format!(
                "whether the build that {} states took these dependencies can not be told",
                said.by
            );
            let found = "no lock file and no image that both are known here and stated";
            context.unknown(Place::Evidence, title, found, EXPECTED)
        })
    });
    // Nothing of the section judges here.
    raised.into_iter().map(|raised| raised.by_line(None)).collect()
}

/// How much both name, and what of that differs.
fn compare(
    provenance: &Provenance,
    at_hand: &BTreeMap<&DependencyName, Vec<Digest>>,
) -> (usize, Vec<String>) {
    let (mut compared, mut different) = (0_usize, Vec::new());
    for (name, stated) in Dependency::by_name(&provenance.dependencies) {
        let Some(known) = at_hand.get(name) else { continue };
        compared = compared.saturating_add(1);
        // Of an image several digests may be meant: that of its index, and that for one platform.
        if !stated.iter().any(|digest| known.contains(digest)) {
            different.push(describe(name));
        }
    }
    (compared, different)
}

fn describe(name: &DependencyName) -> String {
    match name {
        DependencyName::File(path) => path.clone(),
        DependencyName::Image { repository, tag: Some(tag) } => format!("{repository}:{tag}"),
        DependencyName::Image { repository, tag: None } => repository.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn file(name: &str, content: &str) -> Dependency {
        Dependency { what: DependencyName::File(name.to_owned()), digest: digest(content) }
    }

    fn image(tag: Option<&str>, content: &str) -> Dependency {
        let repository = "docker.io/library/debian".to_owned();
        let what = DependencyName::Image { repository, tag: tag.map(str::to_owned) };
        Dependency { what, digest: digest(content) }
    }

    fn case(stated: &[Dependency], at_hand: &[Dependency]) -> Case {
        Case::default().policy("evidence: {require: []}").stated(|facts| {
            facts.provenance = vec![provenance(|it| it.dependencies = stated.to_vec())];
            facts.at_hand = at_hand.to_vec();
        })
    }

    #[test]
    fn a_lock_file_or_a_base_with_another_digest_fails() {
        let lock = file("Cargo.lock", "a");
        case(std::slice::from_ref(&lock), std::slice::from_ref(&lock))
            .check("ATT-013", Expect::Pass);
        let other = case(std::slice::from_ref(&lock), &[file("Cargo.lock", "b")]);
        other.check("ATT-013", Expect::Fail);
        assert_eq!(other.findings("ATT-013")[0].finding.found, "`Cargo.lock`");
        let bases = case(&[lock, image(Some("12"), "index")], &[image(Some("12"), "other")]);
        assert_eq!(bases.findings("ATT-013")[0].finding.found, "`docker.io/library/debian:12`");
    }

    #[test]
    fn an_index_and_its_manifest_are_one_image() {
        let (index, manifest) = (image(Some("12"), "index"), image(Some("12"), "manifest"));
        let both = [manifest.clone(), index.clone()];
        case(&[index], &both).check("ATT-013", Expect::Pass);
        case(&[image(Some("12"), "index")], &[manifest]).check("ATT-013", Expect::Fail);
    }

    #[test]
    fn what_only_one_names_is_no_contradiction_and_untold_only_where_that_is_demanded() {
        let deny = "evidence: {require: []}\nrules: {ATT-013: deny}";
        let pairs = [
            (vec![], vec![file("Cargo.lock", "a")]),
            (vec![file("Cargo.lock", "a")], vec![]),
            (vec![file("go.sum", "a")], vec![file("Cargo.lock", "b")]),
            (vec![image(Some("11"), "a")], vec![image(Some("12"), "b")]),
            (vec![image(None, "a")], vec![image(Some("12"), "b")]),
        ];
        for (stated, at_hand) in pairs {
            case(&stated, &at_hand).check("ATT-013", Expect::Pass);
            case(&stated, &at_hand).policy(deny).check("ATT-013", Expect::Unknown);
        }
        let both = [file("go.sum", "a")];
        case(&both, &both).policy(deny).check("ATT-013", Expect::Pass);
    }
}
