//! A rule, and the flows that it matches.

use std::net::IpAddr;
use std::sync::Arc;

use crate::packet::Subnet;
use crate::time::Timestamp;

/// Properties of a flow that rules test.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    /// Addresses and ports of source and destination.
    pub ends: [(IpAddr, u16); 2],
    /// IP protocol.
    pub protocol: u8,
    /// Time of the first packet.
    pub first: Timestamp,
    /// Time of the last packet.
    pub last: Timestamp,
}

/// Rule: a label, and the properties of its flows. `None` matches everything.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// Line in the file, from 1.
    pub(super) line: u64,
    pub(super) subnets: [Option<Subnet>; 2],
    pub(super) ports: [Option<u16>; 2],
    pub(super) protocol: Option<u8>,
    pub(super) start: Option<Timestamp>,
    pub(super) end: Option<Timestamp>,
    pub(super) label: Arc<str>,
}

impl Rule {
    /// Returns whether the rule matches a flow, apart from times.
    pub(super) fn fits(&self, flow: &Subject) -> bool {
        let [source, destination] = flow.ends;
        self.protocol.is_none_or(|protocol| protocol == flow.protocol)
            && (self.fits_ends([source, destination]) || self.fits_ends([destination, source]))
    }

    /// Returns whether the time from the first packet of a flow to the last overlaps the interval
    /// of the rule, both ends included.
    pub(super) fn covers(&self, flow: &Subject) -> bool {
        self.start.is_none_or(|start| start <= flow.last)
            && self.end.is_none_or(|end| flow.first <= end)
    }

    fn fits_ends(&self, ends: [(IpAddr, u16); 2]) -> bool {
        ends.iter().zip(self.subnets.iter().zip(self.ports)).all(|((address, port), rule)| {
            let (subnet, of_rule) = rule;
            subnet.is_none_or(|subnet| subnet.contains(*address))
                && of_rule.is_none_or(|of_rule| of_rule == *port)
        })
    }
}
