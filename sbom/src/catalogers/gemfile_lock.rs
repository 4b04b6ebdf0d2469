//! Ruby gems that Bundler has locked, from `Gemfile.lock` and `gems.locked`.
//!
//! Format: <https://bundler.io/guides/gemfile.html>; sections by their indentation, since Bundler 2.5 with checksums.

use super::{Cataloger, Context, Draft, Files, Found, whole};
use crate::relate::Providers;
use plimsoll_model::{
    TreePath,
    component::{ComponentId, Hash, HashAlgorithm},
    inventory::Coverage,
    tree::Entry,
};
use std::collections::BTreeMap;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "gemfile-lock",
    description: "Ruby gems in Gemfile.lock and gems.locked",
    files: &[Files::Named("Gemfile.lock"), Files::Named("gems.locked")],
    earlier: &[],
    want: whole,
    edges: Coverage::Complete,
    catalog,
};

/// Where gems come from unless it is said.
const RUBYGEMS: [&str; 3] =
    ["https://rubygems.org/", "https://rubygems.org", "http://rubygems.org/"];

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| {
        if is_installed(ctx, entry) {
            return;
        }
        let text = String::from_utf8_lossy(bytes);
        let lock = Lock::parse(&text, |line| {
            let line: String = line.chars().take(100).collect();
            ctx.note(found, entry, format!("the line `{line}` is not understood"));
        });
        if lock.gems.is_empty() {
            ctx.note(found, entry, "the lock lists no gem");
        }
        gems(ctx, entry, &lock, found);
    })
}

/// Whether the lock lies in an installed gem, of whose development it speaks.
fn is_installed(ctx: &Context<'_>, entry: &Entry) -> bool {
    let is_gem = |directory: &TreePath| {
        let gems = directory.parent().filter(|gems| gems.file_name() == b"gems");
        let name = String::from_utf8_lossy(directory.file_name()).into_owned();
        let file = gems
            .and_then(|gems| gems.parent()?.join(&format!("specifications/{name}.gemspec")).ok());
        file.is_some_and(|file| ctx.tree.entry(&file).is_some())
    };
    std::iter::successors(entry.path.parent(), TreePath::parent).any(|above| is_gem(&above))
}

#[derive(Default)]
struct Lock<'a> {
    gems: Vec<Gem<'a>>,
    /// By name and version with the platform.
    checksums: BTreeMap<(&'a str, &'a str), &'a str>,
}

struct Gem<'a> {
    name: &'a str,
    /// With the platform behind a dash.
    version: &'a str,
    source: Source<'a>,
    needs: Vec<&'a str>,
}

/// Where the gems of a section come from.
#[derive(Clone, Copy, Default)]
struct Source<'a> {
    section: &'a str,
    remote: &'a str,
    revision: &'a str,
}

/// Sections without gems.
const OTHERS: [&str; 4] = ["PLATFORMS", "DEPENDENCIES", "RUBY VERSION", "BUNDLED WITH"];

impl<'a> Lock<'a> {
    fn parse(text: &'a str, mut odd: impl FnMut(&str)) -> Self {
        let mut lock = Self::default();
        let mut source = Source::default();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let word = line.trim();
            let depth = line.len().saturating_sub(line.trim_start_matches(' ').len());
            if depth == 0 {
                source = Source { section: word, ..Source::default() };
            }
            let is_understood = match source.section {
                "GEM" | "GIT" | "PATH" | "PLUGIN SOURCE" => {
                    depth == 0 || lock.source(&mut source, depth, word).is_some()
                }
                "CHECKSUMS" => depth == 0 || lock.checksum(word).is_some(),
                section => OTHERS.contains(&section),
            };
            if !is_understood {
                odd(word);
            }
        }
        lock
    }

    /// A line of a section with gems.
    fn source(&mut self, source: &mut Source<'a>, depth: usize, line: &'a str) -> Option<()> {
        match depth {
            2 => {
                let (key, value) = line.split_once(':')?;
                match key {
                    "remote" if source.remote.is_empty() => source.remote = value.trim(),
                    "revision" => source.revision = value.trim(),
                    _ => {}
                }
            }
            4 => {
                let (name, rest) = line.split_once(" (")?;
                let version = rest.strip_suffix(')')?;
                self.gems.push(Gem { name, version, source: *source, needs: Vec::new() });
            }
            6 => {
                let name = line.split(" (").next()?.trim_end_matches('!');
                self.gems.last_mut()?.needs.push(name);
            }
            _ => return None,
        }
        Some(())
    }

    /// `NAME (VERSION) sha256=HEX`; a gem of which nothing is known has no checksum.
    fn checksum(&mut self, line: &'a str) -> Option<()> {
        let (name, rest) = line.split_once(" (")?;
        let (version, sums) = rest.split_once(')')?;
        let mut sums = sums.split([' ', ',']);
        if let Some(hex) = sums.find_map(|sum| sum.strip_prefix("sha256=")) {
            self.checksums.insert((name, version), hex);
        }
        Some(())
    }
}

fn gems(ctx: &Context<'_>, entry: &Entry, lock: &Lock<'_>, found: &mut Found) {
    let mut ids = Vec::new();
    let mut providers = Providers::default();
    for gem in &lock.gems {
        let Some(id) = add(ctx, entry, gem, found) else { continue };
        if let Some(component) = found.at(id) {
            let hex = lock.checksums.get(&(gem.name, gem.version));
            component.hashes.extend(hex.and_then(|hex| sha256(hex)));
        }
        providers.add(gem.name, id);
        ids.push((id, gem));
    }
    for (id, gem) in ids {
        for needed in &gem.needs {
            let to = providers.of(needed);
            // Bundler itself is never among what it locks.
            if to.is_empty() && *needed != "bundler" {
                let name = gem.name;
                let reason =
                    format!("`{name}` depends on `{needed}`, which the lock does not have");
                ctx.note(found, entry, reason);
            }
            ctx.depends(found, id, to);
        }
    }
}

fn add(ctx: &Context<'_>, entry: &Entry, gem: &Gem<'_>, found: &mut Found) -> Option<ComponentId> {
    // No version of a gem has a dash.
    let (version, platform) = match gem.version.split_once('-') {
        Some((version, platform)) => (version, Some(platform)),
        None => (gem.version, None),
    };
    let Source { section, remote, revision } = gem.source;
    let origin = match section {
        "GIT" => Some(("vcs_url", format!("git+{remote}@{revision}"))),
        "GEM" if !remote.is_empty() && !RUBYGEMS.contains(&remote) => {
            Some(("repository_url", remote.to_owned()))
        }
        _ => None,
    };
    let platform = platform.filter(|platform| *platform != "ruby");
    let platform = platform.map(|platform| ("platform", platform));
    let origin = origin.as_ref().map(|(key, value)| (*key, value.as_str()));
    let qualifiers: Vec<_> = platform.into_iter().chain(origin).collect();
    let draft = Draft {
        kind: "gem",
        namespace: None,
        name: gem.name,
        shown: gem.name,
        version: Some(version),
        qualifiers: &qualifiers,
    };
    ctx.add(found, entry, &draft)
}

fn sha256(hex: &str) -> Option<Hash> {
    let hex = hex.to_ascii_lowercase();
    let is_sha256 = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_sha256.then_some(Hash { algorithm: HashAlgorithm::Sha256, hex })
}

#[cfg(test)]
mod tests {

    use crate::testing::TestTree;

    const LOCK: &str = "GIT
  remote: https://example.com/fork.git
  revision: 0123abc
  branch: main
  specs:
    fork (0.9.0)

PATH
  remote: .
  specs:
    own (0.1.0)
      fork
      native (~> 1.0)

GEM
  remote: https://rubygems.org/
  specs:
    bundle-friend (2.0)
      bundler (>= 1.2)
    native (1.5.0-x86_64-linux)
    native (1.5.0)
      bundle-friend (= 2.0)

PLATFORMS
  ruby
  x86_64-linux

DEPENDENCIES
  fork!
  own!

CHECKSUMS
  fork (0.9.0)
  bundle-friend (2.0) sha256=E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855

RUBY VERSION
   ruby 3.3.0p0

BUNDLED WITH
   2.5.3
";

    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        assert_eq!(TestTree::new().file("srv/Gemfile.lock", text).lines(), expect);
    }

    #[test]
    fn gems_and_what_they_need() {
        const FORK: &str =
            "pkg:gem/fork@0.9.0?vcs_url=git%2Bhttps:%2F%2Fexample.com%2Ffork.git%400123abc";
        const NATIVE: &str = "pkg:gem/native@1.5.0?platform=x86_64-linux";
        check(
            LOCK,
            &[
                "pkg:gem/bundle-friend@2.0",
                FORK,
                "pkg:gem/native@1.5.0",
                NATIVE,
                "pkg:gem/own@0.1.0",
                "pkg:gem/native@1.5.0 needs pkg:gem/bundle-friend@2.0",
                &format!("pkg:gem/own@0.1.0 needs {FORK}"),
                "pkg:gem/own@0.1.0 needs pkg:gem/native@1.5.0",
                &format!("pkg:gem/own@0.1.0 needs {NATIVE}"),
            ],
        );
        let inventory = TestTree::new().file("gems.locked", LOCK).catalog();
        assert_eq!(inventory.components()[0].hashes.len(), 1);
    }

    #[test]
    fn other_sources_of_gems_are_named() {
        check(
            "GEM\n  remote: https://gems.acme.example/\n  specs:\n    a (1.0)\n",
            &["pkg:gem/a@1.0?repository_url=https:%2F%2Fgems.acme.example%2F"],
        );
    }

    #[test]
    fn locks_of_installed_gems_do_not_count() {
        let tree = TestTree::new()
            .file("g/gems/a-1.0/Gemfile.lock", LOCK)
            .file("g/gems/a-1.0/inner/Gemfile.lock", LOCK)
            .file("g/specifications/a-1.0.gemspec", "s.name = 'a'\ns.version = '1.0'\n");
        assert_eq!(tree.lines(), ["pkg:gem/a@1.0"]);
    }

    #[test]
    fn what_is_not_understood_is_an_unknown() {
        let unknown = |what: &str| format!("gemfile-lock: /srv/Gemfile.lock: {what}");
        check("PLATFORMS\n  ruby\n", &[&unknown("the lock lists no gem")]);
        check(
            "GEM\n  specs:\n    a (1.0\n    b (2.0)\n      c (= 1)\n<<<<<<< HEAD\n  x\n",
            &[
                "pkg:gem/b@2.0",
                &unknown("`b` depends on `c`, which the lock does not have"),
                &unknown("the line `<<<<<<< HEAD` is not understood"),
                &unknown("the line `a (1.0` is not understood"),
                &unknown("the line `x` is not understood"),
            ],
        );
        let hostile =
            format!("GEM\n    {} (\u{1b}[2J)\n{}\n", "a".repeat(100_000), " ".repeat(100_000));
        assert!(!TestTree::new().file("Gemfile.lock", hostile).lines().is_empty());
    }
}
