//! X.509 certificates (RFC 5280), as far as they name their owner.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use sha1::{Digest, Sha1};
use sha2::Sha256;

use crate::read::{Reader, text};

/// A certificate of a server.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Certificate {
    /// Common name of the owner.
    pub common_name: Box<str>,
    /// Host names and addresses of the owner (subject alternative names), at most
    /// [`Certificate::MAX_NAMES`].
    pub names: Box<[Box<str>]>,
    /// Distinguished name of the owner, such as `C=US, O=Example, CN=example.com`.
    pub subject: Box<str>,
    /// Distinguished name of the issuer.
    pub issuer: Box<str>,
    /// Begin of the validity in seconds since 1970.
    pub not_before: i64,
    /// End of the validity in seconds since 1970.
    pub not_after: i64,
    /// SHA-1 of the certificate, `None` unless hashes are requested.
    pub sha1: Option<[u8; 20]>,
    /// SHA-256 of the certificate, `None` unless hashes are requested.
    pub sha256: Option<[u8; 32]>,
}

/// Whether hashes of a certificate are computed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Hashes {
    /// They are.
    Wanted,
    /// They stay `None`.
    Unwanted,
}

/// Tags of values (X.690).
mod tag {
    pub(super) const BOOLEAN: u8 = 0x01;
    pub(super) const INTEGER: u8 = 0x02;
    pub(super) const OCTET_STRING: u8 = 0x04;
    pub(super) const OID: u8 = 0x06;
    pub(super) const UTC_TIME: u8 = 0x17;
    pub(super) const GENERALIZED_TIME: u8 = 0x18;
    pub(super) const UNIVERSAL_STRING: u8 = 0x1c;
    pub(super) const BMP_STRING: u8 = 0x1e;
    pub(super) const SEQUENCE: u8 = 0x30;
    pub(super) const SET: u8 = 0x31;
    /// Of a certificate: the version.
    pub(super) const VERSION: u8 = 0xa0;
    /// Of a certificate: numbers of the issuer and the owner.
    pub(super) const ISSUER_ID: u8 = 0x81;
    pub(super) const SUBJECT_ID: u8 = 0x82;
    pub(super) const EXTENSIONS: u8 = 0xa3;
    /// Of a name: a host.
    pub(super) const DNS_NAME: u8 = 0x82;
    /// Of a name: an address.
    pub(super) const IP_ADDRESS: u8 = 0x87;
}

/// `subjectAltName`: 2.5.29.17.
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];
/// `commonName`: 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

impl Certificate {
    /// Names that are kept at most.
    pub const MAX_NAMES: usize = 32;

    /// Reads a certificate in DER.
    pub(super) fn read(der: &[u8], hashes: Hashes) -> Option<Self> {
        let mut certificate = Reader(sequence(&mut Reader(der))?);
        let mut signed = Reader(sequence(&mut certificate)?);
        optional(&mut signed, tag::VERSION);
        let _serial = value(&mut signed, tag::INTEGER)?;
        let _algorithm = sequence(&mut signed)?;
        let (issuer, _) = name(sequence(&mut signed)?);
        let mut validity = Reader(sequence(&mut signed)?);
        let not_before = time(&mut validity)?;
        let not_after = time(&mut validity)?;
        let (subject, common_name) = name(sequence(&mut signed)?);
        let _key = sequence(&mut signed)?;
        optional(&mut signed, tag::ISSUER_ID);
        optional(&mut signed, tag::SUBJECT_ID);
        let names = optional(&mut signed, tag::EXTENSIONS).and_then(alternative_names);
        let wanted = hashes == Hashes::Wanted;
        Some(Self {
            common_name: text(common_name.as_bytes()),
            names: names.unwrap_or_default(),
            subject: text(subject.as_bytes()),
            issuer: text(issuer.as_bytes()),
            not_before,
            not_after,
            sha1: wanted.then(|| Sha1::digest(der).into()),
            sha256: wanted.then(|| Sha256::digest(der).into()),
        })
    }
}

/// Returns tag and content of the next value.
fn next<'a>(reader: &mut Reader<'a>) -> Option<(u8, &'a [u8])> {
    let tag = reader.u8()?;
    let len = match reader.u8()? {
        short @ ..=0x7f => u32::from(short),
        0x81 => reader.u8()?.into(),
        0x82 => reader.u16()?.into(),
        0x83 => reader.u24()?,
        _ => return None,
    };
    Some((tag, reader.take(usize::try_from(len).ok()?)?))
}

/// Returns the content of the next value, which must have `tag`.
fn value<'a>(reader: &mut Reader<'a>, tag: u8) -> Option<&'a [u8]> {
    next(reader).filter(|(found, _)| *found == tag).map(|(_, content)| content)
}

fn sequence<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    value(reader, tag::SEQUENCE)
}

/// Returns the content of the next value if it has `tag`, otherwise leaves it.
fn optional<'a>(reader: &mut Reader<'a>, tag: u8) -> Option<&'a [u8]> {
    if reader.0.first() != Some(&tag) {
        return None;
    }
    value(reader, tag)
}

/// Returns a distinguished name as text, and the common name in it.
fn name(content: &[u8]) -> (String, String) {
    let mut all = String::with_capacity(128);
    let mut common = String::new();
    let mut sets = Reader(content);
    while let Some(set) = value(&mut sets, tag::SET) {
        let mut set = Reader(set);
        while let Some(pair) = sequence(&mut set) {
            let mut pair = Reader(pair);
            let Some(oid) = value(&mut pair, tag::OID) else { break };
            let Some((kind, content)) = next(&mut pair) else { break };
            if all.len() > crate::Metadata::MAX_TEXT {
                break;
            }
            let content = string(kind, content);
            if oid == COMMON_NAME {
                common.clear();
                common.push_str(&content);
            }
            let Some(label) = attribute(oid) else { continue };
            if !all.is_empty() {
                all.push_str(", ");
            }
            all.push_str(label);
            all.push('=');
            all.push_str(&content);
        }
    }
    (all, common)
}

/// Returns the short name of an attribute (RFC 4519).
fn attribute(oid: &[u8]) -> Option<&'static str> {
    Some(match oid {
        COMMON_NAME => "CN",
        [0x55, 0x04, 0x06] => "C",
        [0x55, 0x04, 0x07] => "L",
        [0x55, 0x04, 0x08] => "ST",
        [0x55, 0x04, 0x0a] => "O",
        [0x55, 0x04, 0x0b] => "OU",
        // emailAddress (PKCS #9) and domainComponent (RFC 4519).
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01] => "emailAddress",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19] => "DC",
        _ => return None,
    })
}

/// Returns the content of a string value as text.
fn string(kind: u8, content: &[u8]) -> Cow<'_, str> {
    let content = &content[..content.len().min(crate::Metadata::MAX_TEXT)];
    match kind {
        tag::BMP_STRING => {
            let units = content.as_chunks().0.iter().map(|unit| u16::from_be_bytes(*unit));
            char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{fffd}')).collect()
        }
        tag::UNIVERSAL_STRING => {
            let units = content.as_chunks().0.iter().map(|unit| u32::from_be_bytes(*unit));
            units.map(|unit| char::from_u32(unit).unwrap_or('\u{fffd}')).collect()
        }
        _ => String::from_utf8_lossy(content),
    }
}

/// Returns the names among extensions.
fn alternative_names(extensions: &[u8]) -> Option<Box<[Box<str>]>> {
    let mut extensions = Reader(sequence(&mut Reader(extensions))?);
    while let Some(extension) = sequence(&mut extensions) {
        let mut extension = Reader(extension);
        if value(&mut extension, tag::OID)? != ALTERNATIVE_NAMES {
            continue;
        }
        optional(&mut extension, tag::BOOLEAN);
        let content = value(&mut extension, tag::OCTET_STRING)?;
        let mut list = Reader(sequence(&mut Reader(content))?);
        let names =
            std::iter::from_fn(|| next(&mut list)).filter_map(|(kind, content)| match kind {
                tag::DNS_NAME => Some(text(content)),
                tag::IP_ADDRESS => address(content),
                _ => None,
            });
        return Some(names.take(Certificate::MAX_NAMES).collect());
    }
    None
}

fn address(content: &[u8]) -> Option<Box<str>> {
    let text = match content.len() {
        4 => Ipv4Addr::from(*content.first_chunk::<4>()?).to_string(),
        16 => Ipv6Addr::from(*content.first_chunk::<16>()?).to_string(),
        _ => return None,
    };
    Some(text.into())
}

/// Returns the next value, a time, in seconds since 1970.
fn time(reader: &mut Reader<'_>) -> Option<i64> {
    let (kind, digits) = next(reader)?;
    let mut digits = Reader(digits);
    let mut pair = || {
        let [tens, ones] = digits.take(2)?.first_chunk().copied()?;
        let digit = |byte: u8| char::from(byte).to_digit(10).map(i64::from);
        Some(digit(tens)? * 10 + digit(ones)?)
    };
    let year = match kind {
        tag::UTC_TIME => match pair()? {
            year @ 50.. => 1900 + year,
            year => 2000 + year,
        },
        tag::GENERALIZED_TIME => pair()? * 100 + pair()?,
        _ => return None,
    };
    let (month, day, hour, minute) = (pair()?, pair()?, pair()?, pair()?);
    let second = pair().unwrap_or(0);
    if !(1..=12).contains(&month) {
        return None;
    }
    Some((days(year, month, day) * 24 + hour) * 3600 + minute * 60 + second)
}

/// Returns the days from 1970-01-01 to a date of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that the day of a leap year comes last.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leaps + (month * 153 + 2) / 5 + day - 719_469
}
