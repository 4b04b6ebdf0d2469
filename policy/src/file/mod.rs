//! The policy file: text to a valid [`Policy`], or the line and column of what is wrong with it.

mod exceptions;
mod reader;
mod sections;

use crate::{
    Error,
    policy::{Leniency, Located, Policy, Profile},
    yaml::{self, Node},
};
use camino::Utf8Path;
use plimsoll_model::Digest;
use reader::Reader;

const KEYS: &[&str] = &[
    "version",
    "extends",
    "unknown",
    "gate",
    "bases",
    "rules",
    "evidence",
    "promotion",
    "exceptions",
];
const VERSION: i64 = 1;
const LENIENCIES: [(&str, Leniency); 2] = [("fail", Leniency::Fail), ("warn", Leniency::Warn)];

impl Policy {
    /// The policy in `text`; `path` stands in messages and findings.
    pub fn parse(text: &str, path: &Utf8Path) -> Result<Self, Error> {
        let reader = Reader { path };
        let document = yaml::read(text, path)?;
        let fields = reader.fields(&document, KEYS)?;
        let Some(version) = fields.get("version") else {
            return reader.fail(document.at, format!("expected `version: {VERSION}`"));
        };
        reader.integer(version, (VERSION, VERSION))?;
        let profile = fields.get("extends").map_or(Ok(Profile::Baseline), |node| {
            reader.word(node, &[("baseline", Profile::Baseline), ("strict", Profile::Strict)])
        })?;
        let mut policy = Self {
            digest: Digest::of(text.as_bytes()),
            path: Some(path.to_owned()),
            ..Self::of_profile(profile)
        };
        if let Some(node) = fields.get("unknown") {
            policy.unknown = located(reader.word(node, &LENIENCIES)?, node);
        }
        for (key, section) in SECTIONS {
            if let Some(node) = fields.get(key) {
                section(&reader, node, &mut policy)?;
            }
        }
        Ok(policy)
    }
}

const SECTIONS: [(&str, Section); 6] = [
    ("gate", sections::gate),
    ("bases", sections::bases),
    ("rules", sections::rules),
    ("evidence", sections::evidence),
    ("promotion", sections::promotion),
    ("exceptions", exceptions::read),
];

type Section = fn(&Reader<'_>, &Node, &mut Policy) -> Result<(), Error>;

fn located<T>(value: T, node: &Node) -> Located<T> {
    Located { value, line: Some(node.at.line) }
}
