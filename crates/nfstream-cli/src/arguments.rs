//! Command-line parser: the command, its options and its help.

use std::ffi::OsString;
use std::io::stdin;
use std::path::Path;

use clap::builder::Styles;
use clap::builder::styling::AnsiColor;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches, Parser};
use nfstream::capture::interfaces;
use nfstream::dissect::{Component, component_versions};

use crate::commands::Command;
use crate::error::Error;
use crate::io::Descriptor as _;

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
    let args = with_help(args.into_iter().collect());
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
    if cfg!(feature = "top") {
        text.push_str(", top");
    }
    text
}

/// Advice for options that name the input.
const FILE: &str = "name the capture without an option: nfstream flows FILE";
const INTERFACE: &str = "to capture from an interface, use 'nfstream live IFACE'";
const WRITE: &str = "-o FILE writes the table; 'nfstream extract' writes packets";

/// Options of other programs and of nfstream 6, and their equivalents.
const OPTIONS: [(&str, &str); 26] = [
    ("-r", FILE),
    ("--read", FILE),
    ("--file", FILE),
    ("--input", FILE),
    ("--pcap", FILE),
    ("--source", FILE),
    ("-i", INTERFACE),
    ("--interface", INTERFACE),
    ("-w", WRITE),
    ("--write", WRITE),
    ("--json", "--format jsonl writes JSON lines; 'nfstream summary --json' prints totals"),
    ("--csv", "--format csv writes CSV"),
    ("--parquet", "-o FILE.parquet writes Parquet"),
    ("-c", "--limit N ends the table after N flows"),
    ("-e", "--columns NAME,… selects columns"),
    ("--fields", "--columns NAME,… selects columns"),
    ("-T", "--format FORMAT selects the format, such as csv or jsonl"),
    ("--output-format", "--format FORMAT selects the format, such as csv or jsonl"),
    ("-n", "addresses and ports are never resolved to names"),
    ("-s", "--snaplen BYTES limits the bytes captured of each packet"),
    ("--snapshot-length", "--snaplen BYTES limits the bytes captured of each packet"),
    ("-f", "--bpf-filter FILTER reads only the packets that match a filter of libpcap"),
    ("-Y", "--where EXPR selects flows, such as --where 'dst_port == 443'"),
    ("--filter", "--where EXPR selects flows; --bpf-filter FILTER selects packets"),
    ("--n-dissections", "use --max-tcp-dissections and --max-udp-dissections"),
    ("--udps", "plugins need Python: NFStreamer(FILE, plugins=…)"),
];

/// Replaces `nfstream help COMMAND` by the usual form.
fn with_help(mut args: Vec<OsString>) -> Vec<OsString> {
    if args.get(1).is_some_and(|arg| arg == "help") {
        args.remove(1);
        args.truncate(2);
        args.push("--help".into());
    }
    args
}

/// Adds a hint to the error of a common mistake: a capture or an interface in place of the
/// subcommand, an option of another program, or a pipe without `-`.
fn with_hint(mut error: clap::Error) -> clap::Error {
    if let Some(hint) = hint(&error) {
        // The option with the most similar spelling is not the intended one.
        if error.remove(ContextKind::SuggestedArg).is_some() {
            error.remove(ContextKind::Usage);
        }
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![hint.into()]));
    }
    error
}

fn hint(error: &clap::Error) -> Option<String> {
    if let Some(ContextValue::String(name)) = error.get(ContextKind::InvalidSubcommand) {
        if Path::new(name).exists() {
            return Some(format!(
                "to read this capture, use 'nfstream flows {name}' or 'nfstream summary {name}'"
            ));
        }
        if is_interface(name) {
            return Some(format!("to capture from this interface, use 'nfstream live {name}'"));
        }
    }
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(option)) if error.kind() == ErrorKind::UnknownArgument => {
            let option = option.replace('_', "-");
            let suggested = error.get(ContextKind::SuggestedArg);
            if suggested.is_some_and(|suggested| suggested.to_string() == option) {
                return None;
            }
            let known = OPTIONS.iter().find(|(theirs, _)| *theirs == option);
            let known = known.map(|(_, hint)| (*hint).to_owned());
            known.or_else(|| hint_elsewhere(&option))
        }
        Some(ContextValue::Strings(missing))
            if error.kind() == ErrorKind::MissingRequiredArgument
                && missing.iter().any(|name| name.contains("CAPTURE"))
                && stdin().is_pipe() =>
        {
            Some("to read standard input, write `-` for the capture".to_owned())
        }
        _ => None,
    }
}

/// Returns a hint to the subcommands that have `option`.
fn hint_elsewhere(option: &str) -> Option<String> {
    let long = option.strip_prefix("--")?;
    let has = |command: &&clap::Command| {
        command.get_arguments().any(|argument| argument.get_long() == Some(long))
    };
    let command = command();
    let names: Vec<_> =
        command.get_subcommands().filter(has).map(clap::Command::get_name).collect();
    let names: Vec<_> = names.iter().map(|name| format!("'nfstream {name}'")).collect();
    (!names.is_empty()).then(|| format!("{option} is an option of {}", names.join(", ")))
}

/// Returns whether there is a network interface of this name.
pub(crate) fn is_interface(name: &str) -> bool {
    let known = interfaces().unwrap_or_default();
    known.iter().any(|interface| interface.name == name)
}

/// Returns clap's description of the whole command line.
pub(crate) fn command() -> clap::Command {
    Arguments::command()
}
