//! Files of extracted packets.

use std::collections::HashMap;
use std::path::Path;

use super::Receiver;
use crate::meter::HookError;
use crate::packet::Packet;
use crate::sink::{Existing, PacketFile, PacketFiles, SinkError, WrittenPacket};

/// One pcapng file, or one for each conversation.
#[derive(Debug)]
pub enum ExtractedFiles {
    /// One file.
    One(PacketFile),
    /// A file for each conversation, and its place by the conversation's number.
    Many(PacketFiles, HashMap<u64, usize>),
}

impl ExtractedFiles {
    /// Creates the file at `path`, or prepares to create files with numbers before its extension.
    ///
    /// # Errors
    ///
    /// Those of [`PacketFile::create`].
    pub fn create(path: &Path, existing: Existing, is_split: bool) -> Result<Self, SinkError> {
        Ok(if is_split {
            Self::Many(PacketFiles::new(path, existing), HashMap::new())
        } else {
            Self::One(PacketFile::create(path, existing)?)
        })
    }

    /// Completes the files.
    ///
    /// # Errors
    ///
    /// Those of [`PacketFile::finish`].
    pub fn finish(self) -> Result<(), SinkError> {
        match self {
            Self::One(file) => file.finish(),
            Self::Many(files, _) => files.finish(),
        }
    }
}

impl Receiver for ExtractedFiles {
    fn take(
        &mut self,
        packet: &Packet,
        frame: &[u8],
        conversation: u64,
        comment: &str,
    ) -> Result<(), HookError> {
        let packet = written(packet, frame, comment);
        match self {
            Self::One(file) => file.write(&packet)?,
            Self::Many(files, places) => {
                let place = match places.get(&conversation) {
                    Some(place) => *place,
                    None => {
                        let place = files.begin(conversation)?;
                        places.insert(conversation, place);
                        place
                    }
                };
                files.write(place, &packet)?;
            }
        }
        Ok(())
    }
}

/// Returns the packet to write.
pub fn written<'a>(packet: &Packet, frame: &'a [u8], comment: &'a str) -> WrittenPacket<'a> {
    let Packet { time, link, wire_len, .. } = *packet;
    WrittenPacket { time, link, frame, wire_len, comment }
}
