//! `docs/formats.md` lists what is read: `make bless` updates its tables.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::fmt::Write as _;
use std::path::Path;

use nfstream::decode::DecodeError;
use nfstream::packet::{LinkType, Tunnel};

/// Returns the page with new tables after its headings.
fn page(written: &str) -> String {
    let mut links = String::from("| number | name | frames |\n|---|---|---|\n");
    for link in LinkType::ALL {
        let about = link.about().unwrap().trim_end_matches('.');
        writeln!(links, "| {link} | {} | {about} |", link.name().unwrap()).unwrap();
    }
    let mut tunnels = String::from("| `tunnel_id` | tunnel |\n|---|---|\n");
    for tunnel in Tunnel::ALL {
        writeln!(tunnels, "| {} | {} |", tunnel.id(), tunnel.name()).unwrap();
    }
    let page = with_table(written, "## Link types", &links);
    with_table(&page, "## Tunnels", &tunnels)
}

/// Replaces the table that follows `heading`.
fn with_table(page: &str, heading: &str, table: &str) -> String {
    let (before, after) = page.split_once(heading).unwrap();
    let (introduction, rest) = after.split_once("\n|").unwrap();
    let rest = rest.split_once("\n\n").map_or(String::new(), |(_, rest)| format!("\n{rest}"));
    format!("{before}{heading}{introduction}\n{table}{rest}")
}

#[test]
fn the_page_of_formats_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/formats.md");
    let written = std::fs::read_to_string(&path).unwrap();
    let current = page(&written);
    if std::env::var_os("NFSTREAM_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, &current).unwrap();
    } else {
        assert!(written == current, "docs/formats.md is not current: run `make bless`");
    }
}

#[test]
fn the_page_explains_every_reason_that_a_run_gives() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/formats.md");
    let written = std::fs::read_to_string(&path).unwrap();
    // Frames that hold several packets are split before they are counted.
    for reason in DecodeError::REASONS.iter().filter(|reason| **reason != "aggregated") {
        assert!(written.contains(&format!("| `{reason}` |")), "{reason} has no line");
    }
}
