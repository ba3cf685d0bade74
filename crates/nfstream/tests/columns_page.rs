//! `docs/columns.md` is made from the table of columns: `make bless` rewrites it.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::fmt::Write as _;
use std::path::Path;

use nfstream::features::{Group, columns};
use nfstream::time::TimeUnit;

/// What a reader should know of a group before its columns.
fn introduction(group: Group) -> &'static str {
    match group {
        Group::Base => "Always there.",
        Group::Application => "There unless `dissect=False`.",
        Group::Directions => {
            "Feature `directions`. With `time_unit=\"us\"` or `\"ns\"` the ending of the names is \
             that of the unit."
        }
        Group::Mac => "Feature `mac`.",
        Group::Tunnel => {
            "Feature `tunnel`. What is in a tunnel is metered unless \
             `decode_tunnels=False`."
        }
        Group::Statistics => {
            "Feature `statistics`, or `statistical_analysis=True`. Sizes are those that \
             `accounting_mode` names; gaps are differences of times in whole units. A flow of one \
             packet has no gap, and its statistics of gaps are 0; a deviation of fewer than two \
             numbers is 0."
        }
        Group::TcpFlags => {
            "Feature `tcp_flags`, or `statistical_analysis=True`. All packets count, the first \
             included."
        }
        Group::Splt => {
            "Feature `splt`, or `splt_analysis=n`. Each list has `n` elements (10 if only the \
             feature is named)."
        }
        Group::Ndpi => "Feature `ndpi`, with `dissect=True`.",
        Group::EndReason => "Feature `end_reason`. `tcp_fin` and `tcp_rst` need `track_tcp=True`.",
        Group::CommunityId => "Feature `community_id`.",
        Group::Payload => "Feature `payload`.",
        Group::TcpQuality => {
            "Feature `tcp_quality`. Judged by sequence numbers (RFC 9293) as they pass the point \
             of capture: a segment that fills a gap counts as out of order, whether it was \
             overtaken or sent again."
        }
        Group::Tls => "Feature `tls`, with `dissect=True`.",
        Group::SystemProcess => {
            "There with `system_visibility_mode=1`, which is for network interfaces; \
             [live.md](live.md#system-visibility) says what it can see. Plugins see the values in \
             `on_expire`."
        }
        _ => "",
    }
}

fn page() -> String {
    let mut page = String::from(
        "# Columns\n\n\
         Columns stand in a table in the order of this page. Base columns are always there; the \
         others come with a parameter of the streamer or of the command, by groups: \
         `features=[\"directions\", …]`, or `features=\"all\"`. Nothing is computed for a group \
         that is not asked for. No column holds nulls.\n\n\
         Bytes are those on the wire, link header included, unless `accounting_mode` says \
         otherwise. Times come from the capture, in UTC; units below are those of \
         `time_unit=\"ms\"`, the default.\n",
    );
    for group in Group::ALL {
        let introduction = introduction(group);
        write!(page, "\n## {}\n\n{introduction}\n\n", group.name()).unwrap();
        page.push_str("| column | type | unit | meaning |\n|---|---|---|---|\n");
        for column in columns(TimeUnit::Milliseconds).filter(|column| column.group == group) {
            let (name, kind) = (column.name, column.type_name());
            writeln!(page, "| `{name}` | {kind} | {} | {} |", column.unit, column.meaning).unwrap();
        }
    }
    page.push_str(
        "\nColumns of plugins that are not volatile follow, in the order in which the plugins are \
         given.\n",
    );
    page
}

#[test]
fn the_page_of_columns_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/columns.md");
    if std::env::var_os("NFSTREAM_BLESS").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page(), "docs/columns.md is not current: run `make bless`");
}
