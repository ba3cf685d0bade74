//! Command-line parser: the command, its options and its help.

use std::ffi::OsString;
use std::path::Path;

use clap::builder::Styles;
use clap::builder::styling::AnsiColor;
use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, FromArgMatches, Parser};
use nfstream::dissect::{Component, component_versions};

use crate::commands::Command;
use crate::error::Error;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Turn network packets into labelled flow tables.
#[derive(Debug, Parser)]
#[command(
    name = "nfstream",
    version,
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
    let args: Vec<_> = args.into_iter().collect();
    let mut command = command();
    if args.iter().any(|arg| arg == "-V" || arg == "--version") {
        command = command.version(versions());
    }
    let matches = command.try_get_matches_from(args).map_err(with_hint)?;
    Ok(Arguments::from_arg_matches(&matches)?.command)
}

/// Returns the versions of the program, its dissectors and libpcap, and the optional parts of this
/// build; loads the libraries to find their versions.
fn versions() -> String {
    let mut text = concat!(env!("CARGO_PKG_VERSION"), " (package nfstream-rs)").to_owned();
    for Component { name, version } in component_versions() {
        text.push_str(&format!(", {name} {version}"));
    }
    match nfstream::capture::libpcap_version() {
        Some(version) => text.push_str(&format!(", libpcap {version}")),
        None => text.push_str(", no libpcap: no filters"),
    }
    text.push_str(&format!("; features: {}", nfstream::FEATURES));
    text
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
