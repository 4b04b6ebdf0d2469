//! Certificates: of the authorities, and what all certificates have in common (RFC 5280).

use super::{
    der::{
        bits, explicit, generalized_time, implicit, integer, number, octets, oid, sequence, set_of,
        tagged, text, utc_time, yes,
    },
    keys::{Key, random, sha256},
};
use jiff::Timestamp;

/// `ecdsa-with-SHA256`.
const ECDSA_SHA256: &str = "1.2.840.10045.4.3.2";
/// Extended key usage: signing code, as Fulcio's certificates have it.
pub(super) const CODE_SIGNING: &str = "1.3.6.1.5.5.7.3.3";
/// Extended key usage: dating, as the certificates of timestamp authorities have it.
pub(super) const TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";
/// `digitalSignature`, as a bit string with seven bits unused.
const DIGITAL_SIGNATURE: [u8; 2] = [7, 0x80];
/// `keyCertSign` and `cRLSign`, with one bit unused.
const CERTIFICATE_SIGN: [u8; 2] = [1, 0x06];

/// A certificate with its key.
pub(super) struct Authority {
    /// The key.
    pub(super) key: Key,
    /// Its name, as DER.
    pub(super) name: Vec<u8>,
    /// Serial number of the certificate, as DER.
    pub(super) serial: Vec<u8>,
    /// The certificate.
    pub(super) certificate: Vec<u8>,
}

/// What a certificate says, but for its serial number and its issuer.
pub(super) struct Contents<'a> {
    /// Who it is about, as DER; empty where the extensions say that.
    pub(super) subject: &'a [u8],
    /// His key.
    pub(super) spki: &'a [u8],
    /// From when until when it holds.
    pub(super) valid: [Timestamp; 2],
    /// Extensions.
    pub(super) extensions: &'a [Vec<u8>],
}

impl Authority {
    /// A root.
    pub(super) fn root(common_name: &str, valid: [Timestamp; 2]) -> Self {
        let (key, name, serial) = (Key::ecdsa(), name(common_name), new_serial());
        let extensions = [
            extension("2.5.29.15", Critical::Yes, &tagged(0x03, &CERTIFICATE_SIGN)),
            extension("2.5.29.19", Critical::Yes, &sequence(&[yes()])),
            subject_key(&key.spki),
        ];
        let contents = Contents { subject: &name, spki: &key.spki, valid, extensions: &extensions };
        let certificate = sealed(&contents.to_be_signed(&serial, &name), &key);
        Self { key, name, serial, certificate }
    }

    /// An authority below this one, which issues for one use.
    pub(super) fn intermediate(
        &self,
        common_name: &str,
        usage: &str,
        valid: [Timestamp; 2],
    ) -> Self {
        let extensions = |key: &Key| {
            [
                extension("2.5.29.15", Critical::Yes, &tagged(0x03, &CERTIFICATE_SIGN)),
                extension("2.5.29.37", Critical::No, &sequence(&[oid(usage)])),
                extension("2.5.29.19", Critical::Yes, &sequence(&[yes(), number(0)])),
                subject_key(&key.spki),
                self.authority_key(),
            ]
        };
        self.subordinate(common_name, valid, extensions)
    }

    /// A signer below this one, for one use alone.
    pub(super) fn end(&self, common_name: &str, usage: &str, valid: [Timestamp; 2]) -> Self {
        let extensions = |key: &Key| {
            [
                extension("2.5.29.15", Critical::Yes, &tagged(0x03, &DIGITAL_SIGNATURE)),
                extension("2.5.29.37", Critical::Yes, &sequence(&[oid(usage)])),
                subject_key(&key.spki),
                self.authority_key(),
            ]
        };
        self.subordinate(common_name, valid, extensions)
    }

    fn subordinate<const N: usize>(
        &self,
        common_name: &str,
        valid: [Timestamp; 2],
        extensions: impl Fn(&Key) -> [Vec<u8>; N],
    ) -> Self {
        let (key, name, serial) = (Key::ecdsa(), name(common_name), new_serial());
        let extensions = extensions(&key);
        let contents = Contents { subject: &name, spki: &key.spki, valid, extensions: &extensions };
        let certificate = self.issue(&contents, &serial);
        Self { key, name, serial, certificate }
    }

    /// A certificate with these contents, by this authority.
    pub(super) fn issue(&self, contents: &Contents<'_>, serial: &[u8]) -> Vec<u8> {
        sealed(&contents.to_be_signed(serial, &self.name), &self.key)
    }

    /// The extension that says which key of the issuer's has signed.
    pub(super) fn authority_key(&self) -> Vec<u8> {
        let id = sequence(&[implicit(0, &sha256(&self.key.spki)[..20])]);
        extension("2.5.29.35", Critical::No, &id)
    }
}

impl Contents<'_> {
    /// The part that is signed.
    pub(super) fn to_be_signed(&self, serial: &[u8], issuer: &[u8]) -> Vec<u8> {
        sequence(&[
            explicit(0, &number(2)),
            serial.to_vec(),
            algorithm(),
            issuer.to_vec(),
            sequence(&self.valid.map(time)),
            self.subject.to_vec(),
            self.spki.to_vec(),
            explicit(3, &sequence(self.extensions)),
        ])
    }
}

/// Whether whoever does not know an extension has to refuse the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Critical {
    Yes,
    No,
}

/// An extension.
pub(super) fn extension(id: &str, critical: Critical, value: &[u8]) -> Vec<u8> {
    match critical {
        Critical::Yes => sequence(&[oid(id), yes(), octets(value)]),
        Critical::No => sequence(&[oid(id), octets(value)]),
    }
}

/// The extension that says which key it is.
pub(super) fn subject_key(spki: &[u8]) -> Vec<u8> {
    extension("2.5.29.14", Critical::No, &octets(&sha256(spki)[..20]))
}

/// The extensions of whoever signs code: for signatures, and for those of code.
pub(super) fn code_signing() -> [Vec<u8>; 2] {
    [
        extension("2.5.29.15", Critical::Yes, &tagged(0x03, &DIGITAL_SIGNATURE)),
        extension("2.5.29.37", Critical::No, &sequence(&[oid(CODE_SIGNING)])),
    ]
}

/// `ecdsa-with-SHA256`, which has no parameters.
pub(super) fn algorithm() -> Vec<u8> {
    sequence(&[oid(ECDSA_SHA256)])
}

/// A name of an organisation and something in it.
fn name(common_name: &str) -> Vec<u8> {
    let part = |id: &str, value: &str| set_of(&[sequence(&[oid(id), text(value)])]);
    sequence(&[part("2.5.4.10", "plimsoll.test"), part("2.5.4.3", common_name)])
}

/// A serial number nobody else has.
pub(super) fn new_serial() -> Vec<u8> {
    let mut bytes = random::<16>();
    bytes[0] |= 0x40;
    integer(&bytes)
}

/// RFC 5280 §4.1.2.5: years from 2050 on are written otherwise.
fn time(time: Timestamp) -> Vec<u8> {
    if time.to_zoned(jiff::tz::TimeZone::UTC).year() < 2050 {
        utc_time(time)
    } else {
        generalized_time(time)
    }
}

fn sealed(to_be_signed: &[u8], key: &Key) -> Vec<u8> {
    sequence(&[to_be_signed.to_vec(), algorithm(), bits(&key.sign(to_be_signed))])
}

/// PEM, as the services write it.
pub(super) fn to_pem(certificate: &[u8]) -> String {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_config(&pem::Pem::new("CERTIFICATE", certificate), config)
}
