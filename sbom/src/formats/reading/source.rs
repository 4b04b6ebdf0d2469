//! Source packages and places, as the properties and package URLs of other tools have them.

use super::found::Entry;
use crate::formats::shared::{location::LocationText, property};
use plimsoll_model::{Purl, component::SourcePackage};

/// The source package that a component was built from.
pub(crate) fn package(entry: &Entry, purl: &Purl) -> Option<SourcePackage> {
    let ours = || {
        let name = entry.property(property::SOURCE_NAME)?.to_owned();
        let version = entry.property(property::SOURCE_VERSION).unwrap_or_default();
        Some(SourcePackage { name, version: version.to_owned() })
    };
    ours().or_else(|| of_trivy(entry)).or_else(|| of_syft(entry)).or_else(|| of_purl(entry, purl))
}

fn of_trivy(entry: &Entry) -> Option<SourcePackage> {
    let property = |name: &str| entry.property(&format!("aquasecurity:trivy:{name}"));
    let name = property("SrcName")?.to_owned();
    let mut version = property("SrcVersion")?.to_owned();
    if let Some(epoch) = property("SrcEpoch").filter(|epoch| *epoch != "0") {
        version = format!("{epoch}:{version}");
    }
    if let Some(release) = property("SrcRelease") {
        version = format!("{version}-{release}");
    }
    Some(SourcePackage { name, version })
}

fn of_syft(entry: &Entry) -> Option<SourcePackage> {
    let name = entry.property("syft:metadata:source")?.to_owned();
    let version = entry
        .property("syft:metadata:sourceVersion")
        .or(entry.version.as_deref())
        .unwrap_or_default();
    Some(SourcePackage { name, version: version.to_owned() })
}

/// `upstream=name` or `upstream=name@version`. For RPM it is the file name of the source package.
fn of_purl(entry: &Entry, purl: &Purl) -> Option<SourcePackage> {
    let upstream = purl.qualifier("upstream")?;
    if let Some(stem) = upstream.strip_suffix(".src.rpm") {
        let (rest, release) = stem.rsplit_once('-')?;
        let (name, version) = rest.rsplit_once('-')?;
        let version = format!("{version}-{release}");
        return Some(SourcePackage { name: name.to_owned(), version });
    }
    let own = || entry.version.as_deref().or_else(|| purl.version()).unwrap_or_default();
    let (name, version) = upstream.split_once('@').unwrap_or_else(|| (upstream, own()));
    Some(SourcePackage { name: name.to_owned(), version: version.to_owned() })
}

/// Where trivy (`FilePath`, `LayerDiffID`) and syft (`syft:location:0:path`, `…:layerID`) found it.
pub(crate) fn locations(entry: &Entry) -> Vec<LocationText> {
    let context = |layer: Option<&str>| layer.map(|layer| format!("layer:{layer}"));
    let trivy = entry.property("aquasecurity:trivy:FilePath").map(|path| LocationText {
        place: path.to_owned(),
        context: context(entry.property("aquasecurity:trivy:LayerDiffID")),
    });
    let syft = entry.properties.iter().filter_map(|(name, path)| {
        let number = name.strip_prefix("syft:location:")?.strip_suffix(":path")?;
        let layer = entry.property(&format!("syft:location:{number}:layerID"));
        Some(LocationText { place: path.clone(), context: context(layer) })
    });
    trivy.into_iter().chain(syft).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(purl: &str, properties: &[(&str, &str)], expect: Option<(&str, &str)>) {
        let entry = Entry {
            version: Some("2".to_owned()),
            properties: properties
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..Entry::default()
        };
        let found = package(&entry, &purl.parse().unwrap());
        assert_eq!(
            found.as_ref().map(|found| (found.name.as_str(), found.version.as_str())),
            expect
        );
    }

    #[test]
    fn source_packages_of_other_tools() {
        let purl = "pkg:deb/debian/zlib1g@2";
        check(purl, &[], None);
        check("pkg:deb/debian/zlib1g@2?upstream=zlib", &[], Some(("zlib", "2")));
        check("pkg:deb/debian/zlib1g@2?upstream=zlib%401%3A1", &[], Some(("zlib", "1:1")));
        check(
            "pkg:rpm/rhel/zlib-devel@2?upstream=zlib-ng-1.2-3.el9.src.rpm",
            &[],
            Some(("zlib-ng", "1.2-3.el9")),
        );
        check(
            purl,
            &[
                ("aquasecurity:trivy:SrcName", "zlib"),
                ("aquasecurity:trivy:SrcVersion", "1.2"),
                ("aquasecurity:trivy:SrcRelease", "3"),
                ("aquasecurity:trivy:SrcEpoch", "1"),
            ],
            Some(("zlib", "1:1.2-3")),
        );
        check(
            purl,
            &[("syft:metadata:source", "zlib"), ("syft:metadata:sourceVersion", "1:1")],
            Some(("zlib", "1:1")),
        );
    }
}
