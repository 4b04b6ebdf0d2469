//! A good file of every kind that a cataloger reads, small.

use crate::{
    archive::testing::zip,
    program::testing::{deflated, elf, note},
};

/// All of them, each with its path.
pub(crate) fn good() -> Vec<(&'static str, Vec<u8>)> {
    let texts = TEXTS.iter().map(|(path, text)| (*path, text.as_bytes().to_vec()));
    others().into_iter().chain(texts).collect()
}

/// Those that are no text.
fn others() -> Vec<(&'static str, Vec<u8>)> {
    let pom: &[u8] = b"groupId=g\nartifactId=a\nversion=1\n";
    let jar = zip(&[("META-INF/maven/g/a/pom.properties", pom)]);
    let jar = zip(&[("b-1.jar", &jar), ("META-INF/MANIFEST.MF", b"Bundle-Version: 1\n")]);
    let mut go = b"\x7fELF".to_vec();
    go.resize(64, 0);
    go.extend_from_slice(b"\xff Go buildinf:\x08\x02");
    go.resize(96, 0);
    go.extend_from_slice(b"\x08go1.22.1\x2a0123456789abcdefmod\ta/b\t1\n0123456789abcdef");
    let chiselled: &[u8] = b"{\"jsonwall\":\"1.0\",\"schema\":\"1.0\",\"count\":2}\n\
            {\"kind\":\"package\",\"name\":\"b\",\"version\":\"1\",\"arch\":\"all\"}\n";
    let chiselled = zstd::stream::encode_all(chiselled, 0).unwrap();
    let crates = deflated(r#"{"packages":[{"name":"b","version":"1"}]}"#);
    vec![
        ("var/lib/chisel/manifest.wall", chiselled),
        ("var/lib/rpm/Packages", include_bytes!("../../tests/data/rpmdb.bdb").to_vec()),
        ("var/lib/rpm/rpmdb.sqlite", include_bytes!("../../tests/data/rpmdb.sqlite").to_vec()),
        ("usr/bin/a", go),
        ("usr/bin/b", elf(&[], &crates)),
        ("opt/bin/busybox", elf(&note("GNU", 3, b"1"), b"BusyBox v1.36.1 ")),
        ("opt/a.gguf", [b"GGUF\x03\0\0\0".as_slice(), &[0; 16]].concat()),
        ("opt/b.safetensors", b"\x02\0\0\0\0\0\0\0{}".to_vec()),
        ("a.war", jar),
    ]
}

/// Those that are text.
const TEXTS: &[(&str, &str)] = &[
    ("etc/os-release", "ID=debian\nVERSION_ID='12'\n"),
    (
        "var/lib/dpkg/status",
        "Package: a\nStatus: install ok installed\nVersion: 1\nDepends: a | b\n\n",
    ),
    ("usr/share/doc/a/copyright", "Format: copyright-format\n\nLicense: MIT\n"),
    ("var/lib/pacman/local/a-1/desc", "%NAME%\na\n\n%VERSION%\n1\n\n"),
    ("usr/lib/opkg/status", "Package: a\nStatus: x y installed\nVersion: 1\n\n"),
    ("var/db/pkg/a/b-1/CONTENTS", "obj /usr/a 0 1\n"),
    ("lib/apk/db/installed", "P:a\nV:1\np:b=1\nD:b\nF:usr\nR:x\n\n"),
    ("Cargo.lock", "[[package]]\nname = \"a\"\nversion = \"1\"\n"),
    ("package-lock.json", r#"{"packages":{"node_modules/a":{"version":"1"}}}"#),
    ("node_modules/a/package.json", r#"{"name":"a","version":"1"}"#),
    ("bun.lock", r#"{"packages":{"b":["b@1","",{}]}}"#),
    ("pnpm-lock.yaml", "packages:\n  c@1: {}\n"),
    ("pdm.lock", "[[package]]\nname = \"e\"\nversion = \"1\"\n"),
    ("Pipfile.lock", r#"{"default":{"f":{"version":"==1"}}}"#),
    ("poetry.lock", "[[package]]\nname = \"g\"\nversion = \"1\"\n"),
    ("pylock.toml", "[[packages]]\nname = \"h\"\nversion = \"1\"\n"),
    ("requirements.txt", "i==1 --hash=sha256:00\n"),
    ("uv.lock", "[[package]]\nname = \"j\"\nversion = \"1\"\n"),
    ("yarn.lock", "d@1:\n  version \"1\"\n"),
    ("a-1.dist-info/METADATA", "Name: a\nVersion: 1\nRequires-Dist: a[x]\n"),
    ("opt/java/release", "JAVA_VERSION=\"17.0.9\"\n"),
    ("opt/OTP_VERSION", "26.1"),
    ("specifications/a-1.0.gemspec", "s.name = 'a'\ns.version = '1.0'\ns.add_dependency('a')\n"),
    ("Gemfile.lock", "GEM\n  specs:\n    b (1.0)\n      b (>= 0)\n"),
    ("go.mod", "module a/c\nrequire a/d v1.0.0\n"),
    ("composer.lock", r#"{"packages":[{"name":"a/b","version":"1"}]}"#),
    ("vendor/composer/installed.json", r#"{"packages":[{"name":"a/c","version":"1"}]}"#),
    ("a.deps.json", r#"{"targets":{"f":{"a/1":{"dependencies":{"a":"1"}}}}}"#),
    ("project.assets.json", r#"{"libraries":{"b/1":{}},"project":{"version":"1"}}"#),
    ("packages.lock.json", r#"{"dependencies":{"f":{"c":{"resolved":"1"}}}}"#),
    ("packages.config", "<packages><package id=\"d\" version=\"1\"/></packages>"),
    ("wp-includes/version.php", "$wp_version = '6.4.2';\n"),
    ("vendor/modules.txt", "# a/e v1.0.0\n## explicit\na/e/x\n"),
    ("gradle.lockfile", "g:b:1=runtimeClasspath\n"),
    (
        "pom.xml",
        "<project><groupId>g</groupId><artifactId>p</artifactId><version>1</version></project>",
    ),
    (".github/workflows/a.yml", "jobs:\n  a:\n    steps:\n    - uses: a/b@v1\n"),
    ("Dockerfile", "ARG A=a\nFROM $A:1\n"),
    ("compose.yaml", "services:\n  a:\n    image: a:2\n"),
    ("conda-meta/a.json", r#"{"name":"a","version":"1","depends":["a >1"],"fn":"a.conda"}"#),
    (
        "a.cdx.json",
        r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"a","purl":"pkg:pypi/x@1"}]}"#,
    ),
    ("mix.lock", "%{\n  \"a\": {:hex, :a, \"1\"},\n}"),
    ("rebar.lock", "[{<<\"b\">>,{pkg,<<\"b\">>,<<\"1\">>},0}]"),
    (
        "pubspec.lock",
        "packages:\n  a: {source: hosted, version: '1', description: {url: 'https://pub.dev'}}\n",
    ),
    ("Podfile.lock", "PODS:\n  - A (1):\n    - B/C\n  - B/C (1)\n"),
    ("Package.resolved", r#"{"pins":[{"location":"https://a.b/c/d","state":{"version":"1"}}]}"#),
    ("conan.lock", r#"{"version":"0.5","requires":["a/1#2%3"]}"#),
    ("usr/lib/R/library/a/DESCRIPTION", "Package: a\nVersion: 1\nImports: b\nBuilt: R 4.3.1\n"),
    ("renv.lock", r#"{"Packages":{"b":{"Version":"1","Requirements":["R"]}}}"#),
    ("Manifest.toml", "[[A]]\ndeps = [\"A\"]\nuuid = \"1\"\nversion = \"1\"\n"),
    (
        ".terraform.lock.hcl",
        "provider \"a/b/c\" {\n  version = \"1\"\n  hashes = [\n    \"zh:0\",\n  ]\n}\n",
    ),
    ("cabal.project.freeze", "constraints: any.a ==1,\n any.b ==1\n"),
    ("stack.yaml.lock", "packages:\n- completed:\n    hackage: c-1@rev:1\n"),
    ("rocks-5.4/a/1-1/a-1-1.rockspec", "package = 'a'\ndependencies = { 'lua >= 5.1', 'a' }\n"),
    ("Cellar/a/1/INSTALL_RECEIPT.json", r#"{"runtime_dependencies":[{}]}"#),
    ("nix/store/0c0hmq9ldsjwf5mnlvmhbygr7qyrgr8d-a-1/x", "x"),
    (".opam-switch/packages/a.1/opam", "opam-version: \"2.0\"\ndepends: [\"b\" {build}]\n"),
    ("ebin/a.app", "{application, a, [{vsn, \"1\"}, {applications, [b]}]}"),
    ("vcpkg/status", "Package: a\nVersion: 1\nDepends: b\nStatus: install ok installed\n"),
];
