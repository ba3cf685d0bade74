//! `nfstream columns`: lists the columns of the flow table.

use nfstream::features::{Column as Declared, Group, Integers, Presence, Read, columns};
use nfstream::time::TimeUnit;
use serde_json::{Value, json};

use super::{print, print_json};
use crate::error::Error;
use crate::io::Io;
use crate::table::{self, ACCENT, Cell, Column, Fit, Layout, QUIET};

/// List the columns of the flow table and the options that add them
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print a JSON array instead
    #[arg(long)]
    json: bool,
}

/// Minimum width of the last column.
const LEAST: usize = 24;

pub(super) fn run(args: Args, io: &mut Io<'_>) -> Result<(), Error> {
    let columns: Vec<_> = columns(TimeUnit::default()).collect();
    if args.json {
        let array: Value = columns.into_iter().map(to_json).collect();
        return print_json(&array, io);
    }
    let rows: Vec<Vec<Cell>> = columns.iter().map(|column| to_row(column)).collect();
    let layout = Layout::new(&headers("name"), &rows, usize::MAX / 2);
    let before: usize = layout.widths()[..4].iter().flatten().map(|width| width + 2).sum();
    let room = io.stdout.width.saturating_sub(before).max(LEAST);
    let color = io.stdout.color;
    let mut out = Vec::new();
    let mut group = None;
    for (column, mut row) in columns.iter().zip(rows) {
        let headers = headers(column.group.name());
        if group.replace(column.group) != Some(column.group) {
            if !out.is_empty() {
                out.push(b'\n');
            }
            table::write_header(&layout, &headers, color, &mut out);
            out.extend_from_slice(io.stdout.paint(QUIET, &presence(column.group)).as_bytes());
            out.push(b'\n');
        }
        let meaning = row.pop().unwrap_or_default();
        for line in wrap(&meaning.text, room) {
            row.push(line.as_str().into());
            table::write_row(&layout, &headers, &row, color, &mut out);
            row = vec![Cell::default(); 4];
        }
    }
    print(&out, io)
}

/// Returns the headers of a group; the first is its name.
const fn headers(group: &'static str) -> [Column; 5] {
    [
        Column::text(group, Fit::Whole),
        Column::text("type", Fit::Whole),
        Column::text("unit", Fit::Whole),
        Column::text("role", Fit::Whole),
        Column::text("meaning", Fit::Whole),
    ]
}

/// Returns the options that add the columns of a group, apart from `--columns`.
fn presence(group: Group) -> String {
    let declaration = group.declaration();
    let name = group.name();
    let or = declaration.shorthand.map_or_else(String::new, |or| format!(" or {}", or.command));
    match declaration.presence {
        Presence::Always => "always present".to_owned(),
        Presence::Dissection => "present without --no-dissect".to_owned(),
        Presence::Feature | Presence::DissectionFeature => format!("with --features {name}{or}"),
        Presence::NamedFeature => format!("with --features {name}{or}, not with all"),
        Presence::EarlyRecords => {
            "with --early-packets, --early-seconds or --update-every".to_owned()
        }
        Presence::GeoIp => "with --geoip FILE".to_owned(),
        Presence::Labels => "with --label-by FILE".to_owned(),
        Presence::Measures => "with --measure".to_owned(),
        Presence::Shards => "with nfstream flows DIR/shard=K".to_owned(),
        Presence::Models => "with --model".to_owned(),
        Presence::Processes => "with nfstream live --system-visibility-mode 1".to_owned(),
    }
}

fn to_json(column: &Declared) -> Value {
    json!({
        "name": column.name,
        "type": column.type_name(),
        "unit": column.unit,
        "kind": column.kind.name(),
        "role": column.role.name(),
        "group": column.group.name(),
        "presence": presence(column.group),
        "meaning": column.description,
    })
}

fn to_row(column: &Declared) -> Vec<Cell> {
    vec![
        Cell::styled(column.name.to_owned(), ACCENT),
        Cell::styled(type_for_people(column).to_owned(), QUIET),
        column.unit.into(),
        Cell::styled(column.role.name().to_owned(), QUIET),
        column.description.into(),
    ]
}

/// Returns the type without its encoding and length: a dictionary of strings is a string.
fn type_for_people(column: &Declared) -> &'static str {
    match column.read {
        Read::Name { .. } => "string",
        Read::Bytes(_) => "binary",
        Read::Packets(_) => match column.integers() {
            Some(Integers::I32) => "list<int32>",
            _ => "list<int64>",
        },
        _ => column.type_name(),
    }
}

/// Breaks a sentence into lines of at most `room` characters, unless a word is longer.
fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is always one line");
        if !line.is_empty() && line.len() + 1 + word.len() > room {
            lines.push(word.to_owned());
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("extraordinary", 4), ["extraordinary"]);
    }
}
