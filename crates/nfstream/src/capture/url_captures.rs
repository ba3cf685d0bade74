//! Captures that a URL names.

use std::path::PathBuf;
use std::sync::Arc;

use super::content::Content;

/// Captures that a URL names, each with a name for messages.
#[cfg_attr(not(feature = "stores"), allow(dead_code, reason = "no URL stands for any"))]
pub(super) enum UrlCaptures {
    /// Those of a folder, in the order of their names.
    Folder {
        /// Name of the folder.
        name: PathBuf,
        /// Its objects.
        objects: Vec<(PathBuf, Arc<dyn Content>)>,
        /// Names of hidden objects and of folders in it.
        others: Vec<PathBuf>,
    },
    /// Those with this name or pattern.
    Named(Vec<(PathBuf, Arc<dyn Content>)>),
}
