//! Declared licences, told apart into what SPDX knows and what it does not.
//!
//! A declared text is taken for SPDX only where it is SPDX to the letter: `BSD` or `GPLv3` could be guessed at,
//! and a guess is not what was declared.

use spdx::{Expression, ParseMode};

/// A declared licence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum License<'a> {
    /// Exactly one id of the SPDX licence list.
    Id(&'a str),
    /// A valid SPDX expression of listed ids.
    Expression(&'a str),
    /// Anything else.
    Text(&'a str),
}

/// Longer texts are no expressions that anybody wrote.
const LONGEST_EXPRESSION: usize = 4_096;

/// Deprecated ids are still ids of the list (`GPL-2.0`), and which newer one is meant is not ours to say.
const AS_LISTED: ParseMode = ParseMode { allow_deprecated: true, ..ParseMode::STRICT };

impl<'a> License<'a> {
    /// What a declared text is.
    pub(crate) fn of(declared: &'a str) -> Self {
        let text = declared.trim();
        if text.len() > LONGEST_EXPRESSION {
            return Self::Text(declared);
        }
        if spdx::license_id(text).is_some_and(|id| id.name == text) {
            return if is_real(text) { Self::Id(text) } else { Self::Text(declared) };
        }
        let Ok(expression) = Expression::parse_mode(text, AS_LISTED) else {
            return Self::Text(declared);
        };
        let is_listed = expression.requirements().all(|part| {
            part.req.license.id().is_some_and(|id| is_real(id.name))
                && part.req.addition.as_ref().is_none_or(|addition| addition.id().is_some())
        });
        if is_listed { Self::Expression(text) } else { Self::Text(declared) }
    }
}

/// `NOASSERTION` and `NONE` are words of documents, not licences, though the list of the crate has one of them.
fn is_real(id: &str) -> bool {
    !matches!(id, "NOASSERTION" | "NONE")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_spdx_to_the_letter_is_taken_for_it() {
        for (declared, expect) in [
            ("MIT", License::Id("MIT")),
            (" MIT ", License::Id("MIT")),
            ("GPL-2.0", License::Id("GPL-2.0")),
            ("GPL-2.0+", License::Id("GPL-2.0+")),
            ("MIT OR Apache-2.0", License::Expression("MIT OR Apache-2.0")),
            (
                "Apache-2.0 WITH LLVM-exception",
                License::Expression("Apache-2.0 WITH LLVM-exception"),
            ),
            ("BSD", License::Text("BSD")),
            ("mit", License::Text("mit")),
            ("GPLv3+", License::Text("GPLv3+")),
            ("MIT/Apache-2.0", License::Text("MIT/Apache-2.0")),
            ("MIT, BSD", License::Text("MIT, BSD")),
            ("NOASSERTION", License::Text("NOASSERTION")),
            ("MIT AND NOASSERTION", License::Text("MIT AND NOASSERTION")),
            ("LicenseRef-mine", License::Text("LicenseRef-mine")),
            ("MIT OR LicenseRef-mine", License::Text("MIT OR LicenseRef-mine")),
            ("MIT OR", License::Text("MIT OR")),
            ("", License::Text("")),
        ] {
            assert_eq!(License::of(declared), expect, "{declared:?}");
        }
        let long = "MIT OR ".repeat(10_000) + "MIT";
        assert_eq!(License::of(&long), License::Text(&long));
    }
}
