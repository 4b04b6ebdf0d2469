//! The files of an image that rules look at.
//!
//! An image has a hundred thousand files, and few of them matter: programs that give rights away, what anybody may write
//! to, devices, and files whose names or texts decide who is trusted. These are gathered from the merged view that one
//! pass over the layers makes; a file that a higher layer removed is not among them.

mod links;
mod programs;

use crate::host;
use links::Links;
use plimsoll_model::{
    Digest, Limits, Tree, TreePath,
    image::ImageConfig,
    inventory::Unknown,
    owned::{LaterFile, OwnedFiles},
    tree::{Entry, EntryKind, LayerIndex, TreeError},
};
use programs::Programs;
use std::collections::BTreeMap;

/// The most entries that are listed of one image.
const MOST: usize = 20_000;
/// Files whose texts are looked at.
const TEXTS: [&str; 17] = [
    "etc/apk/repositories",
    "etc/apt/apt.conf",
    "etc/apt/sources.list",
    "etc/dnf/dnf.conf",
    "etc/group",
    "etc/gshadow",
    "etc/ld.so.preload",
    "etc/nsswitch.conf",
    "etc/passwd",
    "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "etc/shadow",
    "etc/ssh/sshd_config",
    "etc/ssl/ca-bundle.pem",
    "etc/ssl/certs/ca-certificates.crt",
    "etc/sudoers",
    "etc/yum.conf",
    "etc/zypp/zypp.conf",
];
/// Directories that have only such files.
const TEXTS_IN: [&str; 11] = [
    "etc/apk/keys/",
    "etc/apt/apt.conf.d/",
    "etc/apt/keyrings/",
    "etc/apt/sources.list.d/",
    "etc/apt/trusted.gpg.d/",
    "etc/pam.d/",
    "etc/ssh/sshd_config.d/",
    "etc/sudoers.d/",
    "etc/yum.repos.d/",
    "etc/zypp/repos.d/",
    "usr/share/keyrings/",
];
/// Where programs lie.
const PROGRAMS: [&str; 6] =
    ["bin/", "sbin/", "usr/bin/", "usr/local/bin/", "usr/local/sbin/", "usr/sbin/"];
/// Where certificates of authorities are put that are to be trusted besides.
const AUTHORITIES: [&str; 5] = [
    "etc/ca-certificates/trust-source/anchors/",
    "etc/pki/ca-trust/source/anchors/",
    "etc/pki/trust/anchors/",
    "usr/local/share/ca-certificates/",
    "usr/share/pki/ca-trust-source/anchors/",
];
/// Programs that command containers, or the machine below them.
const DAEMONS: [&str; 14] = [
    "buildkitd",
    "containerd",
    "crictl",
    "crio",
    "ctr",
    "docker",
    "dockerd",
    "helm",
    "kubeadm",
    "kubectl",
    "kubelet",
    "nerdctl",
    "podman",
    "runc",
];
/// Compilers, debuggers, and what installs packages.
const TOOLS: [&str; 23] = [
    "apk", "apt", "apt-get", "as", "c++", "cc", "clang", "dnf", "dpkg", "g++", "gcc", "gdb", "go",
    "ld", "lldb", "make", "microdnf", "pacman", "rpm", "rustc", "strace", "yum", "zypper",
];
/// What version control, editors and desktops leave behind, and what images are built from.
const JUNK: [&str; 13] = [
    ".DS_Store",
    ".bzr",
    ".git",
    ".hg",
    ".idea",
    ".svn",
    ".vscode",
    "Containerfile",
    "Dockerfile",
    "Thumbs.db",
    "compose.yaml",
    "docker-compose.yaml",
    "docker-compose.yml",
];
/// What package managers have downloaded: where, below which home, and what it is.
const CACHES: [&str; 9] = [
    "root/.cache/pip/",
    "root/.npm/_cacache/",
    "usr/local/share/.cache/yarn/",
    "var/cache/apk/",
    "var/cache/apt/archives/",
    "var/cache/dnf/",
    "var/cache/yum/",
    "var/cache/zypp/",
    "var/lib/apt/lists/",
];

/// What the base images of distributions have below `etc/cron.daily`.
const DAILY: [&str; 5] = ["apt-compat", "bsdmainutils", "dpkg", "man-db", "passwd"];

/// What a name says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    /// It lets somebody in by SSH: keys of hosts and of whom they let in.
    Ssh,
    /// It commands containers, or the machine below them.
    Daemon,
    /// It builds, debugs or installs programs.
    Tool,
    /// It was left behind.
    Junk,
    /// It is a certificate of an authority that is trusted besides.
    Authority,
    /// It starts something, at some time.
    Start,
    /// It is a link in the place of a directory whose files are looked at.
    Link,
}

/// The files of an image that rules look at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// The diffIDs of the layers, lowest first.
    pub(crate) layers: Vec<Digest>,
    /// Those that matter, in path order.
    pub(crate) entries: Vec<Entry>,
    /// Texts, by path without a leading slash, in that order.
    pub(crate) texts: Vec<Text>,
    /// What was downloaded and left behind, by directory.
    pub(crate) caches: BTreeMap<&'static str, Cache>,
    /// Files of packages that a later layer than the package's brought, and that are not known to be the package's still.
    pub(crate) later: Vec<LaterFile>,
    /// What of the databases of packages could not be read.
    pub(crate) unread: Vec<Unknown>,
    /// Programs that no package has, in path order.
    pub(crate) programs: Vec<Entry>,
    /// How many that matter are not listed.
    pub(crate) left_out: usize,
}

/// A file whose text is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    /// Its path, without a leading slash.
    pub(crate) path: TreePath,
    /// The layer that it comes from.
    pub(crate) layer: LayerIndex,
    /// What it says.
    pub(crate) content: Result<Vec<u8>, TreeError>,
    /// What it said in lower layers before a higher one replaced it, lowest first.
    pub(crate) earlier: Vec<(LayerIndex, Vec<u8>)>,
}

impl Text {
    /// The lines of a content, with what is no UTF-8 replaced.
    pub(crate) fn lines(content: &[u8]) -> Vec<String> {
        String::from_utf8_lossy(content).lines().map(|line| line.trim().to_owned()).collect()
    }
}

/// What was downloaded into one directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cache {
    /// How many files.
    pub(crate) files: u64,
    /// How many bytes.
    pub(crate) bytes: u64,
    /// The layer of the first.
    pub(crate) layer: LayerIndex,
}

impl Files {
    /// Whether the content of this file has to be kept for [`Files::read`]. One that is larger than a user's file may be is
    /// not: it can not be told then.
    pub fn want(path: &TreePath, size: u64, limits: &Limits) -> bool {
        size <= limits.user_file && is_text(path)
    }

    /// Whether the content that this file had in lower layers has to be kept as well.
    pub fn wants_earlier(path: &TreePath) -> bool {
        is_text(path)
    }

    /// Gathers what matters from the merged view, and from what is known of the files of packages.
    pub fn read(tree: &dyn Tree, config: &ImageConfig, owned: OwnedFiles, limits: &Limits) -> Self {
        let layers = tree.layers().iter().map(|layer| layer.diff_id).collect();
        let mut files = Self { layers, ..Self::default() };
        let programs = Programs::of(tree, config);
        let links = Links::of(tree, guarded());
        for entry in tree.entries() {
            files.count(&entry);
            for path in links.names_of(&entry) {
                files.add_linked(tree, (&entry, path), limits);
            }
            if is_text(&entry.path) && matches!(entry.kind, EntryKind::File | EntryKind::Symlink(_))
            {
                files.add_text(tree, &entry, limits);
            }
            if programs.has(&entry) && !owned.paths.contains(&entry.path) {
                files.add_program(entry.clone());
            }
            if is_of_matter(&entry) {
                files.add(entry);
            }
        }
        // What came by a link stands where the link leads.
        files.entries.sort_by(|left, right| left.path.cmp(&right.path));
        files.texts.sort_by(|left, right| left.path.cmp(&right.path));
        files.take(owned);
        files
    }

    /// Takes in what is known of the files of packages.
    fn take(&mut self, mut owned: OwnedFiles) {
        let over = |count: usize| count.saturating_sub(MOST);
        let left_out = over(owned.later.len()).saturating_add(over(owned.unread.len()));
        self.left_out = self.left_out.saturating_add(left_out);
        owned.later.truncate(MOST);
        owned.unread.truncate(MOST);
        (self.later, self.unread) = (owned.later, owned.unread);
    }

    /// Those whose names say this of them.
    pub(crate) fn about(&self, topic: Topic) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| Topic::of(entry) == Some(topic))
    }

    /// The text of the file at exactly this path.
    pub(crate) fn text(&self, path: &str) -> Option<&Text> {
        self.texts.iter().find(|text| text.path.as_bytes() == path.as_bytes())
    }

    /// Texts of the files below a directory, which ends with a slash.
    pub(crate) fn texts_in(&self, directory: &str) -> impl Iterator<Item = &Text> {
        self.texts.iter().filter(move |text| text.path.as_bytes().starts_with(directory.as_bytes()))
    }

    fn add(&mut self, entry: Entry) {
        if self.entries.len() < MOST {
            self.entries.push(entry);
        } else {
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    fn add_program(&mut self, entry: Entry) {
        if self.programs.len() < MOST {
            self.programs.push(entry);
        } else {
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    /// Takes in what a link leads to, under the name that it has by that, unless its own says the same.
    fn add_linked(&mut self, tree: &dyn Tree, (entry, path): (&Entry, TreePath), limits: &Limits) {
        let linked = Entry { path, ..entry.clone() };
        if is_text(&linked.path) && !is_text(&entry.path) && entry.kind != EntryKind::Directory {
            self.add_text(tree, &linked, limits);
            if let Some(text) = self.texts.last_mut()
                && text.path == linked.path
                && text.content == Err(TreeError::NotKept)
            {
                let reason = format!("a link leads to it, at {}", entry.path);
                text.content = Err(TreeError::Unreadable { reason });
            }
        }
        if Topic::of(entry).is_none() && Topic::of(&linked).is_some() {
            self.add(linked);
        }
    }

    fn add_text(&mut self, tree: &dyn Tree, entry: &Entry, limits: &Limits) {
        if self.texts.len() >= MOST {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        // Where a link leads is what counts.
        let file = tree.resolve(&entry.path);
        let layer = file.as_ref().map_or(entry.layer, |file| file.layer.max(entry.layer));
        let content = tree.read(&entry.path, limits.user_file).map(std::borrow::Cow::into_owned);
        let earlier = tree.earlier(&entry.path).into_iter();
        let earlier = earlier.map(|(layer, bytes)| (layer, bytes.into_owned())).collect();
        self.texts.push(Text { path: entry.path.clone(), layer, content, earlier });
    }

    fn count(&mut self, entry: &Entry) {
        if entry.kind != EntryKind::File || entry.size == 0 {
            return;
        }
        let path = entry.path.as_bytes();
        let Some(at) = CACHES.iter().find(|at| path.starts_with(at.as_bytes())) else { return };
        let empty = Cache { files: 0, bytes: 0, layer: entry.layer };
        let cache = self.caches.entry(at).or_insert(empty);
        cache.files = cache.files.saturating_add(1);
        cache.bytes = cache.bytes.saturating_add(entry.size);
    }
}

impl Topic {
    fn of(entry: &Entry) -> Option<Self> {
        let path = entry.path.as_str()?;
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let is_below = |places: &[&str]| places.iter().any(|place| path.starts_with(place));
        let is_program = PROGRAMS.iter().any(|place| place.strip_suffix('/') == Some(directory));
        let is_junk = || JUNK.contains(&name).then_some(Self::Junk);
        if entry.kind == EntryKind::Directory {
            return is_junk();
        }
        let is_on_way = |guarded: &str| {
            guarded.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if matches!(entry.kind, EntryKind::Symlink(_)) && guarded().any(is_on_way) {
            return Some(Self::Link);
        }
        let is_engine = host::is_socket_name(name) || is_cluster_access(directory, name);
        let topics = [
            (is_ssh(directory, name), Self::Ssh),
            (is_engine || is_program && DAEMONS.contains(&name), Self::Daemon),
            (is_program && is_tool(name), Self::Tool),
            (is_below(&AUTHORITIES) && name != "README", Self::Authority),
            (is_start(directory, name) || is_unit(entry, directory, name), Self::Start),
        ];
        topics.into_iter().find_map(|(is_it, topic)| is_it.then_some(topic)).or_else(is_junk)
    }
}

fn is_ssh(directory: &str, name: &str) -> bool {
    let is_home = directory == ".ssh" || directory.ends_with("/.ssh");
    let lets_in = is_home && matches!(name, "authorized_keys" | "authorized_keys2");
    lets_in || directory == "etc/ssh" && name.starts_with("ssh_host_") && name.ends_with("_key")
}

/// Names are told by their letters as they are, as on Linux.
fn has_end(name: &str, end: &str) -> bool {
    name.ends_with(end)
}

fn is_cluster_access(directory: &str, name: &str) -> bool {
    let is_home = directory == ".kube" || directory.ends_with("/.kube");
    is_home && name == "config" || directory == "etc/kubernetes" && has_end(name, ".conf")
}

/// Whether it is one of the tools, whatever its version: `gcc`, `gcc-12`.
fn is_tool(name: &str) -> bool {
    let plain = name.trim_end_matches(|char: char| char.is_ascii_digit() || char == '.');
    TOOLS.contains(&name) || TOOLS.contains(&plain.strip_suffix('-').unwrap_or(name))
}

fn is_start(directory: &str, name: &str) -> bool {
    let is_ssh = matches!(name, "ssh.service" | "sshd.service" | "ssh.socket" | "sshd.socket");
    let is_wanted = directory.contains("systemd/system/") && has_end(directory, ".wants");
    let is_run_level = directory.starts_with("etc/rc") && has_end(directory, ".d");
    let is_cron = matches!(directory, "etc/cron.d" | "var/spool/cron" | "var/spool/cron/crontabs");
    let is_daily = directory.strip_prefix("etc/cron.").is_some_and(|often| {
        matches!(often, "hourly" | "daily" | "weekly" | "monthly") && !DAILY.contains(&name)
    });
    is_ssh && is_wanted
        || is_run_level && name.starts_with('S') && name.contains("ssh")
        || directory == "etc/runlevels/default" && name == "sshd"
        || (is_cron || is_daily) && !name.starts_with('.')
        || directory == "etc" && name == "crontab"
}

/// Whether it is a unit of systemd that no package brought: those of packages lie below `usr/lib`.
fn is_unit(entry: &Entry, directory: &str, name: &str) -> bool {
    let is_one = [".service", ".timer", ".socket", ".path"].iter().any(|end| name.ends_with(end));
    directory == "etc/systemd/system" && is_one && entry.kind == EntryKind::File
}

/// The directories that have to be what they seem.
fn guarded() -> impl Iterator<Item = &'static str> {
    let of_texts = TEXTS.iter().filter_map(|path| path.rsplit_once('/')).map(|(parent, _)| parent);
    let whole = TEXTS_IN.iter().chain(&AUTHORITIES).map(|path| path.trim_end_matches('/'));
    of_texts.chain(whole)
}

fn is_text(path: &TreePath) -> bool {
    path.as_str().is_some_and(|path| {
        TEXTS.contains(&path) || TEXTS_IN.iter().any(|directory| path.starts_with(directory))
    })
}

/// Whether any rule looks at an entry.
fn is_of_matter(entry: &Entry) -> bool {
    let is_special = entry.kind == EntryKind::Device || !entry.capabilities.is_empty();
    is_special
        || is_set_id(entry)
        || is_open(entry)
        || is_owned(entry)
        || Topic::of(entry).is_some()
}

/// Whether it runs as its owner or its group, whoever starts it.
pub(crate) fn is_set_id(entry: &Entry) -> bool {
    entry.kind == EntryKind::File && entry.mode & 0o6000 != 0
}

/// Whether anybody may write to it, or, of a directory, replace what others have in it.
pub(crate) fn is_open(entry: &Entry) -> bool {
    match entry.kind {
        EntryKind::File => entry.mode & 0o002 != 0,
        EntryKind::Directory => entry.mode & 0o1002 == 0o002,
        EntryKind::Symlink(_) | EntryKind::Device | EntryKind::Special => false,
    }
}

/// Whether it is, or lies in, a directory of programs, and somebody other than root owns it.
fn is_owned(entry: &Entry) -> bool {
    let is_bin = |path: &TreePath| matches!(path.file_name(), b"bin" | b"sbin");
    match entry.kind {
        _ if entry.uid == 0 => false,
        EntryKind::Directory => is_bin(&entry.path),
        EntryKind::File => entry.path.parent().is_some_and(|parent| is_bin(&parent)),
        EntryKind::Symlink(_) | EntryKind::Device | EntryKind::Special => false,
    }
}
