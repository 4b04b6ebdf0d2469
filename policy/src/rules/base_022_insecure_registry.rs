//! BASE-022: no image comes from a registry that is spoken to without TLS.

use super::{About, Parameter, ParameterKind, Raised, Rule, RuleContext, inputs};
use crate::{
    configs::{Config, ConfigKind},
    decide::Action,
    dockerfile::Source,
    yaml::Value,
};
use plimsoll_model::{Severity, reference};
use std::{collections::BTreeSet, net::IpAddr};

pub(crate) const RULE: Rule = Rule {
    id: "BASE-022",
    name: "base_022_insecure_registry",
    title: "no image comes from a registry without TLS",
    severity: Severity::High,
    action: Action::Deny,
    why: "Whoever is between the builder and a registry without TLS decides what a tag means, and reads the password that is sent to it.",
    mend: "give the registry a certificate, and take it out of `--plain-http` and of `insecure-registries`",
    bad: "FROM registry.corp:5000/base/debian:12   # and --plain-http registry.corp:5000",
    good: "FROM registry.corp/base/debian:12",
    equivalents: &["CIS 2.5"],
    about: &[About::Dockerfiles, About::Compose, About::Image],
    parameters: &[Parameter {
        name: "registries",
        kind: ParameterKind::Texts,
        help: "registries without TLS, besides those of `--plain-http` and of `insecure-registries` in `daemon.json` (none)",
    }],
    check,
};

const EXPECTED: &str = "a registry with TLS";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let insecure = Insecure::of(context);
    let mut raised: Vec<Raised> = subject(context, &insecure).into_iter().collect();
    raised.extend(inputs::of(context).filter_map(|(place, input)| match &input.source {
        Source::Image(name) => {
            let registry = name.repository.registry();
            let why = insecure.why(registry)?;
            let title =
                format!("{} `{}` is fetched without TLS", input.kind.as_str(), input.written);
            Some(context.fail(place, title, format!("`{registry}`, {why}"), EXPECTED))
        }
        Source::Unresolved { variable } if !insecure.is_empty() => {
            let written = &input.written;
            let title = format!("it can not be told from which registry `{written}` is fetched");
            let found = format!("`{written}`, where `{variable}` has no value that is known here");
            Some(context.unknown(place, title, found, EXPECTED))
        }
        Source::Unresolved { .. } | Source::Stage(_) | Source::Scratch | Source::Malformed(_) => {
            None
        }
    }));
    raised
}

/// Where the image itself is.
fn subject(context: &RuleContext<'_>, insecure: &Insecure<'_>) -> Option<Raised> {
    let image = context.facts().image?;
    let reference::Place::Repository(repository) = &image.pinned.place else { return None };
    let why = insecure.why(repository.registry())?;
    let found = format!("`{}`, {why}", repository.registry());
    let title = "the image is fetched without TLS";
    Some(context.fail(plimsoll_model::finding::Place::Image, title, found, EXPECTED))
}

/// The registries without TLS, by who says so.
struct Insecure<'a> {
    listed: Vec<(&'a str, &'static str)>,
}

impl<'a> Insecure<'a> {
    fn of(context: &RuleContext<'a>) -> Self {
        let named =
            context.facts().plain_http.iter().map(|host| (host.as_str(), "by `--plain-http`"));
        let set = context.texts("registries").iter().map(|host| (host.as_str(), "by the policy"));
        let mut listed: Vec<_> = named.chain(set).collect();
        let daemons = context.configs().iter().filter(|config| config.kind == ConfigKind::Daemon);
        for root in daemons.flat_map(Config::documents) {
            let Some(node) = root.get("insecure-registries") else { continue };
            let Value::List(items) = &node.value else { continue };
            listed.extend(items.iter().filter_map(|item| match &item.value {
                Value::Text(text) => {
                    Some((text.as_str(), "by `insecure-registries` of the daemon"))
                }
                Value::Null
                | Value::Boolean(_)
                | Value::Integer(_)
                | Value::OtherNumber
                | Value::List(_)
                | Value::Map(_) => None,
            }));
        }
        let mut seen = BTreeSet::new();
        listed.retain(|(host, _)| seen.insert(*host));
        Self { listed }
    }

    const fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// Who says that a registry has no TLS.
    fn why(&self, registry: &str) -> Option<&'static str> {
        let is_it =
            |listed: &str| listed.eq_ignore_ascii_case(registry) || is_within(registry, listed);
        self.listed.iter().find(|(listed, _)| is_it(listed)).map(|(_, why)| *why)
    }
}

/// Whether a registry is an address in a network, `10.0.0.0/8`, as the daemon lists them.
fn is_within(registry: &str, network: &str) -> bool {
    let Some((address, bits)) = network.split_once('/') else { return false };
    let host = registry.parse().or_else(|_whole| {
        let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
        host.trim_matches(['[', ']']).parse::<IpAddr>()
    });
    match (host, address.parse::<IpAddr>(), bits.parse::<u32>()) {
        (Ok(IpAddr::V4(host)), Ok(IpAddr::V4(network)), Ok(bits @ 0..=32)) => {
            let rest = 32_u32.saturating_sub(bits);
            let kept = |address: u32| address.checked_shr(rest).unwrap_or(0);
            kept(host.to_bits()) == kept(network.to_bits())
        }
        (Ok(IpAddr::V6(host)), Ok(IpAddr::V6(network)), Ok(bits @ 0..=128)) => {
            let rest = 128_u32.saturating_sub(bits);
            let kept = |address: u128| address.checked_shr(rest).unwrap_or(0);
            kept(host.to_bits()) == kept(network.to_bits())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    const DAEMON: &str =
        r#"{"insecure-registries": ["plain.corp:5000", "10.1.0.0/16", "fd00::/8", 7]}"#;

    fn case(from: &str) -> Case {
        Case::default().dockerfile(&format!("FROM {from}"))
    }

    #[test]
    fn registries_that_somebody_lists_fail_with_who_says_so() {
        let named = |from: &str| case(from).plain_http("plain.io:80");
        named("plain.io:80/a/b").check("BASE-022", Expect::Fail);
        named("debian\nCOPY --from=plain.io:80/x / /").check("BASE-022", Expect::Fail);
        let found = &named("plain.io:80/a/b").findings("BASE-022")[0];
        assert_eq!(
            (&*found.finding.found, found.action),
            ("`plain.io:80`, by `--plain-http`", Action::Deny)
        );
        assert_eq!(named("plain.io:80/a/b").places("BASE-022"), [(1, 6)]);
        for bad in ["plain.corp:5000/x", "10.1.2.3/x/y", "10.1.2.3:5000/x", "[fd00::1]:5000/x"] {
            case(bad).config("daemon.json", DAEMON).check("BASE-022", Expect::Fail);
        }
        let set = case("a.io/x").policy("rules: {BASE-022: {registries: [a.io]}}");
        set.check("BASE-022", Expect::Fail);
        let service = Case::default().compose("services: {a: {image: a.io/x}}").plain_http("a.io");
        service.check("BASE-022", Expect::Fail);
    }

    #[test]
    fn the_registry_of_the_image_itself_counts() {
        let image = Case::default().image(&["a"]);
        image.check("BASE-022", Expect::Pass);
        image.clone().plain_http("registry.corp").check("BASE-022", Expect::Fail);
        image.plain_http("registry.corp:80").check("BASE-022", Expect::Pass);
    }

    #[test]
    fn other_registries_pass() {
        case("plain.io:80/a/b").check("BASE-022", Expect::Pass);
        for good in [
            "debian",
            "plain.io/a/b",
            "plain.io:8080/a",
            "plain.io.evil.io:80/a",
            "docker.io/plain.io/a",
        ] {
            case(good).plain_http("plain.io:80").check("BASE-022", Expect::Pass);
        }
        for good in ["10.2.0.1/x", "10.1.2.3.nip.io/x", "plain.corp/x", "[fe00::1]:5000/x"] {
            case(good).config("daemon.json", DAEMON).check("BASE-022", Expect::Pass);
        }
    }

    #[test]
    fn a_variable_hides_the_registry_where_one_is_listed() {
        let hidden = Case::default().dockerfile("ARG HUB\nFROM $HUB/x");
        hidden.check("BASE-022", Expect::Pass);
        hidden.plain_http("plain.io:80").check("BASE-022", Expect::Unknown);
    }

    #[test]
    fn networks_hold_the_addresses_of_their_prefix() {
        for (host, network, expect) in [
            ("10.1.2.3", "10.1.2.3/32", true),
            ("10.1.2.4", "10.1.2.3/32", false),
            ("1.2.3.4:5000", "0.0.0.0/0", true),
            ("1.2.3.4", "0.0.0.0/33", false),
            ("1.2.3.4", "::/0", false),
            ("[::1]:5000", "::/0", true),
            ("registry.corp", "0.0.0.0/0", false),
        ] {
            assert_eq!(is_within(host, network), expect, "{host} {network}");
        }
    }
}
