//! Networks of addresses with a common prefix.

use std::net::IpAddr;

/// Addresses with a common prefix.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Subnet {
    address: IpAddr,
    prefix: u32,
}

impl Subnet {
    /// Parses `10.0.0.0/8`, `2001:db8::/32`, or a single address.
    pub(crate) fn parse(text: &str) -> Option<Self> {
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

    /// Returns the address of a network that has only one.
    pub(crate) fn single(self) -> Option<IpAddr> {
        let bits = if self.address.is_ipv4() { 32 } else { 128 };
        (self.prefix == bits).then_some(self.address)
    }

    /// Returns whether an address is in the network.
    pub(crate) fn contains(self, address: IpAddr) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_the_addresses_of_their_prefix() {
        let is_in = |address: &str, network: &str| {
            Subnet::parse(network).unwrap().contains(address.parse().unwrap())
        };
        assert!(is_in("10.255.0.1", "10.0.0.0/8"));
        assert!(!is_in("11.0.0.1", "10.0.0.0/8"));
        assert!(is_in("11.0.0.1", "0.0.0.0/0"));
        assert!(is_in("2001:db8:1::1", "2001:db8::/32"));
        assert!(!is_in("2001:db9::1", "2001:db8::/32"));
        assert!(!is_in("::1", "0.0.0.0/0"));
        assert!(is_in("192.0.2.7", "192.0.2.7"));
        for text in ["10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/+8", "10.0.0.0/", "/8", ""] {
            assert_eq!(Subnet::parse(text), None, "{text}");
        }
    }

    #[test]
    fn some_networks_have_one_address() {
        let single = |text: &str| Subnet::parse(text).unwrap().single();
        let address = |text: &str| Some(text.parse().unwrap());
        assert_eq!(single("192.0.2.7/32"), address("192.0.2.7"));
        assert_eq!(single("::1"), address("::1"));
        assert_eq!(single("192.0.2.0/31"), None);
    }
}
