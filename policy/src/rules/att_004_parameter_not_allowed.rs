//! ATT-004: whoever started the build could choose no more than the policy allows.
//!
//! <https://slsa.dev/spec/v1.1/verifying-artifacts#step-2-check-expectations>: a parameter that is not known is refused.

use super::{
    About, Raised, Rule, RuleContext,
    statements::{of_provenance, some_of},
};
use crate::{decide::Action, policy::ParameterPath, stated::Provenance};
use plimsoll_model::{Severity, finding::Place};

pub(crate) const RULE: Rule = Rule {
    id: "ATT-004",
    name: "att_004_parameter_not_allowed",
    title: "the build was given no external parameter that the policy does not allow",
    severity: Severity::Medium,
    action: Action::Deny,
    why: "An input that nobody thought of changes what is built, from the right source by the right builder.",
    mend: "build without the parameter, or list it under `evidence.provenance.parameters`",
    bad: "evidence: {provenance: {parameters: [workflow]}}   # and the build had inputs.skip-tests",
    good: "evidence: {provenance: {parameters: [workflow, inputs.version]}}   # and the build had these alone",
    equivalents: &["conforma external_parameters"],
    about: &[About::Evidence],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(allowed) = &context.policy().evidence().provenance.parameters else {
        return Vec::new();
    };
    let expected = "only external parameters of `evidence.provenance.parameters`";
    of_provenance(context, expected, |provenance, said| {
        let Some(unknown) = unknown(provenance, allowed) else {
            let title =
                format!("the parameters of the build that {} states can not be told", said.by);
            let found = "the provenance lists no external parameters";
            return Some(context.unknown(Place::Evidence, title, found, expected));
        };
        let title =
            format!("the build that {} states had parameters that are not allowed", said.by);
        let fail = || context.fail(Place::Evidence, title, some_of(&unknown), expected);
        (!unknown.is_empty()).then(fail)
    })
}

/// The parameters that are not allowed; nothing where it is not stated which there were.
fn unknown(provenance: &Provenance, allowed: &[ParameterPath]) -> Option<Vec<String>> {
    let is_allowed = |path: &&Vec<String>| allowed.iter().any(|allowed| allowed.admits(path));
    let paths = provenance.parameters.as_ref()?;
    Some(paths.iter().filter(|path| !is_allowed(path)).map(|path| path.join(".")).collect())
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    fn case(parameters: Option<&[&[&str]]>) -> Case {
        let parameters = parameters.map(|paths| {
            paths.iter().map(|path| path.iter().map(ToString::to_string).collect()).collect()
        });
        let policy =
            "evidence: {require: [], provenance: {parameters: [workflow, inputs.version]}}";
        Case::default()
            .policy(policy)
            .stated(|stated| stated.provenance = vec![provenance(|it| it.parameters = parameters)])
    }

    #[test]
    fn b07_an_external_parameter_that_is_not_known_fails() {
        case(Some(&[])).check("ATT-004", Expect::Pass);
        case(Some(&[&["workflow", "ref"], &["workflow", "path"], &["inputs", "version"]]))
            .check("ATT-004", Expect::Pass);
        let strangers: [&[&str]; 6] = [
            &["inputs", "skip-tests"],
            &["inputs"],
            &["inputs.version"],
            &["Workflow", "ref"],
            &["workflows"],
            &["", "workflow"],
        ];
        for stranger in strangers {
            let case = case(Some(&[&["workflow", "ref"], stranger]));
            case.check("ATT-004", Expect::Fail);
            let found = &case.findings("ATT-004")[0].finding.found;
            assert_eq!(*found, format!("`{}`", stranger.join(".")));
        }
    }

    #[test]
    fn b07_parameters_that_are_not_stated_are_not_none() {
        case(None).check("ATT-004", Expect::Unknown);
        let unread =
            case(None).stated(|stated| stated.provenance = vec![said(Err("x".to_owned()))]);
        unread.check("ATT-004", Expect::Unknown);
    }

    #[test]
    fn where_the_policy_lists_none_any_may_be_there() {
        let any = case(Some(&[&["x"]])).policy("evidence: {require: []}");
        any.check("ATT-004", Expect::Pass);
        let none =
            case(Some(&[&["x"]])).policy("evidence: {require: [], provenance: {parameters: []}}");
        none.check("ATT-004", Expect::Fail);
    }
}
