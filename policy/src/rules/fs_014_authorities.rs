//! FS-014: no authority is trusted that the base image does not trust.

use super::{
    About, Parameter, ParameterKind, Raised, Rule, RuleContext,
    layers::{self, Origin},
};
use crate::{
    decide::Action,
    files::{Text, Topic},
};
use plimsoll_model::Severity;
use std::collections::BTreeSet;

pub(crate) const RULE: Rule = Rule {
    id: "FS-014",
    name: "fs_014_authorities",
    title: "no certificate of an authority was added that nobody has allowed",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "Whoever has the key of an authority that is trusted besides can be any server for what runs in the image.",
    mend: "mount the certificate where the image runs, or name its file under `allow`",
    bad: "COPY proxy.crt /usr/local/share/ca-certificates/",
    good: "rules: {FS-014: {allow: [/usr/local/share/ca-certificates/corp.crt]}}",
    equivalents: &[],
    about: &[About::Files],
    parameters: &[Parameter {
        name: "allow",
        kind: ParameterKind::Texts,
        help: "certificates and bundles that may be added or changed, by their whole paths (none)",
    }],
    check,
};

/// All that are trusted, in one file.
const BUNDLES: [&str; 3] = [
    "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "etc/ssl/ca-bundle.pem",
    "etc/ssl/certs/ca-certificates.crt",
];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(files) = context.facts().files else { return Vec::new() };
    let (allowed, base) = (context.texts("allow"), layers::of_base(context));
    let is_judged = |path: String, layer| {
        layers::origin(base, layer) != Origin::Base && !allowed.contains(&path)
    };
    let expected = "the authorities that the base image trusts";
    let added = files
        .about(Topic::Authority)
        .filter(|entry| is_judged(entry.path.to_string(), entry.layer))
        .map(|entry| {
            let found = format!("a file of {} bytes", entry.size);
            let title = format!("{} is an authority that is trusted besides", entry.path);
            context.fail(layers::place_of(files, entry), title, found, expected)
        });
    let bundles = BUNDLES.into_iter().filter_map(|path| files.text(path)).filter_map(|text| {
        let earlier = text.earlier.last().filter(|_| is_judged(text.path.to_string(), text.layer));
        let (_, earlier) = earlier?;
        let place = layers::place(files, &text.path, text.layer);
        match &text.content {
            Ok(now) => {
                let before = certificates(earlier);
                let added = certificates(now).difference(&before).count();
                let title = format!("a layer adds authorities to {}", text.path);
                (added > 0).then(|| context.fail(place, title, format!("{added} added"), expected))
            }
            Err(error) => {
                let title = "it can not be told which authorities a layer adds";
                Some(context.unknown(place, title, error.to_string(), expected))
            }
        }
    });
    added.chain(bundles).collect()
}

/// The certificates of a bundle, as they are written.
fn certificates(bundle: &[u8]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut one: Option<String> = None;
    for line in Text::lines(bundle) {
        if line.starts_with("-----BEGIN ") {
            one = Some(String::new());
        } else if line.starts_with("-----END ") {
            all.extend(one.take());
        } else if let Some(one) = &mut one {
            one.push_str(&line);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;
    use plimsoll_model::{finding::Place, tree::TreeError};

    const FILE: &str = "usr/local/share/ca-certificates/corp.crt";

    fn pem(names: &[&str]) -> String {
        let one = |name: &&str| {
            format!("# {name}\n-----BEGIN CERTIFICATE-----\n{name}\n-----END CERTIFICATE-----\n")
        };
        names.iter().map(one).collect()
    }

    fn case() -> Case {
        Case::default().image(&["base", "app"]).files()
    }

    #[test]
    fn a_certificate_that_was_added_fails() {
        let added = case().file(FILE, 0o644, 1);
        let place = Place::File { path: format!("/{FILE}"), layer: Some(digest("app")) };
        assert_eq!(added.findings("FS-014")[0].finding.place, place);
        added.clone().approved("debian:12", &["base"], "2026-12-31").check("FS-014", Expect::Fail);
        let base = added.clone().approved("debian:12", &["base", "app"], "2026-12-31");
        base.check("FS-014", Expect::Pass);
        let allowed = added.policy(&format!("rules: {{FS-014: {{allow: [/{FILE}]}}}}"));
        allowed.check("FS-014", Expect::Pass);
    }

    #[test]
    fn a_bundle_may_lose_certificates_and_not_gain_them() {
        for path in BUNDLES {
            let bundle =
                |now: &[&str]| case().replaced(path, (&pem(now), 1), &[(&pem(&["a", "b"]), 0)]);
            bundle(&["b"]).check("FS-014", Expect::Pass);
            bundle(&["b", "a"]).check("FS-014", Expect::Pass);
            let found = bundle(&["a", "b", "c"]).findings("FS-014");
            assert_eq!((found.len(), &*found[0].finding.found), (1, "1 added"));
            case().text(path, &pem(&["a"]), 1).check("FS-014", Expect::Pass);
            let unreadable = bundle(&[]).change_files(|files| {
                files.texts[0].content = Err(TreeError::NotKept);
            });
            unreadable.check("FS-014", Expect::Unknown);
        }
    }
}
