//! Files that configure what builds and runs images: the daemon's settings and units, and the pipelines of CI.

use crate::yaml::{self, At, Entry, Node, Value};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_model::finding::Place;

/// A configuration file of the user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFile {
    /// As given on the command line.
    pub path: Utf8PathBuf,
    /// What it configures.
    pub kind: ConfigKind,
    /// Its text.
    pub text: String,
}

/// What a configuration file configures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConfigKind {
    /// The daemon, by its `daemon.json`.
    Daemon,
    /// The daemon, by a unit of systemd or a drop-in for one.
    Unit,
    /// A pipeline of GitLab.
    Gitlab,
    /// A workflow of GitHub, or an action that workflows of the same repository use.
    Workflow,
}

impl ConfigKind {
    /// What a file by this name configures; nothing for other files.
    pub fn of(path: &Utf8Path) -> Option<Self> {
        let name = path.file_name()?;
        let parent = path.parent().map(Utf8Path::as_str).unwrap_or_default();
        let is_yaml = matches!(path.extension(), Some("yml" | "yaml"));
        let drop_in =
            path.parent().and_then(Utf8Path::file_name).and_then(|of| of.strip_suffix(".d"));
        let is_conf = path.extension() == Some("conf");
        if name == "daemon.json" {
            Some(Self::Daemon)
        } else if is_unit(name) || (is_conf && drop_in.is_some_and(is_unit)) {
            Some(Self::Unit)
        } else if is_yaml && path.file_stem().is_some_and(|stem| stem.ends_with(".gitlab-ci")) {
            Some(Self::Gitlab)
        } else if is_yaml && (parent.ends_with(".github/workflows") || is_action(path)) {
            Some(Self::Workflow)
        } else {
            None
        }
    }
}

/// Whether a unit of this name is one of the daemon's.
fn is_unit(name: &str) -> bool {
    let (stem, kind) = name.rsplit_once('.').unwrap_or_default();
    let is_daemon = matches!(stem, "docker" | "dockerd" | "docker-tcp" | "docker-tls-tcp");
    is_daemon && matches!(kind, "service" | "socket")
}

/// Whether it is an action of the repository's own: its steps run as those of the workflow that uses it.
fn is_action(path: &Utf8Path) -> bool {
    path.file_stem() == Some("action")
        && path.parent().is_some_and(|parent| {
            let mut parts = parent.components().map(|part| part.as_str());
            parts.any(|part| part == ".github") && parts.next() == Some("actions")
        })
}

/// A configuration file as rules look at it.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) path: Utf8PathBuf,
    pub(crate) kind: ConfigKind,
    pub(crate) content: Content,
    lines: Vec<String>,
}

/// The longest line that a place is looked for in, in bytes.
const LONG: usize = 4_096;

/// What was read of one.
#[derive(Debug)]
pub(crate) enum Content {
    /// Its documents.
    Tree(Vec<Node>),
    /// The directives of a unit.
    Unit(Vec<Directive>),
    /// It can not be read, and why.
    Unreadable(At, String),
}

/// `ExecStart=/usr/bin/dockerd`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Directive {
    pub(crate) line: u32,
    /// How many lines it goes on for.
    pub(crate) lines: u32,
    pub(crate) key: String,
    pub(crate) value: String,
}

impl Config {
    pub(crate) fn of(file: &ConfigFile) -> Self {
        let content = match file.kind {
            ConfigKind::Unit => Content::Unit(directives(&file.text)),
            // JSON is YAML, and the reader of YAML knows where things stand.
            ConfigKind::Daemon | ConfigKind::Gitlab | ConfigKind::Workflow => {
                match yaml::read_all(&file.text, &file.path) {
                    Ok(documents) => Content::Tree(documents),
                    Err(crate::Error::Invalid { line, column, message, .. }) => {
                        Content::Unreadable(At { line, column }, message)
                    }
                    Err(error) => Content::Unreadable(At { line: 1, column: 1 }, error.to_string()),
                }
            }
        };
        let lines = file.text.lines().map(str::to_owned).collect();
        Self { path: file.path.clone(), kind: file.kind, content, lines }
    }

    /// The documents; none of a unit, or where it can not be read.
    pub(crate) fn documents(&self) -> &[Node] {
        if let Content::Tree(documents) = &self.content { documents } else { &[] }
    }

    /// The directives of a unit.
    pub(crate) fn directives(&self) -> &[Directive] {
        if let Content::Unit(directives) = &self.content { directives } else { &[] }
    }

    /// Where a part of a text stands that begins at a place: of a text of many lines, a reader wants the one. Where the part is
    /// written in another way, or in a line that is too long to look through again and again, the place of the text itself.
    pub(crate) fn within(&self, at: At, text: &str, part: &str) -> At {
        // A block begins on the line after its sign.
        let most = text.lines().count().saturating_add(1);
        self.find(at, most, part)
    }

    /// Where a part of a directive's value stands, which may go on for several lines.
    pub(crate) fn within_directive(&self, directive: &Directive, part: &str) -> At {
        let at = At { line: directive.line, column: 1 };
        self.find(at, usize::try_from(directive.lines).unwrap_or(1), part)
    }

    /// The first place of a part in so many lines from a place on; the place itself where it is not there.
    fn find(&self, at: At, most: usize, part: &str) -> At {
        let first = usize::try_from(at.line).unwrap_or(1).saturating_sub(1);
        let lines = (at.line..).zip(self.lines.iter().skip(first).take(most));
        let found = lines.filter(|(_, line)| line.len() <= LONG).filter_map(|(number, line)| {
            let column = line.get(..line.find(part)?)?.chars().count();
            Some(At { line: number, column: u32::try_from(column).ok()?.saturating_add(1) })
        });
        let is_after = |found: &At| found.line > at.line || found.column >= at.column;
        found.into_iter().find(is_after).unwrap_or(at)
    }

    /// A place in it.
    pub(crate) fn place(&self, at: At) -> Place {
        Place::Source { path: self.path.clone(), line: at.line, column: at.column }
    }
}

/// The directives of a unit, continued lines joined, as systemd reads them (systemd.syntax(7)).
fn directives(text: &str) -> Vec<Directive> {
    let mut found: Vec<Directive> = Vec::new();
    let mut is_continued = false;
    for (number, line) in (1u32..).zip(text.lines()) {
        let line = line.trim();
        if line.starts_with(['#', ';']) {
            // A comment between continued lines is passed over.
            continue;
        }
        let (part, continues) = line.strip_suffix('\\').map_or((line, false), |part| (part, true));
        if is_continued {
            if let Some(last) = found.last_mut() {
                last.value.push(' ');
                last.value.push_str(part.trim());
                last.lines = number.saturating_sub(last.line).saturating_add(1);
            }
            is_continued = continues;
        } else if let Some((key, value)) = part.split_once('=') {
            let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
            found.push(Directive { line: number, lines: 1, key, value });
            is_continued = continues;
        }
    }
    found
}

/// Every text in a tree, keys left out, each with its key or the key of the list that it is in.
pub(crate) fn texts(nodes: &[Node]) -> Vec<(&str, At, &str)> {
    let mut found = Vec::new();
    // The reader bounds how many nodes there are and how deep they lie.
    let mut open: Vec<(&str, &Node)> = nodes.iter().rev().map(|node| ("", node)).collect();
    while let Some((key, node)) = open.pop() {
        match &node.value {
            Value::Text(text) => found.push((key, node.at, text.as_str())),
            Value::List(items) => open.extend(items.iter().rev().map(|item| (key, item))),
            Value::Map(entries) => {
                open.extend(entries.iter().rev().map(|entry| (entry.key.as_str(), &entry.value)));
            }
            Value::Null | Value::Boolean(_) | Value::Integer(_) | Value::OtherNumber => {}
        }
    }
    found
}

/// Every entry of every mapping in a tree.
pub(crate) fn entries(nodes: &[Node]) -> Vec<&Entry> {
    let mut found = Vec::new();
    let mut open: Vec<&Node> = nodes.iter().rev().collect();
    while let Some(node) = open.pop() {
        match &node.value {
            Value::List(items) => open.extend(items.iter().rev()),
            Value::Map(entries) => {
                found.extend(entries);
                open.extend(entries.iter().rev().map(|entry| &entry.value));
            }
            Value::Null
            | Value::Boolean(_)
            | Value::Integer(_)
            | Value::OtherNumber
            | Value::Text(_) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_their_names() {
        for (path, expect) in [
            ("daemon.json", Some(ConfigKind::Daemon)),
            ("/etc/docker/daemon.json", Some(ConfigKind::Daemon)),
            ("docker.service", Some(ConfigKind::Unit)),
            ("etc/systemd/system/docker.service.d/tcp.conf", Some(ConfigKind::Unit)),
            (".gitlab-ci.yml", Some(ConfigKind::Gitlab)),
            ("ci/build.gitlab-ci.yml", Some(ConfigKind::Gitlab)),
            (".github/workflows/ci.yaml", Some(ConfigKind::Workflow)),
            ("a/.github/actions/x/action.yml", Some(ConfigKind::Workflow)),
            (".github/actions/x/y/action.yaml", Some(ConfigKind::Workflow)),
            (".github/actions/x/other.yml", None),
            ("x/action.yml", None),
            ("docker-tcp.socket", Some(ConfigKind::Unit)),
            ("docker-tcp.socket.d/a.conf", Some(ConfigKind::Unit)),
            ("docker-compose.service", None),
            ("workflows/ci.yaml", None),
            ("app.service", None),
            ("package.json", None),
            ("app.conf", None),
        ] {
            assert_eq!(ConfigKind::of(path.into()), expect, "{path}");
        }
    }

    #[test]
    fn tags_of_gitlab_make_no_file_unreadable() {
        let text = "build:\n  script:\n    - !reference [.setup, script]\n    - make\n";
        let kind = ConfigKind::Gitlab;
        let file = ConfigFile { path: ".gitlab-ci.yml".into(), kind, text: text.to_owned() };
        let config = Config::of(&file);
        let found: Vec<_> = texts(config.documents()).iter().map(|(_, _, text)| *text).collect();
        assert_eq!(found, [".setup", "script", "make"], "{config:?}");
    }

    #[test]
    fn directives_are_joined_and_comments_passed_over() {
        let unit = "[Service]\n# x=y\nExecStart=/usr/bin/dockerd \\\n; no\n  -H fd:// \\\n  --tls\nRestart = always\n";
        let directive = |(line, lines), key: &str, value: &str| Directive {
            line,
            lines,
            key: key.to_owned(),
            value: value.to_owned(),
        };
        let expect = [
            directive((3, 4), "ExecStart", "/usr/bin/dockerd -H fd:// --tls"),
            directive((7, 1), "Restart", "always"),
        ];
        assert_eq!(directives(unit), expect);
    }
}
