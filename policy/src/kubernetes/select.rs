//! Which pods a selector selects.
//!
//! <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors>

use super::{Field, Labels, Object, look};
use crate::yaml::Node;

/// Whether both are in one namespace; `None` where one of them does not say which.
pub(crate) fn may_share(left: &Object, right: &Object) -> Option<bool> {
    match (left.namespace(), right.namespace()) {
        (Field::Is(_, left), Field::Is(_, right)) => Some(left == right),
        (Field::Absent, Field::Absent) => Some(true),
        _ => None,
    }
}

/// Whether a selector selects everything there is to select: it is there and asks for nothing. `None` where it can not be told.
pub(crate) fn is_everything(selector: &Node) -> Option<bool> {
    if look(selector, &[]).mapping().untold().is_some() {
        return None;
    }
    let labels = look(selector, &["matchLabels"]).mapping();
    let expressions = look(selector, &["matchExpressions"]).list();
    if labels.untold().is_some() || expressions.untold().is_some() {
        return None;
    }
    let has_labels = labels.known().is_some_and(|(_, node)| !node.entries().is_empty());
    Some(!has_labels && expressions.known().is_none_or(|(_, list)| list.is_empty()))
}

/// Whether a selector selects what has these labels; `None` where it can not be told.
pub(crate) fn selects(selector: Field<'_, &Node>, labels: &Labels<'_>) -> Option<bool> {
    let selector = match selector.mapping() {
        Field::Is(_, selector) => selector,
        Field::Absent => return Some(true),
        Field::Untold(_) => return None,
    };
    if is_everything(selector)? {
        return Some(true);
    }
    let Labels::Known(labels) = labels else { return None };
    let value = |key: &str| labels.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
    let wanted = look(selector, &["matchLabels"]).known();
    let mut answers: Vec<Option<bool>> = Vec::new();
    for entry in wanted.map(|(_, node)| node.entries()).unwrap_or_default() {
        let text = entry.value.text().filter(|text| !super::is_template(text));
        answers.push(text.map(|text| value(&entry.key) == Some(text)));
    }
    for expression in look(selector, &["matchExpressions"]).items() {
        answers.push(matches(expression, value));
    }
    if answers.contains(&Some(false)) {
        return Some(false);
    }
    answers.iter().all(Option::is_some).then_some(true)
}

fn matches<'a>(expression: &Node, value: impl Fn(&str) -> Option<&'a str>) -> Option<bool> {
    let key = look(expression, &["key"]).text().known()?.1;
    let operator = look(expression, &["operator"]).text().known()?.1;
    let values: Option<Vec<_>> =
        look(expression, &["values"]).items().iter().map(Node::text).collect();
    let (values, value) = (values?, value(key));
    Some(match operator {
        "In" => value.is_some_and(|value| values.contains(&value)),
        "NotIn" => value.is_none_or(|value| !values.contains(&value)),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_answered_as_kubernetes_does() {
        let labels = Labels::Known(vec![("app", "web"), ("tier", "front")]);
        for (selector, expect) in [
            ("{}", Some(true)),
            ("{matchLabels: {}}", Some(true)),
            ("{matchLabels: {app: web}}", Some(true)),
            ("{matchLabels: {app: web, tier: back}}", Some(false)),
            ("{matchLabels: {app: '{{ x }}'}}", None),
            ("{matchLabels: {app: '{{ x }}', tier: back}}", Some(false)),
            ("{matchExpressions: [{key: app, operator: In, values: [web, x]}]}", Some(true)),
            ("{matchExpressions: [{key: app, operator: NotIn, values: [web]}]}", Some(false)),
            ("{matchExpressions: [{key: x, operator: NotIn, values: [web]}]}", Some(true)),
            ("{matchExpressions: [{key: x, operator: Exists}]}", Some(false)),
            ("{matchExpressions: [{key: x, operator: DoesNotExist}]}", Some(true)),
            ("{matchExpressions: [{key: x, operator: Perhaps}]}", None),
            ("{matchExpressions: text}", None),
            ("text", None),
        ] {
            let node = crate::yaml::read(&format!("s: {selector}"), "p".into()).unwrap();
            assert_eq!(selects(look(&node, &["s"]), &labels), expect, "{selector}");
        }
        let node = crate::yaml::read("s: {matchLabels: {a: b}}", "p".into()).unwrap();
        assert_eq!(selects(look(&node, &["s"]), &Labels::Untold), None);
    }
}
