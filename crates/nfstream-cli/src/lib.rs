//! The `nfstream` command, as a library so that other programs can offer it too.
//!
//! A call goes in three steps: `arguments` reads what was typed, a command makes a
//! configuration of it, and then runs. Each command is one file in `commands`. All a call needs of
//! the outside comes in its [`Io`]: it never ends the process and handles no signals.

#![forbid(unsafe_code)]

mod arguments;
mod column_argument;
mod commands;
mod counts;
mod error;
mod feature_argument;
mod flow_rules;
mod human;
mod input;
mod io;
mod output;
#[cfg(test)]
mod page;
mod parameter_arguments;
mod progress;
mod reading;
mod report;
mod rights;
mod sandbox;
mod table;

use std::ffi::OsString;

pub use error::ExitCode;
pub use io::{Io, Stream};

/// Does what `args` ask for, the program's name first, and returns the exit code.
///
/// Data goes to `io.stdout`, errors and warnings to `io.stderr`. With `--sandbox` the calling thread
/// and the process lose rights for good: that is for processes that end with the call.
pub fn run(args: impl IntoIterator<Item = OsString>, io: &mut Io<'_>) -> ExitCode {
    match arguments::parse(args).and_then(|command| command.run(io)) {
        Ok(()) => ExitCode::Done,
        Err(error) => error.report(io),
    }
}
