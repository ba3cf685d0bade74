//! Search for the captures that a URL of a store names.

use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;

use glob::{MatchOptions, Pattern};

use super::super::CaptureError;
use super::super::content::Content;
use super::super::order::natural;
use super::super::url::Url;
use super::super::url_captures::UrlCaptures;
use super::bucket::{Bucket, List};
use super::content::Remote;

/// Finds the captures that `url` names.
///
/// # Errors
///
/// [`CaptureError::Io`] of the store, [`CaptureError::NoMatch`] for a pattern that nothing matches.
pub(super) fn find(bucket: &Bucket, url: &Url) -> Result<UrlCaptures, CaptureError> {
    let failed = |source| CaptureError::Io { path: url.name(), source };
    if url.key.contains(['*', '?', '[']) {
        let objects = matching(bucket, url).map_err(failed)?;
        if objects.is_empty() {
            return Err(CaptureError::NoMatch { path: url.name() });
        }
        return Ok(UrlCaptures::Named(objects));
    }
    let folder = || {
        let list = bucket.list(&url.key).map_err(failed)?;
        let is_empty = list.objects.is_empty() && list.folders.is_empty();
        Ok((!is_empty).then(|| of_folder(bucket, url, list)))
    };
    if url.key.is_empty() || url.key.ends_with('/') {
        let nothing = || io::Error::new(ErrorKind::NotFound, "the folder is empty");
        return folder()?.ok_or_else(|| failed(nothing()));
    }
    let object = Arc::new(Remote::new(bucket.object(&url.key).map_err(failed)?, url, None));
    match object.size() {
        // As with files, a folder needs no slash.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            folder().ok().flatten().ok_or_else(|| failed(error))
        }
        Err(error) => Err(failed(error)),
        Ok(_) => Ok(UrlCaptures::Named(vec![(url.name(), object)])),
    }
}

fn of_folder(bucket: &Bucket, url: &Url, list: List) -> UrlCaptures {
    let List { objects, folders } = list;
    let is_hidden = |key: &str| key.rsplit('/').next().is_some_and(|name| name.starts_with('.'));
    let (hidden, shown): (Vec<_>, Vec<_>) =
        objects.into_iter().partition(|(key, _)| is_hidden(key));
    let others = hidden.into_iter().map(|(key, _)| key).chain(folders);
    let others = others.map(|key| url.with_key(&key).name()).collect();
    UrlCaptures::Folder { name: url.name(), objects: contents(bucket, url, shown), others }
}

/// Finds the objects that match a pattern, folder by folder.
fn matching(bucket: &Bucket, url: &Url) -> io::Result<Vec<(PathBuf, Arc<dyn Content>)>> {
    let options = MatchOptions {
        require_literal_separator: true,
        require_literal_leading_dot: true,
        ..MatchOptions::new()
    };
    let pattern = |part: &str| {
        let wrong = |error| {
            io::Error::new(ErrorKind::InvalidInput, format!("not a valid pattern: {error}"))
        };
        Pattern::new(part).map_err(wrong)
    };
    let parts: Vec<_> = url.key.split('/').collect();
    let Some((last, before)) = parts.split_last() else { return Ok(Vec::new()) };
    let name = |key: &str| key.rsplit('/').next().unwrap_or_default().to_owned();
    let mut folders = vec![String::new()];
    for part in before {
        if !part.contains(['*', '?', '[']) {
            folders.iter_mut().for_each(|folder| {
                if !folder.is_empty() {
                    folder.push('/');
                }
                folder.push_str(part);
            });
            continue;
        }
        let pattern = pattern(part)?;
        let mut found = Vec::new();
        for folder in &folders {
            let of_folder = bucket.list(folder)?.folders;
            found.extend(
                of_folder.into_iter().filter(|key| pattern.matches_with(&name(key), options)),
            );
        }
        folders = found;
    }
    let pattern = pattern(last)?;
    let mut objects = Vec::new();
    for folder in &folders {
        let of_folder = bucket.list(folder)?.objects;
        objects.extend(
            of_folder.into_iter().filter(|(key, _)| pattern.matches_with(&name(key), options)),
        );
    }
    Ok(contents(bucket, url, objects))
}

/// Returns objects of a list as captures, in the order of their names.
fn contents(
    bucket: &Bucket,
    url: &Url,
    mut objects: Vec<(String, u64)>,
) -> Vec<(PathBuf, Arc<dyn Content>)> {
    objects.sort_by(|(one, _), (other, _)| natural(one, other));
    let content = |(key, len): (String, u64)| {
        let url = url.with_key(&key);
        let object = bucket.object(&key).ok()?;
        let content: Arc<dyn Content> = Arc::new(Remote::new(object, &url, Some(len)));
        Some((url.name(), content))
    };
    objects.into_iter().filter_map(content).collect()
}
