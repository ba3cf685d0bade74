//! Compatibility with nfstream 6: its decoder, its life cycle of flows, its columns.

mod columns;
mod decode;
mod lifecycle;

pub use columns::{Nfstream6Columns, ip_text};
pub use decode::{decode, keyed, link_addresses};
pub use lifecycle::Nfstream6;
