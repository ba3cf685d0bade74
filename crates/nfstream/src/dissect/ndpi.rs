//! Adapter of nDPI, the only module of the engine that names it.

use std::sync::{Arc, Mutex, PoisonError};

use super::dissector::{Component, DissectError, Dissector, DissectorFactory, Inspection, Limits};
use crate::features::{Application, Label, Metadata, Names, Tls};
use crate::flow::Slot;
use crate::packet::Packet;
use crate::packet::protocol::{TCP, UDP};

/// Unused modules: making one can take longer than reading a capture.
///
/// A module is reset when it is taken, not when it is returned: a reset can take as long as a new
/// module, and the last run of a process need not wait for it.
static IDLE_MODULES: Mutex<Vec<ndpi::Module>> = Mutex::new(Vec::new());

/// nDPI, the system's `libndpi`.
#[derive(Clone, Copy, Debug, Default)]
pub struct NdpiFactory;

impl DissectorFactory for NdpiFactory {
    fn name(&self) -> &'static str {
        "ndpi"
    }

    fn components(&self) -> Vec<Component> {
        vec![Component { name: "nDPI", version: ndpi::version().to_owned() }]
    }

    fn make(&self, limits: Limits) -> Result<Box<dyn Dissector>, DissectError> {
        Ok(Box::new(NdpiDissector::new(limits)?))
    }
}

/// An nDPI module and the state of the flows of one meter.
#[derive(Debug)]
pub(super) struct NdpiDissector {
    /// `None` only while the dissector is dropped.
    module: Option<ndpi::Module>,
    limits: Limits,
    /// By slot.
    flows: Vec<State>,
    /// Unused flow structures.
    idle_flows: Vec<ndpi::Flow>,
    names: Arc<dyn Names>,
    ndpi_names: Arc<ndpi::Names>,
}

/// State of one flow.
#[derive(Debug, Default)]
enum State {
    /// No packet has been seen.
    #[default]
    New,
    /// nDPI is at work.
    Open(Open),
    /// nDPI has finished.
    Done(Application),
}

#[derive(Debug)]
struct Open {
    flow: ndpi::Flow,
    /// Packets left to inspect, `None` for no limit.
    packets_left: Option<u32>,
    progress: ndpi::Inspected,
}

impl NdpiDissector {
    /// Returns a dissector that inspects as many packets of a flow as `limits` allow.
    pub(super) fn new(limits: Limits) -> Result<Self, DissectError> {
        let failed = |error: ndpi::Error| DissectError { name: "ndpi", source: error.into() };
        let idle = IDLE_MODULES.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let module = match idle {
            Some(mut module) => {
                module.reset().map_err(failed)?;
                module
            }
            None => ndpi::Module::new().map_err(failed)?,
        };
        let ndpi_names = Arc::clone(module.names());
        let names: Arc<dyn Names> = Arc::new(NdpiNames(Arc::clone(&ndpi_names)));
        Ok(Self {
            module: Some(module),
            limits,
            flows: Vec::new(),
            idle_flows: Vec::new(),
            names,
            ndpi_names,
        })
    }

    fn state(&mut self, slot: Slot) -> &mut State {
        if self.flows.len() <= slot.index() {
            self.flows.resize_with(slot.index() + 1, State::default);
        }
        self.flows.get_mut(slot.index()).expect("resized above")
    }

    /// Returns the final label of a flow, a guess if need be, and its structure to the pool.
    fn close(&mut self, mut open: Open) -> Application {
        let mut label = open.progress.label;
        if label.is_unknown()
            && let Some(module) = &mut self.module
        {
            label = module.give_up(&mut open.flow);
        }
        let application = application(label, &open.flow, &self.ndpi_names);
        open.flow.reset();
        self.idle_flows.push(open.flow);
        application
    }
}

impl Dissector for NdpiDissector {
    fn inspect(&mut self, slot: Slot, packet: &Packet, ip_bytes: &[u8]) -> Inspection {
        let mut open = match std::mem::take(self.state(slot)) {
            State::Open(open) => open,
            State::New => Open {
                flow: self.idle_flows.pop().unwrap_or_default(),
                packets_left: match packet.protocol {
                    TCP => Some(self.limits.tcp_packets),
                    UDP => Some(self.limits.udp_packets),
                    _ => None,
                },
                progress: ndpi::Inspected { wants_more: true, ..ndpi::Inspected::default() },
            },
            State::Done(application) => {
                *self.state(slot) = State::Done(application);
                return Inspection::Done;
            }
        };
        if open.packets_left != Some(0)
            && let Some(module) = &mut self.module
        {
            let time_ms = u64::try_from(packet.time.millis()).unwrap_or(0);
            open.progress = module.inspect(&mut open.flow, ip_bytes, time_ms);
            open.packets_left = open.packets_left.map(|left| left - 1);
        }
        if open.progress.wants_more && open.packets_left != Some(0) {
            *self.state(slot) = State::Open(open);
            return Inspection::Open;
        }
        // The state of a flow is large: free it as soon as it is of no more use.
        let application = self.close(open);
        *self.state(slot) = State::Done(application);
        Inspection::Done
    }

    fn peek(&mut self, slot: Slot) -> Application {
        let names = Arc::clone(&self.ndpi_names);
        match self.state(slot) {
            State::New => Application::default(),
            State::Open(open) => application(open.progress.label, &open.flow, &names),
            State::Done(application) => application.clone(),
        }
    }

    fn end_slice(&mut self, slot: Slot) -> (Application, Inspection) {
        let names = Arc::clone(&self.ndpi_names);
        let found = match self.state(slot) {
            State::New => None,
            State::Open(open) => (!open.progress.label.is_unknown()).then(|| {
                let application = application(open.progress.label, &open.flow, &names);
                (application, Inspection::Open)
            }),
            State::Done(application) => {
                (!application.label.guessed).then(|| (application.clone(), Inspection::Done))
            }
        };
        // A slice may begin before the packets that show the application: the next one starts over.
        found.unwrap_or_else(|| (self.end(slot), Inspection::Open))
    }

    fn end(&mut self, slot: Slot) -> Application {
        match std::mem::take(self.state(slot)) {
            State::New => Application::default(),
            State::Open(open) => self.close(open),
            State::Done(application) => application,
        }
    }

    fn names(&self) -> Arc<dyn Names> {
        Arc::clone(&self.names)
    }
}

impl Drop for NdpiDissector {
    fn drop(&mut self) {
        let mut idle = IDLE_MODULES.lock().unwrap_or_else(PoisonError::into_inner);
        idle.extend(self.module.take());
    }
}

fn application(label: ndpi::Label, flow: &ndpi::Flow, names: &ndpi::Names) -> Application {
    let read = flow.metadata();
    let mut metadata = Metadata {
        ja3_client: read.ja3_client().into(),
        ja3_server: read.ja3_server().into(),
        client_info: read.client_info,
        server_info: read.server_info,
        requested_server_name: read.host,
        user_agent: read.http.user_agent,
        content_type: read.http.content_type,
        risks: risks(read.risks, names),
        ..Metadata::default()
    };
    match read.protocol {
        ndpi::Protocol::Dhcp(dhcp) => {
            metadata.client_fingerprint = dhcp.fingerprint;
            metadata.user_agent = dhcp.class_ident;
        }
        ndpi::Protocol::Ssh(ssh) => {
            metadata.client_fingerprint = ssh.hassh_client;
            metadata.server_fingerprint = ssh.hassh_server;
        }
        ndpi::Protocol::Tls(tls) => {
            metadata.client_fingerprint = tls.ja3_client;
            metadata.server_fingerprint = tls.ja3_server;
            metadata.tls = Some(Box::new(Tls {
                version: tls.version,
                supported_versions: tls.supported_versions,
                alpn: tls.alpn,
                cipher: tls.server_cipher,
                issuer: tls.issuer,
                subject: tls.subject,
            }));
        }
        _ => {}
    }
    let metadata = (metadata != Metadata::default()).then(|| Arc::new(metadata));
    let label = Label {
        master_protocol: label.master,
        app_protocol: label.app,
        category: label.category,
        guessed: label.guessed,
        confidence: label.confidence,
    };
    Application { label, metadata }
}

/// Returns the names of the bits that are set.
fn risks(risks: u64, names: &ndpi::Names) -> Box<str> {
    let set = (0..64_u8).filter(|bit| risks >> bit & 1 == 1);
    set.map(|bit| names.risk(bit)).collect::<Vec<_>>().join(",").into()
}

#[derive(Debug)]
struct NdpiNames(Arc<ndpi::Names>);

impl Names for NdpiNames {
    fn application(&self, master_protocol: u16, app_protocol: u16, name: &mut String) {
        let label =
            ndpi::Label { master: master_protocol, app: app_protocol, ..ndpi::Label::default() };
        name.push_str(&self.0.application(label));
    }

    fn category(&self, category: u16, name: &mut String) {
        name.push_str(self.0.category(category));
    }
}
