//! What a text must not do: what the engine would not survive, and what would answer differently every time.
//!
//! Rego has no recursion, and the engine finds it among rules; functions it follows until its stack ends. And the time that it
//! takes to parse doubles with every bracket inside another one.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How deep brackets may be nested.
const DEEPEST: usize = 12;
/// The functions that the engine has whatever is built in, and that do not always answer alike.
const BY_CHANCE: [&str; 1] = ["rand.intn"];

/// Whether brackets are nested no deeper than the engine parses in good time.
pub(super) fn check_depth(text: &str) -> Result<(), String> {
    let (mut depth, mut deepest, mut quote, mut is_escaped) = (0_usize, 0, None, false);
    let mut is_comment = false;
    for letter in text.chars() {
        match (quote, letter) {
            _ if is_comment => is_comment = letter != '\n',
            (Some('"'), '\\') if !is_escaped => {
                is_escaped = true;
                continue;
            }
            // A text ends where it began, or with its line; a raw one has neither escapes nor lines.
            (Some('"'), '"') if is_escaped => {}
            (Some('"'), '"' | '\n') | (Some('`'), '`') => quote = None,
            (None, '"' | '`') => quote = Some(letter),
            (None, '#') => is_comment = true,
            (None, '(' | '[' | '{') => depth = depth.saturating_add(1),
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (Some(_) | None, _) => {}
        }
        is_escaped = false;
        deepest = deepest.max(depth);
    }
    if deepest > DEEPEST {
        return Err(format!("expected brackets at most {DEEPEST} deep, found {deepest}"));
    }
    Ok(())
}

/// Whether a syntax tree, as the engine prints it, has none of that.
pub(super) fn check(tree: &str) -> Result<(), String> {
    let tree: Value =
        serde_json::from_str(tree).map_err(|error| format!("its syntax tree: {error}"))?;
    let mut by_chance = None;
    each(&tree, &mut |key, value| {
        let named = matches!(key, "fcn" | "RefDot").then(|| names(value).join("."));
        let found = BY_CHANCE.into_iter().find(|name| named.as_deref() == Some(name));
        by_chance = by_chance.or(found);
    });
    match by_chance {
        Some(name) => Err(format!("`{name}` does not answer the same every time")),
        None => check_recursion(&tree),
    }
}

fn check_recursion(tree: &Value) -> Result<(), String> {
    let rules = tree.pointer("/0/ast/rules").and_then(Value::as_array);
    let specs = || rules.into_iter().flatten().filter_map(|rule| rule.get("Spec"));
    let head = |spec: &Value| spec.pointer("/head/Func/refr").and_then(last_name);
    let functions: BTreeSet<String> = specs().filter_map(head).collect();
    // By the last part of its name: what is called by its package (`data.corp.f`) is found too.
    let mut calls: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for spec in specs() {
        let Some(function) = head(spec) else { continue };
        let called = calls.entry(function).or_default();
        for part in ["/bodies", "/head/Func/assign"].iter().filter_map(|part| spec.pointer(part)) {
            collect(part, &mut |name| called.extend(functions.get(name).cloned()));
        }
    }
    // Whoever calls none of those that are left can not come back to itself.
    while let Some(leaf) = leaf(&calls) {
        calls.remove(&leaf);
    }
    match calls.keys().next() {
        Some(function) => Err(format!("the function `{function}` may call itself")),
        None => check_replaced(tree, &functions),
    }
}

fn leaf(calls: &BTreeMap<String, BTreeSet<String>>) -> Option<String> {
    let is_leaf = |called: &BTreeSet<String>| !called.iter().any(|one| calls.contains_key(one));
    calls.iter().find(|(_, called)| is_leaf(called)).map(|(name, _)| name.clone())
}

/// `with count as f`: what calls `count` inside of `f` would call `f`.
fn check_replaced(tree: &Value, functions: &BTreeSet<String>) -> Result<(), String> {
    let mut replacing = None;
    each(tree, &mut |key, value| {
        if key == "with_mods" {
            collect(value, &mut |name| {
                if functions.contains(name) {
                    replacing.get_or_insert(name.to_owned());
                }
            });
        }
    });
    replacing.map_or(Ok(()), |name| {
        Err(format!("the function `{name}` is put in place of another by `with`"))
    })
}

/// The last part of a name: `f` of `f` and of `data.corp.f`.
fn last_name(reference: &Value) -> Option<String> {
    names(reference).pop()
}

/// All names in a part of the tree, as they stand.
fn names(tree: &Value) -> Vec<String> {
    let mut names = Vec::new();
    collect(tree, &mut |name| names.push(name.to_owned()));
    names
}

/// Every name in a part of the tree: of variables, and of fields.
fn collect(tree: &Value, with: &mut impl FnMut(&str)) {
    each(tree, &mut |key, value| match key {
        "Var" => drop(value.get("value").and_then(Value::as_str).map(&mut *with)),
        "field" => drop(value.get(1).and_then(Value::as_str).map(&mut *with)),
        _ => {}
    });
}

/// Every field below, in the order in which they stand, those inside first; the tree is as deep as JSON is read at most.
fn each(tree: &Value, with: &mut impl FnMut(&str, &Value)) {
    match tree {
        Value::Object(fields) => {
            for (key, value) in fields {
                each(value, with);
                with(key, value);
            }
        }
        Value::Array(entries) => entries.iter().for_each(|entry| each(entry, with)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
