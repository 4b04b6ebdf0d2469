//! `modified_id.csv`: when each record of an ecosystem changed last, newest first.
//!
//! <https://google.github.io/osv.dev/data/#downloading-recent-changes>

use jiff::Timestamp;
use std::collections::BTreeMap;

/// The longest id, in bytes.
const LONGEST_ID: usize = 200;

/// Reads the list; nothing where any of it can not be read, or is without a time that tells whether a record changed:
/// then it can not be told what changed, and the archive has to be fetched.
pub(super) fn read(ecosystem: &str, bytes: &[u8]) -> Option<BTreeMap<String, Timestamp>> {
    let mut list = BTreeMap::new();
    for line in std::str::from_utf8(bytes).ok()?.lines().filter(|line| !line.is_empty()) {
        let (time, id) = line.split_once(',')?;
        // The list of all ecosystems names the ecosystem, that of one does not.
        let id = id.strip_prefix(ecosystem).and_then(|id| id.strip_prefix('/')).unwrap_or(id);
        let time: Timestamp = time.parse().ok()?;
        if time <= Timestamp::UNIX_EPOCH || !is_plain(id) {
            return None;
        }
        let newest = list.entry(id.to_owned()).or_insert(time);
        *newest = time.max(*newest);
    }
    (!list.is_empty()).then_some(list)
}

/// Whether an id is one segment of a path.
fn is_plain(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"/\\?#%\"'<>|".contains(&byte);
    !id.is_empty() && id.len() <= LONGEST_ID && !id.starts_with('.') && id.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_times_are_read_and_the_newest_counts() {
        let list = read(
            "npm",
            b"2026-11-18T20:02:04.5Z,npm/GHSA-1\n\n2026-01-01T00:00:00Z,ALSA-2019:1\r\n2025-01-01T00:00:00Z,GHSA-1\n",
        )
        .unwrap();
        let times: Vec<_> = list.iter().map(|(id, time)| (id.as_str(), time.to_string())).collect();
        assert_eq!(
            times,
            [
                ("ALSA-2019:1", "2026-01-01T00:00:00Z".to_owned()),
                ("GHSA-1", "2026-11-18T20:02:04.5Z".to_owned())
            ]
        );
    }

    #[test]
    fn a_list_that_can_not_tell_is_none() {
        let good = "2026-11-18T20:02:04Z,GHSA-1\n";
        assert!(read("npm", good.as_bytes()).is_some());
        for line in [
            "0001-01-01T00:00:00Z,GO-1",
            "yesterday,GO-1",
            "<html>",
            "2026-01-01T00:00:00Z,",
            "2026-01-01T00:00:00Z,../GO-1",
            "2026-01-01T00:00:00Z,..",
            "2026-01-01T00:00:00Z,a?b",
            "2026-01-01T00:00:00Z,\u{e9}",
        ] {
            assert_eq!(read("npm", format!("{good}{line}\n").as_bytes()), None, "{line}");
        }
        assert_eq!(read("npm", b""), None);
        assert_eq!(read("npm", b"\xff"), None);
    }
}
