//! Little-endian values in a row of bytes, every read checked.

use jiff::{Timestamp, civil::Date};

/// The most items of a list that room is set aside for before they are seen. Nearly all lists are shorter.
const MOST_SET_ASIDE: usize = 16;

/// Appends values.
#[derive(Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    pub(crate) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn f64(&mut self, value: f64) {
        self.u64(value.to_bits());
    }

    /// A number of things. One record is far smaller than 4 GiB, so nothing is ever cut off here.
    pub(crate) fn count(&mut self, count: usize) {
        self.u32(u32::try_from(count).unwrap_or(u32::MAX));
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.u8(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    pub(crate) fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.count(items.len());
        for item in items {
            write(self, item);
        }
    }

    pub(crate) fn time(&mut self, time: Timestamp) {
        self.0.extend_from_slice(&time.as_second().to_le_bytes());
        self.0.extend_from_slice(&time.subsec_nanosecond().to_le_bytes());
    }

    pub(crate) fn date(&mut self, date: Date) {
        self.0.extend_from_slice(&date.year().to_le_bytes());
        self.0.extend_from_slice(&date.month().to_le_bytes());
        self.0.extend_from_slice(&date.day().to_le_bytes());
    }
}

/// Takes values off the front. `None` means that the bytes end too early or make no sense.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn f64(&mut self) -> Option<f64> {
        self.u64().map(f64::from_bits)
    }

    pub(crate) fn count(&mut self) -> Option<usize> {
        self.u32().and_then(|count| usize::try_from(count).ok())
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let length = self.count()?;
        std::str::from_utf8(self.bytes(length)?).ok()
    }

    #[expect(
        clippy::option_option,
        reason = "what was not written is one thing, what cannot be read another"
    )]
    pub(crate) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.u8()? {
            0 => Some(None),
            1 => read(self).map(Some),
            _ => None,
        }
    }

    /// A list. Next to nothing is set aside for items that are announced but not there.
    pub(crate) fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let count = self.count()?;
        let mut items = Vec::with_capacity(count.min(MOST_SET_ASIDE));
        for _ in 0..count {
            items.push(read(self)?);
        }
        Some(items)
    }

    pub(crate) fn time(&mut self) -> Option<Timestamp> {
        let second = self.array().map(i64::from_le_bytes)?;
        let nanosecond = self.array().map(i32::from_le_bytes)?;
        Timestamp::new(second, nanosecond).ok()
    }

    pub(crate) fn date(&mut self) -> Option<Date> {
        let year = self.array().map(i16::from_le_bytes)?;
        let month = self.array().map(i8::from_le_bytes)?;
        let day = self.array().map(i8::from_le_bytes)?;
        Date::new(year, month, day).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_every_cut_is_noticed() {
        let time: Timestamp = "2024-02-29T12:00:00.5Z".parse().unwrap();
        let mut writer = Writer::default();
        writer.u8(7);
        writer.u32(70_000);
        writer.f64(9.8);
        writer.text("é");
        writer.option(Some("x"), Writer::text);
        writer.option(None, Writer::text);
        writer.list(&["a", "b"], |writer, text| writer.text(text));
        writer.time(time);
        writer.date("2024-02-29".parse().unwrap());
        let read = |bytes: &[u8]| {
            let mut reader = Reader(bytes);
            let all = (
                reader.u8()?,
                reader.u32()?,
                reader.f64()?,
                reader.text()?.to_owned(),
                reader.option(|reader| Some(reader.text()?.to_owned()))?,
                reader.option(|reader| Some(reader.text()?.to_owned()))?,
                reader.list(|reader| Some(reader.text()?.to_owned()))?,
                reader.time()?,
                reader.date()?,
            );
            reader.0.is_empty().then_some(all)
        };
        let expect = (
            7,
            70_000,
            9.8,
            "é".to_owned(),
            Some("x".to_owned()),
            None,
            vec!["a".to_owned(), "b".to_owned()],
            time,
            "2024-02-29".parse().unwrap(),
        );
        assert_eq!(read(&writer.0), Some(expect));
        for length in 0..writer.0.len() {
            assert_eq!(read(&writer.0[..length]), None, "{length}");
        }
    }

    #[test]
    fn a_huge_count_sets_next_to_nothing_aside() {
        assert_eq!(Reader(&[0xff; 8]).list(Reader::u64), None);
        assert_eq!(Reader(&[0xff; 8]).text(), None);
        assert_eq!(Reader(&[2, 0]).option(Reader::u8), None);
    }
}
