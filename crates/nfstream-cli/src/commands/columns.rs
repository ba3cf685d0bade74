//! `nfstream columns`: what a table can hold.

use nfstream::features::{COLUMNS, Column as Declared, Group};
use serde_json::{Value, json};

use super::print;
use crate::error::Error;
use crate::io::Io;
use crate::table::{self, ACCENT, Cell, Column, Fit, Layout, QUIET};

/// List the columns of the flow table
#[derive(Debug, clap::Args)]
pub(crate) struct ColumnsArgs {
    /// Print a JSON array instead
    #[arg(long)]
    json: bool,
}

const HEADERS: [Column; 5] = [
    Column::text("name", Fit::Whole),
    Column::text("type", Fit::Whole),
    Column::text("unit", Fit::Whole),
    Column::text("group", Fit::Whole),
    Column::text("meaning", Fit::Whole),
];

/// Letters of a line of meaning where the terminal is very narrow.
const LEAST: usize = 30;

pub(super) fn run(args: &ColumnsArgs, io: &mut Io<'_>) -> Result<(), Error> {
    let columns: Vec<_> = COLUMNS.iter().copied().flatten().collect();
    if args.json {
        let array: Value = columns.into_iter().map(to_json).collect();
        return print(format!("{array:#}\n").as_bytes(), io);
    }
    let rows: Vec<Vec<Cell>> = columns.iter().map(|column| to_row(column)).collect();
    let layout = Layout::new(&HEADERS, &rows, usize::MAX / 2);
    let before: usize = layout.widths()[..4].iter().flatten().map(|width| width + 2).sum();
    let room = io.stdout.width.saturating_sub(before).max(LEAST);
    let mut out = Vec::new();
    table::write_header(&layout, &HEADERS, io.stdout.color, &mut out);
    for mut row in rows {
        let meaning = row.pop().unwrap_or_default();
        for line in wrap(&meaning.text, room) {
            row.push(line.as_str().into());
            table::write_row(&layout, &HEADERS, &row, io.stdout.color, &mut out);
            row = vec![Cell::default(); 4];
        }
    }
    print(&out, io)
}

fn to_json(column: &Declared) -> Value {
    json!({
        "name": column.name,
        "type": column.type_name(),
        "unit": column.unit,
        "group": group_name(column.group),
        "meaning": column.meaning,
    })
}

fn to_row(column: &Declared) -> Vec<Cell> {
    vec![
        Cell::styled(column.name.to_owned(), ACCENT),
        column.type_name().into(),
        column.unit.into(),
        Cell::styled(group_name(column.group), QUIET),
        column.meaning.into(),
    ]
}

fn group_name(group: Group) -> String {
    format!("{group:?}").to_lowercase()
}

/// Breaks a sentence into lines of at most `room` letters, unless a word is longer.
fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("begins with one line");
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
