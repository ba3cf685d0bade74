//! Drawing of the state. Text of packets comes from [`Cell`]s, which cannot control the terminal.

use anstyle::Effects;
use nfstream::features::Schema;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout as Split, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

use super::cells::{self, Design, Known};
use super::groups::Amount;
use super::state::{Areas, Input, Sorting, State, Tab};
use super::survey::{EXAMINED, ROWS};
use super::theme::Theme;
use super::watch::View;
use crate::human::{bytes, count, time_of_day};
use crate::table::{ACCENT, Align, Cell, Fit, Layout, QUIET, shorten, width};

/// Least width and height that are drawn.
pub(super) const LEAST: (u16, u16) = (40, 10);

/// Lines above the table.
const TOP: u16 = 6;

/// Width from which the details are beside the table.
const WIDE: u16 = 150;

/// Width from which the table shows the ports of sources.
const WITH_PORTS: u16 = 100;

/// Spaces between two columns of a table.
const GAP: u16 = 2;

/// Facts that stay the same while the screen is shown.
pub(super) struct Stage<'a> {
    pub(super) schema: &'a Schema,
    pub(super) known: Known,
    pub(super) theme: Theme,
    /// Names of the sources.
    pub(super) source: String,
}

impl Stage<'_> {
    /// Draws the whole screen, and notes in `state` what a click can hit.
    pub(super) fn draw(&self, frame: &mut Frame<'_>, state: &mut State) {
        let area = frame.area();
        state.areas = Areas::default();
        if area.width < LEAST.0 || area.height < LEAST.1 {
            let text = format!("at least {} x {} characters needed", LEAST.0, LEAST.1);
            frame.render_widget(Paragraph::new(text), area);
            return;
        }
        let [top, middle, bottom] =
            Split::vertical([Constraint::Length(TOP), Constraint::Min(1), Constraint::Length(1)])
                .areas(area);
        self.draw_top(frame, top, state);
        let (table, detail) = panes(middle, state.has_detail && state.tab == Tab::Flows);
        self.draw_table(frame, table, state);
        if let Some(detail) = detail {
            self.draw_detail(frame, detail, state);
        }
        self.draw_bottom(frame, bottom, state);
        if state.has_help {
            self.draw_help(frame, area, state);
        }
    }

    fn draw_top(&self, frame: &mut Frame<'_>, area: Rect, state: &mut State) {
        let rows: [Rect; 6] = Split::vertical([Constraint::Length(1); 6]).areas(area);
        let [title, packets, bits, flows, account, tabs] = rows;
        self.draw_title(frame, title, state);
        let history = || state.view.history.iter();
        let last = history().next_back().filter(|_| !state.view.is_over);
        let last = last.copied().unwrap_or_default();
        let (of_packets, of_flows) =
            (cells::short_count(last.packets), cells::short_count(last.flows));
        let of_bits = cells::bits_per_second(last.bits);
        self.draw_rate(
            frame,
            packets,
            "packets",
            &format!("{of_packets}/s"),
            history().map(|p| p.packets),
        );
        self.draw_rate(frame, bits, "traffic", &of_bits, history().map(|p| p.bits));
        self.draw_rate(frame, flows, "flows", &format!("{of_flows}/s"), history().map(|p| p.flows));
        self.draw_account(frame, account, &state.view);
        self.draw_tabs(frame, tabs, state);
    }

    fn draw_title(&self, frame: &mut Frame<'_>, area: Rect, state: &State) {
        let theme = self.theme;
        let mut right = String::new();
        if let Some(time) = state.view.time {
            let time = time_of_day(time);
            right.push_str(&format!("{} UTC", time.split('.').next().unwrap_or(&time)));
        }
        let mut spans = vec![Span::styled("nfstream top", theme.strong())];
        if state.view.is_over {
            spans.push(Span::styled("  end of input", theme.accent()));
        } else if let Some(speed) = state.speed {
            let speed = if speed.is_finite() {
                format!("  replay ×{speed}")
            } else {
                "  replay at full speed".to_owned()
            };
            spans.push(Span::styled(theme.text(&speed), theme.accent()));
            if let Some(share) = progress(&state.view) {
                spans.push(Span::raw(format!(" {share}")));
            }
        }
        if state.is_paused {
            spans.push(Span::styled("  PAUSED", theme.warning()));
        }
        let used: usize = spans.iter().map(|span| width(&span.content)).sum();
        let mut room = usize::from(area.width).saturating_sub(used + width(&right) + 2);
        if room > 8 {
            let source = theme.text(&shorten(&self.source, room - 2, Fit::Middle(0)));
            room = room.saturating_sub(2 + width(&source));
            spans.push(Span::raw(format!("  {source}")));
        }
        spans.push(Span::raw(" ".repeat(room + 2)));
        spans.push(Span::raw(right));
        frame.render_widget(Paragraph::new(Line::from(spans)), area);
    }

    fn draw_rate(
        &self,
        frame: &mut Frame<'_>,
        area: Rect,
        name: &str,
        rate: &str,
        values: impl DoubleEndedIterator<Item = u64>,
    ) {
        const LABEL: usize = 22;

        let chart = self.theme.sparkline(values, usize::from(area.width).saturating_sub(LABEL + 1));
        let line = Line::from(vec![
            Span::styled(format!("{name:<8}"), self.theme.quiet()),
            Span::styled(format!("{rate:>14} "), self.theme.strong()),
            Span::styled(chart, self.theme.chart()),
        ]);
        frame.render_widget(Paragraph::new(line), area);
    }

    /// Draws the account of packets, and totals as far as there is room.
    fn draw_account(&self, frame: &mut Frame<'_>, area: Rect, view: &View) {
        let theme = self.theme;
        let stats = &view.stats;
        let alert = |number: u64, style: Style| if number > 0 { style } else { Style::new() };
        let mut parts = vec![(format!("{} packets", count(stats.packets)), Style::new())];
        if let Some(reception) = stats.reception {
            let (kernel, interface) = (reception.dropped_by_kernel, reception.dropped_by_interface);
            parts.push((format!("{} dropped", count(kernel)), alert(kernel, theme.error())));
            if interface > 0 {
                parts.push((format!("{} at interface", count(interface)), theme.warning()));
            }
        }
        let ignored = stats.ignored.total();
        parts.push((format!("{} ignored", count(ignored)), alert(ignored, theme.warning())));
        if stats.evicted_flows > 0 {
            parts.push((format!("{} evicted", count(stats.evicted_flows)), theme.warning()));
        }
        parts.push((format!("{} active", count(stats.active_flows)), Style::new()));
        let always = parts.len();
        parts.push((format!("{} ended", count(stats.flows)), Style::new()));
        parts.push((bytes(view.total.bytes), Style::new()));
        let reasons = stats.ignored.reasons().filter(|(_, packets)| *packets > 0);
        parts.extend(reasons.map(|(reason, packets)| {
            (format!("{} {}", count(packets), reason.replace('_', " ")), theme.quiet())
        }));
        let mut spans: Vec<Span<'_>> = Vec::new();
        let mut left = usize::from(area.width);
        for (place, (text, style)) in parts.into_iter().enumerate() {
            let dot = if spans.is_empty() { "" } else { " · " };
            let wide = width(dot) + width(&text);
            if place >= always && wide > left {
                break;
            }
            left = left.saturating_sub(wide);
            spans.extend([Span::raw(theme.text(dot)), Span::styled(text, style)]);
        }
        frame.render_widget(Paragraph::new(Line::from(spans)), area);
    }

    fn draw_tabs(&self, frame: &mut Frame<'_>, area: Rect, state: &mut State) {
        let mut spans = Vec::new();
        let mut x = area.x;
        let is_narrow = area.width < 76;
        for (number, tab) in (1..).zip(Tab::ALL) {
            let title = match tab.title() {
                title if is_narrow => title.get(..4).unwrap_or(title),
                title => title,
            };
            let text = format!(" {number} {title} ");
            let wide = u16::try_from(text.len()).unwrap_or(0);
            let place = Rect { x, y: area.y, width: wide, height: 1 };
            state.areas.tabs.push((place, tab));
            let style = if tab == state.tab { self.theme.selected() } else { Style::new() };
            spans.push(Span::styled(text, style));
            x = x.saturating_add(wide);
        }
        frame.render_widget(Paragraph::new(Line::from(spans)), area);
    }

    fn draw_table(&self, frame: &mut Frame<'_>, area: Rect, state: &mut State) {
        let page = usize::from(area.height).saturating_sub(1);
        state.page = page.max(1);
        let first = first_row(state.selected, state.rows(), page);
        let shown = first..(first + page).min(state.rows());
        let names = self.schema.names();
        let (design, rows): (Design, Vec<Vec<Cell>>) = match state.tab {
            Tab::Flows => {
                let rows = state.view.rows.get(shown).unwrap_or_default().iter();
                let is_wide = area.width >= WITH_PORTS;
                let row = |row| cells::of_flow(row, &self.known, is_wide, state.view.time, names);
                (Design::of_flows(&self.known, state.sort), rows.map(row).collect())
            }
            Tab::Groups(by) => {
                let largest = state.view.groups.get(by.index());
                let groups = largest.and_then(|largest| largest.groups.get(shown));
                let all: Amount = state.view.total;
                let row = |(key, amount): &_| cells::of_group(key, amount, &all, names);
                (Design::of_groups(by), groups.unwrap_or_default().iter().map(row).collect())
            }
        };
        let mut for_layout = rows.clone();
        for_layout.push(design.typical.clone());
        let mut headers: Vec<Cell> = Vec::new();
        for (column, sort) in design.columns.iter().zip(&design.sorts) {
            let is_sorted = match sort {
                Some(Sorting::Flows(sort)) => *sort == state.sort,
                Some(Sorting::Groups(order)) => *order == state.order,
                None => false,
            };
            let arrow = match sort {
                Some(Sorting::Flows(_)) if is_sorted => self.theme.arrow(state.is_ascending),
                Some(Sorting::Groups(_)) if is_sorted => self.theme.arrow(false),
                _ => "",
            };
            headers.push(format!("{}{arrow}", column.header).into());
        }
        for_layout.push(headers.clone());
        let layout = Layout::new(&design.columns, &for_layout, usize::from(area.width));
        let mut x = area.x;
        for (sort, given) in design.sorts.iter().zip(layout.widths()) {
            let Some(given) = given else { continue };
            let wide = u16::try_from(*given).unwrap_or(0);
            if let Some(sort) = sort {
                let place = Rect { x, y: area.y, width: wide, height: 1 };
                state.areas.headers.push((place, *sort));
            }
            x = x.saturating_add(wide + GAP);
        }
        let mut lines =
            vec![self.line(&design, &layout, &headers).patch_style(self.theme.header())];
        for (number, row) in (first..).zip(&rows) {
            let mut line = self.line(&design, &layout, row);
            if number == state.selected {
                let used: usize = line.spans.iter().map(|span| width(&span.content)).sum();
                let rest = usize::from(area.width).saturating_sub(used);
                line.push_span(Span::raw(" ".repeat(rest)));
                line = line.patch_style(self.theme.selected());
                for span in &mut line.spans {
                    span.style = Style::new();
                }
            }
            lines.push(line);
        }
        if rows.is_empty() {
            lines.push(Line::styled(self.theme.text(&self.why_empty(state)), self.theme.quiet()));
        }
        state.areas.body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        state.areas.first = first;
        frame.render_widget(Paragraph::new(lines), area);
    }

    fn why_empty(&self, state: &State) -> String {
        if state.tab == Tab::Groups(super::groups::By::Process) && !self.known.has_processes {
            return "Processes are shown for interfaces with --system-visibility-mode 1."
                .to_owned();
        }
        match (&state.filter, state.view.is_over) {
            (Some(_), _) => "No flow matches the filter; Esc removes it.".to_owned(),
            (None, true) => "The input has no flows.".to_owned(),
            (None, false) => "No flows yet.".to_owned(),
        }
    }

    /// Returns the cells that fit as a line.
    fn line(&self, design: &Design, layout: &Layout, cells: &[Cell]) -> Line<'static> {
        let mut spans = Vec::new();
        for ((column, cell), given) in design.columns.iter().zip(cells).zip(layout.widths()) {
            let Some(given) = *given else { continue };
            let text = self.theme.text(&shorten(&cell.text, given, column.fit));
            let padding = " ".repeat(given.saturating_sub(width(&text)));
            let gap = if spans.is_empty() { "" } else { "  " };
            let style = self.style_of(cell);
            spans.push(Span::raw(gap));
            match column.align {
                Align::Left => {
                    spans.extend([Span::styled(text, style), Span::raw(padding)]);
                }
                Align::Right => {
                    spans.extend([Span::raw(padding), Span::styled(text, style)]);
                }
            }
        }
        Line::from(spans)
    }

    fn style_of(&self, cell: &Cell) -> Style {
        if cell.style == ACCENT {
            self.theme.accent()
        } else if cell.style == QUIET || cell.style.get_effects().contains(Effects::DIMMED) {
            self.theme.quiet()
        } else {
            Style::new()
        }
    }

    fn draw_detail(&self, frame: &mut Frame<'_>, area: Rect, state: &mut State) {
        state.areas.detail = area;
        let Some(row) = state.view.rows.get(state.selected) else { return };
        let all = cells::details(row, self.schema);
        let label = all.iter().map(|(name, _)| name.len()).max().unwrap_or(0).min(36);
        let inner = usize::from(area.width).saturating_sub(label + 2).max(8);
        let mut lines = Vec::new();
        for (name, text) in &all {
            let mut name = *name;
            for part in wrapped(text, inner) {
                lines.push(Line::from(vec![
                    Span::styled(format!("{name:>label$}  "), self.theme.quiet()),
                    Span::raw(self.theme.text(&part)),
                ]));
                name = "";
            }
        }
        let page = usize::from(area.height).saturating_sub(1);
        state.detail_line = state.detail_line.min(lines.len().saturating_sub(page));
        let title = format!(
            " Flow {} {}",
            count(row.record.id),
            if lines.len() > page { "(Page Up and Page Down scroll) " } else { "" }
        );
        let mut shown = vec![Line::styled(
            format!("{title:<0$}", usize::from(area.width)),
            self.theme.header(),
        )];
        shown.extend(lines.into_iter().skip(state.detail_line).take(page));
        frame.render_widget(Clear, area);
        frame.render_widget(Paragraph::new(shown), area);
    }

    fn draw_bottom(&self, frame: &mut Frame<'_>, area: Rect, state: &State) {
        let theme = self.theme;
        if let Some(input) = &state.input {
            self.draw_input(frame, area, input);
            return;
        }
        let mut spans = Vec::new();
        if let Some(error) = &state.view.error {
            let error = Cell::from(error.as_str()).text;
            spans.push(Span::styled(theme.text(&format!("error: {error}")), theme.error()));
        } else if let Some(filter) = &state.filter {
            let shown = count(u64::try_from(state.view.matching).unwrap_or(u64::MAX));
            spans.push(Span::styled("filter ", theme.quiet()));
            let text = Cell::from(filter.text()).text;
            spans.push(Span::styled(theme.text(&text), theme.accent()));
            let of = match state.view.examined {
                EXAMINED.. => {
                    format!(" of the first {}", count(u64::try_from(EXAMINED).unwrap_or(0)))
                }
                _ => String::new(),
            };
            spans.push(Span::raw(format!("  {shown}{of} match")));
            if let Some(failure) = &state.view.failure {
                spans.push(Span::styled(
                    format!("  {}", Cell::from(failure.as_str()).text),
                    theme.error(),
                ));
            }
        } else if let Some(warning) = state.view.warnings.last() {
            let warning = Cell::from(warning.as_str()).text;
            spans.push(Span::styled("warning ", theme.warning()));
            spans.push(Span::raw(theme.text(&warning)));
        } else {
            let detail = if state.tab == Tab::Flows { "details" } else { "its flows" };
            let speed = if state.speed.is_some() { "  +/- speed" } else { "" };
            let mut keys = format!("? help  / filter  s sort  Enter {detail}  p pause  q quit");
            for more in ["  Tab next table", "  c ended flows", speed] {
                if keys.len() + more.len() < usize::from(area.width) {
                    keys.push_str(more);
                }
            }
            let rows = shown_rows(state);
            spans.push(Span::styled(keys, theme.quiet()));
            spans.push(Span::raw(format!("  {rows}")));
        }
        frame.render_widget(Paragraph::new(Line::from(spans)), area);
    }

    fn draw_input(&self, frame: &mut Frame<'_>, area: Rect, input: &Input) {
        let theme = self.theme;
        let label = "filter: ";
        let room = usize::from(area.width).saturating_sub(label.len() + 1);
        // The cursor stays visible in a long text.
        let before: Vec<char> = input.text.chars().take(input.cursor).collect();
        let start = before.len().saturating_sub(room.saturating_sub(1));
        let shown: String = input.text.chars().skip(start).take(room).collect();
        let mut spans = vec![
            Span::styled(label, theme.strong()),
            Span::raw(theme.text(&Cell::from(shown.as_str()).text)),
        ];
        let used = label.len() + width(&shown);
        match &input.mistake {
            Some(mistake) => {
                let mistake = Cell::from(mistake.as_str()).text;
                spans.push(Span::styled(format!("  {}", theme.text(&mistake)), theme.error()));
            }
            None if used + 40 < usize::from(area.width) => {
                spans.push(Span::styled("  Enter applies, Esc cancels", theme.quiet()));
            }
            None => {}
        }
        let at: String = before.into_iter().skip(start).collect();
        let x = area.x.saturating_add(u16::try_from(label.len() + width(&at)).unwrap_or(0));
        frame.render_widget(Paragraph::new(Line::from(spans)), area);
        frame.set_cursor_position((x.min(area.right().saturating_sub(1)), area.y));
        // On a narrow screen a mistake has a line of its own above the text.
        if let Some(mistake) = &input.mistake
            && used + 2 + width(mistake) > usize::from(area.width)
            && area.y > 0
        {
            let above = Rect { y: area.y - 1, ..area };
            frame.render_widget(Clear, above);
            let mistake = theme.text(&Cell::from(mistake.as_str()).text);
            frame.render_widget(Paragraph::new(Line::styled(mistake, theme.error())), above);
        }
    }

    fn draw_help(&self, frame: &mut Frame<'_>, area: Rect, state: &State) {
        const KEYS: [(&str, &str); 14] = [
            ("1-6, Tab", "table: flows, applications, hosts, servers, ports, processes"),
            ("Up, Down, j, k", "select a row; Page Up, Page Down, Home and End go further"),
            ("Enter", "details of a flow, or the flows of a group"),
            ("/", "filter, in the language of --where: dst_port == 443"),
            ("Esc", "close the details, then remove the filter"),
            ("s, r", "next order, reverse order"),
            ("p, Space", "pause or resume the screen, and a replay with it"),
            ("+, -", "speed of a replay"),
            ("c", "show or hide flows that have ended"),
            ("m", "use the mouse here, or in the terminal to select text"),
            ("q, Ctrl-C", "quit"),
            ("", ""),
            ("rate", "of the last interval, in both directions"),
            ("retr", "retransmitted packets of both directions"),
        ];

        let mut lines: Vec<Line<'_>> = KEYS
            .iter()
            .filter(|(key, _)| *key != "+, -" || state.speed.is_some())
            .map(|(key, meaning)| {
                Line::from(vec![
                    Span::styled(format!("{key:>15}  "), self.theme.strong()),
                    Span::raw(*meaning),
                ])
            })
            .collect();
        lines.push(Line::raw(""));
        lines.push(Line::styled("Any key closes this help.", self.theme.quiet()));
        let height = u16::try_from(lines.len()).unwrap_or(0).saturating_add(2).min(area.height);
        let wide = 82.min(area.width);
        let place = Rect {
            x: area.x + (area.width - wide) / 2,
            y: area.y + (area.height - height) / 2,
            width: wide,
            height,
        };
        let block = if self.theme.has_unicode {
            Block::bordered().title(" Help ")
        } else {
            Block::new().title("Help").style(Style::new().add_modifier(Modifier::REVERSED))
        };
        frame.render_widget(Clear, place);
        frame.render_widget(Paragraph::new(lines).block(block), place);
    }
}

/// Divides the middle of the screen between the table and the details.
fn panes(area: Rect, has_detail: bool) -> (Rect, Option<Rect>) {
    if !has_detail {
        return (area, None);
    }
    let [table, _, detail] = if area.width >= WIDE {
        Split::horizontal([Constraint::Fill(3), Constraint::Length(2), Constraint::Fill(2)])
            .areas(area)
    } else {
        Split::vertical([Constraint::Fill(1), Constraint::Length(0), Constraint::Fill(1)])
            .areas(area)
    };
    (table, Some(detail))
}

/// Returns the first row on the screen, so that the selected one is visible.
fn first_row(selected: usize, rows: usize, page: usize) -> usize {
    let last = rows.saturating_sub(page);
    selected.saturating_sub(page / 2).min(last)
}

/// Returns how many rows there are, if not all of them are listed.
fn shown_rows(state: &State) -> String {
    let number = |rows: usize| count(u64::try_from(rows).unwrap_or(u64::MAX));
    let rows = state.rows();
    match state.tab {
        Tab::Flows if rows >= ROWS => format!("the first {} flows", number(rows)),
        Tab::Flows => String::new(),
        Tab::Groups(by) => match state.view.groups.get(by.index()) {
            Some(largest) if largest.is_cut => {
                format!("the first {}; small ones are not counted", number(rows))
            }
            Some(largest) if largest.count > rows => {
                format!("the first {} of {}", number(rows), number(largest.count))
            }
            _ => String::new(),
        },
    }
}

/// Returns the share of the input that was read, if its size is known.
fn progress(view: &View) -> Option<String> {
    let total = view.progress.total_bytes?;
    Some(crate::human::share(view.progress.bytes.min(total), total))
}

/// Splits text into lines of at most `room` columns.
fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for character in text.chars() {
        let wide = width(character.encode_utf8(&mut [0; 4]));
        if used + wide > room {
            lines.push(String::new());
            used = 0;
        }
        used += wide;
        if let Some(line) = lines.last_mut() {
            line.push(character);
        }
    }
    lines
}
