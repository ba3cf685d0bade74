//! JA3, JA3S and JA4 fingerprints of hellos.

use std::fmt::Write;

use md5::{Digest, Md5};
use sha2::Sha256;

use super::hello::{
    ALPN, ClientHello, SERVER_NAME, ServerHello, extensions, is_grease, numbers, protocols,
};

/// Carrier of a hello: the first character of JA4.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Carrier {
    /// TLS over TCP.
    Tls,
    /// QUIC.
    Quic,
    /// DTLS.
    Dtls,
}

/// Hexadecimal digits of a hash in JA4.
const JA4_HASH: usize = 12;
const DIGITS: &[u8; 16] = b"0123456789abcdef";
/// The numbers below 100 in two decimal digits.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < pairs.len() {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// Returns the JA3 of a client's hello: the MD5 of its version, cipher suites, extensions, groups
/// and point formats in decimal.
pub(crate) fn ja3(hello: &ClientHello<'_>) -> Box<str> {
    let mut list = Vec::with_capacity(512);
    push_number(&mut list, hello.version, b',');
    push_decimal(&mut list, numbers(hello.ciphers));
    push_decimal(&mut list, extensions(hello.extensions).map(|(number, _)| number));
    push_decimal(&mut list, numbers(hello.groups));
    push_decimal(&mut list, hello.point_formats.iter().map(|format| u16::from(*format)));
    list.pop();
    hex(Md5::digest(list).into())
}

/// Returns the JA3S of a server's hello: the MD5 of its version, cipher suite and extensions in
/// decimal.
pub(crate) fn ja3s(hello: &ServerHello<'_>) -> Box<str> {
    let mut list = Vec::with_capacity(128);
    push_number(&mut list, hello.legacy_version, b',');
    push_number(&mut list, hello.cipher, b',');
    push_decimal(&mut list, extensions(hello.extensions).map(|(number, _)| number));
    list.pop();
    hex(Md5::digest(list).into())
}

/// Returns the JA4 of a client's hello, after FoxIO's description of JA4.
pub(crate) fn ja4(hello: &ClientHello<'_>, carrier: Carrier) -> Box<str> {
    let mut ciphers = Vec::with_capacity(hello.ciphers.len() / 2);
    ciphers.extend(numbers(hello.ciphers).filter(|number| !is_grease(*number)));
    let mut count = 0_usize;
    let mut named = false;
    let mut hashed = Vec::with_capacity(32);
    for (number, _) in extensions(hello.extensions).filter(|(number, _)| !is_grease(*number)) {
        count += 1;
        match number {
            SERVER_NAME => named = true,
            ALPN => {}
            _ => hashed.push(number),
        }
    }
    let mut ja4 = String::with_capacity(36);
    ja4.push(match carrier {
        Carrier::Tls => 't',
        Carrier::Quic => 'q',
        Carrier::Dtls => 'd',
    });
    ja4.push_str(version(hello));
    ja4.push(if named { 'd' } else { 'i' });
    let _ = write!(ja4, "{:02}{:02}", ciphers.len().min(99), count.min(99));
    let [first, last] = alpn(hello.alpn);
    ja4.push(first);
    ja4.push(last);
    ciphers.sort_unstable();
    hashed.sort_unstable();
    ja4.push('_');
    push_hash(&mut ja4, &ciphers, &[]);
    ja4.push('_');
    let mut algorithms = Vec::with_capacity(hello.signature_algorithms.len() / 2);
    algorithms.extend(numbers(hello.signature_algorithms).filter(|number| !is_grease(*number)));
    push_hash(&mut ja4, &hashed, &algorithms);
    ja4.into()
}

/// Returns the highest version that a client offers in two characters.
fn version(hello: &ClientHello<'_>) -> &'static str {
    // Versions of DTLS count downwards.
    let rank = |version: &u16| if *version >= 0xfe00 { u16::MAX - *version } else { *version };
    let highest = numbers(hello.versions).filter(|version| !is_grease(*version)).max_by_key(rank);
    match highest.unwrap_or(hello.version) {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        0xfeff => "d1",
        0xfefd => "d2",
        0xfefc => "d3",
        _ => "00",
    }
}

/// Returns the first and the last character of the first application protocol; of its hexadecimal
/// form if one of them is neither letter nor digit.
fn alpn(list: &[u8]) -> [char; 2] {
    let Some(protocol) = protocols(list).next() else { return ['0', '0'] };
    let (Some(first), Some(last)) = (protocol.first(), protocol.last()) else {
        return ['0', '0'];
    };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return [char::from(*first), char::from(*last)];
    }
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    [digit(first >> 4), digit(last & 0x0f)]
}

/// Appends the numbers in decimal, joined by dashes and without decoys, and a comma.
fn push_decimal(list: &mut Vec<u8>, numbers: impl Iterator<Item = u16>) {
    let start = list.len();
    for number in numbers.filter(|number| !is_grease(*number)) {
        push_number(list, number, b'-');
    }
    if list.len() > start {
        list.pop();
    }
    list.push(b',');
}

/// Appends a number in decimal and a separator: several times faster than the formatter, and a
/// hello has dozens of numbers.
fn push_number(list: &mut Vec<u8>, number: u16, separator: u8) {
    let pair = |number: u16| PAIRS[usize::from(number % 100)];
    let ([_, first], [second, third], [fourth, fifth]) =
        (pair(number / 10_000), pair(number / 100), pair(number));
    let digits = [first, second, third, fourth, fifth, separator, 0, 0];
    let zeros: u32 = match number {
        10_000.. => 0,
        1000.. => 1,
        100.. => 2,
        10.. => 3,
        _ => 4,
    };
    // A copy of constant length, of which the rest is dropped.
    list.extend_from_slice(&(u64::from_le_bytes(digits) >> (8 * zeros)).to_le_bytes());
    list.truncate(list.len() - 2 - usize::try_from(zeros).unwrap_or(0));
}

/// Appends the beginning of the SHA-256 of two lists in hexadecimal; zeros if the first is empty.
fn push_hash(ja4: &mut String, list: &[u16], then: &[u16]) {
    if list.is_empty() {
        ja4.extend(std::iter::repeat_n('0', JA4_HASH));
        return;
    }
    let mut text = Vec::with_capacity((list.len() + then.len()) * 5);
    push_list(&mut text, list);
    if !then.is_empty() {
        text.push(b'_');
        push_list(&mut text, then);
    }
    push_hex(ja4, &Sha256::digest(text)[..JA4_HASH / 2]);
}

/// Appends numbers in hexadecimal, joined by commas.
fn push_list(text: &mut Vec<u8>, numbers: &[u16]) {
    for (place, number) in numbers.iter().enumerate() {
        if place > 0 {
            text.push(b',');
        }
        let digit = |shift: u32| DIGITS[usize::from(number >> shift & 0x0f)];
        text.extend_from_slice(&[digit(12), digit(8), digit(4), digit(0)]);
    }
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 0x0f)]));
    }
}

/// Returns a hash in lower-case hexadecimal.
fn hex(bytes: [u8; 16]) -> Box<str> {
    let mut text = [0; 32];
    for (digits, byte) in text.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
        *digits = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0x0f)]];
    }
    std::str::from_utf8(&text).unwrap_or_default().into()
}
