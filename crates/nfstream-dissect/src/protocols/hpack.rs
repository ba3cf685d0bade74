//! HPACK (RFC 7541) for the first block of a connection: the static table and literals. Entries of
//! the dynamic table are skipped.

use std::borrow::Cow;

use crate::read::Reader;

/// A field that is of interest.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Field {
    /// `:authority`.
    Authority,
    /// `:method`.
    Method,
    /// `:path`.
    Path,
    /// `:status`.
    Status,
    /// `content-type`.
    ContentType,
    /// `server`.
    Server,
    /// `user-agent`.
    UserAgent,
    /// Any other.
    Other,
}

/// Longest string that is decoded.
const MAX_STRING: usize = 2048;
/// Fields of a block that are read.
const MAX_FIELDS: usize = 64;
/// End of string in the Huffman code.
const END: usize = 256;
const LONGEST_CODE: usize = 30;

/// Bits of the Huffman code of each byte and of the end (RFC 7541, appendix B). The code is
/// canonical: its lengths determine it.
#[rustfmt::skip]
const CODE_LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7,
    7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21,
    23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,
    21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];

/// The canonical code: by length, the first code and the place of its symbol in [`SYMBOLS`].
const FIRST_CODES: [(u32, usize, usize); LONGEST_CODE + 1] = first_codes();
/// Symbols in the order of their codes.
const SYMBOLS: [u16; 257] = symbols();

const fn first_codes() -> [(u32, usize, usize); LONGEST_CODE + 1] {
    let mut table = [(0, 0, 0); LONGEST_CODE + 1];
    let (mut code, mut place, mut len) = (0_u32, 0, 1);
    while len <= LONGEST_CODE {
        let mut count = 0;
        let mut symbol = 0;
        while symbol <= END {
            count += (CODE_LENGTHS[symbol] as usize == len) as usize;
            symbol += 1;
        }
        code <<= 1;
        table[len] = (code, place, count);
        code += count as u32;
        place += count;
        len += 1;
    }
    table
}

const fn symbols() -> [u16; 257] {
    let mut symbols = [0; 257];
    let (mut place, mut len) = (0, 1);
    while len <= LONGEST_CODE {
        let mut symbol = 0;
        while symbol <= END {
            if CODE_LENGTHS[symbol] as usize == len {
                symbols[place] = symbol as u16;
                place += 1;
            }
            symbol += 1;
        }
        len += 1;
    }
    symbols
}

/// Returns the fields of a block that are literal or in the static table.
pub(crate) fn fields(block: &[u8]) -> impl Iterator<Item = (Field, Cow<'_, [u8]>)> {
    let mut reader = Reader(block);
    std::iter::from_fn(move || field(&mut reader)).take(MAX_FIELDS)
}

fn field<'a>(reader: &mut Reader<'a>) -> Option<(Field, Cow<'a, [u8]>)> {
    loop {
        let first = reader.u8()?;
        let prefix = match first {
            0x80.. => {
                let index = integer(first, 7, reader)?;
                return Some((static_name(index), Cow::Borrowed(static_value(index))));
            }
            0x40..=0x7f => 6,
            0x20..=0x3f => {
                integer(first, 5, reader)?;
                continue;
            }
            _ => 4,
        };
        let name = match integer(first, prefix, reader)? {
            0 => literal_name(&string(reader)?),
            index => static_name(index),
        };
        return Some((name, string(reader)?));
    }
}

/// Reads an integer with a prefix of `bits` bits (section 5.1).
fn integer(first: u8, bits: u32, reader: &mut Reader<'_>) -> Option<usize> {
    let mask = (1_u8 << bits) - 1;
    let mut value = usize::from(first & mask);
    if first & mask < mask {
        return Some(value);
    }
    for shift in [0, 7, 14] {
        let byte = reader.u8()?;
        value += usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn string<'a>(reader: &mut Reader<'a>) -> Option<Cow<'a, [u8]>> {
    let first = reader.u8()?;
    let len = integer(first, 7, reader)?;
    let bytes = reader.take(len)?;
    if first & 0x80 == 0 { Some(Cow::Borrowed(bytes)) } else { Some(Cow::Owned(huffman(bytes)?)) }
}

/// Decodes a string in the Huffman code; `None` if it is damaged.
fn huffman(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity((bytes.len() * 8 / 5).min(MAX_STRING));
    let (mut code, mut len) = (0_u32, 0);
    for bit in bytes.iter().flat_map(|byte| (0..8).rev().map(move |place| byte >> place & 1)) {
        code = code << 1 | u32::from(bit);
        len += 1;
        let &(first, place, count) = FIRST_CODES.get(len)?;
        let Some(offset) = code.checked_sub(first).and_then(|offset| usize::try_from(offset).ok())
        else {
            continue;
        };
        if offset < count {
            let symbol = *SYMBOLS.get(place + offset)?;
            // The end of string never stands in one.
            text.push(u8::try_from(symbol).ok()?);
            if text.len() >= MAX_STRING {
                break;
            }
            (code, len) = (0, 0);
        }
    }
    Some(text)
}

fn static_name(index: usize) -> Field {
    match index {
        1 => Field::Authority,
        2 | 3 => Field::Method,
        4 | 5 => Field::Path,
        8..=14 => Field::Status,
        31 => Field::ContentType,
        54 => Field::Server,
        58 => Field::UserAgent,
        _ => Field::Other,
    }
}

fn static_value(index: usize) -> &'static [u8] {
    match index {
        2 => b"GET",
        3 => b"POST",
        4 => b"/",
        5 => b"/index.html",
        8 => b"200",
        9 => b"204",
        10 => b"206",
        11 => b"304",
        12 => b"400",
        13 => b"404",
        14 => b"500",
        _ => b"",
    }
}

fn literal_name(name: &[u8]) -> Field {
    match name {
        b":authority" => Field::Authority,
        b":method" => Field::Method,
        b":path" => Field::Path,
        b":status" => Field::Status,
        b"content-type" => Field::ContentType,
        b"server" => Field::Server,
        b"user-agent" => Field::UserAgent,
        _ => Field::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(block: &[u8]) -> Vec<(Field, String)> {
        fields(block)
            .map(|(field, value)| (field, String::from_utf8_lossy(&value).into_owned()))
            .collect()
    }

    #[test]
    fn examples_of_the_standard_are_read() {
        // Sections C.3.1 and C.4.1: the same request without and with the Huffman code.
        let expected = [
            (Field::Method, "GET".to_owned()),
            (Field::Other, String::new()),
            (Field::Path, "/".to_owned()),
            (Field::Authority, "www.example.com".to_owned()),
        ];
        assert_eq!(read(b"\x82\x86\x84\x41\x0fwww.example.com"), expected);
        let coded = b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
        assert_eq!(read(coded), expected);
    }

    #[test]
    fn damaged_blocks_end() {
        assert_eq!(read(b"\x41\x8cabc"), []);
        assert_eq!(read(b"\x41\xff\xff\xff\xff\xff"), []);
    }
}
