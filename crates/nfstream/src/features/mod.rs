//! Measurements of flows: one a file, with its columns, and one registry.
//!
//! A new group of columns is a file in this folder and a line in the registry below. The file holds
//! `GROUP`, the [`Declaration`] of its columns, and `State`, its state for each flow.

mod accounting;
mod active;
mod boxed;
mod bulks;
mod cesnet_state;
mod cic_state;
mod column;
mod first_bytes;
mod group;
mod headings;
mod ip_text;
mod label;
mod masking;
mod measurement;
mod metadata;
mod moments;
mod nearest;
mod nettisa;
mod packet_shape;
mod place;
mod record;
#[macro_use]
mod registry;
mod sample;
mod schema;
mod sent;
mod volume;

registry! {
    Base: base,
    Application: application,
    Directions: directions,
    Mac: mac,
    Tunnel: tunnel,
    Network: network,
    Statistics: statistics,
    TcpFlags: tcp_flags,
    Splt: splt,
    Dissection: dissection,
    EndReason: end_reason,
    CommunityId: community_id,
    Payload: payload,
    History: history,
    TcpQuality: tcp_quality,
    Tls: tls,
    Quic: quic,
    Dns: dns,
    Http: http,
    Ssh: ssh,
    Dhcp: dhcp,
    GeoIp: geoip,
    SystemProcess: system_process,
    RecordKind: record_kind,
    Cic: cic,
    Cesnet: cesnet,
    SpltTcp: splt_tcp,
    PacketBytes: packet_bytes,
    RawPacketBytes: raw_packet_bytes,
    GroundTruth: ground_truth,
    Measured: measured,
    Scored: scored,
    ShardOrder: shard_order,
}

use crate::flow::{Close, Connection, Direction, Opener, Segment};

pub use accounting::Accounting;
pub use active::{ActiveMeasures, RecordPool, SpareMeasures};
pub use column::{Column, Declared, Integers, Kind, Read, Role, Value, columns};
pub(crate) use column::{ReadAll, instant_ticks, span_ticks};
pub use group::{Declaration, Presence, Shorthand};
pub use headings::Headings;
pub use label::{Application, Confidence, Label, Nameless, Names};
pub use mac::LinkAddresses;
pub use measured::{FIELDS, Field, Output, Program, Scalar};
pub use measurement::{Measuring, Plan};
pub use metadata::{Dhcp, Dns, Http, Metadata, Quic, Ssh, Tls};
pub use moments::Moments;
pub use nearest::nearest;
pub use packet_shape::PacketShape;
pub use place::Place;
pub use record::{Record, RecordKind};
pub use sample::Sample;
pub use schema::{Lengths, Schema};
pub use scored::{Score, ScoreError, Scored, Scorer};
pub use volume::Volume;

pub(crate) use group::Groups;
pub(crate) use measured::{
    Finish, Items, Operator, Part, Reading, Register, Result, Source, Step, Update, cell,
};
use measurement::Measurement;

impl Measures {
    /// Returns how the flow's connection was closed, `None` while it is open or not tracked.
    #[inline]
    pub fn close(&self) -> Option<Close> {
        self.connection.close()
    }

    /// Returns a segment of the flow as an opener if it may open another connection.
    pub fn opener(&self, direction: Direction, segment: &Segment) -> Option<Opener> {
        self.connection.opener(direction, segment)
    }
}
