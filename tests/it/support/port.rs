//! A registry in this process, which goes on answering while a test waits for a program.

use plimsoll_model::Digest;
use plimsoll_oci::testing::registry::{Options, Registry};
use std::ops::Deref;
use tokio::runtime::Runtime;

/// A running registry; it is gone when this is dropped.
pub(crate) struct Port {
    registry: Registry,
    /// Dropped after the registry that it drives.
    _runtime: Runtime,
}

/// Starts a registry.
pub(crate) fn port(options: Options) -> Port {
    let runtime = Runtime::new().unwrap();
    let registry = runtime.block_on(Registry::start(options)).unwrap();
    Port { registry, _runtime: runtime }
}

impl Port {
    /// What a tag stands for.
    pub(crate) fn tag(&self, repository: &str, tag: &str) -> Option<Digest> {
        self.registry.tags(repository).get(tag).copied()
    }
}

impl Deref for Port {
    type Target = Registry;

    fn deref(&self) -> &Registry {
        &self.registry
    }
}
