//! A file of user rules.

use std::fs;
use std::io;
use std::path::PathBuf;

use crate::dissect::{Rules, RulesError};
use crate::host::visible_path;

/// Rules, and the file from which they were read.
#[derive(Clone, Debug)]
pub struct RulesFile {
    /// Path of the file.
    pub path: PathBuf,
    /// Its rules.
    pub rules: Rules,
}

/// Failure to read a rules file.
#[derive(Debug, thiserror::Error)]
pub enum RulesFileError {
    /// The file cannot be read, or is not UTF-8.
    #[error("{}: cannot be read", visible_path(path))]
    Io {
        /// Path of the file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A rule has a mistake.
    #[error("{}: {mistake}", visible_path(path))]
    Rules {
        /// Path of the file.
        path: PathBuf,
        /// The mistake, with its line and key.
        mistake: RulesError,
    },
}

impl RulesFile {
    /// Reads the rules in a file.
    ///
    /// # Errors
    ///
    /// [`RulesFileError`] if the file cannot be read, or at the first mistake in a rule.
    pub fn read(path: PathBuf) -> Result<Self, RulesFileError> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) => return Err(RulesFileError::Io { path, source }),
        };
        match Rules::parse(&text) {
            Ok(rules) => Ok(Self { path, rules }),
            Err(mistake) => Err(RulesFileError::Rules { path, mistake }),
        }
    }
}
