//! Which trusted roots are believed, and where they are from.

use plimsoll_attest::{EMBEDDED_DATE, Origin, TrustRoot};
use serde_json::{Value, json};
use std::fmt::{self, Write as _};

/// A line for each instance.
pub(crate) fn write(out: &mut String, root: &TrustRoot) -> fmt::Result {
    for (name, origin) in root.origins() {
        writeln!(out, "root {}: {}", plimsoll_model::Printable(name), words(origin))?;
    }
    Ok(())
}

/// The same as data.
pub(crate) fn as_json(root: &TrustRoot) -> Value {
    let instances = root.origins().map(|(name, origin)| instance(name, origin));
    json!({"digest": root.digest().to_string(), "instances": instances.collect::<Vec<_>>()})
}

/// Where the root of an instance is from, for people.
pub(crate) fn words(origin: &Origin) -> String {
    match origin {
        Origin::BuiltIn => format!("built in, of {EMBEDDED_DATE}"),
        Origin::File => "from a file".to_owned(),
        Origin::Updated(stamp) => format!(
            "version {}, updated {} from {}, holds until {}",
            stamp.version,
            stamp.fetched,
            plimsoll_model::Printable(&stamp.url),
            stamp.expires,
        ),
    }
}

/// The root of one instance.
pub(crate) fn instance(name: &str, origin: &Origin) -> Value {
    match origin {
        Origin::BuiltIn => json!({"name": name, "source": "built-in", "date": EMBEDDED_DATE}),
        Origin::File => json!({"name": name, "source": "file"}),
        Origin::Updated(stamp) => json!({
            "name": name, "source": "updated", "date": stamp.fetched.to_string(), "from": stamp.url,
            "version": stamp.version, "expires": stamp.expires.to_string(),
        }),
    }
}
