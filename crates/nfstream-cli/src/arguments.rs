//! Command-line parser: the command, its options and its help.

use std::ffi::OsString;
use std::path::Path;
use std::sync::LazyLock;

use clap::builder::Styles;
use clap::builder::styling::AnsiColor;
use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, FromArgMatches, Parser};
use nfstream::dissect::{Component, component_versions};

use crate::commands::Command;
use crate::error::Error;

/// Versions of the program, its dissectors and libpcap.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut text = env!("CARGO_PKG_VERSION").to_owned();
    for Component { name, version } in component_versions() {
        text.push_str(&format!(", {name} {version}"));
    }
    text.push_str(&format!(", libpcap {}", nfstream::capture::libpcap_version()));
    text
});

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Turn network packets into labelled flow tables.
#[derive(Debug, Parser)]
#[command(
    name = "nfstream",
    version = VERSION.as_str(),
    styles = STYLES,
    max_term_width = 100,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    subcommand_required = true,
    after_help = "Try: nfstream flows capture.pcap"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// Parses the arguments of a call, which begin with the program's name.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command, Error> {
    let matches = command().try_get_matches_from(args).map_err(with_hint)?;
    Ok(Arguments::from_arg_matches(&matches)?.command)
}

/// Adds a hint to the error of a command line with a capture in place of the subcommand.
fn with_hint(mut error: clap::Error) -> clap::Error {
    let name = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(name)) if Path::new(name).exists() => name.clone(),
        _ => return error,
    };
    let hint =
        format!("to read this capture, use 'nfstream flows {name}' or 'nfstream summary {name}'");
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![hint.into()]));
    error
}

/// Returns clap's description of the whole command line.
pub(crate) fn command() -> clap::Command {
    Arguments::command()
}
