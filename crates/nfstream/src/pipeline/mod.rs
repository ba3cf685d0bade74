//! From a source to records in their final order: decoding, meters, merge.
//!
//! The only module that knows every stage. With one meter all work is done in the caller's thread;
//! with several, a reader, decoders and meters run in separate threads and the caller's thread
//! merges their results. Both return the same records in the same order.

mod active;
mod blocks;
mod config;
mod decoder;
mod decoding;
mod dispatch;
mod duplicates;
mod error;
mod feed;
mod front;
mod intake;
mod merge;
#[cfg(all(shuttle, test))]
mod model;
mod outcome;
mod run;
mod shared;
mod single;
mod stats;
mod sync;
mod tally;
mod threads;
mod ticks;
mod turns;
mod warning;
mod worker;

pub use active::{ActiveError, ActiveFlow, ActiveFlows, FlowPlace};
pub use blocks::{BlockError, BlockSource, BlockWriter, Cut, Piece};
pub use config::{Config, Dialect, Rules, suitable_meters};
pub use duplicates::Duplicates;
pub use error::{ConfigError, RunError};
pub use run::{Run, Step};
pub use shared::{Monitor, StopHandle};
pub use stats::{Ignored, Stats};
pub use warning::Warning;
