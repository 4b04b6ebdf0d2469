//! What the rules about registries have in common.

use super::{Raised, RuleContext};
use crate::decide::Action;
use plimsoll_model::{
    finding::Place,
    reference::Repository,
    registry::{Door, LeftKind, Leftover, RegistryFacts, Told},
};

/// How a question that writes is let be asked.
const ASK: &str = "give `--probe-write` to have it tried: what is written is taken back";

/// The repository.
pub(super) fn repository(facts: &RegistryFacts) -> Place {
    Place::Registry { at: facts.repository.to_string() }
}

/// The registry as a whole.
pub(super) fn host(facts: &RegistryFacts) -> Place {
    Place::Registry { at: facts.repository.registry().to_owned() }
}

/// What was told; else the finding that it was not. What nobody consented to is said, and blocks nothing: it is not passed.
pub(super) fn told<'f, T>(
    context: &RuleContext<'_>,
    place: &Place,
    told: &'f Told<T>,
    (what, expected): (&str, &str),
) -> Result<&'f T, Box<Raised>> {
    match told {
        Told::Is(value) => Ok(value),
        Told::Untold(why) => {
            let title = format!("{what} can not be told");
            Err(Box::new(context.unknown(place.clone(), title, why.as_str(), expected)))
        }
        Told::NoConsent => {
            let title = format!("{what} was not looked at");
            let raised = context.unknown(place.clone(), title, "no consent to write", expected);
            Err(Box::new(raised.with_remedy(ASK).at_most(Action::Inform)))
        }
    }
}

/// A finding where everybody may do what nobody should without credentials.
pub(super) fn shut(
    context: &RuleContext<'_>,
    (place, door): (&Place, &Told<Door>),
    (what, request): (&str, &str),
) -> Option<Raised> {
    match told(context, place, door, (what, "401 or 403, to who has no credentials")) {
        Err(raised) => Some(*raised),
        Ok(Door::Shut(_)) => None,
        Ok(Door::Open(status)) => {
            let title = format!("{what} is allowed");
            let found = format!("`{request}` without credentials is answered {status}");
            let expected = "401 or 403, to who has no credentials";
            Some(context.fail(place.clone(), title, found, expected))
        }
    }
}

/// What the probes left behind of a kind.
pub(super) fn left(
    context: &RuleContext<'_>,
    facts: &RegistryFacts,
    kind: LeftKind,
) -> Vec<Raised> {
    let left = facts.leftovers.iter().filter(|left| left.kind == kind);
    let raise = |left: &Leftover| {
        let place = Place::Registry { at: format!("{}, {}", facts.repository, left.what) };
        let title = format!("the audit left {} behind", left.what);
        let raised = context.fail(place, title, left.why.as_str(), "nothing left");
        raised.with_remedy("delete it by the registry's own means").at_most(Action::Warn)
    };
    left.map(raise).collect()
}

impl RuleContext<'_> {
    /// Whether the patterns of a parameter name the repository; nothing where the policy has no such parameter.
    pub(super) fn names(&self, parameter: &str, repository: &Repository) -> Option<bool> {
        let patterns = self.texts(parameter);
        let name = repository.to_string();
        // The policy was not read if one of them is none.
        let is_match = |text: &String| {
            text.parse::<crate::Pattern>().is_ok_and(|pattern| pattern.is_match(&name))
        };
        (!patterns.is_empty()).then(|| patterns.iter().any(is_match))
    }
}

/// A registry as it should be, to be changed by tests.
#[cfg(test)]
pub(super) fn sound() -> RegistryFacts {
    use plimsoll_model::registry::{
        Connection, CredentialKind, Grant, Grants, OldTls, ReferrersApi, TagMoves,
    };
    let grant = |actions: &[&str]| Grant {
        kind: "repository".to_owned(),
        name: "prod/app".to_owned(),
        actions: actions.iter().map(|action| (*action).to_owned()).collect(),
    };
    RegistryFacts {
        repository: "registry.corp/prod/app".parse().unwrap(),
        connection: Connection::Secure,
        plain_http: Told::Is(Vec::new()),
        old_tls: Told::Is(OldTls::Declined),
        pull: Told::Is(Door::Shut(401)),
        push: Told::Is(Door::Shut(401)),
        delete: Told::Is(Door::Shut(401)),
        catalog: Told::Is(Door::Shut(401)),
        tag_moves: Told::Is(TagMoves::No("plimsoll-audit-1".to_owned())),
        referrers: Told::Is(ReferrersApi::Present),
        lies: Told::Is(Vec::new()),
        gone: Told::Is(Vec::new()),
        credential: CredentialKind::Helper("corp".to_owned()),
        grants: Told::Is(Grants {
            for_pull: vec![grant(&["pull"])],
            for_push: vec![grant(&["pull"])],
        }),
        own_push: Told::Is(Door::Shut(403)),
        leftovers: Vec::new(),
    }
}

/// A sound registry with one change.
#[cfg(test)]
pub(super) fn case(change: impl FnOnce(&mut RegistryFacts)) -> super::testing::Case {
    let mut facts = sound();
    change(&mut facts);
    let mut case = super::testing::Case::default();
    case.registry = Some(facts);
    case
}

/// What could not be told.
#[cfg(test)]
pub(super) fn untold<T>() -> Told<T> {
    Told::Untold("the registry answered 503".to_owned())
}
