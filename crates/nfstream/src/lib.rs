//! nfstream: network packets in, labelled flow tables out.
//!
//! ```no_run
//! use nfstream::{Config, Run, Step, capture};
//!
//! let source = capture::open(&["capture.pcap".into()])?;
//! let mut run = Run::new(Box::new(source), &Config::default())?;
//! loop {
//!     match run.advance()? {
//!         Step::Records(records) => println!("{} flows", records.len()),
//!         Step::Last(records) => break println!("{} flows, the last", records.len()),
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A packet passes through [`capture`], [`decode`], [`flow`], [`features`] and [`dissect`]; its
//! flow leaves through [`table`] and [`sink`]. A module uses only those before it in this list;
//! [`pipeline`] is the one place that knows them all.

#![forbid(unsafe_code)]

pub mod capture;
#[cfg(feature = "where")]
pub mod condition;
pub mod decode;
pub mod dissect;
pub mod extract;
pub mod features;
pub mod flow;
pub mod geoip;
pub mod ground_truth;
pub mod host;
#[cfg(feature = "where")]
pub mod measure;
pub mod meter;
#[cfg(feature = "nfstream6")]
pub mod nfstream6;
pub mod packet;
pub mod parameters;
pub mod pipeline;
pub mod report;
pub mod score;
pub mod sink;
pub mod table;
pub mod time;

/// Cargo features of this build, in alphabetical order and separated by commas.
pub const FEATURES: &str = env!("NFSTREAM_FEATURES");

pub use pipeline::{
    ActiveFlows, Config, ConfigError, Dialect, Monitor, Rules, Run, RunError, Stats, Step,
    StopHandle,
};
