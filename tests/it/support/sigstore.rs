//! A Sigstore in this process, and the judges that know a bundle signed without a key.

use super::{Outcome, Sandbox, oracle, oracle_script, run, sandbox};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_attest::testing::{Claims, GITHUB, Instance, Sigstore};
use std::ops::Deref;
use tokio::runtime::Runtime;

/// A running Sigstore; it is gone when this is dropped.
pub(crate) struct Harbour {
    sigstore: Sigstore,
    /// Dropped after the services that it drives.
    _runtime: Runtime,
}

/// Starts one.
pub(crate) fn harbour() -> Harbour {
    let runtime = Runtime::new().unwrap();
    let sigstore = runtime.block_on(Sigstore::start()).unwrap();
    Harbour { sigstore, _runtime: runtime }
}

impl Deref for Harbour {
    type Target = Sigstore;

    fn deref(&self) -> &Sigstore {
        &self.sigstore
    }
}

impl Harbour {
    /// The arguments that have Plimsoll sign with this instance; their files are in the sandbox.
    pub(crate) fn arguments(&self, sandbox: &Sandbox, instance: Instance) -> Vec<String> {
        let config = sandbox.write("signing_config.json", self.signing_config(instance));
        let root = sandbox.write("trusted_root.json", self.trusted_root());
        let arguments =
            ["--keyless", "--signing-config", config.as_str(), "--trusted-root", root.as_str()];
        arguments.map(str::to_owned).to_vec()
    }

    /// What the judges believe.
    pub(crate) fn bench(&self, instance: Instance) -> Bench {
        let sandbox = sandbox();
        let root = sandbox.write("trusted_root.jsonl", format!("{}\n", self.trusted_root()));
        let config = sandbox.write("trust_config.json", self.client_trust_config(instance));
        Bench { sandbox, root, config }
    }
}

/// Those who verify without Plimsoll.
pub(crate) struct Bench {
    sandbox: Sandbox,
    root: Utf8PathBuf,
    config: Utf8PathBuf,
}

/// What is judged, and what it is to be.
#[derive(Clone, Copy)]
pub(crate) struct Evidence<'a> {
    /// The bundle.
    pub(crate) bundle: &'a Utf8Path,
    /// The file that it is to be about.
    pub(crate) artifact: &'a Utf8Path,
    /// The repository, on GitHub, that it is to come from.
    pub(crate) repository: &'a str,
    /// What it states.
    pub(crate) predicate_type: &'a str,
}

impl Evidence<'_> {
    fn identity(&self) -> String {
        Claims::github(self.repository).identity()
    }
}

impl Bench {
    /// `gh attestation verify`, which is sigstore-go.
    #[track_caller]
    pub(crate) fn gh(&self, evidence: Evidence<'_>) -> Option<Outcome> {
        let mut gh = self.sandbox.command(oracle("gh")?);
        // It asks for a token before it looks whether it needs one.
        gh.env("GH_TOKEN", "none").args(["attestation", "verify", evidence.artifact.as_str()]);
        gh.args(["--bundle", evidence.bundle.as_str(), "--repo", evidence.repository]);
        gh.args(["--custom-trusted-root", self.root.as_str()]);
        Some(run(gh.args(["--predicate-type", evidence.predicate_type])))
    }

    /// The same of an image in a registry of this machine, by what is attached to it; gh speaks plain HTTP to 127.0.0.1.
    #[track_caller]
    pub(crate) fn gh_image(&self, reference: &str, signer: &[&str], more: &[&str]) -> Outcome {
        let mut gh = self.sandbox.command(oracle("gh").unwrap());
        let image = format!("oci://{reference}");
        gh.env("GH_TOKEN", "none").args(["attestation", "verify", &image, "--bundle-from-oci"]);
        gh.args(signer).args(["--custom-trusted-root", self.root.as_str()]);
        run(gh.args(more))
    }

    /// sigstore-python.
    #[track_caller]
    pub(crate) fn python(&self, evidence: Evidence<'_>) -> Option<Outcome> {
        let mut sigstore = self.sandbox.command(oracle("sigstore")?);
        sigstore.args(["--trust-config", self.config.as_str(), "verify", "identity", "--offline"]);
        sigstore.args(["--bundle", evidence.bundle.as_str()]);
        sigstore.args(["--cert-identity", &evidence.identity(), "--cert-oidc-issuer", GITHUB]);
        Some(run(sigstore.arg(evidence.artifact)))
    }

    /// `@sigstore/verify`.
    #[track_caller]
    pub(crate) fn javascript(&self, evidence: Evidence<'_>) -> Option<Outcome> {
        let mut verify = oracle_script(&self.sandbox, "sigstore_verify_keyless.mjs")?;
        let artifact = std::fs::read(evidence.artifact).unwrap();
        verify.args([evidence.bundle, &self.root]).args([&evidence.identity(), GITHUB]);
        Some(run(verify.arg(plimsoll_model::Digest::of(&artifact).hex())))
    }
}
