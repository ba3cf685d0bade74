//! Flows: keys, the flow table, and the rules that end flows. Independent of the measurements.

mod clock;
mod fragments;
mod key;
mod sharding;
mod table;
mod tcp;
mod timeouts;

pub use clock::{Mark, Marks, StreamClock, Tick};
pub use fragments::FragmentTable;
pub use key::{Direction, FlowKey, KeyHasher, SHARD_HASH, Sender, hash_of_addresses, shard};
pub use sharding::Sharding;
pub use table::{Entry, Flow, FlowTable, Slot};
pub use tcp::{Answer, Close, Connection, LATE_SYN, Opener, Segment, distance};
pub use timeouts::{EndReason, Note, Timeouts, Verdict, Wheel};
