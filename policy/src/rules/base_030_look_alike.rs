//! BASE-030: no name is made to be taken for another.

use super::{About, Raised, Rule, RuleContext, inputs};
use crate::{decide::Action, official};
use plimsoll_model::{Severity, reference::Repository};
use std::{borrow::Cow, sync::LazyLock};

pub(crate) const RULE: Rule = Rule {
    id: "BASE-030",
    name: "base_030_look_alike",
    title: "no image or registry is named like a well-known one",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "Names that differ by a letter from a well-known one are registered to be taken for it: the slip of one key is enough to build on somebody else's code.",
    mend: "write the name that was meant; if this one is meant, list it under `bases.allow` in full",
    bad: "FROM debain:12",
    good: "FROM debian:12",
    equivalents: &[],
    about: &[About::Dockerfiles, About::Compose, About::Kubernetes],
    parameters: &[],
    check,
};

/// Registries that many images are on. Two of them are a letter apart; a name that is one of these looks like none.
const HOSTS: [&str; 14] = [
    "cgr.dev",
    "dhi.io",
    "docker.io",
    "gcr.io",
    "ghcr.io",
    "mcr.microsoft.com",
    "mirror.gcr.io",
    "public.ecr.aws",
    "quay.io",
    "registry.access.redhat.com",
    "registry.gitlab.com",
    "registry.k8s.io",
    "registry.redhat.io",
    "registry.suse.com",
];
/// Shorter names are a letter apart from many words.
const SHORTEST: usize = 4;

/// The names of official images, in their order.
static IMAGES: LazyLock<Vec<Spelling<'static>>> =
    LazyLock::new(|| official::names().map(|name| Spelling::of(name.into())).collect());

/// A name, and what it is compared by. Every name that is judged is compared with all that are known.
struct Spelling<'a> {
    name: Cow<'a, str>,
    /// The name with letters that look alike made one.
    skeleton: String,
    /// How many characters the name has.
    length: usize,
}

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let hosts = hosts(context);
    inputs::check_names(context, "looks like another name", |name| {
        if inputs::is_approved_by_name(context, name) {
            return None;
        }
        let meant = host_like(&hosts, name.repository.registry())
            .or_else(|| image_like(&name.repository))?;
        Some((format!("`{}`", name.repository), format!("`{meant}`, if that is meant")))
    })
}

/// Well-known registries, and those that the policy allows.
fn hosts(context: &RuleContext<'_>) -> Vec<Spelling<'static>> {
    let allowed = context.policy().bases().allow.iter().filter_map(|allowed| {
        let (host, _) = allowed.repository.as_str().split_once('/')?;
        (!host.contains('*')).then(|| host.to_owned().into())
    });
    HOSTS.iter().map(|host| (*host).into()).chain(allowed).map(Spelling::of).collect()
}

/// The registry that a host is made to look like.
fn host_like(hosts: &[Spelling<'_>], host: &str) -> Option<String> {
    if hosts.iter().any(|known| known.name == host) {
        return None;
    }
    // A host of many alphabets, written in one.
    if host.split('.').any(|label| label.starts_with("xn--")) {
        return Some("a host without letters of other alphabets".to_owned());
    }
    let spelling = Spelling::of(host.into());
    let alike = |known: &&Spelling<'_>| {
        let is_in_front = host.strip_prefix(&*known.name).is_some_and(|rest| rest.starts_with('.'));
        is_in_front || spelling.is_near(known)
    };
    hosts.iter().find(alike).map(|known| known.name.clone().into_owned())
}

/// The official image that a repository is made to look like.
fn image_like(repository: &Repository) -> Option<String> {
    if official::is_official(repository) {
        return None;
    }
    let mut parts = repository.path().rsplit('/');
    let own = parts.next()?;
    // On a registry of somebody's own, names are their affair, unless they claim to be official.
    let is_compared = repository.registry() == "docker.io" && !official::is_listed(own);
    let near = is_compared.then(|| {
        let spelling = Spelling::of(own.into());
        IMAGES.iter().find(|known| spelling.is_near(known)).map(|known| &*known.name)
    });
    let affixed = ["library-", "official-"].iter().find_map(|prefix| own.strip_prefix(prefix));
    let affixed = affixed.or_else(|| own.strip_suffix("-official"));
    let affixed = affixed.filter(|rest| official::is_listed(rest));
    near.flatten().or(affixed).map(|name| format!("docker.io/library/{name}"))
}

impl<'a> Spelling<'a> {
    fn of(name: Cow<'a, str>) -> Self {
        Self { skeleton: skeleton(&name), length: name.chars().count(), name }
    }

    /// Whether two names are a letter apart: one more, one less, another, or two that have changed places; or look the same.
    fn is_near(&self, known: &Spelling<'_>) -> bool {
        let (name, other) = (&*self.name, &*known.name);
        let is_long = name.len() >= SHORTEST && other.len() >= SHORTEST;
        let is_alike = name != other && self.skeleton == known.skeleton;
        // Lengths tell most of them apart, and counting letters takes long.
        let may_be_near = is_long && self.length.abs_diff(known.length) <= 1;
        is_alike || (may_be_near && strsim::damerau_levenshtein(name, other) == 1)
    }
}

/// The name with letters that look alike made one.
fn skeleton(name: &str) -> String {
    let name = name.replace("rn", "m").replace("vv", "w").replace("cl", "d");
    let one = |letter| match letter {
        '0' => 'o',
        '1' | 'i' | '|' => 'l',
        '5' => 's',
        letter => letter,
    };
    name.chars().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(from: &str) -> Case {
        Case::default().dockerfile(&format!("FROM {from}"))
    }

    #[test]
    fn a_letter_apart_from_an_official_image_fails() {
        for bad in [
            "debain",
            "debiann",
            "debia",
            "debiam",
            "pythn:3",
            "somebody/pyth0n",
            "ng1nx",
            "n0de",
            "docker.io/library/ngnix",
            "library-nginx",
            "acme/nginx-official",
            "corp.example/official-nginx",
        ] {
            case(bad).check("BASE-030", Expect::Fail);
            assert_eq!(case(bad).places("BASE-030"), [(1, 6)]);
        }
        assert_eq!(
            case("debain").findings("BASE-030")[0].finding.expected,
            "`docker.io/library/debian`, if that is meant"
        );
    }

    #[test]
    fn hosts_that_look_like_known_ones_fail() {
        for bad in [
            "docker.io.evil.com/library/debian",
            "d0cker.io/library/debian",
            "docker.lo/library/debian",
            "gchr.io/a/b",
            "quay.lo/a/b",
            "xn--dcker-jua.io/a/b",
            "registry.c0rp/a",
        ] {
            let allowing = case(bad).policy("bases: {allow: [{repository: \"registry.corp/**\"}]}");
            allowing.check("BASE-030", Expect::Fail);
        }
    }

    #[test]
    fn names_that_are_themselves_pass() {
        for good in [
            "debian",
            "ruby",
            "jruby",
            "gcr.io/a/b",
            "ghcr.io/a/b",
            "acme/python",
            "acme/app",
            "corp.example/apps/nodes",
            "quay.io/prometheus/prometheus",
            "localhost:5000/debain",
            "gcr.io/distroless/static-debian12",
            "docker.io/library/docker",
        ] {
            case(good).check("BASE-030", Expect::Pass);
        }
        case("acme/debain")
            .policy("bases: {allow: [{repository: docker.io/acme/debain}]}")
            .check("BASE-030", Expect::Pass);
    }

    #[test]
    fn official_names_do_not_look_like_one_another_but_for_one_pair() {
        let near: Vec<_> = IMAGES
            .iter()
            .flat_map(|one| {
                IMAGES
                    .iter()
                    .filter(move |other| one.name < other.name && one.is_near(other))
                    .map(move |other| (&*one.name, &*other.name))
            })
            .collect();
        assert_eq!(near, [("jruby", "ruby")]);
    }

    #[test]
    fn names_are_near_by_characters_and_not_by_bytes() {
        let is_near = |one: &'static str, other: &'static str| {
            Spelling::of(one.into()).is_near(&Spelling::of(other.into()))
        };
        for (one, other) in [("debian", "debiⓐn"), ("debian", "debiⓐan"), ("debiⓐn", "debia")]
        {
            assert_eq!(
                is_near(one, other),
                strsim::damerau_levenshtein(one, other) == 1,
                "{one} {other}"
            );
            assert_eq!(is_near(one, other), is_near(other, one), "{one} {other}");
        }
        assert!(is_near("debian", "debiⓐn") && is_near("rnongo", "mongo"));
        assert!(!is_near("debian", "debian") && !is_near("debian", "debianist"));
    }
}
