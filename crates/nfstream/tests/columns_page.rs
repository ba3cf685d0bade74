//! `docs/columns.md` is generated from the declarations of columns: `make bless` updates it.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::fmt::Write as _;
use std::path::Path;

use nfstream::features::{Group, Presence, columns};
use nfstream::time::TimeUnit;

/// Introduction of a group, before its columns.
fn introduction(group: Group) -> String {
    let declaration = group.declaration();
    let name = group.name();
    let or = declaration.shorthand.map_or_else(String::new, |or| format!(", or `{}`", or.python));
    let presence = match declaration.presence {
        Presence::Always => "Always present.".to_owned(),
        Presence::Dissection => "Present unless `dissect=False`.".to_owned(),
        Presence::Feature => format!("Feature `{name}`{or}."),
        Presence::NamedFeature => format!("Feature `{name}`{or}, not part of `all`."),
        Presence::DissectionFeature => format!("Feature `{name}`{or}, with `dissect=True`."),
        Presence::EarlyRecords => {
            "Present with `early_packets`, `early_seconds` or `update_every`.".to_owned()
        }
        Presence::GeoIp => "Present with `geoip`.".to_owned(),
        Presence::Labels => "Present with `--label-by` of the command.".to_owned(),
        Presence::Measures => "Present with the parameter `measure`.".to_owned(),
        Presence::Models => "Present with the parameter `model`.".to_owned(),
        Presence::Shards => "Present in the tables of shards.".to_owned(),
        Presence::Processes => "Present with `system_visibility_mode=1`.".to_owned(),
    };
    format!("{presence} {}", declaration.about).trim_end().to_owned()
}

fn page() -> String {
    let mut page = String::from(
        "# Columns\n\n\
         A table has its columns in the order of this page. The groups base and application are \
         the default. Features add other groups: `features=[\"mac\", \"tls\"]` in Python, \
         `--features mac,tls` on the command line, or `all`. Groups that are not added cost \
         nothing.\n\n\
         A column holds null where a value is undefined, such as a rate of a flow without duration: \
         an empty field in CSV, `null` in JSON, `None` as an attribute, NaN or NA in data frames. \
         Values are never NaN or infinite. Only columns described as such hold nulls. In a \
         condition, `column == null` finds them; a comparison or calculation with null is neither \
         true nor false, and a flow does not match if the result depends on it.\n\n\
         Bytes are those on the wire, link header included, unless `accounting_mode` says \
         otherwise. Times come from the capture, in UTC; units below are those of \
         `time_unit=\"ms\"`, the default.\n",
    );
    for group in Group::ALL {
        let introduction = introduction(group);
        write!(page, "\n## {}\n\n{introduction}\n\n", group.name()).unwrap();
        if columns(TimeUnit::Milliseconds).all(|column| column.group != group) {
            page.truncate(page.len() - 1);
            continue;
        }
        page.push_str("| column | type | unit | meaning |\n|---|---|---|---|\n");
        for column in columns(TimeUnit::Milliseconds).filter(|column| column.group == group) {
            let (name, kind) = (column.name, column.type_name());
            writeln!(page, "| `{name}` | {kind} | {} | {} |", column.unit, column.description)
                .unwrap();
        }
    }
    page.push_str(
        "\nColumns of plugins that are not volatile follow, in the order of the plugins.\n",
    );
    page
}

#[test]
fn the_page_of_columns_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/columns.md");
    if std::env::var_os("NFSTREAM_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, page()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page(), "docs/columns.md is not current: run `make bless`");
}
