//! The state and the drawing, without a terminal.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nfstream::capture::{CaptureError, ReadProgress, Source, Warning};
use nfstream::condition::Condition;
use nfstream::dissect::{Dissection, DissectorChoice, Limits, Rules};
use nfstream::features::{Group, columns};
use nfstream::host::monotonic;
use nfstream::packet::Chunk;
use nfstream::time::TimeUnit;
use nfstream::{Config, Run, Step, capture};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{
    Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use ratatui::style::Modifier;
use snapbox::{Assert, Data};

use super::cells::Known;
use super::draw::Stage;
use super::groups::By;
use super::state::{Action, State, Tab};
use super::survey::Sort;
use super::theme::Theme;
use super::watch::{Clock, Surveyor, View, Watch};

const PLAIN: Theme = Theme { has_color: false, has_unicode: true };

/// A run over a sample, and the state of a screen that shows it.
struct Sample {
    run: Run,
    state: State,
    surveyor: Surveyor,
}

fn parse(text: &str) -> Result<Condition, String> {
    Condition::parse(text, columns(TimeUnit::Milliseconds))
        .map_err(|error| error.message().to_owned())
}

impl Sample {
    /// Reads the first packets of a sample, looks, reads as many again and looks after a second.
    fn of(name: &str, packets: usize) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/captures").join(name);
        let source = Box::new(capture::open(&[path]).unwrap());
        let mut config = Config {
            dissection: Some(Dissection {
                dissector: DissectorChoice::Native.factory(Rules::default()),
                limits: Limits::default(),
            }),
            chunk_packets: packets.try_into().unwrap(),
            ..Config::default()
        };
        let groups = [Group::EndReason, Group::TcpQuality, Group::Dissection];
        config.measuring.groups = groups.to_vec();
        let mut run = Run::new(source, &config).unwrap();
        let state = State::new(None, Some(f64::INFINITY));
        let second = Duration::from_secs(1);
        let mut surveyor = Surveyor::new(&run, Clock::Packets, state.wanted(), second, false);
        let start = monotonic();
        step(&mut run, &surveyor);
        surveyor.view(start);
        step(&mut run, &surveyor);
        let mut sample = Self { run, state, surveyor };
        let view = sample.surveyor.view(start + second);
        sample.state.show(view);
        sample
    }

    /// Reads the rest.
    fn finish(&mut self) {
        while step(&mut self.run, &self.surveyor) {}
        self.surveyor.end();
        let view = self.surveyor.view(monotonic() + Duration::from_secs(9));
        self.state.show(view);
    }

    fn stage(&self, theme: Theme) -> Stage<'_> {
        let schema = self.run.schema();
        Stage { schema, known: Known::of(schema), theme, source: "sample.pcap".to_owned() }
    }

    fn press(&mut self, keys: &str) -> Option<Action> {
        let mut action = None;
        for key in keys.chars() {
            let code = match key {
                '\n' => KeyCode::Enter,
                '\t' => KeyCode::Tab,
                key => KeyCode::Char(key),
            };
            action = self.state.handle(&Event::Key(code.into()), &parse);
        }
        action
    }

    fn screen(&mut self, width: u16, height: u16, theme: Theme) -> Vec<String> {
        let mut state = std::mem::replace(&mut self.state, State::new(None, None));
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let stage = self.stage(theme);
        terminal.draw(|frame| stage.draw(frame, &mut state)).unwrap();
        let buffer = terminal.backend().buffer();
        let line = |y| (0..width).map(|x| buffer[(x, y)].symbol().to_owned()).collect::<String>();
        let lines = (0..height).map(|y| line(y).trim_end().to_owned()).collect();
        if !theme.has_color {
            use ratatui::style::Color::Reset;
            assert!(buffer.content().iter().all(|cell| (cell.fg, cell.bg) == (Reset, Reset)));
        }
        self.state = state;
        lines
    }

    fn check(&mut self, snapshot: &str, width: u16, height: u16, theme: Theme) {
        let lines = self.screen(width, height, theme);
        assert!(lines.iter().all(|line| crate::table::width(line) <= width.into()));
        let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/snapshots"].iter().collect();
        let path = path.join(format!("top_{snapshot}.txt"));
        let expected = Data::read_from(&path, Some(snapbox::data::DataFormat::Text));
        Assert::new().action_env("SNAPSHOTS").eq(lines.join("\n") + "\n", expected);
    }
}

fn step(run: &mut Run, surveyor: &Surveyor) -> bool {
    let (records, continues) = match run.advance().unwrap() {
        Step::Records(records) => (records, true),
        Step::Last(records) => (records, false),
    };
    surveyor.add_ended(records, run);
    continues
}

#[test]
fn active_flows_fit_a_small_terminal() {
    Sample::of("web.pcap", 150).check("flows_80", 80, 24, PLAIN);
}

#[test]
fn details_are_below_the_table_or_beside_it() {
    let mut sample = Sample::of("web.pcap", 150);
    sample.press("\n");
    sample.check("detail_100", 100, 30, PLAIN);
    sample.check("detail_180", 180, 40, PLAIN);
}

#[test]
fn groups_have_their_totals_at_the_end() {
    let mut sample = Sample::of("web.pcap", 150);
    sample.finish();
    sample.press("2s");
    sample.check("applications_120", 120, 16, PLAIN);
    for tab in "3456".chars() {
        sample.press(&tab.to_string());
        let lines = sample.screen(120, 30, PLAIN);
        let has_rows = lines.iter().filter(|line| line.contains(" kB ")).count() > 2;
        assert_eq!(has_rows, tab != '6', "{tab}: {lines:#?}");
    }
    // The totals are those of the run.
    let stats = sample.run.monitor().stats();
    let total = sample.state.view.total;
    assert_eq!((total.flows, total.packets, total.active), (stats.flows, stats.flow_packets, 0));
    let flows = |by: By| {
        let largest = &sample.state.view.groups[by.index()];
        largest.groups.iter().map(|(_, amount)| amount.flows).sum::<u64>()
    };
    for by in [By::Application, By::Server, By::Port] {
        assert_eq!(flows(by), stats.flows, "{by:?}");
    }
    assert_eq!(flows(By::Host), 2 * stats.flows);
}

#[test]
fn without_unicode_the_screen_is_ascii() {
    let mut sample = Sample::of("web.pcap", 150);
    let theme = Theme { has_color: false, has_unicode: false };
    sample.press("?");
    for (width, height) in [(80, 24), (200, 50), (40, 10), (39, 10), (1, 1)] {
        let lines = sample.screen(width, height, theme);
        assert!(lines.iter().all(|line| line.is_ascii()), "{lines:#?}");
    }
    sample.check("help_ascii_80", 80, 24, theme);
}

#[test]
fn colours_are_used_where_there_are_any() {
    let mut sample = Sample::of("web.pcap", 150);
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let mut state = std::mem::replace(&mut sample.state, State::new(None, None));
    let stage = sample.stage(Theme { has_color: true, has_unicode: true });
    terminal.draw(|frame| stage.draw(frame, &mut state)).unwrap();
    let cells = terminal.backend().buffer().content();
    assert!(cells.iter().any(|cell| cell.fg != ratatui::style::Color::Reset));
    assert!(cells.iter().any(|cell| cell.modifier.contains(Modifier::REVERSED)));
}

#[test]
fn a_filter_with_a_mistake_is_explained_and_not_applied() {
    let mut sample = Sample::of("web.pcap", 150);
    sample.press("/dst_prt == 443");
    let mistake = sample.state.input.as_ref().unwrap().mistake.clone();
    assert_eq!(mistake.as_deref(), Some("no column 'dst_prt'; did you mean 'dst_port'?"));
    assert_eq!(sample.press("\n"), None);
    assert!(sample.state.filter.is_none());
    sample.check("mistake_80", 80, 24, PLAIN);
    // Corrected at its place.
    for _ in 0.."rt == 443".len() {
        sample.state.handle(&Event::Key(KeyCode::Left.into()), &parse);
    }
    assert_eq!(sample.press("o"), None);
    assert_eq!(sample.state.input.as_ref().unwrap().mistake, None);
    assert_eq!(sample.press("\n"), Some(Action::Ask));
    assert_eq!(sample.state.filter.as_ref().unwrap().text(), "dst_port == 443");
    sample.press("/");
    assert_eq!(sample.state.input.as_ref().unwrap().text, "dst_port == 443");
    sample.state.handle(&Event::Key(KeyCode::Esc.into()), &parse);
    assert_eq!(sample.state.handle(&Event::Key(KeyCode::Esc.into()), &parse), Some(Action::Ask));
    assert!(sample.state.filter.is_none());
}

#[test]
fn a_filter_selects_active_and_ended_flows() {
    let mut sample = Sample::of("web.pcap", 150);
    let all = sample.state.view.rows.len();
    sample.press("/protocol == 17\n");
    let before = sample.surveyor.view(monotonic() + Duration::from_secs(5)).rows.len();
    assert_eq!(before, all, "the surveyor does not know the filter yet");
    sample.surveyor.ask(sample.state.wanted());
    sample.finish();
    let view = &sample.state.view;
    assert!(!view.rows.is_empty() && view.rows.len() < all);
    assert!(view.rows.iter().all(|row| row.record.flow.key.protocol == 17));
    assert_eq!(view.matching, view.rows.len());
    for by in [By::Host, By::Server, By::Port] {
        let groups = &view.groups[by.index()].groups;
        let flows: u64 = groups.iter().map(|(_, amount)| amount.flows).sum();
        let ends = if by == By::Host { 2 } else { 1 };
        assert_eq!(flows, ends * u64::try_from(view.rows.len()).unwrap(), "{by:?}");
    }
}

#[test]
fn any_text_can_be_typed_as_a_filter() {
    let mut sample = Sample::of("web.pcap", 150);
    sample.press("/");
    for text in ["\u{1b}[2J\n\u{202e}gpj", "größe 文字 ", "((((((((", "'\\", &"x".repeat(5000)]
    {
        sample.state.handle(&Event::Paste(text.to_owned()), &parse);
        for (width, height) in [(80, 24), (40, 10)] {
            let lines = sample.screen(width, height, PLAIN);
            let is_control = |c: char| c.is_control() || c == '\u{202e}';
            assert!(!lines.iter().any(|line| line.contains(is_control)), "{lines:#?}");
        }
    }
    for code in [KeyCode::Home, KeyCode::Delete, KeyCode::End, KeyCode::Backspace, KeyCode::Right] {
        sample.state.handle(&Event::Key(code.into()), &parse);
    }
    sample.press("\n");
    assert!(sample.state.filter.is_none());
}

#[test]
fn text_of_packets_does_not_control_the_screen() {
    let mut sample = Sample::of("web.pcap", 150);
    let hostile = "\u{1b}[31m\u{9b}2J\u{202e}\u{7}e\u{301}文".repeat(8_000);
    for row in &mut sample.state.view.rows {
        let metadata = Arc::make_mut(row.record.application.metadata.get_or_insert_default());
        metadata.client_info = hostile.as_str().into();
        metadata.server_info = hostile.as_str().into();
    }
    sample.press("\n");
    for (width, height) in [(80, 24), (120, 30), (200, 50)] {
        let lines = sample.screen(width, height, PLAIN);
        let is_control = |c: char| c.is_control() || c == '\u{202e}';
        assert!(!lines.iter().any(|line| line.contains(is_control)), "{lines:#?}");
    }
}

#[test]
fn a_group_leads_to_its_flows() {
    let mut sample = Sample::of("web.pcap", 150);
    for (tab, start) in [
        ("2", "master_protocol == "),
        ("3", "src_ip == '"),
        ("4", "dst_ip == '"),
        ("5", "dst_port == "),
    ] {
        sample.press(tab);
        assert_eq!(sample.press("\n"), Some(Action::Ask));
        let filter = sample.state.filter.clone().unwrap();
        assert!(filter.text().starts_with(start), "{}", filter.text());
        assert_eq!(sample.state.tab, Tab::Flows);
    }
    sample.press("6");
    assert_eq!(sample.press("\n"), None);
}

#[test]
fn the_mouse_selects_what_is_under_it() {
    let mut sample = Sample::of("web.pcap", 150);
    let lines = sample.screen(120, 24, PLAIN);
    let click = |sample: &mut Sample, column: u16, row: u16| {
        let kind = MouseEventKind::Down(MouseButton::Left);
        let event = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
        sample.state.handle(&Event::Mouse(event), &parse)
    };
    assert_eq!(click(&mut sample, 2, 9), None);
    assert_eq!((sample.state.selected, sample.state.has_detail), (2, false));
    click(&mut sample, 2, 9);
    assert!(sample.state.has_detail);
    // The header of a column sorts by it; a second click turns the order around.
    let bytes = u16::try_from(lines[6].find("bytes").unwrap()).unwrap();
    assert_eq!(click(&mut sample, bytes, 6), Some(Action::Ask));
    let total = |sample: &Sample| -> Vec<u64> {
        sample.state.view.rows.iter().map(|row| row.record.volume.total_bytes()).collect()
    };
    assert!(total(&sample).is_sorted_by(|a, b| a >= b));
    click(&mut sample, bytes, 6);
    assert!(total(&sample).is_sorted());
    let hosts = u16::try_from(lines[5].find("Hosts").unwrap()).unwrap();
    click(&mut sample, hosts, 5);
    assert_eq!(sample.state.tab, Tab::Groups(By::Host));
    for _ in 0..50 {
        let kind = MouseEventKind::ScrollDown;
        let event = MouseEvent { kind, column: 3, row: 9, modifiers: KeyModifiers::NONE };
        sample.state.handle(&Event::Mouse(event), &parse);
    }
    assert_eq!(sample.state.selected, sample.state.rows() - 1);
    click(&mut sample, 79, 23);
}

#[test]
fn the_selection_stays_on_its_flow() {
    let mut sample = Sample::of("web.pcap", 150);
    sample.press("jj");
    let id = |sample: &Sample| sample.state.view.rows[sample.state.selected].record.id;
    let (before, place) = (id(&sample), sample.state.selected);
    (sample.state.sort, sample.state.is_ascending) = (Sort::Bytes, true);
    sample.surveyor.ask(sample.state.wanted());
    let view = sample.surveyor.view(monotonic());
    sample.state.show(view);
    assert_eq!(id(&sample), before);
    assert_ne!(sample.state.selected, place, "the order is another one");
    sample.state.show(View::default());
    assert_eq!(sample.state.selected, 0, "there is nothing to select");
}

#[test]
fn keys_change_order_speed_and_pause() {
    let mut sample = Sample::of("web.pcap", 150);
    assert_eq!(sample.state.pace(), Some(f64::INFINITY));
    assert_eq!(sample.press("-"), Some(Action::Ask));
    assert_eq!(sample.state.pace(), Some(10_000.0));
    assert_eq!(sample.press("p"), Some(Action::Ask));
    assert_eq!(sample.state.pace(), Some(0.0));
    assert_eq!(sample.press("+p"), Some(Action::Ask));
    assert_eq!(sample.state.pace(), Some(f64::INFINITY));
    assert_eq!(sample.press("m"), Some(Action::Mouse(false)));
    sample.press("?");
    assert_eq!(sample.press("q"), None, "a key closes the help");
    assert_eq!(sample.press("q"), Some(Action::Quit));
    let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    sample.press("/abc");
    assert_eq!(sample.state.handle(&Event::Key(control_c), &parse), Some(Action::Quit));
}

/// A source with a bug.
struct Broken {
    may_wait: bool,
}

impl Source for Broken {
    fn read(&mut self, _: &mut Chunk, _: usize) -> Result<bool, CaptureError> {
        // Without a report of the panic, which would appear in the output of the tests.
        std::panic::resume_unwind(Box::new("the source has a bug"))
    }

    fn may_wait(&self) -> bool {
        self.may_wait
    }

    fn progress(&self) -> ReadProgress {
        ReadProgress::default()
    }

    fn take_warnings(&mut self) -> Vec<Warning> {
        Vec::new()
    }
}

#[test]
fn a_panic_of_the_run_becomes_an_error() {
    for may_wait in [false, true] {
        let run = Run::new(Box::new(Broken { may_wait }), &Config::default()).unwrap();
        let wanted = State::new(None, None).wanted();
        let interval = Duration::from_millis(10);
        let watch = Watch::start(run, Clock::Packets, wanted, interval, false).unwrap();
        let has_error = || watch.take().is_some_and(|view| view.error.is_some());
        while !watch.has_failed() && !has_error() {
            std::thread::yield_now();
        }
        let error = watch.stop().unwrap_err();
        assert!(crate::error::with_causes(&error).contains("the source has a bug"), "{error}");
    }
}

#[test]
fn the_error_of_the_run_is_on_the_screen() {
    let mut sample = Sample::of("web.pcap", 150);
    sample.state.view.error = Some("eth0: the interface is gone\u{1b}[2J".to_owned());
    let lines = sample.screen(80, 24, PLAIN);
    assert_eq!(lines[23], "error: eth0: the interface is gone\u{fffd}[2J");
}

#[test]
fn an_empty_input_has_a_screen() {
    let mut sample = Sample::of("web.pcap", 150);
    sample.state = State::new(None, None);
    for keys in ["", "\n", "j", "2", "\n", "G", "6", "\n", "1sr"] {
        sample.press(keys);
        let lines = sample.screen(80, 24, PLAIN);
        assert!(
            lines
                .iter()
                .any(|line| line.contains("No flows yet") || line.contains("Processes are"))
        );
    }
}
