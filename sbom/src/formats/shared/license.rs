//! Declared licences, told apart into what SPDX knows and what it does not.
//!
//! A declared text is taken for SPDX only where it is SPDX to the letter: `BSD` or `GPLv3` could be guessed at,
//! and a guess is not what was declared.

use super::contested;
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
const LONGEST_EXPRESSION: usize = 1_024;

/// Deprecated ids are still ids of the list (`GPL-2.0`), and which newer one is meant is not ours to say.
const AS_LISTED: ParseMode =
    ParseMode { allow_deprecated: true, allow_postfix_plus_on_gpl: true, ..ParseMode::STRICT };

/// The ids of the list that end in a plus. It may stand after any id, but validators refuse it elsewhere.
const WITH_PLUS: [&str; 6] =
    ["GPL-1.0+", "GPL-2.0+", "GPL-3.0+", "LGPL-2.0+", "LGPL-2.1+", "LGPL-3.0+"];

impl<'a> License<'a> {
    /// What a declared text is.
    pub(crate) fn of(declared: &'a str) -> Self {
        let text = declared.trim();
        if text.len() > LONGEST_EXPRESSION || text.split([' ', '(', ')']).any(is_refused) {
            return Self::Text(declared);
        }
        let Ok(expression) = Expression::parse_mode(text, AS_LISTED) else {
            return Self::Text(declared);
        };
        let is_listed = expression.requirements().all(|part| {
            part.req.license.id().is_some()
                && part.req.addition.as_ref().is_none_or(|addition| addition.id().is_some())
        });
        if !is_listed {
            Self::Text(declared)
        } else if spdx::license_id(text).is_some_and(|id| id.name == text) {
            Self::Id(text)
        } else {
            Self::Expression(text)
        }
    }
}

/// Words that would have the whole document refused by others, or that are no licence though the crate lists them.
fn is_refused(word: &str) -> bool {
    matches!(word, "NOASSERTION" | "NONE")
        || contested::IDS.contains(&word)
        || (word.ends_with('+') && !WITH_PLUS.contains(&word))
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
            ("GPL-2.0+", License::Expression("GPL-2.0+")),
            ("MIT OR Apache-2.0", License::Expression("MIT OR Apache-2.0")),
            (
                "Apache-2.0 WITH LLVM-exception",
                License::Expression("Apache-2.0 WITH LLVM-exception"),
            ),
            ("MIT+", License::Text("MIT+")),
            ("GPL-2.0-only+", License::Text("GPL-2.0-only+")),
            ("Vixie-Cron", License::Text("Vixie-Cron")),
            ("MIT OR (Zlib AND Vixie-Cron)", License::Text("MIT OR (Zlib AND Vixie-Cron)")),
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
