//! Patterns that stand for several captures.

use std::path::{Path, PathBuf};

use glob::MatchOptions;

use super::CaptureError;

/// Returns the path itself, or, for a pattern such as `day/*.pcap`, the sorted paths that match it.
///
/// # Errors
///
/// [`CaptureError::NoMatch`] for a pattern that nothing matches.
pub(super) fn matching(path: &Path) -> Result<Vec<PathBuf>, CaptureError> {
    let Some(pattern) = path.to_str().filter(|_| is_pattern(path)) else {
        return Ok(vec![path.to_path_buf()]);
    };
    let options = MatchOptions {
        require_literal_separator: true,
        require_literal_leading_dot: true,
        ..MatchOptions::new()
    };
    let found = glob::glob_with(pattern, options).into_iter().flatten().flatten();
    let found: Vec<_> = found.collect();
    if found.is_empty() {
        return Err(CaptureError::NoMatch { path: path.to_path_buf() });
    }
    Ok(found)
}

/// Returns whether `path` is a pattern. A file may have such a name, even one that is not a valid
/// pattern.
pub(super) fn is_pattern(path: &Path) -> bool {
    path.to_str().is_some_and(|text| text.contains(['*', '?', '['])) && !path.exists()
}
