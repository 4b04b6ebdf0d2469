//! R packages, from `renv.lock`.
//!
//! Format: <https://rstudio.github.io/renv/articles/lockfile.html>. Its `Hash` is renv's own, of the description, not of the
//! package.

use super::{Cataloger, Context, Draft, Files, Found, whole};
use crate::{cran, document};
use plimsoll_model::{component::ComponentId, inventory::Coverage, tree::Entry};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "renv-lock",
    description: "R packages in renv.lock",
    files: &[Files::Named("renv.lock")],
    earlier: &[],
    want: whole,
    edges: Coverage::Complete,
    catalog,
};

#[derive(Deserialize)]
struct Lock {
    #[serde(rename = "Packages")]
    packages: Option<BTreeMap<String, Value>>,
}

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| {
        match document::json::<Lock>(bytes) {
            Ok(Lock { packages: Some(packages) }) => add(ctx, entry, &packages, found),
            Ok(Lock { packages: None }) => ctx.note(found, entry, "the lock has no `Packages`"),
            Err(reason) => ctx.note(found, entry, reason),
        }
    })
}

fn add(ctx: &Context<'_>, entry: &Entry, packages: &BTreeMap<String, Value>, found: &mut Found) {
    let mut ids: BTreeMap<&str, ComponentId> = BTreeMap::new();
    for (name, package) in packages {
        let field = |key: &str| package.get(key).and_then(Value::as_str);
        let bioconductor = || {
            let is_of_it = field("Source") == Some("Bioconductor");
            is_of_it.then(|| ("repository_url", "https://bioconductor.org".to_owned()))
        };
        let origin = cran::origin(field).or_else(bioconductor);
        let qualifier = origin.as_ref().map(|(key, value)| (*key, value.as_str()));
        let draft = Draft {
            kind: "cran",
            namespace: None,
            name,
            shown: name,
            version: field("Version"),
            qualifiers: qualifier.as_slice(),
        };
        ids.extend(ctx.add(found, entry, &draft).map(|id| (name.as_str(), id)));
    }
    for (name, package) in packages {
        let Some(from) = ids.get(name.as_str()) else { continue };
        for key in ["Requirements", "Depends", "Imports", "LinkingTo"] {
            let needs = package.get(key).and_then(Value::as_array).into_iter().flatten();
            let needs = needs.filter_map(Value::as_str).flat_map(cran::needs);
            // What comes with R itself is not in the lock.
            for to in needs.filter_map(|need| ids.get(need)) {
                ctx.depends(found, *from, &[*to]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::TestTree;

    const LOCK: &str = r#"{"R": {"Version": "4.3.1"}, "Packages": {
        "dplyr": {"Package": "dplyr", "Version": "1.1.4", "Source": "Repository", "Repository": "CRAN",
            "Requirements": ["R", "rlang", "utils"]},
        "rlang": {"Package": "rlang", "Version": "1.1.2", "Source": "GitHub", "RemoteType": "github",
            "RemoteUsername": "r-lib", "RemoteRepo": "rlang", "RemoteSha": "4f3c1d"},
        "Biobase": {"Package": "Biobase", "Version": "2.60.0", "Source": "Bioconductor", "Imports": ["dplyr (>= 1)"]}}}"#;

    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        assert_eq!(TestTree::new().file("renv.lock", text).lines(), expect);
    }

    #[test]
    fn packages_and_what_they_need() {
        let rlang = "pkg:cran/rlang@1.1.2?vcs_url=git%2Bhttps:%2F%2Fgithub.com%2Fr-lib%2Frlang.git%404f3c1d";
        let biobase = "pkg:cran/Biobase@2.60.0?repository_url=https:%2F%2Fbioconductor.org";
        check(
            LOCK,
            &[
                biobase,
                "pkg:cran/dplyr@1.1.4",
                rlang,
                &format!("{biobase} needs pkg:cran/dplyr@1.1.4"),
                &format!("pkg:cran/dplyr@1.1.4 needs {rlang}"),
            ],
        );
    }

    #[test]
    fn what_is_broken_is_an_unknown() {
        check("{}", &["renv-lock: /renv.lock: the lock has no `Packages`"]);
        check(
            r#"{"Packages": {"a": 7}}"#,
            &["pkg:cran/a", "renv-lock: /renv.lock: package `a` states no version"],
        );
        let deep = "[".repeat(100_000);
        for text in ["", "{\"Packages\": {\"a\":", "{\"Packages\": []}", "\u{0}", &deep] {
            let lines = TestTree::new().file("renv.lock", text).lines();
            let [line] = lines.as_slice() else { panic!("{lines:?}") };
            assert!(line.starts_with("renv-lock: /renv.lock: malformed: "), "{line}");
        }
    }
}
