//! `nfstream man`: prints manual pages, generated from the same description as the help.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap_mangen::Man;

use super::print;
use crate::arguments;
use crate::error::Error;
use crate::io::Io;

/// Print a manual page
///
/// For example: nfstream man flows | man -l -
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Subcommand that the page describes; by default nfstream itself
    command: Option<String>,
}

pub(super) fn run(args: Args, io: &mut Io<'_>) -> Result<(), Error> {
    let mut command = arguments::command();
    command.build();
    let page = match &args.command {
        None => Man::new(command),
        Some(name) => {
            let found = command.find_subcommand(name).cloned();
            let found = found.ok_or_else(|| unknown(&mut command, name))?;
            // `man` finds the page of a subcommand as nfstream-flows.
            let page_name = format!("nfstream-{name}");
            Man::new(found.display_name(page_name))
        }
    };
    let mut text = Vec::new();
    page.render(&mut text).expect("writing to memory does not fail");
    print(&text, io)
}

fn unknown(command: &mut clap::Command, name: &str) -> Error {
    let mut error = clap::Error::new(ErrorKind::InvalidSubcommand).with_cmd(command);
    error.insert(ContextKind::InvalidSubcommand, ContextValue::String(name.to_owned()));
    error.into()
}
