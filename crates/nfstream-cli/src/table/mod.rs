//! Tables for people: columns side by side in lines that fit.

mod layout;

pub(crate) use layout::{Align, Column, Fit, Layout};

use std::io::Write;

use anstyle::{AnsiColor, Effects, Style};

/// Style of the line above a table.
pub(crate) const HEADER: Style = Style::new().effects(Effects::BOLD.insert(Effects::UNDERLINE));
/// Style of what stands out.
pub(crate) const ACCENT: Style = AnsiColor::Cyan.on_default();
/// Style of what stands back.
pub(crate) const QUIET: Style = Style::new().effects(Effects::DIMMED);

/// One cell of a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    /// What it says.
    pub(crate) text: String,
    /// How it looks where there are colours.
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

/// Writes the headers of the columns that `layout` has room for.
pub(crate) fn write_header(layout: &Layout, columns: &[Column], color: bool, out: &mut Vec<u8>) {
    let style = if color { HEADER } else { Style::new() };
    let cells: Vec<_> = columns.iter().map(|c| Cell::styled(c.header.to_owned(), style)).collect();
    write_row(layout, columns, &cells, color, out);
}

/// Writes the cells that `layout` has room for as one line.
pub(crate) fn write_row(
    layout: &Layout,
    columns: &[Column],
    cells: &[Cell],
    color: bool,
    out: &mut Vec<u8>,
) {
    let shown = columns.iter().zip(cells).zip(layout.widths());
    let mut gap = 0;
    for ((column, cell), width) in shown {
        let Some(width) = *width else { continue };
        let text = layout::shorten(&cell.text, width, column.fit);
        let room = width.saturating_sub(layout::width(&text));
        if text.is_empty() {
            gap += room + layout::GAP;
            continue;
        }
        let (left, right) = match column.align {
            Align::Left => (0, room),
            Align::Right => (room, 0),
        };
        let style = if color { cell.style } else { Style::new() };
        // Spaces are only written once something follows them. Writing to memory does not fail.
        drop(write!(out, "{:1$}{style}{text}{style:#}", "", gap + left));
        gap = right + layout::GAP;
    }
    out.push(b'\n');
}

/// Returns text from the network without what would control the terminal.
fn visible(text: String) -> String {
    if text.chars().any(is_control) {
        return text.chars().map(|c| if is_control(c) { '\u{fffd}' } else { c }).collect();
    }
    text
}

/// Returns whether a character controls the terminal or the direction of the text around it.
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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
    fn lines_have_no_spaces_at_their_end() {
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
