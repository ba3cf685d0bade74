//! Networks for conditions on addresses.

use std::net::{IpAddr, Ipv6Addr};

/// Addresses with a common prefix.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    /// Parses `10.0.0.0/8`, `2001:db8::/32`, or a single address.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            // `parse` accepts a sign.
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok().filter(|prefix| *prefix <= bits)?
            }
            Some(_) => return None,
            None => bits,
        };
        Some(Self { address, prefix })
    }

    /// Returns whether an address is in the network.
    pub(super) fn contains(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= self.prefix
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= self.prefix
            }
            _ => false,
        }
    }
}

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
    fn networks_hold_the_addresses_of_their_prefix() {
        let is_in = |address: &str, network: &str| {
            Network::parse(network).unwrap().contains(address.parse().unwrap())
        };
        assert!(is_in("10.255.0.1", "10.0.0.0/8"));
        assert!(!is_in("11.0.0.1", "10.0.0.0/8"));
        assert!(is_in("11.0.0.1", "0.0.0.0/0"));
        assert!(is_in("2001:db8:1::1", "2001:db8::/32"));
        assert!(!is_in("2001:db9::1", "2001:db8::/32"));
        assert!(!is_in("::1", "0.0.0.0/0"));
        assert!(is_in("192.0.2.7", "192.0.2.7"));
        for text in ["10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/+8", "10.0.0.0/", "/8", ""] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }

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
