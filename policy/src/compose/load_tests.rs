use super::*;
use crate::rules::testing::Case;

/// Each service of each project, as `path:line:column name` and what stands under `key`, with its place.
fn read(case: &Case, key: &str) -> Vec<String> {
    case.with_facts(|facts| {
        let mut lines = Vec::new();
        for project in projects(facts) {
            for service in &project.services {
                let value = service.node.get(key).map_or_else(String::new, |node| {
                    format!(" {}:{} {}", node.at.line, node.at.column, node.written())
                });
                lines.push(format!("{}{value}", service.name));
            }
            lines.extend(project.problems.iter().map(|problem| {
                let path = &project.paths[problem.at.file];
                format!("{path}:{}:{}: {}", problem.at.line, problem.at.column, problem.message)
            }));
        }
        lines
    })
}

#[track_caller]
fn check(case: &Case, key: &str, expect: &[&str]) {
    assert_eq!(read(case, key), expect);
}

#[test]
fn merges_anchors_and_extensions_keep_the_places_of_what_they_bring() {
    let text = "\
x-base: &base
  user: root
services:
  a: {<<: *base, image: x}
  b: {extends: a}
  c: {extends: {service: b}, user: '5'}
  d: {<<: *base, image: y}
";
    check(
        &Case::default().compose(text),
        "user",
        &["a 2:9 root", "b 2:9 root", "c 6:36 5", "d 2:9 root"],
    );
}

#[test]
fn services_of_other_files_that_are_given_are_extended() {
    let own = "services:\n  a: {extends: {file: base/common.yaml, service: b}, image: x}\n";
    let other = "services:\n  b:\n    user: '0'\n    image: y\n";
    let case = Case::default().compose(own);
    check(
        &case,
        "user",
        &["a", "compose.yaml:2:23: it extends a service of `base/common.yaml`, which is not given"],
    );
    let case = case.compose_file("base/common.yaml", other);
    // What is only extended runs nowhere.
    check(&case, "user", &["a 3:11 0"]);
    check(&case, "image", &["a 2:61 x"]);
}

#[test]
fn files_that_are_included_are_part_of_the_project() {
    let case = Case::default()
        .compose("include:\n  - db.yaml\n  - path: [cache.yaml, ./none.yaml]\nservices: {a: {image: x}}\n")
        .compose_file("db.yaml", "services: {db: {image: y}}\n")
        .compose_file("cache.yaml", "include: [compose.yaml]\nservices: {cache: {image: z}}\n");
    check(
        &case,
        "image",
        &[
            "db 1:24 y",
            "cache 2:27 z",
            "a 4:23 x",
            "cache.yaml:1:11: `compose.yaml` is included in a circle",
            "compose.yaml:3:24: it includes `./none.yaml`, which is not given",
        ],
    );
}

#[test]
fn files_that_are_laid_over_others_are_merged() {
    let base = "services:\n  a:\n    image: x\n    cap_drop: [ALL]\n    environment: [A=1, B=2]\n    command: [run]\n    volumes: ['./a:/a', './b:/b']\n";
    let over = "services:\n  a:\n    environment: {B: '3'}\n    command: [debug]\n    volumes: ['/etc:/b']\n    cap_drop: [CHOWN]\n";
    let case = Case::default().compose(base).compose_file("compose.override.yaml", over);
    check(&case, "image", &["a 3:12 x"]);
    case.with_facts(|facts| {
        let projects = projects(facts);
        let service = &projects[0].services[0];
        let environment: Vec<_> = service
            .environment()
            .iter()
            .map(|entry| {
                (
                    entry.key.as_str(),
                    entry.value.scalar().unwrap(),
                    entry.value.at.file,
                    entry.value.at.line,
                )
            })
            .collect();
        assert_eq!(environment, [("A", "1".to_owned(), 0, 5), ("B", "3".to_owned(), 1, 3)]);
        let words: Vec<_> = service.words().into_iter().map(|(_, word)| word).collect();
        assert_eq!(words, ["debug"]);
        let sources: Vec<_> =
            service.mounts().into_iter().filter_map(|mount| mount.source).collect();
        assert_eq!(sources, ["./a", "/etc"]);
        assert_eq!(service.node.get("cap_drop").unwrap().items().len(), 2);
    });
    // One that is partial is laid over the file that would be found without it.
    let case = Case::default().compose(base).compose_file("compose.prod.yaml", over);
    check(&case, "image", &["a 3:12 x", "a 3:12 x"]);
    // One that is whole is a project of its own.
    let case = Case::default()
        .compose(base)
        .compose_file("docker-compose.ci.yml", "services: {t: {image: z}}");
    check(&case, "image", &["a 3:12 x", "t 1:23 z"]);
}

#[test]
fn variables_come_from_the_file_beside() {
    let case =
        Case::default().compose_file("web/compose.yaml", "services: {a: {user: '$U', image: x}}");
    check(&case, "user", &["a 1:22 $U"]);
    let values = |case: &Case| {
        case.with_facts(|facts| projects(facts)[0].services[0].node.get("user").unwrap().scalar())
    };
    assert_eq!(values(&case).as_deref(), Some("\0"));
    assert_eq!(values(&case.clone().env_file("web/.env", "U=7")).as_deref(), Some("7"));
    assert_eq!(values(&case.env_file(".env", "U=7")).as_deref(), Some("\0"));
}

/// What stands under `user` of the services of the first project.
fn users(case: &Case) -> Vec<Option<String>> {
    case.with_facts(|facts| {
        let projects = projects(facts);
        let user = |service: &Service| service.node.get("user").and_then(Node::scalar);
        projects[0].services.iter().map(user).collect()
    })
}

#[test]
fn what_is_extended_and_included_has_the_variables_of_the_project() {
    let hole = Some("\0".to_owned());
    let is = |value: &str| Some(value.to_owned());
    let base = "services: {b: {image: x, user: '${U:-5}'}}";
    let extending = Case::default()
        .compose("services: {a: {extends: {file: sub/base.yaml, service: b}}}")
        .compose_file("sub/base.yaml", base);
    assert_eq!(users(&extending), [is("5")]);
    assert_eq!(users(&extending.clone().env_file(".env", "U=0")), [is("0")]);
    // The file beside the one that is extended is of another project.
    assert_eq!(users(&extending.env_file("sub/.env", "U=0")), [is("5")]);

    let including =
        Case::default().compose("include: [sub/c.yaml]").compose_file("sub/c.yaml", base);
    assert_eq!(users(&including), [is("5")]);
    assert_eq!(users(&including.clone().env_file("sub/.env", "U=7")), [is("7")]);
    let both = including.env_file("sub/.env", "U=7").env_file(".env", "U=0");
    assert_eq!(users(&both), [is("0")]);

    let named = |item: &str| {
        Case::default()
            .compose(&format!("include: [{{path: sub/c.yaml, {item}}}]"))
            .compose_file("sub/c.yaml", base)
            .env_file("sub/.env", "U=7")
            .env_file("a.env", "U=1\n")
            .env_file("b.env", "U=2\n")
    };
    assert_eq!(users(&named("env_file: a.env")), [is("1")]);
    assert_eq!(users(&named("env_file: [a.env, ./b.env]")), [is("2")]);
    assert_eq!(users(&named("env_file: a.env").env_file(".env", "U=0")), [is("0")]);
    check(
        &named("env_file: c.env"),
        "image",
        &[
            "b 1:23 x",
            "compose.yaml:1:40: it includes with the variables of `c.env`, which is not given",
        ],
    );
    check(
        &named("project_directory: ."),
        "image",
        &["b 1:23 x", "compose.yaml:1:49: `project_directory: .` is not followed"],
    );
    check(&named("project_directory: ./sub"), "image", &["b 1:23 x"]);
    assert_eq!(
        users(
            &Case::default()
                .compose("services: {a: {image: x, user: $U}}")
                .env_file(".env", "U=$V")
        ),
        [hole]
    );
}

#[test]
fn the_files_that_the_variables_name_are_laid_over_each_other() {
    let case = Case::default()
        .compose("services: {a: {image: x}}")
        .compose_file("x.yaml", "services: {a: {image: z, user: '0'}}")
        .env_file(".env", "COMPOSE_FILE=compose.yaml:x.yaml\n");
    // By itself, the other by itself, and the one over the other.
    check(&case, "user", &["a", "a 1:32 0", "a 1:32 0"]);
    check(&case, "image", &["a 1:23 x", "a 1:23 z", "a 1:23 z"]);
    let missing = case
        .env_file("y/.env", "COMPOSE_FILE=gone.yaml")
        .compose_file("y/compose.yml", "services: {b: {image: y}}");
    check(
        &missing,
        "image",
        &[
            "a 1:23 x",
            "a 1:23 z",
            "b 1:23 y",
            "a 1:23 z",
            "b 1:23 y",
            "y/compose.yml:1:1: `COMPOSE_FILE` in `.env` names `gone.yaml`, which is not given",
        ],
    );
    let plain = Case::default()
        .compose("services: {a: {image: x}}")
        .env_file(".env", "COMPOSE_FILE=compose.yaml");
    check(&plain, "image", &["a 1:23 x"]);
}

#[test]
fn variables_without_a_value_are_handed_on() {
    let environment = |case: Case| {
        case.with_facts(|facts| {
            let projects = projects(facts);
            let service = &projects[0].services[0];
            let pair = |name: &str| service.variable(name).and_then(Node::scalar);
            ["A", "B", "C"].map(pair)
        })
    };
    let case = Case::default()
        .compose("services: {a: {image: x, environment: {A: , B: 2}, env_file: [c.env]}}")
        .env_file(".env", "A=1\nD=4\n")
        .env_file("c.env", "A=9\nC=${D}\n");
    assert_eq!(environment(case), ["1", "2", "4"].map(|value| Some(value.to_owned())));
    let case = Case::default().compose("services: {a: {image: x, environment: [A, B=]}}");
    assert_eq!(environment(case), [Some("\0".to_owned()), Some(String::new()), None]);
}

#[test]
fn what_is_boundless_is_a_problem_and_ends() {
    let lines = |count: usize, line: &dyn Fn(usize) -> String| {
        (0..count).map(line).collect::<Vec<_>>().concat()
    };
    let chain = lines(40, &|n| format!("  s{n}: {{extends: s{}}}\n", n + 1));
    let found = read(
        &Case::default().compose(&format!("services:\n{chain}  s40: {{image: x}}\n")),
        "image",
    );
    assert!(
        found.iter().any(|line| line == "compose.yaml:2:17: it extends itself, or too many others"),
        "{found:?}"
    );
    let many = lines(SERVICES + 1, &|n| format!("  s{n}: {{image: x}}\n"));
    let found = read(&Case::default().compose(&format!("services:\n{many}")), "image");
    assert_eq!(found.len(), SERVICES + 1);
    assert_eq!(found[SERVICES], "compose.yaml:1002:3: more than 1000 services");
    let named = lines(SERVICES, &|n| format!("  s{n}: {{image: x, env_file: a.env}}\n"));
    let long = Case::default()
        .compose(&format!("services:\n{named}"))
        .env_file("a.env", &"A=1234567890\n".repeat(10_000));
    let found = read(&long, "image");
    assert!(found.last().is_some_and(|line| line.ends_with("more than 400000 values")));
    let wide = lines(5_000, &|n| format!("a{n}, "));
    let copies = lines(200, &|n| format!("  c{n}: {{extends: big}}\n"));
    let text = format!("services:\n  big: {{image: x, cap_add: [{wide}]}}\n{copies}");
    let found = read(&Case::default().compose(&text), "image");
    assert!(
        found.last().is_some_and(|line| line.ends_with("more than 400000 values")),
        "{:?}",
        found.last()
    );
}
