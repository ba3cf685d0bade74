//! `nfstream interfaces`: lists the network interfaces.

use nfstream::capture::{self, CaptureError, Interface, InterfaceState};
use serde_json::{Value, json};

use super::{print, print_json};
use crate::error::{Error, WARNING};
use crate::io::Io;
use crate::table::{self, ACCENT, Cell, Column, Fit, Layout, QUIET};

/// List the network interfaces to capture from
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Capturing needs the capability CAP_NET_RAW. If it is missing, a warning explains how to grant it.

Examples:
  nfstream interfaces
  nfstream interfaces --json")]
pub(crate) struct Args {
    /// Print a JSON array instead
    #[arg(long)]
    json: bool,
}

/// Columns of the table.
const COLUMNS: [Column; 4] = [
    Column::text("name", Fit::Whole),
    Column::text("state", Fit::Whole),
    Column::text("link type", Fit::Whole),
    Column::text("addresses", Fit::Whole),
];

pub(super) fn run(args: Args, io: &mut Io<'_>) -> Result<(), Error> {
    let interfaces = capture::interfaces().map_err(|source| Error::Interfaces { source })?;
    if args.json {
        print_json(&interfaces.iter().map(to_json).collect(), io)?;
    } else {
        print(&to_table(&interfaces, io.stdout.color), io)?;
    }
    let names: Vec<_> = interfaces.into_iter().map(|interface| interface.name).collect();
    if let Err(error @ CaptureError::NoRight { .. }) = capture::Input::Interfaces(names).check() {
        io.stderr.say_as(WARNING, "warning:", error);
    }
    Ok(())
}

fn to_table(interfaces: &[Interface], color: bool) -> Vec<u8> {
    let rows: Vec<_> = interfaces.iter().map(to_row).collect();
    // A shortened address could be mistaken for another one.
    let layout = Layout::new(&COLUMNS, &rows, usize::MAX / 2);
    let mut out = Vec::new();
    table::write_header(&layout, &COLUMNS, color, &mut out);
    for row in &rows {
        table::write_row(&layout, &COLUMNS, row, color, &mut out);
    }
    out
}

fn to_row(interface: &Interface) -> Vec<Cell> {
    let state = interface.state.name();
    let state = match interface.state {
        InterfaceState::Up => state.into(),
        _ => Cell::styled(state.to_owned(), QUIET),
    };
    vec![
        Cell::styled(interface.name.clone(), ACCENT),
        state,
        link_type(interface).into(),
        addresses(interface).join(" ").into(),
    ]
}

fn to_json(interface: &Interface) -> Value {
    json!({
        "name": interface.name,
        "state": interface.state.name(),
        "link_type": link_type(interface),
        "addresses": addresses(interface),
    })
}

fn link_type(interface: &Interface) -> String {
    interface.link.name().map_or_else(|| interface.link.to_string(), str::to_owned)
}

fn addresses(interface: &Interface) -> Vec<String> {
    interface.addresses.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use nfstream::packet::LinkType;

    use super::*;

    #[test]
    fn each_interface_is_a_line() {
        let interface = |name: &str, state, link, addresses: &[&str]| Interface {
            name: name.to_owned(),
            state,
            link,
            addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
        };
        let interfaces = [
            interface("lo", InterfaceState::Up, LinkType::ETHERNET, &["127.0.0.1", "::1"]),
            interface("eth0", InterfaceState::NoCarrier, LinkType::ETHERNET, &[]),
            interface("tun0", InterfaceState::Down, LinkType::RAW, &["2001:db8::1"]),
        ];
        assert_eq!(
            String::from_utf8(to_table(&interfaces, false)).unwrap(),
            "name  state       link type  addresses\n\
             lo    up          ETHERNET   127.0.0.1 ::1\n\
             eth0  no carrier  ETHERNET\n\
             tun0  down        RAW        2001:db8::1\n"
        );
        assert_eq!(
            to_json(&interfaces[0]).to_string(),
            r#"{"name":"lo","state":"up","link_type":"ETHERNET","addresses":["127.0.0.1","::1"]}"#
        );
    }
}
