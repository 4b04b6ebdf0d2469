//! REG-008: credentials do not last, and allow no more than what they are for.

use super::{About, Raised, Rule, RuleContext, registry};
use crate::decide::Action;
use plimsoll_model::{
    Severity,
    finding::Place,
    registry::{CredentialKind, Grant, RegistryFacts},
};

pub(crate) const RULE: Rule = Rule {
    id: "REG-008",
    name: "reg_008_lasting_credentials",
    title: "credentials are given out for a while, and tokens allow no more than what they were asked for",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "A password in a file is read by every step of every job on that machine, and holds until somebody changes it. A token that allows more than pulling from one repository is worth more to who takes it.",
    mend: "log in by a credential helper, or by the identity of the job (OIDC), and narrow what that identity may do",
    bad: "{\"auths\": {\"registry.corp\": {\"auth\": \"Y2k6aHVudGVyMg==\"}}}",
    good: "{\"credHelpers\": {\"registry.corp\": \"corp\"}}",
    equivalents: &[],
    about: &[About::Registry],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(facts) = context.facts().registry else { return Vec::new() };
    if facts.credential == CredentialKind::Absent {
        return Vec::new();
    }
    [kept(context, facts), wide(context, facts)].into_iter().flatten().collect()
}

/// Credentials that stand in a file or a variable.
fn kept(context: &RuleContext<'_>, facts: &RegistryFacts) -> Option<Raised> {
    let expected = "a credential helper, or a token for the job";
    let place = Place::Registry { at: facts.repository.registry().to_owned() };
    match facts.credential {
        CredentialKind::Absent | CredentialKind::Helper(_) | CredentialKind::ShortLived(_) => None,
        CredentialKind::Static => {
            let found = "a name and a password that stand there";
            Some(context.fail(
                place,
                "the password for the registry is kept in a file",
                found,
                expected,
            ))
        }
        CredentialKind::Token => {
            let found = "a token that stands there";
            let title = "a token for the registry is kept in a file";
            Some(context.fail(place, title, found, expected).at_most(Action::Inform))
        }
    }
}

/// A token for pulling that allows more.
fn wide(context: &RuleContext<'_>, facts: &RegistryFacts) -> Option<Raised> {
    let place = registry::repository(facts);
    let expected = "`pull` from this repository alone";
    let what = ("what a token for pulling allows", expected);
    match registry::told(context, &place, &facts.grants, what) {
        Err(raised) => Some(*raised),
        Ok(grants) => {
            let more = grants.for_pull.iter().filter(|grant| !is_pull(facts, grant));
            let more: Vec<_> = more.map(shown).collect();
            let title = "a token that was asked for to pull allows more";
            (!more.is_empty()).then(|| context.fail(place, title, more.join("; "), expected))
        }
    }
}

fn is_pull(facts: &RegistryFacts, grant: &Grant) -> bool {
    grant.kind == "repository"
        && grant.name == facts.repository.path()
        && grant.actions.iter().all(|action| action == "pull")
}

fn shown(grant: &Grant) -> String {
    format!("{} {}: {}", grant.kind, grant.name, grant.actions.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{
        registry::{case, untold},
        testing::*,
    };

    use plimsoll_model::registry::{Grants, Told};

    fn granted(name: &str, actions: &[&str]) -> Told<Grants> {
        let actions = actions.iter().map(|action| (*action).to_owned()).collect();
        let grant = Grant { kind: "repository".to_owned(), name: name.to_owned(), actions };
        Told::Is(Grants { for_pull: vec![grant], for_push: Vec::new() })
    }

    #[test]
    fn kept_passwords_and_wide_tokens_fail() {
        case(|facts| facts.credential = CredentialKind::Static).check("REG-008", Expect::Fail);
        for (name, actions) in
            [("prod/app", &["pull", "push"][..]), ("prod/app", &["*"]), ("prod/other", &["pull"])]
        {
            let wide = case(|facts| facts.grants = granted(name, actions));
            wide.check("REG-008", Expect::Fail);
            let place = Place::Registry { at: "registry.corp/prod/app".to_owned() };
            assert_eq!(wide.findings("REG-008")[0].finding.place, place);
            let found = &wide.findings("REG-008")[0].finding.found;
            assert_eq!(*found, format!("repository {name}: {}", actions.join(", ")));
        }
        let token = case(|facts| facts.credential = CredentialKind::Token);
        assert_eq!(token.findings("REG-008")[0].action, Action::Inform);
    }

    #[test]
    fn helpers_and_tokens_for_a_job_pass_and_so_does_who_has_none() {
        case(|_| {}).check("REG-008", Expect::Pass);
        let job = CredentialKind::ShortLived("gitlab-ci-token".to_owned());
        case(|facts| facts.credential = job).check("REG-008", Expect::Pass);
        case(|facts| {
            (facts.credential, facts.grants) = (CredentialKind::Absent, untold());
        })
        .check("REG-008", Expect::Pass);
    }

    #[test]
    fn a_token_that_says_nothing_can_not_be_told() {
        case(|facts| facts.grants = untold()).check("REG-008", Expect::Unknown);
    }
}
