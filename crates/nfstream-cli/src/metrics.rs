//! Counts of a run for Prometheus and other collectors: a page in the OpenMetrics format.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nfstream::sink::{SinkCounts, SinkStatus};
use nfstream::{Monitor, Stats};

use crate::error::Error;

/// Most clients that are answered at the same time.
const MOST_CLIENTS: usize = 16;

/// Most parts, of up to 1 KiB, in which a request may arrive.
const MOST_READS: usize = 8;

/// Longest wait for a request or for its reader.
const PATIENCE: Duration = Duration::from_secs(2);

/// Type of the page.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Page of one run, or of several in turn, from the time its port opens.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    watched: Arc<Mutex<Option<Watched>>>,
    address: SocketAddr,
}

/// Sources of the counts.
#[derive(Clone)]
struct Watched {
    /// Counts of the runs before.
    before: Stats,
    monitor: Monitor,
    sink: Option<SinkStatus>,
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watched").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Opens the port at `address`, and starts the thread that answers requests.
    pub(crate) fn open(address: &str) -> Result<Self, Error> {
        let cannot = |source| Error::Metrics { address: address.to_owned(), source };
        let listener = address.to_socket_addrs().and_then(|mut addresses| {
            let first = addresses.next().ok_or(io::ErrorKind::AddrNotAvailable)?;
            TcpListener::bind(first)
        });
        let listener = listener.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let watched: Arc<Mutex<Option<Watched>>> = Arc::default();
        let metrics = Self { watched: Arc::clone(&watched), address };
        let work = move || {
            let clients = Arc::new(());
            for stream in listener.incoming() {
                let Ok(stream) = stream else {
                    // Out of file descriptors: one may be closed soon.
                    thread::sleep(Duration::from_millis(100));
                    continue;
                };
                if Arc::strong_count(&clients) > MOST_CLIENTS {
                    continue;
                }
                let found = watched.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let client = Arc::clone(&clients);
                let work = move || {
                    // A client that has disconnected does not affect the run.
                    drop(answer(stream, found.as_ref()));
                    drop(client);
                };
                let name = "nfstream-metrics".to_owned();
                // Without a thread the client gets no answer, and may try again.
                drop(thread::Builder::new().name(name).spawn(work));
            }
        };
        let thread = thread::Builder::new().name("nfstream-metrics".to_owned()).spawn(work);
        thread.map_err(cannot)?;
        Ok(metrics)
    }

    /// Returns the address of the port.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Shows the counts of a run and its destination from now on, in addition to those of the runs
    /// `before`.
    pub(crate) fn watch(&self, before: &Stats, monitor: &Monitor, sink: Option<&SinkStatus>) {
        let (before, monitor) = (before.clone(), monitor.clone());
        let watched = Watched { before, monitor, sink: sink.cloned() };
        *self.watched.lock().unwrap_or_else(PoisonError::into_inner) = Some(watched);
    }
}

impl Watched {
    /// Returns the counts of all runs so far.
    fn stats(&self) -> Stats {
        let mut stats = self.before.clone();
        stats.add(&self.monitor.stats());
        stats
    }
}

/// Answers one request.
fn answer(mut stream: TcpStream, watched: Option<&Watched>) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    for _ in 0..MOST_READS {
        let bytes = stream.read(&mut buffer)?;
        request.extend(buffer.iter().take(bytes));
        if bytes == 0 || request.windows(4).any(|end| end == b"\r\n\r\n") {
            break;
        }
    }
    let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut words = line.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let is_page = path.split('?').next() == Some("/metrics");
    let (status, kind, body) = match method {
        "GET" | "HEAD" if is_page => {
            let stats = watched.map(Watched::stats).unwrap_or_default();
            let sink = watched.and_then(|watched| watched.sink.as_ref());
            let sink = sink.map(|sink| (sink.name(), sink.counts()));
            ("200 OK", OPEN_METRICS, page(&stats, sink))
        }
        "GET" | "HEAD" => {
            ("404 Not Found", "text/plain", "the counts are at /metrics\n".to_owned())
        }
        _ => ("405 Method Not Allowed", "text/plain", "use GET\n".to_owned()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: \
         close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    if method != "HEAD" {
        stream.write_all(body.as_bytes())?;
    }
    stream.flush()
}

/// Kind of a metric.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Kind {
    Counter,
    Gauge,
}

/// Page under construction.
#[derive(Default)]
struct Page(String);

impl Page {
    /// Adds a metric with a value for each set of labels.
    fn add<V: std::fmt::Display>(
        &mut self,
        name: &str,
        kind: Kind,
        help: &str,
        values: impl IntoIterator<Item = (String, V)>,
    ) {
        let (word, suffix) = match kind {
            Kind::Counter => ("counter", "_total"),
            Kind::Gauge => ("gauge", ""),
        };
        let head = format!("# TYPE nfstream_{name} {word}\n# HELP nfstream_{name} {help}\n");
        self.0.push_str(&head);
        for (labels, value) in values {
            self.0.push_str(&format!("nfstream_{name}{suffix}{labels} {value}\n"));
        }
    }

    fn one(&mut self, name: &str, kind: Kind, help: &str, value: u64) {
        self.add(name, kind, help, [(String::new(), value)]);
    }
}

/// Returns the page of a run with its destination.
fn page(stats: &Stats, sink: Option<(&str, SinkCounts)>) -> String {
    let mut page = Page::default();
    let version = format!("{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    page.add("build", Kind::Gauge, "Version of the program.", [(version, 1)]);
    page.one("packets", Kind::Counter, "Packets read.", stats.packets);
    page.one("flow_packets", Kind::Counter, "Packets of flows.", stats.flow_packets);
    let ignored = stats.ignored.reasons();
    let ignored = ignored.into_iter().map(|(reason, packets)| (label("reason", reason), packets));
    page.add("ignored_packets", Kind::Counter, "Packets of no flow, by reason.", ignored);
    let reception = stats.reception.unwrap_or_default();
    let dropped = [
        (label("place", "kernel"), reception.dropped_by_kernel),
        (label("place", "interface"), reception.dropped_by_interface),
    ];
    page.add("dropped_packets", Kind::Counter, "Packets that were not delivered.", dropped);
    page.one("late_packets", Kind::Counter, "Packets out of order.", stats.late_packets);
    page.one("duplicate_packets", Kind::Counter, "Exact duplicates.", stats.duplicate_packets);
    page.one("flows", Kind::Counter, "Flows that ended.", stats.flows);
    page.one("evicted_flows", Kind::Counter, "Flows that ended to make room.", stats.evicted_flows);
    page.one("active_flows", Kind::Gauge, "Flows in the table.", stats.active_flows);
    let Some((name, counts)) = sink else {
        page.0.push_str("# EOF\n");
        return page.0;
    };
    let sink = || label("sink", name);
    let counters = [
        ("sink_flows", "Flows that the receiver took.", counts.sent_rows),
        ("sink_bytes", "Bytes sent.", counts.sent_bytes),
        ("sink_dropped_flows", "Flows for which the queue had no room.", counts.dropped_rows),
        ("sink_rejected_flows", "Flows that the receiver refused.", counts.rejected_rows),
        ("sink_failures", "Failed attempts to connect or send.", counts.failures),
    ];
    for (name, help, value) in counters {
        page.add(name, Kind::Counter, help, [(sink(), value)]);
    }
    let gauges = [
        ("sink_connected", "Whether the last attempt succeeded.", counts.is_connected.into()),
        ("sink_queue_flows", "Flows that wait.", counts.queued_rows),
        ("sink_queue_bytes", "Bytes that wait.", counts.queued_bytes),
        ("sink_queue_limit_bytes", "Bytes that may wait.", counts.queue_capacity_bytes),
    ];
    for (name, help, value) in gauges {
        page.add(name, Kind::Gauge, help, [(sink(), value)]);
    }
    let lag = format!("{:.3}", counts.lag.as_secs_f64());
    page.add("sink_lag_seconds", Kind::Gauge, "Wait of the oldest flow.", [(sink(), lag)]);
    page.0.push_str("# EOF\n");
    page.0
}

/// Returns a label with its value.
fn label(name: &str, value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{{{name}=\"{value}\"}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(metrics: &Metrics, request: &str) -> String {
        let mut stream = TcpStream::connect(metrics.address()).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn a_page_ends_and_has_a_type_for_each_metric() {
        let counts =
            SinkCounts { sent_rows: 7, lag: Duration::from_millis(1500), ..Default::default() };
        let page = page(&Stats { packets: 12, ..Stats::default() }, Some(("x://\"y", counts)));
        assert!(page.ends_with("\n# EOF\n"));
        assert!(page.contains("\nnfstream_packets_total 12\n"));
        assert!(page.contains("\nnfstream_sink_flows_total{sink=\"x://\\\"y\"} 7\n"));
        assert!(page.contains("\nnfstream_sink_lag_seconds{sink=\"x://\\\"y\"} 1.500\n"));
        for line in page.lines().filter(|line| !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap().trim_end_matches("_total");
            assert!(page.contains(&format!("# TYPE {name} ")), "{line}");
        }
    }

    #[test]
    fn silent_clients_do_not_hold_up_others() {
        let metrics = Metrics::open("127.0.0.1:0").unwrap();
        let silent = || TcpStream::connect(metrics.address()).unwrap();
        let _silent: Vec<_> = (0..8).map(|_| silent()).collect();
        let (sender, answer) = std::sync::mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| sender.send(get(&metrics, "GET /metrics HTTP/1.1\r\n\r\n")));
            let answer = answer.recv_timeout(PATIENCE * 3).unwrap();
            assert!(answer.starts_with("HTTP/1.1 200 OK"));
        });
    }

    #[test]
    fn requests_for_other_pages_are_refused() {
        let metrics = Metrics::open("127.0.0.1:0").unwrap();
        assert!(get(&metrics, "GET /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200 OK"));
        assert!(get(&metrics, "GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
        assert!(get(&metrics, "POST /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405"));
        let taken = Metrics::open(&metrics.address().to_string()).unwrap_err();
        assert!(matches!(taken, Error::Metrics { .. }));
    }
}
