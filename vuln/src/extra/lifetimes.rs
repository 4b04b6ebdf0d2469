//! How long releases of Debian and Ubuntu are looked after: `distro-info-data`.
//!
//! `debian.csv` and `ubuntu.csv`: <https://salsa.debian.org/debian/distro-info-data>. Neither says which it is; the columns
//! that only one of them has do.

use super::{Blocks, Entries, List, MARK, unreadable};
use crate::{
    csv::{Row, Table},
    wire::{Reader, Writer},
};
use jiff::civil::Date;
use std::collections::BTreeMap;

/// Marks the blocks of releases.
const KIND: u8 = b'l';

/// How long a release of a distribution is looked after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifetime<'a> {
    /// The name of the release (`bookworm`).
    pub series: &'a str,
    /// When it came out.
    pub released: Option<Date>,
    /// The last day of the care that everybody gets (`eol`); nothing where it is not yet known.
    pub end: Option<Date>,
    /// The last days of further care, by its name (`lts`, `elts`, `server`, `esm`), in the order of the list.
    pub extended: Vec<(&'a str, Date)>,
}

/// The same, in the making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owned {
    series: String,
    released: Option<Date>,
    end: Option<Date>,
    extended: Vec<(String, Date)>,
    /// A release is there under its version and its name, and counts once.
    pub(super) is_first: bool,
}

/// `distribution NUL version`.
pub(super) fn key(distribution: &str, version: &str) -> Vec<u8> {
    [&[MARK, KIND], distribution.as_bytes(), &[0], version.as_bytes()].concat()
}

/// Reads a list; nothing where `text` is something else.
pub(super) fn read(text: &str) -> Option<List> {
    let mut table = Table::read(text, 1)?;
    let columns = Columns::of(&table)?;
    let mut entries = BTreeMap::new();
    let mut unread = Vec::new();
    for row in table.rows() {
        let row = match row {
            Ok(row) => row,
            Err(line) => {
                unread.push(unreadable(line, "it is no row of the table"));
                continue;
            }
        };
        match columns.release(&row) {
            Ok(release) if release.series.is_empty() => {
                unread.push(unreadable(row.line, "the release has no name"));
            }
            Ok(release) => {
                let number = number(row.get(columns.version));
                // Debian's sid has a name alone.
                if !number.is_empty() {
                    let second = Owned { is_first: false, ..release.clone() };
                    entries.insert(key(columns.distribution, number), second);
                }
                entries.insert(key(columns.distribution, &release.series), release);
            }
            Err(_) => unread.push(unreadable(row.line, "a date can not be read")),
        }
    }
    Some(List {
        name: format!("distro-info {}", columns.distribution),
        newest: None,
        entries: Entries::Lifetimes(entries),
        unreadable: unread,
    })
}

/// Where what we look at stands.
struct Columns {
    distribution: &'static str,
    version: Option<usize>,
    series: Option<usize>,
    release: Option<usize>,
    end: Option<usize>,
    /// The names of further care, without `eol-`.
    further: Vec<(String, usize)>,
}

impl Columns {
    fn of(table: &Table<'_>) -> Option<Self> {
        let [version, series, release, end] =
            ["version", "series", "release", "eol"].map(|name| table.column(name));
        version.and(series).and(release).and(end)?;
        let distribution = match (table.column("eol-lts"), table.column("eol-server")) {
            (Some(_), None) => "debian",
            (None, Some(_)) => "ubuntu",
            (Some(_), Some(_)) | (None, None) => return None,
        };
        let names = table.columns().iter().enumerate();
        let further =
            names.filter_map(|(at, name)| Some((name.strip_prefix("eol-")?.to_owned(), at)));
        let further = further.collect();
        Some(Self { distribution, version, series, release, end, further })
    }

    fn release(&self, row: &Row<'_>) -> Result<Owned, jiff::Error> {
        let date = |column| {
            let text = row.get(column);
            (!text.is_empty()).then(|| text.parse::<Date>()).transpose()
        };
        let mut extended = Vec::new();
        for (name, at) in &self.further {
            extended.extend(date(Some(*at))?.map(|date| (name.clone(), date)));
        }
        Ok(Owned {
            series: row.get(self.series).to_owned(),
            released: date(self.release)?,
            end: date(self.end)?,
            extended,
            is_first: true,
        })
    }
}

/// `24.04` of `24.04 LTS`.
fn number(version: &str) -> &str {
    version.split_once(' ').map_or(version, |(number, _)| number)
}

pub(super) fn write(releases: &BTreeMap<Vec<u8>, Owned>, blocks: &mut Blocks) {
    for (key, release) in releases {
        let writer = super::entry(blocks, key.clone());
        writer.text(&release.series);
        writer.option(release.released, Writer::date);
        writer.option(release.end, Writer::date);
        writer.list(&release.extended, |writer, (name, date)| {
            writer.text(name);
            writer.date(*date);
        });
    }
}

/// Reads one of what [`write`] writes.
pub(super) fn entry<'a>(reader: &mut Reader<'a>) -> Option<Lifetime<'a>> {
    Some(Lifetime {
        series: reader.text()?,
        released: reader.option(Reader::date)?,
        end: reader.option(Reader::date)?,
        extended: reader.list(|reader| Some((reader.text()?, reader.date()?)))?,
    })
}
