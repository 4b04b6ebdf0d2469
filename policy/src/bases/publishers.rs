//! Publishers that sign what they publish, and how their signatures are told.
//!
//! Only what was checked is here: of Red Hat (simple signing), Microsoft (Notation) and the private registries of Chainguard the
//! keys and identities were not, and a badge of Docker Hub is nothing that can be verified.
//!
//! What Docker signs it signs at the manifests of attestations, which name the image as their subject: as
//! <https://github.com/moby/policy-helpers> follows them from the image.

use std::{fmt, str::FromStr};

/// A publisher whose signatures can be verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Publisher {
    /// Chainguard's public images: <https://edu.chainguard.dev/chainguard/chainguard-images/how-to-use/verifying-chainguard-images-and-metadata-signatures-with-cosign/>.
    Chainguard,
    /// Distroless: <https://github.com/GoogleContainerTools/distroless#how-do-i-verify-distroless-images>.
    Distroless,
    /// Kubernetes: <https://kubernetes.io/docs/tasks/administer-cluster/verify-signed-artifacts/>.
    Kubernetes,
    /// Docker Hardened Images: <https://github.com/docker-hardened-images/keyring>.
    Dhi,
    /// Docker's reusable workflows, which sign for whoever calls them: <https://github.com/docker/github-builder>.
    DockerGithubBuilder,
}

/// What the signature of a publisher is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignedOver {
    /// The image, or its index.
    Image,
    /// A manifest of attestations that the index has beside the image (`vnd.docker.reference.digest`).
    AttestationInIndex,
    /// A manifest of attestations that refers to the image.
    AttestationReferrer,
}

/// Whether a publisher signs for the sources of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignsFor {
    /// What it publishes is its own.
    Itself,
    /// For any repository: it has to be said for which.
    Callers,
}

/// How a signature of a publisher is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublisherSigner {
    /// By this key, a `SubjectPublicKeyInfo` in base64, in lines as PEM has them. Nothing has to prove when it signed.
    Key(&'static str),
    /// By the holder of this identity.
    Identity {
        /// Who vouches for it.
        issuer: &'static str,
        /// A pattern over identities.
        subject: &'static str,
        /// Whose machine it has to have signed on, where that is demanded.
        runner: Option<&'static str>,
    },
}

/// The name is of no publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected one of `chainguard`, `distroless`, `kubernetes`, `dhi`, `docker-github-builder`")]
pub struct UnknownPublisher;

const GITHUB: &str = "https://token.actions.githubusercontent.com";
const GOOGLE: &str = "https://accounts.google.com";
/// A machine of GitHub's own.
const GITHUB_HOSTED: &str = "github-hosted";

impl Publisher {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Chainguard,
        Self::Distroless,
        Self::Kubernetes,
        Self::Dhi,
        Self::DockerGithubBuilder,
    ];

    /// The word in a policy file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chainguard => "chainguard",
            Self::Distroless => "distroless",
            Self::Kubernetes => "kubernetes",
            Self::Dhi => "dhi",
            Self::DockerGithubBuilder => "docker-github-builder",
        }
    }

    /// What its signatures are over: one of these.
    pub const fn signed_over(self) -> &'static [SignedOver] {
        match self {
            Self::Chainguard | Self::Distroless | Self::Kubernetes => &[SignedOver::Image],
            Self::Dhi => &[SignedOver::Image, SignedOver::AttestationReferrer],
            Self::DockerGithubBuilder => &[SignedOver::AttestationInIndex],
        }
    }

    /// For whom it signs.
    pub const fn signs_for(self) -> SignsFor {
        match self {
            Self::Chainguard | Self::Distroless | Self::Kubernetes | Self::Dhi => SignsFor::Itself,
            Self::DockerGithubBuilder => SignsFor::Callers,
        }
    }

    /// Who may have signed: one of these.
    pub const fn signers(self) -> &'static [PublisherSigner] {
        match self {
            Self::Chainguard => &[PublisherSigner::Identity {
                issuer: GITHUB,
                subject: "https://github.com/chainguard-images/images/.github/workflows/release.yaml@refs/heads/main",
                runner: None,
            }],
            Self::Distroless => &[
                PublisherSigner::Key(
                    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEWZzVzkb8A+DbgDpaJId/bOmV8n7Q\nOqxYbK0Iro6GzSmOzxkn+N2AKawLyXi84WSwJQBK//psATakCgAQKkNTAA==",
                ),
                PublisherSigner::Identity {
                    issuer: GOOGLE,
                    subject: "keyless@distroless.iam.gserviceaccount.com",
                    runner: None,
                },
            ],
            Self::Kubernetes => &[
                PublisherSigner::Identity {
                    issuer: GOOGLE,
                    subject: "krel-trust@k8s-releng-prod.iam.gserviceaccount.com",
                    runner: None,
                },
                PublisherSigner::Identity {
                    issuer: GOOGLE,
                    subject: "krel-staging@k8s-releng-prod.iam.gserviceaccount.com",
                    runner: None,
                },
            ],
            // The second key of the keyring, the only one that is active.
            Self::Dhi => &[PublisherSigner::Key(
                "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEKdROmntRJFBrOJOQF5ww6gDBJqGm\nFxa4333s1KsL9ISjtmRzGNih9lNRsqfRVjgFgJIdL6EQ9dohdanvn7r2cg==",
            )],
            // A workflow that is named by a commit may be one of a fork: only tags and the main branch are Docker's for certain.
            Self::DockerGithubBuilder => &[
                PublisherSigner::Identity {
                    issuer: GITHUB,
                    subject: "https://github.com/docker/github-builder/.github/workflows/*@refs/tags/*",
                    runner: Some(GITHUB_HOSTED),
                },
                PublisherSigner::Identity {
                    issuer: GITHUB,
                    subject: "https://github.com/docker/github-builder/.github/workflows/*@refs/heads/main",
                    runner: Some(GITHUB_HOSTED),
                },
            ],
        }
    }
}

impl fmt::Display for Publisher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl FromStr for Publisher {
    type Err = UnknownPublisher;

    fn from_str(text: &str) -> Result<Self, UnknownPublisher> {
        Self::ALL.into_iter().find(|publisher| publisher.as_str() == text).ok_or(UnknownPublisher)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_others_are_refused() {
        for publisher in Publisher::ALL {
            assert_eq!(publisher.to_string().parse(), Ok(publisher));
        }
        for other in ["", "Chainguard", "ubi", "chainguard "] {
            assert_eq!(other.parse::<Publisher>(), Err(UnknownPublisher), "{other}");
        }
        let named = UnknownPublisher.to_string();
        assert!(Publisher::ALL.iter().all(|publisher| named.contains(publisher.as_str())));
    }

    #[test]
    fn every_publisher_has_a_signer_that_is_whole() {
        for signer in Publisher::ALL.into_iter().flat_map(Publisher::signers) {
            match signer {
                // A point of P-256: 91 bytes.
                PublisherSigner::Key(key) => {
                    assert_eq!(
                        (key.len(), key.find('\n'), key.find('=')),
                        (125, Some(64), Some(123))
                    );
                }
                PublisherSigner::Identity { issuer, subject, .. } => {
                    assert!(issuer.starts_with("https://"), "{issuer}");
                    let (who, _) = subject.split_once("/*@refs/").unwrap_or((subject, ""));
                    assert!(subject.contains('@') && !who.contains('*'), "{subject}");
                }
            }
        }
    }

    #[test]
    fn what_docker_signs_is_told_by_the_key_and_by_the_workflows_that_it_has_published() {
        let key = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEKdROmntRJFBrOJOQF5ww6gDBJqGm\nFxa4333s1KsL9ISjtmRzGNih9lNRsqfRVjgFgJIdL6EQ9dohdanvn7r2cg==";
        assert_eq!(Publisher::Dhi.signers(), [PublisherSigner::Key(key)]);
        assert_eq!(
            Publisher::Dhi.signed_over(),
            [SignedOver::Image, SignedOver::AttestationReferrer]
        );
        let by = |reference: &'static str| PublisherSigner::Identity {
            issuer: "https://token.actions.githubusercontent.com",
            subject: reference,
            runner: Some("github-hosted"),
        };
        assert_eq!(
            Publisher::DockerGithubBuilder.signers(),
            [
                by("https://github.com/docker/github-builder/.github/workflows/*@refs/tags/*"),
                by("https://github.com/docker/github-builder/.github/workflows/*@refs/heads/main"),
            ]
        );
        assert_eq!(Publisher::DockerGithubBuilder.signed_over(), [SignedOver::AttestationInIndex]);
        let callers = Publisher::ALL.into_iter().filter(|one| one.signs_for() == SignsFor::Callers);
        assert!(callers.eq([Publisher::DockerGithubBuilder]));
    }
}
