//! Requests over HTTP and HTTPS: timeouts, repetitions and answers.

use std::io::{self, Read};
use std::time::Duration;

use ureq::http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode};
use ureq::{Agent, Body};

use crate::host::{Trust, brief, sleep, visible};

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest silence of a server.
const SILENCE: Duration = Duration::from_secs(30);
/// The same for the services that give credentials to a cloud's machines, which answer at once or do
/// not exist.
const SERVICE: Duration = Duration::from_secs(1);
/// Pauses between attempts, in milliseconds.
const PAUSES: [u64; 5] = [100, 300, 700, 1500, 3000];
/// Attempts to connect to a server that refuses it or cannot be reached.
const CONNECTIONS: usize = 3;
/// Start of the standard library's message about the name of a host.
const NO_ADDRESS: &str = "failed to lookup address information";
/// Longest time for the bytes of a range or of a page of a list.
const BODY: Duration = Duration::from_secs(600);
/// Maximum number of bytes of a page of a list.
const MOST: u64 = 64 << 20;
/// Maximum number of bytes of the explanation of a failure.
const MOST_EXPLAINED: u64 = 1 << 20;

/// Client for all servers.
#[derive(Debug)]
pub(super) struct Web {
    agent: Agent,
    /// Client for the services that give credentials to a cloud's machines.
    service: Agent,
    /// Reason why HTTPS is impossible, if it is.
    no_tls: Option<String>,
}

/// Answer of a server.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Kind of a server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Server {
    /// An object store, whose signed requests cannot be redirected.
    Store,
    /// A web server.
    Web,
}

/// Reason why there is no answer. All attempts have failed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum WebError {
    /// This machine belongs to no cloud, or its cloud gives no credentials to it.
    #[error("no credentials")]
    NoCredentials,
    /// A request or an answer is wrong.
    #[error("{0}")]
    Refused(String),
    /// The server cannot be reached, or fails.
    #[error("{0}")]
    Unreachable(String),
}

/// Result of one attempt that failed.
struct Failed {
    error: WebError,
    /// Number of attempts that are worthwhile.
    attempts: usize,
}

impl Web {
    /// Creates a client that trusts the authorities of the system, or those in `AWS_CA_BUNDLE`.
    pub(super) fn new() -> io::Result<Self> {
        let authorities = std::env::var_os("AWS_CA_BUNDLE").filter(|path| !path.is_empty());
        let trust = Trust::read(authorities.as_deref().map(std::path::Path::new), None)?;
        let config = || {
            Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(0)
                .user_agent(concat!("nfstream/", env!("CARGO_PKG_VERSION")))
        };
        let agent = config()
            .timeout_connect(Some(CONNECT))
            .timeout_resolve(Some(CONNECT))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE))
            .max_idle_connections(32)
            .max_idle_connections_per_host(16);
        // Connections without TLS need no certificates.
        let (agent, no_tls) = match trust.agent_config() {
            Ok(tls) => (agent.tls_config(tls), None),
            Err(error) => (agent, Some(error.to_string())),
        };
        let service = config().proxy(None).timeout_global(Some(SERVICE));
        Ok(Self { agent: agent.build().into(), service: service.build().into(), no_tls })
    }

    /// Returns the answer to a request, which is repeated if the server cannot be reached, is busy
    /// or fails. With [`Server::Web`], an answer that is not the requested range has no
    /// body.
    pub(super) fn answer(
        &self,
        request: &Request<Vec<u8>>,
        server: Server,
    ) -> Result<Answer, WebError> {
        if server == Server::Store && is_service(request) {
            return self.service_answer(request);
        }
        let wants_range = server == Server::Web && request.headers().contains_key("range");
        patiently(|| {
            let response = self.response(request, server, Some(BODY))?;
            let (parts, body) = response.into_parts();
            let is_wanted = !wants_range || parts.status != StatusCode::OK;
            let most = match parts.status {
                // The server does not choose how much memory a range takes.
                StatusCode::PARTIAL_CONTENT => range_len(request).unwrap_or(MOST),
                status if status.is_success() => MOST,
                _ => MOST_EXPLAINED,
            };
            let body = if is_wanted { read(body, most)? } else { Vec::new() };
            answered(Answer { status: parts.status, headers: parts.headers, body })
        })
    }

    /// Returns the answer of a web server whose body is not read yet.
    pub(super) fn open(&self, request: &Request<Vec<u8>>) -> Result<Response<Body>, WebError> {
        patiently(|| {
            let response = self.response(request, Server::Web, None)?;
            if response.status().is_success() {
                return Ok(response);
            }
            let (parts, body) = response.into_parts();
            let body = read(body, MOST_EXPLAINED)?;
            let answer = Answer { status: parts.status, headers: parts.headers, body };
            let message = answer.message();
            answered(answer)?;
            Err(Failed { error: WebError::Refused(message), attempts: 1 })
        })
    }

    /// Sends a request; reading the body of its answer takes at most `time`.
    fn response(
        &self,
        request: &Request<Vec<u8>>,
        server: Server,
        time: Option<Duration>,
    ) -> Result<Response<Body>, Failed> {
        let is_secure = request.uri().scheme_str() == Some("https");
        if let Some(reason) = self.no_tls.as_ref().filter(|_| is_secure) {
            return Err(Failed { error: WebError::Refused(reason.clone()), attempts: 1 });
        }
        let result = match server {
            Server::Store => run(&self.agent, request.clone(), time),
            Server::Web => {
                let request = self.agent.configure_request(request.clone().map(drop));
                let request = request.max_redirects(10).https_only(is_secure);
                self.agent.run(request.timeout_recv_body(time).build())
            }
        };
        result.map_err(failed)
    }

    fn service_answer(&self, request: &Request<Vec<u8>>) -> Result<Answer, WebError> {
        let is_off = std::env::var("AWS_EC2_METADATA_DISABLED")
            .is_ok_and(|value| value.eq_ignore_ascii_case("true"));
        let response = (!is_off).then(|| run(&self.service, request.clone(), None).ok()).flatten();
        let (parts, body) = response.ok_or(WebError::NoCredentials)?.into_parts();
        let body = read(body, MOST).map_err(|_| WebError::NoCredentials)?;
        if parts.status.is_success() {
            return Ok(Answer { status: parts.status, headers: parts.headers, body });
        }
        Err(WebError::NoCredentials)
    }
}

impl Answer {
    /// Returns a header as text.
    pub(super) fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the server's own message about a failure.
    pub(super) fn message(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let words = words(&text);
        if words.is_empty() {
            return format!("HTTP status {}", self.status);
        }
        format!("HTTP status {}: {words}", self.status.as_u16())
    }
}

/// Returns the code and message of a store in the text of an answer; empty if it has none.
pub(super) fn words(text: &str) -> String {
    let element = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(inner, _)| inner.trim())
    };
    let said = match (element("Code"), element("Message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => return String::new(),
    };
    brief(&said).trim_end_matches('.').to_owned()
}

/// Sends a request once, without a body if its method has none. Reading the body of its answer
/// takes at most `time`.
fn run(
    agent: &Agent,
    request: Request<Vec<u8>>,
    time: Option<Duration>,
) -> Result<Response<Body>, ureq::Error> {
    match *request.method() {
        Method::GET | Method::HEAD => {
            let request = agent.configure_request(request.map(drop));
            agent.run(request.timeout_recv_body(time).build())
        }
        _ => agent.run(agent.configure_request(request).timeout_recv_body(time).build()),
    }
}

/// Returns the bytes of the range that a request wants, `None` if it wants no such range.
fn range_len(request: &Request<Vec<u8>>) -> Option<u64> {
    let range = request.headers().get("range")?.to_str().ok()?;
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    last.checked_sub(first)?.checked_add(1)
}

/// Passes an answer on unless the server is busy or fails.
fn answered(answer: Answer) -> Result<Answer, Failed> {
    let status = answer.status.as_u16();
    if matches!(status, 408 | 425 | 429 | 500..=599) && status != 501 {
        let error = WebError::Unreachable(answer.message());
        return Err(Failed { error, attempts: PAUSES.len() + 1 });
    }
    Ok(answer)
}

/// Reads the body of an answer, of at most `most` bytes.
fn read(body: Body, most: u64) -> Result<Vec<u8>, Failed> {
    let len = body.content_length();
    let cut = |message: String| Failed {
        error: WebError::Unreachable(message),
        attempts: PAUSES.len() + 1,
    };
    let mut bytes = Vec::new();
    // One byte more shows that there are more.
    let limit = most.saturating_add(1);
    let mut reader = body.into_with_config().limit(limit).reader().take(limit);
    reader.read_to_end(&mut bytes).map_err(|error| cut(reason(&error)))?;
    let read = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    match len {
        _ if read > most => Err(Failed {
            error: WebError::Refused(format!("the server sent more than {most} bytes")),
            attempts: 1,
        }),
        Some(len) if read < len => Err(cut(format!("the server sent {read} of {len} bytes"))),
        _ => Ok(bytes),
    }
}

fn failed(error: ureq::Error) -> Failed {
    let unreachable =
        |message: String, attempts| Failed { error: WebError::Unreachable(message), attempts };
    match error {
        ureq::Error::HostNotFound => {
            unreachable("the name of the host has no address".to_owned(), 1)
        }
        ureq::Error::ConnectionFailed => {
            unreachable("no connection to the host".to_owned(), CONNECTIONS)
        }
        ureq::Error::Io(error) => {
            let text = error.to_string();
            if text.starts_with(NO_ADDRESS) && !text.contains("emporary") {
                return failed(ureq::Error::HostNotFound);
            }
            let is_refused = error.kind() == io::ErrorKind::ConnectionRefused;
            let attempts = if is_refused { CONNECTIONS } else { PAUSES.len() + 1 };
            unreachable(reason(&error), attempts)
        }
        ureq::Error::Timeout(timeout) => {
            unreachable(format!("no answer in time ({timeout})"), CONNECTIONS)
        }
        error @ (ureq::Error::Protocol(_) | ureq::Error::BodyStalled) => {
            unreachable(visible(&error.to_string()).into_owned(), CONNECTIONS)
        }
        // Its text has the address, which may be signed.
        ureq::Error::RequireHttpsOnly(_) => Failed {
            error: WebError::Refused("the server redirects to http://".to_owned()),
            attempts: 1,
        },
        error => Failed {
            error: WebError::Refused(visible(&error.to_string()).into_owned()),
            attempts: 1,
        },
    }
}

/// Returns the message of the system, without its number.
pub(super) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    // Messages of the system begin with a capital.
    let first = letters.next().map(|letter| letter.to_lowercase().to_string());
    visible(&(first.unwrap_or_default() + letters.as_str())).into_owned()
}

/// Repeats an attempt, with pauses, until it succeeds or a further attempt is useless.
fn patiently<T>(attempt: impl Fn() -> Result<T, Failed>) -> Result<T, WebError> {
    let mut pauses = PAUSES.iter();
    for number in 1.. {
        match attempt() {
            Ok(result) => return Ok(result),
            Err(Failed { error, attempts }) if number >= attempts => return Err(error),
            Err(Failed { error, .. }) => {
                let Some(pause) = pauses.next() else { return Err(error) };
                sleep(Duration::from_millis(*pause));
            }
        }
    }
    Err(WebError::Unreachable(String::new()))
}

/// Returns whether a request goes to a service that gives credentials to a cloud's machines.
fn is_service<B>(request: &Request<B>) -> bool {
    let host = request.uri().host().unwrap_or_default();
    host.starts_with("169.254.") || matches!(host, "metadata.google.internal" | "metadata")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_explain_failures_in_xml() {
        let text = "<?xml version=\"1.0\"?><Error><Code>NoSuchBucket</Code><Message>The specified \
                    bucket does\n not exist.</Message></Error>";
        assert_eq!(words(text), "NoSuchBucket: The specified bucket does not exist");
        assert_eq!(words("<html><body>404</body></html>"), "");
    }

    #[test]
    fn ranges_have_a_length() {
        let len =
            |range| range_len(&Request::get("/").header("range", range).body(vec![]).unwrap());
        assert_eq!(len("bytes=0-65535"), Some(65_536));
        for range in ["bytes=-5", "bytes=5-", "bytes=5-4", "bytes=0-18446744073709551615", "x"] {
            assert_eq!(len(range), None, "{range}");
        }
    }

    #[test]
    fn services_of_clouds_are_known() {
        let is_one = |url: &str| is_service(&Request::get(url).body(()).unwrap());
        assert!(is_one("http://169.254.169.254/latest/api/token"));
        assert!(!is_one("http://127.0.0.1:9000/bucket"));
    }
}
