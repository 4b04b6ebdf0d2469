//! What the rules about `EXPOSE` have in common: which ports it names.
//!
//! Grammar: <https://docs.docker.com/reference/dockerfile/#expose>; ranges and host ports as BuildKit's parser takes them.

use super::{
    Raised, RuleContext,
    commands::{self, Placed},
    inputs,
};
use crate::{
    decide::Action,
    dockerfile::{Expanded, Position},
};

/// One port specification.
#[derive(Debug)]
pub(super) struct Exposed<'a> {
    pub(super) placed: Placed<'a>,
    pub(super) at: Position,
    /// As text, variables replaced where all are known.
    pub(super) text: String,
    pub(super) ports: Ports,
}

/// The ports of a specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ports {
    /// From the one to the other, which may be none that there are.
    Range { low: u32, high: u32, protocol: Protocol },
    /// No specification at all.
    Malformed,
    /// It depends on this variable.
    Unknown(String),
}

/// What a port belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Tcp,
    Other,
}

impl Ports {
    /// The first of `wanted` that is among them, as a port of TCP.
    pub(super) fn first_of(&self, wanted: &[u32]) -> Option<u32> {
        match self {
            Self::Range { low, high, protocol: Protocol::Tcp } => {
                wanted.iter().copied().find(|port| (low..=high).contains(&port))
            }
            Self::Range { protocol: Protocol::Other, .. } | Self::Malformed | Self::Unknown(_) => {
                None
            }
        }
    }
}

/// Everything that the image exposes.
pub(super) fn exposed<'a>(context: &RuleContext<'a>) -> Vec<Exposed<'a>> {
    let steps = commands::in_image(context).filter(|placed| placed.is("EXPOSE"));
    let each = steps.flat_map(|placed| {
        placed.step.arguments.iter().flat_map(move |argument| {
            let exposed = |text: &str, ports| Exposed {
                placed,
                at: argument.at,
                text: text.to_owned(),
                ports,
            };
            match &argument.value {
                // A variable may hold several.
                Some(Expanded::Known(text)) => {
                    text.split_whitespace().map(|text| exposed(text, parse(text))).collect()
                }
                Some(Expanded::Unknown { variable }) => {
                    let written = argument.written.as_deref().unwrap_or_default();
                    vec![exposed(written, Ports::Unknown(variable.clone()))]
                }
                None => Vec::new(),
            }
        })
    });
    each.collect()
}

/// The finding for each specification that has one of these ports, or of which it can not be told.
pub(super) fn check(
    context: &RuleContext<'_>,
    wanted: &[u32],
    (title, untold, expected): (&str, &str, &str),
) -> Vec<Raised> {
    let raise = |exposed: Exposed<'_>| {
        let place = inputs::place(exposed.placed.build, exposed.at);
        let text = &exposed.text;
        if let Ports::Unknown(variable) = &exposed.ports {
            let found =
                format!("`EXPOSE {text}`, where `{variable}` has no value that is known here");
            // `EXPOSE` opens nothing by itself: a port that is hidden is no reason to stop.
            let raised = context.unknown(place, untold, found, expected);
            return Some(raised.at_most(Action::Warn));
        }
        exposed.ports.first_of(wanted)?;
        Some(context.fail(place, title, format!("`EXPOSE {text}`"), expected))
    };
    exposed(context).into_iter().filter_map(raise).collect()
}

/// `[[ADDRESS:]PORT:]PORT[-PORT][/PROTOCOL]`.
fn parse(text: &str) -> Ports {
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = match protocol.to_ascii_lowercase().as_str() {
        "tcp" | "" => Protocol::Tcp,
        "udp" | "sctp" => Protocol::Other,
        _ => return Ports::Malformed,
    };
    let ports = ports.rsplit(':').next().unwrap_or_default();
    let (low, high) = ports.split_once('-').unwrap_or((ports, ports));
    match (low.parse(), high.parse()) {
        (Ok(low), Ok(high)) => Ports::Range { low, high, protocol },
        _ => Ports::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_port_is_read() {
        let range = |low, high, protocol| Ports::Range { low, high, protocol };
        for (text, expect) in [
            ("22", range(22, 22, Protocol::Tcp)),
            ("20-25/TCP", range(20, 25, Protocol::Tcp)),
            ("53/udp", range(53, 53, Protocol::Other)),
            ("127.0.0.1:8022:22", range(22, 22, Protocol::Tcp)),
            ("99999999", range(99_999_999, 99_999_999, Protocol::Tcp)),
            ("99999999999", Ports::Malformed),
            ("-1", Ports::Malformed),
            ("http", Ports::Malformed),
            ("22/x", Ports::Malformed),
            ("", Ports::Malformed),
        ] {
            assert_eq!(parse(text), expect, "{text}");
        }
    }
}
