//! State of the screen: what is selected, shown and typed. It knows nothing of the terminal.

use std::cmp::Reverse;
use std::sync::Arc;

use nfstream::condition::Condition;
use nfstream::report::Ranked as _;
use ratatui::crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use ratatui::layout::{Position, Rect};

use super::groups::{By, Key, Order};
use super::survey::{Row, Sort, Wish};
use super::watch::{View, Wanted};

/// Speeds of a replay, the last without limit.
const SPEEDS: [f64; 12] =
    [0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 25.0, 100.0, 1000.0, 10_000.0, f64::INFINITY];

/// Table on the screen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tab {
    Flows,
    Groups(By),
}

/// Parser of the filter: returns the condition, or the reason why the text is none.
pub(super) type Parser<'a> = dyn Fn(&str) -> Result<Condition, String> + 'a;

/// Consequence of a key for the threads or the terminal.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    /// Other rows are needed, or the replay has another speed.
    Ask,
    /// The mouse belongs to the screen, or to the terminal again.
    Mouse(bool),
    Quit,
}

/// Filter that is being typed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Input {
    pub(super) text: String,
    /// Position of the cursor in characters.
    pub(super) cursor: usize,
    /// Reason why the text is no filter.
    pub(super) mistake: Option<String>,
}

/// Places on the screen that a click can hit.
#[derive(Clone, Debug, Default)]
pub(super) struct Areas {
    pub(super) tabs: Vec<(Rect, Tab)>,
    pub(super) headers: Vec<(Rect, Sorting)>,
    /// The rows.
    pub(super) body: Rect,
    /// Number of the first row.
    pub(super) first: usize,
    pub(super) detail: Rect,
}

/// Order that a header selects.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Sorting {
    Flows(Sort),
    Groups(Order),
}

/// State of the screen.
#[derive(Debug)]
pub(super) struct State {
    pub(super) view: View,
    pub(super) tab: Tab,
    pub(super) sort: Sort,
    pub(super) is_ascending: bool,
    pub(super) order: Order,
    /// Number of the selected row.
    pub(super) selected: usize,
    pub(super) is_paused: bool,
    pub(super) with_ended: bool,
    pub(super) has_detail: bool,
    /// First line of the detail pane.
    pub(super) detail_line: usize,
    pub(super) has_help: bool,
    pub(super) has_mouse: bool,
    pub(super) filter: Option<Arc<Condition>>,
    pub(super) input: Option<Input>,
    /// Speed of the replay, `None` if the source is none.
    pub(super) speed: Option<f64>,
    pub(super) areas: Areas,
    /// Rows that fit on the screen.
    pub(super) page: usize,
}

impl Tab {
    pub(super) const ALL: [Self; 6] = [
        Self::Flows,
        Self::Groups(By::Application),
        Self::Groups(By::Host),
        Self::Groups(By::Server),
        Self::Groups(By::Port),
        Self::Groups(By::Process),
    ];

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Flows => "Flows",
            Self::Groups(By::Application) => "Applications",
            Self::Groups(By::Host) => "Hosts",
            Self::Groups(By::Server) => "Servers",
            Self::Groups(By::Port) => "Ports",
            Self::Groups(By::Process) => "Processes",
        }
    }
}

impl State {
    /// Returns the state at the start.
    pub(super) fn new(filter: Option<Condition>, speed: Option<f64>) -> Self {
        Self {
            view: View::default(),
            tab: Tab::Flows,
            sort: Sort::default(),
            is_ascending: false,
            order: Order::Rate,
            selected: 0,
            is_paused: false,
            with_ended: true,
            has_detail: false,
            detail_line: 0,
            has_help: false,
            has_mouse: true,
            filter: filter.map(Arc::new),
            input: None,
            speed,
            areas: Areas::default(),
            page: 1,
        }
    }

    /// Returns the speed of the replay at this moment, `None` if the source is none.
    pub(super) fn pace(&self) -> Option<f64> {
        self.speed.map(|speed| if self.is_paused { 0.0 } else { speed })
    }

    /// Returns the request for the next view.
    pub(super) fn wanted(&self) -> Wanted {
        Wanted {
            wish: Wish {
                sort: self.sort,
                is_ascending: self.is_ascending,
                filter: self.filter.clone(),
            },
            order: self.order,
            with_ended: self.with_ended,
        }
    }

    /// Shows another view. The selection stays on its flow or group.
    pub(super) fn show(&mut self, view: View) {
        let before = std::mem::replace(&mut self.view, view);
        let found = match self.tab {
            Tab::Flows => before.rows.get(self.selected).and_then(|row| {
                let key = |row: &Row| (row.record.id, row.record.flow.slice);
                self.view.rows.iter().position(|other| key(other) == key(row))
            }),
            Tab::Groups(by) => before
                .groups
                .get(by.index())
                .and_then(|largest| largest.groups.get(self.selected))
                .and_then(|(key, _)| {
                    let now = &self.view.groups.get(by.index())?.groups;
                    now.iter().position(|(other, _)| other == key)
                }),
        };
        // A selection of the first row stays there: it follows the order, not a flow.
        if self.selected > 0 || self.has_detail {
            self.selected = found.unwrap_or(self.selected);
        }
        self.selected = self.selected.min(self.rows().saturating_sub(1));
    }

    /// Returns the number of rows of the table.
    pub(super) fn rows(&self) -> usize {
        match self.tab {
            Tab::Flows => self.view.rows.len(),
            Tab::Groups(by) => self.view.groups.get(by.index()).map_or(0, |all| all.groups.len()),
        }
    }

    /// Handles what the user did.
    pub(super) fn handle(&mut self, event: &Event, parse: &Parser<'_>) -> Option<Action> {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.press(*key, parse),
            Event::Paste(text) => {
                self.type_text(text, parse);
                None
            }
            Event::Mouse(mouse) => self.point(*mouse),
            _ => None,
        }
    }

    fn press(&mut self, key: KeyEvent, parse: &Parser<'_>) -> Option<Action> {
        let with_control = key.modifiers.contains(KeyModifiers::CONTROL);
        if with_control && matches!(key.code, KeyCode::Char('c' | 'C')) {
            return Some(Action::Quit);
        }
        if self.input.is_some() {
            return self.edit(key, parse);
        }
        if self.has_help {
            self.has_help = false;
            // Any key closes the help; one that quits does only that.
            return None;
        }
        if with_control || key.modifiers.contains(KeyModifiers::ALT) {
            return None;
        }
        match key.code {
            KeyCode::Char('q') => return Some(Action::Quit),
            KeyCode::Char('?' | 'h') | KeyCode::F(1) => self.has_help = true,
            KeyCode::Char('/' | 'f') => {
                let text = self.filter.as_ref().map_or("", |filter| filter.text()).to_owned();
                self.input = Some(Input { cursor: text.chars().count(), text, mistake: None });
            }
            KeyCode::Char(digit @ '1'..='6') => {
                let place = digit.to_digit(10).and_then(|digit| usize::try_from(digit).ok());
                let tab = place.and_then(|place| Tab::ALL.get(place - 1).copied());
                self.open(tab.unwrap_or(self.tab));
            }
            KeyCode::Tab | KeyCode::Right => self.turn(1),
            KeyCode::BackTab | KeyCode::Left => self.turn(Tab::ALL.len() - 1),
            KeyCode::Down | KeyCode::Char('j') => self.select(self.selected + 1),
            KeyCode::Up | KeyCode::Char('k') => self.select(self.selected.saturating_sub(1)),
            KeyCode::PageDown if self.has_detail => self.detail_line += 5,
            KeyCode::PageUp if self.has_detail => {
                self.detail_line = self.detail_line.saturating_sub(5);
            }
            KeyCode::PageDown => self.select(self.selected + self.page),
            KeyCode::PageUp => self.select(self.selected.saturating_sub(self.page)),
            KeyCode::Home | KeyCode::Char('g') => self.select(0),
            KeyCode::End | KeyCode::Char('G') => self.select(usize::MAX),
            KeyCode::Enter | KeyCode::Char('d') => return self.enter(parse),
            KeyCode::Esc if self.has_detail => self.has_detail = false,
            KeyCode::Esc if self.filter.is_some() => return self.set_filter(None),
            KeyCode::Char('s') => return self.next_order(),
            KeyCode::Char('r') if self.tab == Tab::Flows => {
                self.is_ascending = !self.is_ascending;
                return self.sort_again();
            }
            KeyCode::Char('c') => {
                self.with_ended = !self.with_ended;
                return Some(Action::Ask);
            }
            KeyCode::Char('p' | ' ') => {
                self.is_paused = !self.is_paused;
                return Some(Action::Ask);
            }
            KeyCode::Char('m') => {
                self.has_mouse = !self.has_mouse;
                return Some(Action::Mouse(self.has_mouse));
            }
            KeyCode::Char('+' | '=') => return self.change_speed(true),
            KeyCode::Char('-') => return self.change_speed(false),
            _ => {}
        }
        None
    }

    /// Handles a key while the filter is being typed.
    fn edit(&mut self, key: KeyEvent, parse: &Parser<'_>) -> Option<Action> {
        let with_control = key.modifiers.contains(KeyModifiers::CONTROL);
        let input = self.input.as_mut()?;
        let length = input.text.chars().count();
        match key.code {
            KeyCode::Esc => self.input = None,
            KeyCode::Enter => {
                let text = input.text.trim();
                if text.is_empty() {
                    return self.set_filter(None);
                }
                match parse(text) {
                    Ok(condition) => return self.set_filter(Some(condition)),
                    Err(mistake) => input.mistake = Some(mistake),
                }
            }
            KeyCode::Left => input.cursor = input.cursor.saturating_sub(1),
            KeyCode::Right => input.cursor = (input.cursor + 1).min(length),
            KeyCode::Home => input.cursor = 0,
            KeyCode::End => input.cursor = length,
            KeyCode::Char('a') if with_control => input.cursor = 0,
            KeyCode::Char('e') if with_control => input.cursor = length,
            KeyCode::Char('u') if with_control => *input = Input::default(),
            KeyCode::Backspace if input.cursor > 0 => {
                input.remove(input.cursor - 1);
                input.cursor -= 1;
                input.check(parse);
            }
            KeyCode::Delete if input.cursor < length => {
                input.remove(input.cursor);
                input.check(parse);
            }
            KeyCode::Char(character) if !with_control => {
                self.type_text(character.encode_utf8(&mut [0; 4]), parse);
            }
            _ => {}
        }
        None
    }

    fn type_text(&mut self, text: &str, parse: &Parser<'_>) {
        let Some(input) = &mut self.input else { return };
        // Pasted text may have line breaks.
        let typed: String = text.chars().filter(|character| !character.is_control()).collect();
        let place = input.place_of(input.cursor);
        input.text.insert_str(place, &typed);
        input.cursor += typed.chars().count();
        input.check(parse);
    }

    fn point(&mut self, mouse: MouseEvent) -> Option<Action> {
        let at = Position { x: mouse.column, y: mouse.row };
        let in_detail = self.areas.detail.contains(at);
        match mouse.kind {
            MouseEventKind::ScrollDown if in_detail => self.detail_line += 3,
            MouseEventKind::ScrollUp if in_detail => {
                self.detail_line = self.detail_line.saturating_sub(3);
            }
            MouseEventKind::ScrollDown => self.select(self.selected + 3),
            MouseEventKind::ScrollUp => self.select(self.selected.saturating_sub(3)),
            MouseEventKind::Down(MouseButton::Left) => return self.click(at),
            _ => {}
        }
        None
    }

    fn click(&mut self, at: Position) -> Option<Action> {
        if std::mem::take(&mut self.has_help) {
            return None;
        }
        if let Some((_, tab)) = self.areas.tabs.iter().find(|(area, _)| area.contains(at)) {
            self.open(*tab);
            return None;
        }
        if let Some((_, sorting)) = self.areas.headers.iter().find(|(area, _)| area.contains(at)) {
            match *sorting {
                Sorting::Flows(sort) if sort == self.sort => self.is_ascending = !self.is_ascending,
                Sorting::Flows(sort) => (self.sort, self.is_ascending) = (sort, false),
                Sorting::Groups(order) => self.order = order,
            }
            return self.sort_again();
        }
        if self.areas.body.contains(at) {
            let row = self.areas.first + usize::from(at.y - self.areas.body.y);
            if row < self.rows() {
                // A second click opens the details.
                self.has_detail =
                    self.tab == Tab::Flows && (self.has_detail || row == self.selected);
                self.select(row);
            }
        }
        None
    }

    fn open(&mut self, tab: Tab) {
        if tab != self.tab {
            self.tab = tab;
            self.selected = 0;
            self.has_detail = false;
        }
    }

    fn turn(&mut self, steps: usize) {
        let place = Tab::ALL.iter().position(|tab| *tab == self.tab).unwrap_or(0);
        let next = (place + steps) % Tab::ALL.len();
        self.open(Tab::ALL.get(next).copied().unwrap_or(Tab::Flows));
    }

    fn select(&mut self, row: usize) {
        let row = row.min(self.rows().saturating_sub(1));
        if row != self.selected {
            (self.selected, self.detail_line) = (row, 0);
        }
    }

    /// Opens the details of the flow, or the flows of the group.
    fn enter(&mut self, parse: &Parser<'_>) -> Option<Action> {
        let Tab::Groups(by) = self.tab else {
            self.has_detail = !self.has_detail && self.rows() > 0;
            self.detail_line = 0;
            return None;
        };
        let (key, _) = self.view.groups.get(by.index())?.groups.get(self.selected)?;
        let text = match (key, by) {
            (Key::Address(ip), By::Host) => format!("src_ip == '{ip}' || dst_ip == '{ip}'"),
            (Key::Address(ip), _) => format!("dst_ip == '{ip}'"),
            (Key::Application { master, app }, _) => {
                format!("master_protocol == {master} && app_protocol == {app}")
            }
            (Key::Port { protocol, port }, _) => {
                format!("dst_port == {port} && protocol == {protocol}")
            }
            (Key::Process(name), _) => format!("system_process_name == {}", quoted(name)),
        };
        match parse(&text) {
            Ok(condition) => {
                self.open(Tab::Flows);
                self.set_filter(Some(condition))
            }
            Err(mistake) => {
                let cursor = text.chars().count();
                self.input = Some(Input { text, cursor, mistake: Some(mistake) });
                None
            }
        }
    }

    fn set_filter(&mut self, filter: Option<Condition>) -> Option<Action> {
        self.input = None;
        self.filter = filter.map(Arc::new);
        self.selected = 0;
        // The rows of the halted view do not fit the filter.
        self.is_paused = false;
        Some(Action::Ask)
    }

    fn next_order(&mut self) -> Option<Action> {
        if self.tab == Tab::Flows {
            self.sort = following(&Sort::ALL, self.sort);
            self.is_ascending = false;
        } else {
            let all = [Order::Rate, Order::Bytes, Order::Packets, Order::Flows];
            self.order = following(&all, self.order);
        }
        self.sort_again()
    }

    /// Sorts the rows on the screen; the next view may have others.
    fn sort_again(&mut self) -> Option<Action> {
        let Wanted { wish, order, .. } = self.wanted();
        self.view.rows.sort_by_cached_key(|row| (Reverse(wish.rank_of(row)), row.record.id));
        for largest in &mut self.view.groups {
            largest.groups.sort_by_cached_key(|(_, amount)| Reverse(amount.rank(order)));
        }
        Some(Action::Ask)
    }

    fn change_speed(&mut self, is_faster: bool) -> Option<Action> {
        let speed = self.speed?;
        let next = if is_faster {
            SPEEDS.into_iter().find(|other| *other > speed)
        } else {
            SPEEDS.into_iter().rev().find(|other| *other < speed)
        };
        self.speed = next.or(self.speed);
        Some(Action::Ask)
    }
}

impl Input {
    /// Returns the position in bytes of a character.
    fn place_of(&self, character: usize) -> usize {
        self.text.char_indices().nth(character).map_or(self.text.len(), |(place, _)| place)
    }

    fn remove(&mut self, character: usize) {
        self.text.remove(self.place_of(character));
    }

    fn check(&mut self, parse: &Parser<'_>) {
        let text = self.text.trim();
        self.mistake = if text.is_empty() { None } else { parse(text).err() };
    }
}

fn following<T: Copy + PartialEq>(all: &[T], now: T) -> T {
    let place = all.iter().position(|one| *one == now).unwrap_or(0);
    all.get((place + 1) % all.len().max(1)).copied().unwrap_or(now)
}

/// Returns text as a literal of the filter's language.
fn quoted(text: &str) -> String {
    let mut literal = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => literal.extend(['\\', character]),
            character if character.is_control() => {
                literal.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            character => literal.push(character),
        }
    }
    literal.push('"');
    literal
}
