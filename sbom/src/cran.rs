//! What installed packages and locks of R have in common.

use crate::document;

/// Where a package comes from, as a qualifier of its package URL, if it is not CRAN; by the fields that `remotes` and renv
/// write (`RemoteType`, `RemoteUsername`, …).
pub(crate) fn origin<'a>(
    field: impl Fn(&str) -> Option<&'a str>,
) -> Option<(&'static str, String)> {
    let field = |name: &str| field(name).map(str::trim).filter(|text| !text.is_empty());
    let host = match field("RemoteType")? {
        "github" => "github.com",
        "gitlab" => "gitlab.com",
        "bitbucket" => "bitbucket.org",
        "git2r" | "xgit" | "git" => {
            let commit = field("RemoteSha").unwrap_or_default();
            return Some(("vcs_url", document::vcs_url(field("RemoteUrl")?, commit)));
        }
        "url" => return Some(("download_url", document::address(field("RemoteUrl")?))),
        // Out of a repository, or of the project itself.
        _ => return None,
    };
    let (owner, name) = (field("RemoteUsername")?, field("RemoteRepo")?);
    let commit = field("RemoteSha").unwrap_or_default();
    Some(("vcs_url", document::vcs_url(&format!("https://{host}/{owner}/{name}.git"), commit)))
}

/// The names in a list of requirements (`R (>= 3.5), rlang (>= 1.0), utils`), R itself left out.
pub(crate) fn needs(list: &str) -> impl Iterator<Item = &str> {
    list.split(',')
        .filter_map(|item| item.split_whitespace().next()?.split('(').next())
        .filter(|name| !name.is_empty() && *name != "R")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins() {
        let of = |fields: &'static [(&str, &str)]| {
            origin(|name| fields.iter().find(|(key, _)| *key == name).map(|(_, value)| *value))
        };
        let github = &[
            ("RemoteType", "github"),
            ("RemoteUsername", "a"),
            ("RemoteRepo", "b"),
            ("RemoteSha", "4f3c"),
        ];
        let expect = Some(("vcs_url", "git+https://github.com/a/b.git@4f3c".to_owned()));
        assert_eq!(of(github), expect);
        assert_eq!(of(&[("RemoteType", "standard"), ("RemoteSha", "1.0")]), None);
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn lists() {
        let names: Vec<_> = needs("R (>= 3.5),\n  rlang(>= 1),, utils ").collect();
        assert_eq!(names, ["rlang", "utils"]);
    }
}
