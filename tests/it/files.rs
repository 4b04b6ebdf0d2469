//! What the rules about files and configurations say of images, from the layers to the report.

use crate::support::{Sandbox, root, run, sandbox};
use plimsoll_oci::testing::image::{Access, BuiltImage, ImageBuilder, LayerBuilder};
use serde_json::{Value, json};

/// The findings about files, secrets and the configuration, but for those that every image without its base and its labels has:
/// rule, place, and what it comes to.
fn findings(sandbox: &Sandbox, image: &BuiltImage) -> Vec<(String, Value, String)> {
    image.write_layout(&sandbox.join("image"), Some("1"));
    let advisories = root().join("examples/advisories").to_string();
    let subject = ["run", "oci-layout:image:1", "--platform", "linux/amd64"];
    // What it comes to is in the report.
    let judged = ["--advisories", &advisories, "-o", "json=report.json"];
    run(sandbox.plimsoll().args(subject).args(judged));
    let report = std::fs::read(sandbox.join("report.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = report["decision"]["findings"].as_array().unwrap().iter();
    let mut found: Vec<_> = all
        .filter(|found| {
            let rule = found["rule"].as_str().unwrap();
            ["FS-", "IMG-", "SEC-"].iter().any(|family| rule.starts_with(family))
        })
        .map(|found| (text(&found["rule"]), found["place"].clone(), text(&found["effect"])))
        .collect();
    found.sort_by_key(|(rule, place, _)| (rule.clone(), place.to_string()));
    found
}

/// Debian's list of packages.
fn status(names: &[&str]) -> String {
    let package = |name: &&str| {
        format!("Package: {name}\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n")
    };
    names.iter().map(package).collect()
}

/// Sums of files that hold the digit 1.
fn sums(paths: &[&str]) -> String {
    let sum = |path: &&str| format!("c4ca4238a0b923820dcc509a6f75849b  {path}\n");
    paths.iter().map(sum).collect()
}

/// An image with something wrong in most places, and the diffIDs of its layers.
fn flawed() -> (BuiltImage, [String; 2]) {
    let attribute =
        [("SCHILY.xattr.security.capability", "\u{1}\0\0\u{2}\0 \0\0\0\0\0\0\0\0\0\0\0\0\0\0")];
    let base = LayerBuilder::new()
        .file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
        .file("etc/nsswitch.conf", "passwd: files\n")
        .file(
            "var/lib/dpkg/info/tool.list",
            "/.\n/usr\n/usr/bin/tool\n/usr/bin/taken\n/usr/bin/kept\n/etc/tool\n",
        )
        .file("var/lib/dpkg/info/tool.md5sums", sums(&["usr/bin/tool", "usr/bin/taken"]))
        .file("var/lib/dpkg/status", status(&["tool"]))
        .file("usr/bin/tool", "1")
        .file("usr/bin/taken", "1")
        .file("usr/bin/kept", "1")
        .file("etc/tool", "1")
        .file_with("usr/bin/gone", "", Access::root(0o4755))
        .file_with("usr/bin/su", "", Access::root(0o4755));
    let app = LayerBuilder::new()
        .file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\n")
        .file("etc/nsswitch.conf", "passwd: other files\n")
        .file("etc/apt/sources.list", "deb [trusted=yes] http://packages.example/ x main\n")
        .file("etc/ssh/ssh_host_rsa_key", "key")
        .file("usr/local/share/ca-certificates/proxy.crt", "certificate")
        .whiteout("usr/bin/gone")
        .file("var/lib/dpkg/status", status(&["tool", "other"]))
        .file("var/lib/dpkg/info/other.list", "/usr/bin/taken\n")
        .file("usr/bin/tool", "2")
        .file("usr/bin/taken", "2")
        .file("etc/tool", "2")
        .pax(&attribute)
        .file_with("usr/bin/ping", "", Access::root(0o755))
        .directory_with("srv", Access::root(0o777))
        .file("srv/.git/config", "[core]")
        .file("var/lib/apt/lists/debian", "packages")
        .hardlink("usr/bin/other", "usr/bin/su")
        .entry(b'4', "opt/disk", "", b"");
    let layers = [&base, &app].map(|layer| plimsoll_model::Digest::of(&layer.tar()).to_string());
    let image = ImageBuilder::new()
        .layer(base)
        .layer(app)
        .config("User", json!("10001"))
        .config("Cmd", json!(["/usr/bin/app"]))
        .config("Healthcheck", json!({"Test": ["CMD", "/x"]}))
        .config("ExposedPorts", json!({"22/tcp": {}}))
        .config("Volumes", json!({"/etc": {}}))
        .config("OnBuild", json!(["RUN x"]))
        .build();
    (image, layers)
}

#[test]
fn each_file_is_told_by_its_path_and_the_layer_that_brought_it() {
    let (image, layers) = flawed();
    let sandbox = sandbox();
    let at = |path: &str, layer: usize| json!({"path": path, "layer": layers[layer]});
    let field = |field: &str| json!({"config": field});
    let expect = [
        ("FS-001", at("/usr/bin/other", 1), "warn"),
        ("FS-001", at("/usr/bin/su", 0), "warn"),
        ("FS-002", at("/usr/bin/ping", 1), "warn"),
        ("FS-003", at("/srv", 1), "warn"),
        ("FS-004", at("/etc/passwd", 1), "blocks"),
        ("FS-005", at("/etc/ssh/ssh_host_rsa_key", 1), "warn"),
        ("FS-006", at("/var/lib/apt/lists", 1), "inform"),
        ("FS-007", at("/srv/.git", 1), "inform"),
        ("FS-010", at("/usr/bin/tool", 1), "warn"),
        ("FS-011", at("/etc/nsswitch.conf", 1), "warn"),
        ("FS-012", at("/opt/disk", 1), "blocks"),
        ("FS-014", at("/usr/local/share/ca-certificates/proxy.crt", 1), "warn"),
        ("FS-015", at("/etc/apt/sources.list", 1), "warn"),
        ("IMG-003", field("config.ExposedPorts.22/tcp"), "warn"),
        ("IMG-004", field("config.Volumes./etc"), "warn"),
        ("IMG-005", field("config.OnBuild.0"), "warn"),
    ];
    let expect = expect.map(|(rule, place, effect)| (rule.to_owned(), place, effect.to_owned()));
    assert_eq!(findings(&sandbox, &image), expect);
    // The layers as they are in the cache say the same.
    assert_eq!(findings(&sandbox, &image), expect);
}

/// An image with nothing wrong, that runs this.
fn well_made(program: &str) -> BuiltImage {
    let app = LayerBuilder::new()
        .file(
            "etc/passwd",
            "root:x:0:0:root:/root:/sbin/nologin\napp:x:10001:10001::/:/sbin/nologin\n",
        )
        .file(
            "etc/ssl/certs/ca-certificates.crt",
            "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n",
        )
        .directory_with("tmp", Access::root(0o1777))
        .file_with("usr/bin/app", "", Access::root(0o755));
    ImageBuilder::new()
        .layer(app)
        .config("User", json!("10001"))
        .config("Entrypoint", json!([program]))
        .config("Healthcheck", json!({"Test": ["CMD", "/usr/bin/app", "healthy"]}))
        .config("ExposedPorts", json!({"8080/tcp": {}}))
        .config("Volumes", json!({"/var/lib/app": {}}))
        .build()
}

#[test]
fn a_well_made_image_raises_nothing() {
    assert_eq!(findings(&sandbox(), &well_made("/usr/bin/app")), []);
    let index = BuiltImage::index([well_made("/usr/bin/app")]);
    assert_eq!(findings(&sandbox(), &index), []);
}

#[test]
fn an_index_with_two_images_for_one_platform_blocks() {
    let index = BuiltImage::index([well_made("/usr/bin/app"), well_made("/usr/bin/other")]);
    let expect = ("IMG-011".to_owned(), json!("image"), "blocks".to_owned());
    assert_eq!(findings(&sandbox(), &index), [expect]);
}

/// What the report says by a rule: title, place and what was found.
fn said(sandbox: &Sandbox, rule: &str) -> Vec<(String, Value, String)> {
    let report = std::fs::read(sandbox.join("report.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    let all = report["decision"]["findings"].as_array().unwrap().iter();
    let of_rule = all.filter(|found| found["rule"] == rule).map(|found| {
        let text = |key: &str| found[key].as_str().unwrap().to_owned();
        (text("title"), found["place"].clone(), text("found"))
    });
    of_rule.collect()
}

/// What the rule about files of packages says of an image, with and without cataloging.
fn rewritten(image: &BuiltImage) -> Vec<(String, Value, String)> {
    let sandbox = sandbox();
    image.write_layout(&sandbox.join("image"), Some("1"));
    let advisories = root().join("examples/advisories").to_string();
    let judged = |command: &[&str]| {
        let what = ["oci-layout:image:1", "--platform", "linux/amd64", "-o", "json=report.json"];
        run(sandbox.plimsoll().args(command).args(what));
        said(&sandbox, "FS-010")
    };
    let found = judged(&["run", "--advisories", &advisories]);
    // The layers as they are in the cache say the same, and so does who catalogs nothing.
    assert_eq!(judged(&["run", "--advisories", &advisories]), found);
    assert_eq!(judged(&["check"]), found);
    found
}

/// The database of packages and the files of one that holds the digit 1, below an upper layer.
fn below(database: &str, bytes: impl AsRef<[u8]>, upper: LayerBuilder) -> (BuiltImage, Value) {
    let lower = ["usr/bin/kept", "usr/bin/tool", "etc/tool.conf"];
    let lower = lower.iter().fold(LayerBuilder::new(), |layer, path| layer.file(path, "1"));
    let lower = lower.file(database, bytes);
    let layer = json!(plimsoll_model::Digest::of(&upper.tar()).to_string());
    (ImageBuilder::new().layer(lower).layer(upper).build(), layer)
}

/// Databases of each kind that list `/usr/bin/kept` and `/usr/bin/tool`, and the hashes of `1` and `2` in their words.
fn databases() -> [(&'static str, Vec<u8>, &'static str); 2] {
    // SHA-1 of `1`.
    let sum = "Z:Q1NWoZK3kTsExUV00Ywo1G5jlUKKs=";
    let apk = format!(
        "P:tool\nV:1\nF:etc\nR:tool.conf\n{sum}\nF:usr/bin\nR:kept\na:0:0:755\n{sum}\nR:tool\na:0:0:755\n{sum}\n\n"
    );
    // Made by rpm itself: `sbom/tests/data/make-rpm.sh`.
    let rpm = include_bytes!("../../sbom/tests/data/tool.sqlite");
    [
        (
            "lib/apk/db/installed",
            apk.into_bytes(),
            "SHA-1 da4b9237bacccdf19c0760cab7aec4a8359010b0",
        ),
        (
            "usr/lib/sysimage/rpm/rpmdb.sqlite",
            rpm.to_vec(),
            "SHA-256 d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35",
        ),
    ]
}

#[test]
fn files_of_packages_are_held_to_the_databases_of_apk_and_rpm() {
    for (path, database, two) in databases() {
        // Brought anew as it was, as by a change of its owner; and configuration.
        let upper = LayerBuilder::new()
            .file_with("usr/bin/kept", "1", Access::root(0o700))
            .file("etc/tool.conf", "2");
        let (image, _) = below(path, &database, upper);
        assert_eq!(rewritten(&image), [], "{path}");
        let upper = LayerBuilder::new().file("usr/bin/kept", "1").file("usr/bin/tool", "2");
        let (image, layer) = below(path, &database, upper);
        let place = json!({"path": "/usr/bin/tool", "layer": layer});
        let title = "files of `tool` are not the package's".to_owned();
        assert_eq!(rewritten(&image), [(title, place, two.to_owned())], "{path}");
        // A database of which half is missing may have listed anything.
        let half = &database[..database.len() / 2];
        let (image, _) = below(path, half, LayerBuilder::new().file("usr/bin/tool", "2"));
        let found = rewritten(&image);
        let unknown = |(title, place, _): &(String, Value, String)| {
            title == "it can not be told which files packages have"
                && place["path"] == format!("/{path}")
        };
        assert!(found.iter().any(unknown), "{path}: {found:?}");
    }
}

/// A program of one segment, loaded from its beginning, with this content.
fn elf(content: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0".to_vec();
    let words = |bytes: &mut Vec<u8>, words: &[u64]| {
        bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    };
    let length = 256 + u64::try_from(content.len()).unwrap();
    words(&mut bytes, &[0, 64, 0]);
    bytes.extend_from_slice(b"\0\0\0\0\x40\0\x38\0\x01\0\x40\0\0\0\0\0\x01\0\0\0\x06\0\0\0");
    words(&mut bytes, &[0, 0x40_0000, 0x40_0000, length, length, 4096]);
    bytes.resize(256, 0);
    bytes.extend_from_slice(content);
    bytes
}

/// A program that says what Go built it from.
fn go() -> Vec<u8> {
    let modules = [
        b"0w\xaf\x0c\x92t\x08\x02A\xe1\xc1\x07\xe6\xd6\x18\xe6".as_slice(),
        b"path\ta.example/tool\nmod\ta.example/tool\tv1.0.0\t\n",
        b"\xf92C1\x86\x18 r\x00\x82B\x10A\x16\xd8\xf2",
    ]
    .concat();
    let mut content = b"\xff Go buildinf:\x08\x02".to_vec();
    content.resize(32, 0);
    for text in [b"go1.24.1".as_slice(), &modules] {
        content.push(u8::try_from(text.len()).unwrap());
        content.extend_from_slice(text);
    }
    elf(&content)
}

/// The programs that nobody accounts for, in an image that starts this, and what it comes to.
fn unaccounted(layer: LayerBuilder, program: &str) -> Vec<(String, String)> {
    let image = ImageBuilder::new()
        .layer(layer)
        .config("Env", json!(["A=b", "PATH=/usr/bin:/opt/tools:relative"]))
        .config("Entrypoint", json!(["tini", "--", program]))
        .build();
    let sandbox = sandbox();
    let found = findings(&sandbox, &image);
    let effects = found.iter().filter(|(rule, ..)| rule == "FS-013");
    assert!(
        effects.clone().all(|(_, place, effect)| place["path"].is_string() && effect == "inform")
    );
    said(&sandbox, "FS-013").into_iter().map(|(title, _, found)| (title, found)).collect()
}

#[test]
fn programs_belong_to_a_package_or_are_in_the_inventory() {
    let program = |layer: LayerBuilder, path: &str, content: &[u8]| {
        layer.file_with(path, content, Access::root(0o755))
    };
    let all = [
        "opt/tools/script",
        "srv/started",
        "usr/bin/owned",
        "usr/bin/unknown",
        "usr/lib/libx.so",
        "usr/local/bin/unknown",
    ];
    let all = || all.iter().fold(LayerBuilder::new(), |layer, path| program(layer, path, b"#!x"));
    let unknown = "/opt/tools/script, /srv/started, /usr/bin/unknown, /usr/local/bin/unknown";
    let database = "P:a\nV:1\nF:usr/bin\nR:owned\n\n";
    let image = all()
        .file("usr/bin/text", "no program")
        .symlink("bin", "usr/bin")
        .file("lib/apk/db/installed", database);
    let found = unaccounted(image, "/srv/started");
    let fail = "programs belong to no package and are not in the inventory".to_owned();
    assert_eq!(found, [(fail.clone(), unknown.to_owned())]);
    // Half a database may have had all of them.
    let image = all().file("lib/apk/db/installed", "P:a\nV:1\nF:usr/bin\nR:owned");
    let found = unaccounted(image, "/srv/started");
    let title = "it can not be told whether programs belong to a package".to_owned();
    assert_eq!(found, [(title, unknown.to_owned())]);
    // Without any database, what a program says of itself counts.
    let image = program(LayerBuilder::new(), "app", &go());
    assert_eq!(unaccounted(image, "/app"), []);
    let image = program(LayerBuilder::new(), "app", &elf(b"nothing"));
    assert_eq!(unaccounted(image, "/app"), [(fail, "/app".to_owned())]);
}

#[test]
fn directories_behind_links_are_looked_into_and_can_not_be_told() {
    let base = LayerBuilder::new()
        .file("etc/sudoers.d/README", "# none\n")
        .file("etc/passwd", "root:x:0:0:root:/root:/sbin/nologin\n");
    let app = LayerBuilder::new()
        .symlink("etc/apt/sources.list.d", "/opt/e")
        .file("opt/e/x.list", "deb [trusted=yes] https://evil.example/x x main\n")
        .symlink("etc/ssh", "../opt/ssh")
        .file("opt/ssh/sshd_config", "PermitRootLogin yes\n")
        .file("opt/ssh/ssh_host_rsa_key", "key")
        .whiteout("etc/sudoers.d")
        .symlink("etc/sudoers.d", "/opt/s")
        .file("opt/s/app", "app ALL=(ALL) NOPASSWD:ALL\n")
        // What leads nowhere has nothing in it.
        .symlink("etc/yum.repos.d", "/nowhere");
    let layer = plimsoll_model::Digest::of(&app.tar()).to_string();
    let image = ImageBuilder::new()
        .layer(base)
        .layer(app)
        .config("User", json!("10001"))
        .config("Cmd", json!(["/usr/bin/app"]))
        .config("Healthcheck", json!({"Test": ["CMD", "/x"]}))
        .build();
    let at = |path: &str| json!({"path": path, "layer": layer});
    let expect = [
        ("FS-005", at("/etc/ssh/ssh_host_rsa_key"), "warn"),
        ("FS-005", at("/etc/ssh/sshd_config"), "warn"),
        ("FS-011", at("/etc/sudoers.d"), "warn"),
        ("FS-015", at("/etc/apt/sources.list.d/x.list"), "warn"),
    ];
    let expect = expect.map(|(rule, place, effect)| (rule.to_owned(), place, effect.to_owned()));
    let sandbox = sandbox();
    assert_eq!(findings(&sandbox, &image), expect);
    // The layers as they are in the cache say the same.
    assert_eq!(findings(&sandbox, &image), expect);
}
