//! Names of applications from the first packets of their flows, in safe Rust.

#![forbid(unsafe_code)]

pub mod catalogue;
mod label;

pub use label::{Category, ProtocolId};
