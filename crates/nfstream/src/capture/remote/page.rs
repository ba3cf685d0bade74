//! Captures on web servers.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ureq::http::{HeaderMap, HeaderName, Request, StatusCode, Uri, header};

use super::super::content::ContentError;
use super::super::url::Url;
use super::object::{Object, Part, Version, Whole};
use super::web::{Answer, Server, Web, WebError};

/// File on a web server.
pub(super) struct Page {
    web: Arc<Web>,
    uri: Uri,
    /// Value of the header that holds user and password, which is secret.
    authorization: Option<String>,
}

impl Page {
    /// Returns the file at `url`.
    pub(super) fn new(web: Arc<Web>, url: &Url) -> io::Result<Self> {
        let path = encoded(&url.key);
        let query = url.query.as_deref().map(|query| format!("?{}", encoded(query)));
        let text =
            format!("{}://{}/{path}{}", url.scheme.name(), url.place, query.unwrap_or_default());
        let wrong =
            |error| io::Error::new(io::ErrorKind::InvalidInput, format!("bad URL: {error}"));
        let uri = text.parse::<Uri>().map_err(wrong)?;
        let authorization = url.user.as_deref().map(|user| {
            let user = if user.contains(':') { user.to_owned() } else { format!("{user}:") };
            format!("Basic {}", STANDARD.encode(decoded(&user)))
        });
        Ok(Self { web, uri, authorization })
    }

    fn request(&self, range: Option<Range<u64>>) -> io::Result<Request<Vec<u8>>> {
        let mut request = Request::get(&self.uri).header(header::ACCEPT_ENCODING, "identity");
        if let Some(range) = range {
            let last = range.end.saturating_sub(1);
            request = request.header(header::RANGE, format!("bytes={}-{last}", range.start));
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        request.body(Vec::new()).map_err(io::Error::other)
    }
}

impl Object for Page {
    fn part(&self, range: Range<u64>) -> io::Result<Option<Part>> {
        let answer = self.web.answer(&self.request(Some(range.clone()))?, Server::Web);
        let answer = answer.map_err(error)?;
        let content_range = answer.header(header::CONTENT_RANGE).unwrap_or_default().to_owned();
        let tag = tag(&answer.headers);
        match answer.status {
            StatusCode::PARTIAL_CONTENT => {
                let Some((start, len)) = extent(&content_range) else { return Ok(None) };
                if start != range.start {
                    return Err(io::Error::other("the server sent another range"));
                }
                let version = Version { len: Some(len), tag };
                Ok(Some(Part { bytes: Box::new(answer.body), version }))
            }
            // An empty file has no range.
            StatusCode::RANGE_NOT_SATISFIABLE if content_range.trim() == "bytes */0" => {
                let version = Version { len: Some(0), tag: None };
                Ok(Some(Part { bytes: Box::new([]), version }))
            }
            // The file has become shorter.
            StatusCode::RANGE_NOT_SATISFIABLE if range.start > 0 => {
                Err(ContentError::Changed.into())
            }
            StatusCode::OK | StatusCode::RANGE_NOT_SATISFIABLE => Ok(None),
            _ => Err(refusal(&answer)),
        }
    }

    fn whole(&self) -> io::Result<Whole> {
        let request = self.request(None)?;
        let response = self.web.open(&request).map_err(error)?;
        let version =
            Version { len: response.body().content_length(), tag: tag(response.headers()) };
        let reader = response.into_body().into_with_config().limit(u64::MAX).reader();
        Ok(Whole { reader: Box::new(reader), version })
    }
}

impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Page").finish_non_exhaustive()
    }
}

/// Returns the entity tag, or the time of the last change.
fn tag(headers: &HeaderMap) -> Option<String> {
    let text = |name: HeaderName| Some(headers.get(name)?.to_str().ok()?.to_owned());
    text(header::ETAG).or_else(|| text(header::LAST_MODIFIED))
}

/// Returns the start of a range and the length of the whole: `bytes 0-99/1234` (RFC 9110).
fn extent(content_range: &str) -> Option<(u64, u64)> {
    let (range, len) = content_range.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.trim().parse().ok()?, len.trim().parse().ok()?))
}

fn error(error: WebError) -> io::Error {
    match error {
        WebError::Unreachable(message) => ContentError::Unreachable(message).into(),
        error => io::Error::other(error),
    }
}

/// Returns the error of an answer without content.
fn refusal(answer: &Answer) -> io::Error {
    let message = answer.message();
    match answer.status.as_u16() {
        404 | 410 => io::Error::new(io::ErrorKind::NotFound, message),
        401 | 403 | 407 => io::Error::new(io::ErrorKind::PermissionDenied, message),
        _ => io::Error::other(message),
    }
}

/// Encodes the characters of a path or query that a URL cannot hold, except those already encoded.
fn encoded(text: &str) -> String {
    let keeps = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if keeps(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Decodes percent-encoded characters such as `%40`.
fn decoded(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (first, byte) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                decoded.push(*first);
                rest = after;
            }
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_from_headers() {
        assert_eq!(extent("bytes 0-99/1234"), Some((0, 1234)));
        for other in ["", "bytes 0-99/*", "bytes */1234", "items 0-1/2", "bytes 0-1"] {
            assert_eq!(extent(other), None, "{other}");
        }
    }

    #[test]
    fn letters_of_other_languages_are_encoded() {
        assert_eq!(encoded("a b/ä%20.pcap"), "a%20b/%C3%A4%20.pcap");
        assert_eq!(decoded("ada:p%40ss%"), b"ada:p@ss%");
    }
}
