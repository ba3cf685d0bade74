//! `nfstream top`: a full-screen view of the traffic while it happens, or of a replay.
//!
//! Three threads work apart from the screen: the run, which adds up the flows that end; the
//! [survey](survey), which reads the active flows about once a second; and the reader of keys.

mod cells;
mod draw;
mod ended;
mod groups;
mod screen;
mod state;
mod survey;
#[cfg(test)]
mod tests;
mod theme;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use nfstream::RunError;
use nfstream::capture::{self, Pace};
use nfstream::features::{Group, Schema};
use nfstream::host::{monotonic, visible_path};

use crate::arguments::is_interface;
use crate::error::{Error, WARNING, Written};
use crate::flow_rules::{FlowRules, OfBoth, SourceRules};
use crate::input::{Input, InputArgs, Live, Opening};
use crate::io::Io;
use crate::reading::Opened;
use crate::rights::{self, Kept};
use cells::Known;
use draw::Stage;
use screen::Screen;
use state::{Action, State};
use theme::Theme;
use watch::{Clock, Watch};

/// Longest time until a signal is noticed.
const PATIENCE: Duration = Duration::from_millis(50);

/// Longest time until counts are drawn again while a survey takes long.
const COUNTS: Duration = Duration::from_millis(1500);

/// Show the traffic of interfaces, or a replay of captures, on the whole terminal
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Rates with their history, the account of packets, and tables of flows, applications, hosts, servers,
ports and processes; flows that are still active are among them. Press ? for the keys.

Captures are replayed at their original speed unless --speed says otherwise; + and - change it.

Examples:
  sudo nfstream top
  sudo nfstream top eth0 --where 'dst_port == 443'
  nfstream top capture.pcap --speed 10
  nfstream top captures/ --speed max
  ssh server 'tcpdump -i eth0 -U -w - not port 22' | nfstream top -")]
pub(crate) struct Args {
    /// Interfaces to capture from as one source, `any` for all of them; or captures to replay as
    /// one, in time order: files, folders, quoted patterns such as '*.pcap', `-` for standard
    /// input. Default: any
    #[arg(value_name = "SOURCE")]
    sources: Vec<PathBuf>,

    /// Replay captures N times as fast as they were captured; max for as fast as they can be read
    #[arg(long, value_name = "N", default_value = "1", value_parser = parse_speed)]
    #[arg(allow_negative_numbers = true)]
    speed: f64,

    /// Seconds between two updates of the flows on the screen
    #[arg(long, value_name = "S", default_value = "1", value_parser = parse_interval)]
    #[arg(allow_negative_numbers = true)]
    interval: Duration,

    #[command(flatten)]
    rules: SourceRules<OfBoth>,
}

pub(super) fn run(args: Args, io: &mut Io<'_>) -> Result<(), Error> {
    let Args { sources, speed, interval, rules } = args;
    if !io.stdout.is_terminal || !is_capable() {
        return Err(Error::NoScreen);
    }
    let rules = rules.into_inner();
    let input = find(&sources, &rules)?;
    let job = rules.job(&[], None)?;
    let job = job.measuring(groups(&rules).into_iter());
    let mut opened = Opened::open(&input, &job, Opening::Late)?;
    let with_processes = opened.has_processes();
    if input.live.is_some() {
        rights::give_up(Kept { files: false, processes: with_processes });
    }
    let pace = (!input.is_stream()).then(|| Pace::new(speed));
    if let Some(pace) = &pace {
        opened = opened.paced(pace.clone());
    }
    let mut run = opened.into_run(&input, &job)?;
    let schema = Arc::clone(run.schema());
    let state = State::new(job.condition, pace.is_some().then_some(speed));
    let clock = match (&pace, &input.live) {
        (Some(pace), _) => Clock::Replay(pace.clone()),
        (None, Some(_)) => Clock::Machine,
        (None, None) => Clock::Packets,
    };
    let stage = Stage {
        schema: &schema,
        known: Known::of(&schema),
        theme: Theme { has_color: io.stdout.color, has_unicode: has_unicode() },
        source: name_of(&input),
    };
    let parse = |text: &str| parse(text, &rules, &schema);
    let screen = match Screen::open(&mut *io.stdout.writer) {
        Ok(screen) => screen,
        Err(source) => {
            run.stop();
            return Err(Error::Screen { source });
        }
    };
    let watch = Watch::start(run, clock, state.wanted(), interval, with_processes)?;
    let mut shown = Show { screen, stage, state, watch: &watch, pace, parse: &parse };
    let result = shown.until_closed(&*io.interrupted);
    let warnings = std::mem::take(&mut shown.state.view.warnings);
    // The terminal is given back before anything else is printed.
    drop(shown);
    let stopped = watch.stop();
    for warning in warnings {
        io.stderr.say_as(WARNING, "warning:", warning);
    }
    result.and(stopped)
}

/// The screen and everything that it shows.
struct Show<'a, W: std::io::Write> {
    screen: Screen<W>,
    stage: Stage<'a>,
    state: State,
    watch: &'a Watch,
    pace: Option<Pace>,
    parse: &'a state::Parser<'a>,
}

impl<W: std::io::Write> Show<'_, W> {
    /// Draws views and handles events until the user quits or the terminal goes away.
    fn until_closed(&mut self, interrupted: &dyn Fn() -> bool) -> Result<(), Error> {
        let error = |source| Error::Screen { source };
        let events = self.screen.events().map_err(error)?;
        let (mut is_stale, mut drawn) = (true, monotonic());
        loop {
            if interrupted() {
                return Err(Error::Interrupted(Written::Screen));
            }
            if self.watch.has_failed() {
                return Ok(());
            }
            if !self.state.is_paused
                && let Some(view) = self.watch.take()
            {
                self.state.show(view);
                is_stale = true;
            }
            // Also while halted: only writing shows that the terminal is gone.
            if !is_stale && drawn.elapsed() >= COUNTS {
                if !self.state.is_paused {
                    (self.state.view.stats, self.state.view.progress) = self.watch.counts();
                }
                is_stale = true;
            }
            if std::mem::take(&mut is_stale) {
                drawn = monotonic();
                let Self { screen, stage, state, .. } = self;
                screen.terminal.draw(|frame| stage.draw(frame, state)).map_err(error)?;
            }
            let first = match events.recv_timeout(PATIENCE) {
                Ok(event) => event,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(error(std::io::ErrorKind::UnexpectedEof.into()));
                }
            };
            // A burst of events, as from a wheel, is drawn once.
            for event in std::iter::once(first).chain(events.try_iter()) {
                is_stale = true;
                match self.state.handle(&event, self.parse) {
                    None => {}
                    Some(Action::Quit) => return Ok(()),
                    Some(Action::Mouse(is_ours)) => {
                        self.screen.set_mouse(is_ours).map_err(error)?;
                    }
                    Some(Action::Ask) => {
                        self.watch.ask(self.state.wanted());
                        if let (Some(pace), Some(speed)) = (&self.pace, self.state.pace()) {
                            pace.set_speed(speed);
                        }
                    }
                }
            }
        }
    }
}

/// Resolves the sources.
fn find(sources: &[PathBuf], rules: &FlowRules) -> Result<Input, Error> {
    let is_any = |name: &Path| name == Path::new("any");
    let is_interface = |name: &PathBuf| is_any(name) || name.to_str().is_some_and(is_interface);
    let parameters = rules.parameters();
    if sources.iter().all(is_interface) {
        let live = Live {
            options: parameters.live_options(),
            processes: parameters.process_polling(),
            report: None,
        };
        let names: Vec<_> =
            sources.iter().map(|name| name.to_string_lossy().into_owned()).collect();
        let names = if names.is_empty() { vec!["any".to_owned()] } else { names };
        return Ok(Input::interfaces(&names, live));
    }
    let options = parameters.file_options();
    if sources.iter().any(|name| is_interface(name) || !name.exists()) {
        // Checks a mixture, and names the interfaces that there are.
        capture::Input::of(sources, options).map_err(RunError::from)?;
    }
    InputArgs::of(sources.to_vec()).find(options)
}

/// Returns the features that the screen shows.
fn groups(rules: &FlowRules) -> Vec<Group> {
    let mut groups = vec![Group::EndReason, Group::TcpQuality];
    if rules.parameters().dissect {
        groups.push(Group::Dissection);
    }
    groups
}

/// Parses a filter, whose columns the run must have.
fn parse(
    text: &str,
    rules: &FlowRules,
    schema: &Schema,
) -> Result<nfstream::condition::Condition, String> {
    let condition = rules.condition(text).map_err(|error| error.message().to_owned())?;
    for column in condition.columns() {
        if !schema.columns().iter().any(|known| known.name == column.name) {
            return Err(match column.group {
                Group::SystemProcess | Group::GeoIp => {
                    format!("column {} is not part of this run", column.name)
                }
                group => format!(
                    "column {} is not measured; start with --features {}",
                    column.name,
                    group.name()
                ),
            });
        }
    }
    Ok(condition)
}

/// Returns whether the terminal can move its cursor.
fn is_capable() -> bool {
    std::env::var_os("TERM").is_none_or(|name| name != "dumb")
}

/// Returns whether the terminal shows more than ASCII, by the locale.
fn has_unicode() -> bool {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG"));
    locale.is_none_or(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// Returns the name of the input for the title.
fn name_of(input: &Input) -> String {
    match input.paths.as_slice() {
        [one] if one.as_os_str() == "-" => "standard input".to_owned(),
        [one] => visible_path(one),
        [first, rest @ ..] if input.live.is_none() && !rest.is_empty() => {
            format!("{} and {} more", visible_path(first), rest.len())
        }
        all => all.iter().map(|path| visible_path(path)).collect::<Vec<_>>().join(" "),
    }
}

fn parse_speed(text: &str) -> Result<f64, String> {
    if text == "max" {
        return Ok(Pace::UNLIMITED);
    }
    let speed = text.trim_start_matches('x').parse().ok();
    let speed = speed.filter(|speed| (0.01..=1e6).contains(speed));
    speed.ok_or_else(|| "expected a number from 0.01 to 1000000, or max".to_owned())
}

fn parse_interval(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.1..=3600.0).contains(seconds));
    let interval = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    interval.ok_or_else(|| "expected seconds from 0.1 to 3600".to_owned())
}
