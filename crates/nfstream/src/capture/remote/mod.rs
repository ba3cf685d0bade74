//! Captures on web servers and in object stores.
//!
//! Each is a [`Content`], which is read in ranges ahead of the parser. All requests of a list of
//! captures go through one [`Web`], which has the only policy for timeouts and repetitions; the
//! crate `object_store` signs those to stores and reads their lists.

mod ahead;
mod bucket;
mod connector;
mod content;
mod object;
mod page;
mod profile;
mod search;
mod web;

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::CaptureError;
use super::content::Content;
use super::url::{Scheme, Url};
use super::url_captures::UrlCaptures;
use bucket::Bucket;
use content::Remote;
use page::Page;
use web::Web;

/// Access to the servers of a list of captures.
#[derive(Debug, Default)]
pub(super) struct Servers {
    web: Mutex<Option<Arc<Web>>>,
    buckets: Mutex<HashMap<(Scheme, String), Arc<Bucket>>>,
}

impl Servers {
    /// Finds the captures that a URL names: an object, or those of a folder or a pattern.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Io`] if the server cannot be used or does not have it,
    /// [`CaptureError::NoMatch`] for a pattern that nothing matches.
    pub(super) fn find(&self, url: &Url) -> Result<UrlCaptures, CaptureError> {
        let failed = |source| CaptureError::Io { path: url.name(), source };
        if url.scheme.is_web() {
            let content = self.content(url, None).map_err(failed)?;
            return Ok(UrlCaptures::Named(vec![(url.name(), content)]));
        }
        let bucket = self.bucket(url).map_err(failed)?;
        search::find(&bucket, url)
    }

    /// Returns the capture at a URL; `len` is its size if another process has determined it.
    ///
    /// # Errors
    ///
    /// Those of preparing a connection.
    pub(super) fn content(&self, url: &Url, len: Option<u64>) -> io::Result<Arc<dyn Content>> {
        if url.scheme.is_web() {
            return Ok(Arc::new(Remote::new(Page::new(self.web()?, url)?, url, len)));
        }
        Ok(Arc::new(Remote::new(self.bucket(url)?.object(&url.key)?, url, len)))
    }

    fn bucket(&self, url: &Url) -> io::Result<Arc<Bucket>> {
        let web = self.web()?;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (url.scheme, url.place.clone());
        if let Some(bucket) = buckets.get(&key) {
            return Ok(Arc::clone(bucket));
        }
        let bucket = Arc::new(Bucket::new(web, url.scheme, &url.place)?);
        buckets.insert(key, Arc::clone(&bucket));
        Ok(bucket)
    }

    fn web(&self) -> io::Result<Arc<Web>> {
        let mut web = self.web.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(web) = &*web {
            return Ok(Arc::clone(web));
        }
        Ok(Arc::clone(web.insert(Arc::new(Web::new()?))))
    }
}
