//! Small tables that many small things share, because an image has a hundred thousand entries and may have millions.

use crate::{
    error::Error,
    layer::{Content, KeptBudget},
};
use plimsoll_model::tree::Want;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Texts behind each other, each told by where it is.
#[derive(Debug, Default)]
pub(crate) struct Texts(Vec<u8>);

/// Where a text is among [`Texts`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Span {
    at: u32,
    len: u32,
}

impl Texts {
    /// Adds a text.
    ///
    /// # Errors
    /// [`Error::KeptTooLarge`] when there is no room for it.
    pub(crate) fn add(&mut self, text: &[u8], kept: &KeptBudget) -> Result<Span, Error> {
        kept.take(text.len())?;
        let position = |number| u32::try_from(number).map_err(|_too_large| kept.exceeded());
        let span = Span { at: position(self.0.len())?, len: position(text.len())? };
        self.0.extend_from_slice(text);
        Ok(span)
    }

    /// The text that was added.
    pub(crate) fn get(&self, span: Span) -> &[u8] {
        let at = usize::try_from(span.at).unwrap_or(usize::MAX);
        let len = usize::try_from(span.len).unwrap_or(usize::MAX);
        self.0.get(at..at.saturating_add(len)).unwrap_or_default()
    }

    /// Texts that were taken apart before.
    pub(crate) const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Every text, behind each other.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Gives back what is not needed of the memory.
    pub(crate) fn shrink(&mut self) {
        self.0.shrink_to_fit();
    }
}

/// Pairs of user and group; a few own everything.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    all: Vec<(u64, u64)>,
    places: BTreeMap<(u64, u64), u32>,
}

/// Which of the [`Owners`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OwnerId(pub(crate) u32);

impl Owners {
    /// The place of a pair.
    pub(crate) fn add(&mut self, uid: u64, gid: u64) -> OwnerId {
        let next = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        let place = *self.places.entry((uid, gid)).or_insert(next);
        if place == next {
            self.all.push((uid, gid));
        }
        OwnerId(place)
    }

    /// Every pair, by place.
    pub(crate) fn all(&self) -> &[(u64, u64)] {
        &self.all
    }

    /// The pair at a place.
    pub(crate) fn get(&self, id: OwnerId) -> (u64, u64) {
        let at = usize::try_from(id.0).unwrap_or(usize::MAX);
        self.all.get(at).copied().unwrap_or_default()
    }
}

/// What is known of the content of files; of most there is nothing, for the same few reasons.
#[derive(Debug)]
pub(crate) struct Contents {
    all: Vec<Content>,
    refused: Vec<(Want, ContentId)>,
}

/// Which of the [`Contents`]; the default is [`Content::Unasked`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ContentId(pub(crate) u32);

impl Default for Contents {
    fn default() -> Self {
        Self { all: vec![Content::Unasked], refused: Vec::new() }
    }
}

impl Contents {
    /// The place of a content.
    pub(crate) fn add(&mut self, content: Content) -> ContentId {
        let next = ContentId(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        match content {
            Content::Unasked => return ContentId::default(),
            Content::Refused(want) => {
                if let Some((_, id)) = self.refused.iter().find(|(known, _)| *known == want) {
                    return *id;
                }
                self.refused.push((want, next));
            }
            Content::Kept(_) | Content::Condensed(..) | Content::Hole => {}
        }
        self.all.push(content);
        next
    }

    /// Every content, by place; the first is [`Content::Unasked`].
    pub(crate) fn all(&self) -> &[Content] {
        &self.all
    }

    /// The content at a place.
    pub(crate) fn get(&self, id: ContentId) -> &Content {
        let at = usize::try_from(id.0).unwrap_or(usize::MAX);
        self.all.get(at).unwrap_or(&Content::Unasked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kept::Kept;

    #[test]
    fn texts_are_found_where_they_were_put() {
        let kept = KeptBudget::new(5);
        let mut texts = Texts::default();
        let (first, empty) = (texts.add(b"ab", &kept).unwrap(), texts.add(b"", &kept).unwrap());
        let second = texts.add(b"cde", &kept).unwrap();
        assert_eq!([first, empty, second].map(|span| texts.get(span)), [&b"ab"[..], b"", b"cde"]);
        assert!(matches!(texts.add(b"f", &kept), Err(Error::KeptTooLarge { limit: 5 })));
    }

    #[test]
    fn equal_owners_and_equal_refusals_are_kept_once() {
        let mut owners = Owners::default();
        assert_eq!(
            [owners.add(0, 0), owners.add(1, 2), owners.add(0, 0)].map(|id| id.0),
            [0, 1, 0]
        );
        assert_eq!(owners.get(OwnerId(1)), (1, 2));
        let mut contents = Contents::default();
        let refused = || Content::Refused(Want::Content);
        assert_eq!(contents.add(refused()), contents.add(refused()));
        assert_eq!(contents.add(Content::Unasked), ContentId::default());
        let kept = contents.add(Content::Kept(Kept::new(b"x".to_vec())));
        assert!(
            matches!(contents.get(kept), Content::Kept(kept) if kept.read().unwrap() == &b"x"[..])
        );
    }
}
