//! NTLM messages (MS-NLMP) inside other protocols: names of users and machines.

use crate::flow::Finding;
use crate::probe::Streams;
use crate::read::{le16, le32, text};

/// Names of an NTLM login; read only if personal data is wanted.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Ntlm {
    /// User.
    pub user: Box<str>,
    /// Domain of the user.
    pub domain: Box<str>,
    /// Machine of the user.
    pub workstation: Box<str>,
    /// Domain or machine that the server is.
    pub target: Box<str>,
}

const SIGNATURE: &[u8] = b"NTLMSSP\0";

/// Reads the login; returns whether the last message of it was there with all its names.
pub(crate) fn read(streams: &Streams<'_>, finding: &mut Finding) -> bool {
    for message in messages(streams.server) {
        if le32(message, 8) == Some(2) {
            let target = field(message, 12).unwrap_or_default();
            finding.metadata().ntlm.get_or_insert_default().target = target;
        }
    }
    for message in messages(streams.client) {
        if le32(message, 8) == Some(3) {
            let names = [28, 36, 44].map(|place| field(message, place));
            let complete = names.iter().all(Option::is_some);
            let ntlm = finding.metadata().ntlm.get_or_insert_default();
            [ntlm.domain, ntlm.user, ntlm.workstation] = names.map(Option::unwrap_or_default);
            return complete;
        }
    }
    false
}

fn messages(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let starts = stream.windows(SIGNATURE.len()).enumerate();
    let starts = starts.filter(|(_, window)| *window == SIGNATURE);
    starts.filter_map(|(start, _)| stream.get(start..))
}

/// Returns the text that the length and offset at `place` point to.
fn field(message: &[u8], place: usize) -> Option<Box<str>> {
    let len = usize::from(le16(message, place)?);
    let offset = usize::try_from(le32(message, place + 4)?).ok()?;
    let bytes = message.get(offset..)?.get(..len)?;
    let unicode = bytes.len() % 2 == 0 && bytes.iter().skip(1).step_by(2).any(|byte| *byte == 0);
    if !unicode {
        return Some(text(bytes));
    }
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let decoded: String =
        char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    Some(text(decoded.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::TCP;
    use crate::protocols::testing;

    #[test]
    fn names_are_read() {
        let mut message = [SIGNATURE, &[3, 0, 0, 0]].concat();
        message.resize(64, 0);
        for (place, offset, len) in [(28, 64_u8, 2_u8), (36, 66, 4), (44, 70, 2)] {
            message[place] = len;
            message[place + 4] = offset;
        }
        message.extend_from_slice(b"D\0m\0e\0PC");
        let client = [b"\0\0\0\0junk", &message[..]].concat();
        let endpoints = testing::endpoints(TCP, 445);
        let mut finding = Finding::default();
        let streams =
            Streams { endpoints: &endpoints, client: &client, server: b"", swapped: false };
        assert!(read(&streams, &mut finding));
        let cut = Streams { client: &client[..client.len() - 1], ..streams };
        assert!(!read(&cut, &mut Finding::default()), "a name is cut");
        let expected = Ntlm {
            user: "me".into(),
            domain: "D".into(),
            workstation: "PC".into(),
            ..Ntlm::default()
        };
        assert_eq!(finding.found_metadata().unwrap().ntlm.as_deref(), Some(&expected));
    }
}
