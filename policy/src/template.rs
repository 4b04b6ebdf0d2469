//! The policy file that `policy init` writes.

/// A commented policy with every key; it parses, and says what the baseline says.
pub const POLICY_TEMPLATE: &str = include_str!("template.yaml");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Policy, Profile};

    #[test]
    fn the_template_parses_and_is_the_baseline() {
        let policy = Policy::parse(POLICY_TEMPLATE, "plimsoll.yaml".into()).unwrap();
        let baseline = Policy::baseline();
        assert_eq!(policy.profile(), Profile::Baseline);
        assert_eq!(policy.max_advisory_age(), baseline.max_advisory_age());
        assert_eq!(policy.evidence().require, baseline.evidence().require);
        assert_eq!(policy.gate().fail.len(), baseline.gate().fail.len());
        assert_eq!(policy.exceptions(), []);
    }

    #[test]
    fn what_it_shows_in_comments_parses_too() {
        let shown: String = POLICY_TEMPLATE
            .lines()
            .map(|line| line.strip_prefix("#: ").unwrap_or(line))
            .flat_map(|line| [line, "\n"])
            .collect();
        let policy = Policy::parse(&shown, "plimsoll.yaml".into()).unwrap();
        assert_eq!(policy.exceptions().len(), 1);
        assert!(policy.bases().lock.is_some() && policy.promotion().is_immutable("v1"));
    }
}
