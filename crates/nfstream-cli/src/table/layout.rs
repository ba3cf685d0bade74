//! Which columns of a table fit into a line, and how wide they are.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::Cell;

/// Spaces between columns.
pub(super) const GAP: usize = 2;

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// What stands above it.
    pub(crate) header: &'static str,
    /// Which side its texts keep to.
    pub(crate) align: Align,
    /// What may be left out where the line is short.
    pub(crate) fit: Fit,
    /// Columns of a lower rank get their room first.
    pub(crate) rank: u8,
}

/// Which side of a column texts keep to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// What may be left out of a text that is too long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fit {
    /// Nothing: a number means something else without a digit.
    Whole,
    /// The end, behind this many letters.
    End(usize),
    /// The middle, where this many letters stay in all.
    Middle(usize),
}

/// The widths of columns.
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

    /// Returns the column with a rank.
    pub(crate) const fn rank(self, rank: u8) -> Self {
        Self { rank, ..self }
    }
}

impl Layout {
    /// Returns the layout of `rows` in lines of `line` columns of the terminal.
    ///
    /// By rank, each column gets the least that it needs, until one does not fit any more; what
    /// is left then is given to those whose texts would be shortened, again by rank.
    pub(crate) fn new(columns: &[Column], rows: &[Vec<Cell>], line: usize) -> Self {
        let needs: Vec<_> =
            columns.iter().enumerate().map(|(c, column)| needs(column, c, rows)).collect();
        let mut order: Vec<usize> = (0..columns.len()).collect();
        order.sort_by_key(|&c| columns[c].rank);
        let mut widths = vec![None; columns.len()];
        let mut left = line + GAP;
        for &c in &order {
            let least = needs[c].0;
            // The first column is always there, however short the line is.
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

    /// Makes columns wider where the numbers of `rows` need it.
    pub(crate) fn widen(&mut self, columns: &[Column], rows: &[Vec<Cell>]) {
        for (c, width) in self.widths.iter_mut().enumerate() {
            if let Some(width) = width {
                *width = (*width).max(needs(&columns[c], c, rows).0);
            }
        }
        self.shrink(columns);
    }

    /// Returns the width of each column, `None` if there is no room for it.
    pub(crate) fn widths(&self) -> &[Option<usize>] {
        &self.widths
    }

    /// Takes from text what the line has not got, from the columns of the highest ranks first.
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

/// Returns how wide a column must be, and how wide it would like to be.
fn needs(column: &Column, index: usize, rows: &[Vec<Cell>]) -> (usize, usize) {
    let cells = rows.iter().filter_map(|row| row.get(index)).map(|cell| width(&cell.text));
    let header = width(column.header);
    let full = cells.max().unwrap_or(0).max(header);
    match column.fit {
        Fit::Whole => (full, full),
        Fit::End(least) | Fit::Middle(least) => (least.max(header).min(full), full),
    }
}

/// Returns how many columns of the terminal a text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// Returns a text that is no wider than `room`, if it may be shortened.
pub(super) fn shorten(text: &str, room: usize, fit: Fit) -> String {
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

/// Returns as many letters as fit into `room`.
fn take(letters: impl Iterator<Item = char>, room: usize) -> String {
    let mut left = room;
    let fits = |letter: &char| {
        let width = letter.width().unwrap_or(0);
        let fits = width <= left;
        left = left.saturating_sub(width);
        fits
    };
    letters.take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_shortened_where_it_says_least() {
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
