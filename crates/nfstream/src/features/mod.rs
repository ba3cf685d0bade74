//! What is measured of a flow, one measurement a file, and the table of columns.

mod accounting;
mod application;
mod columns;
mod community_id;
mod direction_times;
mod inter_arrival;
mod link_addresses;
mod measures;
mod packet_size;
mod payload;
mod record;
mod schema;
mod splt;
mod statistics;
mod tcp_flags;
mod tcp_quality;
mod v6;
mod volume;

pub use accounting::Accounting;
pub use application::{Application, Label, Metadata, Nameless, Names, Tls};
pub use columns::{COLUMNS, Column, Group, Read, Value, columns};
pub use direction_times::DirectionTimes;
pub use inter_arrival::InterArrival;
pub use link_addresses::LinkAddresses;
pub use measures::{Measures, Measuring, Plan};
pub use packet_size::PacketSize;
pub use payload::Payload;
pub use record::Record;
pub use schema::Schema;
pub use splt::{Splt, SpltPacket};
pub use statistics::Moments;
pub use tcp_flags::TcpFlagCounts;
pub use tcp_quality::TcpQuality;
pub use v6::{V6Columns, ip_text as v6_ip_text};
pub use volume::Volume;
