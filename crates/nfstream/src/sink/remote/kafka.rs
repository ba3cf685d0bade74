//! Messages to a topic of Apache Kafka, and of other brokers with its protocol.
//!
//! The producer is idempotent: a batch that is sent again after a failure has the same numbers, by
//! which the broker recognizes it.

mod broker;
mod codes;
mod login;
mod messages;
mod records;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::http::{GZIP, ROWS, rows};
use super::options::{CA, CERTIFICATE, KEY, OptionHelp};
use super::receiver::{Failure, Receiver, Sent};
use super::{Contents, DestinationError, Scheme, Setup};
use crate::host::sleep;
use crate::sink::Format;
use broker::{Access, Broker, Layout};
use login::{Login, Mechanism};
use messages::messages;
use records::{Message, Producer, Records, partition_of};

pub(super) const SCHEMES: &[Scheme] = &[
    Scheme {
        name: "kafka",
        description: "Messages to a topic of Kafka, with a flow each",
        example: "kafka://broker-1.example:9092,broker-2.example:9092/flows",
        options: &[ROWS, GZIP, CREATE, SASL],
        contents: Contents::Formats(FORMATS),
        missing: None,
        receiver: |setup| receiver(setup, false),
    },
    Scheme {
        name: "kafka+tls",
        description: "Messages to a topic of Kafka over TLS",
        example: "kafka+tls://ada@broker-1.example:9093/flows#sasl=scram-sha-512",
        options: &[ROWS, GZIP, CREATE, SASL, CA, CERTIFICATE, KEY],
        contents: Contents::Formats(FORMATS),
        missing: super::http::MISSING,
        receiver: |setup| receiver(setup, true),
    },
];

const FORMATS: &[Format] =
    &[Format::JSON_LINES, Format::ECS, Format::EVE, Format::ZEEK_JSON, Format::ARROW_STREAM];

const CREATE: OptionHelp = OptionHelp {
    name: "create",
    default: "no",
    description: "yes to create the topic, with the broker's defaults, if it does not exist",
};

const SASL: OptionHelp = OptionHelp {
    name: "sasl",
    default: "",
    description: "SASL mechanism for user and password: plain, scram-sha-256 or scram-sha-512",
};

/// Port of brokers.
const PORT: u16 = 9092;

/// Bytes of a batch before compression, well below the least limit of brokers, 1 MB.
const MOST_BYTES: usize = 512 << 10;

/// Attempts to find the leaders of a new topic, and the pause between them.
const ATTEMPTS: u32 = 30;
const PAUSE: Duration = Duration::from_millis(100);

/// A topic and the brokers that lead its partitions.
struct Topic {
    name: String,
    hosts: Vec<(String, u16)>,
    access: Access,
    creates: bool,
    format: Format,
    rows: usize,
    compresses: bool,
    /// Partitions with the numbers of their leaders.
    leaders: BTreeMap<i32, i32>,
    brokers: BTreeMap<i32, Broker>,
    producer: Option<Producer>,
    /// Number of the next record in each partition.
    sequences: BTreeMap<i32, i32>,
    /// Place of the next message without a key.
    turn: usize,
    pending: Option<Pending>,
}

/// Rows that are being sent.
struct Pending {
    rows: RecordBatch,
    /// Batches that the brokers have neither taken nor refused.
    left: Vec<Records>,
    /// Places of rows of which a record was refused.
    refused: BTreeSet<usize>,
    /// Reason for the first refusal.
    reason: String,
    bytes: u64,
}

fn receiver(setup: Setup, is_secure: bool) -> Result<Box<dyn Receiver>, DestinationError> {
    setup.without_query()?;
    let hosts = setup.url.hosts.iter().cloned();
    let hosts: Vec<_> = hosts.map(|(host, port)| (host, port.unwrap_or(PORT))).collect();
    if hosts.is_empty() {
        return Err(setup.part("it needs a broker"));
    }
    let name = super::url::decode(&setup.url.path)?;
    let name = name.trim_matches('/');
    let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if name.is_empty() || name.len() > 249 || !name.bytes().all(is_valid) {
        return Err(
            setup.part("it needs a topic, of letters, digits, dots, hyphens and underscores")
        );
    }
    let options = &setup.options;
    Ok(Box::new(Topic {
        access: Access {
            timeout: options.timeout()?,
            login: login(&setup)?,
            #[cfg(feature = "http")]
            trust: if is_secure { Some(options.trust()?) } else { None },
            #[cfg(not(feature = "http"))]
            is_secure,
        },
        name: name.to_owned(),
        hosts,
        creates: options.flag(&CREATE)?,
        format: setup.format.unwrap_or(Format::JSON_LINES),
        rows: rows(options)?,
        compresses: options.flag(&GZIP)?,
        leaders: BTreeMap::new(),
        brokers: BTreeMap::new(),
        producer: None,
        sequences: BTreeMap::new(),
        turn: 0,
        pending: None,
    }))
}

fn login(setup: &Setup) -> Result<Option<Login>, DestinationError> {
    let user = setup.url.user.as_deref();
    let Some(name) = setup.options.value(SASL.name) else {
        return match user {
            Some(_) => Err(setup.part("a user needs the option sasl")),
            None => Ok(None),
        };
    };
    let mechanism = Mechanism::by_name(name).ok_or_else(|| {
        setup.options.invalid(&SASL, name, "plain, scram-sha-256 or scram-sha-512")
    })?;
    let secret = |name| setup.options.secrets.value(name);
    let user = user.or_else(|| secret("user"));
    let user = user.ok_or_else(|| setup.part("sasl needs a user, before @ or in NFSTREAM_USER"))?;
    let password = secret("password");
    let password =
        password.ok_or_else(|| setup.part("sasl needs a password, in NFSTREAM_PASSWORD"))?;
    Ok(Some(Login { mechanism, user: user.to_owned(), password: password.to_owned() }))
}

impl Topic {
    /// Returns the brokers and the topic's partitions, from the first broker that answers.
    fn layout(&self) -> Result<Layout, Failure> {
        let mut failure = Failure::temporary("no broker was named");
        for (host, port) in &self.hosts {
            let opened = self.access.open(host, *port);
            match opened.and_then(|mut broker| self.layout_from(&mut broker)) {
                Ok(layout) => return Ok(layout),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn layout_from(&self, broker: &mut Broker) -> Result<Layout, Failure> {
        let mut layout = broker.layout(&self.name)?;
        if layout.error == codes::UNKNOWN_TOPIC && self.creates {
            let controller = layout.addresses.get(&layout.controller);
            let (host, port) = controller.ok_or_else(|| Failure::temporary("no controller"))?;
            self.access.open(host, *port)?.create_topic(&self.name)?;
            layout = broker.layout(&self.name)?;
        }
        for _ in 0..ATTEMPTS {
            let is_led = layout.leaders.values().all(|leader| *leader >= 0);
            if layout.error == 0 && is_led && !layout.leaders.is_empty() {
                return Ok(layout);
            }
            if layout.error == codes::UNKNOWN_TOPIC && !self.creates {
                let advice = "create it, or use #create=yes";
                let text = format!("the brokers have no topic {}; {advice}", self.name);
                return Err(Failure::permanent(text));
            }
            sleep(PAUSE);
            layout = broker.layout(&self.name)?;
        }
        codes::check(layout.error)?;
        Err(Failure::temporary("a partition has no leader"))
    }

    /// Returns the numbers of this producer, new ones if it has none.
    fn producer(&mut self) -> Result<Producer, Failure> {
        if let Some(producer) = self.producer {
            return Ok(producer);
        }
        let broker = self.brokers.values_mut().next();
        let broker = broker.ok_or_else(|| Failure::temporary("no broker is connected"))?;
        self.sequences.clear();
        Ok(*self.producer.insert(broker.new_producer()?))
    }

    /// Encodes rows as batches for the partitions.
    fn batches(&mut self, rows: &RecordBatch) -> Result<Vec<Records>, Failure> {
        let partitions: Vec<_> = self.leaders.keys().copied().collect();
        let mut open: BTreeMap<i32, (Vec<Message>, usize)> = BTreeMap::new();
        let mut batches = Vec::new();
        for message in messages(self.format, rows, MOST_BYTES)? {
            let place = match &message.key {
                Some(key) => partition_of(key, partitions.len()),
                None => self.turn.checked_rem(partitions.len()).unwrap_or_default(),
            };
            self.turn = self.turn.wrapping_add(1);
            let partition = partitions.get(place).copied().unwrap_or_default();
            let (waiting, bytes) = open.entry(partition).or_default();
            if *bytes > 0 && *bytes + message.value.len() > MOST_BYTES {
                batches.push(Records::new(partition, waiting, self.compresses)?);
                waiting.clear();
                *bytes = 0;
            }
            *bytes += message.value.len();
            waiting.push(message);
        }
        for (partition, (waiting, _)) in open {
            batches.push(Records::new(partition, &waiting, self.compresses)?);
        }
        Ok(batches)
    }

    /// Sends one batch to each partition for which some are left, and removes those that the
    /// brokers take or refuse.
    fn send_round(&mut self, pending: &mut Pending) -> Result<(), Failure> {
        let producer = self.producer()?;
        let mut seen = BTreeSet::new();
        let mut of_leader: BTreeMap<i32, Vec<&Records>> = BTreeMap::new();
        for records in pending.left.iter().filter(|records| seen.insert(records.partition)) {
            let leader = self.leaders.get(&records.partition).copied().unwrap_or(-1);
            of_leader.entry(leader).or_default().push(records);
        }
        let mut taken = BTreeSet::new();
        let mut refused = BTreeMap::new();
        let mut outcome = Ok(());
        for (leader, batches) in of_leader {
            let Some(broker) = self.brokers.get_mut(&leader) else {
                outcome = Err(Failure::temporary("a partition has no leader"));
                continue;
            };
            let sequence = |partition| self.sequences.get(&partition).copied().unwrap_or_default();
            let encoded = batches.iter().map(|records| {
                let sequence = sequence(records.partition);
                (records.partition, records.batch(producer, sequence, broker::milliseconds()))
            });
            let encoded: Vec<_> = encoded.collect();
            let sizes = encoded.iter().map(|(_, batch)| batch.len()).sum::<usize>();
            match broker.produce(&self.name, &encoded) {
                Ok(codes) => {
                    pending.bytes += u64::try_from(sizes).unwrap_or(u64::MAX);
                    let is_sent = |(partition, _): &(i32, _)| {
                        encoded.iter().any(|(sent, _)| sent == partition)
                    };
                    for (partition, code) in codes.into_iter().filter(is_sent) {
                        if codes::is_lost_producer(code) {
                            self.producer = None;
                        }
                        match codes::check(code) {
                            Ok(()) => drop(taken.insert(partition)),
                            Err(failure) if failure.is_permanent => {
                                refused.insert(partition, failure.source.to_string());
                            }
                            Err(failure) => outcome = Err(failure),
                        }
                    }
                }
                Err(failure) => outcome = Err(failure),
            }
        }
        pending.left.retain(|records| {
            if taken.remove(&records.partition) {
                let next = self.sequences.entry(records.partition).or_default();
                // After the greatest number comes 0.
                *next = next.wrapping_add(records.count) & i32::MAX;
                return false;
            }
            // The next batch of the partition reuses the numbers of a refused one.
            let Some(reason) = refused.remove(&records.partition) else { return true };
            if pending.refused.is_empty() {
                pending.reason = reason;
            }
            pending.refused.extend(records.rows.iter().cloned().flatten());
            false
        });
        outcome
    }
}

impl Receiver for Topic {
    fn connect(&mut self, _: &SchemaRef) -> Result<(), Failure> {
        self.brokers.clear();
        let found = self.layout().and_then(|layout| {
            let leaders: BTreeSet<_> = layout.leaders.values().copied().collect();
            for leader in leaders {
                let address = layout.addresses.get(&leader);
                let (host, port) = address.ok_or_else(|| Failure::temporary("no leader"))?;
                self.brokers.insert(leader, self.access.open(host, *port)?);
            }
            self.leaders = layout.leaders;
            self.producer().map(drop)
        });
        // A cluster that starts again may not know its topics yet.
        let was_connected = self.producer.is_some();
        found.map_err(|failure| Failure {
            is_permanent: failure.is_permanent && !was_connected,
            ..failure
        })
    }

    fn send(&mut self, batch: &RecordBatch) -> Result<Sent, Failure> {
        let same = self.pending.take();
        let is_given_up = same.as_ref().is_some_and(|pending| pending.rows != *batch);
        let mut pending = match same.filter(|_| !is_given_up) {
            Some(pending) => pending,
            None => {
                if is_given_up {
                    // A broker refuses numbers after a gap.
                    self.producer = None;
                }
                Pending::new(batch, self.batches(batch)?)
            }
        };
        while !pending.left.is_empty() {
            let before = pending.left.len();
            let outcome = self.send_round(&mut pending).and_then(|()| {
                let is_progress = pending.left.len() < before;
                is_progress
                    .then_some(())
                    .ok_or_else(|| Failure::temporary("no batch was confirmed"))
            });
            if let Err(failure) = outcome {
                self.pending = Some(pending);
                return Err(failure);
            }
        }
        pending.outcome()
    }

    /// Closes the connections: the brokers have confirmed every batch.
    fn close(&mut self) -> Result<(), Failure> {
        self.brokers.clear();
        Ok(())
    }

    fn most_rows(&self) -> usize {
        self.rows
    }
}

impl Pending {
    fn new(rows: &RecordBatch, left: Vec<Records>) -> Self {
        let (refused, reason) = (BTreeSet::new(), String::new());
        Self { rows: rows.clone(), left, refused, reason, bytes: 0 }
    }

    /// Returns the outcome once no batch is left.
    ///
    /// # Errors
    ///
    /// A permanent [`Failure`] if the brokers refused every row.
    fn outcome(self) -> Result<Sent, Failure> {
        let Self { rows, refused, reason, bytes, .. } = self;
        match refused.len() {
            0 => Ok(Sent { bytes, rejected: None }),
            all if all == rows.num_rows() => Err(Failure::permanent(reason)),
            some => {
                let some = u64::try_from(some).unwrap_or(u64::MAX);
                Ok(Sent { bytes, rejected: Some((some, reason)) })
            }
        }
    }
}
