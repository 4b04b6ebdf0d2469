//! DER, put together piece by piece: certificates, signed certificate timestamps and RFC 3161 tokens are made of it.
//!
//! By hand, because a service that plays another has to be able to be wrong in one place and right everywhere else, and
//! because the crates that verification stands on would read back what they themselves wrote.

use jiff::{Timestamp, tz::TimeZone};

/// Tag of `[n]`, constructed.
const CONSTRUCTED: u8 = 0xa0;

/// A value of any tag.
pub(super) fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = u64::try_from(content.len()).unwrap_or(u64::MAX).to_be_bytes();
    let short: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    match short.as_slice() {
        [] => out.push(0),
        [small] if *small < 0x80 => out.push(*small),
        _ => {
            out.push(0x80 | u8::try_from(short.len()).unwrap_or_default());
            out.extend_from_slice(&short);
        }
    }
    out.extend_from_slice(content);
    out
}

/// `SEQUENCE`, and `SEQUENCE OF`.
pub(super) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tagged(0x30, &parts.concat())
}

/// `SET OF`, sorted as DER wants it.
pub(super) fn set_of(parts: &[Vec<u8>]) -> Vec<u8> {
    tagged(0x31, &sorted(parts))
}

/// What is in a `SET OF`, sorted as DER wants it.
pub(super) fn sorted(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut parts = parts.to_vec();
    parts.sort();
    parts.concat()
}

/// `[n] EXPLICIT`.
pub(super) fn explicit(number: u8, inner: &[u8]) -> Vec<u8> {
    tagged(CONSTRUCTED | number, inner)
}

/// `[n] IMPLICIT` of something primitive.
pub(super) fn implicit(number: u8, content: &[u8]) -> Vec<u8> {
    tagged(0x80 | number, content)
}

/// `OBJECT IDENTIFIER`, from its numbers with dots between.
pub(super) fn oid(dotted: &str) -> Vec<u8> {
    let mut arcs = dotted.split('.').filter_map(|arc| arc.parse::<u64>().ok());
    let first = arcs.next().unwrap_or_default() * 40 + arcs.next().unwrap_or_default();
    let mut content = Vec::new();
    for arc in std::iter::once(first).chain(arcs) {
        let groups = (0..10).rev().map(|group| u8::try_from(arc >> (7 * group) & 0x7f));
        let mut groups: Vec<u8> = groups.flatten().skip_while(|group| *group == 0).collect();
        if groups.is_empty() {
            groups.push(0);
        }
        let last = groups.pop();
        content.extend(groups.into_iter().map(|group| group | 0x80));
        content.extend(last);
    }
    tagged(0x06, &content)
}

/// `INTEGER`, not negative, from its bytes in order.
pub(super) fn integer(bytes: &[u8]) -> Vec<u8> {
    let mut content: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
    if content.first().is_none_or(|byte| *byte >= 0x80) {
        content.insert(0, 0);
    }
    tagged(0x02, &content)
}

/// `INTEGER`.
pub(super) fn number(value: u64) -> Vec<u8> {
    integer(&value.to_be_bytes())
}

/// `BOOLEAN TRUE`.
pub(super) fn yes() -> Vec<u8> {
    tagged(0x01, &[0xff])
}

/// `OCTET STRING`.
pub(super) fn octets(bytes: &[u8]) -> Vec<u8> {
    tagged(0x04, bytes)
}

/// `BIT STRING` of whole bytes.
pub(super) fn bits(bytes: &[u8]) -> Vec<u8> {
    tagged(0x03, &[&[0], bytes].concat())
}

/// `UTF8String`.
pub(super) fn text(text: &str) -> Vec<u8> {
    tagged(0x0c, text.as_bytes())
}

/// `GeneralizedTime`, of whole seconds.
pub(super) fn generalized_time(time: Timestamp) -> Vec<u8> {
    let time = time.to_zoned(TimeZone::UTC).strftime("%Y%m%d%H%M%SZ").to_string();
    tagged(0x18, time.as_bytes())
}

/// `UTCTime`: certificates need it for every year before 2050.
pub(super) fn utc_time(time: Timestamp) -> Vec<u8> {
    let time = time.to_zoned(TimeZone::UTC).strftime("%y%m%d%H%M%SZ").to_string();
    tagged(0x17, time.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_x690_says() {
        assert_eq!(oid("1.2.840.113549"), hex::decode("06062a864886f70d").unwrap());
        assert_eq!(oid("1.3.6.1.4.1.57264.1.1"), hex::decode("060a2b0601040183bf300101").unwrap());
        assert_eq!(number(0), [2, 1, 0]);
        assert_eq!(number(128), [2, 2, 0, 128]);
        assert_eq!(octets(&[7; 200])[..3], [4, 0x81, 200]);
        assert_eq!(octets(&[7; 300])[..4], [4, 0x82, 1, 44]);
        assert_eq!(set_of(&[number(2), number(1)]), [0x31, 6, 2, 1, 1, 2, 1, 2]);
        let time = "2026-11-22T01:02:03Z".parse().unwrap();
        assert_eq!(generalized_time(time)[2..], *b"20261122010203Z");
        assert_eq!(utc_time(time)[2..], *b"261122010203Z");
    }
}
