//! Whether a server speaks TLS 1.0 or 1.1, which no library here does: the first message of a handshake, by hand.
//!
//! RFC 4346 (TLS 1.1), section 7.4.1.2; extensions of RFC 6066, section 3, and RFC 4492, section 5.1. Nothing is negotiated: what
//! the server answers first tells.

use plimsoll_model::registry::{OldTls, Told};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use url::{Host, Url};

const HANDSHAKE: u8 = 22;
const ALERT: u8 = 21;
const SERVER_HELLO: u8 = 2;
const TLS_1_1: [u8; 2] = [3, 2];

/// Ways to encrypt that versions before 1.2 have: ECDHE, DHE and RSA with AES or 3DES, and SHA-1.
const CIPHERS: [u16; 10] =
    [0xc009, 0xc00a, 0xc013, 0xc014, 0x0033, 0x0039, 0x002f, 0x0035, 0xc012, 0x000a];
/// secp256r1, secp384r1, secp521r1 and x25519.
const GROUPS: [u16; 4] = [23, 24, 25, 29];

/// Begins a handshake of TLS 1.1 and listens to the first answer.
pub(super) async fn ask(origin: &Url) -> Told<OldTls> {
    let untold = |why: &str| Told::Untold(why.to_owned());
    let (Some(host), Some(port)) = (origin.host(), origin.port_or_known_default()) else {
        return untold("its address has no host");
    };
    // A proxy is not gone through.
    let connected = match host {
        Host::Domain(name) => TcpStream::connect((name, port)).await,
        Host::Ipv4(address) => TcpStream::connect((address, port)).await,
        Host::Ipv6(address) => TcpStream::connect((address, port)).await,
    };
    let Ok(mut stream) = connected else { return untold("it can not be reached without a proxy") };
    let name = origin.domain().unwrap_or_default();
    if stream.write_all(&client_hello(name)).await.is_err() {
        return Told::Is(OldTls::Declined);
    }
    // The head of the record, the head of the message, and its version.
    let mut answer = [0; 11];
    let mut length = 0;
    while let Some(rest) = answer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match stream.read(rest).await {
            Ok(0) | Err(_) => break,
            Ok(read) => length = length.saturating_add(read),
        }
    }
    read(answer.get(..length).unwrap_or_default())
}

/// What the first bytes of an answer mean.
fn read(answer: &[u8]) -> Told<OldTls> {
    match answer {
        // Who hangs up does not speak it, nor who says so.
        [] | [ALERT, ..] => Told::Is(OldTls::Declined),
        [HANDSHAKE, 3, _, _, _, SERVER_HELLO, _, _, _, 3, 0..=2] => Told::Is(OldTls::Spoken),
        _ => Told::Untold("what it answers is none of TLS before 1.2".to_owned()),
    }
}

/// A record with a `ClientHello` for this name, or for none.
fn client_hello(name: &str) -> Vec<u8> {
    let mut body = Vec::from(TLS_1_1);
    // Nothing is kept secret by what would follow from it.
    body.extend([0x50; 32]);
    body.push(0);
    body.extend(counted(&numbers(&CIPHERS)));
    body.extend([1, 0]);
    let mut extensions = Vec::new();
    if !name.is_empty() {
        let entry = [vec![0], counted(name.as_bytes())].concat();
        extensions.extend(extension(0, &counted(&entry)));
    }
    extensions.extend(extension(10, &counted(&numbers(&GROUPS))));
    extensions.extend(extension(11, &[1, 0]));
    body.extend(counted(&extensions));
    // The length of a message has three bytes.
    let message = [vec![1, 0], counted(&body)].concat();
    [vec![HANDSHAKE, 3, 1], counted(&message)].concat()
}

fn numbers(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [kind.to_be_bytes().to_vec(), counted(content)].concat()
}

/// The bytes behind their number, which has two bytes; names and lists here are far shorter than that can say.
fn counted(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes(), bytes].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hello_says_how_long_each_of_its_parts_is() {
        let hello = client_hello("registry.corp");
        let length = |at: usize| usize::from(u16::from_be_bytes([hello[at], hello[at + 1]]));
        assert_eq!(hello[..3], [HANDSHAKE, 3, 1]);
        assert_eq!(length(3), hello.len() - 5);
        assert_eq!(hello[5..7], [1, 0]);
        assert_eq!(length(7), hello.len() - 9);
        assert_eq!(hello[9..11], TLS_1_1);
        let name = hello.windows(13).position(|part| part == b"registry.corp").unwrap();
        assert_eq!((length(name - 2), length(name - 5), length(name - 7)), (13, 16, 18));
        assert_eq!(client_hello("").len() + 22, hello.len());
    }

    #[test]
    fn the_first_answer_tells() {
        let hello = |minor| [HANDSHAKE, 3, 1, 0, 60, SERVER_HELLO, 0, 0, 56, 3, minor];
        assert_eq!(read(&hello(1)), Told::Is(OldTls::Spoken));
        assert_eq!(read(&hello(2)), Told::Is(OldTls::Spoken));
        assert_eq!(read(&[ALERT, 3, 1, 0, 2, 2, 70]), Told::Is(OldTls::Declined));
        assert_eq!(read(&[]), Told::Is(OldTls::Declined));
        for nonsense in [&b"HTTP/1.1 40"[..], &hello(3), &hello(1)[..7]] {
            assert!(matches!(read(nonsense), Told::Untold(_)), "{nonsense:?}");
        }
    }
}
