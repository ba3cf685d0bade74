//! `nfstream completions`: prints completion scripts for shells.

use clap_complete::Shell;

use super::print;
use crate::arguments;
use crate::error::Error;
use crate::io::Io;

/// Print a completion script for a shell
///
/// For bash: nfstream completions bash > ~/.local/share/bash-completion/completions/nfstream
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Shell that the script is for
    shell: Shell,
}

pub(super) fn run(args: Args, io: &mut Io<'_>) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut arguments::command(), "nfstream", &mut script);
    print(&script, io)
}
