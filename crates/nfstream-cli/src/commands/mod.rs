//! The commands, one file each. A new one is a file, a line in [`Command`] and one in
//! [`Command::run`].

mod columns;
mod completions;
mod flows;
mod interfaces;
mod live;
mod man;
mod summary;

use crate::error::Error;
use crate::io::Io;

/// What was typed after `nfstream`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Flows(Box<flows::FlowsArgs>),
    Live(Box<live::LiveArgs>),
    Interfaces(interfaces::InterfacesArgs),
    Summary(Box<summary::SummaryArgs>),
    Columns(columns::ColumnsArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

impl Command {
    /// Does it.
    pub(crate) fn run(self, io: &mut Io<'_>) -> Result<(), Error> {
        match self {
            Self::Flows(args) => flows::run(*args, io),
            Self::Live(args) => live::run(*args, io),
            Self::Interfaces(args) => interfaces::run(&args, io),
            Self::Summary(args) => summary::run(&args, io),
            Self::Columns(args) => columns::run(&args, io),
            Self::Completions(args) => completions::run(&args, io),
            Self::Man(args) => man::run(&args, io),
        }
    }
}

/// Writes data to standard output.
fn print(data: &[u8], io: &mut Io<'_>) -> Result<(), Error> {
    let written = io.stdout.writer.write_all(data).and_then(|()| io.stdout.writer.flush());
    written.map_err(Error::stdout)
}
