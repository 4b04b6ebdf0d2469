//! The platform an image is for.

use std::{fmt, str::FromStr};

/// Operating system, architecture and variant, in Go's words (`linux/arm64/v8`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    /// `linux`, `windows`, …
    pub os: String,
    /// `amd64`, `arm64`, …
    pub architecture: String,
    /// `v7`, `v8`; absent where there is none or it goes without saying.
    pub variant: Option<String>,
}

/// A text that is not `os/architecture[/variant]`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("malformed platform: expected `os/architecture` or `os/architecture/variant`")]
pub struct PlatformError;

impl Platform {
    /// Linux on the given architecture.
    pub fn linux(architecture: &str) -> Self {
        Self { os: "linux".to_owned(), architecture: architecture.to_owned(), variant: None }
    }

    /// The architecture this program was built for, under Linux: containers run Linux wherever they are judged.
    pub fn host() -> Self {
        Self::linux(match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            "powerpc64" => "ppc64le",
            other => other,
        })
    }

    /// Whether an image for `offered` serves where this platform was asked for.
    /// A variant that was not asked for does not matter; `arm64` means `arm64/v8`.
    pub fn is_served_by(&self, offered: &Self) -> bool {
        let normal =
            |platform: &Self| match (platform.architecture.as_str(), platform.variant.as_deref()) {
                ("arm64", Some("v8")) => None,
                (_, variant) => variant.map(str::to_owned),
            };
        self.os == offered.os
            && self.architecture == offered.architecture
            && (normal(self).is_none() || normal(self) == normal(offered))
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(out, "/{variant}"))
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let mut parts = text.split('/').map(|part| {
            let is_word = !part.is_empty()
                && part.len() <= 32
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
            is_word.then(|| part.to_owned()).ok_or(PlatformError)
        });
        let os = parts.next().ok_or(PlatformError)??;
        let architecture = parts.next().ok_or(PlatformError)??;
        let variant = parts.next().transpose()?;
        if parts.next().is_some() {
            return Err(PlatformError);
        }
        Ok(Self { os, architecture, variant })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Platform {
        text.parse().unwrap()
    }

    #[test]
    fn text_and_back() {
        for text in ["linux/amd64", "linux/arm/v7", "windows/amd64"] {
            assert_eq!(platform(text).to_string(), text);
        }
        for text in ["", "linux", "linux/", "linux/a/b/c", "li nux/amd64"] {
            assert_eq!(text.parse::<Platform>(), Err(PlatformError), "{text}");
        }
    }

    #[test]
    fn arm64_means_v8_and_a_variant_not_asked_for_does_not_matter() {
        assert!(platform("linux/arm64").is_served_by(&platform("linux/arm64/v8")));
        assert!(platform("linux/arm64/v8").is_served_by(&platform("linux/arm64")));
        assert!(platform("linux/arm").is_served_by(&platform("linux/arm/v7")));
        assert!(!platform("linux/arm/v6").is_served_by(&platform("linux/arm/v7")));
        assert!(!platform("linux/amd64").is_served_by(&platform("linux/arm64")));
    }
}
