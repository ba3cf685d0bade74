//! From what was found of a flow to its label: rules, then names, then addresses, then ports.

use std::net::IpAddr;
use std::sync::LazyLock;

use crate::catalogue::Catalogue;
use crate::clues::Hints;
use crate::flow::Finding;
use crate::label::{Category, Confidence, Label, ProtocolId};
use crate::metadata::Metadata;
use crate::packet::{Endpoints, TCP, UDP};
use crate::protocol::Protocol;
use crate::protocols::{REGISTRY, apple_push, dtls, rtp, stun, xmpp};
use crate::read::is_address;

/// Certificate names that are looked up, at most.
const MAX_CERTIFICATE_NAMES: usize = 8;

/// Protocols whose flows belong to the call that announced them.
const CARRIERS_OF_CALLS: &[ProtocolId] =
    &[stun::PROTOCOL.id, dtls::PROTOCOL.id, rtp::PROTOCOL.id, rtp::RTCP.id, rtp::SRTP.id];

/// Services that use the ports of a protocol for their own: protocol, owner of the address, service.
const SERVICES: &[(ProtocolId, ProtocolId, ProtocolId)] = &[
    // WhatsApp listens at XMPP's port; Facebook stopped using XMPP in 2015.
    (xmpp::PROTOCOL.id, ProtocolId(119), ProtocolId(142)),
    // Apple's push notifications have XMPP's second port.
    (xmpp::PROTOCOL.id, ProtocolId(140), apple_push::PROTOCOL.id),
];

/// Returns the label of a flow by its bytes and the names that it shows; unknown if no protocol
/// matched and no rule fits.
pub(crate) fn label(catalogue: &Catalogue, finding: &Finding, endpoints: &Endpoints) -> Label {
    let metadata = finding.found_metadata();
    let matched = finding.protocol;
    let carrier = matched.map(|(protocol, _)| finding.master().unwrap_or(protocol.id));
    if let Some(app) = by_rule(catalogue, metadata, &finding.hints, endpoints) {
        return new(catalogue, carrier, app, Confidence::Rule, None);
    }
    let Some((protocol, confidence)) = matched else { return Label::default() };
    let carrier = carrier.unwrap_or(protocol.id);
    if let Some(app) = finding.application() {
        return new(catalogue, Some(carrier), app, confidence, Some(protocol.category));
    }
    if let Some(app) = metadata.and_then(|metadata| by_name(catalogue, metadata)) {
        return new(catalogue, Some(carrier), app, Confidence::Name, Some(protocol.category));
    }
    // A call shares its ports with the messages that set it up.
    if let Some(app) = finding.hints.announced
        && CARRIERS_OF_CALLS.contains(&protocol.id)
        && !CARRIERS_OF_CALLS.contains(&app)
    {
        let category = Some(protocol.category);
        return new(catalogue, Some(carrier), app, Confidence::Announced, category);
    }
    // A flow without a name, in a protocol that can carry one, gets the name under which its
    // server's address was looked up, or else the owner of the address.
    let shows_names = protocol.has_metadata() && protocol.names_applications;
    let has_name = metadata.is_some_and(|metadata| !metadata.host.is_empty());
    if shows_names && !has_name {
        let category = Some(protocol.category);
        if let Some(app) = by_hint(catalogue, &finding.hints) {
            return new(catalogue, Some(carrier), app, Confidence::Dns, category);
        }
        if let Some(app) = by_address(catalogue, endpoints) {
            return new(catalogue, Some(carrier), app, confidence, category);
        }
    }
    if protocol.id == stun::PROTOCOL.id
        && let Some(app) = by_address(catalogue, endpoints).and_then(stun::calls_of)
    {
        return new(catalogue, Some(carrier), app, confidence, Some(protocol.category));
    }
    new(catalogue, Some(carrier), carrier, confidence, Some(protocol.category))
}

/// Returns the label of a flow whose bytes identify nothing: by an announcement, by the name or
/// owner of an address, or by a port.
pub(crate) fn guess(catalogue: &Catalogue, hints: &Hints, endpoints: &Endpoints) -> Label {
    if let Some(app) = hints.announced {
        let protocol = REGISTRY.iter().find(|protocol| protocol.id == app);
        let category = protocol.map(|protocol| protocol.category);
        return new(catalogue, None, app, Confidence::Announced, category);
    }
    let port = by_port(endpoints);
    let carrier = port.map(|protocol| protocol.id);
    let category = port.map(|protocol| protocol.category);
    if let Some(app) = by_hint(catalogue, hints) {
        return new(catalogue, carrier, app, Confidence::Dns, category);
    }
    let owner = by_address(catalogue, endpoints);
    let is_theirs = |(protocol, of, _): &&(ProtocolId, ProtocolId, ProtocolId)| {
        carrier == Some(*protocol) && owner == Some(*of)
    };
    if let Some((_, _, service)) = SERVICES.iter().find(is_theirs) {
        return new(catalogue, None, *service, Confidence::Address, None);
    }
    match (owner, carrier) {
        (Some(app), _) => new(catalogue, carrier, app, Confidence::Address, category),
        (None, Some(app)) => new(catalogue, None, app, Confidence::Port, category),
        (None, None) => Label::default(),
    }
}

/// Returns a label; `category` is that of a carrier whose application has none.
fn new(
    catalogue: &Catalogue,
    carrier: Option<ProtocolId>,
    app: ProtocolId,
    confidence: Confidence,
    category: Option<Category>,
) -> Label {
    let master = carrier.filter(|carrier| *carrier != app).unwrap_or(ProtocolId::UNKNOWN);
    let category = match catalogue.category(app) {
        Some(category) if category != Category::default() => category,
        _ => category.unwrap_or_default(),
    };
    Label { master, app, category, confidence }
}

/// Returns the application that the user's rules give a flow.
fn by_rule(
    catalogue: &Catalogue,
    metadata: Option<&Metadata>,
    hints: &Hints,
    endpoints: &Endpoints,
) -> Option<ProtocolId> {
    let rules = catalogue.rules();
    if rules.is_empty() {
        return None;
    }
    let (client, server) = (endpoints.client, endpoints.server);
    metadata
        .and_then(|metadata| {
            let host = Some(&*metadata.host).filter(|host| !host.is_empty());
            let tls = metadata.tls.as_deref();
            host.and_then(|host| rules.by_domain(host.as_bytes()))
                .or_else(|| certificate_names(metadata).find_map(|name| rules.by_certificate(name)))
                .or_else(|| tls.and_then(|tls| rules.by_ja4(&tls.ja4)))
        })
        .or_else(|| rules.by_domain(hints.name.as_deref()?.as_bytes()))
        .or_else(|| rules.by_address(server.ip()))
        .or_else(|| rules.by_address(client.ip()))
        .or_else(|| rules.by_port(endpoints.protocol, server.port()))
        .or_else(|| rules.by_port(endpoints.protocol, client.port()))
}

/// Returns the application of the name that a flow shows: its host, else its server's certificate.
fn by_name(catalogue: &Catalogue, metadata: &Metadata) -> Option<ProtocolId> {
    let host = Some(&*metadata.host).filter(|host| !host.is_empty());
    if let Some(host) = host.filter(|host| !is_address(host)) {
        return catalogue.by_domain(host.as_bytes());
    }
    certificate_names(metadata).find_map(|name| catalogue.by_domain(name))
}

/// Returns the application for the name from a DNS answer with the server's address.
fn by_hint(catalogue: &Catalogue, hints: &Hints) -> Option<ProtocolId> {
    catalogue.by_domain(hints.name.as_deref()?.as_bytes())
}

/// Returns the names in the server's certificate, without the star of a wildcard.
fn certificate_names(metadata: &Metadata) -> impl Iterator<Item = &[u8]> {
    let certificate = metadata.tls.as_deref().and_then(|tls| tls.certificate.as_deref());
    certificate.into_iter().flat_map(|certificate| {
        let names = certificate.names.iter().map(|name| &**name);
        std::iter::once(&*certificate.common_name)
            .chain(names)
            .take(MAX_CERTIFICATE_NAMES)
            .map(|name| name.strip_prefix("*.").unwrap_or(name).as_bytes())
    })
}

/// Returns the owner of the server's address, else of the client's.
fn by_address(catalogue: &Catalogue, endpoints: &Endpoints) -> Option<ProtocolId> {
    let of = |address: IpAddr| catalogue.by_address(address);
    of(endpoints.server.ip()).or_else(|| of(endpoints.client.ip()))
}

/// Usual ports with their protocols, in ascending order.
type Ports = Vec<(u16, &'static Protocol)>;

static TCP_PORTS: LazyLock<Ports> = LazyLock::new(|| ports(|protocol| protocol.tcp_ports));
static UDP_PORTS: LazyLock<Ports> = LazyLock::new(|| ports(|protocol| protocol.udp_ports));

/// Returns the usual ports of a transport; if several protocols have the same port, the first in
/// the registry counts.
fn ports(of: fn(&Protocol) -> &'static [u16]) -> Ports {
    let of = |protocol: &'static Protocol| of(protocol).iter().map(move |port| (*port, protocol));
    let mut ports: Ports = REGISTRY.iter().copied().flat_map(of).collect();
    ports.sort_by_key(|(port, _)| *port);
    ports.dedup_by_key(|(port, _)| *port);
    ports
}

/// Returns the protocol whose usual port is the lower of the two ports, or else the higher: servers
/// have low ports, and the first captured packet may be theirs.
fn by_port(endpoints: &Endpoints) -> Option<&'static Protocol> {
    let ports: &Ports = match endpoints.protocol {
        TCP => &TCP_PORTS,
        UDP => &UDP_PORTS,
        _ => return None,
    };
    let [server, client] = [endpoints.server.port(), endpoints.client.port()];
    [server.min(client), server.max(client)].into_iter().find_map(|end| {
        let place = ports.binary_search_by_key(&end, |(port, _)| *port).ok()?;
        ports.get(place).map(|(_, protocol)| *protocol)
    })
}
