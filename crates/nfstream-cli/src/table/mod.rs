//! Text tables that fit the width of the terminal.

mod layout;

pub(crate) use layout::{Align, Column, Fit, Layout, shorten, width};

use std::io::Write;

use anstyle::{AnsiColor, Effects, Style};
use nfstream::host::is_control;

/// Style of the header line.
pub(crate) const HEADER: Style = Style::new().effects(Effects::BOLD.insert(Effects::UNDERLINE));
/// Style of emphasised text.
pub(crate) const ACCENT: Style = AnsiColor::Cyan.on_default();
/// Style of dimmed text.
pub(crate) const QUIET: Style = Style::new().effects(Effects::DIMMED);

/// One cell of a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    /// Text.
    pub(crate) text: String,
    /// Style if the stream has colours.
    pub(crate) style: Style,
}

impl Cell {
    /// Returns a cell in a style.
    pub(crate) fn styled(text: String, style: Style) -> Self {
        Self { text: visible(text), style }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::styled(text, Style::new())
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

/// Writes the headers of the columns that fit in `layout`.
pub(crate) fn write_header(layout: &Layout, columns: &[Column], color: bool, out: &mut Vec<u8>) {
    let style = if color { HEADER } else { Style::new() };
    let cells: Vec<_> = columns.iter().map(|c| Cell::styled(c.header.to_owned(), style)).collect();
    write_row(layout, columns, &cells, color, out);
}

/// Writes the cells of the columns that fit in `layout` as one line.
pub(crate) fn write_row(
    layout: &Layout,
    columns: &[Column],
    cells: &[Cell],
    color: bool,
    out: &mut Vec<u8>,
) {
    let shown = columns.iter().zip(cells).zip(layout.widths());
    let mut gap = 0;
    for ((column, cell), given) in shown {
        let Some(given) = *given else { continue };
        let text = shorten(&cell.text, given, column.fit);
        let room = given.saturating_sub(width(&text));
        if text.is_empty() {
            gap += room + layout::GAP;
            continue;
        }
        let (left, right) = match column.align {
            Align::Left => (0, room),
            Align::Right => (room, 0),
        };
        let style = if color { cell.style } else { Style::new() };
        // Padding is written only before further text. Writing to memory does not fail.
        drop(write!(out, "{:1$}{style}{text}{style:#}", "", gap + left));
        gap = right + layout::GAP;
    }
    out.push(b'\n');
}

/// Replaces characters of untrusted text that control the terminal.
fn visible(text: String) -> String {
    if text.chars().any(is_control) {
        return text.chars().map(|c| if is_control(c) { '\u{fffd}' } else { c }).collect();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_cannot_control_the_terminal() {
        let cell = Cell::from("a\u{1b}[31mb\r\nc\u{202e}d".to_owned());
        assert_eq!(cell.text, "a\u{fffd}[31mb\u{fffd}\u{fffd}c\u{fffd}d");
    }

    #[test]
    fn lines_have_no_trailing_spaces() {
        let columns = [Column::text("name", Fit::Whole), Column::text("note", Fit::Whole)];
        let rows =
            [vec![Cell::from("a"), Cell::from("")], vec![Cell::from("bcd"), Cell::from("x")]];
        let layout = Layout::new(&columns, &rows, 80);
        let mut out = Vec::new();
        write_header(&layout, &columns, false, &mut out);
        for row in &rows {
            write_row(&layout, &columns, row, false, &mut out);
        }
        assert_eq!(String::from_utf8(out).unwrap(), "name  note\na\nbcd   x\n");
    }
}
