//! The command line as users and other programs call it, compared with `tests/snapshots`.
//!
//! Tests whose snapshots hold labels need the feature `ndpi`.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod embedded;
mod flows;
mod folder;
mod others;
#[cfg(target_os = "linux")]
mod sandbox;
