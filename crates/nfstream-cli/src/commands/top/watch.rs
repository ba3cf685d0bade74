//! The run, and the surveys of its flows, in threads of their own: a slow terminal delays neither.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nfstream::capture::{Pace, ReadProgress};
use nfstream::features::Schema;
use nfstream::host::{monotonic, now};
use nfstream::time::Timestamp;
use nfstream::{Monitor, Run, RunError, Stats, Step};

use super::ended::Ended;
use super::groups::{Amount, By, Largest, Order, Rate, whole};
use super::survey::{Look, ROWS, Row, Survey, Wish, per_second};
use crate::error::{Error, with_causes};

/// Groups of each kind on the screen.
const GROUPS: usize = 300;

/// Rates that are kept for the charts.
const HISTORY: usize = 300;

/// Warnings that are kept.
const WARNINGS: usize = 20;

/// Share of a processor that surveys take at most: a fraction with this denominator. Together with
/// the drawing it is less than 3 %.
const SHARE: u32 = 40;

/// Longest pause between two surveys, even if they take a larger share: from some two million
/// active flows on.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Clock of the rates and ages.
#[derive(Clone, Debug)]
pub(super) enum Clock {
    /// That of this machine, for interfaces.
    Machine,
    /// That of the packets, for pipes; rates are those of this machine.
    Packets,
    /// That of a replay.
    Replay(Pace),
}

/// State of the run at one moment.
#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) stats: Stats,
    pub(super) progress: ReadProgress,
    /// Time of the packets.
    pub(super) time: Option<Timestamp>,
    /// All traffic so far, with its rate.
    pub(super) total: Amount,
    /// Rates of the last seconds, the latest last.
    pub(super) history: VecDeque<Pulse>,
    pub(super) rows: Vec<Row>,
    /// Groups by kind.
    pub(super) groups: [Largest; By::ALL.len()],
    /// Flows that match the filter, and those that it was applied to.
    pub(super) matching: usize,
    pub(super) examined: usize,
    /// Failure of the filter with the values of a flow.
    pub(super) failure: Option<String>,
    pub(super) warnings: Vec<String>,
    /// Error that ended the run.
    pub(super) error: Option<String>,
    /// Whether all packets have been read.
    pub(super) is_over: bool,
}

/// Rates of one interval.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Pulse {
    pub(super) packets: u64,
    pub(super) bits: u64,
    pub(super) flows: u64,
}

/// The threads.
pub(super) struct Watch {
    monitor: Monitor,
    wishes: Sender<Wanted>,
    views: Arc<Mutex<Option<View>>>,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// Request of the screen for a view.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) wish: Wish,
    pub(super) order: Order,
    /// Whether ended flows are among the rows.
    pub(super) with_ended: bool,
}

#[derive(Debug, Default)]
struct Shared {
    ended: Mutex<Ended>,
    /// Error of the run.
    failure: Mutex<Option<RunError>>,
    is_over: AtomicBool,
    /// Whether the threads are to end.
    is_stopped: AtomicBool,
}

impl Watch {
    /// Starts `run`, and a survey of its flows every `interval`.
    pub(super) fn start(
        run: Run,
        clock: Clock,
        wanted: Wanted,
        interval: Duration,
        with_processes: bool,
    ) -> Result<Self, Error> {
        let shared = Arc::new(Shared::default());
        let views = Arc::new(Mutex::new(None));
        let (wishes, receiver) = channel();
        let monitor = run.monitor();
        let mut surveyor = Surveyor::new(&run, clock, wanted, interval, with_processes);
        surveyor.shared = Arc::clone(&shared);
        let (of_run, of_survey) = (Arc::clone(&shared), Arc::clone(&views));
        let threads = vec![
            spawn("nfstream-run", move || advance(run, &of_run))?,
            spawn("nfstream-survey", move || surveyor.work(&receiver, &of_survey))?,
        ];
        Ok(Self { monitor, wishes, views, shared, threads })
    }

    /// Sends a new request to the survey thread; the next views follow it.
    pub(super) fn ask(&self, wanted: Wanted) {
        // The surveyor ends only after a panic.
        drop(self.wishes.send(wanted));
    }

    /// Takes the latest view, `None` if it was taken before.
    pub(super) fn take(&self) -> Option<View> {
        lock(&self.views).take()
    }

    /// Returns the counts of this moment, which are newer than those of a view.
    pub(super) fn counts(&self) -> (Stats, ReadProgress) {
        (self.monitor.stats(), self.monitor.progress())
    }

    /// Returns whether a thread has ended too early.
    pub(super) fn has_failed(&self) -> bool {
        let is_over = self.shared.is_over.load(Ordering::Relaxed);
        let mut threads = self.threads.iter();
        threads.next().is_some_and(|run| run.is_finished() && !is_over)
            || threads.any(JoinHandle::is_finished)
    }

    /// Ends the threads, and returns the error of the run.
    pub(super) fn stop(self) -> Result<(), Error> {
        self.shared.is_stopped.store(true, Ordering::Relaxed);
        drop(self.wishes);
        for thread in self.threads {
            if let Err(panic) = thread.join() {
                return Err(Error::Worker { message: crate::reading::panic_message(&*panic) });
            }
        }
        match lock(&self.shared.failure).take() {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }
}

/// Advances the run until it ends or is stopped.
fn advance(mut run: Run, shared: &Shared) {
    let pool = run.record_pool();
    loop {
        if shared.is_stopped.load(Ordering::Relaxed) {
            run.stop();
            break;
        }
        let (records, is_last) = match run.advance() {
            Ok(Step::Records(records)) => (records, false),
            Ok(Step::Last(records)) => (records, true),
            Err(error) => {
                *lock(&shared.failure) = Some(error);
                break;
            }
        };
        if !records.is_empty() {
            lock(&shared.ended).add(records, monotonic(), &pool);
        }
        if is_last {
            break;
        }
    }
    shared.is_over.store(true, Ordering::Relaxed);
}

/// Maker of views.
pub(super) struct Surveyor {
    survey: Survey,
    clock: Clock,
    schema: Arc<Schema>,
    monitor: Monitor,
    shared: Arc<Shared>,
    wanted: Wanted,
    interval: Duration,
    with_processes: bool,
    /// The last survey that set the rates.
    base: Option<Base>,
    history: VecDeque<Pulse>,
    rate: Rate,
    /// Time of the last packet of any flow.
    latest: Option<Timestamp>,
    warnings: Vec<String>,
}

/// A moment from which rates count.
#[derive(Clone, Copy, Debug)]
struct Base {
    at: Instant,
    time: Option<Timestamp>,
    packets: u64,
    flows: u64,
}

impl Surveyor {
    /// Returns a maker of views of `run`.
    pub(super) fn new(
        run: &Run,
        clock: Clock,
        wanted: Wanted,
        interval: Duration,
        with_processes: bool,
    ) -> Self {
        Self {
            survey: Survey::new(run.active_flows()),
            clock,
            schema: Arc::clone(run.schema()),
            monitor: run.monitor(),
            shared: Arc::default(),
            wanted,
            interval,
            with_processes,
            base: None,
            history: VecDeque::new(),
            rate: Rate::default(),
            latest: None,
            warnings: Vec::new(),
        }
    }

    /// Changes the request.
    #[cfg(test)]
    pub(super) fn ask(&mut self, wanted: Wanted) {
        self.wanted = wanted;
    }

    /// Adds flows that have ended.
    #[cfg(test)]
    pub(super) fn add_ended(&self, records: Vec<nfstream::features::Record>, run: &Run) {
        lock(&self.shared.ended).add(records, monotonic(), &run.record_pool());
    }

    /// Ends the input.
    #[cfg(test)]
    pub(super) fn end(&self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
    }

    fn work(mut self, wishes: &Receiver<Wanted>, views: &Mutex<Option<View>>) {
        let mut pause = Duration::ZERO;
        loop {
            match wishes.recv_timeout(pause) {
                Ok(wanted) => self.wanted = wishes.try_iter().last().unwrap_or(wanted),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let (start, busy) = (monotonic(), processor_time());
            let view = self.view(start);
            *lock(views) = Some(view);
            let taken = monotonic().saturating_duration_since(start);
            // Waiting for the meters costs nothing.
            let busy =
                processor_time().zip(busy).map(|(after, before)| after.saturating_sub(before));
            let rest = busy.unwrap_or(taken).saturating_mul(SHARE).min(LONGEST_PAUSE);
            pause = self.interval.saturating_sub(taken).max(rest);
        }
    }

    /// Returns a view of this moment.
    pub(super) fn view(&mut self, at: Instant) -> View {
        // Before the survey, so that the last one finds the rows of all flows that ended.
        let is_over = self.shared.is_over.load(Ordering::Relaxed);
        let stats = self.monitor.stats();
        let elapsed = self.elapsed(at, &stats, is_over);
        let Wanted { wish, order, with_ended } = self.wanted.clone();
        let schema = Arc::clone(&self.schema);
        let names = schema.names();
        let Look { mut rows, mut groups, total, matching, examined, failure, latest } =
            self.survey.look(&wish, names, elapsed, self.with_processes);
        let mut matching = matching;
        self.latest = self.latest.max(latest);
        let time = match &self.clock {
            Clock::Machine => Some(now()),
            Clock::Packets => self.latest,
            Clock::Replay(pace) => pace.time(),
        };
        match elapsed {
            Some(_) if is_over => self.rate = Rate::default(),
            Some(elapsed) => self.pulse(at, &stats, &total, elapsed),
            None => {}
        }
        let mut ended = lock(&self.shared.ended);
        if !is_over {
            ended.forget(at);
        }
        if with_ended {
            for record in ended.kept() {
                let is_match = match &wish.filter {
                    Some(filter) => filter.matches(record, names).unwrap_or(false),
                    None => true,
                };
                if is_match {
                    matching += 1;
                    let rate = Rate::default();
                    if wish.filter.is_some() {
                        groups.add_record(record, &Amount::of(&record.volume, false, rate));
                    }
                    rows.push(Row { record: record.clone(), rate, has_ended: true });
                }
            }
            rows.sort_by_cached_key(|row| (Reverse(wish.rank_of(row)), row.record.id));
            rows.truncate(ROWS);
        }
        // A filter selects among the flows that are in the table.
        let none = super::groups::Groups::default();
        let of_ended = if wish.filter.is_some() { &none } else { &ended.groups };
        let groups = By::ALL.map(|by| groups.largest(of_ended, by, order, GROUPS));
        let mut all = total;
        all += ended.groups.total;
        drop(ended);
        all.rate = self.rate;
        for warning in self.monitor.take_warnings() {
            if self.warnings.len() < WARNINGS {
                self.warnings.push(warning.to_string());
            }
        }
        View {
            stats,
            progress: self.monitor.progress(),
            time,
            total: all,
            history: self.history.clone(),
            rows,
            groups,
            matching,
            examined,
            failure: failure.map(|error| error.message().to_owned()),
            warnings: self.warnings.clone(),
            error: lock(&self.shared.failure).as_ref().map(|error| with_causes(error)),
            is_over,
        }
    }

    /// Returns the seconds since the last survey that set the rates; `None` if it was just before.
    fn elapsed(&mut self, at: Instant, stats: &Stats, is_over: bool) -> Option<f64> {
        let time = self.replayed();
        let flows = stats.flows + stats.active_flows;
        let now = Base { at, time, packets: stats.packets, flows };
        let Some(base) = self.base else {
            self.base = Some(Base { packets: 0, flows: 0, ..now });
            return None;
        };
        let wall = at.saturating_duration_since(base.at);
        if wall < self.interval.mul_f64(0.9) {
            return None;
        }
        if is_over {
            return Some(0.0);
        }
        match (base.time, time) {
            // A halted replay keeps its rates.
            (Some(before), Some(now)) if now <= before => None,
            (Some(before), Some(now)) => {
                Some(Duration::from_nanos(now.since(before).nanos()).as_secs_f64())
            }
            (None, Some(_)) => Some(0.0),
            _ => Some(wall.as_secs_f64()),
        }
    }

    /// Returns the time of a replay.
    fn replayed(&self) -> Option<Timestamp> {
        match &self.clock {
            Clock::Machine | Clock::Packets => None,
            Clock::Replay(pace) => pace.time(),
        }
    }

    /// Notes the rates of the last `elapsed` seconds.
    fn pulse(&mut self, at: Instant, stats: &Stats, total: &Amount, elapsed: f64) {
        let flows = stats.flows + stats.active_flows;
        let time = self.replayed();
        let Some(base) = self.base.replace(Base { at, time, packets: stats.packets, flows }) else {
            return;
        };
        let packets = per_second(stats.packets.saturating_sub(base.packets), elapsed);
        let flows = per_second(flows.saturating_sub(base.flows), elapsed);
        self.rate = Rate { packets, bytes: if elapsed > 0.0 { total.rate.bytes } else { 0.0 } };
        self.history.push_back(Pulse {
            packets: whole(packets),
            bits: whole(self.rate.bytes * 8.0),
            flows: whole(flows),
        });
        if self.history.len() > HISTORY {
            self.history.pop_front();
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Error> {
    let thread = thread::Builder::new().name(name.to_owned()).spawn(work);
    Ok(thread.map_err(|source| RunError::Thread { name: name.to_owned(), source })?)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the time for which this thread has used a processor, if the system says so.
fn processor_time() -> Option<Duration> {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos = statistics.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}
