//! Totals of flows by application, category, address and port.

use std::net::IpAddr;
use std::ops::ControlFlow;
use std::sync::Arc;

use nfstream::features::{Record, RecordPool, Schema};
use nfstream::packet::protocol as ip_protocol;
use nfstream::report::{By, Count, Ranking};
use nfstream::time::Timestamp;

use crate::error::Error;
use crate::io::Io;
use crate::reading::Consumer;

/// Number of addresses counted exactly, some 20 MB.
const ADDRESSES: usize = 100_000;
/// More than the number of possible applications, categories, or protocols and ports.
const NUMBERS: usize = 1 << 25;

/// Totals of flows.
pub(super) struct Survey {
    schema: Arc<Schema>,
    pub(super) total: Count,
    /// Times of the first and the last packet.
    pub(super) span: Option<(Timestamp, Timestamp)>,
    /// By master and application protocol.
    applications: Ranking<(u16, u16)>,
    categories: Ranking<u16>,
    /// By both ends.
    addresses: Ranking<IpAddr>,
    /// By the end that received the first packet.
    servers: Ranking<IpAddr>,
    /// By IP protocol and the port that received the first packet.
    ports: Ranking<(u8, u16)>,
}

/// Largest entries of one kind.
pub(super) struct Section {
    /// Singular name of the kind.
    pub(super) title: &'static str,
    /// Plural name of the kind.
    pub(super) plural: &'static str,
    /// Names and counts in descending order.
    pub(super) top: Vec<(String, Count)>,
    /// Number of all entries.
    pub(super) all: usize,
    /// Whether the counts are exact.
    pub(super) is_exact: bool,
}

impl Survey {
    pub(super) fn new(schema: &Arc<Schema>) -> Self {
        Self {
            schema: Arc::clone(schema),
            total: Count::default(),
            span: None,
            applications: Ranking::new(By::Bytes, NUMBERS),
            categories: Ranking::new(By::Bytes, NUMBERS),
            addresses: Ranking::new(By::Bytes, ADDRESSES),
            servers: Ranking::new(By::Bytes, ADDRESSES),
            ports: Ranking::new(By::Bytes, NUMBERS),
        }
    }

    /// Returns the `n` largest entries of each kind.
    pub(super) fn sections(&self, n: usize) -> Vec<Section> {
        let names = self.schema.names();
        let mut sections = Vec::new();
        if self.has_applications() {
            sections.push(section(
                "application",
                "applications",
                &self.applications,
                n,
                |(m, a)| {
                    let mut name = String::new();
                    names.application(m, a, &mut name);
                    name
                },
            ));
            sections.push(section("category", "categories", &self.categories, n, |category| {
                let mut name = String::new();
                names.category(category, &mut name);
                name
            }));
        }
        sections.push(section("address", "addresses", &self.addresses, n, |ip| ip.to_string()));
        sections.push(section("server", "servers", &self.servers, n, |ip| ip.to_string()));
        sections.push(section("server port", "server_ports", &self.ports, n, port_name));
        sections
    }

    fn has_applications(&self) -> bool {
        self.schema.columns().iter().any(|column| column.name == "application_name")
    }

    fn add(&mut self, record: &Record) {
        let flow = &record.flow;
        let count = Count::of(record);
        self.total += count;
        let (first, last) = self.span.unwrap_or((flow.first_seen, flow.last_seen));
        self.span = Some((first.min(flow.first_seen), last.max(flow.last_seen)));

        let label = record.application.label;
        self.applications.add((label.master_protocol, label.app_protocol), count);
        self.categories.add(label.category, count);
        let (src, dst) = (flow.key.end(flow.src), flow.key.end(flow.src.other()));
        let (src_ip, dst_ip) = (src.ip(flow.key.version), dst.ip(flow.key.version));
        self.addresses.add(src_ip, count);
        if src_ip != dst_ip {
            self.addresses.add(dst_ip, count);
        }
        self.servers.add(dst_ip, count);
        self.ports.add((flow.key.protocol, dst.port), count);
    }
}

impl Consumer for Survey {
    fn take(
        &mut self,
        records: Vec<Record>,
        pool: &RecordPool,
        _: &mut Io<'_>,
    ) -> Result<ControlFlow<()>, Error> {
        let flows = records.iter().filter(|record| record.kind.is_counted());
        flows.for_each(|record| self.add(record));
        pool.put_back(records);
        Ok(ControlFlow::Continue(()))
    }
}

fn section<K: Copy + Eq + std::hash::Hash + Ord>(
    title: &'static str,
    plural: &'static str,
    ranking: &Ranking<K>,
    n: usize,
    name: impl Fn(K) -> String,
) -> Section {
    let top = ranking.top(n).into_iter().map(|(key, count)| (name(*key), count)).collect();
    Section { title, plural, top, all: ranking.distinct(), is_exact: ranking.is_exact() }
}

/// Returns protocol and port as in `tcp/443`, or the protocol alone if it has no ports.
fn port_name((protocol, port): (u8, u16)) -> String {
    let name = ip_protocol::name(protocol)
        .map_or_else(|| format!("protocol {protocol}"), str::to_lowercase);
    if port == 0 { name } else { format!("{name}/{port}") }
}
