//! Who signs without a key of his own: an identity, as the issuer of its token vouches for it.
//!
//! A certificate authority puts both into a certificate that is valid for minutes, and for the job of a CI what the
//! issuer knows of the build besides: <https://github.com/sigstore/fulcio/blob/v1.8.0/docs/oid-info.md>.

use crate::pattern::{Pattern, PatternError};
use std::{fmt, str::FromStr};

/// An identity that somebody has shown to a certificate authority.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SignerIdentity {
    /// The workflow, or the person: a URI or an e-mail address.
    pub subject: String,
    /// Who vouches for it: the URL of the issuer of its token.
    pub issuer: String,
    /// What the issuer says of the build.
    pub build: BuildClaims,
}

/// What the issuer of a CI's tokens says of a build. Every claim is absent where the certificate does not have it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct BuildClaims {
    /// The workflow that asked for the signature, with its ref.
    pub signer: Option<String>,
    /// The repository that was built.
    pub repository: Option<String>,
    /// Its number, which stays when it is renamed and is not given to another one.
    pub repository_id: Option<String>,
    /// The number of its owner.
    pub owner_id: Option<String>,
    /// The ref that was built.
    pub reference: Option<String>,
    /// The commit that was built.
    pub commit: Option<String>,
    /// The workflow that was started, with its ref.
    pub config: Option<String>,
    /// What started it (`push`).
    pub trigger: Option<String>,
    /// The run, as a URL.
    pub run: Option<String>,
    /// Whose machine it ran on (`github-hosted`).
    pub runner: Option<String>,
}

impl fmt::Display for SignerIdentity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} (issuer {})", self.subject, self.issuer)
    }
}

/// What is demanded of an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityDemand {
    /// The issuer, which has to be exactly this one.
    pub issuer: String,
    /// The identity.
    pub subject: IdentityPattern,
    /// The repository that was built, as a URL. Where none is demanded, a workflow signs for its own repository alone.
    pub repository: Option<String>,
    /// The number of that repository.
    pub repository_id: Option<String>,
    /// The number of its owner.
    pub owner_id: Option<String>,
    /// The ref that was built.
    pub reference: Option<Pattern>,
    /// What may have started the build; empty means anything.
    pub triggers: Vec<String>,
    /// Whose machine it has to have run on.
    pub runner: Option<String>,
}

/// One demand that an identity does not meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// What is demanded (`issuer`).
    pub what: &'static str,
    /// The demand.
    pub expected: String,
    /// What the certificate says; absent where it says nothing.
    pub found: Option<String>,
}

impl IdentityDemand {
    /// A demand on identity and issuer alone.
    pub const fn new(issuer: String, subject: IdentityPattern) -> Self {
        Self {
            issuer,
            subject,
            repository: None,
            repository_id: None,
            owner_id: None,
            reference: None,
            triggers: Vec::new(),
            runner: None,
        }
    }

    /// Everything about `identity` that is not as demanded; it is accepted where there is nothing.
    pub fn mismatches(&self, identity: &SignerIdentity) -> Vec<Mismatch> {
        let mut found = Vec::new();
        let mut demand = |what, expected: &str, is_met: bool, actual: Option<&str>| {
            if !is_met {
                let (expected, actual) = (expected.to_owned(), actual.map(str::to_owned));
                found.push(Mismatch { what, expected, found: actual });
            }
        };
        let build = &identity.build;
        demand("issuer", &self.issuer, identity.issuer == self.issuer, Some(&identity.issuer));
        let is_subject = self.subject.is_match(&identity.subject);
        demand("identity", self.subject.as_str(), is_subject, Some(&identity.subject));
        for (what, expected, actual) in [
            ("repository", &self.repository, &build.repository),
            ("repository-id", &self.repository_id, &build.repository_id),
            ("owner-id", &self.owner_id, &build.owner_id),
            ("runner", &self.runner, &build.runner),
        ] {
            if let Some(expected) = expected {
                demand(what, expected, actual.as_ref() == Some(expected), actual.as_deref());
            }
        }
        if let Some(expected) = &self.reference {
            let is_met = build.reference.as_deref().is_some_and(|found| expected.is_match(found));
            demand("ref", expected.as_str(), is_met, build.reference.as_deref());
        }
        if !self.triggers.is_empty() {
            let is_met = build.trigger.as_ref().is_some_and(|found| self.triggers.contains(found));
            demand("trigger", &self.triggers.join(" or "), is_met, build.trigger.as_deref());
        }
        if let (None, Some(repository)) = (&self.repository, &build.repository) {
            let is_own = identity
                .subject
                .strip_prefix(repository.as_str())
                .is_some_and(|rest| rest.starts_with('/'));
            let expected = "the repository of the identity, as no other is demanded";
            demand("repository", expected, is_own, Some(repository));
        }
        found
    }
}

/// A pattern over identities that has to match from end to end.
///
/// `*` stands for any text within one part of a path, `**` for any text; neither stands for `@`, `?`, `#`, a space or a
/// control character, so that nobody extends what was written by what he calls his branch. Case counts. What is in front
/// of the first wildcard names an owner: `https://HOST/OWNER/`; an e-mail address names its domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityPattern(Pattern);

/// Why a text is no pattern for identities.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityPatternError {
    /// It is no pattern at all.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// Anybody can have an identity like that.
    #[error(
        "`{0}` matches the identities of strangers: write out `https://HOST/OWNER/` or the domain of an e-mail address, with wildcards behind it alone"
    )]
    Unanchored(String),
    /// It is neither a URI nor an e-mail address.
    #[error(
        "`{0}` is no identity: expected a URI, as `https://github.com/OWNER/REPOSITORY/.github/workflows/FILE@refs/heads/main`, or an e-mail address"
    )]
    NoIdentity(String),
}

impl FromStr for IdentityPattern {
    type Err = IdentityPatternError;

    fn from_str(text: &str) -> Result<Self, IdentityPatternError> {
        let pattern: Pattern = text.parse()?;
        let is_anchored = match text.split_once("://") {
            Some((scheme, rest)) => {
                let (literal, has_wildcard) = match rest.split_once('*') {
                    Some((literal, _)) => (literal, true),
                    None => (rest, false),
                };
                let mut parts = literal.split('/');
                let (host, owner) = (parts.next(), parts.next());
                let is_owned = owner.is_some_and(|owner| !owner.is_empty());
                !scheme.contains('*')
                    && host.is_some_and(|host| !host.is_empty())
                    && (!has_wildcard || (is_owned && parts.next().is_some()))
            }
            None => match text.rsplit_once('@') {
                Some((_, domain)) if !domain.is_empty() => !domain.contains('*'),
                _ if text.contains('*') => false,
                _ => return Err(IdentityPatternError::NoIdentity(text.to_owned())),
            },
        };
        if is_anchored {
            Ok(Self(pattern))
        } else {
            Err(IdentityPatternError::Unanchored(text.to_owned()))
        }
    }
}

impl IdentityPattern {
    /// As written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether the whole of `identity` matches.
    pub fn is_match(&self, identity: &str) -> bool {
        self.0.is_match_sparing(identity, |char| {
            matches!(char, '@' | '?' | '#') || char.is_whitespace() || char.is_control()
        })
    }
}

impl fmt::Display for IdentityPattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RELEASE: &str = "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1";

    fn pattern(text: &str) -> IdentityPattern {
        text.parse().unwrap()
    }

    #[test]
    fn b1_an_identity_matches_from_end_to_end_or_not_at_all() {
        let exact = pattern(RELEASE);
        let tags =
            pattern("https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v*");
        assert!(exact.is_match(RELEASE) && tags.is_match(RELEASE));
        for stranger in [
            "https://evil.com/?u=https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1",
            "https://github.com/acme/app-evil/.github/workflows/release.yml@refs/tags/v1",
            "https://github.com/evil/acme/app/.github/workflows/release.yml@refs/tags/v1",
            "https://github.com/acme/app/.github/workflows/release.yml@evil.yml@refs/tags/v1",
            "https://github.com/acme/app/.github/workflows/releasexyml@refs/tags/v1",
            "https://githubxcom/acme/app/.github/workflows/release.yml@refs/tags/v1",
            "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/v1",
            "https://github.com/Acme/app/.github/workflows/release.yml@refs/tags/v1",
            "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1\n",
            " https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1",
            "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1@refs/heads/x",
            "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1?x",
            "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1#x",
            "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1/x",
        ] {
            assert!(!exact.is_match(stranger) && !tags.is_match(stranger), "{stranger}");
        }
    }

    /// Names of tags, some of which are made up to pass for `v1` or `v14`.
    const TAGS: [&str; 32] = [
        "v1",
        "v1.0",
        "v1.0.0",
        "v01",
        "v1.1",
        "v10",
        "v10.0.0",
        "v11.0",
        "V1",
        "1",
        "1.0",
        "v1-rc.1",
        "v1.0.0-rc.1",
        "v1.0.0+build",
        "v1.0.00",
        "v1.",
        "v1.0.0.0",
        "v1 ",
        "v１",
        "v1/x",
        "v1.0.0/x",
        "x/v1",
        "v1.0.0@v1",
        "v1.0.0?v1",
        "v",
        "",
        "v1.x",
        "v14",
        "v14.0",
        "v14.0.1",
        "v14-0",
        "v14x0",
    ];

    #[test]
    fn b8_a_version_is_no_other_version_that_begins_or_reads_alike() {
        const WORKFLOW: &str = "https://github.com/acme/app/.github/workflows/release.yml";
        for (demanded, expect) in [
            ("v1", &["v1"][..]),
            ("v1.0.0", &["v1.0.0"]),
            ("v14", &["v14"]),
            ("v14.0", &["v14.0"]),
            ("v14.*", &["v14.0", "v14.0.1"]),
            (
                "v1.*",
                &[
                    "v1.0",
                    "v1.0.0",
                    "v1.1",
                    "v1.0.0-rc.1",
                    "v1.0.0+build",
                    "v1.0.00",
                    "v1.",
                    "v1.0.0.0",
                    "v1.x",
                ],
            ),
        ] {
            let by_identity = pattern(&format!("{WORKFLOW}@refs/tags/{demanded}"));
            let by_ref: Pattern = format!("refs/tags/{demanded}").parse().unwrap();
            let of = |kind: &str| {
                TAGS.into_iter()
                    .filter(|tag| by_identity.is_match(&format!("{WORKFLOW}@refs/{kind}/{tag}")))
                    .collect::<Vec<_>>()
            };
            assert_eq!(of("tags"), expect, "{demanded}");
            assert_eq!(of("heads"), [""; 0], "{demanded}");
            // A ref may have an `@` in it, which an identity can not hide.
            let refs = TAGS.into_iter().filter(|tag| by_ref.is_match(&format!("refs/tags/{tag}")));
            let refs: Vec<_> = refs.filter(|tag| !tag.contains(['@', '?'])).collect();
            assert_eq!(refs, expect, "{demanded}");
        }
    }

    #[test]
    fn b1_a_branch_extends_no_pattern_by_its_name() {
        let any = pattern("https://github.com/acme/**@refs/heads/main");
        assert!(
            any.is_match("https://github.com/acme/app/.github/workflows/a.yml@refs/heads/main")
        );
        assert!(!any.is_match(
            "https://github.com/acme/app/.github/workflows/a.yml@refs/heads/x@refs/heads/main"
        ));
    }

    #[test]
    fn b1_a_pattern_that_names_nobody_is_refused() {
        for text in [
            "*",
            "**",
            "https://*",
            "https://**",
            "https://github.com/*",
            "https://github.com/**",
            "https://github.com/acme*",
            "https://github.com*/acme/app",
            "https://*.github.com/acme/app",
            "*://github.com/acme/app",
            "https:///acme/*",
            "*@*",
            "a@*",
            "a@*.com",
            "**main",
        ] {
            let found = text.parse::<IdentityPattern>();
            assert_eq!(found, Err(IdentityPatternError::Unanchored(text.to_owned())), "{text}");
        }
        for text in ["main", "main@"] {
            let found = text.parse::<IdentityPattern>();
            assert_eq!(found, Err(IdentityPatternError::NoIdentity(text.to_owned())), "{text}");
        }
        for text in [
            RELEASE,
            "https://github.com/acme/**",
            "https://github.com/acme/*/.github/workflows/*@refs/heads/main",
            "spiffe://corp.example/ns/build/*",
            "*@corp.example",
            "a@corp.example",
        ] {
            assert_eq!(pattern(text).as_str(), text);
        }
        assert_eq!(
            "https://a.b/c/[x]".parse::<IdentityPattern>(),
            Err(IdentityPatternError::Pattern(PatternError::Reserved('[')))
        );
    }

    #[test]
    fn an_address_matches_in_its_domain_alone() {
        let all = pattern("*@corp.example");
        assert!(all.is_match("a.b@corp.example"));
        for stranger in
            ["a@corp.example.evil", "a@evil@corp.example", "a@xcorp.example", "a b@corp.example"]
        {
            assert!(!all.is_match(stranger), "{stranger}");
        }
    }

    fn identity() -> SignerIdentity {
        let some = |text: &str| Some(text.to_owned());
        SignerIdentity {
            subject: RELEASE.to_owned(),
            issuer: "https://token.actions.githubusercontent.com".to_owned(),
            build: BuildClaims {
                repository: some("https://github.com/acme/app"),
                repository_id: some("17"),
                owner_id: some("18"),
                reference: some("refs/tags/v1"),
                trigger: some("push"),
                runner: some("github-hosted"),
                ..BuildClaims::default()
            },
        }
    }

    fn demand() -> IdentityDemand {
        IdentityDemand::new(identity().issuer, pattern(RELEASE))
    }

    fn unmet(demand: &IdentityDemand, identity: &SignerIdentity) -> Vec<&'static str> {
        demand.mismatches(identity).iter().map(|mismatch| mismatch.what).collect()
    }

    #[test]
    fn b2_an_issuer_is_exactly_the_one_demanded() {
        assert_eq!(demand().mismatches(&identity()), []);
        for issuer in [
            "https://token.actions.githubusercontent.com/",
            "https://token.actions.githubusercontent.com/hammer-time",
            "https://token.actions.githubusercontent.com.evil",
            "http://token.actions.githubusercontent.com",
            "https://TOKEN.actions.githubusercontent.com",
            "",
        ] {
            let stranger = SignerIdentity { issuer: issuer.to_owned(), ..identity() };
            assert_eq!(
                demand().mismatches(&stranger),
                [Mismatch {
                    what: "issuer",
                    expected: demand().issuer,
                    found: Some(issuer.to_owned())
                }]
            );
        }
    }

    type Change = fn(&mut BuildClaims);

    #[test]
    fn b3_b4_numbers_refs_triggers_and_runners_count_and_absent_ones_meet_nothing() {
        let some = |text: &str| Some(text.to_owned());
        let strict = IdentityDemand {
            repository: some("https://github.com/acme/app"),
            repository_id: some("17"),
            owner_id: some("18"),
            reference: Some("refs/tags/v*".parse().unwrap()),
            triggers: vec!["push".to_owned(), "release".to_owned()],
            runner: some("github-hosted"),
            ..demand()
        };
        assert_eq!(unmet(&strict, &identity()), [""; 0]);
        let without = SignerIdentity { build: BuildClaims::default(), ..identity() };
        assert_eq!(
            unmet(&strict, &without),
            ["repository", "repository-id", "owner-id", "runner", "ref", "trigger"]
        );
        let changes: [(&str, Change); 5] = [
            ("repository-id", |build| build.repository_id = Some("99".to_owned())),
            ("owner-id", |build| build.owner_id = Some("99".to_owned())),
            ("ref", |build| build.reference = Some("refs/pull/1/merge".to_owned())),
            ("trigger", |build| build.trigger = Some("pull_request_target".to_owned())),
            ("runner", |build| build.runner = Some("self-hosted".to_owned())),
        ];
        for (what, change) in changes {
            let mut stranger = identity();
            change(&mut stranger.build);
            assert_eq!(unmet(&strict, &stranger), [what]);
        }
    }

    #[test]
    fn b5_a_shared_workflow_signs_for_another_repository_only_where_that_is_demanded() {
        let mut shared = identity();
        shared.build.repository = Some("https://github.com/other/app".to_owned());
        assert_eq!(unmet(&demand(), &shared), ["repository"]);
        let asked = IdentityDemand { repository: shared.build.repository.clone(), ..demand() };
        assert_eq!(unmet(&asked, &shared), [""; 0]);
        assert_eq!(unmet(&asked, &identity()), ["repository"]);
        shared.build.repository = Some("https://github.com/acme/ap".to_owned());
        assert_eq!(unmet(&demand(), &shared), ["repository"]);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic_and_what_is_accepted_stays_as_written(text in "\\PC{0,60}") {
            if let Ok(pattern) = text.parse::<IdentityPattern>() {
                prop_assert_eq!(pattern.as_str(), text);
            }
        }

        #[test]
        fn a_pattern_without_wildcards_matches_itself_alone(
            path in "[a-z]{1,5}(/[a-z@.]{1,5}){1,3}", other in "[a-z]{1,5}(/[a-z@.]{1,5}){1,3}"
        ) {
            let exact = pattern(&format!("https://{path}"));
            let is_match = exact.is_match(&format!("https://{path}"));
            prop_assert!(is_match);
            prop_assert_eq!(exact.is_match(&format!("https://{other}")), path == other);
        }
    }
}
