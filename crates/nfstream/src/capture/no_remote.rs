//! Captures on other machines, in builds that cannot read them.

use std::io;
use std::sync::Arc;

use super::CaptureError;
use super::content::Content;
use super::url::Url;
use super::url_captures::UrlCaptures;

/// Reason for refusing every URL.
const REASON: &str = "this nfstream was built without the feature `stores`, which reads URLs";

/// Stand-in for access to servers.
#[derive(Debug, Default)]
pub(super) struct Servers;

impl Servers {
    /// Refuses a URL.
    pub(super) fn find(&self, url: &Url) -> Result<UrlCaptures, CaptureError> {
        Err(CaptureError::BadUrl { url: url.name(), reason: REASON.to_owned() })
    }

    /// Refuses a URL.
    pub(super) fn content(&self, _: &Url, _: Option<u64>) -> io::Result<Arc<dyn Content>> {
        Err(io::Error::new(io::ErrorKind::Unsupported, REASON))
    }
}
