//! Requests over HTTP and HTTPS.

use std::time::Duration;

use super::receiver::Failure;
use super::rows::gzip;
use super::url::bracketed;
use super::{DestinationError, Setup};
use crate::host::{Connection, Trust, brief};

/// Most bytes of an answer that are read.
const MOST_ANSWER: u64 = 16 << 20;

/// Client of one server.
#[derive(Debug)]
pub(super) struct Client {
    agent: ureq::Agent,
    url: String,
    /// Host and port.
    server: (String, u16),
    timeout: Duration,
    /// Certificates for TLS, `None` without.
    trust: Option<Trust>,
    /// Headers with their values, some of which are secret.
    headers: Headers,
    compresses: bool,
    /// Returns whether a failure of the server with this text may be temporary.
    may_pass: fn(&str) -> bool,
}

#[derive(Clone, Default)]
struct Headers(Vec<(&'static str, String)>);

impl std::fmt::Debug for Headers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Client {
    /// Returns a client of the server of `setup`, which listens on `port` unless the URL says
    /// otherwise.
    pub(super) fn new(
        setup: &Setup,
        is_secure: bool,
        port: u16,
        path: &str,
    ) -> Result<Self, DestinationError> {
        let options = &setup.options;
        let (host, port) = setup.host(port)?;
        let scheme = if is_secure { "https" } else { "http" };
        let (timeout, trust) = (options.timeout()?, options.trust()?);
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_connect(Some(timeout))
            .timeout_send_body(Some(timeout))
            .timeout_recv_response(Some(timeout))
            .timeout_recv_body(Some(timeout))
            .user_agent(concat!("nfstream/", env!("CARGO_PKG_VERSION")));
        let config = match is_secure {
            true => config.tls_config(trust.agent_config().map_err(cannot_trust)?),
            false => config,
        };
        Ok(Self {
            agent: config.build().into(),
            url: format!("{scheme}://{}:{port}{path}", bracketed(&host)),
            server: (host, port),
            timeout,
            trust: is_secure.then_some(trust),
            headers: Headers(Vec::new()),
            compresses: true,
            may_pass: |_| true,
        })
    }

    /// Connects without a request, to find out whether the server is there and is trusted.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it is not.
    pub(super) fn probe(&self) -> Result<(), Failure> {
        let (host, port) = (&self.server.0, self.server.1);
        match &self.trust {
            Some(trust) => drop(Connection::tls(host, port, self.timeout, trust)?),
            None => drop(Connection::tcp(host, port, self.timeout)?),
        }
        Ok(())
    }

    /// Adds a header to every request.
    pub(super) fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.0.push((name, value));
        self
    }

    /// Limits retries after a failure of the server to texts for which `may_pass` is true.
    pub(super) fn with_passing(self, may_pass: fn(&str) -> bool) -> Self {
        Self { may_pass, ..self }
    }

    /// Sends bodies as they are.
    pub(super) fn uncompressed(self) -> Self {
        Self { compresses: false, ..self }
    }

    /// Sends a body, with a query after the URL, and returns the answer and the bytes on the wire.
    /// Unless the caller `needs_answer`, the answer may be cut: the server has the body.
    ///
    /// # Errors
    ///
    /// [`Failure`] without an answer, or with one that reports a failure.
    pub(super) fn post(
        &self,
        query: &str,
        body: &[u8],
        needs_answer: bool,
    ) -> Result<(String, u64), Failure> {
        let mut request = self.agent.post(format!("{}{query}", self.url));
        for (name, value) in &self.headers.0 {
            request = request.header(*name, value);
        }
        let compressed;
        let body = if self.compresses && !body.is_empty() {
            request = request.header("content-encoding", "gzip");
            compressed = gzip(body)?;
            compressed.as_slice()
        } else {
            body
        };
        let mut response = request.send(body).map_err(failure)?;
        let status = response.status();
        let text = response.body_mut().with_config().limit(MOST_ANSWER).lossy_utf8(true);
        let text = match text.read_to_string() {
            Ok(text) => text,
            Err(_) if status.is_success() && !needs_answer => String::new(),
            Err(error) => return Err(failure(error)),
        };
        if status.is_success() {
            return Ok((text, body.len().try_into().unwrap_or(u64::MAX)));
        }
        let words = brief(&text);
        let colon = if words.is_empty() { "" } else { ": " };
        let message = format!("HTTP status {status}{colon}{words}");
        // Timeouts, too many requests and errors of the server may pass.
        let may_pass = matches!(status.as_u16(), 408 | 425 | 429 | 502..=504);
        let is_fault = status.is_server_error() && (self.may_pass)(&text);
        Err(if may_pass || is_fault {
            Failure::temporary(message)
        } else {
            Failure::permanent(message)
        })
    }
}

fn failure(error: ureq::Error) -> Failure {
    match error {
        ureq::Error::HostNotFound => Failure::temporary("the name of the host has no address"),
        ureq::Error::Io(source) => Failure::temporary(source),
        error @ (ureq::Error::Tls(_) | ureq::Error::Rustls(_)) => Failure::permanent(error),
        error => Failure::temporary(error),
    }
}

fn cannot_trust(source: std::io::Error) -> DestinationError {
    DestinationError::File { path: "ca".into(), source }
}
