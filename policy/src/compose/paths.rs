//! What a path in a compose file is on the host: <https://github.com/compose-spec/compose-spec/blob/main/05-services.md#volumes>.

use super::{HOLE, Project, Spot, lexical};
use crate::{facts::Checkout, host};
use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

/// How many directories above the checkout may be given away: the one that holds it, and one more. What more is depends on
/// where the checkout is, and at the top it is the whole machine.
const ABOVE: usize = 2;
/// A home, where whose it is does not matter.
const HOME: &str = "/home/user";

/// What is looked for in a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Looked {
    /// A runtime's socket, or a directory that one is in.
    Socket,
    /// A directory of the system, or credentials.
    System,
    /// What logs into the machine, and nothing besides: the file is meant to be a secret.
    Keys,
}

/// What a path of the host gives away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Exposure {
    /// This.
    Of(String),
    /// It depends on what is not known.
    Untold,
    None,
}

impl Looked {
    /// What an absolute path gives away.
    fn exposed(self, path: &str) -> Option<String> {
        match self {
            Self::Socket => host::socket(path).map(Into::into),
            Self::System => {
                host::sensitive(path).or_else(|| host::credentials(path)).map(Into::into)
            }
            Self::Keys => host::keys(path).map(Into::into),
        }
    }

    /// What the end of a path tells whatever is before it.
    fn named(self, path: &str) -> Option<String> {
        match self {
            Self::Socket => {
                let path = host::normal(path);
                host::socket(&path).filter(|socket| *socket == path).map(Into::into)
            }
            Self::System => host::credentials(path).map(Into::into),
            Self::Keys => host::keys(path).map(Into::into),
        }
    }
}

impl Project {
    /// What a path gives away that stands at `at`; one of a name alone is a volume.
    pub(crate) fn exposure(&self, at: Spot, path: &str, looked: Looked) -> Exposure {
        if let Some((known, rest)) = path.split_once(HOLE) {
            return self.untold(at, known, rest, looked);
        }
        if let Some(rest) = path.strip_prefix('~') {
            return below_home(rest, looked);
        }
        let is_absolute = path.starts_with(['/', '\\']) || path.get(1..3).is_some_and(is_drive);
        if is_absolute {
            return looked.exposed(path).map_or(Exposure::None, Exposure::Of);
        }
        if path.starts_with('.') || path.contains('/') {
            return self.relative(at, path, looked);
        }
        Exposure::None
    }

    /// What a path gives away that begins with `known`, depends on a variable, and ends with `rest`.
    fn untold(&self, at: Spot, known: &str, rest: &str, looked: Looked) -> Exposure {
        let end = rest.rsplit_once(HOLE).map_or(rest, |(_, end)| end);
        // A name after the variable tells as much as the whole path.
        if let Some(found) = end.contains('/').then(|| looked.named(end)).flatten() {
            return Exposure::Of(found);
        }
        let climbs = rest.split('/').any(|part| part == "..");
        let may_be = match known.chars().next() {
            None | Some('~') => true,
            Some('/') => host::may_be_exposed(known),
            Some(_) => {
                // What is relative stays below the directory that it names.
                let directory = known.rsplit_once('/').map_or("", |(directory, _)| directory);
                match self.whereabouts(at, directory) {
                    Where::Inside => false,
                    Where::Outside { here, above, rest } => {
                        let here = here.map(|(here, _)| format!("{here}/"));
                        above > ABOVE
                            || host::may_be_exposed(&format!("/{rest}/"))
                            || here.is_some_and(|here| host::may_be_exposed(&here))
                    }
                }
            }
        };
        if climbs || may_be { Exposure::Untold } else { Exposure::None }
    }

    fn relative(&self, at: Spot, path: &str, looked: Looked) -> Exposure {
        let by_name = || match looked {
            Looked::Socket => looked.named(path),
            // What is in the checkout belongs to it.
            Looked::System | Looked::Keys => None,
        };
        match self.whereabouts(at, path) {
            Where::Inside => by_name().map_or(Exposure::None, Exposure::Of),
            Where::Outside { here, above, rest } => {
                let elsewhere = format!("/{rest}");
                if let Some(found) = here.and_then(|(here, root)| from(&root, &here, looked)) {
                    return Exposure::Of(found);
                }
                if let Some(found) = looked.named(&elsewhere) {
                    return Exposure::Of(found);
                }
                let may_be = if rest.is_empty() {
                    above > ABOVE
                } else {
                    looked.exposed(&elsewhere).is_some()
                };
                if may_be { Exposure::Untold } else { Exposure::None }
            }
        }
    }

    /// Where a relative path leads.
    fn whereabouts(&self, at: Spot, path: &str) -> Where {
        let file = self.paths.get(at.file).map_or(Utf8Path::new(""), |path| path);
        let directory = file.parent().unwrap_or(Utf8Path::new(""));
        let known = match &self.checkout {
            Some(Checkout { directory: current, root }) => {
                let directory = current.join(directory);
                let root =
                    if directory.starts_with(root) { root.clone() } else { directory.clone() };
                Some((directory, root))
            }
            None => directory.is_absolute().then(|| (directory.to_owned(), directory.to_owned())),
        };
        let Some((directory, root)) = known else {
            let joined = lexical(&directory.join(path));
            let is_up = |part: &Utf8Component<'_>| *part == Utf8Component::ParentDir;
            let above = joined.components().take_while(is_up).count();
            let rest: Utf8PathBuf = joined.components().skip_while(is_up).collect();
            return match above {
                0 => Where::Inside,
                above => Where::Outside { here: None, above, rest: rest.into_string() },
            };
        };
        let here = host::normal(directory.join(path).as_str());
        let root = host::normal(root.as_str());
        let (mut of_root, mut of_here) = (parts(&root).peekable(), parts(&here).peekable());
        while of_root.peek().is_some() && of_root.peek() == of_here.peek() {
            of_root.next();
            of_here.next();
        }
        match of_root.count() {
            0 => Where::Inside,
            above => {
                let rest = of_here.collect::<Vec<_>>().join("/");
                Where::Outside { here: Some((here, root)), above, rest }
            }
        }
    }
}

/// Where a relative path leads.
enum Where {
    /// Into the checkout.
    Inside,
    /// Out of it.
    Outside {
        /// On this machine, where that is known, with the root of the checkout.
        here: Option<(String, String)>,
        /// How many directories of the checkout's path it leaves.
        above: usize,
        /// What follows these; nothing where it ends above the checkout.
        rest: String,
    },
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty())
}

/// What a path outside of a checkout gives away on this machine. Where the checkout is in a directory of the system itself, what else
/// is in that one is not told by it.
fn from(root: &str, here: &str, looked: Looked) -> Option<String> {
    let found = looked.exposed(here)?;
    let is_shared = looked == Looked::System
        && here != found
        && [root, here].iter().all(|path| path.starts_with(&format!("{found}/")));
    if is_shared { host::credentials(here).map(Into::into) } else { Some(found) }
}

/// What a path gives away that begins with the home of whoever starts the project, or of somebody.
fn below_home(path: &str, looked: Looked) -> Exposure {
    let path = path.split_once('/').map_or("", |(_, path)| path);
    let joined = host::normal(&format!("{HOME}/{path}"));
    if joined != HOME && joined.starts_with(HOME) {
        let found = looked.named(&joined).map(|found| found.replacen(HOME, "~", 1));
        return found.map_or(Exposure::None, Exposure::Of);
    }
    match looked.exposed(&joined) {
        Some(_) if joined == HOME => Exposure::Of("/home".to_owned()),
        Some(found) => Exposure::Of(found),
        // How deep homes are is not known.
        None if joined == HOME => Exposure::None,
        None => Exposure::Untold,
    }
}

fn is_drive(text: &str) -> bool {
    matches!(text, ":\\" | ":/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::Case;

    /// What a path gives away in `deploy/compose.yaml` of a checkout.
    fn exposures(checkout: Option<(&str, &str)>, path: &str) -> [Exposure; 2] {
        let case = Case::default().compose_file("deploy/compose.yaml", "services: {a: {image: b}}");
        let checkout = checkout
            .map(|(directory, root)| Checkout { directory: directory.into(), root: root.into() });
        case.with_facts(|facts| {
            let facts = crate::Facts { checkout: checkout.as_ref(), ..*facts };
            let [project] = crate::compose::projects(&facts).try_into().unwrap();
            let at = Spot { file: 0, line: 1, column: 1 };
            [Looked::Socket, Looked::System].map(|looked| project.exposure(at, path, looked))
        })
    }

    fn of(what: &str) -> Exposure {
        Exposure::Of(what.to_owned())
    }

    #[test]
    fn relative_paths_are_joined_with_the_directory_of_their_file() {
        let known = Some(("/srv/ci/app", "/srv/ci/app"));
        for (path, expect) in [
            ("./run", [Exposure::None, Exposure::None]),
            ("./etc", [Exposure::None, Exposure::None]),
            ("../etc", [Exposure::None, Exposure::None]),
            ("run/docker.sock", [of("/run/docker.sock"), Exposure::None]),
            ("../../data", [Exposure::None, Exposure::None]),
            ("../../../../etc", [Exposure::None, of("/etc")]),
            ("../../../../../../../..", [of("/run/docker.sock"), of("/")]),
            ("./x/../../../../../../run", [of("/run/docker.sock"), Exposure::None]),
            ("../../../../var/run/", [of("/var/run/docker.sock"), Exposure::None]),
            ("../../etc", [Exposure::None, Exposure::Untold]),
            ("../../run", [Exposure::Untold, Exposure::None]),
            ("../..", [Exposure::None, Exposure::None]),
            ("../../.ssh", [Exposure::None, of(".ssh")]),
        ] {
            assert_eq!(exposures(known, path), expect, "{path}");
        }
    }

    #[test]
    fn a_checkout_that_is_deep_or_in_a_directory_of_the_system_changes_nothing_else() {
        let deep = Some(("/data/a/b/c/d/e/f", "/data/a/b/c/d/e/f"));
        for (path, expect) in [
            ("../../..", [Exposure::None, Exposure::None]),
            ("../../../..", [Exposure::Untold, Exposure::Untold]),
            ("../../../../etc", [Exposure::None, Exposure::Untold]),
            ("../../../../shared/data", [Exposure::None, Exposure::None]),
        ] {
            assert_eq!(exposures(deep, path), expect, "{path}");
        }
        let root = Some(("/root/app", "/root/app"));
        for (path, expect) in [
            ("./data", Exposure::None),
            ("../../other", Exposure::None),
            ("../../.aws", of(".aws")),
            ("../..", of("/root")),
        ] {
            assert_eq!(exposures(root, path)[1], expect, "{path}");
        }
        // A part of a repository: what else is in it is of it.
        let part = Some(("/srv/ci/app/sub", "/srv/ci/app"));
        assert_eq!(exposures(part, "../../etc")[1], Exposure::None);
        assert_eq!(exposures(part, "../../../etc")[1], Exposure::Untold);
    }

    #[test]
    fn without_a_checkout_what_leaves_the_files_can_not_be_told() {
        for (path, expect) in [
            ("../etc", [Exposure::None, Exposure::None]),
            ("../../etc", [Exposure::None, Exposure::Untold]),
            ("../../../run", [Exposure::Untold, Exposure::None]),
            ("../../data", [Exposure::None, Exposure::None]),
            ("../../..", [Exposure::None, Exposure::None]),
            ("../../../..", [Exposure::Untold, Exposure::Untold]),
        ] {
            assert_eq!(exposures(None, path), expect, "{path}");
        }
    }

    #[test]
    fn homes_and_variables_are_told_as_far_as_they_are_known() {
        for (path, expect) in [
            ("~", [Exposure::None, of("/home")]),
            ("~/", [Exposure::None, of("/home")]),
            ("~/data", [Exposure::None, Exposure::None]),
            ("~/.ssh", [Exposure::None, of(".ssh")]),
            ("~/.config/gcloud", [Exposure::None, of(".config/gcloud")]),
            ("~/.docker/run/docker.sock", [of("~/.docker/run/docker.sock"), of(".docker")]),
            ("~/../../etc", [Exposure::Untold, of("/etc")]),
            ("~/../x", [Exposure::Untold, of("/home")]),
            ("/home/a/.ssh/id_rsa", [Exposure::None, of(".ssh")]),
            ("\0", [Exposure::Untold, Exposure::Untold]),
            ("\0/.ssh", [Exposure::Untold, of(".ssh")]),
            ("\0/docker.sock", [of("/docker.sock"), Exposure::Untold]),
            ("~/\0", [Exposure::Untold, Exposure::Untold]),
            ("./\0", [Exposure::None, Exposure::None]),
            ("./\0/../../etc", [Exposure::Untold, Exposure::Untold]),
            ("../../../../../\0", [Exposure::Untold, Exposure::Untold]),
            ("/srv/\0/..", [Exposure::Untold, Exposure::Untold]),
            ("/srv/\0", [Exposure::None, Exposure::None]),
            ("data", [Exposure::None, Exposure::None]),
        ] {
            assert_eq!(exposures(None, path), expect, "{path:?}");
        }
    }
}
