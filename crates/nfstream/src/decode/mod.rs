//! From the bytes of a frame to a [`Packet`]: link, network and transport headers.
//!
//! Borrows, allocates nothing and keeps no state. A frame that cannot be decoded returns a
//! [`DecodeError`], which is counted by its reason. [`flow`](crate::flow) uses the [`FragmentId`]
//! to give later fragments the ports of the first.

mod cursor;
mod error;
mod fragment;
mod ip;
mod layers;
mod link;
mod transport;
mod tunnel;

pub use error::DecodeError;
pub use fragment::FragmentId;
pub use link::Subframes;

use crate::packet::{Fragment, Identifiers, Packet, RawRecord, Separation};
use cursor::Cursor;
use tunnel::Entrance;

/// Options of decoding.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Options {
    /// Whether packets inside a [`Tunnel`](crate::packet::Tunnel) are decoded, and metered in place
    /// of the packets that carry them. IP in IP is always decoded.
    pub tunnels: bool,
    /// Properties that separate flows besides addresses, ports and protocol.
    pub separation: Separation,
}

/// Decodes the frame that `record` describes. The identity of a fragment is added to `fragments`.
///
/// # Errors
///
/// [`DecodeError`] unless the frame carries an IP packet with readable addresses and ports.
// Inlined into the loop over all packets, although subframes of aggregates are decoded elsewhere.
#[inline(always)]
pub fn decode(
    record: &RawRecord,
    frame: &[u8],
    options: Options,
    fragments: &mut Vec<FragmentId>,
) -> Result<Packet, DecodeError> {
    let mut cursor = Cursor::new(frame).separating(options.separation);
    let network = link::skip_to_network(record.link, &mut cursor)?;
    let mut cut = None;
    let ip = ip::read_innermost(&mut cursor, network, record.wire_len, &mut cut)?;
    let transport = transport::read(&cursor, &ip)?;
    if options.tunnels && Entrance::announced(&ip, &transport).is_some() {
        // Starts over, so that all other packets keep their headers in registers.
        return tunnel::decode_innermost(record, frame, options.separation, fragments);
    }
    if ip.fragment != Fragment::Whole {
        layers::add(cut, fragments);
    }
    Ok(layers::packet(record, &cursor, &ip, &transport, network.vlan_id, 0))
}

/// Returns the identifiers around `packet`, which was decoded from `frame`.
#[cold]
pub fn identifiers(packet: &Packet, frame: &[u8]) -> Identifiers {
    tunnel::identifiers(packet, frame)
}

/// Returns the packets of an aggregated frame, whose error is [`DecodeError::Aggregated`], each as
/// a separate frame. Other frames have none.
#[cold]
pub fn split<'a>(record: &RawRecord, frame: &'a [u8]) -> Subframes<'a> {
    let mut cursor = Cursor::new(frame);
    if link::skip_to_network(record.link, &mut cursor) != Err(DecodeError::Aggregated) {
        cursor.skip(frame.len());
    }
    link::subframes(record, frame, &cursor)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use nfstream_testkit::strategies::{self, Piece, Plan};
    use proptest::prelude::*;

    use super::*;
    use crate::packet::{LinkType, narrow};
    use crate::time::Timestamp;

    /// Every supported link type, and an unsupported one.
    fn links() -> Vec<u16> {
        (0..1000).filter(|number| LinkType(*number).is_supported()).chain([147]).collect()
    }

    fn record(link: LinkType, frame: &[u8], wire_len: u32) -> RawRecord {
        let time = Timestamp::from_nanos(7);
        RawRecord { time, offset: 0, capture_len: narrow(frame.len()), wire_len, link }
    }

    /// Decodes a frame, and checks that exactly the fragments have an identity.
    fn decode_one(record: &RawRecord, frame: &[u8]) -> Result<Packet, DecodeError> {
        let mut fragments = Vec::new();
        let packet = decode(record, frame, Options::default(), &mut fragments)?;
        assert_eq!(fragments.len(), usize::from(packet.fragment != Fragment::Whole));
        Ok(packet)
    }

    fn check_offsets(packet: &Packet, frame: &[u8]) -> Result<(), TestCaseError> {
        let len = narrow(frame.len());
        prop_assert!(packet.ip_offset < packet.transport_offset);
        // Ports were captured; options and extension headers before other protocols may be cut.
        prop_assert!(packet.transport_offset < len || (packet.src.port, packet.dst.port) == (0, 0));
        prop_assert!(packet.transport_offset <= packet.payload_offset);
        // A transport header that the capture cuts ends after the frame, at most by its length.
        prop_assert!(packet.payload_offset <= packet.transport_offset + 1020);
        prop_assert!(packet.payload_len <= packet.ip_len);
        let (ip, payload) = (packet.ip_bytes(frame), packet.payload(frame));
        prop_assert!(!ip.is_empty() && ip.len() <= frame.len());
        prop_assert!(payload.len() <= ip.len());
        if !payload.is_empty() {
            prop_assert!(frame.as_ptr_range().contains(&payload.as_ptr()));
        }
        Ok(())
    }

    /// Returns the decoded ends in the form of a plan's.
    fn ends(packet: &Packet) -> [SocketAddr; 2] {
        [packet.src, packet.dst].map(|end| SocketAddr::new(end.ip(packet.version), end.port))
    }

    fn check_built(plan: &Plan) -> Result<(), TestCaseError> {
        let captured = plan.captured(nfstream_testkit::seconds(0));
        let frame = &captured.bytes;
        let record = record(LinkType(captured.link.0), frame, captured.wire_len);
        let packet = decode_one(&record, frame);
        prop_assert!(packet.is_ok(), "{:?}", packet);
        let packet = packet.unwrap();
        check_offsets(&packet, frame)?;
        prop_assert_eq!(ends(&packet), plan.ends());
        prop_assert_eq!(packet.version == 4, plan.src.is_ipv4());
        prop_assert_eq!(packet.protocol, plan.protocol);
        prop_assert_eq!(packet.vlan_id, plan.vlan_id());
        let fragment = match plan.piece {
            Piece::Whole => Fragment::Whole,
            Piece::First(_) => Fragment::First,
            Piece::Later(_) => Fragment::Later,
        };
        prop_assert_eq!(packet.fragment, fragment);
        if plan.src.is_ipv6() && plan.is_headers_alone() {
            // Padding cannot be distinguished from payload that the header does not count.
            return Ok(());
        }
        // The header of ICMP is not read: it counts as payload.
        let header_len = if plan.has_ports() { plan.transport_len() } else { 0 };
        let body_len = plan.transport_len() + plan.payload_len;
        prop_assert_eq!(packet.payload_len, narrow(body_len - header_len));
        prop_assert_eq!(packet.payload_offset - packet.transport_offset, narrow(header_len));
        let captured_end = frame.len() + plan.cut.min(plan.payload_len + plan.padding);
        prop_assert_eq!(packet.transport_offset, narrow(captured_end - plan.padding - body_len));
        Ok(())
    }

    proptest! {
        #[test]
        fn decode_takes_any_bytes(
            frame in prop::collection::vec(any::<u8>(), 0..200),
            link in prop::sample::select(links()),
            more in 0_u32..100,
        ) {
            let record = record(LinkType(link), &frame, narrow(frame.len()) + more);
            if let Ok(packet) = decode_one(&record, &frame) {
                check_offsets(&packet, &frame)?;
            }
        }

        /// Random bytes rarely get past the first header; damaged packets do.
        #[test]
        fn decode_takes_broken_packets(
            plan in strategies::plan(),
            breaks in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
            len in any::<prop::sample::Index>(),
            link in prop::sample::select(links()),
            keep_link in prop::bool::weighted(0.8),
        ) {
            let mut frame = plan.frame().build();
            let wire_len = narrow(frame.len());
            for (place, byte) in breaks {
                let place = place.index(frame.len());
                frame[place] = byte;
            }
            frame.truncate(len.index(frame.len() + 1));
            let link = if keep_link { plan.frame().link_type() } else { link };
            if let Ok(packet) = decode_one(&record(LinkType(link), &frame, wire_len), &frame) {
                check_offsets(&packet, &frame)?;
            }
        }

        #[test]
        fn decode_finds_what_was_built(plan in strategies::plan()) {
            check_built(&plan)?;
        }
    }

    #[test]
    fn decode_finds_every_numbered_plan() {
        for number in (0..Plan::NUMBERS).step_by(11) {
            let plan = Plan::numbered(number);
            check_built(&plan).unwrap_or_else(|error| panic!("{number}: {plan:?}: {error}"));
        }
    }

    #[test]
    fn other_columns_come_from_the_record() {
        let plan = Plan::numbered(0);
        let frame = plan.frame().build();
        let record = RawRecord { offset: 99, ..record(LinkType::ETHERNET, &frame, 1500) };
        let packet = decode_one(&record, &frame).unwrap();
        assert_eq!((packet.time, packet.wire_len), (record.time, 1500));
        assert_eq!((packet.frame_offset, packet.capture_len), (99, record.capture_len));
    }
}
