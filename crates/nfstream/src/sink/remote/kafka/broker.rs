//! Requests to one broker, in versions that Kafka has had since 2.5 and keeps in 4.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::codes;
use super::login::Login;
use super::records::Producer;
use super::wire::{Reader, Writer};
use crate::host::{Connection, brief, now};
use crate::sink::remote::receiver::{Failure, plain};
use crate::sink::remote::url::bracketed;

/// Most bytes of an answer.
const MOST_ANSWER: usize = 16 << 20;

/// A kind of request.
#[derive(Clone, Copy, Debug)]
struct Kind {
    key: i16,
    version: i16,
    /// Whether headers and structures end with tagged fields, of which these have none.
    is_tagged: bool,
}

const PRODUCE: Kind = Kind { key: 0, version: 7, is_tagged: false };
const METADATA: Kind = Kind { key: 3, version: 4, is_tagged: false };
const SASL_HANDSHAKE: Kind = Kind { key: 17, version: 1, is_tagged: false };
const CREATE_TOPICS: Kind = Kind { key: 19, version: 4, is_tagged: false };
const INIT_PRODUCER_ID: Kind = Kind { key: 22, version: 3, is_tagged: true };
const SASL_AUTHENTICATE: Kind = Kind { key: 36, version: 0, is_tagged: false };

/// Acknowledgement by all replicas in sync.
const ALL: i16 = -1;

/// Access to brokers.
#[derive(Debug)]
pub(super) struct Access {
    pub(super) timeout: Duration,
    pub(super) login: Option<Login>,
    /// Certificates for TLS, `None` without.
    #[cfg(feature = "http")]
    pub(super) trust: Option<crate::host::Trust>,
    #[cfg(not(feature = "http"))]
    pub(super) is_secure: bool,
}

/// Brokers of a cluster and the partitions of a topic.
#[derive(Debug)]
pub(super) struct Layout {
    /// Hosts and ports of brokers by their numbers.
    pub(super) addresses: BTreeMap<i32, (String, u16)>,
    pub(super) controller: i32,
    /// Code of the topic's error, 0 for none.
    pub(super) error: i16,
    /// Partitions with the numbers of their leaders, negative without one.
    pub(super) leaders: BTreeMap<i32, i32>,
}

/// Connection to one broker.
pub(super) struct Broker {
    connection: Connection,
    name: String,
    timeout: Duration,
    /// Number of the last request.
    number: i32,
}

impl Access {
    /// Connects to a broker and logs in.
    pub(super) fn open(&self, host: &str, port: u16) -> Result<Broker, Failure> {
        let name = format!("{}:{port}", bracketed(host));
        let connection = self.connect(host, port).map_err(|error| named(&name, error))?;
        let mut broker = Broker { connection, name, timeout: self.timeout, number: 0 };
        if let Some(login) = &self.login {
            broker.log_in(login)?;
        }
        Ok(broker)
    }

    #[cfg(feature = "http")]
    fn connect(&self, host: &str, port: u16) -> io::Result<Connection> {
        match &self.trust {
            Some(trust) => Connection::tls(host, port, self.timeout, trust),
            None => Connection::tcp(host, port, self.timeout),
        }
    }

    #[cfg(not(feature = "http"))]
    fn connect(&self, host: &str, port: u16) -> io::Result<Connection> {
        if self.is_secure {
            return Err(io::ErrorKind::Unsupported.into());
        }
        Connection::tcp(host, port, self.timeout)
    }
}

impl Broker {
    /// Returns the brokers of the cluster and the partitions of a topic.
    pub(super) fn layout(&mut self, topic: &str) -> Result<Layout, Failure> {
        let mut request = Writer::default();
        request.count(1);
        request.text(Some(topic));
        // The broker does not create the topic by itself.
        request.i8(0);
        let answer = self.request(METADATA, &request)?;
        self.parsed(&answer, |answer| {
            answer.i32()?;
            let brokers = answer.list(|answer| {
                let (id, host, port) = (answer.i32()?, answer.text()?, answer.i32()?);
                answer.text()?;
                Some((id, (host, u16::try_from(port).ok()?)))
            })?;
            answer.text()?;
            let controller = answer.i32()?;
            let topics = answer.list(|answer| {
                let error = answer.i16()?;
                answer.text()?;
                answer.i8()?;
                let leaders = answer.list(|answer| {
                    answer.i16()?;
                    let (partition, leader) = (answer.i32()?, answer.i32()?);
                    answer.list(Reader::i32)?;
                    answer.list(Reader::i32)?;
                    Some((partition, leader))
                })?;
                Some((error, leaders))
            })?;
            let (error, leaders) = topics.into_iter().next()?;
            let addresses = brokers.into_iter().collect();
            Some(Layout { addresses, controller, error, leaders: leaders.into_iter().collect() })
        })
    }

    /// Creates a topic with the broker's defaults.
    pub(super) fn create_topic(&mut self, name: &str) -> Result<(), Failure> {
        let mut request = Writer::default();
        request.count(1);
        request.text(Some(name));
        // Partitions and replicas.
        request.i32(-1);
        request.i16(-1);
        request.count(0);
        request.count(0);
        request.i32(self.timeout_ms());
        request.i8(0);
        let answer = self.request(CREATE_TOPICS, &request)?;
        let code = self.parsed(&answer, |answer| {
            answer.i32()?;
            let codes = answer.list(|answer| {
                answer.text()?;
                let code = answer.i16()?;
                answer.text()?;
                Some(code)
            })?;
            codes.first().copied()
        })?;
        codes::check(code)
    }

    /// Returns numbers for a producer.
    pub(super) fn new_producer(&mut self) -> Result<Producer, Failure> {
        let mut request = Writer::default();
        // Without a transaction, and without earlier numbers.
        request.i8(0);
        request.i32(self.timeout_ms());
        request.i64(-1);
        request.i16(-1);
        request.i8(0);
        let answer = self.request(INIT_PRODUCER_ID, &request)?;
        let (code, producer) = self.parsed(&answer, |answer| {
            // Tagged fields of the header, and a time to wait.
            answer.i8()?;
            answer.i32()?;
            let code = answer.i16()?;
            Some((code, Producer { id: answer.i64()?, epoch: answer.i16()? }))
        })?;
        codes::check(code).map(|()| producer)
    }

    /// Sends a batch to each of some partitions, and returns the code of each.
    pub(super) fn produce(
        &mut self,
        topic: &str,
        batches: &[(i32, Vec<u8>)],
    ) -> Result<Vec<(i32, i16)>, Failure> {
        let mut request = Writer::default();
        request.text(None);
        request.i16(ALL);
        request.i32(self.timeout_ms());
        request.count(1);
        request.text(Some(topic));
        request.count(batches.len());
        for (partition, batch) in batches {
            request.i32(*partition);
            request.bytes(batch);
        }
        let answer = self.request(PRODUCE, &request)?;
        let topics = self.parsed(&answer, |answer| {
            answer.list(|answer| {
                answer.text()?;
                answer.list(|answer| {
                    let (partition, code) = (answer.i32()?, answer.i16()?);
                    let (_offset, _time) = (answer.i64()?, answer.i64()?);
                    let _first_offset_of_log = answer.i64()?;
                    Some((partition, code))
                })
            })
        })?;
        Ok(topics.into_iter().flatten().collect())
    }

    fn log_in(&mut self, login: &Login) -> Result<(), Failure> {
        let mut request = Writer::default();
        request.text(Some(login.mechanism.name()));
        let answer = self.request(SASL_HANDSHAKE, &request)?;
        let (code, known) =
            self.parsed(&answer, |answer| Some((answer.i16()?, answer.list(Reader::text)?)))?;
        if let Err(failure) = codes::check(code) {
            let known = brief(&known.join(", "));
            let text = format!("{}: {}; it supports {known}", self.name, failure.source);
            return Err(Failure { source: text.into(), ..failure });
        }
        let mut random = [0; 18];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        login.run(&BASE64.encode(random), |message| {
            let mut request = Writer::default();
            request.bytes(message);
            let answer = self.request(SASL_AUTHENTICATE, &request)?;
            let (code, bytes) = self.parsed(&answer, |answer| {
                let code = answer.i16()?;
                answer.text()?;
                Some((code, answer.bytes()?.to_vec()))
            })?;
            codes::check(code).map(|()| bytes)
        })
    }

    /// Sends a request and returns the answer without its number.
    fn request(&mut self, kind: Kind, body: &Writer) -> Result<Vec<u8>, Failure> {
        self.number = self.number.wrapping_add(1);
        let mut header = Writer::default();
        header.i16(kind.key);
        header.i16(kind.version);
        header.i32(self.number);
        header.text(Some("nfstream"));
        if kind.is_tagged {
            header.i8(0);
        }
        let mut message = Writer::default();
        message.count(header.0.len() + body.0.len());
        message.0.extend(header.0);
        message.0.extend(&body.0);
        let (connection, number) = (&mut self.connection, self.number);
        let mut exchange = || {
            connection.send(&message.0)?;
            let mut len = [0; 4];
            connection.receive(&mut len)?;
            let len = usize::try_from(i32::from_be_bytes(len)).unwrap_or(usize::MAX);
            if len > MOST_ANSWER {
                return Err(invalid());
            }
            let mut answer = vec![0; len];
            connection.receive(&mut answer)?;
            let Some((first, rest)) = answer.split_first_chunk() else { return Err(invalid()) };
            if i32::from_be_bytes(*first) == number { Ok(rest.to_vec()) } else { Err(invalid()) }
        };
        exchange().map_err(|error| match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof if number == 1 => {
                let text = "closed the connection; it may require TLS or a login";
                Failure::temporary(format!("{} {text}", self.name))
            }
            _ => named(&self.name, error),
        })
    }

    fn parsed<T>(
        &self,
        answer: &[u8],
        parse: impl FnOnce(&mut Reader<'_>) -> Option<T>,
    ) -> Result<T, Failure> {
        parse(&mut Reader(answer)).ok_or_else(|| named(&self.name, invalid()))
    }

    fn timeout_ms(&self) -> i32 {
        i32::try_from(self.timeout.as_millis()).unwrap_or(i32::MAX)
    }
}

/// Returns the current time in milliseconds, which brokers compare with the age of messages that
/// they delete.
pub(super) fn milliseconds() -> i64 {
    now().nanos().div_euclid(1_000_000)
}

fn invalid() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the answer is not one of Kafka's protocol")
}

fn named(name: &str, error: io::Error) -> Failure {
    Failure::temporary(format!("{name}: {}", plain(&error)))
}
