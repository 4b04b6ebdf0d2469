//! Scans by the same advisories: Plimsoll beside trivy and cargo-audit, and what only one of the two finds.
//!
//! The records are OSV's, from the data that the tests share. Trivy gets them as its own database, written by a small program
//! in Go (`xtask/advisories/trivydb`), cargo-audit as one of RustSec's.

use super::{fresh, heading, measure, plimsoll};
use crate::shell::{self, command, has, root, run};
use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
};

/// The lock file that is measured, of those that `cargo xtask oracles` fetches: 724 crates.
const LOCK: &str = "deno-1.45.0.lock";

/// Prints what each costs, then what only one finds.
pub(super) fn run_all(work: &Utf8Path) -> Result<()> {
    let records = records()?;
    if !has("go") {
        bail!("the database for trivy is written by a program in Go, and there is no `go`");
    }
    let made = Made::make(work, &records)?;
    let index = work.join("advisories.index");
    let ours = |arguments: &[&str]| -> Vec<String> {
        let words = [plimsoll(), "-q".to_owned()].into_iter();
        words.chain(arguments.iter().map(|word| (*word).to_owned())).collect()
    };
    heading("advisories");
    let import = ours(&["db", "import", records.as_str(), "--db", index.as_str()]);
    measure(work, "plimsoll, building the index of 26,000 records", &import)?;
    let large = work.join("large.index");
    let synthetic = made.synthetic.as_str();
    run(command(plimsoll()).args([
        "-q",
        "db",
        "import",
        records.as_str(),
        synthetic,
        "--db",
        large.as_str(),
    ]))?;
    let found = work.join("plimsoll.json");
    for (name, index) in [("", &index), (", index of 1.6 million rows", &large)] {
        let scan = |subject: &str, output: &str| {
            ours(&["scan", subject, "--db", index.as_str(), "-o", output])
        };
        let subject = format!("sbom:{}", made.sbom);
        let table = work.join("plimsoll.txt");
        measure(
            work,
            &format!("plimsoll, no components{name}"),
            &scan(&format!("sbom:{}", made.empty), "table"),
        )?;
        measure(
            work,
            &format!("plimsoll, 2,000 components, table{name}"),
            &scan(&subject, &format!("table={table}")),
        )?;
        measure(
            work,
            &format!("plimsoll, 2,000 components, JSON{name}"),
            &scan(&subject, &format!("json={found}")),
        )?;
    }
    let theirs = work.join("trivy.json");
    measure(work, "trivy, 2,000 components, JSON", &made.trivy(&theirs))?;
    let lock = format!("dir:{}", made.lock);
    measure(
        work,
        "plimsoll, a Cargo.lock of 724 crates",
        &ours(&["scan", &lock, "--db", index.as_str()]),
    )?;
    measure(work, "cargo-audit, the same", &made.cargo_audit())?;
    differences(&found, &theirs, &made.named()?)
}

/// Where the records are: `$PLIMSOLL_SHARED`, else `../shared`.
fn records() -> Result<Utf8PathBuf> {
    let shared = std::env::var("PLIMSOLL_SHARED")
        .map_or_else(|_| root().join("../shared"), Utf8PathBuf::from);
    let records = shared.join("data/osv");
    if !records.is_dir() {
        bail!("{records} is not there: set PLIMSOLL_SHARED");
    }
    Ok(records)
}

/// What is measured, made of the records.
struct Made {
    sbom: Utf8PathBuf,
    empty: Utf8PathBuf,
    synthetic: Utf8PathBuf,
    trivy: Utf8PathBuf,
    /// What trivy's database was written from.
    rows: Utf8PathBuf,
    rustsec: Utf8PathBuf,
    lock: Utf8PathBuf,
}

impl Made {
    fn make(work: &Utf8Path, records: &Utf8Path) -> Result<Self> {
        let made = Self {
            sbom: work.join("sbom.cdx.json"),
            empty: work.join("empty.cdx.json"),
            synthetic: fresh(work, "synthetic")?.join("all.zip"),
            trivy: fresh(work, "trivy-cache")?,
            rows: work.join("trivy.rows"),
            rustsec: fresh(work, "rustsec")?,
            lock: fresh(work, "lock")?,
        };
        let script = |name: &str| root().join("xtask/advisories").join(name);
        let python = |script: Utf8PathBuf| {
            let mut python = command("python3");
            python.arg(script);
            python
        };
        fs::write(&made.empty, r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[]}"#)?;
        run(python(script("components.py")).arg(records).stdout(File::create(&made.sbom)?))?;
        run(python(script("synthetic.py")).arg(&made.synthetic))?;
        let rustsec = root().join("tests/it/support/oracles/rustsec_db.py");
        run(python(rustsec).arg(records.join("crates.io/all.zip")).arg(&made.rustsec))?;
        fs::copy(shell::oracles().join("locks").join(LOCK), made.lock.join("Cargo.lock"))
            .context("`cargo xtask oracles` fetches the lock files")?;
        run(python(script("trivy_rows.py")).arg(records).stdout(File::create(&made.rows)?))?;
        let database = made.trivy.join("db");
        fs::create_dir(&database)?;
        let day = "2026-01-01T00:00:00Z";
        let metadata = format!(
            r#"{{"Version":2,"NextUpdate":"2099-01-01T00:00:00Z","UpdatedAt":"{day}","DownloadedAt":"{day}"}}"#
        );
        fs::write(database.join("metadata.json"), metadata)?;
        let mut write = command("go");
        write.current_dir(script("trivydb")).args(["run", "."]).arg(database.join("trivy.db"));
        run(write.stdin(File::open(&made.rows)?))?;
        Ok(made)
    }

    /// The releases of distribution packages that trivy's database holds as fixed.
    fn named(&self) -> Result<BTreeSet<Fixed>> {
        let mut named = BTreeSet::new();
        for line in fs::read_to_string(&self.rows)?.lines() {
            let row: Value = serde_json::from_str(line)?;
            let text = |at: &str| row.pointer(at).and_then(Value::as_str).map(str::to_lowercase);
            if let (Some(id), Some(name), Some(version)) =
                (text("/key"), text("/buckets/1"), text("/value/FixedVersion"))
            {
                // Of a module the stream stands before the name; a package URL has the epoch elsewhere.
                let last = |text: &str, cut: &str| text.rsplit(cut).next().map(str::to_owned);
                let release = last(&version, ":").map(|version| release(&version));
                named.extend(last(&name, "::").zip(release).map(|of| (id, of)));
            }
        }
        Ok(named)
    }

    fn trivy(&self, to: &Utf8Path) -> Vec<String> {
        let trivy = shell::oracles().join("venv/bin/trivy");
        let words = [trivy.as_str(), "sbom", "--quiet", "--scanners", "vuln", "--skip-db-update"];
        let rest = ["--skip-java-db-update", "--offline-scan", "--format", "json", "--cache-dir"];
        let paths = [self.trivy.as_str(), "--output", to.as_str(), self.sbom.as_str()];
        words.iter().chain(&rest).chain(&paths).map(|word| (*word).to_owned()).collect()
    }

    fn cargo_audit(&self) -> Vec<String> {
        let audit = shell::oracles().join("venv/bin/cargo-audit").into_string();
        let lock = self.lock.join("Cargo.lock").into_string();
        let words = ["audit", "--no-fetch", "--stale", "--db", self.rustsec.as_str(), "-f", &lock];
        [audit].into_iter().chain(words.map(str::to_owned)).collect()
    }
}

/// Id of a record, in lower case; name of a package, and the version that is fixed.
type Fixed = (String, (String, String));

/// Ids of flaws, by package URL without qualifiers; those of one flaw together.
type Flaws = BTreeMap<String, Vec<BTreeSet<String>>>;

/// Counts what only one of them finds; fails where that is not explained.
fn differences(ours: &Utf8Path, theirs: &Utf8Path, named: &BTreeSet<Fixed>) -> Result<()> {
    let read = |path: &Utf8Path| -> Result<Value> { Ok(serde_json::from_slice(&fs::read(path)?)?) };
    let (ours, theirs) = (of_plimsoll(&read(ours)?), of_trivy(&read(theirs)?));
    let count = |flaws: &Flaws| flaws.values().map(Vec::len).sum::<usize>();
    println!("\nPlimsoll finds {} flaws, trivy {} records.", count(&ours), count(&theirs));
    let (only_ours, only_theirs) = (missing(&ours, &theirs), missing(&theirs, &ours));
    let (named_as_fixed, unexplained): (Vec<_>, Vec<_>) =
        only_theirs.into_iter().partition(|(purl, ids)| is_named_as_fixed(purl, ids, named));
    println!(
        "Only in Plimsoll: {}. Only in trivy: {}, where a record names several builds of a package as fixed, and the installed \
         one is among them.",
        only_ours.len(),
        named_as_fixed.len()
    );
    if !unexplained.is_empty() || !only_ours.is_empty() {
        bail!("nothing explains: only Plimsoll {only_ours:?}, only trivy {unexplained:?}");
    }
    Ok(())
}

/// Trivy's database has room for one fixed version of a package in a record. Where an erratum names several builds of one
/// release, the installed version may be one of them, and lie before the one that is held.
fn is_named_as_fixed(purl: &str, ids: &BTreeSet<String>, named: &BTreeSet<Fixed>) -> bool {
    let package = purl.rsplit('/').next().and_then(|package| package.split_once('@'));
    let Some((name, version)) = package else { return false };
    let of = (name.to_owned(), release(&version.replace("%2b", "+")));
    ids.iter().any(|id| named.contains(&(id.to_lowercase(), of.clone())))
}

/// The release of a package without the build of its module.
fn release(version: &str) -> String {
    version.split(".module").next().unwrap_or_default().to_owned()
}

/// Of `these` those of which the others have no id for the same package.
fn missing<'a>(these: &'a Flaws, others: &Flaws) -> Vec<(&'a str, &'a BTreeSet<String>)> {
    let pairs = these.iter().flat_map(|(purl, flaws)| flaws.iter().map(move |ids| (purl, ids)));
    let is_missing = |(purl, ids): &(&String, &BTreeSet<String>)| {
        let known = others.get(*purl).into_iter().flatten();
        known.flatten().all(|id| !ids.contains(id))
    };
    pairs.filter(is_missing).map(|(purl, ids)| (purl.as_str(), ids)).collect()
}

fn of_plimsoll(report: &Value) -> Flaws {
    let mut flaws = Flaws::new();
    for found in report.pointer("/scan/matches").and_then(Value::as_array).into_iter().flatten() {
        let aliases = found.get("aliases").and_then(Value::as_array).into_iter().flatten();
        let ids = aliases.chain(found.get("advisory")).filter_map(Value::as_str).map(str::to_owned);
        flaws.entry(plain(found.get("purl"))).or_default().push(ids.collect());
    }
    flaws
}

fn of_trivy(report: &Value) -> Flaws {
    let mut flaws = Flaws::new();
    let results = report.get("Results").and_then(Value::as_array).into_iter().flatten();
    let all = results.filter_map(|result| result.get("Vulnerabilities")?.as_array()).flatten();
    for found in all {
        let id =
            found.get("VulnerabilityID").and_then(Value::as_str).unwrap_or_default().to_owned();
        let purl = plain(found.pointer("/PkgIdentifier/PURL"));
        flaws.entry(purl).or_default().push(BTreeSet::from([id]));
    }
    flaws
}

/// Without qualifiers, and in lower case: the two write names of Go's modules in different ones.
fn plain(purl: Option<&Value>) -> String {
    let purl = purl.and_then(Value::as_str).unwrap_or_default();
    purl.split('?').next().unwrap_or_default().to_lowercase()
}
