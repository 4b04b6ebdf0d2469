//! A service as it would run: <https://github.com/compose-spec/compose-spec/blob/main/05-services.md>.

use super::{
    HOLE, Project,
    tree::{Entry, Node, Spot, Told, Value},
};
use crate::dockerfile::{Input, InputKind, Position, Source};
use plimsoll_model::reference::ImageName;
use std::net::IpAddr;

/// One service.
#[derive(Debug)]
pub(crate) struct Service {
    /// Its name. From the file: not yet fit for a terminal.
    pub(crate) name: String,
    /// Where it begins.
    pub(crate) at: Spot,
    /// What is said of it, with the short syntaxes of mappings brought into the long ones.
    pub(crate) node: Node,
    /// The variables that files of variables bring, in order; each stands where its file is named.
    pub(super) handed_on: Vec<Entry>,
}

/// A port that is published; [`HOLE`] stands for what is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Port {
    pub(crate) at: Spot,
    /// The address on the host; all of them where there is none.
    pub(crate) host: Option<String>,
    /// The port or the range on the host; any where there is none.
    pub(crate) published: Option<String>,
    /// The port or the range in the container.
    pub(crate) target: String,
    pub(crate) written: String,
}

/// Something that is mounted; [`HOLE`] stands for what is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    pub(crate) at: Spot,
    /// A path on the host, or the name of a volume.
    pub(crate) source: Option<String>,
    /// The path in the container.
    pub(crate) target: String,
    /// How mounts below it are shared with the host; an option that may say so, where that is not known.
    pub(crate) propagation: Option<String>,
    pub(crate) written: String,
}

impl Service {
    pub(super) fn of(entry: &Entry) -> Self {
        let handed_on = Vec::new();
        Self { name: entry.key.clone(), at: entry.at, node: entry.value.clone(), handed_on }
    }

    /// The image that may be pulled. What is built here and has a name too is pulled if it can be, and built where it can not,
    /// unless the policy says that it is built or is here:
    /// <https://github.com/compose-spec/compose-spec/blob/main/build.md#using-build-and-image>.
    pub(crate) fn image(&self) -> Option<&Node> {
        let is_kept = || {
            let policy = self.node.get("pull_policy").and_then(Node::scalar);
            policy.is_some_and(|policy| matches!(policy.as_str(), "build" | "never"))
        };
        let is_built = self.node.get("build").is_some() && is_kept();
        self.node.get("image").filter(|_| !is_built)
    }

    /// The name of the image that it runs, where that is not built here and can be told.
    pub(crate) fn image_name(&self) -> Option<ImageName> {
        if self.node.get("build").is_some() {
            return None;
        }
        self.node.get("image")?.scalar()?.parse().ok()
    }

    /// The last part of the name of its image (`postgres`), of one that is built here too. A tag that is not known does not matter.
    pub(crate) fn image_stem(&self) -> Option<String> {
        let text = self.node.get("image")?.scalar()?;
        let last = text.rsplit('/').next()?;
        let stem = last.split(['@', ':']).next().filter(|stem| !stem.is_empty())?;
        (!stem.contains(HOLE)).then(|| stem.to_owned())
    }

    /// What runs in the container when it has started and before it stops, with the key that says so.
    pub(crate) fn hooks(&self) -> impl Iterator<Item = (&'static str, &Node)> {
        ["post_start", "pre_stop"].into_iter().flat_map(|key| {
            let hooks = self.node.get(key).map(Node::one_or_more).unwrap_or_default();
            hooks.iter().map(move |hook| (key, hook))
        })
    }

    /// The ports that are published.
    pub(crate) fn ports(&self) -> Vec<Port> {
        let items = self.node.get("ports").map(Node::items).unwrap_or_default();
        items.iter().filter_map(port).collect()
    }

    /// Everything that is mounted.
    pub(crate) fn mounts(&self) -> Vec<Mount> {
        let items = self.node.get("volumes").map(Node::items).unwrap_or_default();
        items.iter().filter_map(mount).collect()
    }

    /// The variables that it names itself.
    pub(crate) fn environment(&self) -> &[Entry] {
        self.node.get("environment").map(Node::entries).unwrap_or_default()
    }

    /// A variable, its own or from a file of variables; [`HOLE`] stands for what is not known.
    pub(crate) fn variable(&self, name: &str) -> Option<&Node> {
        let own = self.node.get("environment").and_then(|node| node.entry(name));
        let handed_on = || self.handed_on.iter().rev().find(|entry| entry.key == name);
        own.or_else(handed_on).map(|entry| &entry.value)
    }

    /// The words of `entrypoint` and `command`, and where these stand. One that has spaces is a script for a shell, or a whole line:
    /// its words count, without their quotes.
    pub(crate) fn words(&self) -> Vec<(Spot, String)> {
        let nodes = ["entrypoint", "command"].into_iter().filter_map(|key| self.node.get(key));
        let mut words = Vec::new();
        for node in nodes.flat_map(Node::one_or_more) {
            let text = node.scalar().unwrap_or_default();
            let is_line = text.contains(char::is_whitespace);
            let is_end = |char: char| {
                char.is_whitespace() || is_line && matches!(char, ';' | '&' | '|' | '(' | ')' | '`')
            };
            let split = text.split(is_end).map(|word| word.replace(['"', '\''], ""));
            words.extend(split.filter(|word| !word.is_empty()).map(|word| (node.at, word)));
        }
        words
    }
}

impl Port {
    /// Whether it is published on every address of the host, those that others reach among them.
    pub(crate) fn is_open(&self) -> Told<bool> {
        match self.host.as_deref() {
            None if self.published.as_deref().is_some_and(|port| port.contains(HOLE)) => {
                Told::Untold
            }
            None if self.published.is_none() && self.target.contains(HOLE) => Told::Untold,
            None | Some("" | "*") => Told::Is(true),
            Some(host) if host.contains(HOLE) => Told::Untold,
            Some(host) => {
                let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
                Told::Is(address.is_ok_and(|address| address.to_canonical().is_unspecified()))
            }
        }
    }

    /// Whether a port, on the host or in the container, depends on what is not known.
    pub(crate) fn is_untold(&self) -> bool {
        self.target.contains(HOLE)
            || self.published.as_deref().is_some_and(|port| port.contains(HOLE))
    }

    /// The lowest and the highest port on the host.
    pub(crate) fn published_range(&self) -> Option<(u32, u32)> {
        range(self.published.as_deref()?)
    }

    /// The lowest and the highest port in the container.
    pub(crate) fn target_range(&self) -> Option<(u32, u32)> {
        range(&self.target)
    }
}

fn range(text: &str) -> Option<(u32, u32)> {
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    Some((low.trim().parse().ok()?, high.trim().parse().ok()?))
}

fn port(node: &Node) -> Option<Port> {
    let (at, written) = (node.at, node.written());
    if let Value::Map(_) = node.value {
        let text = |key: &str| node.get(key).and_then(Node::scalar);
        let (host, published) = (text("host_ip"), text("published"));
        let target = text("target").unwrap_or_default();
        let written =
            published.as_ref().map_or_else(|| target.clone(), |port| format!("{port}:{target}"));
        return Some(Port { at, host, published, target, written: written.replace(HOLE, "…") });
    }
    let text = node.scalar()?;
    let text = text.split_once('/').map_or(text.as_str(), |(text, _)| text);
    let (rest, target) = match text.rsplit_once(':') {
        Some((rest, target)) => (Some(rest), target),
        None => (None, text),
    };
    let (host, published) = match rest.and_then(|rest| rest.rsplit_once(':')) {
        Some((host, published)) => (Some(host), Some(published)),
        None => (None, rest),
    };
    let owned = |text: &str| text.to_owned();
    let host = host.map(|host| owned(host.trim_matches(['[', ']'])));
    let published = published.filter(|port| !port.is_empty()).map(owned);
    Some(Port { at, host, published, target: owned(target), written })
}

fn mount(node: &Node) -> Option<Mount> {
    let (at, written) = (node.at, node.written());
    if let Value::Map(_) = node.value {
        let text = |key: &str| node.get(key).and_then(Node::scalar);
        if matches!(text("type").as_deref(), Some("tmpfs" | "image")) {
            return None;
        }
        let source = text("source");
        let written = source.clone().unwrap_or_default().replace(HOLE, "…");
        let target = text("target").unwrap_or_default();
        let propagation = node.at(&["bind", "propagation"]).and_then(Node::scalar);
        let at = node.get("source").map_or(at, |source| source.at);
        return Some(Mount { at, source, target, propagation, written });
    }
    let text = node.scalar()?;
    // `C:\` is no source of its own.
    let is_drive = text.starts_with(|char: char| char.is_ascii_alphabetic())
        && text.get(1..3).is_some_and(|rest| matches!(rest, ":\\" | ":/"));
    let drive = if is_drive { 2 } else { 0 };
    let (start, rest) = text.split_at_checked(drive)?;
    let mut parts = rest.split(':');
    let first = parts.next().unwrap_or_default();
    let (source, target) = match parts.next() {
        Some(target) => (Some(format!("{start}{first}")), target.to_owned()),
        None if text.contains(HOLE) => (Some(text.clone()), String::new()),
        None => (None, text.clone()),
    };
    let options = parts.next().unwrap_or_default().split(',');
    let is_propagation = |option: &&str| {
        matches!(*option, "shared" | "rshared" | "slave" | "rslave" | "private" | "rprivate")
            || option.contains(HOLE)
    };
    let propagation = options.clone().find(is_propagation).map(str::to_owned);
    Some(Mount { at, source, target, propagation, written })
}

/// Lists the images of a project that may be pulled.
pub(super) fn images(project: &mut Project) {
    let mut nodes: Vec<&Node> = Vec::new();
    for service in project.containers() {
        nodes.extend(service.image());
        let volumes = service.node.get("volumes").map(Node::items).unwrap_or_default();
        let is_image = |volume: &&Node| {
            volume.get("type").and_then(Node::scalar).is_some_and(|kind| kind == "image")
        };
        nodes.extend(volumes.iter().filter(is_image).filter_map(|volume| volume.get("source")));
    }
    let models = project.root.get("models").map(Node::entries).unwrap_or_default();
    nodes.extend(models.iter().filter_map(|model| model.value.get("model")));
    let named =
        nodes.into_iter().map(|node| (InputKind::Service, node, node.scalar().unwrap_or_default()));
    let contexts = project.containers().flat_map(contexts);
    let contexts = contexts.map(|(node, text)| (InputKind::Context, node, text));
    let images = named.chain(contexts).map(|(kind, node, text)| {
        let source = match node.unresolved() {
            Some(variable) => Source::Unresolved { variable: variable.to_owned() },
            None => text.parse().map_or_else(Source::Malformed, Source::Image),
        };
        let at = Position { line: node.at.line, column: node.at.column };
        let written = node.written();
        (project.place(node.at), Input { kind, at, written, source })
    });
    project.images = images.collect();
}

/// The images that a build takes files from, as `build.additional_contexts` names them.
fn contexts(service: &Service) -> Vec<(&Node, String)> {
    const IMAGE: &str = "docker-image://";
    let contexts = service.node.at(&["build", "additional_contexts"]).map(Node::entries);
    let image = |entry: &'_ Entry| entry.value.scalar()?.strip_prefix(IMAGE).map(str::to_owned);
    let contexts = contexts.unwrap_or_default().iter();
    contexts.filter_map(|entry| Some((&entry.value, image(entry)?))).collect()
}
