//! What the tests of the rules about base images have in common.

use super::{Case, digest};
use crate::{
    bases::{Entry, EntryPlatform},
    stated::{Dependency, DependencyName},
};
use plimsoll_model::{platform::Platform, reference};
use std::collections::BTreeMap;

impl Case {
    /// Approves `name`, whose layers these are, up to a day.
    pub(crate) fn approved(self, name: &str, layers: &[&str], expires: &str) -> Self {
        self.approved_entry(entry(name, layers, expires))
    }

    /// The lines of the history that its layers were made by.
    pub(crate) fn made_by(mut self, made_by: &[Option<String>]) -> Self {
        let layers = &mut self.image.as_mut().unwrap().layers;
        for (layer, made_by) in layers.iter_mut().zip(made_by) {
            layer.created_by.clone_from(made_by);
        }
        self
    }

    /// A registry that is spoken to without TLS.
    pub(crate) fn plain_http(mut self, host: &str) -> Self {
        self.plain_http.push(host.to_owned());
        self
    }

    pub(crate) fn approved_entry(mut self, entry: Entry) -> Self {
        self.lock.get_or_insert_default().add(entry).unwrap();
        self
    }

    pub(crate) fn approved_with_user(mut self, name: &str, user: Option<&str>) -> Self {
        let mut entry = entry(name, &["base"], "2026-12-31");
        entry.platforms[0].user = user.map(str::to_owned);
        self.lock.get_or_insert_default().add(entry).unwrap();
        self
    }

    /// The lock has another image of the same name, with this user.
    pub(crate) fn approved_again_with_user(mut self, name: &str, user: Option<&str>) -> Self {
        let mut entry = entry(name, &["other base"], "2026-12-31");
        entry.index = Some(digest("other base index"));
        entry.platforms[0].user = user.map(str::to_owned);
        self.lock.get_or_insert_default().add(entry).unwrap();
        self
    }
}

/// An entry that differs from others in its digests.
pub(crate) fn entry_of(name: &str, of: &str, layers: &[&str]) -> Entry {
    let mut entry = entry(name, layers, "2026-12-31");
    entry.index = Some(digest(of));
    entry.platforms[0].manifest = digest(&format!("{of} manifest"));
    entry
}

/// An image that went into a build.
pub(crate) fn dependency(name: &str, of: &str) -> Dependency {
    let name: reference::ImageName = name.parse().unwrap();
    let what = DependencyName::Image { repository: name.repository.to_string(), tag: None };
    Dependency { what, digest: digest(of) }
}

pub(crate) fn entry(name: &str, layers: &[&str], expires: &str) -> Entry {
    let name: reference::ImageName = name.parse().unwrap();
    Entry {
        repository: name.repository,
        tag: name.tag,
        index: Some(digest("base index")),
        platforms: vec![EntryPlatform {
            platform: Platform::linux("amd64"),
            manifest: digest("base manifest"),
            config: digest("base config"),
            diff_ids: layers.iter().map(|layer| digest(layer)).collect(),
            user: None,
            on_build: Some(Vec::new()),
            labels: Some(BTreeMap::new()),
        }],
        os_release: Some("Debian GNU/Linux 12 (bookworm)".to_owned()),
        approver: "a@corp".to_owned(),
        approved: "2026-01-01".parse().unwrap(),
        expires: expires.parse().unwrap(),
        verified: "by hand".to_owned(),
        signature: None,
        scan: None,
        replaces: None,
    }
}
