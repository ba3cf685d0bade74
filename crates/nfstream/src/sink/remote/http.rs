//! Lines of JSON in requests to a web server, also in the form of Elastic's bulk interface.

use std::collections::BTreeSet;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use base64::Engine;
use serde_json::Value as Json;

use super::client::Client;
use super::options::{CA, CERTIFICATE, KEY, OptionHelp, Options};
use super::receiver::{Failure, Receiver, Sent};
use super::rows::{encode, lines};
use super::{Contents, DestinationError, Scheme, Setup};
use crate::host::brief;
use crate::sink::Format;

pub(super) const SCHEMES: &[Scheme] = &[
    Scheme {
        name: "https",
        description: "Lines of JSON in requests to a web server, over TLS",
        example: "https://server.example/flows",
        options: &[ROWS, GZIP, BULK, CA, CERTIFICATE, KEY],
        contents: Contents::Formats(Format::JSON_FORMATS),
        missing: MISSING,
        receiver: |setup| receiver(setup, true),
    },
    Scheme {
        name: "http",
        description: "The same without encryption",
        example: "http://127.0.0.1:9200/flows/_bulk#bulk=yes",
        options: &[ROWS, GZIP, BULK],
        contents: Contents::Formats(Format::JSON_FORMATS),
        missing: MISSING,
        receiver: |setup| receiver(setup, false),
    },
];

pub(super) const MISSING: Option<&str> = if cfg!(feature = "http") { None } else { Some("http") };

pub(super) const ROWS: OptionHelp =
    OptionHelp { name: "rows", default: "5000", description: "most flows in one request" };

pub(super) const GZIP: OptionHelp =
    OptionHelp { name: "gzip", default: "yes", description: "no to send without compression" };

const BULK: OptionHelp = OptionHelp {
    name: "bulk",
    default: "no",
    description: "yes for requests and answers of Elastic's bulk interface",
};

struct Server {
    client: Client,
    rows: usize,
    format: Format,
    is_bulk: bool,
    pending: Option<Pending>,
}

/// Lines of a bulk request that the server has neither taken nor refused.
struct Pending {
    rows: RecordBatch,
    /// Lines with the numbers of their rows.
    lines: Vec<(usize, Vec<u8>)>,
    /// Rows of which a line was refused.
    refused: BTreeSet<usize>,
    /// Reason for the first refusal.
    reason: String,
    /// Bytes on the wire.
    bytes: u64,
}

#[cfg_attr(
    not(feature = "http"),
    allow(unreachable_code, unused_variables, reason = "there is no client")
)]
fn receiver(setup: Setup, is_secure: bool) -> Result<Box<dyn Receiver>, DestinationError> {
    let mut path = setup.url.path.clone();
    if path.is_empty() {
        path.push('/');
    }
    if let Some(query) = &setup.url.query {
        path = format!("{path}?{query}");
    }
    let port = if is_secure { 443 } else { 80 };
    let client = Client::new(&setup, is_secure, port, &path)?;
    let client = client.with_header("content-type", "application/x-ndjson".to_owned());
    let client = match authorization(&setup.options, setup.url.user.as_deref()) {
        Some(value) => client.with_header("authorization", value),
        None => client,
    };
    Ok(Box::new(Server {
        client: if setup.options.flag(&GZIP)? { client } else { client.uncompressed() },
        rows: rows(&setup.options)?,
        format: setup.format.unwrap_or(Format::JSON_LINES),
        is_bulk: setup.options.flag(&BULK)?,
        pending: None,
    }))
}

/// Returns the most rows of a request.
pub(super) fn rows(options: &Options) -> Result<usize, DestinationError> {
    options.number(&ROWS, 1..=1_000_000, "a whole number from 1 to 1000000")
}

/// Returns the header for the secrets: a token, or a user with a password.
fn authorization(options: &Options, user: Option<&str>) -> Option<String> {
    if let Some(token) = options.secrets.value("token") {
        // Another scheme than Bearer, such as ApiKey, comes before a space.
        let is_whole = token.contains(' ');
        return Some(if is_whole { token.to_owned() } else { format!("Bearer {token}") });
    }
    let user = user.or_else(|| options.secrets.value("user"))?;
    let pair = format!("{user}:{}", options.secrets.value("password").unwrap_or_default());
    Some(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
}

impl Receiver for Server {
    /// Only connects, as any request may have an effect.
    fn connect(&mut self, _: &SchemaRef) -> Result<(), Failure> {
        self.client.probe()
    }

    fn send(&mut self, batch: &RecordBatch) -> Result<Sent, Failure> {
        if !self.is_bulk {
            let (_, bytes) = self.client.post("", &encode(self.format, batch)?, false)?;
            return Ok(Sent { bytes, rejected: None });
        }
        let same = self.pending.take().filter(|pending| pending.rows == *batch);
        let mut pending = match same {
            Some(pending) => pending,
            None => Pending::new(self.format, batch)?,
        };
        match self.send_lines(&mut pending) {
            Ok(()) => Ok(pending.sent()),
            Err(failure) => {
                self.pending = Some(pending);
                Err(failure)
            }
        }
    }

    fn close(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    fn most_rows(&self) -> usize {
        self.rows
    }
}

impl Server {
    /// Sends the lines; those that the server was too busy to take stay.
    ///
    /// # Errors
    ///
    /// [`Failure`] if there is no answer, or if any line stays.
    fn send_lines(&self, pending: &mut Pending) -> Result<(), Failure> {
        let lines: Vec<_> = pending.lines.iter().map(|(_, line)| line.as_slice()).collect();
        let (answer, bytes) = self.client.post("", &actions(&lines), true)?;
        pending.bytes += bytes;
        let mut again = Vec::new();
        let mut busy = String::new();
        for item in refused(&answer)? {
            let Some(line) = pending.lines.get_mut(item.place).map(std::mem::take) else {
                continue;
            };
            if item.may_pass {
                busy = item.reason;
                again.push(line);
            } else {
                if pending.refused.is_empty() {
                    pending.reason = item.reason;
                }
                pending.refused.insert(line.0);
            }
        }
        pending.lines = again;
        if pending.lines.is_empty() { Ok(()) } else { Err(Failure::temporary(busy)) }
    }
}

impl Pending {
    fn new(format: Format, batch: &RecordBatch) -> Result<Self, Failure> {
        let lines = lines(format, batch)?;
        let (refused, reason) = (BTreeSet::new(), String::new());
        Ok(Self { rows: batch.clone(), lines, refused, reason, bytes: 0 })
    }

    fn sent(self) -> Sent {
        let rows = u64::try_from(self.refused.len()).unwrap_or(u64::MAX);
        Sent { bytes: self.bytes, rejected: (rows > 0).then_some((rows, self.reason)) }
    }
}

/// Returns the body of a bulk request: before each row, the action to create it.
fn actions(lines: &[&[u8]]) -> Vec<u8> {
    let mut body = Vec::new();
    for line in lines {
        body.extend_from_slice(b"{\"create\":{}}\n");
        body.extend_from_slice(line);
        body.push(b'\n');
    }
    body
}

/// A row that was refused.
struct Refused {
    place: usize,
    reason: String,
    /// Whether the server may take it later.
    may_pass: bool,
}

/// Returns the rows that the answer to a bulk request refuses.
fn refused(answer: &str) -> Result<Vec<Refused>, Failure> {
    let unknown = || Failure::permanent("the answer is not one of a bulk interface");
    let answer: Json = serde_json::from_str(answer).map_err(|_| unknown())?;
    if answer.get("errors").and_then(Json::as_bool).ok_or_else(unknown)? {
        let items = answer.get("items").and_then(Json::as_array).ok_or_else(unknown)?;
        let refused = items.iter().enumerate().filter_map(|(place, item)| {
            let outcome = item.as_object()?.values().next()?;
            let status = outcome.get("status")?.as_u64()?;
            let error = outcome.get("error");
            let reason = error.and_then(|error| error.get("reason")).and_then(Json::as_str);
            (status >= 300).then(|| Refused {
                place,
                reason: format!("status {status}: {}", brief(reason.unwrap_or("no reason"))),
                may_pass: status == 429 || status >= 500,
            })
        });
        return Ok(refused.collect());
    }
    Ok(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bulk_answer_names_the_refused_rows() {
        let answer = r#"{"errors":true,"items":[{"create":{"status":201}},
            {"create":{"status":429,"error":{"reason":"busy"}}},
            {"create":{"status":400,"error":{"reason":"no such field"}}}]}"#;
        let items = refused(answer).unwrap();
        let items: Vec<_> = items.iter().map(|item| (item.place, item.may_pass)).collect();
        assert_eq!(items, [(1, true), (2, false)]);
        assert!(refused(r#"{"errors":false}"#).unwrap().is_empty());
        assert!(refused("<html>").is_err());
        assert!(refused("{}").is_err());
    }
}
