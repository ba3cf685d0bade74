//! Protection of Initial packets (RFC 9001, section 5) and their frames.

use std::sync::LazyLock;

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes_gcm::Aes128Gcm;
use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::inout::InOutBuf;
use hkdf::{Hkdf, HkdfExtract};
use sha2::Sha256;

use super::packet::{Long, Version, varint};
use crate::pieces::Pieces;
use crate::read::Reader;

/// End of a connection that sent a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Role {
    Client,
    Server,
}

/// Secret from which the keys of both ends are derived.
#[derive(Clone, Debug)]
pub(super) struct Secret {
    version: Version,
    initial: Hkdf<Sha256>,
}

/// State of the extraction after the salt of version 1, the version of nearly all connections.
static EXTRACT_V1: LazyLock<HkdfExtract<Sha256>> =
    LazyLock::new(|| HkdfExtract::new(Version::V1.salt().map(<[u8; 20]>::as_slice)));

/// Keys of the Initial packets of one end.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    version: Version,
    key: [u8; 16],
    iv: [u8; 12],
    header: [u8; 16],
}

/// Length of the authentication tag.
const TAG: usize = 16;
/// Longest packet number.
const MAX_NUMBER: usize = 4;

impl Role {
    pub(super) const fn index(self) -> usize {
        match self {
            Self::Client => 0,
            Self::Server => 1,
        }
    }
}

impl Secret {
    /// Derives the secret of a connection from the destination of the client's first packet.
    pub(super) fn derive(version: Version, destination: &[u8]) -> Option<Self> {
        let mut extract = match version {
            Version::V1 => EXTRACT_V1.clone(),
            _ => HkdfExtract::new(Some(version.salt()?)),
        };
        extract.input_ikm(destination);
        let (_, initial) = extract.finalize();
        Some(Self { version, initial })
    }

    pub(super) fn version(&self) -> Version {
        self.version
    }

    /// Derives the keys of one end.
    pub(super) fn keys(&self, role: Role) -> Option<Keys> {
        let Self { version, initial } = self;
        let mut secret = [0; 32];
        expand(
            initial,
            if role == Role::Client { b"client in" } else { b"server in" },
            &mut secret,
        )?;
        let secret = Hkdf::<Sha256>::from_prk(&secret).ok()?;
        let version = *version;
        let mut keys = Keys { version, key: [0; 16], iv: [0; 12], header: [0; 16] };
        let [key, iv, header]: [&[u8]; 3] = match version {
            Version::V2 => [b"quicv2 key", b"quicv2 iv", b"quicv2 hp"],
            _ => [b"quic key", b"quic iv", b"quic hp"],
        };
        expand(&secret, key, &mut keys.key)?;
        expand(&secret, iv, &mut keys.iv)?;
        expand(&secret, header, &mut keys.header)?;
        Some(keys)
    }
}

impl Keys {
    /// Returns key, initialization vector and header protection key.
    #[cfg(test)]
    pub(super) fn parts(&self) -> [&[u8]; 3] {
        [&self.key, &self.iv, &self.header]
    }

    pub(super) fn version(&self) -> Version {
        self.version
    }

    /// Decrypts a packet; `None` if it is not authentic.
    pub(super) fn open(&self, packet: &Long<'_>) -> Option<Vec<u8>> {
        let sample = packet.protected.get(MAX_NUMBER..)?.first_chunk::<16>()?;
        let mut mask = (*sample).into();
        Aes128::new(&self.header.into()).encrypt_block(&mut mask);
        let [first_mask, number_mask @ ..] = <[u8; 16]>::from(mask);
        let first = packet.header.first()? ^ (first_mask & 0x0f);
        let number_len = usize::from(first & 3) + 1;
        let (protected, payload) = packet.protected.split_at_checked(number_len)?;
        let mut header = Vec::with_capacity(packet.header.len() + MAX_NUMBER);
        header.extend_from_slice(packet.header);
        *header.first_mut()? = first;
        let mut nonce = self.iv;
        for (place, byte) in protected.iter().enumerate() {
            let byte = byte ^ number_mask[place];
            header.push(byte);
            nonce[nonce.len() - number_len + place] ^= byte;
        }
        let (ciphertext, tag) = payload.split_at_checked(payload.len().checked_sub(TAG)?)?;
        let mut frames = ciphertext.to_vec();
        let buffer = InOutBuf::from(frames.as_mut_slice());
        let opened = Aes128Gcm::new(&self.key.into()).decrypt_inout_detached(
            &nonce.into(),
            &header,
            buffer,
            tag.try_into().ok()?,
        );
        if opened.is_err() {
            // A fuzzer cannot seal packets: it reaches the frames without.
            return cfg!(fuzzing).then(|| ciphertext.to_vec());
        }
        Some(frames)
    }
}

/// Expands a secret with a label (RFC 8446, section 7.1).
fn expand(secret: &Hkdf<Sha256>, label: &[u8], output: &mut [u8]) -> Option<()> {
    let len = u16::try_from(output.len()).ok()?.to_be_bytes();
    let label_len = [u8::try_from(label.len()).ok()?.checked_add(6)?];
    secret.expand_multi_info(&[&len, &label_len, b"tls13 ", label, &[0]], output).ok()
}

/// Adds the handshake bytes among frames.
pub(super) fn add_frames(frames: &[u8], version: Version, handshake: &mut Pieces) {
    const PADDING: u64 = 0;
    const PING: u64 = 1;
    const ACK: u64 = 2;
    const ACK_ECN: u64 = 3;
    const CRYPTO: u64 = 6;
    const GOOGLE_CRYPTO: u64 = 8;
    const CLOSE: u64 = 0x1c;
    let google =
        matches!(version, Version::GoogleCrypto | Version::GoogleT050 | Version::GoogleT051);
    let mut reader = Reader(frames);
    while let Some(kind) = varint(&mut reader) {
        let frame = match kind {
            PADDING => {
                // Padding comes in long runs.
                let end = reader.0.iter().position(|byte| *byte != 0);
                reader.take(end.unwrap_or(reader.0.len())).map(|_| ())
            }
            PING => Some(()),
            ACK => skip_ack(&mut reader, 0),
            ACK_ECN => skip_ack(&mut reader, 3),
            GOOGLE_CRYPTO if google => add_crypto(&mut reader, handshake),
            CRYPTO => add_crypto(&mut reader, handshake),
            CLOSE => skip_close(&mut reader),
            _ => None,
        };
        if frame.is_none() {
            return;
        }
    }
}

fn add_crypto(reader: &mut Reader<'_>, handshake: &mut Pieces) -> Option<()> {
    let offset = usize::try_from(varint(reader)?).ok()?;
    let len = usize::try_from(varint(reader)?).ok()?;
    handshake.insert(offset, reader.take(len)?);
    Some(())
}

fn skip_ack(reader: &mut Reader<'_>, counters: u64) -> Option<()> {
    let _largest = varint(reader)?;
    let _delay = varint(reader)?;
    let ranges = varint(reader)?;
    // The first range has one number, each further one two.
    for _ in 0..ranges.checked_mul(2)?.checked_add(1 + counters)? {
        varint(reader)?;
    }
    Some(())
}

fn skip_close(reader: &mut Reader<'_>) -> Option<()> {
    let _code = varint(reader)?;
    let _frame = varint(reader)?;
    let len = usize::try_from(varint(reader)?).ok()?;
    reader.take(len).map(|_| ())
}
