//! Addresses that the Internet does not reach.

use std::net::{IpAddr, Ipv6Addr};

/// Returns whether an address is unreachable from the Internet: private (RFC 1918, RFC 4193),
/// link-local or loopback.
pub(super) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            address.is_private() || address.is_link_local() || address.is_loopback()
        }
        IpAddr::V6(address) => is_private_v6(address),
    }
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    address.is_unique_local()
        || address.is_unicast_link_local()
        || address.is_loopback()
        || address.to_ipv4_mapped().is_some_and(|address| is_private(address.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_those_of_no_public_network() {
        let is_private = |text: &str| is_private(text.parse().unwrap());
        for text in [
            "10.1.2.3",
            "172.31.0.1",
            "192.168.1.1",
            "127.0.0.1",
            "169.254.0.9",
            "fd00::1",
            "fe80::1",
            "::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(is_private(text), "{text}");
        }
        for text in ["8.8.8.8", "172.32.0.1", "2001:db8::1", "::ffff:8.8.8.8"] {
            assert!(!is_private(text), "{text}");
        }
    }
}
