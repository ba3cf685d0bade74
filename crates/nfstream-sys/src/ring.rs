//! Packets of network interfaces, in memory shared with the Linux kernel.
//!
//! A packet socket with a ring of blocks (packet(7), TPACKET_V3). The kernel fills a block and
//! hands it over through a status word at its start; the same word returns the block. Only this
//! module touches the ring; the slices that it lends end before their block is returned.

use std::io;
use std::mem::{self, offset_of, size_of};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use libc::{c_int, c_uint, c_void, socklen_t};

use crate::FilterInstruction;

/// Frames from one or all interfaces, in the order in which the kernel saw them.
#[derive(Debug)]
pub struct PacketRing {
    socket: OwnedFd,
    memory: NonNull<u8>,
    block_len: usize,
    blocks: usize,
    /// The current block, or the next to be handed over.
    block: usize,
    /// The unread rest of that block, if it has been handed over.
    left: Option<Left>,
}

/// One frame in the ring.
#[derive(Clone, Copy, Debug)]
pub struct RingFrame<'a> {
    /// The captured bytes, link header first.
    pub bytes: &'a [u8],
    /// Offset of the network header in `bytes`.
    pub network_offset: usize,
    /// Bytes on the wire, without a VLAN tag that the kernel removed.
    pub wire_len: u32,
    /// Whole seconds since the Unix epoch.
    pub seconds: u32,
    /// Nanoseconds of the second.
    pub nanoseconds: u32,
    /// VLAN tag that the kernel removed: EtherType and tag control information.
    pub vlan_tag: Option<(u16, u16)>,
    /// Number of the interface.
    pub interface: u32,
    /// Hardware type of the interface (ARPHRD_).
    pub hardware_type: u16,
    /// EtherType of the frame's payload.
    pub protocol: u16,
}

/// The kernel's counts since the previous call.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RingCounts {
    /// Packets that passed the filter, dropped ones included.
    pub packets: u32,
    /// Packets dropped because the ring was full.
    pub drops: u32,
}

/// The unread part of a block.
#[derive(Clone, Copy, Debug)]
struct Left {
    frames: u32,
    /// Offset of the next frame's header in the block.
    offset: usize,
}

/// Makes the kernel choose the number of a new group (PACKET_FANOUT_FLAG_UNIQUEID).
const FANOUT_UNIQUE_ID: c_uint = 0x2000;

const ALL_PROTOCOLS: u16 = 0x0003_u16.to_be();

// SAFETY: no field is bound to a thread, and only the kernel shares the memory. The type is not
// `Sync`, so only one thread at a time can access it, even through `&self`.
unsafe impl Send for PacketRing {}

impl PacketRing {
    /// Creates a ring of `blocks` blocks of `block_len` bytes, a multiple of the page size. A block
    /// is handed over when it is full, or when its first packet is `patience` old.
    ///
    /// The ring receives no packets before it is bound.
    ///
    /// # Errors
    ///
    /// The system's error; `ErrorKind::PermissionDenied` without CAP_NET_RAW.
    pub fn new(block_len: usize, blocks: usize, patience: Duration) -> io::Result<Self> {
        let socket = open_socket()?;
        set(&socket, libc::SOL_PACKET, libc::PACKET_VERSION, &version())?;
        let number = |number: usize| c_uint::try_from(number).map_err(io::Error::other);
        let request = libc::tpacket_req3 {
            tp_block_size: number(block_len)?,
            tp_block_nr: number(blocks)?,
            // One frame may fill a block.
            tp_frame_size: number(block_len)?,
            tp_frame_nr: number(blocks)?,
            tp_retire_blk_tov: c_uint::try_from(patience.as_millis()).map_err(io::Error::other)?,
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        };
        set(&socket, libc::SOL_PACKET, libc::PACKET_RX_RING, &request)?;
        let len = block_len.checked_mul(blocks).ok_or(io::ErrorKind::OutOfMemory)?;
        // SAFETY: a new mapping, at an address of the kernel's choice, of the ring set up above.
        let memory = unsafe {
            libc::mmap(
                ptr::null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                socket.as_raw_fd(),
                0,
            )
        };
        if memory == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let memory = NonNull::new(memory.cast()).ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Self { socket, memory, block_len, blocks, block: 0, left: None })
    }

    /// Checks whether this process could create a ring, without creating one.
    ///
    /// # Errors
    ///
    /// The system's error; `ErrorKind::PermissionDenied` without CAP_NET_RAW.
    pub fn check() -> io::Result<()> {
        open_socket().map(drop)
    }

    /// Returns the next frame, if one has been handed over.
    pub fn next_frame(&mut self) -> Option<RingFrame<'_>> {
        loop {
            let left = match self.left {
                Some(left) => left,
                None => self.take_block()?,
            };
            if left.frames == 0 {
                self.give_back();
                continue;
            }
            let Some((frame, next)) = self.frame(left.offset) else {
                // No kernel writes such a frame. The rest of the block is skipped.
                self.left = Some(Left { frames: 0, ..left });
                continue;
            };
            self.left = Some(Left { frames: left.frames - 1, offset: left.offset + next });
            // SAFETY: the bytes lie in a block that is ours until `give_back` is called, which
            // takes `&mut self` and therefore cannot run while this borrow lives.
            return Some(unsafe { frame.extend() });
        }
    }

    /// Binds to the interface with this number, or to all for `None`, instead of the previous one.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn bind(&self, interface: Option<u32>) -> io::Result<()> {
        // SAFETY: zeros are a valid address.
        let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
        address.sll_family = family();
        address.sll_protocol = ALL_PROTOCOLS;
        address.sll_ifindex = index(interface.unwrap_or(0))?;
        // SAFETY: a complete address and its length.
        let result = unsafe {
            libc::bind(
                self.socket.as_raw_fd(),
                ptr::from_ref(&address).cast(),
                len_of::<libc::sockaddr_ll>(),
            )
        };
        check(result)
    }

    /// Joins a group of rings with the same binding, among which the kernel divides the packets:
    /// both directions between two ends, except for fragments, go to one ring. Without a group,
    /// creates one. Returns the group.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn join(&self, group: Option<u16>) -> io::Result<u16> {
        let mode = libc::PACKET_FANOUT_HASH << 16;
        let request = match group {
            Some(group) => mode | c_uint::from(group),
            None => mode | FANOUT_UNIQUE_ID << 16,
        };
        set(&self.socket, libc::SOL_PACKET, libc::PACKET_FANOUT, &request)?;
        // SAFETY: the option is a number, and every number is valid.
        let joined =
            unsafe { get::<c_uint>(&self.socket, libc::SOL_PACKET, libc::PACKET_FANOUT, 0)? };
        u16::try_from(joined & 0xffff).map_err(io::Error::other)
    }

    /// Puts the interface into promiscuous mode.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn be_promiscuous(&self, interface: u32) -> io::Result<()> {
        // SAFETY: zeros are a valid request.
        let mut request: libc::packet_mreq = unsafe { mem::zeroed() };
        request.mr_ifindex = index(interface)?;
        request.mr_type = u16::try_from(libc::PACKET_MR_PROMISC).map_err(io::Error::other)?;
        set(&self.socket, libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &request)
    }

    /// Makes the kernel keep only the bytes of each packet that `filter` selects.
    ///
    /// # Errors
    ///
    /// The system's error: `ErrorKind::InvalidInput` for a program that the kernel refuses.
    pub fn set_filter(&self, filter: &[FilterInstruction]) -> io::Result<()> {
        let mut instructions: Vec<_> = filter
            .iter()
            .map(|&FilterInstruction { code, jt, jf, k }| libc::sock_filter { code, jt, jf, k })
            .collect();
        let program = libc::sock_fprog {
            len: u16::try_from(instructions.len()).map_err(|_| io::ErrorKind::InvalidInput)?,
            filter: instructions.as_mut_ptr(),
        };
        set(&self.socket, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
    }

    /// Returns whether a frame has been handed over.
    pub fn is_ready(&self) -> bool {
        self.left.is_some_and(|left| left.frames > 0)
            || self.status(self.next_block()).load(Ordering::Acquire) & libc::TP_STATUS_USER != 0
    }

    /// Waits until frames are handed over, at most for `patience`.
    ///
    /// # Errors
    ///
    /// The socket's or the system's error: `ErrorKind::NetworkDown` once when the interface goes
    /// down.
    pub fn wait(&self, patience: Duration) -> io::Result<()> {
        let mut socket = libc::pollfd {
            fd: self.socket.as_raw_fd(),
            events: libc::POLLIN | libc::POLLERR,
            revents: 0,
        };
        let patience = c_int::try_from(patience.as_millis()).unwrap_or(c_int::MAX);
        // SAFETY: one descriptor, which lives as long as the call.
        match check(unsafe { libc::poll(&raw mut socket, 1, patience) }) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(error),
            Ok(()) if socket.revents & libc::POLLERR != 0 => self.take_error(),
            Ok(()) => Ok(()),
        }
    }

    /// Returns the kernel's counts since the previous call and resets them.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn take_counts(&self) -> io::Result<RingCounts> {
        let counts = libc::tpacket_stats_v3 { tp_packets: 0, tp_drops: 0, tp_freeze_q_cnt: 0 };
        // SAFETY: the option has this type, and every value of its fields is valid.
        let counts =
            unsafe { get(&self.socket, libc::SOL_PACKET, libc::PACKET_STATISTICS, counts)? };
        Ok(RingCounts { packets: counts.tp_packets, drops: counts.tp_drops })
    }

    fn take_error(&self) -> io::Result<()> {
        // SAFETY: the option is a number, and every number is valid.
        match unsafe { get::<c_int>(&self.socket, libc::SOL_SOCKET, libc::SO_ERROR, 0)? } {
            0 => Ok(()),
            number => Err(io::Error::from_raw_os_error(number)),
        }
    }

    /// Starts the next block, if it has been handed over.
    fn take_block(&mut self) -> Option<Left> {
        if self.status(self.block).load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            return None;
        }
        let header = offset_of!(libc::tpacket_block_desc, hdr);
        let frames = self.u32(header + offset_of!(libc::tpacket_hdr_v1, num_pkts))?;
        let first = self.u32(header + offset_of!(libc::tpacket_hdr_v1, offset_to_first_pkt))?;
        let left = Left { frames, offset: usize::try_from(first).ok()? };
        self.left = Some(left);
        Some(left)
    }

    /// Returns the block to the kernel and advances to the next.
    fn give_back(&mut self) {
        self.left = None;
        self.status(self.block).store(libc::TP_STATUS_KERNEL, Ordering::Release);
        self.block = (self.block + 1) % self.blocks;
    }

    fn next_block(&self) -> usize {
        if self.left.is_some() { (self.block + 1) % self.blocks } else { self.block }
    }

    /// Returns the status word of a block, which names its owner.
    fn status(&self, block: usize) -> &AtomicU32 {
        let offset = offset_of!(libc::tpacket_block_desc, hdr)
            + offset_of!(libc::tpacket_hdr_v1, block_status);
        // SAFETY: the word lies in the mapping, which lives as long as `self`, and is aligned
        // because the block starts on a page; the kernel and this module access it only as a whole.
        unsafe {
            AtomicU32::from_ptr(self.memory.as_ptr().add(block * self.block_len + offset).cast())
        }
    }

    /// Returns the bytes of the current block, which must have been handed over.
    fn bytes(&self) -> &[u8] {
        // SAFETY: the block lies in the mapping, which lives as long as `self`. The kernel does not
        // write to it until it is returned, which takes `&mut self`.
        unsafe {
            let start = self.memory.as_ptr().add(self.block * self.block_len);
            std::slice::from_raw_parts(start, self.block_len)
        }
    }

    /// Reads the frame whose header is at `offset`; returns it and the distance to the next.
    fn frame(&self, offset: usize) -> Option<(FrameParts, usize)> {
        let half = |at: usize| self.u16(offset + at);
        let word = |at: usize| self.u32(offset + at);
        let variant = offset_of!(libc::tpacket3_hdr, hv1);
        let status = word(offset_of!(libc::tpacket3_hdr, tp_status))?;
        let mac = usize::from(half(offset_of!(libc::tpacket3_hdr, tp_mac))?);
        let network = usize::from(half(offset_of!(libc::tpacket3_hdr, tp_net))?);
        let len = usize::try_from(word(offset_of!(libc::tpacket3_hdr, tp_snaplen))?).ok()?;
        let bytes = self.bytes().get(offset + mac..)?.get(..len)?;
        let tag = word(variant + offset_of!(libc::tpacket_hdr_variant1, tp_vlan_tci))?;
        let ether_type = match status & libc::TP_STATUS_VLAN_TPID_VALID {
            0 => 0x8100,
            _ => half(variant + offset_of!(libc::tpacket_hdr_variant1, tp_vlan_tpid))?,
        };
        let is_tagged = status & libc::TP_STATUS_VLAN_VALID != 0;
        // The link-layer address follows the header, aligned to 16 bytes.
        let address = size_of::<libc::tpacket3_hdr>().next_multiple_of(libc::TPACKET_ALIGNMENT);
        let next = usize::try_from(word(offset_of!(libc::tpacket3_hdr, tp_next_offset))?).ok()?;
        let parts = FrameParts {
            bytes: NonNull::from(bytes),
            network_offset: network.saturating_sub(mac).min(len),
            wire_len: word(offset_of!(libc::tpacket3_hdr, tp_len))?,
            seconds: word(offset_of!(libc::tpacket3_hdr, tp_sec))?,
            nanoseconds: word(offset_of!(libc::tpacket3_hdr, tp_nsec))?,
            vlan_tag: is_tagged.then(|| (ether_type, u16::try_from(tag & 0xffff).unwrap_or(0))),
            interface: word(address + offset_of!(libc::sockaddr_ll, sll_ifindex))?,
            hardware_type: half(address + offset_of!(libc::sockaddr_ll, sll_hatype))?,
            protocol: half(address + offset_of!(libc::sockaddr_ll, sll_protocol))?.to_be(),
        };
        Some((parts, next))
    }

    fn u16(&self, offset: usize) -> Option<u16> {
        self.bytes().get(offset..)?.first_chunk().copied().map(u16::from_ne_bytes)
    }

    fn u32(&self, offset: usize) -> Option<u32> {
        self.bytes().get(offset..)?.first_chunk().copied().map(u32::from_ne_bytes)
    }
}

impl Drop for PacketRing {
    fn drop(&mut self) {
        // SAFETY: the mapping made in `new`, in full length; every slice of it borrows `self`.
        unsafe {
            libc::munmap(self.memory.as_ptr().cast::<c_void>(), self.block_len * self.blocks)
        };
    }
}

/// Parts of a [`RingFrame`] that are not tied to a borrow yet.
struct FrameParts {
    bytes: NonNull<[u8]>,
    network_offset: usize,
    wire_len: u32,
    seconds: u32,
    nanoseconds: u32,
    vlan_tag: Option<(u16, u16)>,
    interface: u32,
    hardware_type: u16,
    protocol: u16,
}

impl FrameParts {
    /// Ties the frame to a borrow of its ring.
    ///
    /// # Safety
    ///
    /// The block must not be returned during `'a`.
    unsafe fn extend<'a>(self) -> RingFrame<'a> {
        RingFrame {
            // SAFETY: made from a slice of the block, which the caller keeps.
            bytes: unsafe { self.bytes.as_ref() },
            network_offset: self.network_offset,
            wire_len: self.wire_len,
            seconds: self.seconds,
            nanoseconds: self.nanoseconds,
            vlan_tag: self.vlan_tag,
            interface: self.interface,
            hardware_type: self.hardware_type,
            protocol: self.protocol,
        }
    }
}

/// Opens a packet socket that receives nothing yet.
fn open_socket() -> io::Result<OwnedFd> {
    // SAFETY: a plain system call.
    let socket = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
    check(socket)?;
    // SAFETY: the descriptor was just opened and has no other owner.
    Ok(unsafe { OwnedFd::from_raw_fd(socket) })
}

fn version() -> c_int {
    // The third variant of an enumeration that starts with 0.
    2
}

fn family() -> u16 {
    u16::try_from(libc::AF_PACKET).unwrap_or_default()
}

fn index(interface: u32) -> io::Result<c_int> {
    c_int::try_from(interface).map_err(|_| io::ErrorKind::InvalidInput.into())
}

fn len_of<T>() -> socklen_t {
    socklen_t::try_from(size_of::<T>()).unwrap_or(socklen_t::MAX)
}

fn set<T>(socket: &OwnedFd, level: c_int, name: c_int, value: &T) -> io::Result<()> {
    // SAFETY: a plain struct of the option's type, with its length; the kernel only reads it.
    check(unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            ptr::from_ref(value).cast(),
            len_of::<T>(),
        )
    })
}

/// Returns the value of an option; the kernel may write only the first bytes of `value`.
///
/// # Safety
///
/// Any bytes that the kernel writes for the option must be a valid `T`.
unsafe fn get<T>(socket: &OwnedFd, level: c_int, name: c_int, mut value: T) -> io::Result<T> {
    let mut len = len_of::<T>();
    // SAFETY: the kernel writes at most `len` bytes, which are valid by this function's contract.
    check(unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            level,
            name,
            ptr::from_mut(&mut value).cast(),
            &raw mut len,
        )
    })?;
    Ok(value)
}

fn check(result: c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_without_packets_waits_and_counts_nothing() {
        let mut ring = match PacketRing::new(1 << 17, 4, Duration::from_millis(10)) {
            // The test needs the permission to capture.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return,
            ring => ring.unwrap(),
        };
        ring.set_filter(&[FilterInstruction { code: 6, jt: 0, jf: 0, k: 0 }]).unwrap();
        ring.bind(None).unwrap();
        ring.wait(Duration::from_millis(1)).unwrap();
        assert!(!ring.is_ready() && ring.next_frame().is_none());
        assert_eq!(ring.take_counts().unwrap(), RingCounts::default());
    }

    #[test]
    fn a_filter_that_the_kernel_refuses_is_an_error() {
        let Ok(ring) = PacketRing::new(1 << 17, 1, Duration::from_millis(10)) else { return };
        assert_eq!(ring.set_filter(&[]).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert!(ring.bind(Some(u32::MAX >> 1)).is_err());
    }
}
