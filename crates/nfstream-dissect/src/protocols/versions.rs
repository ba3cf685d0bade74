//! Version control: Git's daemon, Subversion's, CVS's and Perforce's server.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::shape::{begins_any, by_client, check, either, is_word};

pub(crate) const GIT: Protocol = Protocol {
    tcp_ports: &[9418],
    stream: Some(StreamRules { client: HEX, server: HEX, ..StreamRules::new(git) }),
    ..version_control(226, "Git")
};

pub(crate) const SUBVERSION: Protocol = Protocol {
    tcp_ports: &[3690],
    stream: Some(StreamRules::either(Start::Bytes(b"("), subversion)),
    ..version_control(10_110, "Subversion")
};

pub(crate) const CVS: Protocol = Protocol {
    tcp_ports: &[2401],
    stream: Some(StreamRules { client: Start::Bytes(b"B"), ..StreamRules::new(cvs) }),
    ..version_control(10_116, "CVS")
};

pub(crate) const PERFORCE: Protocol = Protocol {
    tcp_ports: &[1666],
    stream: Some(StreamRules::new(perforce)),
    ..version_control(10_117, "Perforce")
};

const HEX: Start = Start::Bytes(b"0123456789abcdef");

const fn version_control(id: u16, name: &'static str) -> Protocol {
    Protocol { id: ProtocolId(id), name, category: Category(15), ..Protocol::NEW }
}

fn git(streams: &Streams<'_>) -> Verdict {
    let client = check(streams.client, |reader| {
        if !reader.0.iter().take(4).all(u8::is_ascii_hexdigit) {
            return Some(false);
        }
        reader.take(4)?;
        let services: &[&[u8]] =
            &[b"git-upload-pack ", b"git-receive-pack ", b"git-upload-archive "];
        decided(begins_any(reader.0, services))
    });
    let server = check(streams.server, |reader| {
        if !reader.0.iter().take(4).all(u8::is_ascii_hexdigit) {
            return Some(false);
        }
        reader.take(4)?;
        // A line begins with the name of an object, or a word.
        let words: &[&[u8]] = &[b"ERR ", b"version ", b"shallow "];
        match begins_any(reader.0, words) {
            Verdict::No if reader.0.iter().take(40).all(u8::is_ascii_hexdigit) => {
                reader.take(40)?;
                Some(reader.u8()? == b' ')
            }
            verdict => decided(verdict),
        }
    });
    either(client, server)
}

fn subversion(streams: &Streams<'_>) -> Verdict {
    let client = begins_any(streams.client, &[b"( 1 ( ", b"( 2 ( "]);
    either(client, begins_any(streams.server, &[b"( success ( ", b"( failure ( "]))
}

fn cvs(streams: &Streams<'_>) -> Verdict {
    by_client(streams, |stream| {
        let kinds: &[&[u8]] =
            &[b"BEGIN AUTH REQUEST\n", b"BEGIN VERIFICATION REQUEST\n", b"BEGIN GSSAPI REQUEST\n"];
        begins_any(stream, kinds)
    })
}

/// Checks the length, the byte that guards it, and the name of the first variable.
fn perforce(streams: &Streams<'_>) -> Verdict {
    let message = |stream| {
        check(stream, |reader| {
            let guard = reader.u8()?;
            let bytes = reader.take(4)?;
            let sum = bytes.iter().fold(0, |sum, byte| sum ^ byte);
            let [_, _, high, highest] = bytes else { return Some(false) };
            if guard != sum || *highest != 0 || *high > 15 || bytes.iter().all(|byte| *byte == 0) {
                return Some(false);
            }
            let end = reader.0.iter().take(33).position(|byte| *byte == 0);
            let name = reader.0.get(..end.unwrap_or(reader.0.len()))?;
            if name.len() > 32 || !name.is_empty() && !is_word(name) {
                return Some(false);
            }
            reader.take(end?)?;
            reader.u8()?;
            Some(name.len() > 2 && reader.le32()? < 1 << 16 && known(name))
        })
    };
    either(message(streams.client), message(streams.server))
}

/// Returns whether `name` is that of a variable with which a connection begins.
fn known(name: &[u8]) -> bool {
    [
        &b"cmpfile"[..],
        b"protocol",
        b"client",
        b"tag",
        b"xfiles",
        b"server2",
        b"func",
        b"host",
        b"user",
        b"sndbuf",
        b"rcvbuf",
        b"port",
        b"enableStreams",
        b"expandAndmaps",
    ]
    .contains(&name)
}

/// Turns the answer about a part into one about a field.
fn decided(verdict: Verdict) -> Option<bool> {
    (verdict != Verdict::More).then_some(verdict == Verdict::Match)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn git_names_its_service() {
        assert_streams(&GIT, 9418, b"0033git-upload-pack /project.git\0host=example\0", b"");
        let refs = b"00e47217a7c7e582c46cec22a130adf4b9d7d950fba0 HEAD";
        assert_streams(&GIT, 9418, b"", refs);
        assert_eq!(streams(&GIT, 9418, b"0033git-shell", b""), Verdict::No);
        assert_eq!(streams(&GIT, 9418, b"", b"0033hello"), Verdict::No);
    }

    #[test]
    fn subversion_sends_lists() {
        assert_streams(&SUBVERSION, 3690, b"", b"( success ( 2 2 ( ) ( edit-pipeline ) ) ) ");
        assert_streams(&SUBVERSION, 3690, b"( 2 ( edit-pipeline svndiff1 ) ", b"");
    }

    #[test]
    fn cvs_begins_with_authentication() {
        assert_streams(&CVS, 2401, b"BEGIN AUTH REQUEST\n/cvs\n", b"");
        assert_eq!(streams(&CVS, 2401, b"BEGIN\n", b""), Verdict::No);
    }

    #[test]
    fn perforce_guards_its_length() {
        assert_streams(&PERFORCE, 1666, b"\x21\x21\0\0\0cmpfile\0\0\0\0\0\0client\0", b"");
        assert_eq!(streams(&PERFORCE, 1666, b"\x22\x21\0\0\0cmpfile\0", b""), Verdict::No);
    }
}
