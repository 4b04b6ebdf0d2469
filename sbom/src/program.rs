//! Programs, condensed while they pass by: an image has hundreds of megabytes of them, and what anybody wants to know of
//! one is a few kilobytes.
//!
//! A program is an ELF, PE or Mach-O file. It is looked through once, in windows of its own size, so that it makes no
//! difference in what pieces it comes. What is found are [`Facts`], which all catalogers of programs read.

mod audit;
mod elf;
mod facts;
mod go;
mod pclntab;
mod search;
mod stream;
mod table;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use audit::inflate;
pub(crate) use facts::Facts;
pub(crate) use search::version_in_name;
pub(crate) use stream::is_program;
pub(crate) use table::{SOFTWARE, Software};

use crate::catalogers::{Context, Found};
use plimsoll_model::{
    TreePath,
    tree::{Condenser, Entry, Want},
};
use search::Anchors;

/// Property with the import paths of the packages of a Go module that are linked in, with commas between them. Where it is
/// absent it is not known which are.
pub(crate) const GO_PACKAGES: &str = "plimsoll:go:packages";

/// Property with the GNU build id of the program that a component is.
pub(crate) const BUILD_ID: &str = "plimsoll:elf:build-id";

/// Property with the name that the National Vulnerability Database has for a component.
pub(crate) const CPE: &str = "plimsoll:cpe";

/// Makes [`Facts`] of a program.
pub(crate) static PROGRAM: Condenser = Condenser {
    id: "program",
    also: None,
    begin: |_| Box::new(stream::Reading::new(Anchors::Few)),
};

/// What a file goes through. One whose name is in the table goes through one that looks for the texts of that line as well: to
/// look for all texts in every program takes ten times as long, and nobody asks a program of another name for them.
fn condenser(path: &TreePath) -> &'static Condenser {
    let name = std::str::from_utf8(path.file_name()).ok();
    name.and_then(table::condenser).unwrap_or(&PROGRAM)
}

/// Everything that a program may go through.
pub(crate) fn condensers() -> impl Iterator<Item = &'static Condenser> {
    table::condensers().chain([&PROGRAM])
}

/// Nothing smaller is a program.
const SMALLEST: u64 = 64;

/// Wants everything that may be a program. Most files are not and end at their first bytes; the execute bit is no sign, as
/// libraries have none.
pub(crate) fn want(path: &TreePath, size: u64, _: u32) -> Want {
    if size < SMALLEST { Want::Nothing } else { Want::Condensed(condenser(path)) }
}

/// Catalogs every program by itself.
pub(crate) fn each(
    ctx: &Context<'_>,
    catalog: fn(&Context<'_>, &Entry, &Facts<'_>, &mut Found),
) -> Found {
    ctx.each_condensed_by(condenser, |ctx, entry, bytes, found| match Facts::parse(bytes) {
        Some(facts) => catalog(ctx, entry, &facts, found),
        None => ctx.note(found, entry, "what was kept of the program is malformed"),
    })
}

/// The name that the National Vulnerability Database has for a version of a product, `vendor:product`, in the form of
/// CPE 2.3: <https://csrc.nist.gov/pubs/ir/7695/final>.
pub(crate) fn cpe(product: &str, version: &str) -> String {
    let mut escaped = String::new();
    for one in version.chars() {
        if !one.is_ascii_alphanumeric() && !"._-".contains(one) {
            escaped.push('\\');
        }
        escaped.push(one.to_ascii_lowercase());
    }
    format!("cpe:2.3:a:{product}:{escaped}:*:*:*:*:*:*:*")
}
