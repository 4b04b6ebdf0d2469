use super::*;
use crate::{
    Decision, EvidenceKind, Policy, Since, decide,
    rules::{
        self,
        testing::{Case, digest, found, now, pinned, provenance, said},
    },
    secrets::{State, tests::summed},
    stated::{Dependency, DependencyName, SbomDifference, TestOutcome},
};
use plimsoll_model::{
    Class, Classify as _, Severity, TreePath,
    advisory::{AdvisoryClass, Cvss},
    component::ComponentId,
    evidence::{BuildProperty, Evidence, EvidenceFacts, Presence, Signer},
    image::{ChildRole, HistoryEntry, HistoryKind, IndexChild},
    owned::{LaterContent, LaterFile},
    platform::Platform,
    risk::{Exploitation, KnownExploited, Prediction, Ransomware},
    scan::{Dated, Fix, FixedIn, FixedSince, Match, NotEvaluated, ScanVerdict},
    tree::LayerIndex,
};
use serde_json::{Value, json};

const SECRET: &str = "hunter2hunter2";

fn exploited() -> Match {
    let mut exploited = found("GHSA-1", Severity::High);
    exploited.advisory.aliases = vec!["CVE-2026-1".to_owned()];
    exploited.advisory.cvss = Some(Cvss { vector: "CVSS:3.1/AV:N".to_owned(), score: 8.1 });
    exploited.exploitation = Exploitation::Known(KnownExploited {
        added: Some("2026-01-02".parse().unwrap()),
        due: None,
        ransomware: Ransomware::Known,
    });
    exploited.prediction = Some(Prediction { probability: 0.5, percentile: 0.9 });
    let since = Some(FixedSince { at: now(), dated: Dated::Modified });
    let (versions, record) = (vec!["2".to_owned()], "GHSA-1".to_owned());
    exploited.fix = Fix::Fixed(FixedIn { versions, record, since });
    exploited
}

/// Something of every kind.
pub(crate) fn rich() -> Case {
    let case = Case::default()
        .image_with(&["base", "own"], |config| {
            config.user = None;
            config.env = vec!["PATH=/bin".to_owned(), format!("DB_PASSWORD={SECRET}")];
            config.labels = [
                ("org.example.a".to_owned(), "b".to_owned()),
                ("db_password".to_owned(), SECRET.to_owned()),
            ]
            .into();
            config.on_build = vec![format!("ENV TOKEN={SECRET}")];
            config.history = [
                format!("RUN |1 DB_PASSWORD={SECRET} /bin/sh -c make"),
                format!("RUN |1 DB_PASSWORD=correct {SECRET} /bin/sh -c make"),
                format!("ENV DB_PASSWORD={SECRET}"),
                format!("/bin/sh -c #(nop)  ENV DB_PASSWORD={SECRET}"),
                format!("/bin/sh -c #(nop)  ONBUILD ENV TOKEN={SECRET}"),
                format!("LABEL db_password={SECRET}"),
            ]
            .map(|created_by| HistoryEntry { created_by, kind: HistoryKind::Layer })
            .into();
        })
        .children(&[IndexChild {
            digest: digest("attestation"),
            platform: Some(Platform::linux("amd64")),
            role: ChildRole::About(Some(digest("manifest"))),
        }])
        .approved("debian:13", &["base"], "2026-12-31")
        .passwd("root:x:0:0\napp:x:10001:10001\n")
        .file("usr/bin/su", 0o4755, 0)
        .link("etc/x", "/y\u{1b}[2J", 1)
        .change_files(|files| files.later = later().into())
        .secret_file("app/key", State::Removed, format!("t = \"{}\"", summed("ghp_")).as_bytes())
        .secret_file("etc/shadow", State::Remains, b"root::1:0:99999:7:::\n")
        .matched("pkg:deb/debian/a@1", exploited())
        .component("pkg:deb/debian/b@1", ScanVerdict::JudgedAs(ComponentId(0)))
        .component("pkg:deb/debian/c@1", ScanVerdict::Clean)
        .component("pkg:npm/d@1", ScanVerdict::NotEvaluated(NotEvaluated::NoVersion))
        .unread("opt/x.jar", "no central directory");
    let mut malware = found("MAL-1", Severity::Critical);
    malware.advisory.class = AdvisoryClass::Malware;
    malware.fix = Fix::NoneKnown;
    case.matched("pkg:npm/e@1", malware)
}

#[expect(clippy::disallowed_methods, reason = "a test stands in for the verifier")]
fn evidence() -> Evidence {
    Evidence::attested(EvidenceFacts {
        subject: digest("manifest"),
        predicate_type: "https://slsa.dev/provenance/v1".to_owned(),
        signer: Signer::Key { id: digest("key") },
        statement: digest("statement"),
        bundle: digest("bundle"),
        signed: Some(now()),
        predicate: String::new(),
    })
}

/// Files of a package that a later layer brought.
fn later() -> [LaterFile; 2] {
    let later = |path: &str, content| LaterFile {
        package: "a".to_owned(),
        path: TreePath::parse(path.as_bytes()).unwrap(),
        layer: LayerIndex(1),
        content,
    };
    let found = "a symbolic link to `/y\u{1b}[2J`".to_owned();
    let changed = LaterContent::Changed { expected: "MD5 00".to_owned(), found };
    let untold = LaterContent::Untold("its package has no sums of its files".to_owned());
    [later("usr/bin/a", changed), later("usr/bin/b", untold)]
}

/// The same with everything that is never read back.
fn richer() -> Case {
    let dockerfile = format!(
        "# syntax=docker/dockerfile:1\nARG V=13\nFROM debian:$V AS build\nENV TOKEN={SECRET}\nONBUILD ENV TOKEN={SECRET}\nLABEL db_password={SECRET}\nRUN <<EOF\necho {SECRET}\nEOF\nUSER $WHO\nFROM scratch\nCOPY --from=build /a /b\nHEALTHCHECK NONE\nUSER 1\nNONSENSE\n"
    );
    let compose = format!(
        "services:\n  a:\n    image: postgres:${{V}}\n    privileged: true\n    environment: {{POSTGRES_PASSWORD: {SECRET}}}\n    build: {{context: ., args: [\"TOKEN={SECRET}\"]}}\n    labels: [\"db_password={SECRET}\"]\n    deploy: {{labels: {{db_password: {SECRET}}}}}\n    logging: {{driver: splunk, options: {{splunk-token: {SECRET}, splunk-pass: 12345678}}}}\n"
    );
    rich()
        .dockerfile(&dockerfile)
        .ignored(".git\n")
        .compose(&compose)
        .config("daemon.json", "{}")
        .kubernetes(&format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec:\n  containers:\n    - name: app\n      image: nginx\n      resources: {{limits: {{cpu: 0.5, memory: 1Gi}}}}\n      env: [{{name: TOKEN, value: {SECRET}}}]\n---\nkind: {{{{\n"
        ))
        .receipt(pinned("manifest"), Presence::Present(vec![evidence()]))
        .registry(registry_v1::tests::open())
        .plain_http("registry.corp:5000")
        .build_arg("TOKEN", SECRET)
        .evidence(EvidenceKind::Sbom, Presence::Absent { refused: 1 })
        .evidence(EvidenceKind::Tests, Presence::CouldNotTell { reason: "no network".to_owned() })
        .evidence(EvidenceKind::Provenance, Presence::Present(vec![evidence()]))
        .stated(|stated| {
            stated.scans = vec![said(Err("no JSON".to_owned()))];
            stated.provenance = vec![provenance(|it| {
                it.parameters = Some(vec![vec!["inputs".to_owned(), "debug".to_owned()]]);
                it.properties.insert(BuildProperty::Hermetic, false);
                it.dependencies = vec![Dependency {
                    what: DependencyName::File("Cargo.lock".to_owned()),
                    digest: digest("lock"),
                }];
            })];
            stated.differences = vec![said(Ok(SbomDifference {
                versions: vec![("a".to_owned(), "1".to_owned(), "2".to_owned())],
                ..SbomDifference::default()
            }))];
            stated.tests = vec![said(Ok(TestOutcome::default()))];
        })
        .since(Since::Untold("no ledger".to_owned()))
}

fn written(case: &Case) -> Value {
    case.with_facts(|facts| serde_json::to_value(document(facts, now())).unwrap())
}

fn read(json: &Value) -> Result<Recorded, Error> {
    Recorded::read(json.to_string().as_bytes(), "facts.json".into())
}

fn strict() -> Policy {
    Policy::parse("version: 1\nextends: strict", "p.yaml".into()).unwrap()
}

/// The findings of rules that a record holds for, in a form that can be compared.
fn findings(decision: &Decision, recorded: &Recorded) -> Vec<String> {
    let findings = decision.findings().iter();
    let kept =
        findings.filter(|judged| recorded.holds_for(rules::find(judged.finding.rule).unwrap()));
    kept.map(|judged| {
        let finding = &judged.finding;
        format!("{} {:?} {:?} {:?}", finding.rule, judged.action, finding.outcome, finding.place)
    })
    .collect()
}

#[test]
fn what_is_judged_from_a_record_is_what_is_judged_from_the_image() {
    let recorded = read(&written(&rich())).unwrap();
    let policy = strict();
    // The lock is the policy's, and is not part of the record.
    let expected =
        rich().with_facts(|facts| decide(&policy, &Facts { bases: None, ..*facts }, now()));
    let expected = findings(&expected, &recorded);
    let found = findings(&decide(&policy, &recorded.facts(), now()), &recorded);
    assert_eq!(found, expected);
    for rule in ["IMG-001", "VUL-002", "VUL-004", "VUL-005", "SEC-007", "SEC-010"] {
        assert!(found.iter().any(|finding| finding.starts_with(rule)), "{rule}: {found:#?}");
    }
}

#[test]
fn rules_that_look_at_what_is_left_out_are_known() {
    let holds = |recorded: &Recorded, id: &str| recorded.holds_for(rules::find(id).unwrap());
    let all = read(&written(&richer())).unwrap();
    for id in ["SEC-001", "SEC-002", "SEC-008", "FS-001", "FS-017", "ATT-001", "VUL-001", "VUL-003"]
    {
        assert!(!holds(&all, id), "{id}");
    }
    for id in ["IMG-007", "BASE-022", "BASE-051", "BASE-052", "DF-020", "CMP-001", "DMN-001"] {
        assert!(!holds(&all, id), "{id}");
    }
    assert!(!holds(&all, "K8S-041") && holds(&all, "K8S-040"), "a receipt is evidence");
    for id in ["IMG-001", "BASE-050", "VUL-002", "VUL-006", "SEC-007"] {
        assert!(holds(&all, id), "{id}");
    }
    let image = read(&written(&rich())).unwrap();
    for id in ["IMG-007", "BASE-051", "BASE-052", "SEC-003", "DF-020", "CMP-001", "DMN-001"] {
        assert!(holds(&image, id), "{id}");
    }
    assert!(holds(&image, "BASE-022"));
    assert_eq!(image.not_judged(&strict()).first(), Some(&"FS-001"));
    let mut others = written(&rich());
    others["vex"] = json!([{}]);
    let others = read(&others).unwrap();
    assert!(!holds(&others, "VUL-007") && holds(&others, "VUL-001"));
    let nothing = read(&written(&Case::default())).unwrap();
    assert!(rules::ALL.iter().all(|rule| nothing.holds_for(rule)), "nothing was left out");
}

#[test]
fn a_record_of_before_is_read_and_misses_what_it_does_not_have() {
    let mut older = written(&rich());
    for key in ["kubernetes", "registry", "plainHttp"] {
        assert!(older.as_object_mut().unwrap().remove(key).is_some(), "{key}");
    }
    let older = read(&older).unwrap();
    let holds = |id: &str| older.holds_for(rules::find(id).unwrap());
    assert!(!holds("BASE-022") && holds("IMG-001"));
    assert_eq!(older.not_judged(&strict()).first(), Some(&"BASE-022"));
    let facts = older.facts();
    assert!(facts.recorded_manifests.is_none() && facts.registry.is_none());
}

#[test]
fn a_registry_without_tls_is_found_in_a_record() {
    let case = rich().plain_http("registry.corp");
    let recorded = read(&written(&case)).unwrap();
    let of = |decision: &Decision| {
        let found = decision.findings().iter().filter(|judged| judged.finding.rule == "BASE-022");
        found.map(|judged| format!("{:?}", judged.finding)).collect::<Vec<_>>()
    };
    let live = of(&case.decide_by(&strict()));
    assert_eq!(live.len(), 1);
    assert_eq!(of(&decide(&strict(), &recorded.facts(), now())), live);
    assert!(recorded.holds_for(rules::find("BASE-022").unwrap()));
    // Who gives a Dockerfile beside it has its images judged by the same list.
    assert_eq!(recorded.facts().plain_http, ["registry.corp"]);
}

#[test]
fn manifests_that_a_case_gives_take_the_place_of_recorded_ones() {
    let hidden = "apiVersion: v1\nkind: Pod\nspec: {hostPID: true, containers: [{name: a, image: r.io/a:1, env: [{name: A, value: b}]}]}\n";
    let recorded = read(&written(&Case::default().kubernetes(hidden))).unwrap();
    let sec_009 = rules::find("SEC-009").unwrap();
    assert!(!recorded.holds_for(sec_009));
    let case = "version: 1\nfacts: f.json\nkubernetes: [a.yaml]\nexpect: {absent: [SEC-009]}\n";
    let case = PolicyCase::parse(case, "a.test.yaml".into()).unwrap();
    let beside = recorded.clone().beside(&case);
    assert!(beside.holds_for(sec_009));
    let given = hidden.replace("hostPID: true, ", "");
    let given = [crate::SourceFile { path: "a.yaml".into(), text: given }];
    let found = |facts: &Facts<'_>| {
        let decision = decide(&strict(), facts, now());
        decision.findings().iter().filter(|judged| judged.finding.rule == "K8S-002").count()
    };
    assert_eq!(found(&recorded.facts()), 1);
    assert_eq!(found(&Facts { manifests: &given, ..beside.facts() }), 0);
}

#[test]
fn receipts_are_never_taken_from_a_record() {
    let pod = format!(
        "apiVersion: v1\nkind: Pod\nspec: {{containers: [{{name: a, image: 'registry.corp/build/app@{}'}}]}}\n",
        digest("index")
    );
    let policy = "version: 1\nevidence: {signers: [{key: gate.pub, for: [vsa]}]}";
    let policy = Policy::parse(policy, "p.yaml".into()).unwrap();
    let of = |case: &Case| {
        let recorded = read(&written(case)).unwrap();
        let decision = decide(&policy, &recorded.facts(), now());
        let found = decision.findings().iter().filter(|judged| judged.finding.rule == "K8S-041");
        (found.count(), recorded.not_judged(&policy))
    };
    let case = Case::default().kubernetes(&pod);
    // Nobody looked: it can be told from a record no more than it could be then.
    assert_eq!(of(&case), (1, vec![]));
    let looked = case.receipt(pinned("index"), Presence::Present(vec![evidence()]));
    assert_eq!(of(&looked), (0, vec!["K8S-041"]));
    let missing = looked.receipt(pinned("index"), Presence::Absent { refused: 0 });
    assert_eq!(of(&missing), (0, vec!["K8S-041"]));
}

#[test]
fn files_that_a_case_gives_are_not_missed() {
    let beside = |files: &str| {
        let case = format!("version: 1\nfacts: f.json\n{files}expect: {{absent: [DF-020]}}\n");
        let case = PolicyCase::parse(&case, "a.test.yaml".into()).unwrap();
        let recorded = read(&written(&richer())).unwrap().beside(&case);
        ["BASE-051", "DF-020", "BASE-010", "CMP-001", "DMN-001", "BASE-022", "IMG-007"]
            .map(|id| recorded.holds_for(rules::find(id).unwrap()))
    };
    assert_eq!(beside(""), [false; 7]);
    let dockerfile = beside("dockerfiles: [Dockerfile]\n");
    assert_eq!(dockerfile, [true, true, false, false, false, false, false]);
    let both = beside("dockerfiles: [Dockerfile]\ncompose: [compose.yaml]\n");
    assert_eq!(both, [true, true, true, true, false, false, false]);
}

#[test]
fn concluded_licences_are_read_back_and_missed_in_older_records() {
    let case = Case::default().image(&["a"]).concluded("pkg:npm/a@1", "MIT", "AGPL-3.0-only");
    let policy = "version: 1\nrules: {VUL-006: {deny: [\"AGPL-*\"]}}";
    let policy = Policy::parse(policy, "p.yaml".into()).unwrap();
    let rule = rules::find("VUL-006").unwrap();
    let whole = written(&case);
    let recorded = read(&whole).unwrap();
    assert!(recorded.holds_for(rule));
    let decision = decide(&policy, &recorded.facts(), now());
    let found = decision.findings().iter().filter(|judged| judged.finding.rule == "VUL-006");
    assert_eq!(found.count(), 1);
    let mut older = whole;
    older["inventory"]["packages"][0].as_object_mut().unwrap().remove("concluded");
    assert!(!read(&older).unwrap().holds_for(rule));
}

#[test]
fn what_no_record_has_is_not_found_absent() {
    let recorded = read(&written(&rich())).unwrap();
    let case =
        "version: 1\nfacts: f.json\nexpect: {absent: [K8S-001, FLG-001, REG-001, DMN-001]}\n";
    let case = PolicyCase::parse(case, "a.test.yaml".into()).unwrap();
    let decision = decide(&strict(), &recorded.facts(), now());
    let unmet = case.expect.unmet(&strict(), &decision, Some(&recorded));
    let reason = "it was not judged: nothing that it looks at is there".to_owned();
    let found: Vec<_> = unmet.into_iter().map(|it| it.found).collect();
    assert_eq!(found, vec![vec![reason]; 4]);
}

#[test]
fn no_secret_is_written() {
    let text = written(&richer()).to_string();
    assert!(!text.contains(SECRET), "{text}");
    assert!(!text.contains(&summed("ghp_")) && !text.contains("ghp_"), "{text}");
    assert!(!text.contains('\u{1b}'));
    for named in [
        "DB_PASSWORD",
        "POSTGRES_PASSWORD",
        "\"TOKEN\"",
        "privileged",
        "ENV DB_PASSWORD=…",
        "ONBUILD ENV TOKEN=…",
        "|1 DB_PASSWORD=… /bin/sh -c make",
        "\"db_password\":\"…\"",
        "\"db_password=…\"",
        "\"splunk-token\":\"…\"",
    ] {
        assert!(text.contains(named), "{named}: {text}");
    }
}

/// What the schema is held to, too: a change of it is one that somebody reads. With `BLESS=1` it is written anew.
#[test]
fn everything_at_once_is_as_it_was() {
    let mut facts = written(&richer());
    facts["tool"]["version"] = json!("0.0.0");
    let text = format!("{}\n", serde_json::to_string_pretty(&facts).unwrap());
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/record/rich.json"), &text)
            .unwrap();
    }
    assert_eq!(text, include_str!("rich.json"));
}

#[test]
fn the_same_facts_make_the_same_bytes() {
    assert_eq!(written(&richer()).to_string(), written(&richer()).to_string());
}

#[test]
fn it_says_what_a_policy_is_likely_to_ask() {
    let facts = written(&richer());
    assert_eq!(facts["image"]["config"]["env"], json!(["PATH", "DB_PASSWORD"]));
    assert_eq!(facts["image"]["reference"], format!("registry.corp/build/app@{}", digest("index")));
    assert_eq!(facts["base"]["name"], "docker.io/library/debian:13");
    assert_eq!(facts["scan"]["findings"][0]["id"], "CVE-2026-1");
    assert_eq!(facts["scan"]["findings"][0]["exploited"]["known"], true);
    assert_eq!(facts["scan"]["findings"][0]["epss"]["probability"], 0.5);
    assert_eq!(facts["scan"]["verdicts"][3]["reason"]["kind"], "no-version");
}

#[test]
fn it_says_where_in_the_files_of_the_user() {
    let facts = written(&richer());
    assert_eq!(facts["evidence"][1]["state"], "absent");
    assert_eq!(facts["evidence"][2]["state"], "could-not-tell");
    let build = &facts["dockerfiles"][0];
    assert_eq!(build["target"], 1);
    assert_eq!(build["stages"][0]["from"]["source"]["tag"], "13");
    assert_eq!(build["stages"][0]["user"], json!({ "line": 10, "value": null }));
    assert_eq!(build["stages"][1]["user"], json!({ "line": 14, "value": "1" }));
    assert_eq!(build["problems"][0]["line"], 15);
    let service = &facts["compose"][0]["services"][0];
    assert_eq!(
        (&service["line"], &service["definition"]["image"]),
        (&json!(2), &json!("postgres:${V}"))
    );
    assert_eq!(service["definition"]["environment"], json!(["POSTGRES_PASSWORD"]));
    assert_eq!(service["definition"]["build"]["args"], json!(["TOKEN"]));
}

#[test]
fn it_says_where_in_the_manifests_of_kubernetes() {
    let facts = written(&richer());
    let pod = &facts["kubernetes"]["objects"][0];
    assert_eq!(
        (&pod["path"], &pod["line"], &pod["kind"]),
        (&json!("app.yaml"), &json!(1), &json!("Pod"))
    );
    let container = &pod["document"]["spec"]["containers"][0];
    assert_eq!(container["env"], json!([{"name": "TOKEN", "value": "…"}]));
    assert_eq!(container["resources"]["limits"], json!({"cpu": "…", "memory": "1Gi"}));
    let places = pod["places"].as_array().unwrap();
    let place = |at: &str| places.iter().find(|place| place["at"] == at).unwrap();
    assert_eq!(
        place("/spec/containers/0/image"),
        &json!({"at": "/spec/containers/0/image", "line": 7, "column": 14, "key": {"line": 7, "column": 7}})
    );
    assert_eq!(place("/spec/containers/0/resources/limits/cpu")["is"], "number");
    assert_eq!(facts["kubernetes"]["problems"][0]["line"], 11);
    assert_eq!(facts["plainHttp"], json!(["registry.corp:5000"]));
    let nothing = written(&Case::default());
    assert_eq!((&nothing["image"], &nothing["evidence"]), (&Value::Null, &Value::Null));
    assert_eq!((&nothing["kubernetes"], &nothing["registry"]), (&Value::Null, &Value::Null));
}

#[test]
fn a_record_of_another_version_or_with_unknown_keys_is_refused() {
    let whole = written(&rich());
    assert!(read(&whole).is_ok());
    let mut newer = whole.clone();
    newer["version"] = json!(2);
    let error = read(&newer).unwrap_err();
    assert!(matches!(&error, Error::FactsVersion { expected: 1, found: 2, .. }), "{error:?}");
    assert_eq!(error.class(), Class::Rejected);
    let mut more = whole.clone();
    more["image"]["confg"] = json!({});
    assert!(matches!(read(&more), Err(Error::FactsJson { .. })));
    let mut less = whole;
    less.as_object_mut().unwrap().remove("vex");
    assert!(matches!(read(&less), Err(Error::FactsJson { .. })));
    assert!(matches!(Recorded::read(b"{", "f".into()), Err(Error::FactsJson { .. })));
}

/// A record that is refused once it is changed so.
#[track_caller]
fn contradicts(whole: &Value, change: &dyn Fn(&mut Value), expect: &str) {
    let mut changed = whole.clone();
    change(&mut changed);
    let error = read(&changed).unwrap_err();
    assert!(matches!(&error, Error::Facts { message, .. } if *message == expect), "{error:?}");
}

#[test]
fn a_record_that_contradicts_itself_is_refused() {
    let whole = written(&rich());
    let check = |change: &dyn Fn(&mut Value), expect: &str| contradicts(&whole, change, expect);
    let packages = |json: &mut Value| json["inventory"]["packages"].as_array_mut().unwrap().len();
    assert_eq!(packages(&mut whole.clone()), 5);
    check(
        &|json| json["inventory"]["packages"].as_array_mut().unwrap().reverse(),
        "the packages are not in the order in which they were written",
    );
    check(
        &|json| drop(json["scan"]["verdicts"].as_array_mut().unwrap().pop()),
        "there is not one verdict for each package",
    );
    check(
        &|json| json["scan"]["verdicts"][0]["package"] = json!(2),
        "the verdicts are not in the order of the packages",
    );
    check(
        &|json| json["scan"]["findings"][0]["package"] = json!(2),
        "a finding is about no package",
    );
    check(
        &|json| json["scan"]["findings"][0]["package"] = json!(4_000_000_000_u32),
        "a finding is about no package",
    );
    check(
        &|json| json["scan"]["verdicts"][0]["outcome"] = json!("clean"),
        "a verdict contradicts the findings, or itself",
    );
    check(
        &|json| drop(json["scan"]["findings"].as_array_mut().unwrap().remove(0)),
        "a verdict contradicts the findings, or itself",
    );
    check(&|json| json["inventory"] = Value::Null, "there is a scan without an inventory");
    check(&|json| json["image"]["reference"] = json!("dir:x"), "the reference is no image's");
    check(
        &|json| json["inventory"]["unread"][0]["path"] = json!("../x"),
        "a path leaves the image",
    );
    check(
        &|json| json["secrets"]["files"][0]["seen"]["hits"][0]["kind"] = json!("x"),
        "a kind of secret is not known",
    );
}

#[test]
fn a_manifest_that_contradicts_its_places_is_refused() {
    let case = Case::default().kubernetes("kind: Pod\napiVersion: v1\nspec: {a: 1}\n");
    let whole = written(&case);
    assert!(read(&whole).is_ok());
    for change in [
        |json: &mut Value| json["kubernetes"]["objects"][0]["places"][1]["at"] = json!("/x"),
        |json: &mut Value| json["kubernetes"]["objects"][0]["places"][1]["at"] = json!("/kind/x"),
        |json: &mut Value| {
            drop(json["kubernetes"]["objects"][0]["places"].as_array_mut().unwrap().pop());
        },
        |json: &mut Value| {
            json["kubernetes"]["objects"][0]["places"].as_array_mut().unwrap().swap(3, 4);
        },
        |json: &mut Value| json["kubernetes"]["objects"][0]["document"]["more"] = json!(1),
        |json: &mut Value| json["kubernetes"]["objects"][0]["document"]["spec"] = json!([]),
        |json: &mut Value| json["kubernetes"]["objects"][0]["document"]["kind"] = json!(0.5),
        |json: &mut Value| json["kubernetes"]["objects"][0]["places"][1]["is"] = json!("number"),
        |json: &mut Value| json["kubernetes"]["objects"][0]["line"] = json!(7),
        |json: &mut Value| {
            drop(
                json["kubernetes"]["objects"][0]["places"][1]
                    .as_object_mut()
                    .unwrap()
                    .remove("key"),
            );
        },
    ] {
        let expect = "a document of a manifest and its places contradict each other";
        contradicts(&whole, &change, expect);
    }
}
