//! Adapter for nDPI, the only module of the engine that names it.

mod numbering;

use std::sync::{Arc, Mutex, PoisonError};

use nfstream_dissect::catalogue::Rules;

use numbering::NdpiNames;
pub(super) use numbering::Numbering;

use super::{Component, DissectError, Dissector, DissectorFactory, Inspection, Limits, Wanted};
use crate::features::{Application, Dhcp, Dns, Group, Http, Metadata, Names, Ssh, Tls};
use crate::flow::Slot;
use crate::packet::Packet;
use crate::packet::protocol::{TCP, UDP};

/// Unused modules: creating one can take longer than reading a capture.
///
/// A module is reset when it is taken, not when it is returned: a reset can take as long as
/// creating a new module, and the last run of a process need not wait for it.
static IDLE_MODULES: Mutex<Vec<(Scope, ndpi::Module)>> = Mutex::new(Vec::new());

/// Protocols for which a module tests packets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Scope {
    /// All.
    All,
    /// Those without a probe in the dissector in Rust.
    Rest,
}

/// nDPI, the system's `libndpi`.
///
/// Labels have the numbers of nDPI 5.0, whichever release is linked; numbers for labels that 5.0
/// lacks begin at 14,000. Names are those of the linked release.
#[derive(Clone, Debug, Default)]
pub struct NdpiFactory {
    /// The user's rules, which nDPI does not apply: if there are any, creating a dissector fails.
    pub rules: Rules,
}

impl NdpiFactory {
    /// Whether nDPI is loaded at run time; otherwise it is linked.
    pub const IS_LOADED: bool = ndpi::LOADED;
}

impl DissectorFactory for NdpiFactory {
    fn name(&self) -> &'static str {
        "ndpi"
    }

    fn components(&self) -> Vec<Component> {
        let version = ndpi::version().map(str::to_owned);
        version.map(|version| Component { name: "nDPI", version }).into_iter().collect()
    }

    fn learns(&self) -> bool {
        false
    }

    fn make(&self, limits: Limits, wanted: Wanted) -> Result<Box<dyn Dissector>, DissectError> {
        if !self.rules.is_empty() {
            let reason = "nDPI does not apply rules: choose the dissector native or auto";
            return Err(DissectError { name: self.name(), source: reason.into() });
        }
        Ok(Box::new(NdpiDissector::new(limits, wanted, Scope::All)?))
    }
}

/// An nDPI module and the state of the flows of one meter.
#[derive(Debug)]
pub(super) struct NdpiDissector {
    scope: Scope,
    /// `None` only while the dissector is dropped.
    module: Option<ndpi::Module>,
    limits: Limits,
    /// Bytes of a flow structure.
    flow_size: usize,
    wanted: Wanted,
    /// By slot.
    flows: Vec<State>,
    /// Unused flow structures.
    idle_flows: Vec<ndpi::Flow>,
    numbering: Arc<Numbering>,
    /// Bytes that the states of all flows hold.
    held: usize,
}

/// State of one flow.
#[derive(Debug, Default)]
enum State {
    /// No packet has arrived yet.
    #[default]
    New,
    /// nDPI is inspecting the flow.
    Open(Open),
    /// nDPI has finished.
    Done(Finished),
}

#[derive(Debug)]
struct Open {
    flow: ndpi::Flow,
    /// Packets left to inspect, `None` for no limit.
    packets_left: Option<u32>,
    progress: ndpi::Inspected,
    /// Bytes that the flow holds.
    held: usize,
}

/// Findings of a flow that nDPI has finished.
#[derive(Debug)]
struct Finished {
    application: Application,
    /// Bytes that the findings hold.
    held: usize,
}

impl NdpiDissector {
    /// Returns a dissector that inspects as many packets of a flow as `limits` allow.
    pub(super) fn new(limits: Limits, wanted: Wanted, scope: Scope) -> Result<Self, DissectError> {
        let failed = |error: ndpi::Error| DissectError { name: "ndpi", source: error.into() };
        let idle = {
            let mut idle = IDLE_MODULES.lock().unwrap_or_else(PoisonError::into_inner);
            let place = idle.iter().rposition(|(of, _)| *of == scope);
            place.map(|place| idle.swap_remove(place))
        };
        let module = match (idle, scope) {
            (Some((_, mut module)), _) => {
                module.reset().map_err(failed)?;
                module
            }
            (None, Scope::All) => ndpi::Module::new().map_err(failed)?,
            (None, Scope::Rest) => {
                let excluded = |names: &Arc<ndpi::Names>| Numbering::of(names).found_without_ndpi();
                ndpi::Module::without(excluded).map_err(failed)?
            }
        };
        let numbering = Numbering::of(module.names());
        Ok(Self {
            scope,
            module: Some(module),
            limits,
            flow_size: ndpi::flow_size(),
            wanted,
            flows: Vec::new(),
            idle_flows: Vec::new(),
            numbering,
            held: 0,
        })
    }

    /// Returns the numbers and names of the linked nDPI.
    pub(super) fn numbering(&self) -> &Arc<Numbering> {
        &self.numbering
    }

    fn state(&mut self, slot: Slot) -> &mut State {
        if self.flows.len() <= slot.index() {
            self.flows.resize_with(slot.index() + 1, State::default);
        }
        self.flows.get_mut(slot.index()).expect("resized above")
    }

    /// Returns the final label of a flow, a guess if necessary, and returns its structure to the
    /// pool.
    fn close(&mut self, mut open: Open) -> Application {
        self.held = self.held.saturating_sub(open.held);
        let mut label = open.progress.label;
        if label.is_unknown()
            && let Some(module) = &mut self.module
        {
            label = module.give_up(&mut open.flow);
        }
        let application = application(label, &open.flow, &self.numbering, self.wanted);
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
                held: 0,
            },
            State::Done(finished) => {
                *self.state(slot) = State::Done(finished);
                return Inspection::Done;
            }
        };
        if open.packets_left != Some(0)
            && let Some(module) = &mut self.module
        {
            let time_ms = u64::try_from(packet.time.millis()).unwrap_or(0);
            open.progress = module.inspect(&mut open.flow, ip_bytes, time_ms);
            open.packets_left = open.packets_left.map(|left| left - 1);
            let before = open.held;
            let allocated = isize::try_from(open.progress.allocated).unwrap_or(0);
            open.held = before.max(self.flow_size).saturating_add_signed(allocated);
            self.held = (self.held + open.held).saturating_sub(before);
        }
        if open.progress.wants_more && open.packets_left != Some(0) {
            *self.state(slot) = State::Open(open);
            return Inspection::Open;
        }
        // The state of a flow is large: free it as soon as it is no longer needed.
        let application = self.close(open);
        let held = application.memory();
        self.held += held;
        *self.state(slot) = State::Done(Finished { application, held });
        Inspection::Done
    }

    fn peek(&mut self, slot: Slot) -> Application {
        let (numbering, wanted) = (Arc::clone(&self.numbering), self.wanted);
        match self.state(slot) {
            State::New => Application::default(),
            State::Open(open) => application(open.progress.label, &open.flow, &numbering, wanted),
            State::Done(finished) => finished.application.clone(),
        }
    }

    fn end_slice(&mut self, slot: Slot) -> (Application, Inspection) {
        let (numbering, wanted) = (Arc::clone(&self.numbering), self.wanted);
        let found = match self.state(slot) {
            State::New => None,
            State::Open(open) => (!open.progress.label.is_unknown()).then(|| {
                let application = application(open.progress.label, &open.flow, &numbering, wanted);
                (application, Inspection::Open)
            }),
            State::Done(Finished { application, .. }) => {
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
            State::Done(Finished { application, held }) => {
                self.held = self.held.saturating_sub(held);
                application
            }
        }
    }

    fn memory(&self) -> usize {
        self.held
    }

    fn names(&self) -> Arc<dyn Names> {
        Arc::new(NdpiNames(Arc::clone(&self.numbering)))
    }
}

impl Drop for NdpiDissector {
    fn drop(&mut self) {
        let mut idle = IDLE_MODULES.lock().unwrap_or_else(PoisonError::into_inner);
        idle.extend(self.module.take().map(|module| (self.scope, module)));
    }
}

/// Returns the requested findings as the engine's types.
fn application(
    label: ndpi::Label,
    flow: &ndpi::Flow,
    numbering: &Numbering,
    wanted: Wanted,
) -> Application {
    let metadata = metadata_of(flow.metadata(), numbering, wanted);
    let metadata = (metadata != Metadata::default()).then(|| Arc::new(metadata));
    Application { label: numbering.label(label), metadata, dns_name: None }
}

fn metadata_of(read: ndpi::Metadata, numbering: &Numbering, wanted: Wanted) -> Metadata {
    let mut metadata = Metadata::default();
    if wanted.risks() {
        metadata.risks = numbering.risks(read.risks);
    }
    if wanted.contains(Group::Http) && (!read.http.method.is_empty() || read.http.status != 0) {
        metadata.http = Some(Box::new(of_http(&read.http)));
    }
    metadata.user_agent = read.http.user_agent;
    metadata.content_type = read.http.content_type;
    match read.protocol {
        ndpi::Protocol::Dhcp(dhcp) => {
            if wanted.contains(Group::Dhcp) {
                metadata.dhcp = Some(Box::new(of_dhcp(&dhcp, &read.host)));
            }
            metadata.client_fingerprint = dhcp.fingerprint;
            metadata.user_agent = dhcp.class_ident;
        }
        ndpi::Protocol::Dns(dns) => {
            if wanted.contains(Group::Dns) {
                metadata.dns = Some(Box::new(of_dns(dns, &read.host)));
            }
        }
        ndpi::Protocol::Ssh(ssh) => {
            if wanted.contains(Group::Ssh) {
                metadata.ssh = Some(Box::new(of_ssh(&ssh)));
            }
            metadata.client_fingerprint = ssh.hassh_client;
            metadata.server_fingerprint = ssh.hassh_server;
        }
        ndpi::Protocol::Tls(mut tls) => {
            metadata.ja3_client = std::mem::take(&mut tls.ja3_client);
            metadata.ja3_server = std::mem::take(&mut tls.ja3_server);
            metadata.ja4 = std::mem::take(&mut tls.ja4_client);
            if wanted.contains(Group::Dissection) {
                // nDPI before 4.10 has no JA4.
                let has_ja4 = !metadata.ja4.is_empty();
                let client = if has_ja4 { &metadata.ja4 } else { &metadata.ja3_client };
                metadata.client_fingerprint = client.clone();
                metadata.server_fingerprint = metadata.ja3_server.clone();
            }
            if wanted.contains(Group::Tls) {
                metadata.tls = Some(Box::new(of_tls(*tls)));
            }
        }
        ndpi::Protocol::Other => {}
    }
    metadata.client_info = read.client_info;
    metadata.server_info = read.server_info;
    metadata.requested_server_name = read.host;
    metadata
}

fn of_dhcp(read: &ndpi::Dhcp, host: &str) -> Dhcp {
    Dhcp {
        message_type: 0,
        host_name: host.into(),
        vendor_class: read.class_ident.clone(),
        fingerprint: read.fingerprint.clone(),
    }
}

fn of_dns(read: ndpi::Dns, host: &str) -> Dns {
    // nDPI does not distinguish a response without errors or records from a missing response.
    let is_answered = read.reply_code > 0 || read.answers > 0;
    Dns {
        query_name: host.into(),
        query_type: read.query_type,
        response_code: is_answered.then_some(read.reply_code),
        answers: read.answers.into(),
        addresses: Vec::new(),
    }
}

fn of_http(read: &ndpi::Http) -> Http {
    Http {
        method: read.method.clone(),
        url: read.url.clone(),
        user_agent: read.user_agent.clone(),
        request_content_type: read.request_content_type.clone(),
        status: read.status,
        server: Box::default(),
        response_content_type: read.content_type.clone(),
    }
}

fn of_ssh(read: &ndpi::Ssh) -> Ssh {
    Ssh {
        client_version: read.client_signature.clone(),
        server_version: read.server_signature.clone(),
        client_hassh: read.hassh_client.clone(),
        server_hassh: read.hassh_server.clone(),
    }
}

fn of_tls(read: ndpi::Tls) -> Tls {
    Tls {
        version: read.version,
        server_name: read.requested_server_name,
        supported_versions: read.supported_versions,
        alpn: read.alpn,
        cipher: read.server_cipher,
        encrypted_hello: !read.esni.is_empty(),
        certificate_names: read.server_names,
        issuer: read.issuer,
        subject: read.subject,
        sha1: read.sha1,
        ..Tls::default()
    }
}
