//! What the rules about configuration files have in common.

use super::{Raised, RuleContext};
use crate::configs::{Config, ConfigKind, Content};

/// What `judge` says of each file of these kinds. A file that can not be read can not be told.
pub(super) fn of_kinds(
    context: &RuleContext<'_>,
    (kinds, expected): (&[ConfigKind], &str),
    judge: impl Fn(&Config) -> Vec<Raised>,
) -> Vec<Raised> {
    let files = context.configs().iter().filter(|config| kinds.contains(&config.kind));
    files
        .flat_map(|config| match &config.content {
            Content::Tree(_) | Content::Unit(_) => judge(config),
            Content::Unreadable(at, why) => {
                let title = "the file can not be read";
                vec![context.unknown(config.place(*at), title, why.as_str(), expected)]
            }
        })
        .collect()
}
