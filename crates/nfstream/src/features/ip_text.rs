//! Text of IP addresses, which are half of the text of a table, without the standard library's
//! formatter.

use std::net::Ipv6Addr;

/// Digits in lower case (RFC 5952, section 4.3).
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Appends an IPv4 address in dotted decimal.
pub(super) fn push_v4(octets: [u8; 4], text: &mut String) {
    for (place, octet) in octets.into_iter().enumerate() {
        if place > 0 {
            text.push('.');
        }
        if octet >= 100 {
            text.push(char::from(b'0' + octet / 100));
        }
        if octet >= 10 {
            text.push(char::from(b'0' + octet / 10 % 10));
        }
        text.push(char::from(b'0' + octet % 10));
    }
}

/// Appends an IPv6 address as RFC 5952 recommends, with mapped IPv4 addresses in dotted decimal.
pub(super) fn push_v6(addr: Ipv6Addr, text: &mut String) {
    if let Some(mapped) = addr.to_ipv4_mapped() {
        text.push_str("::ffff:");
        return push_v4(mapped.octets(), text);
    }
    let segments = addr.segments();
    let zeros = longest_zeros(&segments);
    for (place, segment) in segments.into_iter().enumerate() {
        if zeros.contains(&place) {
            if place == zeros.start {
                text.push_str("::");
            }
            continue;
        }
        if place > 0 && place != zeros.end {
            text.push(':');
        }
        push_hex(segment, text);
    }
}

/// Returns the places of the longest run of zeros, the first if several are equal; a single zero
/// is not a run.
fn longest_zeros(segments: &[u16; 8]) -> std::ops::Range<usize> {
    let mut longest = 0..0;
    let mut start = 0;
    for (place, &segment) in segments.iter().enumerate() {
        if segment != 0 {
            start = place + 1;
        } else if place + 1 - start > longest.len().max(1) {
            longest = start..place + 1;
        }
    }
    longest
}

/// Appends a segment without leading zeros.
fn push_hex(segment: u16, text: &mut String) {
    for shift in [12, 8, 4, 0] {
        if shift == 0 || segment >> shift != 0 {
            let digit = DIGITS[usize::from(segment >> shift & 0xF)];
            text.push(char::from(digit));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    fn v6(segments: [u16; 8]) -> String {
        let mut text = String::new();
        push_v6(Ipv6Addr::from(segments), &mut text);
        text
    }

    proptest! {
        #[test]
        fn ipv4_addresses_read_as_the_standard_library_writes_them(octets: [u8; 4]) {
            let mut text = String::new();
            push_v4(octets, &mut text);
            prop_assert_eq!(text, Ipv4Addr::from(octets).to_string());
        }

        #[test]
        fn ipv6_addresses_read_as_the_standard_library_writes_them(
            segments in prop::array::uniform8(prop_oneof![Just(0), 0..0x20u16, any::<u16>()]),
        ) {
            prop_assert_eq!(v6(segments), Ipv6Addr::from(segments).to_string());
        }
    }

    #[test]
    fn every_place_of_zeros_is_shortened_as_rfc_5952_recommends() {
        for zeros in 0..=u8::MAX {
            let segments =
                std::array::from_fn(|place| if zeros >> place & 1 == 1 { 0 } else { 0xA0 });
            assert_eq!(v6(segments), Ipv6Addr::from(segments).to_string());
        }
        assert_eq!(v6([0, 0, 0, 0, 0, 0xFFFF, 0xC000, 0x201]), "::ffff:192.0.2.1");
        assert_eq!(v6([0x2001, 0xDB8, 0, 1, 1, 1, 1, 1]), "2001:db8:0:1:1:1:1:1");
    }
}
