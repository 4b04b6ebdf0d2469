//! Extended headers of tar archives: POSIX.1-2017 `pax`, "pax Extended Header".

use super::TarFlaw;

/// The most bytes of a `security.capability` attribute that are kept; no kernel takes more than 24.
pub(super) const CAPABILITY: usize = 32;

/// The PAX records that matter here.
#[derive(Default)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<u64>,
    pub(super) gid: Option<u64>,
    pub(super) capabilities: Vec<u8>,
}

impl Pax {
    /// Records are `LENGTH KEY=VALUE\n`, where the length counts the whole record.
    pub(super) fn parse(mut records: &[u8]) -> Result<Self, TarFlaw> {
        let mut pax = Self::default();
        while !records.is_empty() {
            let (key, value, rest) = record(records).ok_or(TarFlaw::Pax)?;
            records = rest;
            let has_nul = value.contains(&0);
            match key {
                b"path" | b"linkpath" if has_nul => return Err(TarFlaw::Pax),
                // An empty value gives back the header's own.
                b"path" => pax.path = Some(value.to_vec()).filter(|value| !value.is_empty()),
                b"linkpath" => pax.link = Some(value.to_vec()).filter(|value| !value.is_empty()),
                b"size" => pax.size = decimal(value)?,
                b"uid" => pax.uid = decimal(value)?,
                b"gid" => pax.gid = decimal(value)?,
                b"SCHILY.xattr.security.capability" => {
                    pax.capabilities = value.iter().take(CAPABILITY).copied().collect();
                }
                key if key.starts_with(b"GNU.sparse.") => return Err(TarFlaw::PaxSparse),
                _ => {}
            }
        }
        Ok(pax)
    }
}

/// The first record, and what follows it.
fn record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = records.iter().take(20).position(|byte| *byte == b' ')?;
    let (digits, _) = records.split_at_checked(space)?;
    let length = usize::try_from(decimal(digits).ok()??).ok()?;
    let (record, rest) = records.split_at_checked(length)?;
    let (_, record) = record.split_at_checked(space.checked_add(1)?)?;
    let record = record.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=').filter(|at| *at > 0)?;
    let (key, value) = record.split_at_checked(equals)?;
    Some((key, value.strip_prefix(b"=")?, rest)).filter(|(key, ..)| !key.contains(&0))
}

fn decimal(text: &[u8]) -> Result<Option<u64>, TarFlaw> {
    if text.is_empty() {
        return Ok(None);
    }
    let digits = std::str::from_utf8(text)
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|digits| digits.parse().ok()).map(Some).ok_or(TarFlaw::Pax)
}
