//! The `nfstream` command as a library, so that other programs can embed it.
//!
//! A call has three steps: `arguments` parses the command line, a subcommand builds a configuration
//! from it, and runs it. Each subcommand is one file in `commands`. Streams and interruption come
//! in through [`Io`]: [`run`] never exits the process and handles no signals. [`Signals`] handles
//! them for programs.

#![forbid(unsafe_code)]

mod arguments;
mod block_files;
mod column_argument;
mod commands;
mod counts;
mod error;
mod feature_argument;
mod flow_rules;
mod human;
mod input;
mod io;
mod label_arguments;
mod metrics;
#[cfg(not(unix))]
mod no_signals;
mod numbers;
mod output;
// Without nDPI the default dissector differs, which the page names.
#[cfg(all(test, feature = "ndpi"))]
mod page;
mod parameter_arguments;
mod performance_report;
mod progress;
mod reading;
mod rights;
mod sandbox;
mod sandbox_argument;
#[cfg(unix)]
mod signals;
mod table;

use std::ffi::OsString;

pub use error::ExitCode;
pub use io::{Io, Stream};
#[cfg(not(unix))]
pub use no_signals::Signals;
#[cfg(unix)]
pub use signals::Signals;

/// Runs the command line `args`, which begins with the program's name, and returns the exit code.
///
/// Data goes to `io.stdout`, errors and warnings to `io.stderr`. `--sandbox` restricts the calling
/// thread and the process for good, so it suits processes that end with the call.
pub fn run(args: impl IntoIterator<Item = OsString>, io: &mut Io<'_>) -> ExitCode {
    match arguments::parse(args).and_then(|command| command.run(io)) {
        Ok(()) => ExitCode::Done,
        Err(error) => error.report(io),
    }
}
