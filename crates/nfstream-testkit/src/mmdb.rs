//! Databases of addresses in MaxMind's format, version 2.0, for tests.

use std::net::IpAddr;

/// Value in a database.
#[derive(Clone, Debug)]
pub enum Field {
    /// Names with values.
    Map(Vec<(String, Self)>),
    /// Unsigned number of 32 bits.
    Number(u32),
    /// Unsigned number of 16 bits.
    Short(u16),
    /// Unsigned number of 64 bits.
    Long(u64),
    /// Text.
    Text(String),
    /// Several values.
    List(Vec<Self>),
}

/// Marks a child that has not been set.
const EMPTY: u32 = u32::MAX;

/// Set in children that are positions in the data section.
const DATA: u32 = 1 << 31;

impl Field {
    /// Returns text.
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// Returns a map.
    pub fn map<const N: usize>(fields: [(&str, Self); N]) -> Self {
        Self::Map(fields.map(|(name, field)| (name.to_owned(), field)).into())
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Map(fields) => {
                write_control(7, fields.len(), bytes);
                for (name, field) in fields {
                    Self::text(name).write(bytes);
                    field.write(bytes);
                }
            }
            Self::Number(number) => {
                write_control(6, 4, bytes);
                bytes.extend(number.to_be_bytes());
            }
            Self::Short(number) => {
                write_control(5, 2, bytes);
                bytes.extend(number.to_be_bytes());
            }
            Self::Long(number) => {
                write_control(9, 8, bytes);
                bytes.extend(number.to_be_bytes());
            }
            Self::Text(text) => {
                write_control(2, text.len(), bytes);
                bytes.extend(text.as_bytes());
            }
            Self::List(items) => {
                write_control(11, items.len(), bytes);
                items.iter().for_each(|item| item.write(bytes));
            }
        }
    }
}

/// Writes the bytes before a value: its type, and its length below 65,821.
fn write_control(kind: u8, len: usize, bytes: &mut Vec<u8>) {
    let len = u16::try_from(len).expect("short values");
    let (low, more) = match len {
        ..29 => (u8::try_from(len).expect("below 29"), Vec::new()),
        29..285 => (29, vec![u8::try_from(len - 29).expect("below 256")]),
        _ => (30, (len - 285).to_be_bytes().to_vec()),
    };
    // Types above 7 are in a byte of their own.
    if kind > 7 {
        bytes.extend([low, kind - 7]);
    } else {
        bytes.push(kind << 5 | low);
    }
    bytes.extend(more);
}

/// Returns a database with a value for each network, written as `192.0.2.0/24`. Of networks within
/// each other, the wider ones come first. IPv4 addresses have the prefix `::/96`.
pub fn database(database_type: &str, networks: &[(&str, Field)]) -> Vec<u8> {
    let mut nodes = vec![[EMPTY; 2]];
    let mut data = Vec::new();
    for (network, field) in networks {
        let (address, len) = network.split_once('/').expect("a slash before the length");
        let len: u32 = len.parse().expect("a length");
        let (bits, len) = match address.parse().expect("an address") {
            IpAddr::V4(address) => (u128::from(u32::from(address)), len + 96),
            IpAddr::V6(address) => (u128::from(address), len),
        };
        let position = DATA | u32::try_from(data.len()).expect("little data");
        field.write(&mut data);
        let mut node = 0;
        for depth in 0..len {
            let side = usize::from(bits >> (127 - depth) & 1 == 1);
            let child = nodes[node][side];
            if depth + 1 == len {
                nodes[node][side] = position;
            } else if child == EMPTY || child & DATA != 0 {
                // The narrower network splits the wider one.
                nodes.push([child; 2]);
                nodes[node][side] = u32::try_from(nodes.len() - 1).expect("few nodes");
                node = nodes.len() - 1;
            } else {
                node = usize::try_from(child).expect("few nodes");
            }
        }
    }
    assembled(database_type, &nodes, &data)
}

/// Returns a database without data, whose `depth` nodes lead to the next one on both sides: it has
/// 2^`depth` paths.
pub fn without_data(database_type: &str, depth: u32) -> Vec<u8> {
    let next = |node| if node + 1 == depth { EMPTY } else { node + 1 };
    let nodes: Vec<_> = (0..depth).map(|node| [next(node); 2]).collect();
    assembled(database_type, &nodes, &[])
}

fn assembled(database_type: &str, nodes: &[[u32; 2]], data: &[u8]) -> Vec<u8> {
    let count = u32::try_from(nodes.len()).expect("few nodes");
    let mut bytes = Vec::new();
    for child in nodes.iter().flatten() {
        let child = match *child {
            EMPTY => count,
            // 16 zero bytes separate the tree from the data.
            position if position & DATA != 0 => count + 16 + (position & !DATA),
            node => node,
        };
        bytes.extend(child.to_be_bytes());
    }
    bytes.extend([0; 16]);
    bytes.extend(data);
    bytes.extend(b"\xab\xcd\xefMaxMind.com");
    Field::map([
        ("binary_format_major_version", Field::Short(2)),
        ("binary_format_minor_version", Field::Short(0)),
        ("build_epoch", Field::Long(1_700_000_000)),
        ("database_type", Field::text(database_type)),
        ("description", Field::Map(Vec::new())),
        ("ip_version", Field::Short(6)),
        ("languages", Field::List(Vec::new())),
        ("node_count", Field::Number(count)),
        ("record_size", Field::Short(32)),
    ])
    .write(&mut bytes);
    bytes
}
