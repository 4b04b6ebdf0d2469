//! BASE-022: no image comes from a registry that is spoken to without TLS.

use super::{About, Parameter, ParameterKind, Raised, Rule, RuleContext, inputs};
use crate::{
    configs::{Config, ConfigKind},
    decide::Action,
    dockerfile::Source,
    yaml::Value,
};
use plimsoll_model::{Severity, finding::Place, reference};
use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

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
    about: &[About::Dockerfiles, About::Compose, About::Kubernetes, About::Image],
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
            let what = format!("{} `{}`", input.kind.as_str(), input.written);
            insecure.judge(context, place, (&what, name.repository.registry()))
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
    insecure.judge(context, Place::Image, ("the image", repository.registry()))
}

/// The one registry that no list makes the daemon speak to without TLS.
const HUB: &str = "docker.io";

/// The registries without TLS, by who says so.
struct Insecure<'a> {
    /// As it is written, and by whom.
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

    /// The finding about `what`, which comes from this registry.
    fn judge(
        &self,
        context: &RuleContext<'_>,
        place: Place,
        (what, registry): (&str, &str),
    ) -> Option<Raised> {
        if let Some(by) = self.why(registry) {
            let title = format!("{what} is fetched without TLS");
            return Some(context.fail(place, title, format!("`{registry}`, {by}"), EXPECTED));
        }
        let (network, by) = self.may_hold(registry)?;
        let title = format!("whether {what} is fetched without TLS can not be told");
        let found = format!(
            "`{network}` is listed {by}, and what the name `{registry}` resolves to is not known here"
        );
        Some(context.unknown(place, title, found, EXPECTED))
    }

    /// Who says that a registry has no TLS.
    fn why(&self, registry: &str) -> Option<&'static str> {
        let address = address(registry);
        let is_it = |listed: &str| {
            let listed = without_scheme(listed);
            let is_within = || Some(Network::of(listed)?.holds(address?));
            listed.eq_ignore_ascii_case(registry) || is_within() == Some(true)
        };
        self.listed.iter().find(|(listed, _)| is_it(listed)).map(|(_, by)| *by)
    }

    /// The network that may hold what the name of a registry resolves to, and who lists it: the daemon looks there too.
    fn may_hold(&self, registry: &str) -> Option<(&'a str, &'static str)> {
        if registry == HUB || address(registry).is_some() {
            return None;
        }
        let is_elsewhere = |listed: &str| {
            Network::of(without_scheme(listed)).is_some_and(|network| !network.is_loopback())
        };
        self.listed.iter().copied().find(|(listed, _)| is_elsewhere(listed))
    }
}

/// An entry as the daemon reads it: whatever scheme it is written with.
fn without_scheme(listed: &str) -> &str {
    let rest = |scheme: &&str| {
        let (head, rest) = listed.split_at_checked(scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then_some(rest)
    };
    ["http://", "https://"].iter().find_map(rest).unwrap_or(listed)
}

/// The address of a registry that is named by one.
fn address(registry: &str) -> Option<IpAddr> {
    let host = registry.parse().or_else(|_whole| {
        let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
        host.trim_matches(['[', ']']).parse::<IpAddr>()
    });
    host.ok().map(|host| host.to_canonical())
}

/// A network, `10.0.0.0/8`, as the daemon lists them.
#[derive(Debug, Clone, Copy)]
enum Network {
    /// An address in it, and how many bits at the end are free.
    V4(u32, u32),
    /// The same.
    V6(u128, u32),
}

impl Network {
    fn of(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let bits: u32 = bits.parse().ok()?;
        match address.parse().ok()? {
            IpAddr::V4(address) => Some(Self::V4(address.to_bits(), 32_u32.checked_sub(bits)?)),
            IpAddr::V6(address) => {
                let free = 128_u32.checked_sub(bits)?;
                // The addresses of version 4 have a network among those of version 6.
                match address.to_ipv4_mapped() {
                    Some(address) if free <= 32 => Some(Self::V4(address.to_bits(), free)),
                    _ => Some(Self::V6(address.to_bits(), free)),
                }
            }
        }
    }

    fn holds(self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::V4(network, free), IpAddr::V4(address)) => {
                let kept = |address: u32| address.checked_shr(free).unwrap_or(0);
                kept(address.to_bits()) == kept(network)
            }
            (Self::V6(network, free), IpAddr::V6(address)) => {
                let kept = |address: u128| address.checked_shr(free).unwrap_or(0);
                kept(address.to_bits()) == kept(network)
            }
            (Self::V4(..), IpAddr::V6(_)) | (Self::V6(..), IpAddr::V4(_)) => false,
        }
    }

    /// Whether all of it is this machine: no name of another one leads there.
    fn is_loopback(self) -> bool {
        match self {
            Self::V4(network, free) => Ipv4Addr::from_bits(network).is_loopback() && free <= 24,
            Self::V6(network, free) => Ipv6Addr::from_bits(network).is_loopback() && free == 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    const DAEMON: &str = r#"{"insecure-registries": ["plain.corp:5000", "10.1.0.0/16", "fd00::/8", 7,
            "HTTPS://schemed.corp", "http://10.9.0.0/16"]}"#;

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
        for bad in [
            "plain.corp:5000/x",
            "schemed.corp/x",
            "10.9.1.1/x",
            "10.1.2.3/x/y",
            "10.1.2.3:5000/x",
            "[fd00::1]:5000/x",
        ] {
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
        for good in ["10.2.0.1/x", "[fe00::1]:5000/x", "debian", "docker.io/a/b"] {
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
    fn a_name_may_resolve_to_an_address_in_a_network_that_is_listed() {
        let daemon = |listed: &str| format!("{{\"insecure-registries\": [\"{listed}\"]}}");
        for network in ["10.0.0.0/8", "0.0.0.0/0", "http://10.0.0.0/8", "127.0.0.0/7", "::1/127"] {
            for name in ["registry.corp/x", "10.1.2.3.nip.io/x", "registry.corp:5000/x"] {
                let named = case(name).config("daemon.json", &daemon(network));
                named.check("BASE-022", Expect::Unknown);
            }
        }
        let found = &case("registry.corp/x")
            .config("daemon.json", &daemon("https://10.0.0.0/8"))
            .findings("BASE-022")[0];
        assert_eq!(
            (&*found.finding.found, found.action),
            (
                "`https://10.0.0.0/8` is listed by `insecure-registries` of the daemon, and what the name `registry.corp` resolves to is not known here",
                Action::Deny
            )
        );
        let image = Case::default().image(&["a"]).config("daemon.json", &daemon("10.0.0.0/8"));
        image.check("BASE-022", Expect::Unknown);
        // A network of this machine has no registry of another one, and one out of bounds is none.
        for none in ["127.0.0.0/8", "127.1.0.0/16", "::1/128", "10.0.0.0/33", "10.0.0.0"] {
            let named = case("registry.corp/x").config("daemon.json", &daemon(none));
            named.check("BASE-022", Expect::Pass);
        }
    }

    #[test]
    fn networks_hold_the_addresses_of_their_prefix() {
        for (host, network, expect) in [
            ("10.1.2.3", "10.1.2.3/32", true),
            ("10.1.2.4", "10.1.2.3/32", false),
            ("1.2.3.4:5000", "0.0.0.0/0", true),
            ("1.2.3.4", "::/0", false),
            ("[::1]:5000", "::/0", true),
            ("[::ffff:10.1.2.3]:5000", "10.0.0.0/8", true),
            ("10.1.2.3", "::ffff:10.0.0.0/104", true),
            ("11.1.2.3", "::ffff:10.0.0.0/104", false),
        ] {
            let held = Network::of(network).unwrap().holds(address(host).unwrap());
            assert_eq!(held, expect, "{host} {network}");
        }
        for none in ["0.0.0.0/33", "::/129", "10.0.0.0", "10.0.0.0/-1", "registry.corp/8"] {
            assert!(Network::of(none).is_none(), "{none}");
        }
        assert_eq!(address("registry.corp"), None);
    }
}
