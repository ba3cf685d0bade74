//! Styles and symbols for terminals with and without colours and Unicode.

use ratatui::style::{Color, Modifier, Style};

/// Abilities of the terminal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Theme {
    pub(super) has_color: bool,
    /// Whether the terminal shows more than ASCII.
    pub(super) has_unicode: bool,
}

impl Theme {
    /// Returns a style with a colour, or with a modifier where there are no colours.
    fn colored(self, color: Color, instead: Modifier) -> Style {
        if self.has_color { Style::new().fg(color) } else { Style::new().add_modifier(instead) }
    }

    pub(super) fn accent(self) -> Style {
        self.colored(Color::Cyan, Modifier::empty())
    }

    pub(super) fn quiet(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    pub(super) fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub(super) fn warning(self) -> Style {
        self.colored(Color::Yellow, Modifier::BOLD)
    }

    pub(super) fn error(self) -> Style {
        self.colored(Color::Red, Modifier::BOLD).add_modifier(Modifier::BOLD)
    }

    pub(super) fn header(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
    }

    pub(super) fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    pub(super) fn chart(self) -> Style {
        self.colored(Color::Green, Modifier::empty())
    }

    /// Returns the mark of a descending or an ascending order.
    pub(super) fn arrow(self, is_ascending: bool) -> &'static str {
        match (self.has_unicode, is_ascending) {
            (true, true) => "▲",
            (true, false) => "▼",
            (false, true) => "^",
            (false, false) => "v",
        }
    }

    /// Returns the text in the characters that the terminal shows.
    pub(super) fn text(self, text: &str) -> String {
        if self.has_unicode {
            return text.to_owned();
        }
        let ascii = |character: char| match character {
            '…' => '~',
            '·' => '-',
            '×' => 'x',
            character if character.is_ascii() => character,
            _ => '?',
        };
        text.chars().map(ascii).collect()
    }

    /// Returns a chart of the last `width` values as one line.
    pub(super) fn sparkline(
        self,
        values: impl DoubleEndedIterator<Item = u64>,
        width: usize,
    ) -> String {
        const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        const ASCII: [char; 9] = [' ', '.', '.', ':', ':', '-', '=', '+', '#'];
        let bars = if self.has_unicode { BARS } else { ASCII };
        let mut shown: Vec<u64> = values.rev().take(width).collect();
        shown.reverse();
        let most = shown.iter().copied().max().unwrap_or(0).max(1);
        let bar = |value: u64| {
            let steps = u128::from(value) * 8;
            let height = steps.div_ceil(u128::from(most));
            bars.get(usize::try_from(height).unwrap_or(0)).copied().unwrap_or(' ')
        };
        let padding = width.saturating_sub(shown.len());
        std::iter::repeat_n(' ', padding).chain(shown.into_iter().map(bar)).collect()
    }
}
