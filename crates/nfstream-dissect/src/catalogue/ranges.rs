//! Ranges of addresses or ports and the values they stand for; of several the narrowest counts.
//!
//! The build script fills a table and writes it out as constants; rules fill one at run time.

use std::borrow::Cow;
use std::net::IpAddr;
use std::str::FromStr;

/// Values of all numbers, as the places where the value changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ranges<'a, T: Clone> {
    /// First numbers of the ranges, in rising order.
    pub(crate) starts: Cow<'a, [T]>,
    /// Value of each range, zero for a gap.
    pub(crate) values: Cow<'a, [u16]>,
}

/// A range of numbers, both ends included.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Range {
    /// First number.
    pub(crate) first: u128,
    /// Last number.
    pub(crate) last: u128,
}

/// An IP network in CIDR form (RFC 4632, RFC 4291).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Cidr {
    address: IpAddr,
    length: u8,
}

/// Why a network cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum CidrError {
    /// Bits are set beyond the prefix; this is the network without them.
    HostBits(Cidr),
    /// The prefix is longer than the address.
    Length,
    /// The text has another form.
    Syntax,
}

impl<T: Copy + Ord> Ranges<'_, T> {
    /// Returns the value of `number`.
    pub(crate) fn find(&self, number: T) -> Option<u16> {
        let after = self.starts.partition_point(|&start| start <= number);
        let value = *self.values.get(after.checked_sub(1)?)?;
        (value != 0).then_some(value)
    }
}

impl<T: Copy + Ord + TryFrom<u128>> Ranges<'static, T> {
    /// Builds the table of `ranges`, no two of which may overlap unless one contains the other.
    ///
    /// Of ranges with the same ends the first counts.
    pub(crate) fn new(mut ranges: Vec<(Range, u16)>) -> Self {
        ranges.sort_by_key(|(range, _)| (range.first, std::cmp::Reverse(range.last)));
        ranges.dedup_by_key(|(range, _)| *range);
        let mut changes: Vec<(u128, u16)> = Vec::new();
        let mut open: Vec<(Range, u16)> = Vec::new();
        for &(range, value) in &ranges {
            close(&mut open, Some(range.first), &mut changes);
            change(&mut changes, range.first, value);
            open.push((range, value));
        }
        close(&mut open, None, &mut changes);
        // A change at a number that `T` lacks is the end of a range of all numbers.
        let changes = changes.into_iter().filter_map(|(n, v)| Some((T::try_from(n).ok()?, v)));
        let (starts, values): (Vec<T>, Vec<u16>) = changes.unzip();
        Self { starts: starts.into(), values: values.into() }
    }
}

/// Closes the ranges of `open` that end before `first`, all of them if there is no such number.
fn close(open: &mut Vec<(Range, u16)>, first: Option<u128>, changes: &mut Vec<(u128, u16)>) {
    while let Some(&(range, _)) = open.last() {
        if first.is_some_and(|first| first <= range.last) {
            return;
        }
        open.pop();
        if let Some(next) = range.last.checked_add(1) {
            change(changes, next, open.last().map_or(0, |&(_, value)| value));
        }
    }
}

/// Notes that `value` begins at `number`.
fn change(changes: &mut Vec<(u128, u16)>, number: u128, value: u16) {
    if changes.last().is_some_and(|&(last, _)| last == number) {
        changes.pop();
    }
    if changes.last().map_or(0, |&(_, last)| last) != value {
        changes.push((number, value));
    }
}

impl Cidr {
    /// Returns the addresses of the network as numbers.
    pub(crate) fn range(self) -> Range {
        let (first, bits) = match self.address {
            IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
            IpAddr::V6(address) => (address.to_bits(), 128),
        };
        let host_bits = bits - u32::from(self.length);
        Range { first, last: first | low_bits(host_bits) }
    }

    /// Returns whether the network is one of IPv4.
    pub(crate) const fn is_ipv4(self) -> bool {
        self.address.is_ipv4()
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    /// Reads `192.0.2.0/24`, `2001:db8::/32` or a single address.
    fn from_str(text: &str) -> Result<Self, CidrError> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| CidrError::Syntax)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
                digits.parse().map_err(|_| CidrError::Length)?
            }
            Some(_) => return Err(CidrError::Syntax),
            None => most,
        };
        if length > most {
            return Err(CidrError::Length);
        }
        let host = low_bits(u32::from(most - length));
        let network = match address {
            IpAddr::V4(address) => {
                let host = u32::try_from(host).expect("an IPv4 network has at most 32 host bits");
                IpAddr::V4((address.to_bits() & !host).into())
            }
            IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !host).into()),
        };
        let cidr = Self { address: network, length };
        if network == address { Ok(cidr) } else { Err(CidrError::HostBits(cidr)) }
    }
}

impl std::fmt::Display for Cidr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

/// Returns a number whose lowest `bits` bits are set.
fn low_bits(bits: u32) -> u128 {
    u128::MAX.checked_shr(128 - bits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range(first: u128, last: u128) -> Range {
        Range { first, last }
    }

    #[test]
    fn find_takes_the_narrowest_range() {
        let table: Ranges<'_, u16> =
            Ranges::new(vec![(range(10, 99), 1), (range(20, 29), 2), (range(25, 25), 3)]);
        let found: Vec<_> = [9, 10, 20, 25, 26, 30, 99, 100].map(|n| table.find(n)).into();
        let one = Some(1);
        assert_eq!(found, [None, one, Some(2), Some(3), Some(2), one, one, None]);
    }

    #[test]
    fn find_works_up_to_the_last_number() {
        let table: Ranges<'_, u16> = Ranges::new(vec![(range(0, 65_535), 1)]);
        assert_eq!((table.find(0), table.find(65_535)), (Some(1), Some(1)));
        let table: Ranges<'_, u128> = Ranges::new(vec![(range(0, u128::MAX), 1)]);
        assert_eq!((table.find(0), table.find(u128::MAX)), (Some(1), Some(1)));
        assert_eq!(Ranges::<'_, u32>::default().find(0), None);
    }

    #[test]
    fn cidr_reads_networks_and_addresses() {
        let read = |text: &str| text.parse::<Cidr>().unwrap();
        assert_eq!(read("192.0.2.0/24").range(), range(0xc000_0200, 0xc000_02ff));
        assert_eq!(read("192.0.2.1").range(), range(0xc000_0201, 0xc000_0201));
        assert_eq!(read("0.0.0.0/0").range(), range(0, 0xffff_ffff));
        assert_eq!(read("::/0").range(), range(0, u128::MAX));
        assert_eq!(read("::1/128").range(), range(1, 1));
        assert_eq!(read("2001:DB8::/32").to_string(), "2001:db8::/32");
    }

    #[test]
    fn cidr_refuses_everything_else() {
        let error = |text: &str| text.parse::<Cidr>().unwrap_err();
        assert_eq!(error("192.0.2.1/24"), CidrError::HostBits("192.0.2.0/24".parse().unwrap()));
        assert_eq!(error("2001:db8::1/32"), CidrError::HostBits("2001:db8::/32".parse().unwrap()));
        assert_eq!(error("192.0.2.0/33"), CidrError::Length);
        assert_eq!(error("::/129"), CidrError::Length);
        assert_eq!(error("::/999999"), CidrError::Length);
        assert_eq!(error("192.0.2.0/+4"), CidrError::Syntax);
        assert_eq!(error("192.0.2/24"), CidrError::Syntax);
        assert_eq!(error("192.0.2.0/"), CidrError::Length);
        assert_eq!(error(""), CidrError::Syntax);
    }

    proptest! {
        #[test]
        fn find_agrees_with_the_definition(
            list in proptest::collection::vec((any::<u8>(), 8_u32..=16, 1_u16..9), 0..20),
            numbers in proptest::collection::vec(any::<u16>(), 1..50),
        ) {
            let list: Vec<(Range, u16)> = list
                .into_iter()
                .map(|(byte, length, value)| {
                    let host = low_bits(16 - length);
                    let first = (u128::from(byte) << 8 | u128::from(byte)) & !host;
                    (range(first, first | host), value)
                })
                .collect();
            let table: Ranges<'_, u16> = Ranges::new(list.clone());
            for number in numbers {
                let wide = u128::from(number);
                let expected = list
                    .iter()
                    .filter(|(range, _)| range.first <= wide && wide <= range.last)
                    .min_by_key(|(range, _)| range.last - range.first)
                    .map(|&(_, value)| value);
                prop_assert_eq!(table.find(number), expected);
            }
        }
    }
}
