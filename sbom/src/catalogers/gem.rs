//! Ruby gems as installed: the `*.gemspec` files that RubyGems writes into a directory `specifications`.
//!
//! These are programs, but RubyGems writes them by one pattern, an assignment of literals in each line; nothing is run.
//!
//! Format: <https://guides.rubygems.org/specification-reference/>.

use super::{Cataloger, Context, Draft, Files, Found, license};
use crate::relate::Providers;
use plimsoll_model::{
    TreePath,
    component::ComponentId,
    inventory::Coverage,
    tree::{Entry, Want},
};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "gem",
    description: "Ruby gems in specifications/*.gemspec",
    files: &[Files::Ending(".gemspec")],
    earlier: &[],
    want,
    edges: Coverage::Complete,
    catalog,
};

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    if home(path).is_some() { Want::Content } else { Want::Nothing }
}

/// The directory that holds `specifications`, where gems that came with Ruby are in `default`.
fn home(path: &TreePath) -> Option<TreePath> {
    let directory = path.parent()?;
    let is_default = directory.file_name() == b"default";
    let specifications = if is_default { directory.parent()? } else { directory };
    (specifications.file_name() == b"specifications").then(|| specifications.parent()).flatten()
}

/// How many licences, and how many authors, are read of a gem.
const MOST: usize = 100;

#[derive(Debug, Default)]
struct Spec {
    name: Option<String>,
    version: Option<String>,
    platform: Option<String>,
    licenses: Vec<String>,
    authors: Vec<String>,
    needs: BTreeSet<String>,
}

struct Installed {
    id: ComponentId,
    home: Option<TreePath>,
    name: String,
    needs: BTreeSet<String>,
}

fn catalog(ctx: &Context<'_>) -> Found {
    let read: Vec<_> = ctx.files.par_iter().map(|entry| gem(ctx, entry)).collect();
    let mut found = Found::default();
    let mut installed = Vec::new();
    for (one, gem) in read {
        let id = super::id_of(found.components.len());
        found.absorb(one);
        installed.extend(gem.map(|gem| Installed { id, ..gem }));
    }
    relate(ctx, &installed, &mut found);
    found
}

/// Relates gems to those they need: in the same home, else in another.
fn relate(ctx: &Context<'_>, installed: &[Installed], found: &mut Found) {
    let mut homes: BTreeMap<Option<&TreePath>, Providers<'_>> = BTreeMap::new();
    let mut everywhere = Providers::default();
    for gem in installed {
        homes.entry(gem.home.as_ref()).or_default().add(&gem.name, gem.id);
        everywhere.add(&gem.name, gem.id);
    }
    for gem in installed {
        for needed in &gem.needs {
            let home = homes.get(&gem.home.as_ref()).map(|home| home.of(needed));
            let near = home.filter(|near| !near.is_empty());
            ctx.depends(found, gem.id, near.unwrap_or_else(|| everywhere.of(needed)));
        }
    }
}

fn gem(ctx: &Context<'_>, entry: &Entry) -> (Found, Option<Installed>) {
    let mut found = Found::default();
    let Some(bytes) = ctx.read(entry, ctx.limits.package_metadata, &mut found) else {
        return (found, None);
    };
    let spec = Spec::parse(&String::from_utf8_lossy(&bytes));
    if spec.name.is_none() || spec.version.is_none() {
        ctx.note(&mut found, entry, "name and version of the gem are not both stated");
    }
    let (name, version) = from_file(&String::from_utf8_lossy(entry.path.file_name()));
    let name = spec.name.unwrap_or(name);
    let version = spec.version.or(version);
    let platform = spec.platform.filter(|platform| platform != "ruby");
    let qualifier = platform.as_deref().map(|platform| ("platform", platform));
    let draft = Draft {
        kind: "gem",
        namespace: None,
        name: &name,
        shown: &name,
        version: version.as_deref(),
        qualifiers: qualifier.as_slice(),
    };
    let Some(id) = ctx.add(&mut found, entry, &draft) else { return (found, None) };
    if let Some(component) = found.at(id) {
        component.licenses = spec.licenses.iter().filter_map(|text| license(text)).collect();
        component.supplier = (!spec.authors.is_empty()).then(|| spec.authors.join(", "));
    }
    let home = home(&entry.path);
    (found, Some(Installed { id, home, name, needs: spec.needs }))
}

/// Name and version as the file has them: `NAME-VERSION.gemspec`, `NAME-VERSION-PLATFORM.gemspec`.
fn from_file(file: &str) -> (String, Option<String>) {
    let stem = file.strip_suffix(".gemspec").unwrap_or(file);
    let words: Vec<&str> = stem.split('-').collect();
    let is_version =
        |word: &&str| word.starts_with(|char: char| char.is_ascii_digit()) && word.contains('.');
    let Some(at) = words.iter().skip(1).position(is_version) else {
        return (stem.to_owned(), None);
    };
    let at = at.saturating_add(1);
    let name = words.get(..at).unwrap_or_default().join("-");
    (name, words.get(at).map(|version| (*version).to_owned()))
}

impl Spec {
    fn parse(text: &str) -> Self {
        let mut spec = Self::default();
        for line in text.lines().map(str::trim) {
            // The receiver is called `s`, but does not have to be.
            let Some((receiver, call)) = line.split_once('.') else { continue };
            if receiver.is_empty() || !receiver.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                continue;
            }
            if let Some((field, value)) = call.split_once('=') {
                spec.assign(field.trim(), value);
            }
            let is_need = ["add_runtime_dependency", "add_dependency"]
                .iter()
                .any(|method| call.starts_with(method));
            if is_need {
                spec.needs.extend(literals(call).next());
            }
        }
        spec
    }

    fn assign(&mut self, field: &str, value: &str) {
        let first = || literals(value).next().filter(|text| !text.is_empty());
        match field {
            "name" => self.name = first(),
            "version" => self.version = first(),
            "platform" => self.platform = first(),
            "license" | "licenses" => self.licenses = literals(value).take(MOST).collect(),
            "author" | "authors" => self.authors = literals(value).take(MOST).collect(),
            _ => {}
        }
    }
}

/// The texts in a line: `"…"`, `'…'` and `%q<…>`.
fn literals(line: &str) -> impl Iterator<Item = String> {
    let mut chars = line.chars();
    std::iter::from_fn(move || {
        let mut before = ['\0'; 2];
        let end = loop {
            let char = chars.next()?;
            match char {
                '"' | '\'' => break char,
                '<' if before == ['%', 'q'] => break '>',
                _ => before = [before[1], char],
            }
        };
        let mut text = String::new();
        loop {
            match chars.next()? {
                '\\' => text.push(chars.next()?),
                char if char == end => return Some(text),
                char => text.push(char),
            }
        }
    })
}

#[cfg(test)]
mod tests {

    use crate::testing::TestTree;

    const HOME: &str = "usr/lib/ruby/gems/3.1.0/specifications";

    const SPEC: &str = r#"# -*- encoding: utf-8 -*-
# stub: acme-tool 1.2.0 x86_64-linux lib

Gem::Specification.new do |s|
  s.name = "acme-tool".freeze
  s.version = "1.2.0"
  s.platform = "x86_64-linux".freeze

  s.required_rubygems_version = Gem::Requirement.new(">= 0".freeze) if s.respond_to? :required_rubygems_version=
  s.authors = ["A. \"B\" C".freeze, 'D']
  s.description = "needs = s.name".freeze
  s.licenses = ["MIT".freeze, "Ruby".freeze]
  s.summary = "x".freeze

  s.add_runtime_dependency(%q<rake>.freeze, ["~> 13.0"])
  s.add_dependency("absent", [">= 0"])
  s.add_development_dependency(%q<test-tool>.freeze, [">= 0"])
end
"#;

    fn plain(name: &str, version: &str) -> String {
        format!(
            "Gem::Specification.new do |s|\n  s.name = \"{name}\"\n  s.version = \"{version}\"\nend\n"
        )
    }

    #[test]
    fn gems_and_what_they_need() {
        let tree = TestTree::new()
            .file(format!("{HOME}/acme-tool-1.2.0-x86_64-linux.gemspec"), SPEC)
            .file(format!("{HOME}/default/rake-13.0.6.gemspec"), plain("rake", "13.0.6"))
            .file(format!("{HOME}/default/test-tool-1.gemspec"), plain("test-tool", "1.0"))
            .file("opt/specifications/rake-1.0.gemspec", plain("rake", "1.0"))
            .file("src/rake.gemspec", plain("rake", "0"));
        assert_eq!(
            tree.lines(),
            [
                "pkg:gem/acme-tool@1.2.0?platform=x86_64-linux",
                "pkg:gem/rake@1.0",
                "pkg:gem/rake@13.0.6",
                "pkg:gem/test-tool@1.0",
                "pkg:gem/acme-tool@1.2.0?platform=x86_64-linux needs pkg:gem/rake@13.0.6",
            ]
        );
        let inventory = tree.catalog();
        assert_eq!(inventory.components()[0].licenses, ["MIT", "Ruby"]);
        assert_eq!(inventory.components()[0].supplier.as_deref(), Some("A. \"B\" C, D"));
    }

    #[test]
    fn what_is_not_literal_is_taken_from_the_name_of_the_file() {
        let text = "Gem::Specification.new do |spec|\n  spec.version = Acme::VERSION\nend\n";
        let unknown = "name and version of the gem are not both stated";
        for (file, purl) in [
            ("net-http2-0.18.5.gemspec", "pkg:gem/net-http2@0.18.5"),
            ("a-1.0-java.gemspec", "pkg:gem/a@1.0"),
        ] {
            let path = format!("specifications/{file}");
            let lines = TestTree::new().file(&path, text).lines();
            assert_eq!(lines, [purl.to_owned(), format!("gem: /{path}: {unknown}")]);
        }
    }

    #[test]
    fn broken_and_hostile_specifications_are_told() {
        for text in ["", "\0", "s.name = \"", "s.name = \"a\\", &"%q<".repeat(100_000)] {
            let lines = TestTree::new().file("specifications/a.gemspec", text).lines();
            assert_eq!(lines.len(), 3, "{text:.20}");
        }
        let text = plain("a\u{1b}[2J", &"9".repeat(100_000));
        assert!(!TestTree::new().file("specifications/a.gemspec", text).lines().is_empty());
    }
}
