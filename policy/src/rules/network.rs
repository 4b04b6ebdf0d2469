//! `NetworkPolicies`, as several rules look at them.
//!
//! <https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.34/#networkpolicyspec-v1-networking-k8s-io>

use super::RuleContext;
use crate::{
    kubernetes::{Field, Object, Pod, is_everything, is_template, look, may_share, selects},
    yaml::{At, Node, Value},
};
use std::net::IpAddr;

/// Kinds of other makers that isolate pods too.
const FOREIGN: [&str; 7] = [
    "AdminNetworkPolicy",
    "BaselineAdminNetworkPolicy",
    "CiliumClusterwideNetworkPolicy",
    "CiliumNetworkPolicy",
    "ClusterNetworkPolicy",
    "GlobalNetworkPolicy",
    "StagedNetworkPolicy",
];

/// A `NetworkPolicy`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy<'a> {
    pub(super) object: &'a Object,
}

/// Which way traffic goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Ingress,
    Egress,
}

/// One rule of a policy.
#[derive(Debug, Clone, Copy)]
pub(super) struct NetworkRule<'a> {
    pub(super) direction: Direction,
    node: &'a Node,
}

/// Whom a rule lets through.
#[derive(Debug)]
pub(super) enum Reach {
    /// Those that it names.
    Some,
    /// Everybody, and how it says so.
    Any(At, String),
    /// Everybody but for some that it names by what they are not.
    Most(At, String),
    /// It can not be told, and why.
    Untold(At, String),
}

/// To which ports.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ports {
    Any,
    Some,
    Untold,
}

/// Whether a rule reaches an address.
#[derive(Debug)]
pub(super) enum Answer {
    No,
    Yes(At, String),
    Untold(At, String),
}

/// Every `NetworkPolicy`.
pub(super) fn policies<'a>(context: &RuleContext<'a>) -> Vec<Policy<'a>> {
    let groups = ["networking.k8s.io", "extensions"].into_iter();
    let objects = groups.flat_map(|group| context.cluster().of_kind(group, "NetworkPolicy"));
    objects.map(|object| Policy { object }).collect()
}

/// Objects of other makers that isolate pods.
pub(super) fn foreign<'a>(context: &RuleContext<'a>) -> impl Iterator<Item = &'a Object> {
    context.cluster().objects.iter().filter(|object| {
        let is_calico =
            object.kind == "NetworkPolicy" && object.group().ends_with("projectcalico.org");
        is_calico || FOREIGN.contains(&object.kind.as_str())
    })
}

/// Whether two selectors are written alike.
pub(super) fn is_same(left: Field<'_, &Node>, right: Field<'_, &Node>) -> bool {
    let pairs = |field: Field<'_, &Node>| {
        let labels = look(field.known()?.1, &["matchLabels"]).known()?.1;
        let mut pairs: Vec<_> = labels
            .entries()
            .iter()
            .map(|entry| Some((entry.key.clone(), entry.value.text()?.to_owned())))
            .collect::<Option<_>>()?;
        pairs.sort();
        let has_expressions = look(field.known()?.1, &["matchExpressions"]).known().is_some();
        (!has_expressions && !pairs.is_empty()).then_some(pairs)
    };
    pairs(left).is_some_and(|left| Some(left) == pairs(right))
}

impl Direction {
    /// The key of its peers.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Ingress => "from",
            Self::Egress => "to",
        }
    }

    /// What it is called.
    pub(super) const fn what(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }
}

impl<'a> Policy<'a> {
    /// What says which pods it is for.
    pub(super) fn selector(self) -> Field<'a, &'a Node> {
        self.object.field(&["spec", "podSelector"])
    }

    /// Whether it is for a pod; `None` where it can not be told.
    pub(super) fn selects(self, pod: &Pod<'_>) -> Option<bool> {
        let is_near = may_share(self.object, pod.object);
        if is_near == Some(false) {
            return Some(false);
        }
        match selects(self.selector(), &pod.labels()) {
            Some(true) => is_near,
            answer => answer,
        }
    }

    /// Whether it is for all pods of its namespace; `None` where it can not be told.
    pub(super) fn selects_everything(self) -> Option<bool> {
        match self.selector() {
            Field::Absent => Some(true),
            Field::Is(_, node) => is_everything(node),
            Field::Untold(_) => None,
        }
    }

    /// Where its types stand.
    pub(super) fn types_at(self) -> At {
        let types = self.object.field(&["spec", "policyTypes"]);
        types.or(self.object.field(&["spec"])).at(self.object.node.at)
    }

    /// Whether it closes this direction but for its rules; `None` where it can not be told.
    pub(super) fn isolates(self, direction: Direction) -> Option<bool> {
        let name = match direction {
            Direction::Ingress => "Ingress",
            Direction::Egress => "Egress",
        };
        match self.object.field(&["spec", "policyTypes"]).list() {
            Field::Untold(_) => None,
            Field::Is(_, types) if !types.is_empty() => {
                let names: Vec<_> = types.iter().map(Node::text).collect();
                if names.contains(&Some(name)) {
                    return Some(true);
                }
                let is_read = names.iter().all(|name| name.is_some_and(|name| !is_template(name)));
                is_read.then_some(false)
            }
            // What stands in for them: ingress always, egress where there are rules for it.
            Field::Is(..) | Field::Absent if direction == Direction::Ingress => Some(true),
            Field::Is(..) | Field::Absent => match self.object.field(&["spec", "egress"]).list() {
                Field::Absent => Some(false),
                Field::Is(_, rules) => Some(!rules.is_empty()),
                Field::Untold(_) => None,
            },
        }
    }

    fn directions(self) -> impl Iterator<Item = Direction> + use<'a> {
        let both = [Direction::Ingress, Direction::Egress].into_iter();
        both.filter(move |direction| self.isolates(*direction) != Some(false))
    }

    /// Its rules, as far as they apply.
    pub(super) fn rules(self) -> Vec<NetworkRule<'a>> {
        let of = move |direction: Direction| {
            let items = self.object.field(&["spec", direction.what()]).items().iter();
            items.map(move |node| NetworkRule { direction, node })
        };
        self.directions().flat_map(of).collect()
    }

    /// What stands in place of its rules.
    pub(super) fn unreadable(self) -> Vec<(Direction, &'a Node)> {
        let of = move |direction: Direction| {
            let node = self.object.field(&["spec", direction.what()]).list().untold()?;
            Some((direction, node))
        };
        self.directions().filter_map(of).collect()
    }
}

impl NetworkRule<'_> {
    /// Whom it lets through.
    pub(super) fn reach(&self) -> Reach {
        let key = self.direction.key();
        if !matches!(self.node.value, Value::Map(_) | Value::Null) {
            return Reach::Untold(self.node.defined, "a rule that can not be read".to_owned());
        }
        let peers = match look(self.node, &[key]).list() {
            Field::Absent if self.node.entries().is_empty() => {
                return Reach::Any(self.node.defined, "a rule without anything in it".to_owned());
            }
            Field::Absent => return Reach::Any(self.node.defined, format!("no `{key}`")),
            Field::Untold(node) => {
                return Reach::Untold(node.defined, format!("`{key}` that can not be read"));
            }
            Field::Is(at, []) => return Reach::Any(at, format!("an empty `{key}`")),
            Field::Is(_, peers) => peers,
        };
        let mut untold = None;
        let mut first = None;
        let mut blocks = Vec::new();
        for peer in peers {
            match reach_of(peer) {
                Ok(reach @ Reach::Any(..)) => return reach,
                Ok(Reach::Some) => {}
                Ok(reach @ (Reach::Untold(..) | Reach::Most(..))) => {
                    untold = untold.or(Some(reach));
                }
                Err((at, parts)) => {
                    first = first.or(Some(at));
                    blocks.extend(parts);
                }
            }
        }
        // Blocks that are everything together are everything.
        if let (Some(at), true) = (first, are_everything(&blocks)) {
            return Reach::Any(at, "blocks that together are every address".to_owned());
        }
        untold.unwrap_or(Reach::Some)
    }

    /// To which ports.
    pub(super) fn ports(&self) -> Ports {
        let ports = match look(self.node, &["ports"]).list() {
            Field::Absent | Field::Is(_, []) => return Ports::Any,
            Field::Untold(_) => return Ports::Untold,
            Field::Is(_, ports) => ports,
        };
        let ranges: Vec<_> = ports.iter().map(range).collect();
        if ranges.iter().any(|range| matches!(range, Range::Numbers(..=1, 65_535..))) {
            Ports::Any
        } else if ranges.contains(&Range::Untold) {
            Ports::Untold
        } else {
            Ports::Some
        }
    }

    /// Whether it reaches port 80 of an address of the network.
    pub(super) fn reaches(&self, address: &str) -> Answer {
        let Some(wanted) = address.parse().ok().map(number) else { return Answer::No };
        let ports = look(self.node, &["ports"]).list();
        let ranges: Vec<_> = match ports {
            Field::Absent | Field::Is(_, []) => vec![Range::Numbers(0, 65_535)],
            Field::Untold(_) => vec![Range::Untold],
            Field::Is(_, ports) => ports.iter().filter(|port| is_tcp(port)).map(range).collect(),
        };
        let has_http = ranges.iter().any(|range| matches!(range, Range::Numbers(..=80, 80..)));
        if !has_http && !ranges.contains(&Range::Untold) {
            return Answer::No;
        }
        let untold = |at| Answer::Untold(at, "addresses or ports that can not be read".to_owned());
        let yes = |at, found: String| if has_http { Answer::Yes(at, found) } else { untold(at) };
        let peers = match look(self.node, &[self.direction.key()]).list() {
            Field::Absent | Field::Is(_, []) => {
                return yes(self.node.defined, "a rule that names no peers".to_owned());
            }
            Field::Untold(node) => return untold(node.defined),
            Field::Is(_, peers) => peers,
        };
        let mut answer = Answer::No;
        for block in peers.iter().filter_map(|peer| look(peer, &["ipBlock"]).known()) {
            let (_, node) = block;
            let Some((at, text)) = look(node, &["cidr"]).text().known() else {
                answer = untold(node.defined);
                continue;
            };
            match Block::parse(text) {
                Some(block) if !block.contains(wanted) => continue,
                Some(_) => {}
                None => {
                    answer = untold(at);
                    continue;
                }
            }
            let except = look(node, &["except"]);
            let excepted: Vec<_> =
                except.items().iter().map(|item| item.text().and_then(Block::parse)).collect();
            if excepted.iter().flatten().any(|block| block.contains(wanted)) {
                continue;
            }
            if excepted.contains(&None) || except.list().untold().is_some() {
                answer = untold(at);
                continue;
            }
            return yes(at, format!("`{text}`"));
        }
        answer
    }
}

fn is_tcp(port: &Node) -> bool {
    look(port, &["protocol"]).text().known().is_none_or(|(_, protocol)| protocol == "TCP")
}

/// The ports of one entry.
#[derive(Debug, PartialEq, Eq)]
enum Range {
    Numbers(i64, i64),
    Named,
    Untold,
}

fn range(node: &Node) -> Range {
    if !matches!(node.value, Value::Map(_) | Value::Null) {
        return Range::Untold;
    }
    let port = look(node, &["port"]);
    match (port.number(), look(node, &["endPort"]).number()) {
        (Field::Absent, _) => Range::Numbers(0, 65_535),
        (Field::Is(_, first), Field::Absent) => Range::Numbers(first, first),
        (Field::Is(_, first), Field::Is(_, last)) => Range::Numbers(first, last),
        (Field::Untold(_), _) if port.text().known().is_some() => Range::Named,
        _ => Range::Untold,
    }
}

/// Whom a peer lets through; a block of addresses is handed back, as what its exceptions leave of it.
fn reach_of(peer: &Node) -> Result<Reach, (At, Vec<Block>)> {
    if !matches!(peer.value, Value::Map(_) | Value::Null) {
        return Ok(Reach::Untold(peer.defined, "a peer that can not be read".to_owned()));
    }
    if peer.entries().is_empty() {
        return Ok(Reach::Any(peer.defined, "a peer without anything in it".to_owned()));
    }
    match look(peer, &["ipBlock"]) {
        Field::Absent => {}
        Field::Untold(node) | Field::Is(_, node) => return reach_of_block(node),
    }
    let namespaces = match look(peer, &["namespaceSelector"]) {
        // Without it, pods of the same namespace are meant.
        Field::Absent => return Ok(Reach::Some),
        Field::Untold(node) | Field::Is(_, node) => node,
    };
    let pods = match look(peer, &["podSelector"]) {
        Field::Absent => Some(true),
        Field::Untold(_) => None,
        Field::Is(_, node) => is_everything(node),
    };
    Ok(match (is_every_namespace(namespaces), pods) {
        (Some(true), Some(true)) => {
            Reach::Any(namespaces.defined, "a `namespaceSelector` of every namespace".to_owned())
        }
        (Some(false), _) | (_, Some(false)) => {
            let is_most = |selector: &Node| {
                is_every_namespace(selector) == Some(true) || is_negative(selector)
            };
            let pods = look(peer, &["podSelector"]).known();
            if is_most(namespaces) && pods.is_none_or(|(_, pods)| is_most(pods)) {
                let found = "selectors that say who is left out alone";
                Reach::Most(namespaces.defined, found.to_owned())
            } else {
                Reach::Some
            }
        }
        _ => Reach::Untold(namespaces.defined, "a selector that can not be read".to_owned()),
    })
}

/// Whether a selector selects by what is not there alone: everything may be without it.
fn is_negative(selector: &Node) -> bool {
    let labels = look(selector, &["matchLabels"]).known();
    let has_labels = labels.is_some_and(|(_, labels)| !labels.entries().is_empty());
    let expressions = look(selector, &["matchExpressions"]).items();
    let is_not = |expression: &Node| {
        matches!(expression.text_of("operator"), Some("NotIn" | "DoesNotExist"))
    };
    !has_labels && !expressions.is_empty() && expressions.iter().all(is_not)
}

/// Whether a selector selects every namespace; each has a label with its name.
fn is_every_namespace(selector: &Node) -> Option<bool> {
    if is_everything(selector)? {
        return Some(true);
    }
    let has_labels = look(selector, &["matchLabels"])
        .known()
        .is_some_and(|(_, labels)| !labels.entries().is_empty());
    let is_of_all = |expression: &Node| {
        expression.text_of("key") == Some("kubernetes.io/metadata.name")
            && expression.text_of("operator") == Some("Exists")
    };
    let expressions = look(selector, &["matchExpressions"]).items();
    Some(!has_labels && expressions.iter().all(is_of_all))
}

fn reach_of_block(node: &Node) -> Result<Reach, (At, Vec<Block>)> {
    let Some((at, text)) = look(node, &["cidr"]).text().known() else {
        return Ok(Reach::Untold(node.defined, "a block that can not be read".to_owned()));
    };
    let Some(block) = Block::parse(text) else {
        return Ok(Reach::Untold(at, format!("`{text}`, which is no block of addresses")));
    };
    let except = look(node, &["except"]);
    let read = |item: &Node| item.text().and_then(Block::parse);
    let excepted: Option<Vec<_>> = except.items().iter().map(read).collect();
    let excepted = excepted.filter(|_| except.list().untold().is_none());
    let Some(excepted) = excepted else {
        return Ok(Reach::Untold(at, format!("`{text}` with an `except` that can not be read")));
    };
    if block.bits == 0 && excepted.is_empty() {
        return Ok(Reach::Any(at, format!("`{text}`")));
    }
    Err((at, block.without(excepted)))
}

/// Which kind of address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    V4,
    V6,
}

/// A block of addresses, or what exceptions leave of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    family: Family,
    bits: u32,
    /// The first and the last address, as numbers of 128 bits, of which IPv4 has the upper 32.
    first: u128,
    last: u128,
}

/// An address as a number of 128 bits, of which IPv4 has the upper 32.
fn number(address: IpAddr) -> (Family, u128) {
    match address {
        IpAddr::V4(address) => (Family::V4, u128::from(address.to_bits()) << 96),
        IpAddr::V6(address) => (Family::V6, address.to_bits()),
    }
}

impl Block {
    /// What these leave of it, in order.
    fn without(self, mut excepted: Vec<Self>) -> Vec<Self> {
        excepted.retain(|block| block.family == self.family && block.last >= self.first);
        excepted.sort_by_key(|block| block.first);
        let mut left = Vec::new();
        let mut start = self.first;
        for block in excepted.iter().take_while(|block| block.first <= self.last) {
            if let Some(last) = block.first.checked_sub(1).filter(|last| *last >= start) {
                left.push(Self { first: start, last, ..self });
            }
            match block.last.checked_add(1) {
                Some(next) => start = start.max(next),
                None => return left,
            }
        }
        if start <= self.last {
            left.push(Self { first: start, ..self });
        }
        left
    }

    /// Reads one (`10.0.0.0/8`); nothing where it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.trim().split_once('/')?;
        let (family, number) = number(address.parse().ok()?);
        let bits: u32 = bits.parse().ok()?;
        let most = match family {
            Family::V4 => 32,
            Family::V6 => 128,
        };
        if bits > most {
            return None;
        }
        let rest = u128::MAX.checked_shr(bits).unwrap_or(0);
        Some(Self { family, bits, first: number & !rest, last: number | rest })
    }

    fn contains(&self, (family, number): (Family, u128)) -> bool {
        self.family == family && (self.first..=self.last).contains(&number)
    }
}

/// Whether blocks are all addresses of a family together.
pub(super) fn are_everything(blocks: &[Block]) -> bool {
    [Family::V4, Family::V6].into_iter().any(|family| covers(blocks, family))
}

fn covers(blocks: &[Block], family: Family) -> bool {
    let mut blocks: Vec<_> = blocks.iter().filter(|block| block.family == family).collect();
    blocks.sort_by_key(|block| block.first);
    let mut next = Some(0_u128);
    for block in blocks {
        match next {
            Some(start) if block.first <= start => {
                next = if block.last == u128::MAX {
                    None
                } else {
                    Some(start.max(block.last.saturating_add(1)))
                };
            }
            _ => break,
        }
    }
    next.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_leave_what_is_between_them() {
        let of = |text: &str| Block::parse(text).unwrap();
        let left = |block: &str, excepted: &[&str]| {
            let excepted = excepted.iter().map(|text| of(text)).collect();
            let left = of(block).without(excepted);
            left.iter().map(|part| (part.first >> 96, part.last >> 96)).collect::<Vec<_>>()
        };
        let most = u128::from(u32::MAX);
        assert_eq!(left("0.0.0.0/0", &[]), [(0, most)]);
        assert_eq!(left("0.0.0.0/0", &["0.0.0.0/1"]), [(1 << 31, most)]);
        assert_eq!(left("0.0.0.0/0", &["128.0.0.0/1"]), [(0, (1 << 31) - 1)]);
        assert_eq!(left("0.0.0.0/0", &["0.0.0.1/32", "0.0.0.0/31"]), [(2, most)]);
        assert_eq!(left("0.0.0.0/30", &["0.0.0.1/32", "10.0.0.0/8", "::/0"]), [(0, 0), (2, 3)]);
        assert_eq!(left("0.0.0.0/0", &["0.0.0.0/0"]), []);
    }

    #[test]
    fn blocks_are_read_with_their_ends() {
        let block = |text: &str| Block::parse(text);
        let of = |address: &str| number(address.parse().unwrap());
        assert!(block("10.0.0.0/8").unwrap().contains(of("10.255.255.255")));
        assert!(!block("10.0.0.0/8").unwrap().contains(of("11.0.0.0")));
        assert!(!block("10.0.0.0/8").unwrap().contains(of("a00::")));
        assert!(block("169.254.169.254/32").unwrap().contains(of("169.254.169.254")));
        assert_eq!(block("::/0").unwrap().last, u128::MAX);
        assert_eq!(block("::1/128").map(|block| (block.first, block.last)), Some((1, 1)));
        for bad in ["10.0.0.0", "10.0.0.0/33", "::/129", "x/0", "10.0.0/8", "", "/"] {
            assert_eq!(block(bad), None, "{bad}");
        }
    }
}
