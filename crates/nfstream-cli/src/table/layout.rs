//! Selection and widths of the columns that fit into a line.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::Cell;

/// Spaces between columns.
pub(super) const GAP: usize = 2;

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// Header.
    pub(crate) header: &'static str,
    /// Alignment of its cells.
    pub(crate) align: Align,
    /// How its cells may be shortened.
    pub(crate) fit: Fit,
    /// Priority: columns of a lower rank are placed first.
    pub(crate) rank: u8,
}

/// Alignment of cells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Align {
    /// For text.
    Left,
    /// For numbers.
    Right,
}

/// Part of a long text that may be left out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fit {
    /// Nothing: a number without a digit is another number.
    Whole,
    /// The end, after this many characters.
    End(usize),
    /// The middle, with this many characters left in total.
    Middle(usize),
}

/// Widths of columns.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    widths: Vec<Option<usize>>,
    line: usize,
}

impl Column {
    /// Returns a column of text.
    pub(crate) const fn text(header: &'static str, fit: Fit) -> Self {
        Self { header, align: Align::Left, fit, rank: 0 }
    }

    /// Returns a column of numbers.
    pub(crate) const fn number(header: &'static str) -> Self {
        Self { header, align: Align::Right, fit: Fit::Whole, rank: 0 }
    }

    /// Returns the column with this rank.
    pub(crate) const fn rank(self, rank: u8) -> Self {
        Self { rank, ..self }
    }
}

impl Layout {
    /// Returns the layout of `rows` in lines of `line` columns of the terminal.
    ///
    /// In order of rank, each column that fits gets its minimum width. The remaining width then
    /// goes to columns with shortened texts, again in order of rank.
    pub(crate) fn new(columns: &[Column], rows: &[Vec<Cell>], line: usize) -> Self {
        let needs: Vec<_> =
            columns.iter().enumerate().map(|(c, column)| needs(column, c, rows)).collect();
        let mut order: Vec<usize> = (0..columns.len()).collect();
        order.sort_by_key(|&c| columns[c].rank);
        let mut widths = vec![None; columns.len()];
        let mut left = line + GAP;
        for &c in &order {
            let least = needs[c].0;
            // The first column is always shown.
            if least + GAP > left && c != order[0] {
                continue;
            }
            widths[c] = Some(least);
            left = left.saturating_sub(least + GAP);
        }
        for &c in &order {
            if let Some(width) = &mut widths[c] {
                let more = needs[c].1.saturating_sub(*width).min(left);
                *width += more;
                left -= more;
            }
        }
        Self { widths, line }
    }

    /// Widens columns to fit the numbers in `rows`.
    pub(crate) fn widen(&mut self, columns: &[Column], rows: &[Vec<Cell>]) {
        for (c, width) in self.widths.iter_mut().enumerate() {
            if let Some(width) = width {
                *width = (*width).max(needs(&columns[c], c, rows).0);
            }
        }
        self.shrink(columns);
    }

    /// Returns the width of each column, `None` for columns that do not fit.
    pub(crate) fn widths(&self) -> &[Option<usize>] {
        &self.widths
    }

    /// Narrows text columns until the line fits, those of the highest ranks first.
    fn shrink(&mut self, columns: &[Column]) {
        let mut order: Vec<usize> = (0..columns.len()).collect();
        order.sort_by_key(|&c| std::cmp::Reverse(columns[c].rank));
        let used: usize = self.widths.iter().flatten().map(|width| width + GAP).sum();
        let mut excess = used.saturating_sub(self.line + GAP);
        for c in order {
            if let (Some(width), Fit::End(least) | Fit::Middle(least)) =
                (&mut self.widths[c], columns[c].fit)
            {
                let less = width.saturating_sub(least).min(excess);
                *width -= less;
                excess -= less;
            }
        }
    }
}

/// Returns the minimum and the full width of a column.
fn needs(column: &Column, index: usize, rows: &[Vec<Cell>]) -> (usize, usize) {
    let cells = rows.iter().filter_map(|row| row.get(index)).map(|cell| width(&cell.text));
    let header = width(column.header);
    let full = cells.max().unwrap_or(0).max(header);
    match column.fit {
        Fit::Whole => (full, full),
        Fit::End(least) | Fit::Middle(least) => (least.max(header).min(full), full),
    }
}

/// Returns the width of a text on the terminal.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// Shortens a text to the width `room`, if `fit` allows it.
pub(crate) fn shorten(text: &str, room: usize, fit: Fit) -> String {
    if width(text) <= room || fit == Fit::Whole || room == 0 {
        return text.to_owned();
    }
    let (head, tail) = match fit {
        Fit::Middle(_) => ((room - 1) / 2, (room - 1) - (room - 1) / 2),
        Fit::End(_) | Fit::Whole => (room - 1, 0),
    };
    let start = take(text.chars(), head);
    let end: String = take(text.chars().rev(), tail).chars().rev().collect();
    format!("{start}…{end}")
}

/// Returns the leading characters that fit into `room`.
fn take(characters: impl Iterator<Item = char>, room: usize) -> String {
    let mut left = room;
    let fits = |character: &char| {
        let width = character.width().unwrap_or(0);
        let fits = width <= left;
        left = left.saturating_sub(width);
        fits
    };
    characters.take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_shortened_at_the_end_or_in_the_middle() {
        assert_eq!(shorten("www.instagram.com", 10, Fit::End(4)), "www.insta…");
        assert_eq!(shorten("[2001:db8::42:8]:443", 11, Fit::Middle(4)), "[2001…]:443");
        assert_eq!(shorten("1234567", 3, Fit::Whole), "1234567");
        assert_eq!(shorten("short", 5, Fit::End(2)), "short");
    }

    #[test]
    fn columns_without_room_are_left_out_by_rank() {
        let columns = [
            Column::number("id").rank(2),
            Column::text("name", Fit::End(6)),
            Column::text("note", Fit::End(4)).rank(1),
        ];
        let rows = [vec!["1".into(), "a long name".into(), "a note".into()]];
        let widths = |line| Layout::new(&columns, &rows, line).widths().to_vec();
        assert_eq!(widths(80), [Some(2), Some(11), Some(6)]);
        assert_eq!(widths(18), [Some(2), Some(8), Some(4)]);
        assert_eq!(widths(12), [None, Some(6), Some(4)]);
        assert_eq!(widths(3), [None, Some(6), None]);
    }
}
