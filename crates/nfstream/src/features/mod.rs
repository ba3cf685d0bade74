//! What is measured of a flow, one measurement a file, and the table of columns.

mod accounting;
mod active;
mod application;
mod columns;
mod community_id;
mod direction_times;
mod group;
mod link_addresses;
mod measures;
mod moments;
mod payload;
mod record;
mod schema;
mod splt;
mod statistics;
mod tcp_flags;
mod tcp_quality;
mod volume;

pub use accounting::Accounting;
pub use active::{ActiveMeasures, RecordPool, SpareMeasures};
pub use application::{Application, Label, Metadata, Nameless, Names, Tls};
pub use columns::{COLUMNS, Column, Items, Read, Value, columns};
pub use direction_times::DirectionTimes;
pub use group::Group;
pub use link_addresses::LinkAddresses;
pub use measures::{Details, Measures, Measuring, Plan, Sample};
pub use moments::Moments;
pub use payload::Payload;
pub use record::Record;
pub use schema::Schema;
pub use splt::{Splt, SpltPacket};
pub use statistics::Statistics;
pub use tcp_flags::TcpFlagCounts;
pub use tcp_quality::TcpQuality;
pub use volume::Volume;
