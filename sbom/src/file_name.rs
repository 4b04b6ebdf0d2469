//! What the name of a Java archive says of it.

/// The name of a file as `NAME-VERSION.jar`.
#[derive(Debug)]
pub(crate) struct FileName {
    /// What comes before the version.
    pub(crate) name: String,
    /// The version, where there is one.
    pub(crate) version: Option<String>,
}

impl FileName {
    /// From a path.
    pub(crate) fn parse(path: &str) -> Self {
        let file = path.rsplit('/').next().unwrap_or(path);
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        let splits = || {
            let dashes = stem.match_indices('-');
            dashes.filter_map(|(at, _)| Some((stem.get(..at)?, stem.get(at..)?.get(1..)?)))
        };
        let plain = splits().find(|(name, version)| !name.is_empty() && is_version(version));
        // With a classifier behind the version (`-linux-x86_64`, `-all`) it takes three numbers to be sure of it.
        let classified = || {
            splits().find_map(|(name, rest)| {
                let version = rest.split('-').next()?;
                let is_sure =
                    !name.is_empty() && is_version(version) && version.split('.').count() > 2;
                is_sure.then_some((name, version))
            })
        };
        // Plug-ins of Eclipse have an underscore there.
        let plugin = || {
            let (name, version) = stem.split_once('_')?;
            let is_sure = !name.is_empty() && is_version(version) && version.split('.').count() > 2;
            is_sure.then_some((name, version))
        };
        match plain.or_else(classified).or_else(plugin) {
            Some((name, version)) => {
                Self { name: name.to_owned(), version: Some(version.to_owned()) }
            }
            None => Self { name: stem.to_owned(), version: None },
        }
    }

    /// Whether the file is named after `artifact`, perhaps with a classifier behind it.
    pub(crate) fn is(&self, artifact: &str) -> bool {
        let rest = self.name.strip_prefix(artifact);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }
}

/// Whether words parted by dashes are a version: the first is a number, the others are numbers or say what kind of release it is.
fn is_version(text: &str) -> bool {
    const RELEASES: [&str; 11] = [
        "alpha", "android", "beta", "build", "final", "ga", "jre", "m", "rc", "release", "snapshot",
    ];
    let is_number = |word: &str| word.starts_with(|char: char| char.is_ascii_digit());
    let is_release = |word: &str| {
        let word = word.to_ascii_lowercase();
        RELEASES.contains(&word.trim_end_matches(|char: char| char.is_ascii_digit() || char == '.'))
    };
    let mut words = text.split('-');
    words.next().is_some_and(is_number) && words.all(|word| is_number(word) || is_release(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files() {
        for (file, name, version) in [
            ("a/guava-31.1-jre.jar", "guava", Some("31.1-jre")),
            ("log4j-1.2-api-2.17.1.jar", "log4j-1.2-api", Some("2.17.1")),
            ("foo-1.0-SNAPSHOT.war", "foo", Some("1.0-SNAPSHOT")),
            ("foo-1.0-rc2-3.jar", "foo", Some("1.0-rc2-3")),
            ("jrt-fs.jar", "jrt-fs", None),
            ("-1.0.jar", "-1.0", None),
            ("epoll-4.1.9.Final-linux-x86_64.jar", "epoll", Some("4.1.9.Final")),
            ("log4j-1.2-api.jar", "log4j-1.2-api", None),
        ] {
            let parsed = FileName::parse(file);
            assert_eq!(
                (parsed.name.as_str(), parsed.version.as_deref()),
                (name, version),
                "{file}"
            );
        }
    }
}
