//! Health care: HL7 messages in their lower layer (MLLP), and DICOM associations (PS3.8).

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::begins;
use crate::shape::{check, either, is_printable};

pub(crate) const HL7: Protocol = Protocol {
    id: ProtocolId(380),
    name: "HL7",
    category: Category(108),
    tcp_ports: &[2575],
    stream: Some(StreamRules::either(Start::Bytes(&[0x0b]), hl7)),
    ..Protocol::NEW
};

pub(crate) const DICOM: Protocol = Protocol {
    id: ProtocolId(438),
    name: "DICOM",
    category: Category(108),
    tcp_ports: &[104],
    stream: Some(StreamRules {
        client: Start::Bytes(&[1]),
        server: Start::Bytes(&[2, 3]),
        ..StreamRules::new(dicom)
    }),
    ..Protocol::NEW
};

fn hl7(streams: &Streams<'_>) -> Verdict {
    either(begins(streams.client, b"\x0bMSH|"), begins(streams.server, b"\x0bMSH|"))
}

fn dicom(streams: &Streams<'_>) -> Verdict {
    let association = |stream, is_client: bool| {
        check(stream, |reader| {
            let kind = reader.u8()?;
            let reserved = reader.u8()?;
            let len = reader.u32()?;
            // A rejection has a result, a source and a reason.
            if kind == 3 {
                return Some(
                    reserved == 0
                        && len == 4
                        && reader.u8()? == 0
                        && (1..=2).contains(&reader.u8()?)
                        && (1..=3).contains(&reader.u8()?),
                );
            }
            if reserved != 0 || !(68..1 << 16).contains(&len) {
                return Some(false);
            }
            Some(
                reader.u16()? == 1
                    && reader.u16()? == 0
                    && (!is_client || is_printable(reader.take(32)?)),
            )
        })
    };
    either(association(streams.client, true), association(streams.server, false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn hl7_frames_a_message_header() {
        assert_streams(&HL7, 2576, b"\x0bMSH|^~\\&|A|B", b"\x0bMSH|^~\\&|B|A");
        assert_eq!(streams(&HL7, 2575, b"\x0bPID|", b""), Verdict::No);
    }

    #[test]
    fn dicom_names_both_entities() {
        let request = [&b"\x01\0\0\0\0\xcd\0\x01\0\0"[..], b"STORE           ECHO            "];
        assert_streams(&DICOM, 11_112, &request.concat(), b"\x02\0\0\0\0\xb8\0\x01\0\0");
        assert_eq!(streams(&DICOM, 104, b"\x01\0\0\0\0\xcd\0\x02", b""), Verdict::No);
    }
}
