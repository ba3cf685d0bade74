//! IPFIX to a collector (RFC 7011): over UDP, TCP and TLS.

use std::io;
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::options::{CA, CERTIFICATE, KEY, OptionHelp};
use super::receiver::{Failure, Receiver, Sent};
use super::{Contents, DestinationError, Scheme, Setup};
use crate::host::{Connection, monotonic, now, sleep};
use crate::sink::ipfix::{Choices, Messages};

pub(super) const SCHEMES: &[Scheme] = &[
    Scheme {
        name: "ipfix",
        description: "IPFIX over UDP, to a flow collector",
        example: "ipfix://collector.example:4739",
        options: &[DOMAIN, BIFLOW, ENTERPRISE, INGRESS, EGRESS, TEMPLATES, RATE],
        contents: Contents::Ipfix,
        missing: None,
        receiver: |setup| receiver(setup, Transport::Udp),
    },
    Scheme {
        name: "ipfix+tcp",
        description: "IPFIX over TCP",
        example: "ipfix+tcp://collector.example:4739",
        options: &[DOMAIN, BIFLOW, ENTERPRISE, INGRESS, EGRESS],
        contents: Contents::Ipfix,
        missing: None,
        receiver: |setup| receiver(setup, Transport::Tcp),
    },
    Scheme {
        name: "ipfix+tls",
        description: "IPFIX over TLS",
        example: "ipfix+tls://collector.example:4740",
        options: &[DOMAIN, BIFLOW, ENTERPRISE, INGRESS, EGRESS, CA, CERTIFICATE, KEY],
        contents: Contents::Ipfix,
        missing: if cfg!(feature = "http") { None } else { Some("http") },
        receiver: |setup| receiver(setup, Transport::Tls),
    },
];

const DOMAIN: OptionHelp =
    OptionHelp { name: "domain", default: "0", description: "number of the observation domain" };

const BIFLOW: OptionHelp = OptionHelp {
    name: "biflow",
    default: "no",
    description: "yes for one record a flow with counts of both directions (RFC 5103), instead of \
                  one for each direction",
};

const ENTERPRISE: OptionHelp = OptionHelp {
    name: "enterprise",
    default: "",
    description: "private enterprise number under which further columns are sent",
};

const INGRESS: OptionHelp = OptionHelp {
    name: "ingress",
    default: "0",
    description: "index of the interface through which packets from the source arrive; 0 if unknown",
};

const EGRESS: OptionHelp = OptionHelp {
    name: "egress",
    default: "0",
    description: "index of the interface through which they leave; 0 if unknown",
};

const TEMPLATES: OptionHelp = OptionHelp {
    name: "templates_s",
    default: "60",
    description: "seconds after which templates are sent again",
};

const RATE: OptionHelp = OptionHelp {
    name: "records_per_s",
    default: "50000",
    description: "most records a second, as a collector loses datagrams that come too fast; 0 for \
                  no limit",
};

/// Most bytes of a datagram, which fits the common MTU of 1,500.
const DATAGRAM: usize = 1_400;

/// Most bytes of a message in a stream.
const MESSAGE: usize = 16_384;

/// Records after which the rate is checked.
const STEP: u64 = 250;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Transport {
    Udp,
    Tcp,
    Tls,
}

/// A collector.
struct Collector {
    transport: Transport,
    host: String,
    port: u16,
    timeout: Duration,
    choices: Choices,
    /// Time between two transmissions of the templates.
    refresh: Duration,
    /// Most records a second, 0 for no limit.
    rate: u64,
    #[cfg(feature = "http")]
    trust: crate::host::Trust,
    session: Option<Session>,
}

/// A transport session.
struct Session {
    connection: Connection,
    messages: Messages,
    templates_sent: Instant,
    pace: Pace,
}

/// Limit of a rate.
struct Pace {
    rate: u64,
    start: Instant,
    records: u64,
}

fn receiver(setup: Setup, transport: Transport) -> Result<Box<dyn Receiver>, DestinationError> {
    setup.without_query()?;
    setup.without_path()?;
    let (host, port) = setup.host(if transport == Transport::Tls { 4740 } else { 4739 })?;
    let options = &setup.options;
    let whole = "a whole number from 0 to 4294967295";
    let enterprise = match options.value(ENTERPRISE.name) {
        Some(_) => {
            let expected = "a whole number from 1 to 4294967295";
            Some(options.number(&ENTERPRISE, 1..=u32::MAX, expected)?)
        }
        None => None,
    };
    let choices = Choices {
        is_biflow: options.flag(&BIFLOW)?,
        domain: options.number(&DOMAIN, 0..=u32::MAX, whole)?,
        ingress: options.number(&INGRESS, 0..=u32::MAX, whole)?,
        egress: options.number(&EGRESS, 0..=u32::MAX, whole)?,
        enterprise,
    };
    Ok(Box::new(Collector {
        transport,
        host,
        port,
        timeout: options.timeout()?,
        choices,
        refresh: options.seconds(&TEMPLATES)?,
        rate: options.number(&RATE, 0..=u64::MAX, "a whole number")?,
        #[cfg(feature = "http")]
        trust: options.trust()?,
        session: None,
    }))
}

impl Collector {
    fn open(&self) -> io::Result<Connection> {
        match self.transport {
            Transport::Udp => Connection::udp(&self.host, self.port),
            Transport::Tcp => Connection::tcp(&self.host, self.port, self.timeout),
            #[cfg(feature = "http")]
            Transport::Tls => Connection::tls(&self.host, self.port, self.timeout, &self.trust),
            #[cfg(not(feature = "http"))]
            Transport::Tls => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

impl Receiver for Collector {
    fn connect(&mut self, schema: &SchemaRef) -> Result<(), Failure> {
        self.session = None;
        let most = if self.transport == Transport::Udp { DATAGRAM } else { MESSAGE };
        let mut connection = self.open()?;
        let mut messages = Messages::new(schema, self.choices, most);
        messages.write_templates(seconds(), &mut |message| connection.send(message))?;
        let rate = if self.transport == Transport::Udp { self.rate } else { 0 };
        let pace = Pace { rate, start: monotonic(), records: 0 };
        self.session = Some(Session { connection, messages, templates_sent: monotonic(), pace });
        Ok(())
    }

    fn send(&mut self, batch: &RecordBatch) -> Result<Sent, Failure> {
        let Some(Session { connection, messages, templates_sent, pace }) = &mut self.session else {
            return Err(io::Error::from(io::ErrorKind::NotConnected).into());
        };
        let mut bytes = 0;
        let mut emit = |message: &[u8]| {
            bytes += message.len();
            connection.send(message)
        };
        // A stream keeps its templates as long as it lasts.
        let is_due = monotonic().duration_since(*templates_sent) >= self.refresh;
        if self.transport == Transport::Udp && is_due {
            messages.write_templates(seconds(), &mut emit)?;
            *templates_sent = monotonic();
        }
        let records = messages.write(batch, seconds(), &mut emit).map_err(unsent)?;
        messages.end_message(seconds(), &mut emit).map_err(unsent)?;
        pace.wait(records);
        Ok(Sent { bytes: bytes.try_into().unwrap_or(u64::MAX), rejected: None })
    }

    fn close(&mut self) -> Result<(), Failure> {
        match self.session.take() {
            Some(session) => Ok(session.connection.close()?),
            None => Ok(()),
        }
    }

    fn most_rows(&self) -> usize {
        STEP.try_into().unwrap_or(usize::MAX)
    }

    fn numbers_columns(&self) -> bool {
        self.choices.enterprise.is_some()
    }
}

impl Pace {
    /// Waits until the records so far take no more than their share of a second.
    fn wait(&mut self, records: u64) {
        self.records += records;
        let Some(due) = self.records.saturating_mul(1_000_000).checked_div(self.rate) else {
            return;
        };
        let elapsed = monotonic().duration_since(self.start);
        let due = Duration::from_micros(due);
        if let Some(rest) = due.checked_sub(elapsed) {
            sleep(rest);
        } else if elapsed > due + Duration::from_secs(1) {
            // A silent period does not permit a burst.
            (self.start, self.records) = (monotonic(), 0);
        }
    }
}

/// Returns the failure of a batch. A record that is too long stays too long.
fn unsent(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::InvalidData => Failure::permanent(error),
        _ => error.into(),
    }
}

/// Returns the current time in seconds, as in a message's header.
fn seconds() -> u32 {
    u32::try_from(now().nanos().div_euclid(1_000_000_000)).unwrap_or_default()
}
