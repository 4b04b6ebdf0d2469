//! Providers of Terraform and its fork, from `.terraform.lock.hcl`.
//!
//! Format: <https://developer.hashicorp.com/terraform/language/files/dependency-lock>. The program writes it, always in the same
//! form, so lines are read, not HCL. The package-url registry has no type for providers: `pkg:generic` with the address of the
//! provider (`registry.terraform.io/hashicorp/aws`) as namespace and name.

use super::{Cataloger, Context, Draft, Files, Found, whole};
use crate::document;
use plimsoll_model::{component::ComponentId, inventory::Coverage, tree::Entry};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "terraform-lock",
    description: "Terraform and OpenTofu providers in .terraform.lock.hcl",
    files: &[Files::Named(".terraform.lock.hcl")],
    earlier: &[],
    want: whole,
    // No provider needs another.
    edges: Coverage::Complete,
    catalog,
};

/// Hashes of the files in the package (`h1`) and SHA-256 of the packages of all platforms (`zh`).
const HASHES: [(&str, &str); 2] =
    [("h1:", "plimsoll:terraform:h1"), ("zh:", "plimsoll:terraform:zh")];

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| match document::text(bytes) {
        Ok(text) => providers(ctx, entry, text, found),
        Err(reason) => ctx.note(found, entry, reason),
    })
}

#[derive(Default)]
struct Provider<'a> {
    address: &'a str,
    version: Option<&'a str>,
    hashes: Vec<&'a str>,
}

fn providers(ctx: &Context<'_>, entry: &Entry, text: &str, found: &mut Found) {
    let mut open: Option<Provider<'_>> = None;
    let mut seen = 0_usize;
    for line in text.lines() {
        let line = line.trim();
        match &mut open {
            Some(provider) if line == "}" => {
                add(ctx, entry, provider, found);
                open = None;
            }
            Some(provider) => {
                if let Some(("version", value)) =
                    line.split_once('=').map(|(key, value)| (key.trim(), value))
                {
                    provider.version = quoted(value);
                } else if line.starts_with('"') {
                    provider.hashes.extend(quoted(line));
                }
            }
            None => {
                if let Some(rest) = line.strip_prefix("provider ") {
                    seen = seen.saturating_add(1);
                    open = Some(Provider {
                        address: quoted(rest).unwrap_or_default(),
                        ..Provider::default()
                    });
                } else if !(line.is_empty() || line.starts_with(['#', '/'])) {
                    ctx.note(
                        found,
                        entry,
                        format!("malformed: expected a provider, found `{line}`"),
                    );
                }
            }
        }
    }
    if let Some(provider) = open {
        add(ctx, entry, &provider, found);
        ctx.note(found, entry, "malformed: it ends too early");
    }
    // Terraform leaves no lock where there is nothing to lock.
    if seen == 0 {
        ctx.note(found, entry, "the lock lists no provider");
    }
}

fn add(
    ctx: &Context<'_>,
    entry: &Entry,
    provider: &Provider<'_>,
    found: &mut Found,
) -> Option<ComponentId> {
    let (namespace, name) = provider.address.rsplit_once('/').unwrap_or(("", provider.address));
    let draft = Draft {
        kind: "generic",
        namespace: Some(namespace),
        name,
        shown: provider.address,
        version: provider.version,
        qualifiers: &[],
    };
    let id = ctx.add(found, entry, &draft)?;
    let component = found.at(id)?;
    for (prefix, property) in HASHES {
        let hashes: Vec<_> =
            provider.hashes.iter().filter_map(|hash| hash.strip_prefix(prefix)).collect();
        if !hashes.is_empty() {
            component.properties.insert(property.to_owned(), hashes.join(" "));
        }
    }
    Some(id)
}

/// What stands between the first two quotes.
fn quoted(text: &str) -> Option<&str> {
    text.split('"').nth(1)
}

#[cfg(test)]
mod tests {
    use crate::testing::TestTree;

    const LOCK: &str = r#"# This file is maintained automatically by "terraform init".

provider "registry.terraform.io/hashicorp/aws" {
  version     = "5.31.0"
  constraints = ">= 4.0.0, ~> 5.0"
  hashes = [
    "h1:ltxyuBWIy9cq0kIKDJH1jeWJy/y7XJLjS4QrsQK4plA=",
    "zh:0cdb9c2083bf0902442384f7309367791e4640581652dda456f2d6d7abf0de8d",
    "zh:2fe4884cb9642f48a5889f8dff8f5f511418a18537a9dfa77ada3bcdad391e4e",
  ]
}

provider "registry.opentofu.org/hashicorp/null" {
  version = "3.2.2"
}
"#;
    const AT: &str = ".terraform.lock.hcl";

    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        assert_eq!(TestTree::new().file(AT, text).lines(), expect);
    }

    #[test]
    fn providers_with_their_hashes() {
        check(
            LOCK,
            &[
                "pkg:generic/registry.opentofu.org/hashicorp/null@3.2.2",
                "pkg:generic/registry.terraform.io/hashicorp/aws@5.31.0",
            ],
        );
        let inventory = TestTree::new().file(AT, LOCK).catalog();
        let properties = &inventory.components()[1].properties;
        assert_eq!(properties.get("plimsoll:terraform:zh").map(String::len), Some(129));
        assert!(properties.contains_key("plimsoll:terraform:h1"));
    }

    #[test]
    fn what_is_broken_is_an_unknown() {
        let at = "terraform-lock: /.terraform.lock.hcl:";
        let (short, empty) = (
            format!("{at} malformed: it ends too early"),
            format!("{at} the lock lists no provider"),
        );
        let unversioned = format!("{at} package `a/b/c` states no version");
        check("provider \"a/b/c\" {\n", &["pkg:generic/a/b/c", &short, &unversioned]);
        check("provider \"a/b/c\" {\n  version = \"1\n}\n", &["pkg:generic/a/b/c@1"]);
        check("", &[&empty]);
        check("\u{1}", &[&format!("{at} malformed: expected a provider, found `\u{1}`"), &empty]);
        let lines = TestTree::new().file(AT, "provider {\n}\n").lines();
        assert!(lines[0].starts_with(&format!("{at} malformed package URL")), "{lines:?}");
        let lines = TestTree::new().file(AT, b"\xff").lines();
        assert!(lines[0].starts_with(&format!("{at} malformed: ")), "{lines:?}");
    }
}
