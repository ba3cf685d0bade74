//! A report on the flows of a run: one HTML page that works offline.
//!
//! [`Report`] takes records and keeps totals and a sample in bounded memory. [`Report::write`]
//! writes the page: the totals and the sample as JSON, and the program in `page/` that shows them.
//! [`Ranking`] adds up amounts by key, here, in `nfstream summary` and in `nfstream top`.

mod ciphers;
mod data;
mod page;
mod quality;
mod ranking;
mod sample;
mod security;
mod text;
mod timeline;
mod values;

use std::net::IpAddr;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::features::{Group, Record, RecordPool, Schema};
use crate::packet::protocol;
use crate::pipeline::Stats;
use crate::time::Timestamp;

use quality::Quality;
use sample::Sample;
use security::Security;
use timeline::{Key, Timeline};
use values::Values;

pub use ranking::{By, Count, Ranked, Ranking};

/// Number of paths (client, application, server) that are counted exactly.
const PATHS: usize = 50_000;
/// Number of failed names that are counted exactly.
const NAMES: usize = 5_000;
/// More than the number of applications and categories.
const NUMBERS: usize = 1 << 25;
/// The port of DNS.
const DNS_PORT: u16 = 53;

/// Totals and a sample of the flows of a run.
#[derive(Debug)]
pub struct Report {
    schema: Arc<Schema>,
    total: Count,
    /// Times of the first and the last packet.
    span: Option<(Timestamp, Timestamp)>,
    timeline: Timeline,
    applications: Ranking<Key>,
    categories: Ranking<u16>,
    /// By client, application and server.
    paths: Ranking<(IpAddr, Key, String)>,
    values: Vec<Values>,
    security: Security,
    quality: Quality,
    /// Names that DNS could not resolve, with the code of the response; -1 without a response.
    failed_names: Ranking<(String, i16)>,
    /// Flows with each risk.
    risks: Ranking<String>,
    sample: Sample,
}

/// Facts about a run that are not in its flows.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Title of the page.
    pub title: String,
    /// Captures or interfaces.
    pub captures: Vec<String>,
    /// Bytes of the captures, `None` if unknown.
    pub capture_bytes: Option<u64>,
    /// Condition that selects the flows, `None` for all flows.
    pub condition: Option<String>,
    /// Parameters of the run by name.
    pub parameters: Map<String, Json>,
    /// Names of parameters that differ from their defaults.
    pub changed: Vec<String>,
    /// Counts of the run.
    pub stats: Stats,
    /// Warnings of the run.
    pub warnings: Vec<String>,
}

impl Report {
    /// Default number of flows that the page shows individually.
    pub const FLOWS: usize = 5_000;
    /// Maximum number of flows that a page can show individually; browsers need several kilobytes
    /// for each.
    pub const MOST_FLOWS: usize = 200_000;

    /// Returns the groups of columns that a report shows, in addition to those that a table always
    /// has; without dissection, only those that do not need it.
    pub fn groups(dissects: bool) -> impl Iterator<Item = Group> {
        let groups = [
            Group::Mac,
            Group::Tunnel,
            Group::Network,
            Group::Splt,
            Group::Dissection,
            Group::EndReason,
            Group::Payload,
            Group::TcpQuality,
            Group::Tls,
            Group::Quic,
            Group::Dns,
            Group::Http,
            Group::Ssh,
            Group::Dhcp,
        ];
        groups.into_iter().filter(move |group| dissects || !group.needs_inspection())
    }

    /// Returns a report without flows; the page shows the `flows` largest ones individually.
    pub fn new(schema: &Arc<Schema>, flows: usize) -> Self {
        Self {
            schema: Arc::clone(schema),
            total: Count::default(),
            span: None,
            timeline: Timeline::new(),
            applications: Ranking::new(By::Bytes, NUMBERS),
            categories: Ranking::new(By::Bytes, NUMBERS),
            paths: Ranking::new(By::Bytes, PATHS),
            values: schema.columns().iter().filter_map(|column| Values::new(column)).collect(),
            security: Security::new(),
            quality: Quality::new(schema),
            failed_names: Ranking::new(By::Flows, NAMES),
            risks: Ranking::new(By::Flows, NAMES),
            sample: Sample::new(schema, flows.min(Self::MOST_FLOWS)),
        }
    }

    /// Adds flows. Records that are not kept return to `pool`, as do early records and updates, which
    /// do not count: the final record of their flow follows.
    pub fn add(&mut self, records: Vec<Record>, pool: &RecordPool) {
        let mut spare = Vec::new();
        for record in records {
            if record.kind.is_counted() {
                self.count(&record);
                spare.extend(self.sample.offer(record));
            } else {
                spare.push(record);
            }
        }
        pool.put_back(spare);
    }

    fn count(&mut self, record: &Record) {
        let flow = &record.flow;
        let count = Count::of(record);
        self.total += count;
        let (first, last) = self.span.unwrap_or((flow.first_seen, flow.last_seen));
        self.span = Some((first.min(flow.first_seen), last.max(flow.last_seen)));

        let label = record.application.label;
        let key = (label.master_protocol, label.app_protocol);
        self.timeline.add(key, flow.first_seen, flow.last_seen, count.bytes);
        self.applications.add(key, count);
        self.categories.add(label.category, count);
        let (src, dst) = (flow.key.end(flow.src), flow.key.end(flow.src.other()));
        let server = match name_of_server(record) {
            Some(name) => text::shown(name).into_owned(),
            None => dst.ip(flow.key.version).to_string(),
        };
        let names = self.schema.names();
        self.security.add(record, names, &server, count);
        self.paths.add((src.ip(flow.key.version), key, server), count);
        if flow.key.protocol == protocol::TCP {
            self.quality.add(record);
        }
        let dns =
            record.application.metadata.as_deref().and_then(|metadata| metadata.dns.as_deref());
        let dns = dns.filter(|dns| !dns.query_name.is_empty());
        let failed = dns.and_then(|dns| match dns.response_code {
            Some(0) => None,
            Some(code) => Some((&dns.query_name, i16::from(code))),
            // In multicast DNS, names without an answer are common.
            None => (dst.port == DNS_PORT).then_some((&dns.query_name, -1)),
        });
        if let Some((name, code)) = failed {
            self.failed_names.add((text::shown(name).into_owned(), code), count);
        }
        let risks = record.application.metadata.as_deref().map_or("", |metadata| &*metadata.risks);
        for risk in risks.split(',').map(str::trim).filter(|risk| !risk.is_empty()) {
            let risk = text::shown(risk);
            self.risks.add_with(&*risk, || risk.clone().into_owned(), count);
        }
        for values in &mut self.values {
            values.add(record, self.schema.names(), count);
        }
    }
}

/// Returns the name by which the client knows the server, `None` if it is unknown.
fn name_of_server(record: &Record) -> Option<&str> {
    let application = &record.application;
    let metadata = application.metadata.as_deref();
    let of_tls = metadata.and_then(|metadata| metadata.tls.as_deref()).map(|tls| &*tls.server_name);
    let of_http = metadata.filter(|metadata| metadata.http.is_some());
    let of_http = of_http.map(|metadata| &*metadata.requested_server_name);
    let names = [of_tls, of_http, application.dns_name.as_deref()];
    names.into_iter().flatten().find(|name| !name.is_empty())
}
