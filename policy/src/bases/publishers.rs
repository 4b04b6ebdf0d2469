//! Publishers that sign what they publish, and how their signatures are told.
//!
//! Only what was checked is here: of Red Hat (simple signing), Microsoft (Notation) and the private registries of Chainguard the
//! keys and identities were not, and a badge of Docker Hub is nothing that can be verified. Docker Hardened Images are signed at
//! the manifests of their attestations and not at the images, which nobody here looks through; what Docker's reusable workflow
//! signs it signs for whoever calls it, so that its identity alone says nothing of a publisher.

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
    },
}

/// The name is of no publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected one of `chainguard`, `distroless`, `kubernetes`")]
pub struct UnknownPublisher;

const GITHUB: &str = "https://token.actions.githubusercontent.com";
const GOOGLE: &str = "https://accounts.google.com";

impl Publisher {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Chainguard, Self::Distroless, Self::Kubernetes];

    /// The word in a policy file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chainguard => "chainguard",
            Self::Distroless => "distroless",
            Self::Kubernetes => "kubernetes",
        }
    }

    /// Who may have signed: one of these.
    pub const fn signers(self) -> &'static [PublisherSigner] {
        match self {
            Self::Chainguard => &[PublisherSigner::Identity {
                issuer: GITHUB,
                subject: "https://github.com/chainguard-images/images/.github/workflows/release.yaml@refs/heads/main",
            }],
            Self::Distroless => &[
                PublisherSigner::Key(
                    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEWZzVzkb8A+DbgDpaJId/bOmV8n7Q\nOqxYbK0Iro6GzSmOzxkn+N2AKawLyXi84WSwJQBK//psATakCgAQKkNTAA==",
                ),
                PublisherSigner::Identity {
                    issuer: GOOGLE,
                    subject: "keyless@distroless.iam.gserviceaccount.com",
                },
            ],
            Self::Kubernetes => &[
                PublisherSigner::Identity {
                    issuer: GOOGLE,
                    subject: "krel-trust@k8s-releng-prod.iam.gserviceaccount.com",
                },
                PublisherSigner::Identity {
                    issuer: GOOGLE,
                    subject: "krel-staging@k8s-releng-prod.iam.gserviceaccount.com",
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
                    assert!(subject.contains('@') && !subject.contains('*'), "{subject}");
                }
            }
        }
    }
}
