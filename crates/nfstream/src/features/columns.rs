//! The one table of columns: names, types, units and meanings.
//!
//! The Arrow schema, the header of CSV, the attributes in Python and the reference page are all
//! made from it.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::{Names, Record};
use crate::flow::Direction::{Dst2Src, Src2Dst};
use crate::flow::Sender;

/// A column of the flow table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name, the same everywhere.
    pub name: &'static str,
    /// What switches it on.
    pub group: Group,
    /// Unit of its numbers, empty where there is none.
    pub unit: &'static str,
    /// What it holds, one sentence without a full stop.
    pub meaning: &'static str,
    /// How its value is read from a record.
    pub read: Read,
}

/// Columns that come and go together.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Group {
    /// Always there.
    Base,
    /// With deep packet inspection.
    Application,
}

/// The type of a column and how its value is read.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub enum Read {
    /// Unsigned, 8 bits.
    U8(fn(&Record) -> u8),
    /// Unsigned, 16 bits.
    U16(fn(&Record) -> u16),
    /// Signed, 32 bits.
    I32(fn(&Record) -> i32),
    /// Signed, 64 bits.
    I64(fn(&Record) -> i64),
    /// Unsigned, 64 bits.
    U64(fn(&Record) -> u64),
    /// Text, appended to the string.
    Text(fn(&Record, &mut String)),
    /// A name for a number that few values are taken from: dictionary-encoded text.
    Name {
        /// The number.
        code: fn(&Record) -> u32,
        /// Its name, appended to the string.
        name: fn(&dyn Names, u32, &mut String),
    },
}

/// A value read from a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Any unsigned integer.
    Unsigned(u64),
    /// Any signed integer.
    Signed(i64),
    /// Text.
    Text(String),
}

impl Column {
    /// Returns the value of this column in `record`.
    pub fn value(&self, record: &Record, names: &dyn Names) -> Value {
        match self.read {
            Read::U8(read) => Value::Unsigned(read(record).into()),
            Read::U16(read) => Value::Unsigned(read(record).into()),
            Read::I32(read) => Value::Signed(read(record).into()),
            Read::I64(read) => Value::Signed(read(record)),
            Read::U64(read) => Value::Unsigned(read(record)),
            Read::Text(read) => {
                let mut text = String::new();
                read(record, &mut text);
                Value::Text(text)
            }
            Read::Name { code, name } => {
                let mut text = String::new();
                name(names, code(record), &mut text);
                Value::Text(text)
            }
        }
    }

    /// Returns the name of the column's type, as Arrow writes it.
    pub const fn type_name(&self) -> &'static str {
        match self.read {
            Read::U8(_) => "uint8",
            Read::U16(_) => "uint16",
            Read::I32(_) => "int32",
            Read::I64(_) => "int64",
            Read::U64(_) => "uint64",
            Read::Text(_) => "string",
            Read::Name { .. } => "dictionary<string>",
        }
    }
}

/// Writes the columns of one group.
macro_rules! columns {
    ($group:ident: $($name:ident $unit:literal $meaning:literal = $read:expr;)*) => {
        [$(Column {
            name: stringify!($name),
            group: Group::$group,
            unit: $unit,
            meaning: $meaning,
            read: $read,
        }),*]
    };
}

const BASE: [Column; 18] = columns! { Base:
    id "" "number of the conversation, from 0 in the order of first packets; slices of one \
           conversation share it" = Read::U64(|r| r.id);
    first_seen "ms" "time of the first packet, since the Unix epoch (UTC)" =
        Read::I64(|r| r.flow.first_seen.millis());
    last_seen "ms" "time of the last packet, since the Unix epoch (UTC)" =
        Read::I64(|r| r.flow.last_seen.millis());
    version "" "IP version" = Read::U8(|r| r.flow.key.version);
    src_port "" "port of the end that sent the first packet; 0 outside TCP, UDP and SCTP" =
        Read::U16(|r| r.flow.key.end(r.flow.src).port);
    dst_port "" "port of the end that received the first packet; 0 outside TCP, UDP and SCTP" =
        Read::U16(|r| r.flow.key.end(r.flow.src.other()).port);
    protocol "" "IP protocol number" = Read::U8(|r| r.flow.key.protocol);
    vlan_id "" "innermost VLAN identifier, 0 without a tag" = Read::U16(|r| r.flow.key.vlan_id);
    src_ip "" "address of the end that sent the first packet" =
        Read::Text(|r, text| write_ip(r, r.flow.src, text));
    dst_ip "" "address of the end that received the first packet" =
        Read::Text(|r, text| write_ip(r, r.flow.src.other(), text));
    total_packets "packets" "packets of both directions" =
        Read::U64(|r| r.volume.total_packets());
    total_bytes "bytes" "bytes of both directions on the wire, link header included" =
        Read::U64(|r| r.volume.total_bytes());
    duration "ms" "last_seen less first_seen" =
        Read::I64(|r| r.flow.last_seen.millis() - r.flow.first_seen.millis());
    src2dst_packets "packets" "packets from source to destination" =
        Read::U64(|r| r.volume.packets(Src2Dst));
    src2dst_bytes "bytes" "bytes from source to destination" =
        Read::U64(|r| r.volume.bytes(Src2Dst));
    dst2src_packets "packets" "packets from destination to source" =
        Read::U64(|r| r.volume.packets(Dst2Src));
    dst2src_bytes "bytes" "bytes from destination to source" =
        Read::U64(|r| r.volume.bytes(Dst2Src));
    expiration_id "" "0 idle or end of input, 1 active timeout, below 0 as a plugin set it" =
        Read::I32(|r| r.expiration_id);
};

const APPLICATION: [Column; 8] = columns! { Application:
    master_protocol "" "nDPI's number of the protocol that carries the application, 0 if none" =
        Read::U16(|r| r.application.label.master_protocol);
    app_protocol "" "nDPI's number of the application's protocol, 0 if unknown" =
        Read::U16(|r| r.application.label.app_protocol);
    application_name "" "nDPI's name of the application, MASTER.APP or APP" = Read::Name {
        code: |r| {
            let label = r.application.label;
            u32::from(label.master_protocol) << 16 | u32::from(label.app_protocol)
        },
        name: |names, code, text| {
            let [m1, m0, a1, a0] = code.to_be_bytes();
            names.application(u16::from_be_bytes([m1, m0]), u16::from_be_bytes([a1, a0]), text);
        },
    };
    category_name "" "nDPI's category of the application" = Read::Name {
        code: |r| r.application.label.category.into(),
        name: |names, code, text| {
            let [_, _, high, low] = code.to_be_bytes();
            names.category(u16::from_be_bytes([high, low]), text);
        },
    };
    client_info "" "TLS and QUIC: server name that the client asks for; HTTP: user agent, or \
                    operating system; SSH: version" =
        Read::Text(|r, text| metadata(r, text, |m| &m.client_info));
    server_info "" "TLS and QUIC: names in the server's certificate; HTTP: host; DNS: name asked \
                    for; SSH: version" =
        Read::Text(|r, text| metadata(r, text, |m| &m.server_info));
    j3a_client "" "JA3 fingerprint of the client" =
        Read::Text(|r, text| metadata(r, text, |m| &m.ja3_client));
    j3a_server "" "JA3S fingerprint of the server" =
        Read::Text(|r, text| metadata(r, text, |m| &m.ja3_server));
};

/// All columns, in the order in which they stand in a table, group by group.
pub const COLUMNS: [&[Column]; 2] = [&BASE, &APPLICATION];

/// Appends an end's address, IPv6 as RFC 5952 writes it.
fn write_ip(record: &Record, end: Sender, text: &mut String) {
    let key = &record.flow.key;
    match key.end(end).ip(key.version) {
        IpAddr::V4(addr) => write_v4(addr.octets(), text),
        // Writing to a string does not fail.
        IpAddr::V6(addr) => drop(write!(text, "{addr}")),
    }
}

/// Appends an IPv4 address; half of a table's text is made of them.
fn write_v4(octets: [u8; 4], text: &mut String) {
    for (place, octet) in octets.into_iter().enumerate() {
        if place > 0 {
            text.push('.');
        }
        if octet >= 100 {
            text.push(char::from(b'0' + octet / 100));
        }
        if octet >= 10 {
            text.push(char::from(b'0' + octet / 10 % 10));
        }
        text.push(char::from(b'0' + octet % 10));
    }
}

fn metadata(record: &Record, text: &mut String, field: fn(&super::Metadata) -> &str) {
    if let Some(metadata) = &record.application.metadata {
        text.push_str(field(metadata));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = COLUMNS.iter().copied().flatten().map(|c| c.name).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    proptest! {
        #[test]
        fn ipv4_addresses_read_as_the_standard_library_writes_them(octets: [u8; 4]) {
            let mut text = String::new();
            write_v4(octets, &mut text);
            prop_assert_eq!(text, std::net::Ipv4Addr::from(octets).to_string());
        }
    }
}
