//! Live capture through libpcap, for systems other than Linux.

use std::io;
use std::sync::Arc;

use pcap::{Active, Capture, ConnectionStatus, Device};

use super::ending::{Ending, PATIENCE};
use super::interface::{Interface, InterfaceState, refused};
use super::options::LiveOptions;
use super::pool::{CHUNK, Pool};
use crate::capture::{CaptureError, Filter, ReadProgress, Reception, Source, Warning};
use crate::host::{monotonic, now};
use crate::packet::{Chunk, ChunkBytes, LinkType, RawRecord, to_usize};
use crate::time::Timestamp;

/// Source of packets from one interface, or from several in turn.
pub struct LiveSource {
    names: Vec<String>,
    interfaces: Vec<(Capture<Active>, LinkType)>,
    pool: Pool,
    ending: Ending,
    snaplen: usize,
    bytes: u64,
    has_ended: bool,
}

impl LiveSource {
    /// Starts capturing the packets that match `filter` from the interfaces `names`.
    ///
    /// # Errors
    ///
    /// [`CaptureError::NoRight`] if this process may not capture, [`CaptureError::BadFilter`] and
    /// [`CaptureError::Interface`].
    pub fn open(
        names: &[String],
        filter: Option<Filter>,
        options: &LiveOptions,
    ) -> Result<Self, CaptureError> {
        if options.rings.get() > 1 {
            let error = io::Error::other("several rings need Linux");
            return Err(refused(names, error));
        }
        let open = |name: &String| {
            let capture = Capture::from_device(name.as_str())?
                .promisc(options.promiscuous)
                .snaplen(i32::try_from(options.snaplen).unwrap_or(i32::MAX))
                .buffer_size(i32::try_from(options.buffer_bytes).unwrap_or(i32::MAX))
                .timeout(i32::try_from(PATIENCE.as_millis()).unwrap_or(i32::MAX))
                .open()?;
            let mut capture = capture.setnonblock()?;
            if let Some(filter) = &filter {
                capture.filter(filter.expression(), true)?;
            }
            let link = match capture.get_datalink().0 {
                12 | 14 => LinkType::RAW,
                number => LinkType(u16::try_from(number).unwrap_or(u16::MAX)),
            };
            Ok((capture, link))
        };
        let interfaces: Result<Vec<_>, pcap::Error> = names.iter().map(open).collect();
        let interfaces = interfaces.map_err(|error| refused(names, io_error(error)))?;
        let start = monotonic();
        Ok(Self {
            names: names.to_vec(),
            interfaces,
            pool: Pool::default(),
            ending: options.duration.map_or(Ending::Open, |span| Ending::At(start + span)),
            snaplen: to_usize(options.snaplen),
            bytes: 0,
            has_ended: false,
        })
    }

    #[allow(clippy::useless_conversion, reason = "these fields are narrower on other systems")]
    fn take(&mut self, chunk: &mut Chunk, limit: usize) -> Result<(), CaptureError> {
        let mut buffer = self.pool.take();
        let Some(bytes) = Arc::get_mut(&mut buffer) else { return Ok(()) };
        for (capture, link) in &mut self.interfaces {
            while chunk.records.len() < limit && bytes.len() < CHUNK {
                let packet = match capture.next_packet() {
                    Ok(packet) => packet,
                    Err(pcap::Error::TimeoutExpired | pcap::Error::NoMorePackets) => break,
                    Err(error) => return Err(refused(&self.names, io_error(error))),
                };
                let frame = packet.data.get(..self.snaplen).unwrap_or(packet.data);
                let capture_len = u32::try_from(frame.len()).unwrap_or(u32::MAX);
                let time = packet.header.ts;
                chunk.records.push(RawRecord {
                    time: Timestamp::from_seconds(
                        i64::from(time.tv_sec),
                        i64::from(time.tv_usec).saturating_mul(1000),
                    ),
                    offset: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
                    capture_len,
                    wire_len: packet.header.len.max(capture_len),
                    link: *link,
                });
                bytes.extend_from_slice(frame);
            }
        }
        // The interfaces were read one after the other.
        chunk.records.sort_by_key(|record| record.time);
        self.bytes += u64::try_from(bytes.len()).unwrap_or(0);
        self.pool.keep(&buffer);
        chunk.bytes = ChunkBytes::Owned(buffer);
        Ok(())
    }
}

impl Source for LiveSource {
    fn read(&mut self, chunk: &mut Chunk, limit: usize) -> Result<bool, CaptureError> {
        chunk.clear();
        if self.has_ended {
            return Ok(false);
        }
        let moment = monotonic();
        if let Ending::At(end) = self.ending
            && moment >= end
        {
            self.stop();
        }
        let time = now();
        if let Err(error) = self.take(chunk, limit.max(1)) {
            self.has_ended = true;
            return Err(error);
        }
        if chunk.records.is_empty() {
            if matches!(self.ending, Ending::Draining(end) if moment >= end) {
                self.has_ended = true;
                return Ok(false);
            }
            let margin = i64::try_from(2 * PATIENCE.as_nanos()).unwrap_or(i64::MAX);
            chunk.settled = Some(Timestamp::from_nanos(time.nanos().saturating_sub(margin)));
            std::thread::sleep(PATIENCE / 10);
        }
        Ok(true)
    }

    fn stop(&mut self) -> bool {
        if !matches!(self.ending, Ending::Draining(_)) {
            self.ending = Ending::Draining(monotonic() + PATIENCE);
        }
        !self.has_ended
    }

    fn may_wait(&self) -> bool {
        true
    }

    fn progress(&self) -> ReadProgress {
        ReadProgress { bytes: self.bytes, total_bytes: None }
    }

    fn reception(&self) -> Option<Reception> {
        Some(Reception::default())
    }

    fn take_warnings(&mut self) -> Vec<Warning> {
        Vec::new()
    }
}

/// Checks that this process may capture.
pub(in crate::capture) fn check(names: &[String]) -> Result<(), CaptureError> {
    LiveSource::open(names, None, &LiveOptions { buffer_bytes: 1 << 20, ..LiveOptions::default() })
        .map(drop)
}

/// Returns the names of all interfaces.
pub(in crate::capture) fn interface_names() -> Vec<String> {
    Device::list().unwrap_or_default().into_iter().map(|device| device.name).collect()
}

/// Returns the interfaces of this machine.
///
/// # Errors
///
/// The system's error.
pub fn interfaces() -> io::Result<Vec<Interface>> {
    let listed = Device::list().map_err(io_error)?.into_iter().map(|device| {
        let flags = &device.flags;
        Interface {
            state: match (flags.is_up(), &flags.connection_status) {
                (false, _) => InterfaceState::Down,
                (true, ConnectionStatus::Disconnected) => InterfaceState::NoCarrier,
                (true, _) => InterfaceState::Up,
            },
            // The link type is only known once the interface is open; this is the usual one.
            link: if flags.is_loopback() { LinkType::NULL } else { LinkType::ETHERNET },
            addresses: device.addresses.iter().map(|address| address.addr).collect(),
            name: device.name,
        }
    });
    Ok(listed.collect())
}

fn io_error(error: pcap::Error) -> io::Error {
    let text = error.to_string();
    let denied = text.contains("ermission") || text.contains("not permitted");
    io::Error::new(
        if denied { io::ErrorKind::PermissionDenied } else { io::ErrorKind::Other },
        text,
    )
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, UdpSocket};
    use std::time::Duration;

    use super::*;

    /// The loopback interface under its name on Linux, where these tests run.
    const LOOPBACK: &str = "lo";

    #[test]
    fn the_loopback_interface_is_listed() {
        let interfaces = interfaces().unwrap();
        let loopback = interfaces.iter().find(|interface| interface.name == LOOPBACK).unwrap();
        assert_eq!(loopback.link, LinkType::NULL);
        assert!(interface_names().contains(&LOOPBACK.to_owned()));
    }

    #[test]
    fn packets_are_captured_until_the_stop() {
        let names = [LOOPBACK.to_owned()];
        let receiver = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = receiver.local_addr().unwrap().port();
        let filter = Filter::new(&format!("udp dst port {port}")).unwrap();
        let options = LiveOptions { snaplen: 64, ..LiveOptions::default() };
        let mut source = match LiveSource::open(&names, Some(filter), &options) {
            // The test needs the permission to capture.
            Err(CaptureError::NoRight { .. }) => return,
            source => source.unwrap(),
        };
        assert!(check(&names).is_ok());
        assert!(source.may_wait());

        let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        sender.send_to(&[7; 100], (Ipv4Addr::LOCALHOST, port)).unwrap();
        let (mut chunk, mut found) = (Chunk::default(), Vec::new());
        let before = monotonic();
        while found.is_empty() && monotonic() < before + Duration::from_secs(10) {
            assert!(source.read(&mut chunk, 8).unwrap());
            found.extend(chunk.records.iter().map(|record| {
                assert_eq!(chunk.frame(record).len(), 64);
                (record.capture_len, record.wire_len, record.link)
            }));
        }
        assert_eq!(found.first(), Some(&(64, 14 + 20 + 8 + 100, LinkType::ETHERNET)));
        assert!(source.progress().bytes >= 64);

        assert!(source.stop());
        while source.read(&mut chunk, 8).unwrap() {}
        assert!(!source.stop());
    }

    #[test]
    fn a_missing_interface_is_an_error() {
        let opened = LiveSource::open(&["no-such-if".to_owned()], None, &LiveOptions::default());
        assert!(opened.is_err());
    }
}
