//! Adapter of `nfstream-dissect`, the dissector in Rust.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use nfstream_dissect as native;

use super::{Component, DissectError, Dissector, DissectorFactory, Inspection, Limits};
use crate::features::{Application, Label, Metadata, Names, Tls};
use crate::flow::Slot;
use crate::packet::protocol::TCP;
use crate::packet::{Packet, TcpFlags};

/// The dissector in Rust.
#[derive(Clone, Copy, Debug, Default)]
pub struct NativeFactory;

impl DissectorFactory for NativeFactory {
    fn name(&self) -> &'static str {
        "native"
    }

    fn components(&self) -> Vec<Component> {
        vec![
            Component { name: "dissect", version: native::VERSION.to_owned() },
            Component { name: "catalogue", version: native::catalogue::VERSION.to_owned() },
        ]
    }

    fn make(&self, limits: Limits) -> Result<Box<dyn Dissector>, DissectError> {
        Ok(Box::new(NativeDissector::new(limits)))
    }
}

/// Progress of a flow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(not(feature = "ndpi"), allow(dead_code, reason = "only the choice of both uses it"))]
pub(super) enum Standing {
    /// No payload was seen.
    New,
    /// Several protocols are possible.
    Probing,
    /// A protocol has matched.
    Matched,
    /// No protocol fits the bytes.
    Unknown,
}

/// The state of the flows of one meter.
#[derive(Debug)]
pub(super) struct NativeDissector {
    dissector: Arc<native::Dissector>,
    /// By slot.
    flows: Vec<State>,
    /// Unused states of open flows.
    #[allow(clippy::vec_box, reason = "the boxes themselves are reused")]
    idle: Vec<Box<Open>>,
}

/// State of one flow.
#[derive(Debug, Default)]
enum State {
    /// No packet has been seen.
    #[default]
    New,
    /// Packets can teach something.
    Open(Box<Open>),
    /// The label is final.
    Done(Application),
}

#[derive(Debug)]
struct Open {
    flow: native::Flow,
    endpoints: native::Endpoints,
}

impl NativeDissector {
    pub(super) fn new(limits: Limits) -> Self {
        let config = native::Config {
            limits: native::Limits {
                tcp_packets: limits.tcp_packets,
                udp_packets: limits.udp_packets,
            },
            fingerprints: native::Fingerprints { ja3: true, ja4: true, hassh: true },
            certificates: true,
            catalogue: native::catalogue::Catalogue::default(),
            personal: false,
        };
        let dissector = Arc::new(native::Dissector::new(config));
        Self { dissector, flows: Vec::new(), idle: Vec::new() }
    }

    fn state(&mut self, slot: Slot) -> &mut State {
        if self.flows.len() <= slot.index() {
            self.flows.resize_with(slot.index() + 1, State::default);
        }
        self.flows.get_mut(slot.index()).expect("resized above")
    }

    /// Returns the progress of the flow in `slot`.
    #[cfg_attr(not(feature = "ndpi"), allow(dead_code, reason = "only the choice of both uses it"))]
    pub(super) fn standing(&mut self, slot: Slot) -> Standing {
        match self.state(slot) {
            State::New => Standing::New,
            State::Open(open) if open.flow.is_matched() => Standing::Matched,
            State::Open(open) if open.flow.has_begun() => Standing::Probing,
            State::Open(_) => Standing::New,
            State::Done(found) if found.label.app_protocol == 0 || found.label.guessed => {
                Standing::Unknown
            }
            State::Done(_) => Standing::Matched,
        }
    }

    /// Returns whether the bytes of a flow rule a label out: no probe of a protocol matched that
    /// would have, had it been the flow's.
    #[cfg_attr(not(feature = "ndpi"), allow(dead_code, reason = "only the choice of both uses it"))]
    pub(super) fn contradicts(&self, label: &Label) -> bool {
        let app = native::ProtocolId(label.app_protocol);
        let master = native::ProtocolId(label.master_protocol);
        native::Dissector::protocols().any(|protocol| {
            (protocol.id == app || protocol.id == master) && protocol.is_found_by_bytes()
        })
    }

    /// Returns the final label of a flow, and its state to the pool.
    fn close(&mut self, mut open: Box<Open>) -> Application {
        let flow = std::mem::take(&mut open.flow);
        let found = self.dissector.finish(flow, &open.endpoints);
        self.idle.push(open);
        application(found)
    }

    fn open(&mut self, packet: &Packet) -> Box<Open> {
        let end = |end: &crate::packet::Endpoint| SocketAddr::new(end.ip(packet.version), end.port);
        let endpoints = native::Endpoints {
            protocol: packet.protocol,
            client: end(&packet.src),
            server: end(&packet.dst),
        };
        match self.idle.pop() {
            Some(mut open) => {
                open.endpoints = endpoints;
                open
            }
            None => Box::new(Open { flow: native::Flow::default(), endpoints }),
        }
    }
}

impl Dissector for NativeDissector {
    fn inspect(&mut self, slot: Slot, packet: &Packet, ip_bytes: &[u8]) -> Inspection {
        let mut open = match std::mem::take(self.state(slot)) {
            State::Open(open) => open,
            State::New => self.open(packet),
            State::Done(application) => {
                *self.state(slot) = State::Done(application);
                return Inspection::Done;
            }
        };
        let after_ip = |offset: u32| {
            let start = usize::try_from(offset.saturating_sub(packet.ip_offset)).ok();
            start.and_then(|start| ip_bytes.get(start..)).unwrap_or_default()
        };
        let segment = (packet.protocol == TCP).then(|| {
            let sequence = after_ip(packet.transport_offset).get(4..8);
            let sequence = sequence.and_then(|bytes| bytes.first_chunk().copied());
            native::Segment {
                sequence: sequence.map_or(0, u32::from_be_bytes),
                syn: packet.tcp_flags.contains(TcpFlags::SYN),
                ack: packet.tcp_flags.contains(TcpFlags::ACK),
                end: packet.tcp_flags.contains(TcpFlags::FIN)
                    || packet.tcp_flags.contains(TcpFlags::RST),
            }
        });
        let is_client = packet.src.port == open.endpoints.client.port()
            && packet.src.ip(packet.version) == open.endpoints.client.ip();
        let payload = after_ip(packet.payload_offset);
        let payload_len = usize::try_from(packet.payload_len).unwrap_or(usize::MAX);
        let progress = self.dissector.inspect(
            &mut open.flow,
            &native::Packet {
                endpoints: &open.endpoints,
                direction: if is_client {
                    native::Direction::FromClient
                } else {
                    native::Direction::FromServer
                },
                segment,
                payload: payload.get(..payload_len).unwrap_or(payload),
            },
        );
        if progress == native::Progress::More {
            *self.state(slot) = State::Open(open);
            return Inspection::Open;
        }
        let application = self.close(open);
        *self.state(slot) = State::Done(application);
        Inspection::Done
    }

    fn peek(&mut self, slot: Slot) -> Application {
        let dissector = Arc::clone(&self.dissector);
        match self.state(slot) {
            State::New => Application::default(),
            State::Open(open) => application(dissector.peek(&open.flow, &open.endpoints)),
            State::Done(application) => application.clone(),
        }
    }

    fn end_slice(&mut self, slot: Slot) -> (Application, Inspection) {
        let found = match self.peek(slot) {
            application if application.label.app_protocol == 0 || application.label.guessed => None,
            application => Some(application),
        };
        let inspection = match self.state(slot) {
            State::Done(_) => Inspection::Done,
            State::New | State::Open(_) => Inspection::Open,
        };
        // A slice may begin before the packets that show the application: the next one starts over.
        found.map_or_else(
            || (self.end(slot), Inspection::Open),
            |application| (application, inspection),
        )
    }

    fn end(&mut self, slot: Slot) -> Application {
        match std::mem::take(self.state(slot)) {
            State::New => Application::default(),
            State::Open(open) => self.close(open),
            State::Done(application) => application,
        }
    }

    fn names(&self) -> Arc<dyn Names> {
        Arc::new(NativeNames(Arc::clone(&self.dissector)))
    }
}

/// Returns what was found in the engine's terms.
fn application(found: native::Found) -> Application {
    let native::Found { label, metadata } = found;
    let label = Label {
        master_protocol: label.master.0,
        app_protocol: label.app.0,
        category: label.category.0,
        guessed: label.confidence < native::Confidence::Weak,
        confidence: 0,
    };
    let metadata = metadata.map(|metadata| Arc::new(columns_of(*metadata)));
    Application { label, metadata }
}

/// Returns the cells of a flow's columns.
fn columns_of(read: native::Metadata) -> Metadata {
    let mut metadata = Metadata { requested_server_name: read.host, ..Metadata::default() };
    let host = &metadata.requested_server_name;
    if let Some(tls) = read.tls {
        metadata.client_info = host.clone();
        metadata.client_fingerprint = tls.ja4_of_ndpi(host).into();
        metadata.ja3_client = tls.ja3;
        metadata.ja3_server = tls.ja3s;
        let mut cells = Tls {
            version: tls.version.map_or(0, |version| version.0),
            supported_versions: join(tls.offered_versions.iter()),
            alpn: tls.alpn,
            cipher: tls.cipher.unwrap_or(0),
            ..Tls::default()
        };
        if let Some(certificate) = tls.certificate {
            metadata.server_info = join(certificate.names.iter());
            cells.issuer = certificate.issuer;
            cells.subject = certificate.subject;
        }
        metadata.tls = Some(Box::new(cells));
    } else if let Some(ssh) = read.ssh {
        metadata.client_info = ssh.client_version;
        metadata.server_info = ssh.server_version;
    } else {
        metadata.server_info = host.clone();
    }
    metadata
}

/// Returns the texts of `items`, separated by commas.
fn join(items: impl Iterator<Item = impl std::fmt::Display>) -> Box<str> {
    let mut text = String::new();
    for item in items {
        let separator = if text.is_empty() { "" } else { "," };
        // Writing to a string does not fail.
        let _ = write!(text, "{separator}{item}");
    }
    text.into()
}

#[derive(Debug)]
struct NativeNames(Arc<native::Dissector>);

impl Names for NativeNames {
    fn application(&self, master_protocol: u16, app_protocol: u16, name: &mut String) {
        let label = native::Label {
            master: native::ProtocolId(master_protocol),
            app: native::ProtocolId(app_protocol),
            ..native::Label::default()
        };
        name.push_str(&self.0.name(label));
    }

    fn category(&self, category: u16, name: &mut String) {
        name.push_str(self.0.category_name(native::Category(category)));
    }
}
