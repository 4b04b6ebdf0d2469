//! REG-001: the registry is reached by TLS, and in no other way.

use super::{About, Raised, Rule, RuleContext, registry};
use crate::decide::Action;
use plimsoll_model::{
    Severity,
    finding::Place,
    registry::{Connection, OldTls, RegistryFacts},
};

pub(crate) const RULE: Rule = Rule {
    id: "REG-001",
    name: "reg_001_no_tls",
    title: "the registry is reached by TLS 1.2 or later with a valid certificate, and in no other way",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "Without TLS anybody on the way reads images and passwords, and says what a tag stands for. Where the same registry answers without TLS too, a client that falls back is made to.",
    mend: "give the registry a certificate that its clients accept, leave TLS 1.2 as the oldest version, and close the port without TLS or have it redirect to https",
    bad: "curl http://registry.corp/v2/   # 200",
    good: "curl http://registry.corp/v2/   # no connection, or a redirect to https",
    equivalents: &["CIS 2.5"],
    about: &[About::Registry],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(facts) = context.facts().registry else { return Vec::new() };
    let raised = [connection(context, facts), old_tls(context, facts)].into_iter().flatten();
    raised.chain(plain_http(context, facts)).collect()
}

fn connection(context: &RuleContext<'_>, facts: &RegistryFacts) -> Option<Raised> {
    let expected = "TLS with a certificate that this machine accepts";
    let fail = |title, found: &str| context.fail(registry::host(facts), title, found, expected);
    match &facts.connection {
        Connection::Secure => None,
        Connection::Refused(why) => {
            Some(fail("there is no secure connection to the registry", why))
        }
        Connection::Plain => Some(fail("the registry is reached without TLS", "plain http")),
        // Nobody else is on this way.
        Connection::Loopback => {
            let found = "plain http, by the loopback interface";
            Some(fail("the registry is reached without TLS", found).at_most(Action::Warn))
        }
    }
}

fn plain_http(context: &RuleContext<'_>, facts: &RegistryFacts) -> Vec<Raised> {
    if facts.connection != Connection::Secure {
        return Vec::new();
    }
    let expected = "no registry at that address";
    let what = ("whether the registry answers without TLS too", expected);
    match registry::told(context, &registry::host(facts), &facts.plain_http, what) {
        // Some networks answer in the place of what nobody answers.
        Err(raised) => vec![(*raised).at_most(Action::Warn)],
        Ok(answers) => {
            let fail = |answer: &plimsoll_model::registry::PlainAnswer| {
                let place = Place::Registry { at: answer.address.clone() };
                let found = format!("`GET /v2/` is answered {}", answer.status);
                context.fail(place, "the registry answers without TLS too", found, expected)
            };
            answers.iter().map(fail).collect()
        }
    }
}

fn old_tls(context: &RuleContext<'_>, facts: &RegistryFacts) -> Option<Raised> {
    if facts.connection != Connection::Secure {
        return None;
    }
    let place = Place::Registry { at: format!("tls://{}", facts.repository.registry()) };
    let expected = "TLS 1.2 or later alone";
    let what = ("whether the registry speaks TLS before 1.2", expected);
    match registry::told(context, &place, &facts.old_tls, what) {
        Ok(OldTls::Declined) => None,
        Ok(OldTls::Spoken) => {
            let title = "the registry speaks TLS before 1.2";
            Some(context.fail(place, title, "TLS 1.1 or 1.0 is agreed to", expected))
        }
        // What this connection speaks is 1.2 or later in any case.
        Err(raised) => Some((*raised).at_most(Action::Warn)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{
        registry::{case, untold},
        testing::*,
    };

    use plimsoll_model::registry::{PlainAnswer, Told};

    fn plain() -> Told<Vec<PlainAnswer>> {
        let address = "http://registry.corp".to_owned();
        Told::Is(vec![PlainAnswer { address, status: 401 }])
    }

    #[test]
    fn ways_without_tls_fail() {
        let refused = Connection::Refused("invalid peer certificate: Expired".to_owned());
        case(|facts| facts.connection = refused).check("REG-001", Expect::Fail);
        case(|facts| facts.connection = Connection::Plain).check("REG-001", Expect::Fail);
        let found = case(|facts| facts.plain_http = plain()).findings("REG-001");
        let place = Place::Registry { at: "http://registry.corp".to_owned() };
        assert_eq!((found.len(), &found[0].finding.place), (1, &place));
        assert_eq!(found[0].finding.found, "`GET /v2/` is answered 401");
        let old = case(|facts| facts.old_tls = Told::Is(OldTls::Spoken));
        old.check("REG-001", Expect::Fail);
        assert!(old.findings("REG-001")[0].is_blocking());
    }

    #[test]
    fn tls_alone_passes_and_this_machine_is_warned_about() {
        case(|_| {}).check("REG-001", Expect::Pass);
        let found = case(|facts| facts.connection = Connection::Loopback).findings("REG-001");
        assert_eq!((found.len(), found[0].action), (1, Action::Warn));
    }

    #[test]
    fn what_does_not_answer_can_not_be_told() {
        let silent = case(|facts| (facts.plain_http, facts.old_tls) = (untold(), untold()));
        silent.check("REG-001", Expect::Unknown);
        assert!(silent.findings("REG-001").iter().all(|judged| judged.action == Action::Warn));
        assert_eq!(silent.findings("REG-001").len(), 2);
    }
}
