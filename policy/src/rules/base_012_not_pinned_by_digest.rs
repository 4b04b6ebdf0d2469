//! BASE-012: an image is named by its digest.

use super::{About, Raised, Rule, RuleContext, inputs};
use crate::decide::Action;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "BASE-012",
    name: "base_012_not_pinned_by_digest",
    title: "every base image is pinned by digest",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "Every tag can be moved, by its owner and by whoever has stolen the owner's password. A digest names the same bytes for ever.",
    mend: "append the digest: `plimsoll base approve` prints it",
    bad: "FROM debian:12",
    good: "FROM debian:12@sha256:…",
    equivalents: &["CKV_K8S_43", "conforma base_image_pinned"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    inputs::check_names(context, "is not pinned by digest", |name| {
        name.digest.is_none().then(|| (format!("`{name}`"), format!("`{name}@sha256:…`")))
    })
}
