//! Text of a destination: `scheme://user@host:port/path?query#name=value,name=value`.

use std::borrow::Cow;

use super::DestinationError;

/// Parts of a destination's text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Url {
    pub(super) scheme: String,
    pub(super) user: Option<String>,
    /// Hosts with their ports; one except for brokers, none for a path of this machine.
    pub(super) hosts: Vec<(String, Option<u16>)>,
    /// Path, with its leading slash if there is one.
    pub(super) path: String,
    /// Query, which belongs to the receiver.
    pub(super) query: Option<String>,
    /// Options of nfstream: names and values after `#`.
    pub(super) options: Vec<(String, String)>,
}

impl Url {
    /// Returns the scheme that text begins with, `None` if it is no URL.
    pub(super) fn scheme_of(text: &str) -> Option<&str> {
        let (scheme, _) = text.split_once("://")?;
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte);
        (scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(is_part))
        .then_some(scheme)
    }

    /// Parses text. Error messages do not repeat it, because it may hold a password.
    pub(super) fn parse(text: &str) -> Result<Self, DestinationError> {
        let bad = |reason: String| DestinationError::Url { reason };
        let scheme = Self::scheme_of(text).ok_or_else(|| bad("it has no scheme".to_owned()))?;
        let rest = text.get(scheme.len() + 3..).unwrap_or_default();
        let (rest, options) = rest.split_once('#').unwrap_or((rest, ""));
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query.to_owned())),
            None => (rest, None),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user, hosts) = match authority.rsplit_once('@') {
            Some((user, hosts)) => (Some(user), hosts),
            None => (None, authority),
        };
        if user.is_some_and(|user| user.contains(':')) || has_cut_password(text, authority) {
            return Err(DestinationError::PasswordInUrl);
        }
        let user = user.map(decode).transpose()?;
        let hosts = hosts.split(',').filter(|host| !host.is_empty()).map(host_and_port);
        let hosts = hosts.collect::<Result<_, _>>()?;
        let options = options.split(',').filter(|option| !option.is_empty()).map(|option| {
            let (name, value) = option.split_once('=').ok_or_else(|| {
                bad(format!("the option {option:?} after # is not of the form name=value"))
            })?;
            Ok((decode(name)?, decode(value)?))
        });
        let options = options.collect::<Result<_, DestinationError>>()?;
        Ok(Self {
            scheme: scheme.to_ascii_lowercase(),
            user,
            hosts,
            path: path.to_owned(),
            query,
            options,
        })
    }

    /// Returns the URL without user, query and options, which may identify someone.
    pub(super) fn shown(&self) -> String {
        let host = |(host, port): &(String, Option<u16>)| {
            let host = bracketed(host);
            port.map_or_else(|| host.clone().into_owned(), |port| format!("{host}:{port}"))
        };
        let hosts: Vec<_> = self.hosts.iter().map(host).collect();
        format!("{}://{}{}", self.scheme, hosts.join(","), self.path)
    }
}

/// Returns a host as URLs write it: an IPv6 address in brackets.
pub(super) fn bracketed(host: &str) -> Cow<'_, str> {
    if host.contains(':') { format!("[{host}]").into() } else { host.into() }
}

/// Returns whether a password with a character that ends the host cuts `text` after `authority`.
fn has_cut_password(text: &str, authority: &str) -> bool {
    let Some((_, after)) = text.split_once(authority) else { return false };
    let has_colon = authority.contains(':') && !authority.contains(['@', '[']);
    let has_port = authority.rsplit(':').next().is_some_and(|port| port.parse::<u16>().is_ok());
    let before_options = after.split('#').next().unwrap_or_default();
    has_colon && (before_options.contains('@') || !has_port && after.contains('@'))
}

/// Splits `host:port`, `[IPv6]:port` or only a host.
fn host_and_port(text: &str) -> Result<(String, Option<u16>), DestinationError> {
    let bad = |reason: String| DestinationError::Url { reason };
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest
                .split_once(']')
                .ok_or_else(|| bad(format!("the address {text:?} has no closing bracket")))?;
            (host, rest.strip_prefix(':'))
        }
        None => match text.split_once(':') {
            Some((_, port)) if port.contains(':') => {
                return Err(bad(format!("an IPv6 address needs brackets: [{text}]")));
            }
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    if host.is_empty() {
        return Err(bad("the host is missing".to_owned()));
    }
    let port = port.map(|port| match port.parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(bad(format!("{port:?} is no port; ports are numbers from 1 to 65535"))),
    });
    Ok((decode(host)?, port.transpose()?))
}

/// Returns text with its percent-encoded bytes decoded.
pub(super) fn decode(text: &str) -> Result<String, DestinationError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.split_first_chunk::<2>().filter(|_| *first == b'%');
        let code = digits.and_then(|(digits, after)| {
            let digits = std::str::from_utf8(digits).ok()?;
            Some((u8::from_str_radix(digits, 16).ok()?, after))
        });
        match code {
            Some((byte, after)) => {
                bytes.push(byte);
                rest = after;
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes)
        .map_err(|_| DestinationError::Url { reason: "it is not UTF-8".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> String {
        Url::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn parts_are_found() {
        let url =
            Url::parse("clickhouse://ada@[::1]:8123/db/flows?x=1#create=yes,ca=/a%2Cb").unwrap();
        assert_eq!(url.user.as_deref(), Some("ada"));
        assert_eq!(url.hosts, [("::1".to_owned(), Some(8123))]);
        assert_eq!((url.path.as_str(), url.query.as_deref()), ("/db/flows", Some("x=1")));
        let options = [("create", "yes"), ("ca", "/a,b")];
        assert_eq!(url.options, options.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(url.shown(), "clickhouse://[::1]:8123/db/flows");
        let url = Url::parse("kafka://a:1,b/flows").unwrap();
        assert_eq!(url.hosts, [("a".to_owned(), Some(1)), ("b".to_owned(), None)]);
        let url = Url::parse("unix:///run/flows.sock").unwrap();
        assert_eq!((url.hosts.len(), url.path.as_str()), (0, "/run/flows.sock"));
    }

    #[test]
    fn only_urls_have_schemes() {
        assert_eq!(Url::scheme_of("ipfix+tls://host"), Some("ipfix+tls"));
        for path in ["flows.csv", "a/b://c", "://x", "1x://y", "C:\\flows.csv"] {
            assert_eq!(Url::scheme_of(path), None, "{path}");
        }
    }

    #[test]
    fn wrong_parts_are_named_but_passwords_are_not() {
        let text = reason("https://ada:secret@host/");
        assert!(!text.contains("secret") && text.contains("NFSTREAM_PASSWORD"), "{text}");
        for cut in ["12/secret@host/x", "hunter/2@host", "a?secret@host", "hunter#2@host"] {
            let text = reason(&format!("https://ada:{cut}"));
            let is_named = ["secret", "hunter"].iter().any(|part| text.contains(part));
            assert!(!is_named && text.contains("NFSTREAM_PASSWORD"), "{text}");
        }
        assert!(reason("ipfix://host:0").contains("\"0\" is no port"));
        assert!(reason("ipfix://host:99999").contains("\"99999\" is no port"));
        assert!(reason("ipfix://::1").contains("needs brackets"));
        assert!(reason("ipfix://[::1").contains("no closing bracket"));
        assert!(reason("ipfix://:4739").contains("host is missing"));
        assert!(reason("ipfix://host#create").contains("name=value"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_causes_a_panic(text in "\\PC{0,40}") {
            drop(Url::parse(&text));
            drop(Url::parse(&format!("https://{text}")));
        }
    }
}
