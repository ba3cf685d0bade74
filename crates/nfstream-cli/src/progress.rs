//! Progress bar of long runs on the terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nfstream::Monitor;

use crate::human::{bytes, scaled};
use crate::io::Io;

/// Time before the bar appears: most captures have been read by then.
const SILENCE: Duration = Duration::from_millis(500);

/// Terminal columns next to the bar: `54 %  411.2 MB of 764.6 MB, 211.4 MB/s, 427.5 k packets/s,
/// 12m left`.
const BAR_TEXT: usize = 72;
/// Minimum and maximum width of the bar.
const BAR: (usize, usize) = (6, 24);

/// Progress of one run or of several in turn. The bar disappears at the end.
pub(crate) struct ProgressDisplay {
    /// `None` where progress is not shown.
    bar: Option<ProgressBar>,
    is_shown: bool,
    /// Width of the terminal.
    width: usize,
    /// Bytes of all inputs, if known.
    total_bytes: Option<u64>,
    /// Bytes and packets of the finished runs.
    before: (u64, u64),
}

impl ProgressDisplay {
    /// Starts the progress through `total_bytes`, if known.
    pub(crate) fn new(total_bytes: Option<u64>, io: &Io<'_>) -> Self {
        let bar = io
            .shows_progress()
            .then(|| ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()));
        Self { bar, is_shown: false, width: io.stderr.width, total_bytes, before: (0, 0) }
    }

    /// Adds a finished run to the totals.
    pub(crate) fn end_run(&mut self, monitor: &Monitor) {
        self.before.0 += monitor.progress().bytes;
        self.before.1 += monitor.stats().packets;
    }

    /// Updates the bar, once the initial silence is over.
    pub(crate) fn update(&mut self, monitor: &Monitor) {
        let Some(bar) = &self.bar else { return };
        let elapsed = bar.elapsed();
        if elapsed < SILENCE {
            return;
        }
        let read = self.before.0 + monitor.progress().bytes;
        let packets = self.before.1 + monitor.stats().packets;
        if !self.is_shown {
            let style = ProgressStyle::with_template(&self.template());
            bar.set_style(style.expect("a valid template").progress_chars("━╸━"));
            if let Some(total) = self.total_bytes {
                bar.set_length(total);
            }
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
            self.is_shown = true;
        }
        let per_second = |number| per_second(number, elapsed);
        let of_total = self.total_bytes.map(|total| format!(" of {}", bytes(total)));
        bar.set_message(format!(
            "{}{}, {}/s, {}packets/s",
            bytes(read),
            of_total.unwrap_or_default(),
            bytes(per_second(read)),
            scaled(per_second(packets), &["", "k ", "M ", "G "]),
        ));
        bar.set_position(read);
    }

    fn template(&self) -> String {
        match (self.total_bytes, self.width.checked_sub(BAR_TEXT + BAR.0)) {
            (Some(_), Some(spare)) => {
                let bar = (BAR.0 + spare).min(BAR.1);
                format!("{{bar:{bar}.cyan/dim}} {{percent:>3}} %  {{msg}}, {{eta}} left")
            }
            (Some(_), None) => "{percent:>3} %  {eta} left".to_owned(),
            (None, _) => "{spinner:.cyan} {msg}".to_owned(),
        }
    }

    /// Runs `work`, which may write to the terminal, with the bar hidden.
    pub(crate) fn aside<T>(&self, work: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) if self.is_shown => bar.suspend(work),
            _ => work(),
        }
    }
}

impl Drop for ProgressDisplay {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn per_second(number: u64, elapsed: Duration) -> u64 {
    let rate = u128::from(number) * 1000 / elapsed.as_millis().max(1);
    u64::try_from(rate).unwrap_or(u64::MAX)
}
