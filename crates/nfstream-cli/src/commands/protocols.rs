//! `nfstream protocols`: lists the protocols and applications that flows can be labelled with.

use std::collections::BTreeMap;

use nfstream_dissect::catalogue::Catalogue;
use nfstream_dissect::{Category, Dissector, Protocol, ProtocolId, Transport};
use serde_json::{Value, json};

use super::{print, print_json};
use crate::error::Error;
use crate::io::Io;
use crate::table::{self, ACCENT, Cell, Column, Fit, Layout, QUIET};

/// List the protocols and applications that the native dissector recognises
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The column \"recognised by\" says what the label comes from: tcp and udp, the payload; ip, the IP
protocol number; name, the name or address of the server; parser, the parser of a related protocol;
port, the usual port alone. nDPI, if in use, recognises further protocols.

Examples:
  nfstream protocols
  nfstream protocols --json | jq '.[] | select(.metadata) | .name'")]
pub(crate) struct Args {
    /// Print a JSON array instead
    #[arg(long)]
    json: bool,
}

/// Columns of the table.
const COLUMNS: [Column; 5] = [
    Column::text("name", Fit::Whole),
    Column::text("category", Fit::Whole).rank(1),
    Column::text("recognised by", Fit::Whole).rank(2),
    Column::text("metadata", Fit::Whole).rank(3),
    Column::text("ports", Fit::End(12)).rank(4),
];

/// Transports and their names.
const TRANSPORTS: [(Transport, &str); 3] =
    [(Transport::Tcp, "tcp"), (Transport::Udp, "udp"), (Transport::Ip, "ip")];

/// Label of a flow, and how it is found.
#[derive(Debug)]
struct Entry {
    id: ProtocolId,
    name: String,
    category: &'static str,
    /// Transports in which the bytes of a flow, or the number of its IP protocol, are decisive.
    transports: Vec<&'static str>,
    /// Whether names and addresses of servers lead to it.
    has_names: bool,
    tcp_ports: Vec<u16>,
    udp_ports: Vec<u16>,
    has_metadata: bool,
}

pub(super) fn run(args: Args, io: &mut Io<'_>) -> Result<(), Error> {
    let entries = entries();
    if args.json {
        let array: Value = entries.iter().map(Entry::to_json).collect();
        return print_json(&array, io);
    }
    let rows: Vec<_> = entries.iter().map(Entry::to_row).collect();
    let layout = Layout::new(&COLUMNS, &rows, io.stdout.width);
    let mut out = Vec::new();
    table::write_header(&layout, &COLUMNS, io.stdout.color, &mut out);
    for row in &rows {
        table::write_row(&layout, &COLUMNS, row, io.stdout.color, &mut out);
    }
    print(&out, io)
}

/// Returns all labels by name.
fn entries() -> Vec<Entry> {
    let catalogue = Catalogue::default();
    let mut entries = BTreeMap::new();
    for protocol in Dissector::protocols() {
        let ProtocolId(number) = protocol.id;
        let entry = entries.entry(number);
        entry.or_insert_with(|| Entry::new(protocol.id, &catalogue)).add(protocol, &catalogue);
    }
    for id in catalogue.applications() {
        let ProtocolId(number) = id;
        entries.entry(number).or_insert_with(|| Entry::new(id, &catalogue)).has_names = true;
    }
    let mut entries: Vec<_> = entries.into_values().collect();
    entries.sort_by_cached_key(|entry| (entry.name.to_lowercase(), entry.id));
    entries
}

impl Entry {
    /// Returns the label with this number, without a way to find it.
    fn new(id: ProtocolId, catalogue: &Catalogue) -> Self {
        Self {
            id,
            name: catalogue.name(id).unwrap_or_default().to_owned(),
            category: category_name(catalogue.category(id), catalogue),
            transports: Vec::new(),
            has_names: false,
            tcp_ports: Vec::new(),
            udp_ports: Vec::new(),
            has_metadata: false,
        }
    }

    /// Adds the ways in which a protocol is found. Several protocols can share a label.
    fn add(&mut self, protocol: &Protocol, catalogue: &Catalogue) {
        if self.name.is_empty() {
            protocol.name.clone_into(&mut self.name);
        }
        if self.category.is_empty() {
            self.category = category_name(Some(protocol.category), catalogue);
        }
        for (transport, name) in TRANSPORTS {
            if protocol.is_found_in(transport) && !self.transports.contains(&name) {
                self.transports.push(name);
            }
        }
        add_ports(&mut self.tcp_ports, protocol.tcp_ports);
        add_ports(&mut self.udp_ports, protocol.udp_ports);
        self.has_metadata |= protocol.has_metadata();
    }

    fn to_json(&self) -> Value {
        json!({
            "id": self.id.0,
            "name": self.name,
            "category": self.category,
            "transports": self.transports,
            "names_and_addresses": self.has_names,
            "tcp_ports": self.tcp_ports,
            "udp_ports": self.udp_ports,
            "metadata": self.has_metadata,
        })
    }

    fn to_row(&self) -> Vec<Cell> {
        let names = if self.has_names { &["name"][..] } else { &[] };
        let mut ways = [&self.transports[..], names].concat();
        if ways.is_empty() {
            let has_ports = !self.tcp_ports.is_empty() || !self.udp_ports.is_empty();
            ways.push(if has_ports { "port" } else { "parser" });
        }
        let metadata = if self.has_metadata { "yes" } else { "" };
        vec![
            Cell::styled(self.name.clone(), ACCENT),
            self.category.into(),
            ways.join(", ").into(),
            metadata.into(),
            Cell::styled(self.ports(), QUIET),
        ]
    }

    /// Returns the ports by transport: `tcp 53 udp 53 5353`.
    fn ports(&self) -> String {
        let mut words = Vec::new();
        for (transport, ports) in [("tcp", &self.tcp_ports), ("udp", &self.udp_ports)] {
            if !ports.is_empty() {
                words.push(transport.to_owned());
                words.extend(ports.iter().map(ToString::to_string));
            }
        }
        words.join(" ")
    }
}

fn category_name(category: Option<Category>, catalogue: &Catalogue) -> &'static str {
    category.and_then(|category| catalogue.category_name(category)).unwrap_or_default()
}

/// Adds ports to a sorted list without duplicates.
fn add_ports(ports: &mut Vec<u16>, more: &[u16]) {
    ports.extend(more);
    ports.sort_unstable();
    ports.dedup();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str) -> Entry {
        entries().into_iter().find(|entry| entry.name == name).unwrap()
    }

    #[test]
    fn every_protocol_of_the_dissector_is_listed_once() {
        let entries = entries();
        for protocol in Dissector::protocols() {
            let mut same = entries.iter().filter(|entry| entry.id == protocol.id);
            let entry = same.next().unwrap();
            assert!(same.next().is_none(), "{} is listed twice", protocol.name);
            assert!(entry.has_metadata || !protocol.has_metadata());
        }
    }

    #[test]
    fn every_entry_has_a_name_and_a_category() {
        for entry in entries() {
            assert!(!entry.name.is_empty() && !entry.category.is_empty(), "{entry:?}");
        }
    }

    #[test]
    fn entries_say_how_they_are_found() {
        let ssh = entry("SSH");
        assert_eq!((&*ssh.transports, ssh.has_names), (&["tcp"][..], false));
        assert!(ssh.has_metadata && ssh.tcp_ports.contains(&22));
        let youtube = entry("YouTube");
        assert!(youtube.transports.is_empty() && youtube.has_names && !youtube.has_metadata);
        assert_eq!(youtube.to_row()[2].text, "name");
        assert!(entry("ICMP").transports.contains(&"ip"));
        assert_eq!(entry("gRPC").to_row()[2].text, "parser");
    }
}
