//! SBOMs and findings in the formats of others: valid by the tools of others, the same bytes every time, and read back as
//! they were meant.
//!
//! Each judge is shown to refuse: a document has twins in which one thing is changed.

use crate::support::{Outcome, RealImage, Sandbox, real_image, root, run, sandbox};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_oci::testing::image::{ImageBuilder, LayerBuilder};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, sync::LazyLock};

mod flaws;
mod judges;

use judges::{Judge, TextTwin, Twin};

/// The file of each SBOM, and its judge.
const SBOMS: [(&str, Judge); 4] = [
    ("sbom.cdx.json", Judge::CycloneDx),
    ("sbom.cdx.xml", Judge::CycloneDx),
    ("sbom.spdx.json", Judge::Spdx),
    ("sbom.spdx3.json", Judge::Spdx3),
];
const EACH: [&str; 8] = [
    "-o",
    "cyclonedx-json=sbom.cdx.json",
    "-o",
    "cyclonedx-xml=sbom.cdx.xml",
    "-o",
    "spdx-json=sbom.spdx.json",
    "-o",
    "spdx3-json=sbom.spdx3.json",
];

/// What a scan of the real image by the example's advisories says, on one thread; made once for all tests.
static REAL: LazyLock<Option<(RealImage, Sandbox)>> = LazyLock::new(|| {
    let image = real_image()?;
    let sandbox = sandbox();
    let subject = format!("oci-layout:{}:app", image.layout);
    // One flaw, and seven components that nothing is known about.
    scan(&sandbox, &subject, &[&["--jobs", "1"], EACH.as_slice()].concat()).expect_status(1);
    Some((image, sandbox))
});

fn read(path: impl AsRef<Utf8Path>) -> Value {
    serde_json::from_slice(&fs::read(path.as_ref()).unwrap()).unwrap()
}

/// Takes a field away.
fn remove(object: &mut Value, field: &str) {
    object.as_object_mut().unwrap().remove(field).unwrap();
}

/// Puts one thing of a list there once more.
fn double(list: &mut Value) {
    let twin = list[1].clone();
    list.as_array_mut().unwrap().push(twin);
}

fn example(name: &str) -> String {
    format!("oci-archive:{}", root().join(format!("examples/images/{name}.tar")))
}

fn advisories() -> Utf8PathBuf {
    root().join("examples/advisories")
}

/// Scans by the example's advisories, and writes the report.
fn scan(sandbox: &Sandbox, subject: &str, more: &[&str]) -> Outcome {
    let mut plimsoll = sandbox.plimsoll();
    plimsoll.args(["scan", subject, "--advisories", advisories().as_str()]).args(more);
    run(plimsoll.args(["-o", "json=report.json"]))
}

/// Lists what is aboard in every format that can.
fn list(sandbox: &Sandbox, subject: &str, date: Option<&str>) {
    let mut plimsoll = sandbox.plimsoll();
    plimsoll.args(["sbom", subject]).args(EACH);
    plimsoll.args(["-o", "json=report.json", "-o", "table=table", "-o", "markdown=markdown"]);
    run(plimsoll.envs(date.map(|date| ("SOURCE_DATE_EPOCH", date)))).expect_status(0);
}

/// Runs the example's gate on the bad build, and writes SARIF.
fn run_bad(sandbox: &Sandbox, policy: &Utf8Path) -> Value {
    let mut plimsoll = sandbox.plimsoll();
    plimsoll.args(["--config", policy.as_str(), "run", &example("bad"), "--dockerfile"]);
    plimsoll.arg(root().join("examples/bad/Dockerfile"));
    plimsoll.args(["--advisories", advisories().as_str(), "-o", "sarif=findings.sarif"]);
    run(&mut plimsoll).expect_status(1);
    read(sandbox.join("findings.sarif"))
}

/// A small image in which everything is as odd as a package's author can make it.
fn hostile_image(sandbox: &Sandbox) -> String {
    let status = "Package: twin\nStatus: install ok installed\nVersion: 1.0\nArchitecture: amd64\n\
        Maintainer: (\u{1b}[31m) <a@b> <c>\nDescription: x\n\n";
    let module = |fields: Value| fields.to_string();
    let license = |license: Value| module(json!({"name": "l", "version": "1", "license": license}));
    let mut packages = LayerBuilder::new()
        .file("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"D\u{1b}]0;x\u{7}\"\n")
        // The same package twice in one file, and once more in another.
        .file("var/lib/dpkg/status", format!("{status}{status}"))
        .file("var/lib/dpkg/status.d/twin", status)
        .file("srv/a/node_modules/same/package.json", module(json!({"name": "same", "version": "1"})))
        .file("srv/b/node_modules/same/package.json", module(json!({"name": "same", "version": "1"})))
        .file("srv/a/node_modules/unversioned/package.json", module(json!({"name": "unversioned"})))
        .file(
            "srv/a/node_modules/control/package.json",
            module(json!({"name": "con\u{1b}[2Jtrol\u{0}", "version": "1\n2\u{202e}", "author": "\u{7}"})),
        )
        .file(
            "srv/a\nb/node_modules/newline/package.json",
            module(json!({"name": "newline", "version": "1"})),
        )
        .file("srv/a/node_modules/broken/package.json", "{\"name\": \"broken\", \"vers")
        .file(
            "srv/py/odd-1.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: Odd\nVersion: 1 && <x>\nLicense: MIT AND\nAuthor: \u{1b}\n",
        );
    let licenses = [
        json!("SEE LICENSE IN <LICENSE>"),
        json!("(MIT"),
        json!("MIT AND"),
        json!("mit OR apache-2.0"),
        json!("GPL-2.0+"),
        json!("NONE"),
        json!("NOASSERTION"),
        json!("LicenseRef-ours OR MIT"),
        json!("DocumentRef-x:LicenseRef-y"),
        json!("MIT WITH nothing-exception"),
        json!("\u{1b}[31mBSD\u{0}\n"),
        json!(""),
        json!({"type": "BSD", "url": "https://example.org"}),
        json!(["MIT", "Odd One", "MIT OR (Apache-2.0"]),
        json!("X".repeat(5000)),
    ];
    for (number, odd) in licenses.into_iter().enumerate() {
        let path = format!("srv/l/node_modules/l{number}/package.json");
        packages = packages.file(&path, license(odd).replace("\"l\"", &format!("\"l{number}\"")));
    }
    let layout = sandbox.join("hostile");
    let image = ImageBuilder::new().layer(packages).layer(non_utf8(&layer_of_odd_paths()));
    image.build().write_layout(&layout, Some("1"));
    format!("oci-layout:{layout}:1")
}

/// Packages at paths with `zzz` in them.
fn layer_of_odd_paths() -> LayerBuilder {
    LayerBuilder::new()
        .file("var/lib/dpkg/status.d/zzz", "Package: hidden\nVersion: 1\nArchitecture: amd64\n")
        .file("srv/zzz/node_modules/hidden/package.json", r#"{"name":"hidden","version":"1"}"#)
        .file("srv/zzz/hidden-1.dist-info/METADATA", "Name: hidden\nVersion: 1\n")
        .file("srv/zzz/package-lock.json", "{}")
        .file(
            "srv/zzz/Cargo.lock",
            "version = 4\n[[package]]\nname = \"hidden\"\nversion = \"1.0.0\"\n",
        )
}

/// The layer with three bytes in the place of each `zzz`, neither text nor printable, with the same sum: headers stay valid.
fn non_utf8(layer: &LayerBuilder) -> LayerBuilder {
    let mut tar = layer.tar();
    for at in 0..tar.len() - 3 {
        if &tar[at..at + 3] == b"zzz" {
            tar[at..at + 3].copy_from_slice(&[0xff, 0x01, 0x6e]);
        }
    }
    // `raw` adds the end of the archive by itself.
    LayerBuilder::new().raw(&tar[..tar.len() - 1024])
}

#[test]
fn cyclonedx_is_accepted_by_its_own_library_and_its_twins_are_not() {
    let sandbox = sandbox();
    list(&sandbox, &example("bad"), None);
    let twins: [Twin; 6] = [
        ("'name' is a required property", |bom| remove(&mut bom["components"][1], "name")),
        ("has non-unique elements", |bom| double(&mut bom["components"])),
        ("'vessel' is not one of", |bom| bom["components"][1]["type"] = json!("vessel")),
        ("'licences' was unexpected", |bom| bom["components"][1]["licences"] = json!([])),
        ("is not valid under any of the given schemas", |bom| {
            bom["components"][1]["licenses"] = json!([{"license": {"id": "Odd"}}]);
        }),
        ("does not match '^urn:uuid:", |bom| bom["serialNumber"] = json!("urn:uuid:1")),
    ];
    Judge::CycloneDx.refuses_twins(&sandbox.join("sbom.cdx.json"), &twins);
}

#[test]
fn spdx_is_accepted_by_its_own_tools_and_its_twins_are_not() {
    let sandbox = sandbox();
    list(&sandbox, &example("bad"), None);
    let twins: [Twin; 6] = [
        ("spdx_id must only contain", |spdx| spdx["packages"][1]["SPDXID"] = json!("no id")),
        ("every spdx_id must be unique", |spdx| double(&mut spdx["packages"])),
        ("document_namespace", |spdx| remove(spdx, "documentNamespace")),
        ("\"SPDXRef-nowhere\"", |spdx| {
            spdx["relationships"][1]["relatedSpdxElement"] = json!("SPDXRef-nowhere");
        }),
        ("Unrecognized license reference: Odd", |spdx| {
            spdx["packages"][2]["licenseDeclared"] = json!("Odd");
        }),
        ("Actor Somebody", |spdx| spdx["packages"][2]["supplier"] = json!("Somebody")),
    ];
    Judge::Spdx.refuses_twins(&sandbox.join("sbom.spdx.json"), &twins);
}

#[test]
fn cyclonedx_in_xml_is_accepted_and_its_twins_are_not() {
    let sandbox = sandbox();
    list(&sandbox, &example("bad"), None);
    let twins: [TextTwin; 4] = [
        ("vessel", "type=\"library\"", "type=\"vessel\""),
        ("licences", "<purl>", "<licences/><purl>"),
        ("urn:uuid:1", "serialNumber=\"urn:uuid:", "serialNumber=\"urn:uuid:1\" x=\""),
        ("XMLSyntaxError", "</bom>", ""),
    ];
    Judge::CycloneDx.refuses_text_twins(&sandbox.join("sbom.cdx.xml"), &twins);
}

#[test]
fn cyclonedx_is_valid_in_every_version() {
    let sandbox = sandbox();
    let subjects = [example("bad"), hostile_image(&sandbox)];
    let mut documents = Vec::new();
    for (number, subject) in subjects.iter().enumerate() {
        let mut plimsoll = sandbox.plimsoll();
        plimsoll.args(["sbom", subject]).env("SOURCE_DATE_EPOCH", "0");
        for version in ["1.3", "1.4", "1.5", "1.7"] {
            for kind in ["json", "xml"] {
                let document = sandbox.join(format!("{number}-{version}.cdx.{kind}"));
                plimsoll.arg("-o").arg(format!("cyclonedx-{kind}@{version}={document}"));
                documents.push(document);
            }
        }
        run(&mut plimsoll).expect_status(0);
    }
    Judge::CycloneDx.accepts(&documents);
}

#[test]
fn spdx_3_is_accepted_by_its_own_model_and_its_twins_are_not() {
    let sandbox = sandbox();
    list(&sandbox, &example("bad"), None);
    let twins: [TextTwin; 4] = [
        ("'vessel' is not a valid value", "\"library\"", "\"vessel\""),
        ("is not a correctly formatted datetime", "\"created\": \"", "\"created\": \"yesterday "),
        ("nowhere", "#Subject\"\n", "#nowhere\"\n"),
        ("must be IRIs", "\"SpdxDocument\"", "\"Dokument\""),
    ];
    Judge::Spdx3.refuses_text_twins(&sandbox.join("sbom.spdx3.json"), &twins);
}

/// The SBOMs in SPDX 2 and 3 of the bad example, as they would be if it came from somebody's repository: whose an archive
/// is, nobody can tell.
fn sboms_of_an_owned_image(sandbox: &Sandbox) -> [Utf8PathBuf; 2] {
    list(sandbox, &example("bad"), None);
    let mut spdx = read(sandbox.join("sbom.spdx.json"));
    assert_eq!(spdx["packages"][0]["supplier"], "NOASSERTION");
    spdx["packages"][0]["supplier"] = json!("Organization: example");
    let mut spdx3 = read(sandbox.join("sbom.spdx3.json"));
    let elements = spdx3["@graph"].as_array_mut().unwrap();
    let owner =
        elements.iter().find(|one| one["type"] == "Organization").unwrap()["spdxId"].clone();
    let subject = |one: &&mut Value| one["software_primaryPurpose"] == "container";
    let subject = elements.iter_mut().find(subject).unwrap();
    assert_eq!(subject["suppliedBy"], Value::Null);
    subject["suppliedBy"] = owner;
    [("owned.spdx.json", spdx), ("owned.spdx3.json", spdx3)].map(|(name, document)| {
        sandbox.write(name, serde_json::to_string_pretty(&document).unwrap())
    })
}

#[test]
fn what_the_standards_ask_for_is_there_and_missed_where_it_is_not() {
    let sandbox = sandbox();
    let [spdx, spdx3] = sboms_of_an_owned_image(&sandbox);
    let twins: [Twin; 3] = [
        ("\"allProvided\":false", |spdx| {
            spdx["packages"][0]["supplier"] = json!("NOASSERTION");
        }),
        ("\"allProvided\":false", |spdx| {
            spdx["packages"][2]["supplier"] = json!("NOASSERTION");
        }),
        ("\"allProvided\":false", |spdx| remove(&mut spdx["packages"][2], "versionInfo")),
    ];
    Judge::Ntia.refuses_twins(&spdx, &twins);
    let twins: [TextTwin; 2] = [
        ("\"allProvided\":false", "\"software_copyrightText\"", "\"comment\""),
        ("\"isConformant\":false", "\"analyzed\"", ""),
    ];
    Judge::Fsct.refuses_text_twins(&spdx3, &twins);
}

#[test]
fn sboms_of_the_examples_and_of_the_real_image_are_valid() {
    let folders = ["base", "good"].map(|name| {
        let sandbox = sandbox();
        list(&sandbox, &example(name), None);
        sandbox
    });
    let folders: Vec<_> = folders.iter().chain(REAL.as_ref().map(|(_, real)| real)).collect();
    for (file, judge) in SBOMS {
        let documents: Vec<_> = folders.iter().map(|folder| folder.join(file)).collect();
        judge.accepts(&documents);
    }
}

#[test]
fn the_sbom_of_a_hostile_image_is_valid_and_hides_nothing() {
    let sandbox = sandbox();
    list(&sandbox, &hostile_image(&sandbox), Some("0"));
    for (file, judge) in SBOMS {
        judge.accepts(&[sandbox.join(file)]);
    }
    let report = read(sandbox.join("report.json"));
    let components = report["inventory"]["components"].as_array().unwrap();
    let of = |name: &str| -> Vec<&Value> {
        components.iter().filter(|component| component["name"] == name).collect()
    };
    assert_eq!(of("unversioned").len(), 1);
    assert_eq!(of("unversioned")[0]["version"], Value::Null);
    assert_eq!(of("con\u{1b}[2Jtrol\u{0}").len(), 1);
    assert_eq!(of("newline").len(), 1);
    assert_eq!(of("twin").len(), 1, "{:#?}", of("twin"));
    assert_eq!(of("same").iter().flat_map(|one| one["locations"].as_array().unwrap()).count(), 2);
    let licensed = components.iter().filter(|one| one["name"].as_str().unwrap().starts_with('l'));
    assert_eq!(licensed.count(), 15);

    // A path that is no text hides no package: it is listed, or said to be unknown.
    let kinds: BTreeSet<_> = of("hidden")
        .iter()
        .map(|one| one["purl"].as_str().unwrap().split(['/', '@']).next().unwrap().to_owned())
        .collect();
    let expect = ["pkg:cargo", "pkg:deb", "pkg:npm", "pkg:pypi"].map(str::to_owned);
    assert_eq!(kinds, BTreeSet::from(expect));
    let unknowns = report["inventory"]["unknowns"].to_string();
    assert!(unknowns.contains("/node_modules/broken/package.json"), "{unknowns}");

    // What is shown to people controls no terminal.
    for format in ["table", "markdown"] {
        let text = fs::read_to_string(sandbox.join(format)).unwrap();
        let control = |char: char| (char.is_control() && char != '\n') || char == '\u{202e}';
        assert!(!text.contains(control), "{format}: {text:?}");
    }
}

#[test]
fn the_same_image_gives_the_same_bytes() {
    let formats = [
        "sbom.cdx.json",
        "sbom.spdx.json",
        "report.json",
        "sbom.cdx.xml",
        "sbom.spdx3.json",
        "table",
        "markdown",
    ];
    let bytes = |sandbox: &Sandbox| formats.map(|format| fs::read(sandbox.join(format)).unwrap());
    let image = sandbox();
    // It has no date of its own.
    let hostile = hostile_image(&image);
    let listed = |subject: &str, date: Option<&str>| {
        let sandbox = sandbox();
        list(&sandbox, subject, date);
        bytes(&sandbox)
    };
    assert_eq!(listed(&hostile, Some("1700000000")), listed(&hostile, Some("1700000000")));
    let [cyclonedx, spdx, json, ..] = listed(&hostile, Some("1700000000"));
    let [other_cyclonedx, other_spdx, other_json, ..] = listed(&hostile, Some("1700000001"));
    assert_ne!(cyclonedx, other_cyclonedx, "the date is in it");
    assert_ne!(spdx, other_spdx, "the date is in it");
    assert_eq!(json, other_json);
    // This one has, and needs no other.
    assert_eq!(listed(&example("bad"), None), listed(&example("bad"), None));
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let Some((image, one)) = REAL.as_ref() else { return };
    let two = sandbox();
    let subject = format!("oci-layout:{}:app", image.layout);
    scan(&two, &subject, &[&["--jobs", "2"], EACH.as_slice()].concat()).expect_status(1);
    for (format, _) in SBOMS {
        let read = |sandbox: &Sandbox| fs::read(sandbox.join(format)).unwrap();
        assert!(read(one) == read(&two), "{format} differs");
    }
    let findings = |sandbox: &Sandbox| read(sandbox.join("report.json"))["decision"].clone();
    assert_eq!(findings(one), findings(&two));
}

/// What a scan found, and what it could not tell.
fn matches(report: &Value) -> Value {
    let findings = report["decision"]["findings"].as_array().unwrap().iter();
    let flaws: Vec<_> = findings
        .filter(|finding| finding["vulnerability"] != Value::Null)
        .map(|finding| (&finding["vulnerability"], &finding["severity"], &finding["effect"]))
        .collect();
    let scan = &report["scan"];
    json!({"flaws": flaws, "counts": scan["counts"], "notEvaluated": scan["notEvaluated"]})
}

/// A scan of our SBOM in each format finds what the scan of the image in `scanned` has found.
fn same_matches(scanned: &Sandbox) -> Value {
    let expect = matches(&read(scanned.join("report.json")));
    for (format, _) in SBOMS {
        let sandbox = sandbox();
        scan(&sandbox, &format!("sbom:{}", scanned.join(format)), &[]).expect_status(1);
        assert_eq!(matches(&read(sandbox.join("report.json"))), expect, "{format}");
    }
    expect
}

#[test]
fn a_scan_of_our_sbom_finds_what_a_scan_of_the_image_finds() {
    let bad = sandbox();
    scan(&bad, &example("bad"), &EACH).expect_status(1);
    let found = same_matches(&bad);
    let ids: BTreeSet<_> = found["flaws"]
        .as_array()
        .unwrap()
        .iter()
        .map(|flaw| flaw[0]["id"].as_str().unwrap().to_owned())
        .collect();
    let expect = ["CVE-2021-23337", "CVE-2021-44906", "CVE-2023-5363"].map(str::to_owned);
    assert_eq!(ids, BTreeSet::from(expect));

    let Some((_, real)) = REAL.as_ref() else { return };
    let found = same_matches(real);
    assert_eq!(found["flaws"][0][0]["id"], "CVE-2021-23337");
    let counts = |count: &str| found["counts"][count].clone();
    assert_eq!(["matched", "clean", "notEvaluated"].map(counts), [1, 239, 7].map(Value::from));
}

#[test]
fn a_scan_of_an_sbom_judges_what_the_document_says() {
    let sandbox = sandbox();
    scan(&sandbox, &example("bad"), &EACH).expect_status(1);
    for (format, _) in SBOMS {
        let text = fs::read_to_string(sandbox.join(format)).unwrap();
        let scan_of = |text: &str| {
            sandbox.write("twin.json", text);
            scan(&sandbox, "sbom:twin.json", &["-o", "table"])
        };
        // The mended lodash; nothing else is changed.
        scan_of(&text.replace("4.17.20", "4.17.21")).expect_status(1);
        let mended = read(sandbox.join("report.json"));
        assert_eq!(mended["scan"]["counts"]["matched"], 2, "{format}");
        // Half of it, none of it, and a version that nobody has published.
        let mut newer = text.replace("SPDX-2.3", "SPDX-9.3");
        newer = newer.replace("1.6", "9.6").replace("3.0.1", "9.0.1");
        let half: String = text.chars().take(text.len() / 2).collect();
        for broken in [&half, "", "{}", &newer] {
            let refused = scan_of(broken).expect_status(3);
            assert!(refused.stderr.contains("error: "), "{}", refused.stderr);
            assert_eq!(refused.stdout, "");
        }
    }
}

/// The bad build's policy with exceptions for two of its flaws, until tomorrow.
fn policy_with_exceptions(sandbox: &Sandbox) -> Utf8PathBuf {
    for file in ["bases.lock", "bases.pub"] {
        sandbox.write(file, fs::read(root().join("examples").join(file)).unwrap());
    }
    let policy = fs::read_to_string(root().join("examples/plimsoll.yaml")).unwrap();
    let until = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date().tomorrow().unwrap();
    let exceptions = ["CVE-2021-23337", "CVE-2021-44906"].map(|id| {
        format!(
            "  - {{rule: vulnerability, id: {id}, reason: \"not called, says {id}\", owner: a@b, expires: {until}}}\n"
        )
    });
    let exceptions = exceptions.concat();
    sandbox.write("plimsoll.yaml", format!("{policy}exceptions:\n{exceptions}"))
}

#[test]
fn sarif_is_accepted_by_its_schema_and_its_twins_are_not() {
    let sandbox = sandbox();
    run_bad(&sandbox, &root().join("examples/plimsoll.yaml"));
    let twins: [Twin; 4] = [
        ("'critical' is not one of", |log| result(log)["level"] = json!("critical")),
        ("'message' is a required property", |log| remove(result(log), "message")),
        ("less than the minimum of 1", |log| {
            result(log)["locations"][0]["physicalLocation"]["region"]["startLine"] = json!(0);
        }),
        ("'2.0.0' is not one of", |log| log["version"] = json!("2.0.0")),
    ];
    Judge::Sarif.refuses_twins(&sandbox.join("findings.sarif"), &twins);
}

fn result(log: &mut Value) -> &mut Value {
    &mut log["runs"][0]["results"][0]
}

#[test]
fn sarif_of_every_command_is_valid_and_code_scanning_takes_every_result() {
    let sandbox = sandbox();
    let config = root().join("examples/plimsoll.yaml");
    let hostile = hostile_image(&sandbox);
    let bad = root().join("examples/bad");
    let (image, advisories) = (example("bad"), advisories());
    let real = real_image().map(|image| format!("oci-layout:{}:app", image.layout));
    let real = real.iter().map(|real| (vec!["check", real], 1));
    let ours = [
        (vec!["check", bad.as_str()], 1),
        (vec!["check", &image], 1),
        (vec!["scan", &image, "--advisories", advisories.as_str()], 1),
        (vec!["check", &hostile], 1),
        (vec!["scan", &hostile, "--advisories", advisories.as_str()], 3),
    ];
    let mut documents = Vec::new();
    for (number, (arguments, status)) in real.chain(ours).enumerate() {
        let document = sandbox.join(format!("{number}.sarif"));
        let mut plimsoll = sandbox.plimsoll();
        plimsoll.args(["--config", config.as_str()]).args(&arguments);
        run(plimsoll.arg("-o").arg(format!("sarif={document}"))).expect_status(status);
        let log = read(&document);
        assert_ne!(log["runs"][0]["results"], json!([]), "{arguments:?}");
        assert_eq!(judges::code_scanning_drops(&log), Vec::<String>::new(), "{arguments:?}");
        documents.push(document);
    }
    Judge::Sarif.accepts(&documents);
}

#[test]
fn sarif_of_a_run_says_what_blocks_and_what_is_excepted() {
    let (plain, excepted) = (sandbox(), sandbox());
    let log = run_bad(&plain, &root().join("examples/plimsoll.yaml"));
    let again = run_bad(&plain, &root().join("examples/plimsoll.yaml"));
    assert_eq!(log, again, "the same input gives the same log");
    assert_eq!(judges::code_scanning_drops(&log), Vec::<String>::new());
    let flaws = |log: &Value| -> Vec<Value> {
        let results = log["runs"][0]["results"].as_array().unwrap().iter();
        let flaws = results.filter(|result| {
            result["ruleId"].as_str().is_some_and(|id| id.starts_with("VUL-002/"))
        });
        flaws.map(|result| json!([result["level"], result["suppressions"][0]["kind"]])).collect()
    };
    assert_eq!(flaws(&log), vec![json!(["error", null]); 3]);

    let log = run_bad(&excepted, &policy_with_exceptions(&excepted));
    Judge::Sarif.accepts(&[excepted.join("findings.sarif")]);
    assert_eq!(judges::code_scanning_drops(&log), Vec::<String>::new());
    let mut found = flaws(&log);
    found.sort_by_key(ToString::to_string);
    let suppressed = json!(["warning", "external"]);
    assert_eq!(found, [json!(["error", null]), suppressed.clone(), suppressed]);
    assert!(log.to_string().contains("not called, says CVE-2021-44906 (a@b, until "), "{log}");

    // The limits of code scanning are looked at, not assumed.
    let mut twin = log.clone();
    remove(&mut result(&mut twin)["locations"][0], "physicalLocation");
    remove(&mut twin["runs"][0]["tool"]["driver"]["rules"][0], "help");
    twin["runs"][0]["results"][1]["ruleId"] = json!("NONE-1");
    let dropped = judges::code_scanning_drops(&twin);
    assert_eq!(dropped.len(), 3, "{dropped:?}");
}
