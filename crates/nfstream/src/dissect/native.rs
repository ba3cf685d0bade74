//! Adapter of `nfstream-dissect`, the dissector in Rust.

use std::net::SocketAddr;
use std::sync::Arc;

use nfstream_dissect as native;
use nfstream_dissect::catalogue::{Catalogue, Rules};

use super::native_metadata::metadata_of;
use super::{
    Component, DissectError, Dissector, DissectorFactory, Hints, Inspection, Limits, Wanted,
};
use crate::features::{Application, Confidence, Group, Label, Names};
use crate::flow::Slot;
use crate::packet::protocol::TCP;
use crate::packet::{Packet, TcpFlags};
use crate::time::Timestamp;

/// The dissector in Rust, with or without rules of the user.
#[derive(Clone, Debug, Default)]
pub struct NativeFactory {
    /// The user's rules, which take precedence over the built-in ones.
    pub rules: Rules,
}

impl NativeFactory {
    /// Creates the dissector of one meter.
    pub(super) fn dissector(&self, limits: Limits, wanted: Wanted) -> NativeDissector {
        let config = native::Config {
            limits: native::Limits {
                tcp_packets: limits.tcp_packets,
                udp_packets: limits.udp_packets,
            },
            fingerprints: native::Fingerprints {
                ja3: wanted.ja3(),
                ja4: wanted.ja4() || self.rules.has_ja4(),
                hassh: wanted.hassh(),
            },
            certificates: true,
            certificate_hashes: wanted.certificate_hashes(),
            catalogue: Catalogue::with_rules(self.rules.clone()),
            personal: false,
            details: native::Details {
                dns: wanted.contains(Group::Dns),
                http: wanted.http(),
                tls: wanted.tls(),
            },
        };
        let dissector = Arc::new(native::Dissector::new(config));
        NativeDissector {
            dissector,
            wanted,
            flows: Vec::new(),
            idle: Vec::new(),
            hints: None,
            held: 0,
        }
    }
}

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

    fn make(&self, limits: Limits, wanted: Wanted) -> Result<Box<dyn Dissector>, DissectError> {
        Ok(Box::new(self.dissector(limits, wanted)))
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
    /// A protocol has matched, or another flow has announced this one.
    Matched,
    /// No protocol fits the bytes.
    Unknown,
}

/// The state of the flows of one meter.
#[derive(Debug)]
pub(super) struct NativeDissector {
    dissector: Arc<native::Dissector>,
    wanted: Wanted,
    /// By slot.
    flows: Vec<State>,
    /// Unused states of open flows.
    #[allow(clippy::vec_box, reason = "the boxes themselves are reused")]
    idle: Vec<Box<Open>>,
    /// Bytes that the states of all flows hold.
    held: usize,
    /// Hints about a flow that has just begun.
    hints: Option<(Slot, Hints)>,
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
    Done(Finished),
}

/// Findings of a flow whose inspection has ended.
#[derive(Debug)]
struct Finished {
    application: Application,
    /// Protocols that the bytes do not rule out, if none has matched.
    possible: Option<native::Possible>,
    /// Bytes that the findings hold.
    held: usize,
}

impl Finished {
    /// Returns whether another dissector could not improve the label: it is known, or another flow
    /// announced it.
    fn is_settled(&self) -> bool {
        let label = self.application.label;
        label.is_known() || label.confidence == Confidence::Guess
    }
}

#[derive(Debug)]
struct Open {
    flow: native::Flow,
    endpoints: native::Endpoints,
    /// Bytes that the flow holds.
    held: usize,
    /// Time of the first packet.
    time: Timestamp,
}

impl NativeDissector {
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
            State::Done(finished) if finished.is_settled() => Standing::Matched,
            State::Done(_) => Standing::Unknown,
        }
    }

    /// Stops inspecting the flow in `slot`, so that [`contradicts`](Self::contradicts) can
    /// determine what its bytes rule out.
    pub(super) fn finish(&mut self, slot: Slot) {
        match std::mem::take(self.state(slot)) {
            State::Open(open) => {
                let finished = self.close(open);
                self.held += finished.held;
                *self.state(slot) = State::Done(finished);
            }
            other => *self.state(slot) = other,
        }
    }

    /// Returns whether the bytes of a finished flow rule out a label: a protocol in it has a probe
    /// for this transport, and the probe rejected the bytes.
    #[cfg_attr(not(feature = "ndpi"), allow(dead_code, reason = "only the choice of both uses it"))]
    pub(super) fn contradicts(&mut self, slot: Slot, label: &Label) -> bool {
        let State::Done(Finished { possible: Some(possible), .. }) = self.state(slot) else {
            return false;
        };
        let possible = *possible;
        let named = [label.master_protocol, label.app_protocol].map(native::ProtocolId);
        named.iter().any(|id| self.dissector.rules_out(&possible, *id))
    }

    /// Returns the final label of a flow, and its state to the pool.
    fn close(&mut self, mut open: Box<Open>) -> Finished {
        let Open { flow, endpoints, .. } = &mut *open;
        let found = self.dissector.finish_and_reset(flow, endpoints);
        self.held = self.held.saturating_sub(std::mem::take(&mut open.held));
        let (time, possible) = (open.time, found.possible);
        self.idle.push(open);
        let application = application(found, self.wanted, time);
        let held = application.memory();
        Finished { application, possible, held }
    }

    fn open(&mut self, slot: Slot, packet: &Packet) -> Box<Open> {
        let end = |end: &crate::packet::Endpoint| SocketAddr::new(end.ip(packet.version), end.port);
        let endpoints = native::Endpoints {
            protocol: packet.protocol,
            client: end(&packet.src),
            server: end(&packet.dst),
        };
        let mut open = match self.idle.pop() {
            Some(mut open) => {
                (open.endpoints, open.time) = (endpoints, packet.time);
                open
            }
            None => Box::new(Open {
                flow: native::Flow::default(),
                endpoints,
                time: packet.time,
                held: 0,
            }),
        };
        if let Some((_, hints)) = self.hints.take_if(|(of, _)| *of == slot) {
            open.flow.learn(hints);
        }
        open
    }
}

impl Dissector for NativeDissector {
    fn learn(&mut self, slot: Slot, hints: &Hints) {
        match self.state(slot) {
            State::New => self.hints = Some((slot, hints.clone())),
            State::Open(open) => open.flow.learn(hints.clone()),
            State::Done(_) => {}
        }
    }

    fn inspect(&mut self, slot: Slot, packet: &Packet, ip_bytes: &[u8]) -> Inspection {
        if let State::New = self.state(slot) {
            let open = self.open(slot, packet);
            *self.state(slot) = State::Open(open);
        }
        let Some(State::Open(open)) = self.flows.get_mut(slot.index()) else {
            return Inspection::Done;
        };
        let Open { flow, endpoints, held, .. } = &mut **open;
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
        let is_client = packet.src.port == endpoints.client.port()
            && packet.src.ip(packet.version) == endpoints.client.ip();
        let payload = after_ip(packet.payload_offset);
        let payload_len = usize::try_from(packet.payload_len).unwrap_or(usize::MAX);
        let progress = self.dissector.inspect(
            flow,
            &native::Packet {
                endpoints,
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
            if payload_len > 0 {
                let before = std::mem::replace(held, size_of::<Open>() + flow.memory());
                self.held = (self.held + *held).saturating_sub(before);
            }
            return Inspection::Open;
        }
        self.finish(slot);
        Inspection::Done
    }

    fn peek(&mut self, slot: Slot) -> Application {
        let (dissector, wanted) = (Arc::clone(&self.dissector), self.wanted);
        match self.state(slot) {
            State::New => Application::default(),
            State::Open(open) => {
                application(dissector.peek(&open.flow, &open.endpoints), wanted, open.time)
            }
            State::Done(finished) => finished.application.clone(),
        }
    }

    fn conclude(&mut self, slot: Slot) -> Application {
        let (dissector, wanted) = (Arc::clone(&self.dissector), self.wanted);
        match self.state(slot) {
            State::Open(open) => {
                application(dissector.conclude(&open.flow, &open.endpoints), wanted, open.time)
            }
            _ => self.peek(slot),
        }
    }

    fn end_slice(&mut self, slot: Slot) -> (Application, Inspection) {
        let application = self.peek(slot);
        if !application.label.is_known() {
            // A slice may begin before the packets that show the application: the next one starts
            // over.
            return (self.end(slot), Inspection::Open);
        }
        let inspection = match self.state(slot) {
            State::Done(_) => Inspection::Done,
            State::New | State::Open(_) => Inspection::Open,
        };
        (application, inspection)
    }

    fn end(&mut self, slot: Slot) -> Application {
        match std::mem::take(self.state(slot)) {
            State::New => {
                // No packet of the flow was inspected.
                self.hints.take_if(|(of, _)| *of == slot);
                Application::default()
            }
            State::Open(open) => self.close(open).application,
            State::Done(finished) => {
                self.held = self.held.saturating_sub(finished.held);
                finished.application
            }
        }
    }

    fn memory(&self) -> usize {
        self.held
    }

    fn names(&self) -> Arc<dyn Names> {
        Arc::new(NativeNames(Arc::clone(&self.dissector)))
    }
}

/// Returns the findings as the engine's types.
fn application(found: native::Found, wanted: Wanted, time: Timestamp) -> Application {
    let native::Found { label, metadata, guessed, .. } = found;
    let label = Label {
        master_protocol: label.master.0,
        app_protocol: label.app.0,
        category: label.category.0,
        guessed,
        confidence: confidence(label.confidence),
    };
    let metadata = metadata.and_then(|metadata| metadata_of(*metadata, wanted, time)).map(Arc::new);
    Application { label, metadata, dns_name: None }
}

const fn confidence(confidence: native::Confidence) -> Confidence {
    match confidence {
        native::Confidence::None => Confidence::None,
        native::Confidence::Port => Confidence::Port,
        native::Confidence::Address => Confidence::Address,
        native::Confidence::Dns => Confidence::Dns,
        native::Confidence::Announced | native::Confidence::Weak => Confidence::Guess,
        native::Confidence::Dpi => Confidence::Dpi,
        native::Confidence::Name => Confidence::Name,
        native::Confidence::Rule => Confidence::Rule,
    }
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
