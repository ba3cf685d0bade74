//! Flows: keys, the flow table, and the rules that end flows. Independent of the measurements.

mod fragments;
mod key;
mod table;
mod tcp;
mod timeouts;

pub use fragments::FragmentTable;
pub use key::{Direction, FlowKey, KeyHasher, Sender, hash_of_addresses};
pub use table::{Entry, Flow, FlowTable, Slot};
pub use tcp::{Answer, Close, Connection, LATE_SYN, Opener, Segment, distance};
pub use timeouts::{EndReason, Note, StreamClock, Tick, Timeouts, Verdict, Wheel};
