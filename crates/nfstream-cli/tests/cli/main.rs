//! Command line as called by users and by other programs, compared with `tests/snapshots`.
//!
//! Tests with labels in their snapshots need the feature `ndpi`.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod embedded;
mod files;
mod flows;
mod folder;
mod others;
mod queries;
mod reports;
#[cfg(target_os = "linux")]
mod sandbox;
mod untrusted;
