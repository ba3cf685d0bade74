//! The terminal as a screen: taken over at the start, and given back in every case.

use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, ThreadId};
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{
    self, DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
    Event,
};
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{cursor, execute};

/// Time between two checks whether the screen is closed.
const PATIENCE: Duration = Duration::from_millis(100);

/// Events that wait to be handled.
const QUEUE: usize = 64;

/// The terminal, taken over until it is dropped.
pub(super) struct Screen<W: Write> {
    /// Never dropped: dropping it prints an error, and thus panics, if the terminal is gone.
    pub(super) terminal: ManuallyDrop<Terminal<CrosstermBackend<W>>>,
    is_closed: Arc<AtomicBool>,
    _report: PanicReport,
}

impl<W: Write> Screen<W> {
    /// Takes over the terminal that `writer` writes to.
    pub(super) fn open(mut writer: W) -> io::Result<Self> {
        let report = PanicReport::install();
        enable_raw_mode()?;
        // From here on, every exit restores the terminal.
        let entered = execute!(
            writer,
            EnterAlternateScreen,
            EnableMouseCapture,
            EnableBracketedPaste,
            cursor::Hide
        );
        let terminal = entered.and_then(|()| Terminal::new(CrosstermBackend::new(writer)));
        match terminal {
            Ok(terminal) => Ok(Self {
                terminal: ManuallyDrop::new(terminal),
                is_closed: Arc::default(),
                _report: report,
            }),
            Err(error) => {
                give_back(&mut io::stdout());
                Err(error)
            }
        }
    }

    /// Returns what the user does. The queue ends when the terminal cannot be read.
    ///
    /// A separate thread reads, because reading from a terminal that goes away may never return.
    pub(super) fn events(&self) -> io::Result<Receiver<Event>> {
        let (sender, receiver) = sync_channel(QUEUE);
        let is_closed = Arc::clone(&self.is_closed);
        let thread = thread::Builder::new().name("nfstream-keys".to_owned());
        thread.spawn(move || read(&sender, &is_closed))?;
        Ok(receiver)
    }

    /// Takes the mouse, or leaves it to the terminal.
    pub(super) fn set_mouse(&mut self, is_ours: bool) -> io::Result<()> {
        let writer = self.terminal.backend_mut();
        if is_ours {
            execute!(writer, EnableMouseCapture)
        } else {
            execute!(writer, DisableMouseCapture)
        }
    }
}

impl<W: Write> Drop for Screen<W> {
    fn drop(&mut self) {
        self.is_closed.store(true, Ordering::Relaxed);
        give_back(self.terminal.backend_mut());
    }
}

/// Restores the terminal.
fn give_back(writer: &mut impl Write) {
    // There is nothing to do about a failure: the terminal may be gone.
    drop(execute!(
        writer,
        DisableBracketedPaste,
        DisableMouseCapture,
        LeaveAlternateScreen,
        cursor::Show
    ));
    drop(disable_raw_mode());
}

fn read(events: &SyncSender<Event>, is_closed: &AtomicBool) {
    while !is_closed.load(Ordering::Relaxed) {
        match event::poll(PATIENCE) {
            Ok(true) => {}
            Ok(false) => continue,
            Err(_) => return,
        }
        let Ok(event) = event::read() else { return };
        if events.send(event).is_err() {
            return;
        }
    }
}

/// Report of panics while the screen is shown. One in the thread of the screen is printed after the
/// terminal is given back; one in another thread becomes an error of the call.
struct PanicReport {
    before: Arc<Report>,
}

type Report = dyn Fn(&std::panic::PanicHookInfo<'_>) + Send + Sync;

impl PanicReport {
    fn install() -> Self {
        let before: Arc<Report> = Arc::from(std::panic::take_hook());
        let (report, screen): (_, ThreadId) = (Arc::clone(&before), thread::current().id());
        std::panic::set_hook(Box::new(move |panic| {
            if thread::current().id() == screen {
                give_back(&mut io::stdout());
                report(panic);
            }
        }));
        Self { before }
    }
}

impl Drop for PanicReport {
    fn drop(&mut self) {
        // While a thread panics, its report cannot be replaced.
        if !thread::panicking() {
            let before = Arc::clone(&self.before);
            std::panic::set_hook(Box::new(move |panic| before(panic)));
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// Variable of the process that has a terminal of its own.
    const INSIDE: &str = "NFSTREAM_TEST_TERMINAL";

    #[test]
    fn a_panic_gives_the_terminal_back_before_its_report() {
        if std::env::var_os(INSIDE).is_some() {
            let _screen = Screen::open(io::stdout()).unwrap();
            panic!("the drawing has a bug");
        }
        let (_, name) =
            concat!(module_path!(), "::a_panic_gives_the_terminal_back_before_its_report")
                .split_once("::")
                .unwrap();
        let program = std::env::current_exe().unwrap();
        let commands = format!(
            "before=$(stty -g); '{}' --exact {name} --nocapture; \
             test \"$(stty -g)\" = \"$before\" && echo the same modes",
            program.display()
        );
        let mut script = Command::new("script");
        script.args(["--quiet", "--command", &commands, "/dev/null"]).env(INSIDE, "1");
        let Ok(output) = script.stdin(Stdio::null()).output() else {
            drop(writeln!(io::stderr(), "skipped: script is not installed"));
            return;
        };
        let shown = String::from_utf8_lossy(&output.stdout);
        let place = |text: &str| shown.rfind(text).unwrap_or_else(|| panic!("{text}: {shown}"));
        assert!(place("\u{1b}[?1049h") < place("\u{1b}[?1049l"), "{shown}");
        assert!(place("\u{1b}[?25l") < place("\u{1b}[?25h"), "{shown}");
        // The first sequence: dropping the screen restores the terminal again.
        let left = shown.find("\u{1b}[?1049l").unwrap();
        assert!(left < place("the drawing has a bug"), "{shown}");
        assert!(shown.contains("the same modes"), "{shown}");
    }
}
