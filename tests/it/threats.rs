//! Every known attack has a test that carries its id, and `docs/design/threats.md` names it.

use crate::{
    support::root,
    tidy::{assert_none, files},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
};

const PAGE: &str = "docs/design/threats.md";
/// The sections that are about evidence, policy and registries, with the number of attacks in each.
const SECTIONS: [(char, u8); 3] = [('A', 25), ('B', 17), ('C', 19)];
/// Where a row says why there can be no test.
const NOT_APPLICABLE: &str = "not applicable: ";

/// The attacks that the name of a test begins with: `a24_b10_a_trusted_failure` has two.
fn ids(name: &str) -> impl Iterator<Item = String> {
    name.split('_').map_while(|part| {
        let (section, number) = part.split_at_checked(1)?;
        let is_short = (1..=2).contains(&number.len());
        let number = number.parse::<u8>().ok().filter(|_| is_short && "abc".contains(section))?;
        Some(format!("{}{number}", section.to_ascii_uppercase()))
    })
}

/// Of each attack, the tests that are named after it.
fn tests<'a>(texts: impl Iterator<Item = &'a str>) -> BTreeMap<String, BTreeSet<&'a str>> {
    let mut tests: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for text in texts {
        let mut is_test = false;
        for line in text.lines().map(str::trim) {
            is_test |= line == "#[test]" || line.starts_with("#[tokio::test");
            let Some((before, rest)) = line.split_once("fn ") else { continue };
            let is_one = is_test && matches!(before, "" | "async ");
            is_test = false;
            let Some((name, _)) = rest.split_once('(').filter(|_| is_one) else { continue };
            for id in ids(name) {
                tests.entry(id).or_default().insert(name);
            }
        }
    }
    tests
}

/// Every attack that there is.
fn attacks() -> impl Iterator<Item = String> {
    let of = |(section, last)| (1..=last).map(move |number: u8| format!("{section}{number}"));
    SECTIONS.into_iter().flat_map(of)
}

/// The rows of the page: an attack, what it is, and its tests.
fn rows(page: &str) -> Vec<[&str; 3]> {
    let rows = page.lines().filter_map(|line| {
        let cells: Vec<_> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
        let row: [&str; 3] = cells.try_into().ok()?;
        row[0].ends_with(|last: char| last.is_ascii_digit()).then_some(row)
    });
    rows.collect()
}

fn cell(tests: &BTreeSet<&str>) -> String {
    tests.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The page with the tests that there are.
fn blessed(page: &str, tests: &BTreeMap<String, BTreeSet<&str>>) -> String {
    let mut out = String::new();
    for line in page.lines() {
        match (rows(line).first(), rows(line).first().and_then(|row| tests.get(row[0]))) {
            (Some([id, what, _]), Some(tests)) => {
                writeln!(out, "| {id} | {what} | {} |", cell(tests)).unwrap();
            }
            _ => writeln!(out, "{line}").unwrap(),
        }
    }
    out
}

fn flaws(
    page: &str,
    tests: &BTreeMap<String, BTreeSet<&str>>,
    attacks: impl Iterator<Item = String>,
) -> Vec<String> {
    let rows: BTreeMap<_, _> = rows(page).into_iter().map(|row| (row[0], row[2])).collect();
    let mut flaws = Vec::new();
    for id in attacks {
        match (rows.get(id.as_str()), tests.get(&id)) {
            (None, _) => flaws.push(format!("{PAGE} has no row about {id}")),
            (Some(said), Some(tests)) => {
                let names = said.split(", ").map(|name| name.trim_matches('`'));
                let gone = names.filter(|name| !tests.contains(name));
                flaws
                    .extend(gone.map(|name| format!("{PAGE}: {id} has no test `{name}`: BLESS=1")));
            }
            (Some(said), None) if !said.starts_with(NOT_APPLICABLE) => {
                flaws.push(format!("{id} has no test"));
            }
            (Some(_), None) => {}
        }
    }
    flaws
}

#[test]
fn every_attack_has_a_test() {
    let files = files();
    let sources = files.iter().filter(|(path, _)| path.extension() == Some("rs"));
    let tests = tests(sources.map(|(_, text)| text.as_str()));
    let path = root().join(PAGE);
    let mut page = fs::read_to_string(&path).unwrap();
    if std::env::var_os("BLESS").is_some() {
        page = blessed(&page, &tests);
        fs::write(&path, &page).unwrap();
    }
    assert_none(&flaws(&page, &tests, attacks()));
}

#[test]
fn an_attack_without_a_test_and_a_test_that_is_gone_are_found() {
    const SOURCE: &str = "    #[test]\n    fn a01_x() {}\n#[tokio::test]\nasync fn a2_b03_y() {}\n\
        fn a3_helper() {}\n#[test]\nfn abc_z() {}\n#[test]\nfn a100_z() {}\n";
    let tests = tests(std::iter::once(SOURCE));
    let found: Vec<_> = tests.iter().map(|(id, names)| (id.as_str(), cell(names))).collect();
    let of = |id, name: &str| (id, format!("`{name}`"));
    assert_eq!(found, [of("A1", "a01_x"), of("A2", "a2_b03_y"), of("B3", "a2_b03_y")]);
    let check = |page: &str, expect: &[&str]| {
        let attacks = ["A1", "A2", "A3"].map(str::to_owned).into_iter();
        assert_eq!(flaws(page, &tests, attacks), expect, "{page}");
    };
    let page =
        "| id | attack | tests |\n|---|---|---|\n| A1 | x | `a01_x` |\n| A2 | y | `a2_b03_y` |\n";
    let none = "| A3 | z | not applicable: nobody does |\n";
    check(&format!("{page}{none}"), &[]);
    check(&format!("{page}| A3 | z | none yet |\n"), &["A3 has no test"]);
    check(page, &["docs/design/threats.md has no row about A3"]);
    let gone = format!("{page}{none}").replace("`a01_x`", "`a01_x`, `a01_w`");
    check(&gone, &["docs/design/threats.md: A1 has no test `a01_w`: BLESS=1"]);
    assert_eq!(blessed(&gone, &tests), format!("{page}{none}"));
}
