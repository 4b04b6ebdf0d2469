//! SEC-007: no layer holds a secret that a later one hides.

use super::{About, Raised, Rule, RuleContext, secret_files as files};
use crate::{
    decide::Action,
    secrets::{Named, Seen, State},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "SEC-007",
    name: "sec_007_secret_in_lower_layer",
    title: "no layer holds a secret that a later layer deletes or replaces",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "A layer never changes: what a later one deletes is hidden in the container, and still there for whoever pulls the image and opens the layer.",
    mend: "revoke the secret, it is known; do not copy it in at all, use `RUN --mount=type=secret`, and build again without the layer",
    bad: "COPY key.pem /tmp/\nRUN use /tmp/key.pem && rm /tmp/key.pem",
    good: "RUN --mount=type=secret,id=key,target=/tmp/key.pem use /tmp/key.pem",
    equivalents: &[],
    about: &[About::Image],
    parameters: &[],
    check,
};

const EXPECTED: &str = "no secret in any layer";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let hidden = files::of(context, State::Removed).filter_map(|file| {
        let Seen::Content { hits, credential, .. } = &file.seen else { return None };
        let (told, at_most): (String, Action) = match credential {
            Some(credential) => {
                (credential.title.to_owned(), files::of_credential(credential, file))
            }
            None if hits.is_empty() => return None,
            None => (files::told(hits), files::at_most(files::surest(hits))),
        };
        let title = "a secret is hidden by a later layer, and still in the image";
        let found = format!("{told}, in {}", files::layer(file));
        let raised = context.fail(files::place(file), title, found, EXPECTED);
        Some((raised.at_most(at_most), files::is_packaged(file)))
    });
    let mut raised = files::each(context, hidden);
    let names = [Named::Credential, Named::Otherwise];
    raised.extend(files::unseen(context, State::Removed, &names, EXPECTED));
    raised
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        rules::testing::*,
        secrets::{LARGEST, tests::summed},
    };
    use plimsoll_model::finding::Place;

    fn removed(path: &str, text: &str) -> Case {
        Case::default().secret_file(path, State::Removed, text.as_bytes())
    }

    #[test]
    fn a_secret_that_a_later_layer_hides_fails_with_its_layer() {
        let token = summed("npm_");
        let case = removed("tmp/t", &token);
        case.check("SEC-007", Expect::Fail);
        let judged = &case.findings("SEC-007")[0];
        assert_eq!(judged.action, Action::Deny);
        let place = Place::File { path: "/tmp/t".to_owned(), layer: Some(digest("a")) };
        assert_eq!(judged.finding.place, place);
        let layer = digest("blob a");
        let found = format!("a token of npm (`npm_…`, 40 characters) on line 1, in layer {layer}");
        assert_eq!(judged.finding.found, found);
        let netrc = removed("root/.netrc", "machine a login b password c1");
        netrc.check("SEC-007", Expect::Fail);
        // What is hidden is told once.
        for rule in ["SEC-002", "SEC-003"] {
            case.check(rule, Expect::Pass);
            netrc.check(rule, Expect::Pass);
        }
    }

    #[test]
    fn what_remains_or_is_no_secret_passes() {
        let token = summed("npm_");
        let remains = Case::default().secret_file("tmp/t", State::Remains, token.as_bytes());
        remains.check("SEC-007", Expect::Pass);
        removed("tmp/t", "nothing").check("SEC-007", Expect::Pass);
    }

    #[test]
    fn what_was_not_looked_at_can_not_be_told() {
        let large = "a".repeat(usize::try_from(LARGEST).unwrap() + 1);
        for (path, action) in [("root/.netrc", Action::Deny), ("tmp/log", Action::Inform)] {
            let case = removed(path, &large);
            case.check("SEC-007", Expect::Unknown);
            assert_eq!(case.findings("SEC-007")[0].action, action, "{path}");
        }
    }
}
