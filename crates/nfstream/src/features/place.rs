//! The place of an address: country and autonomous system.
//!
//! Only the type; [`geoip`](crate::geoip) finds places.

/// Facts about an address in databases.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Place {
    /// ISO 3166 code of the country, empty if unknown.
    pub country: String,
    /// Number of the autonomous system, 0 if unknown (RFC 7607 reserves it).
    pub asn: u32,
    /// Organization of the autonomous system, empty if unknown.
    pub as_name: String,
}
