//! Reads a file or a stream of IPFIX with one of two crates, and prints each message as JSON, or only
//! the number of records: `readers netgauze|netflow_parser [--count] FILE`.

use std::collections::HashMap;
use std::error::Error;
use std::io::Write;

use netflow_parser::NetflowParser;
use netgauze_flow_pkt::ipfix::{IpfixPacket, Set};
use netgauze_parse_utils::reader::SliceReader;
use netgauze_parse_utils::traits::ParseFromWithOneInput;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<_> = std::env::args().skip(1).collect();
    let counts = arguments.len() == 3 && arguments[1] == "--count";
    if counts {
        arguments.remove(1);
    }
    let [reader, path] = arguments.as_slice() else {
        return Err("usage: readers netgauze|netflow_parser [--count] FILE".into());
    };
    let bytes = std::fs::read(path)?;
    let mut out = std::io::stdout().lock();
    match (reader.as_str(), counts) {
        ("netgauze", false) => {
            let mut templates = HashMap::new();
            for message in messages(&bytes) {
                writeln!(out, "{}", serde_json::to_string(&netgauze(message?, &mut templates)?)?)?;
            }
        }
        ("netgauze", true) => {
            let (mut templates, mut records, mut sequence) = (HashMap::new(), 0, 0);
            for message in messages(&bytes) {
                let message = netgauze(message?, &mut templates)?;
                // The number of records before the message (RFC 7011, section 3.1).
                if message.sequence_number() != sequence {
                    return Err(format!("{sequence} records before a message").into());
                }
                for set in message.sets() {
                    if let Set::Data { records: of_set, .. } = set {
                        sequence += u32::try_from(of_set.len())?;
                        let is_flow = |record: &&_| is_flow(record);
                        records += of_set.iter().filter(is_flow).count();
                    }
                }
            }
            writeln!(out, "{records}")?;
        }
        ("netflow_parser", false) => {
            let mut parser = NetflowParser::default();
            for message in messages(&bytes) {
                let parsed = parser.parse_bytes(message?);
                if let Some(error) = parsed.error {
                    return Err(error.to_string().into());
                }
                writeln!(out, "{}", serde_json::to_string(&parsed.packets)?)?;
            }
        }
        _ => return Err("unknown reader".into()),
    }
    Ok(())
}

fn is_flow(record: &netgauze_flow_pkt::ipfix::DataRecord) -> bool {
    record.scope_fields().is_empty()
}

fn netgauze(
    message: &[u8],
    templates: &mut netgauze_flow_pkt::ipfix::TemplatesMap,
) -> Result<IpfixPacket, Box<dyn Error>> {
    IpfixPacket::parse(&mut SliceReader::new(message), templates)
        .map_err(|error| format!("{error:?}").into())
}

/// Divides a stream into messages by the length in their headers.
fn messages(mut bytes: &[u8]) -> impl Iterator<Item = Result<&[u8], Box<dyn Error>>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let len = bytes.get(2..4).map(|len| usize::from(len[0]) << 8 | usize::from(len[1]));
        match len.filter(|len| *len >= 16).and_then(|len| bytes.split_at_checked(len)) {
            Some((message, rest)) => {
                bytes = rest;
                Some(Ok(message))
            }
            None => {
                bytes = &[];
                Some(Err("a message is cut".into()))
            }
        }
    })
}
