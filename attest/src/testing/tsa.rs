//! A timestamp authority (RFC 3161), whose tokens name their certificate as RFC 5816 wants it.

use super::{
    Flaw,
    der::{
        explicit, generalized_time, integer, number, octets, oid, sequence, set_of, sorted, tagged,
        utc_time,
    },
    keys::{random, sha256},
    server::{Reply, Seen},
    x509::{Authority, TIME_STAMPING, algorithm},
};
use crate::der::values;
use jiff::Timestamp;
use std::collections::BTreeSet;

const SHA256: &str = "2.16.840.1.101.3.4.2.1";
const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";
const TST_INFO: &str = "1.2.840.113549.1.9.16.1.4";
/// Policy of Sigstore's authorities.
const POLICY: &str = "1.3.6.1.4.1.57264.2";
const INTEGER: u8 = 0x02;
const BOOLEAN: u8 = 0x01;
const SEQUENCE: u8 = 0x30;

pub(super) struct Tsa {
    pub(super) root: Authority,
    pub(super) signer: Authority,
}

/// What is to be dated.
struct Query {
    imprint: Vec<u8>,
    nonce: Option<Vec<u8>>,
    certificate: bool,
}

impl Tsa {
    pub(super) fn new(valid: [Timestamp; 2]) -> Self {
        let root = Authority::root("tsa-root", valid);
        let signer = root.end("tsa", TIME_STAMPING, valid);
        Self { root, signer }
    }

    /// Answers below `/tsa`.
    pub(super) fn answer(
        &self,
        path: &str,
        seen: &Seen,
        (flaws, now): (&BTreeSet<Flaw>, Timestamp),
    ) -> Reply {
        if (seen.method.as_str(), path) != ("POST", "/api/v1/timestamp") {
            return Reply::status(404);
        }
        let Some(mut query) = query(&seen.body) else {
            return Reply::refusal(400, "Error parsing timestamp request");
        };
        if flaws.contains(&Flaw::WrongNonce) {
            query.nonce = Some(random::<8>().to_vec());
        }
        let time = if flaws.contains(&Flaw::FutureTime) { super::in_an_hour(now) } else { now };
        let granted = sequence(&[number(0)]);
        let token = sequence(&[oid(SIGNED_DATA), explicit(0, &self.signed_data(&query, time))]);
        Reply::bytes("application/timestamp-reply", sequence(&[granted, token])).with_status(201)
    }

    /// RFC 5652 §5.1.
    fn signed_data(&self, query: &Query, time: Timestamp) -> Vec<u8> {
        let info = self.info(query, time);
        let attributes = self.attributes(&info, time);
        // What is signed is the set under its own tag; what is written has the tag of the field.
        let signature = self.signer.key.sign(&set_of(&attributes));
        let signer = sequence(&[
            number(1),
            sequence(&[self.root.name.clone(), self.signer.serial.clone()]),
            sequence(&[oid(SHA256)]),
            explicit(0, &sorted(&attributes)),
            algorithm(),
            octets(&signature),
        ]);
        let certificates =
            if query.certificate { explicit(0, &self.signer.certificate) } else { Vec::new() };
        sequence(&[
            number(3),
            set_of(&[sequence(&[oid(SHA256)])]),
            sequence(&[oid(TST_INFO), explicit(0, &octets(&info))]),
            certificates,
            set_of(&[signer]),
        ])
    }

    /// RFC 3161 §2.4.2.
    fn info(&self, query: &Query, time: Timestamp) -> Vec<u8> {
        sequence(&[
            number(1),
            oid(POLICY),
            query.imprint.clone(),
            integer(&random::<16>()),
            generalized_time(time),
            // It is right to a second.
            sequence(&[number(1)]),
            query.nonce.as_deref().map(integer).unwrap_or_default(),
            explicit(0, &explicit(4, &self.signer.name)),
        ])
    }

    fn attributes(&self, info: &[u8], time: Timestamp) -> [Vec<u8>; 4] {
        let attribute = |id: &str, value: Vec<u8>| sequence(&[oid(id), set_of(&[value])]);
        // RFC 5816: SHA-256 is the default, so it is left out.
        let issuer = sequence(&[explicit(4, &self.root.name)]);
        let certificate = sequence(&[
            octets(&sha256(&self.signer.certificate)),
            sequence(&[issuer, self.signer.serial.clone()]),
        ]);
        [
            attribute("1.2.840.113549.1.9.3", oid(TST_INFO)),
            attribute("1.2.840.113549.1.9.5", utc_time(time)),
            attribute("1.2.840.113549.1.9.4", octets(&sha256(info))),
            attribute("1.2.840.113549.1.9.16.2.47", sequence(&[sequence(&[certificate])])),
        ]
    }
}

/// RFC 3161 §2.4.1: version, imprint, and what may be left out.
fn query(bytes: &[u8]) -> Option<Query> {
    let outer = values(bytes)?;
    let [(SEQUENCE, fields)] = outer.as_slice() else { return None };
    let fields = values(fields)?;
    let (version, rest) = fields.split_first()?;
    let (imprint, rest) = rest.split_first()?;
    if *version != (INTEGER, &[1][..]) || imprint.0 != SEQUENCE {
        return None;
    }
    let find = |tag: u8| rest.iter().find(|(found, _)| *found == tag).map(|(_, content)| *content);
    Some(Query {
        imprint: tagged(imprint.0, imprint.1),
        nonce: find(INTEGER).map(<[u8]>::to_vec),
        certificate: find(BOOLEAN).is_some_and(|content| content == [0xff]),
    })
}
