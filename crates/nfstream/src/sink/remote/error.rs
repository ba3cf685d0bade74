//! Errors of the text that names a destination.

use std::io;
use std::path::PathBuf;

use crate::host::{visible, visible_path};

/// Why text names no destination.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum DestinationError {
    /// A file with secrets or certificates cannot be read.
    #[error("{}: cannot be read", visible_path(path))]
    File {
        /// The file.
        path: PathBuf,
        /// The error.
        source: io::Error,
    },
    /// The table's format does not suit the destination.
    #[error("{scheme}:// takes no --format {format}; {advice}")]
    Format {
        /// Scheme of the destination.
        scheme: &'static str,
        /// Name of the format.
        format: &'static str,
        /// Formats that it takes.
        advice: String,
    },
    /// This build lacks a feature.
    #[error("{scheme}:// needs a build with the feature {feature}, which this one lacks")]
    MissingFeature {
        /// Scheme of the destination.
        scheme: &'static str,
        /// Cargo feature.
        feature: &'static str,
    },
    /// An option has an invalid value.
    #[error("{scheme}://: {name}={} is invalid; it must be {expected}", visible(value))]
    Option {
        /// Scheme of the destination.
        scheme: &'static str,
        /// Name of the option.
        name: &'static str,
        /// Its value.
        value: String,
        /// Description of valid values.
        expected: &'static str,
    },
    /// A part of the URL is missing or of no use.
    #[error("{scheme}://: {reason}; example: {example}")]
    Part {
        /// Scheme of the destination.
        scheme: &'static str,
        /// The problem.
        reason: &'static str,
        /// A valid URL.
        example: &'static str,
    },
    /// The URL holds a password, which every user of the machine can read.
    #[error(
        "refusing a password on the command line, where other users can read it; use the \
         environment variable NFSTREAM_PASSWORD, or #credentials=FILE"
    )]
    PasswordInUrl,
    /// The option is unknown.
    #[error("{scheme}://: unknown option {}; known options are {known}", visible(name))]
    UnknownOption {
        /// Scheme of the destination.
        scheme: &'static str,
        /// The option.
        name: String,
        /// Known options.
        known: String,
    },
    /// The scheme is unknown.
    #[error(
        "{}://: unknown kind of destination; use {known}, or the name of a file",
        visible(scheme)
    )]
    UnknownScheme {
        /// The scheme.
        scheme: String,
        /// Known schemes.
        known: String,
    },
    /// The URL cannot be parsed.
    #[error("invalid URL: {reason}")]
    Url {
        /// The problem.
        reason: String,
    },
}
