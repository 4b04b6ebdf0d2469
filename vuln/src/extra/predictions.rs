//! EPSS, the Exploit Prediction Scoring System: <https://www.first.org/epss/data_stats>.
//!
//! A comment (`#model_version:v2025.03.14,score_date:2026-11-25T12:55:00+0000`), then `cve,epss,percentile`.

use super::{Blocks, Cve, Entries, List, MARK, unreadable};
use crate::{
    csv::Table,
    wire::{Reader, Writer},
};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Marks the blocks of scores.
pub(super) const KIND: u8 = b'p';
/// The key of what is said of the model.
pub(super) const MODEL: [u8; 2] = [MARK, b'm'];
/// What a whole is in the index: nine decimals are more than the model ever gave.
const WHOLE: u32 = 1_000_000_000;
/// The longest name of a model that is kept, in characters.
const LONGEST_NAME: usize = 64;

/// How likely it is that a flaw will be exploited in the next 30 days.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction<'a> {
    /// From 0 to 1.
    pub probability: f64,
    /// The share of all flaws that are at most as likely to be, from 0 to 1.
    pub percentile: f64,
    /// The version of the model (`v2025.03.14`); empty where it is not said.
    pub model: &'a str,
    /// When the model was asked.
    pub scored: Option<Timestamp>,
}

/// All scores of one day.
#[derive(Debug)]
pub(super) struct Predictions {
    model: String,
    scored: Option<Timestamp>,
    pub(super) scores: BTreeMap<Cve, Score>,
}

impl Predictions {
    pub(super) const NONE: Self =
        Self { model: String::new(), scored: None, scores: BTreeMap::new() };
}

/// In parts of [`WHOLE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Score {
    probability: u32,
    percentile: u32,
}

impl Score {
    /// From 0 to 1.
    pub(crate) fn probability(self) -> f64 {
        f64::from(self.probability) / f64::from(WHOLE)
    }

    /// From 0 to 1.
    pub(crate) fn percentile(self) -> f64 {
        f64::from(self.percentile) / f64::from(WHOLE)
    }
}

/// Reads the list; nothing where `text` is something else.
pub(super) fn read(text: &str) -> Option<List> {
    let (comment, table, first) = match text.strip_prefix('#') {
        Some(rest) => {
            let (comment, table) = rest.split_once('\n')?;
            (comment.trim_end(), table, 2)
        }
        None => ("", text, 1),
    };
    let mut table = Table::read(table, first)?;
    let [cve, epss, percentile] = ["cve", "epss", "percentile"].map(|name| table.column(name));
    cve.and(epss).and(percentile)?;
    let mut unread = Vec::new();
    let said = |key: &str| comment.split(',').find_map(|part| part.trim().strip_prefix(key));
    let scored = said("score_date:").and_then(|date| date.parse::<Timestamp>().ok());
    if scored.is_none() {
        unread.push(unreadable(1, "the date of the scores can not be read"));
    }
    let model = said("model_version:").unwrap_or_default().chars().take(LONGEST_NAME).collect();
    let mut predictions = Predictions { model, scored, scores: BTreeMap::new() };
    for row in table.rows() {
        let (line, entry) = match row {
            Ok(row) => (row.line, score(row.get(cve), row.get(epss), row.get(percentile))),
            Err(line) => (line, None),
        };
        match entry {
            Some((cve, score)) => {
                predictions.scores.insert(cve, score);
            }
            None => unread.push(unreadable(line, "expected a CVE and two numbers from 0 to 1")),
        }
    }
    Some(List {
        name: "FIRST EPSS".to_owned(),
        newest: scored,
        entries: Entries::Predictions(predictions),
        unreadable: unread,
    })
}

fn score(cve: &str, probability: &str, percentile: &str) -> Option<(Cve, Score)> {
    Some((
        cve.parse().ok()?,
        Score { probability: parts(probability)?, percentile: parts(percentile)? },
    ))
}

/// A number from 0 to 1 in parts of [`WHOLE`].
fn parts(text: &str) -> Option<u32> {
    let number: f64 = text.parse().ok()?;
    if !(0.0..=1.0).contains(&number) {
        return None;
    }
    // Scientific notation and any number of decimals come out as the nine that are kept.
    let text = format!("{number:.9}");
    let (whole, rest) = text.split_once('.')?;
    whole.parse::<u32>().ok()?.checked_mul(WHOLE)?.checked_add(rest.parse().ok()?)
}

pub(super) fn write(predictions: &Predictions, blocks: &mut Blocks) {
    if predictions.scores.is_empty() {
        return;
    }
    let writer = super::entry(blocks, MODEL.to_vec());
    writer.text(&predictions.model);
    writer.option(predictions.scored, Writer::time);
    for (cve, score) in &predictions.scores {
        let writer = super::entry(blocks, cve.key(KIND));
        writer.u8(cve.last());
        writer.u32(score.probability);
        writer.u32(score.percentile);
    }
}

/// Reads one of what [`write`] writes: what is last of its id, and the score.
pub(super) fn entry(reader: &mut Reader<'_>) -> Option<(u8, Score)> {
    let (last, probability, percentile) = (reader.u8()?, reader.u32()?, reader.u32()?);
    let is_share = |parts: u32| parts <= WHOLE;
    (is_share(probability) && is_share(percentile))
        .then_some((last, Score { probability, percentile }))
}

/// The name of the model, and when it was asked.
pub(super) fn model<'a>(reader: &mut Reader<'a>) -> Option<(&'a str, Option<Timestamp>)> {
    Some((reader.text()?, reader.option(Reader::time)?))
}
