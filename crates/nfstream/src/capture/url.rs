//! URLs of captures on web servers and in object stores.

use std::path::{Path, PathBuf};

use super::CaptureError;

/// Web server or kind of object store.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Scheme {
    Azure,
    Google,
    Http,
    Https,
    S3,
}

/// URL of a capture, or of a folder of captures.
#[derive(Clone, Eq, PartialEq)]
pub(super) struct Url {
    pub(super) scheme: Scheme,
    /// Bucket of a store, or host and port of a web server.
    pub(super) place: String,
    /// Key of an object, or path on a web server, without the first slash.
    pub(super) key: String,
    /// Part after the question mark, which may hold a signature.
    pub(super) query: Option<String>,
    /// User and password for a web server.
    pub(super) user: Option<String>,
}

/// Schemes by name.
const SCHEMES: [(&str, Scheme); 5] = [
    ("s3", Scheme::S3),
    ("gs", Scheme::Google),
    ("az", Scheme::Azure),
    ("http", Scheme::Http),
    ("https", Scheme::Https),
];

impl Scheme {
    /// Returns the name of the scheme.
    pub(super) fn name(self) -> &'static str {
        SCHEMES.iter().find(|(_, scheme)| *scheme == self).map_or("", |(name, _)| name)
    }

    /// Returns whether the scheme is that of a web server.
    pub(super) fn is_web(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }
}

impl Url {
    /// Reads a path that is a URL; `None` for other paths.
    ///
    /// # Errors
    ///
    /// [`CaptureError::BadUrl`] for a URL that cannot name captures.
    pub(super) fn read(path: &Path) -> Option<Result<Self, CaptureError>> {
        let text = path.to_str()?;
        let bad =
            |reason: String| Some(Err(CaptureError::BadUrl { url: shown(text).into(), reason }));
        let Some((name, rest)) = split(text) else {
            // `pathlib.Path` merges the slashes.
            let (name, rest) = text.split_once(":/")?;
            let is_scheme = SCHEMES.iter().any(|(known, _)| *known == name);
            if !is_scheme || rest.is_empty() || path.exists() {
                return None;
            }
            return bad(format!("a slash of the URL is missing: write {name}://…, as text"));
        };
        let known = SCHEMES.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
        let Some((name, scheme)) = known.copied() else {
            if name.eq_ignore_ascii_case("file") {
                return bad("write the path without file://".to_owned());
            }
            let names: Vec<_> = SCHEMES.iter().map(|(name, _)| format!("{name}://")).collect();
            return bad(format!("{name}:// is not supported (use {})", names.join(", ")));
        };
        let (rest, query) = match scheme.is_web().then(|| rest.split_once(['?', '#'])) {
            Some(Some((before, query))) if rest.as_bytes().get(before.len()) == Some(&b'?') => {
                (before, query.split('#').next())
            }
            Some(Some((before, _))) => (before, None),
            _ => (rest, None),
        };
        let (place, key) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, place) = match place.rsplit_once('@') {
            Some((user, place)) if scheme.is_web() => (Some(user.to_owned()), place),
            _ => (None, place),
        };
        if place.is_empty() {
            let form = match scheme {
                Scheme::Azure => "CONTAINER/NAME",
                Scheme::Google => "BUCKET/NAME",
                Scheme::Http | Scheme::Https => "HOST/PATH",
                Scheme::S3 => "BUCKET/KEY",
            };
            return bad(format!("it is incomplete: write {name}://{form}"));
        }
        Some(Ok(Self {
            scheme,
            place: place.to_owned(),
            key: key.to_owned(),
            query: query.map(str::to_owned),
            user,
        }))
    }

    /// Returns the URL of another object in the same bucket.
    #[cfg(feature = "stores")]
    pub(super) fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    /// Returns the URL without secrets, for messages and metadata.
    pub(super) fn name(&self) -> PathBuf {
        let Self { scheme, place, key, .. } = self;
        format!("{}://{place}/{key}", scheme.name()).into()
    }

    /// Returns the whole URL.
    #[cfg(any(feature = "stores", test))]
    pub(super) fn address(&self) -> PathBuf {
        let Self { scheme, place, key, query, user } = self;
        let user = user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
        let query = query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{}://{user}{place}/{key}{query}", scheme.name()).into()
    }
}

impl std::fmt::Debug for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Url").field(&self.name()).finish()
    }
}

/// Returns a path, or the name of a URL without its secrets, for messages.
pub fn name_of(path: &Path) -> PathBuf {
    match Url::read(path) {
        Some(Ok(url)) => url.name(),
        _ => path.to_path_buf(),
    }
}

/// Returns the scheme of a URL and the text after it, `None` for text that is not a URL.
fn split(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "+-.".contains(letter);
    let starts = scheme.starts_with(|letter: char| letter.is_ascii_alphabetic());
    (starts && scheme.chars().all(is_letter)).then_some((scheme, rest))
}

/// Returns a URL of any scheme without its user and query.
fn shown(text: &str) -> String {
    let text = text.split('?').next().unwrap_or_default();
    let Some((scheme, rest)) = split(text) else { return text.to_owned() };
    let (place, path) = rest.split_once('/').map_or((rest, None), |(a, b)| (a, Some(b)));
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    match path {
        Some(path) => format!("{scheme}://{place}/{path}"),
        None => format!("{scheme}://{place}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Result<Url, CaptureError>> {
        Url::read(Path::new(text))
    }

    #[test]
    fn paths_are_no_urls() {
        for path in
            ["a.pcap", "-", "dir/a.pcap", "C:/a", "://x", "a b://c", "1x://y", "s3:", "s3:/"]
        {
            assert_eq!(read(path).map(|url| url.is_ok()), None, "{path}");
        }
    }

    #[test]
    fn stores_have_buckets_and_keys_as_they_are_written() {
        let url = read("s3://sensors/2026/day 1?.pcap%20").unwrap().unwrap();
        assert_eq!((url.scheme, &*url.place), (Scheme::S3, "sensors"));
        assert_eq!(url.key, "2026/day 1?.pcap%20");
        assert_eq!(url.name(), url.address());
        for (text, key) in [("gs://b", ""), ("az://b/", ""), ("S3://b/x/", "x/")] {
            assert_eq!(read(text).unwrap().unwrap().key, key, "{text}");
        }
    }

    #[test]
    fn names_have_no_secrets() {
        let text = "https://ada:secret@host:8443/a.pcap?X-Amz-Signature=abc#part";
        let url = read(text).unwrap().unwrap();
        assert_eq!(url.name(), Path::new("https://host:8443/a.pcap"));
        let address = "https://ada:secret@host:8443/a.pcap?X-Amz-Signature=abc";
        assert_eq!(url.address(), Path::new(address));
        assert!(!format!("{url:?}").contains("secret"));
        let error = read("ftp://ada:secret@host/a.pcap?key=abc").unwrap().unwrap_err().to_string();
        assert!(!error.contains("secret") && !error.contains("abc"), "{error}");
    }

    #[test]
    fn urls_that_cannot_name_captures_are_refused_with_the_reason() {
        for (text, reason) in [
            (
                "ftp://host/a",
                "ftp://host/a: ftp:// is not supported (use s3://, gs://, az://, http://, https://)",
            ),
            ("file:///a.pcap", "file:///a.pcap: write the path without file://"),
            ("s3://", "s3://: it is incomplete: write s3://BUCKET/KEY"),
            ("https:///a", "https:///a: it is incomplete: write https://HOST/PATH"),
            ("s3:/bucket/a", "s3:/bucket/a: a slash of the URL is missing: write s3://…, as text"),
        ] {
            assert_eq!(read(text).unwrap().unwrap_err().to_string(), reason);
        }
    }
}
