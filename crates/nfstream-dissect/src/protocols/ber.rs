//! BER and DER (ITU-T X.690): elements of a tag, a length and contents.

use crate::read::Reader;

/// Tag of an integer.
pub(crate) const INTEGER: u8 = 2;
/// Tag of a string of bytes.
pub(crate) const OCTETS: u8 = 4;
/// Tag of a sequence.
pub(crate) const SEQUENCE: u8 = 0x30;

/// The beginning of an element.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Header {
    /// Tag, bytes of tag and length, bytes of contents.
    Whole {
        /// Tag, always of one byte.
        tag: u8,
        /// Bytes before the contents.
        header: usize,
        /// Bytes of the contents.
        len: usize,
    },
    /// The bytes end too early.
    Short,
    /// The length has no definite form of at most four bytes.
    Invalid,
}

/// Reads the tag and length at the start of `bytes`.
pub(crate) fn header(bytes: &[u8]) -> Header {
    let [tag, first, ..] = *bytes else { return Header::Short };
    let count = match first {
        0..=0x7f => return Header::Whole { tag, header: 2, len: first.into() },
        0x81..=0x84 => usize::from(first & 0x7f),
        _ => return Header::Invalid,
    };
    let Some(digits) = bytes.get(2..2 + count) else { return Header::Short };
    let len = digits.iter().fold(0_usize, |len, digit| len << 8 | usize::from(*digit));
    Header::Whole { tag, header: 2 + count, len }
}

/// Reads the next element: its tag and contents.
pub(crate) fn element<'a>(reader: &mut Reader<'a>) -> Option<(u8, &'a [u8])> {
    let Header::Whole { tag, header, len } = header(reader.0) else { return None };
    reader.take(header)?;
    Some((tag, reader.take(len)?))
}

/// Reads the next element as far as it has come.
pub(crate) fn partial_element<'a>(reader: &mut Reader<'a>) -> Option<(u8, &'a [u8])> {
    let Header::Whole { tag, header, len } = header(reader.0) else { return None };
    reader.take(header)?;
    Some((tag, reader.take(len.min(reader.0.len()))?))
}

/// Reads the next element if it has the tag.
pub(crate) fn expect<'a>(reader: &mut Reader<'a>, tag: u8) -> Option<&'a [u8]> {
    element(reader).filter(|(found, _)| *found == tag).map(|(_, contents)| contents)
}

/// Reads the next element as a small number.
pub(crate) fn integer(reader: &mut Reader<'_>) -> Option<u32> {
    number(expect(reader, INTEGER)?)
}

/// Returns the contents of an integer as a small number.
pub(crate) fn number(contents: &[u8]) -> Option<u32> {
    let bytes = contents.strip_prefix(&[0]).filter(|rest| !rest.is_empty()).unwrap_or(contents);
    let fits = (1..=4).contains(&bytes.len());
    fits.then(|| bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_a_short_and_a_long_form() {
        let whole = |header, len| Header::Whole { tag: 0x30, header, len };
        assert_eq!(header(&[0x30, 5]), whole(2, 5));
        assert_eq!(header(&[0x30, 0x82, 1, 2]), whole(4, 258));
        assert_eq!(header(&[0x30, 0x84, 0, 0, 1, 2]), whole(6, 258));
        assert_eq!(header(&[0x30, 0x82, 1]), Header::Short);
        assert_eq!(header(&[0x30, 0x80]), Header::Invalid);
    }

    #[test]
    fn numbers_may_have_a_zero_before_them() {
        assert_eq!(integer(&mut Reader(&[2, 2, 0, 0x80])), Some(128));
        assert_eq!(integer(&mut Reader(&[2, 1, 0])), Some(0));
        assert_eq!(integer(&mut Reader(&[2, 0])), None);
        assert_eq!(integer(&mut Reader(&[2, 2, 1])), None);
    }
}
