//! What only the compatibility with nfstream 6 needs: its decoder, its rules of a flow's life, its
//! columns.

mod columns;
mod decode;
mod rules;

pub use columns::{Nfstream6Columns, ip_text};
pub(crate) use decode::decode;
pub use decode::mac_addresses;
pub use rules::{Births, Rules, RunClock};
