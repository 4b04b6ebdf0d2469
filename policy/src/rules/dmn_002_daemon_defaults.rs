//! DMN-002: the daemon's settings are not left at defaults that give more than is needed.
//!
//! Flags in units are not looked at: the daemon refuses a setting that is in both.

use super::{About, Raised, Rule, RuleContext, configs};
use crate::{
    configs::ConfigKind,
    decide::Action,
    yaml::{Node, Value},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DMN-002",
    name: "dmn_002_daemon_defaults",
    title: "the daemon's settings are no weaker than they need to be",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "As installed, containers reach each other, root in them is root outside, and a restart of the daemon stops them all.",
    mend: "set the key in daemon.json as expected, or write an exception that says why not",
    bad: r#"{"icc": true, "insecure-registries": ["registry.lan:5000"]}"#,
    good: r#"{"icc": false, "userland-proxy": false, "userns-remap": "default", "live-restore": true, "no-new-privileges": true, "authorization-plugins": ["authz"]}"#,
    equivalents: &[
        "CIS 2.2", "CIS 2.3", "CIS 2.5", "CIS 2.9", "CIS 2.12", "CIS 2.14", "CIS 2.15", "CIS 2.16",
        "CIS 2.18",
    ],
    about: &[About::Configs],
    parameters: &[],
    check,
};

/// What a setting should be.
#[derive(Debug, Clone, Copy)]
enum Want {
    True,
    False,
    NotTrue,
    Something,
    Nothing,
    Info,
}

/// The settings in daemon.json, <https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file>.
const SETTINGS: [(&str, Want); 9] = [
    ("insecure-registries", Want::Nothing),
    ("icc", Want::False),
    ("userland-proxy", Want::False),
    ("userns-remap", Want::Something),
    ("live-restore", Want::True),
    ("no-new-privileges", Want::True),
    ("experimental", Want::NotTrue),
    ("log-level", Want::Info),
    ("authorization-plugins", Want::Something),
];

impl Want {
    const fn expected(self) -> &'static str {
        match self {
            Self::True => "`true`",
            Self::False => "`false`",
            Self::NotTrue => "`false`, or no such key",
            Self::Something => "a value",
            Self::Nothing => "an empty list, or no such key",
            Self::Info => "`info`, or no such key",
        }
    }

    /// Whether the value is as wanted; nothing where it is of another kind than the daemon takes.
    fn is_met(self, value: Option<&Value>) -> Option<bool> {
        match (self, value) {
            (Self::NotTrue | Self::Nothing | Self::Info, None) => Some(true),
            (Self::True | Self::False | Self::Something, None) => Some(false),
            (Self::True, Some(Value::Boolean(value))) => Some(*value),
            (Self::False | Self::NotTrue, Some(Value::Boolean(value))) => Some(!value),
            (Self::Something, Some(Value::Text(text))) => Some(!text.is_empty()),
            (Self::Something, Some(Value::List(items))) => Some(!items.is_empty()),
            (Self::Nothing, Some(Value::List(items))) => Some(items.is_empty()),
            (Self::Info, Some(Value::Text(text))) => Some(text == "info" || text.is_empty()),
            (_, Some(_)) => None,
        }
    }
}

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let of = (&[ConfigKind::Daemon][..], "settings as JSON");
    configs::of_kinds(context, of, |config| {
        let roots = config.documents().iter();
        let pairs = roots.flat_map(|root| SETTINGS.map(|setting| (root, setting)));
        let raise = |(root, (key, want)): (&Node, (&str, Want))| {
            let node = root.get(key);
            let place = config.place(node.map_or(root.at, |node| node.at));
            let found = node.map_or_else(|| "no such key".to_owned(), |node| node.value.describe());
            let expected = want.expected();
            match want.is_met(node.map(|node| &node.value)) {
                Some(true) => None,
                Some(false) => {
                    let title = format!("`{key}` of the daemon is weaker than it needs to be");
                    Some(context.fail(place, title, found, expected))
                }
                None => {
                    let title = format!("what `{key}` of the daemon means can not be told");
                    Some(context.unknown(place, title, found, expected))
                }
            }
        };
        pairs.filter_map(raise).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn daemon(text: &str) -> Case {
        Case::default().config("etc/docker/daemon.json", text)
    }

    #[test]
    fn what_is_weaker_is_found_where_it_stands_or_is_missing() {
        let text = RULE.good.replace("\"icc\": false", "\"icc\": true");
        daemon(&text).check("DMN-002", Expect::Fail);
        assert_eq!(daemon(&text).places("DMN-002"), [(1, 9)]);
        let found = daemon("{}").findings("DMN-002");
        assert_eq!(found.len(), 6, "{found:#?}");
        let text = "{\n  \"insecure-registries\": [\"a\"], \"experimental\": true,\n  \"log-level\": \"debug\"\n}";
        let mut places = daemon(text).places("DMN-002");
        places.retain(|place| *place != (1, 1));
        places.sort_unstable();
        assert_eq!(places, [(2, 26), (2, 49), (3, 16)]);
    }

    #[test]
    fn hardened_settings_pass() {
        daemon(RULE.good).check("DMN-002", Expect::Pass);
    }

    #[test]
    fn values_of_another_kind_and_broken_files_can_not_be_told() {
        let text = RULE.good.replace("\"icc\": false", "\"icc\": \"false\"");
        daemon(&text).check("DMN-002", Expect::Unknown);
        daemon("{\"icc\": false").check("DMN-002", Expect::Unknown);
    }
}
