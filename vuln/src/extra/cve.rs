//! A CVE id: <https://www.cve.org/ResourcesSupport/AllResources/CNARules>.

use std::str::FromStr;

/// How many ids share one block of the index.
const BLOCK: u32 = 100;

/// A CVE id, small enough to keep hundreds of thousands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cve {
    year: u16,
    number: u32,
}

impl Cve {
    /// The key of the block that it lies in, among those of one kind.
    pub(crate) fn key(self, kind: u8) -> Vec<u8> {
        let block = self.number.div_euclid(BLOCK);
        [&[super::MARK, kind], &self.year.to_be_bytes()[..], &block.to_be_bytes()].concat()
    }

    /// What tells it from the others of its block.
    pub(crate) fn last(self) -> u8 {
        u8::try_from(self.number.rem_euclid(BLOCK)).unwrap_or(u8::MAX)
    }
}

impl FromStr for Cve {
    type Err = ();

    /// `CVE-`, four digits, `-`, four to nine digits.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (prefix, rest) = text.split_at_checked(4).ok_or(())?;
        let (year, number) = rest.split_once('-').ok_or(())?;
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_cve = prefix.eq_ignore_ascii_case("CVE-")
            && year.len() == 4
            && (4..=9).contains(&number.len())
            && is_number(year)
            && is_number(number);
        let of = |text: &str| text.parse::<u32>().map_err(drop);
        if !is_cve {
            return Err(());
        }
        Ok(Self { year: u16::try_from(of(year)?).map_err(drop)?, number: of(number)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_and_other_text_is_not() {
        assert_eq!("CVE-1999-0001".parse(), Ok(Cve { year: 1999, number: 1 }));
        assert_eq!("cve-2026-999999999".parse(), Ok(Cve { year: 2026, number: 999_999_999 }));
        for text in [
            "",
            "CVE-",
            "CVE-1999",
            "CVE-99-0001",
            "CVE-1999-001",
            "CVE-1999-+001",
            "GHSA-1999-0001",
            "CVE-1999-0000000001",
            "CVÉ-1999-0001",
        ] {
            assert_eq!(text.parse::<Cve>(), Err(()), "{text}");
        }
    }

    #[test]
    fn a_block_and_what_is_last_tell_an_id() {
        let [a, b, c]: [Cve; 3] =
            ["CVE-2024-10199", "CVE-2024-10200", "CVE-2024-10299"].map(|id| id.parse().unwrap());
        assert_ne!(a.key(1), b.key(1));
        assert_eq!(b.key(1), c.key(1));
        assert_ne!(b.key(1), b.key(2));
        assert_eq!([a.last(), b.last(), c.last()], [99, 0, 99]);
    }
}
