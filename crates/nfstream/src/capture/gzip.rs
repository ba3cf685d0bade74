//! Decompression of gzip streams: members one after the other (RFC 1952), and zeros after them.

use std::io::{self, BufRead, ErrorKind, Read};
use std::mem;

use flate2::bufread::GzDecoder;

/// Decompressed bytes of all members.
///
/// Tapes and block devices pad files with zeros, which end the stream without an error, as in
/// gzip(1).
pub(super) enum Gunzip<R> {
    /// Before a member, or at the end.
    Between(R),
    /// In a member.
    Member(Box<GzDecoder<R>>),
    /// After an error.
    Failed,
}

impl<R: BufRead> Gunzip<R> {
    pub(super) fn new(input: R) -> Self {
        Self::Member(Box::new(GzDecoder::new(input)))
    }

    /// Begins the next member, and returns whether there is one.
    fn begin(&mut self) -> io::Result<bool> {
        let Self::Between(input) = self else { return Ok(true) };
        loop {
            let available = match input.fill_buf() {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                result => result?,
            };
            let zeros = available.iter().take_while(|byte| **byte == 0).count();
            match available.len() {
                0 => return Ok(false),
                len if len == zeros => input.consume(zeros),
                _ => {
                    input.consume(zeros);
                    break;
                }
            }
        }
        if let Self::Between(input) = mem::replace(self, Self::Failed) {
            *self = Self::new(input);
        }
        Ok(true)
    }
}

impl<R: BufRead> Read for Gunzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.begin()? {
            let Self::Member(member) = self else { break };
            let count = member.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            if let Self::Member(member) = mem::replace(self, Self::Failed) {
                *self = Self::Between(member.into_inner());
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::gzip;
    use super::*;

    fn read(bytes: &[u8]) -> (Vec<u8>, Option<ErrorKind>) {
        let mut out = Vec::new();
        let error = Gunzip::new(bytes).read_to_end(&mut out).err();
        (out, error.map(|error| error.kind()))
    }

    #[test]
    fn members_follow_each_other() {
        let members = [gzip(b"one"), gzip(b""), gzip(b"two")].concat();
        assert_eq!(read(&members), (b"onetwo".to_vec(), None));
    }

    #[test]
    fn zeros_after_and_between_members_are_no_damage() {
        let padded = [gzip(b"one"), vec![0; 100_000]].concat();
        assert_eq!(read(&padded), (b"one".to_vec(), None));
        let between = [gzip(b"one"), vec![0; 7], gzip(b"two"), vec![0]].concat();
        assert_eq!(read(&between), (b"onetwo".to_vec(), None));
    }

    #[test]
    fn other_bytes_after_a_member_are_damage() {
        let (bytes, error) = read(&[gzip(b"one"), b"\0\0rest of a tape".to_vec()].concat());
        assert_eq!((bytes, error), (b"one".to_vec(), Some(ErrorKind::InvalidInput)));
    }

    #[test]
    fn a_cut_member_is_cut() {
        let whole = gzip(b"one");
        let (_, error) = read(&whole[..whole.len() - 1]);
        assert_eq!(error, Some(ErrorKind::UnexpectedEof));
    }
}
