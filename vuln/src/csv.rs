//! Comma-separated values, as RFC 4180 has them: <https://www.rfc-editor.org/rfc/rfc4180>.
//!
//! Off-spec: lines may end in `LF` alone, and a byte-order mark in front is passed over.

use std::borrow::Cow;

/// The most fields that a row may have.
const MOST_FIELDS: usize = 64;

/// A table whose first row names its columns.
#[derive(Debug)]
pub(crate) struct Table<'a> {
    columns: Vec<Cow<'a, str>>,
    rows: Rows<'a>,
}

/// One row below the first.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    /// The line that it begins on.
    pub(crate) line: usize,
    fields: Vec<Cow<'a, str>>,
}

/// What is left of a text.
#[derive(Debug)]
struct Rows<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Table<'a> {
    /// A table in `text`; nothing where not even its columns can be read. `line` is the number of its first line.
    pub(crate) fn read(text: &'a str, line: usize) -> Option<Self> {
        let mut rows = Rows { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line };
        let columns = rows.next()?.ok()?.fields;
        Some(Self { columns, rows })
    }

    /// The names of its columns, in order.
    pub(crate) fn columns(&self) -> &[Cow<'a, str>] {
        &self.columns
    }

    /// Every row; an error is the line of one that can not be read, or that has not a field for every column.
    pub(crate) fn rows(&mut self) -> impl Iterator<Item = Result<Row<'a>, usize>> {
        let columns = self.columns.len();
        // Debian's lists leave out what is empty at the end of a line.
        self.rows.by_ref().map(move |row| {
            let row = row?;
            if row.fields.len() > columns { Err(row.line) } else { Ok(row) }
        })
    }

    /// Where a column stands.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }
}

impl Row<'_> {
    /// The text in a column; empty where the row ends before it.
    pub(crate) fn get(&self, column: Option<usize>) -> &str {
        column.and_then(|at| self.fields.get(at)).map_or("", |field| field.trim())
    }
}

impl<'a> Iterator for Rows<'a> {
    type Item = Result<Row<'a>, usize>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(rest) =
            self.rest.strip_prefix("\r\n").or_else(|| self.rest.strip_prefix('\n'))
        {
            self.rest = rest;
            self.line = self.line.saturating_add(1);
        }
        if self.rest.is_empty() {
            return None;
        }
        let line = self.line;
        let mut fields = Vec::new();
        loop {
            let Some(field) = self.field() else {
                // Where a quotation never ends, what follows can not be told from it.
                self.rest = "";
                return Some(Err(line));
            };
            if fields.len() >= MOST_FIELDS {
                self.rest = "";
                return Some(Err(line));
            }
            fields.push(field);
            if let Some(rest) = self.rest.strip_prefix(',') {
                self.rest = rest;
                continue;
            }
            let rest = self.rest.strip_prefix('\r').unwrap_or(self.rest);
            self.rest = rest.strip_prefix('\n').unwrap_or(rest);
            self.line = self.line.saturating_add(1);
            return Some(Ok(Row { line, fields }));
        }
    }
}

impl<'a> Rows<'a> {
    /// The next field, up to the comma or the end of the line behind it.
    fn field(&mut self) -> Option<Cow<'a, str>> {
        let Some(mut rest) = self.rest.strip_prefix('"') else {
            let end = self.rest.find([',', '\n']).unwrap_or(self.rest.len());
            let (field, rest) = self.rest.split_at_checked(end)?;
            self.rest = rest;
            return Some(Cow::Borrowed(field.strip_suffix('\r').unwrap_or(field)));
        };
        let mut field = Cow::Borrowed("");
        loop {
            let (part, after) = rest.split_once('"')?;
            self.line = self.line.saturating_add(part.matches('\n').count());
            if field.is_empty() {
                field = Cow::Borrowed(part);
            } else {
                field.to_mut().push_str(part);
            }
            let Some(more) = after.strip_prefix('"') else {
                self.rest = after;
                let is_end = after.is_empty() || after.starts_with([',', '\n', '\r']);
                return is_end.then_some(field);
            };
            field.to_mut().push('"');
            rest = more;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Read = Vec<Result<(usize, Vec<String>), usize>>;

    fn read(text: &str) -> Read {
        let mut table = Table::read(text, 1).unwrap();
        let columns = table.columns().len();
        let texts = |row: Row<'_>| (0..columns).map(|at| row.get(Some(at)).to_owned()).collect();
        table.rows().map(|row| row.map(|row| (row.line, texts(row)))).collect()
    }

    #[expect(clippy::unnecessary_wraps, reason = "it is compared with what is read")]
    fn row(line: usize, fields: &[&str]) -> Result<(usize, Vec<String>), usize> {
        Ok((line, fields.iter().map(|field| (*field).to_owned()).collect()))
    }

    #[test]
    fn quotations_hold_commas_lines_and_quotes() {
        let text = "\u{feff}a,b\r\n\"x, \"\"y\"\"\n\",2\r\n\n3\n\"\",\"\"\n";
        assert_eq!(read(text), [row(2, &["x, \"y\"", "2"]), row(5, &["3", ""]), row(6, &["", ""])]);
    }

    #[test]
    fn what_is_no_row_is_named_by_its_line() {
        assert_eq!(read("a\n1,2\n3"), [Err(2), row(3, &["3"])]);
        assert_eq!(read("a\n\"1\" x\n3"), [Err(2)]);
        assert_eq!(read("a\n1\n\"2\n3"), [row(2, &["1"]), Err(3)]);
        assert_eq!(read(&format!("a\n{}", ",".repeat(MOST_FIELDS))), [Err(2)]);
        assert!(Table::read("", 1).is_none());
        assert!(Table::read("\"a", 1).is_none());
    }

    proptest! {
        #[test]
        fn what_is_quoted_comes_back(fields in proptest::collection::vec("[ab\",\n\r]{0,6}", 1..5)) {
            let quoted: Vec<_> =
                fields.iter().map(|field| format!("\"{}\"", field.replace('"', "\"\""))).collect();
            let columns = vec!["c"; fields.len()].join(",");
            let text = format!("{columns}\n{}\n", quoted.join(","));
            let trimmed: Vec<_> = fields.iter().map(|field| field.trim().to_owned()).collect();
            prop_assert_eq!(read(&text), [Ok((2, trimmed))]);
        }

        #[test]
        fn no_text_is_too_strange(text in "[ab\",\n\r]{0,40}") {
            if let Some(mut table) = Table::read(&text, 1) {
                prop_assert!(table.rows().count() <= text.len());
            }
        }
    }
}
