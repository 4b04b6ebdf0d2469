//! What a package URL in a statement means, and what it does not.

use super::*;
use proptest::prelude::*;

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const OTHER: &str = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";

fn component(purl: &str) -> Component {
    let purl: Purl = purl.parse().unwrap();
    let version = purl.version().map(str::to_owned);
    Component::new(purl.clone(), purl.name(), version, "test")
}

fn image() -> Image {
    Image {
        digests: [DIGEST.parse().unwrap()].into(),
        repository: Some("registry.corp/build/app".parse().unwrap()),
        architecture: Some("amd64".to_owned()),
    }
}

fn item(id: &str) -> Item {
    let mut item = Item::new(id);
    item.add_id(id);
    item
}

fn fit(product: &Product, aboard: &str) -> String {
    describe(product.fit(&component(aboard), Some(&image())))
}

fn describe(fit: Fit) -> String {
    match fit {
        Fit::Same => "same".to_owned(),
        Fit::Other => "other".to_owned(),
        Fit::Near(differences) => {
            differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        }
    }
}

#[track_caller]
fn check(said: &str, aboard: &str, expect: &str) {
    let product = Product { item: item(said), subcomponents: vec![] };
    assert_eq!(fit(&product, aboard), expect, "{said} against {aboard}");
}

#[test]
fn a_package_url_means_what_it_names_and_no_more() {
    let zlib = "pkg:deb/debian/zlib1g@1%3A1.2.13.dfsg-1?arch=amd64&distro=debian-12";
    for same in [
        zlib,
        "pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1",
        "pkg:deb/debian/zlib1g",
        "pkg:deb/debian/zlib1g?distro=debian-12",
        "pkg:DEB/Debian/ZLIB1G@1:1.2.13.dfsg-1",
    ] {
        check(same, zlib, "same");
    }
    check(
        "pkg:deb/debian/zlib1g@1.2.13.dfsg-1",
        zlib,
        "differs in version: 1.2.13.dfsg-1 against 1:1.2.13.dfsg-1",
    );
    check(
        "pkg:deb/debian/zlib1g?arch=arm64",
        zlib,
        "differs in qualifier arch: arm64 against amd64",
    );
    check(
        "pkg:deb/debian/zlib1g?upstream=zlib",
        zlib,
        "differs in qualifier upstream: zlib against none",
    );
    check("pkg:deb/ubuntu/zlib1g", zlib, "differs in namespace: ubuntu against debian");
    check("pkg:deb/debian/zlib", zlib, "other");
    check("pkg:rpm/fedora/zlib1g", zlib, "other");
    check(
        "pkg:deb/debian/zlib1g@2?arch=arm64",
        zlib,
        "differs in version: 2 against 1:1.2.13.dfsg-1; differs in qualifier arch: arm64 against amd64",
    );
}

#[test]
fn a_release_is_named_without_its_point_release_and_not_the_other_way_round() {
    for (said, aboard, is_same) in [
        ("debian-12", "debian-12.13", true),
        ("debian-12.13", "debian-12.13", true),
        ("debian-12.13", "debian-12", false),
        ("debian-12.1", "debian-12.13", false),
        ("debian-1", "debian-12", false),
        ("debian-12", "debian-13", false),
        ("debian", "debian-12", false),
        ("alpine-3.18", "alpine-3.18.4", true),
        ("alpine-3", "alpine-3.18.4", false),
        ("ubuntu-22", "ubuntu-22.04", false),
        ("ubuntu-22.04", "ubuntu-22.04.3", true),
        ("rhel-9", "rhel-9.4", true),
        ("fedora-3", "fedora-3.9", false),
        ("bookworm", "debian-12", false),
        ("debian-12", "debian-12.evil", false),
        ("debian-", "debian-.12", false),
    ] {
        let expect = if is_same {
            "same".to_owned()
        } else {
            format!("differs in qualifier distro: {said} against {aboard}")
        };
        let purl = |distro: &str| format!("pkg:deb/debian/a@1?distro={distro}");
        check(&purl(said), &purl(aboard), &expect);
    }
}

#[test]
fn b15_no_trick_of_spelling_widens_what_is_meant() {
    let aboard = "pkg:npm/%40angular/core@1.0?arch=any";
    check("pkg:npm/%40angular/core@1.0", aboard, "same");
    check("pkg:npm/@angular/core@1.0", aboard, "same");
    // Case counts where the type says so.
    check(
        "pkg:npm/%40Angular/core",
        "pkg:npm/%40angular/core",
        "differs in namespace: @Angular against @angular",
    );
    check("pkg:pypi/Django_X@1", "pkg:pypi/django-x@1", "same");
    check("pkg:golang/github.com/A/b", "pkg:golang/github.com/a/b", "same");
    check("pkg:maven/g/Name", "pkg:maven/g/name", "differs in name: Name against name");
    // `?`, `@` and `%2F` inside a name are part of the name.
    check("pkg:npm/core%3Farch=any", "pkg:npm/core", "other");
    check("pkg:npm/core%401.0", "pkg:npm/core@1.0", "other");
    check(
        "pkg:npm/core@1.0%3Farch=x",
        "pkg:npm/core@1.0",
        "differs in version: 1.0?arch=x against 1.0",
    );
    check("pkg:npm/*", "pkg:npm/core", "other");
    check("pkg:npm/core@*", "pkg:npm/core@1", "differs in version: * against 1");
    for (trick, reason) in [
        (
            "pkg:npm/%40angular%2Fcore@1.0",
            "has an empty part, dots or a `%2F` for a part of its name",
        ),
        (
            "pkg:npm/%40angular%2fcore@1.0",
            "has an empty part, dots or a `%2F` for a part of its name",
        ),
        ("pkg:npm//core", "has an empty part, dots or a `%2F` for a part of its name"),
        ("pkg:npm/../npm/core", "has an empty part, dots or a `%2F` for a part of its name"),
        ("pkg:npm/core@", "has an empty version"),
        ("pkg:npm/core@?arch=any", "has an empty version"),
        ("pkg:npm/core?arch=", "has a qualifier that is empty or stands twice"),
        ("pkg:npm/core?", "has a qualifier that is empty or stands twice"),
        ("pkg:npm/core?arch=x&arch=any", "has a qualifier that is empty or stands twice"),
        ("pkg:npm/core?arch=x&Arch=any", "has a qualifier that is empty or stands twice"),
        ("pkg:npm/core@1.0?a=b?arch=any", "has two `?`"),
        ("pkg:npm/core@1.0#", "has an empty part, dots or a `%2F` in its subpath"),
        ("pkg:npm/core@1.0#a/../b", "has an empty part, dots or a `%2F` in its subpath"),
    ] {
        let item = item(trick);
        let found = item.unusable.as_deref().unwrap_or("usable");
        assert!(
            found == format!("{reason}: `{trick}`") || found.starts_with("is no package URL"),
            "{trick}: {found}"
        );
        check(trick, aboard, "other");
    }
}

#[test]
fn an_epoch_is_part_of_the_version() {
    let aboard = "pkg:rpm/fedora/a@1-1?epoch=2";
    check("pkg:rpm/fedora/a@1-1", aboard, "differs in qualifier epoch: none against 2");
    check("pkg:rpm/fedora/a@1-1?epoch=2", aboard, "same");
    check("pkg:rpm/fedora/a", aboard, "same");
    check("pkg:rpm/fedora/a@1-1", "pkg:rpm/fedora/a@1-1", "same");
    check("pkg:golang/a.b/c", "pkg:golang/a.b/c@1#d", "same");
    check("pkg:golang/a.b/c#d", "pkg:golang/a.b/c@1", "differs in subpath: d against none");
}

#[test]
fn an_image_is_known_by_its_digest_or_by_its_repository() {
    let aboard = "pkg:npm/a@1";
    let oci = |rest: &str| format!("pkg:oci/app{rest}");
    check(&oci(&format!("@{DIGEST}")), aboard, "same");
    check(
        &oci(&format!("@{DIGEST}?repository_url=elsewhere.io/app&tag=1&arch=amd64")),
        aboard,
        "same",
    );
    check(&format!("registry.corp/build/app@{DIGEST}"), aboard, "same");
    check(&oci("?repository_url=registry.corp/build/app"), aboard, "same");
    check(
        &oci(&format!("@{OTHER}")),
        aboard,
        &format!("differs in image: {OTHER} against {DIGEST}"),
    );
    check(
        &oci(&format!("@{DIGEST}?arch=arm64")),
        aboard,
        "differs in qualifier arch: arm64 against amd64",
    );
    check(
        &oci(""),
        aboard,
        &format!("differs in image: neither digest nor repository_url against {DIGEST}"),
    );
    check(
        &oci("?repository_url=registry.corp/build/app2"),
        aboard,
        "differs in qualifier repository_url: registry.corp/build/app2 against registry.corp/build/app",
    );
    check(
        &oci("?repository_url=registry.corp/build/app&tag=1"),
        aboard,
        &format!(
            "differs in image: tag 1, which may be on another image tomorrow against {DIGEST}"
        ),
    );
    let product = Product { item: item(&oci(&format!("@{DIGEST}"))), subcomponents: vec![] };
    assert_eq!(
        describe(product.fit(&component(aboard), None)),
        format!("differs in image: pkg:oci/app@{DIGEST} against no image")
    );
}

#[test]
fn a_subcomponent_is_meant_in_its_product_alone() {
    let product = |whole: &str, part: &str| Product {
        item: item(whole),
        subcomponents: vec![item("pkg:npm/z"), item(part)],
    };
    let oci = |digest: &str| format!("pkg:oci/app@{digest}");
    assert_eq!(fit(&product(&oci(DIGEST), "pkg:npm/a"), "pkg:npm/a@1"), "same");
    assert_eq!(fit(&product(&oci(DIGEST), "pkg:npm/a"), "pkg:npm/b@1"), "other");
    assert_eq!(
        fit(&product(&oci(DIGEST), "pkg:npm/a@2"), "pkg:npm/a@1"),
        "differs in version: 2 against 1"
    );
    assert_eq!(
        fit(&product(&oci(OTHER), "pkg:npm/a"), "pkg:npm/a@1"),
        format!("differs in image: {OTHER} against {DIGEST}")
    );
    assert_eq!(
        fit(&product("pkg:npm/outer@1", "pkg:npm/a"), "pkg:npm/a@1"),
        format!("differs in product: pkg:npm/outer@1 against {DIGEST}")
    );
    // The product itself is not meant where a part of it is.
    assert_eq!(fit(&product("pkg:npm/a@1", "pkg:npm/b"), "pkg:npm/a@1"), "other");
}

#[test]
fn everything_that_identifies_has_to_hold() {
    let mut two = item("pkg:npm/a");
    two.add_purl("pkg:npm/a@2");
    assert_eq!(
        describe(two.fit_component(&component("pkg:npm/a@1"))),
        "differs in version: 2 against 1"
    );
    two.add_purl("pkg:npm/b");
    assert_eq!(two.fit_component(&component("pkg:npm/a@2")), Fit::Other);
    let hash = |hex: &str| Hash { algorithm: HashAlgorithm::Sha1, hex: hex.repeat(20) };
    let mut aboard = component("pkg:npm/a@1");
    aboard.hashes = vec![hash("ab")];
    for (id, hex, expect) in [
        ("pkg:npm/a", "ab", "same".to_owned()),
        (
            "pkg:npm/a",
            "cd",
            format!("differs in hash: {} against {}", "cd".repeat(20), "ab".repeat(20)),
        ),
    ] {
        let mut item = item(id);
        item.hashes = vec![hash(hex)];
        assert_eq!(describe(item.fit_component(&aboard)), expect);
        let alone = Item { purls: vec![], ..item };
        let expect = if hex == "ab" { Fit::Same } else { Fit::Other };
        assert_eq!(alone.fit_component(&aboard), expect);
    }
    assert_eq!(Item::new("nothing").fit_component(&aboard), Fit::Other);
}

proptest! {
    #[test]
    fn a_statement_that_fits_names_the_component(text in "pkg:(npm|deb|pypi)/[a-b@%2F?=.&#/]{1,12}") {
        let aboard = component("pkg:npm/a@b");
        if item(&text).fit_component(&aboard) == Fit::Same {
            let purl: Purl = text.parse().unwrap();
            prop_assert_eq!(purl.without_version(), "pkg:npm/a");
            prop_assert!(text.starts_with("pkg:npm/a") && purl.version().is_none_or(|version| version == "b"));
        }
    }
}
