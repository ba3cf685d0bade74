//! Packet objects for plugins.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nfstream::flow::Direction;
use nfstream::meter::Arrival;
use nfstream::packet::{self, ChunkBytes, Packet};
use nfstream::time::Timestamp;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyBytes;

/// A packet of a flow. Attributes are computed on access from the bytes of the capture.
#[pyclass(frozen, module = "nfstream", name = "NFPacket")]
#[derive(Debug)]
pub(crate) struct NFPacket(Mutex<Content>);

#[derive(Clone, Debug)]
struct Content {
    packet: Packet,
    bytes: ChunkBytes,
    direction: Direction,
    time: Timestamp,
}

impl NFPacket {
    pub(crate) fn new(arrival: Arrival<'_>, time: Timestamp) -> Self {
        let Arrival { packet, bytes, direction } = arrival;
        Self(Mutex::new(Content { packet: *packet, bytes: bytes.clone(), direction, time }))
    }

    /// Replaces the packet with that of `arrival`, in an object without other references.
    pub(crate) fn set(&self, arrival: Arrival<'_>, time: Timestamp) {
        let mut content = self.lock();
        content.packet = *arrival.packet;
        content.direction = arrival.direction;
        content.time = time;
        if !same(&content.bytes, arrival.bytes) {
            content.bytes = arrival.bytes.clone();
        }
    }

    /// Copies the bytes of the packet, so that keeping the packet does not keep its chunk.
    pub(crate) fn own(&self) {
        let Content { packet, bytes, .. } = &mut *self.lock();
        own_frame(packet, bytes);
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Replaces the bytes of the chunk of `packet` with those of its frame.
pub(crate) fn own_frame(packet: &mut Packet, bytes: &mut ChunkBytes) {
    let frame = packet.frame(bytes.as_slice());
    if frame.len() < bytes.as_slice().len() {
        *bytes = ChunkBytes::Owned(Arc::new(frame.to_vec()));
        packet.frame_offset = 0;
    }
}

/// Returns whether two chunks share the same memory.
fn same(one: &ChunkBytes, other: &ChunkBytes) -> bool {
    match (one, other) {
        (ChunkBytes::Mapped(one, range), ChunkBytes::Mapped(other, other_range)) => {
            Arc::ptr_eq(one, other) && range == other_range
        }
        (ChunkBytes::Owned(one), ChunkBytes::Owned(other)) => Arc::ptr_eq(one, other),
        _ => false,
    }
}

#[pymethods]
impl NFPacket {
    /// Time in milliseconds since the Unix epoch.
    #[getter]
    fn time(&self) -> i64 {
        self.lock().time.millis()
    }

    /// Time in nanoseconds since the Unix epoch.
    #[getter]
    fn time_ns(&self) -> i64 {
        self.lock().time.nanos()
    }

    /// Bytes on the wire, link header included.
    #[getter]
    fn length(&self) -> u32 {
        self.lock().packet.wire_len
    }

    /// Captured bytes.
    #[getter]
    fn capture_length(&self) -> u32 {
        self.lock().packet.capture_len
    }

    /// Sender's address as a number.
    #[getter]
    fn ip_src(&self) -> u128 {
        let packet = &self.lock().packet;
        number(&packet.src, packet.version)
    }

    /// Receiver's address as a number.
    #[getter]
    fn ip_dst(&self) -> u128 {
        let packet = &self.lock().packet;
        number(&packet.dst, packet.version)
    }

    /// Sender's address as text.
    #[getter]
    fn src_ip(&self) -> String {
        let packet = &self.lock().packet;
        packet.src.ip(packet.version).to_string()
    }

    /// Receiver's address as text.
    #[getter]
    fn dst_ip(&self) -> String {
        let packet = &self.lock().packet;
        packet.dst.ip(packet.version).to_string()
    }

    /// Sender's port, 0 outside TCP, UDP, SCTP, UDP-Lite and DCCP.
    #[getter]
    fn src_port(&self) -> u16 {
        self.lock().packet.src.port
    }

    /// Receiver's port, 0 outside TCP, UDP, SCTP, UDP-Lite and DCCP.
    #[getter]
    fn dst_port(&self) -> u16 {
        self.lock().packet.dst.port
    }

    /// IP protocol number.
    #[getter]
    fn protocol(&self) -> u8 {
        self.lock().packet.protocol
    }

    /// Innermost VLAN identifier, 0 without a tag.
    #[getter]
    fn vlan_id(&self) -> u16 {
        self.lock().packet.vlan_id
    }

    /// IP version, 4 or 6.
    #[getter]
    fn version(&self) -> u8 {
        self.lock().packet.version
    }

    /// 0 from source to destination of the flow, 1 in the other direction.
    #[getter]
    fn direction(&self) -> u8 {
        match self.lock().direction {
            Direction::Src2Dst => 0,
            Direction::Dst2Src => 1,
        }
    }

    /// The TCP flags, none set outside TCP.
    #[getter]
    fn tcpflags<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, TcpFlags>> {
        TcpFlags::shared(py, self.lock().packet.tcp_flags.0)
    }

    /// Captured bytes from the innermost IP header on.
    #[getter]
    fn raw<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let content = self.lock();
        PyBytes::new(py, content.packet.ip_bytes(content.bytes.as_slice()))
    }

    /// Captured payload of the transport layer.
    #[getter]
    fn payload<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let content = self.lock();
        PyBytes::new(py, content.packet.payload(content.bytes.as_slice()))
    }

    /// Bytes of the innermost IP packet on the wire, its header included.
    #[getter]
    fn ip_length(&self) -> u32 {
        self.lock().packet.ip_len
    }

    /// Payload bytes of the transport layer on the wire.
    #[getter]
    fn payload_length(&self) -> u32 {
        self.lock().packet.payload_len
    }

    fn __repr__(&self) -> String {
        let content = self.lock();
        let Packet { src, dst, version, protocol, wire_len, .. } = content.packet;
        format!(
            "NFPacket(time={}, src_ip='{}', src_port={}, dst_ip='{}', dst_port={}, protocol={}, length={})",
            content.time.millis(),
            src.ip(version),
            src.port,
            dst.ip(version),
            dst.port,
            protocol,
            wire_len,
        )
    }
}

fn number(end: &packet::Endpoint, version: u8) -> u128 {
    let wide = u128::from_be_bytes(end.addr);
    if version == 4 { wide >> 96 } else { wide }
}

/// The flags of a TCP header, each 0 or 1.
#[pyclass(frozen, eq, hash, module = "nfstream", name = "TcpFlags")]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct TcpFlags(u8);

impl TcpFlags {
    /// Returns the object for `flags`; there is one for each of their 256 values.
    fn shared(py: Python<'_>, flags: u8) -> PyResult<Bound<'_, Self>> {
        static ALL: PyOnceLock<Vec<Py<TcpFlags>>> = PyOnceLock::new();
        let all = ALL.get_or_try_init(py, || {
            (0..=u8::MAX).map(|flags| Py::new(py, Self(flags))).collect::<PyResult<Vec<_>>>()
        })?;
        Ok(all[usize::from(flags)].bind(py).clone())
    }

    fn bit(self, flags: packet::TcpFlags) -> u8 {
        u8::from(packet::TcpFlags(self.0).contains(flags))
    }
}

/// Defines a getter for each flag.
macro_rules! flags {
    ($($name:ident $flag:ident $doc:literal),*) => {
        #[pymethods]
        impl TcpFlags {
            $(
                #[doc = $doc]
                #[getter]
                fn $name(&self) -> u8 {
                    self.bit(packet::TcpFlags::$flag)
                }
            )*

            fn __repr__(&self) -> String {
                let names = [$((stringify!($name), packet::TcpFlags::$flag)),*];
                let set: Vec<_> = names
                    .into_iter()
                    .filter(|(_, flag)| self.bit(*flag) == 1)
                    .map(|(name, _)| format!("{name}=1"))
                    .collect();
                format!("TcpFlags({})", set.join(", "))
            }

            fn __int__(&self) -> u8 {
                self.0
            }
        }
    };
}

flags! {
    syn SYN "Synchronize sequence numbers.",
    cwr CWR "Congestion window reduced.",
    ece ECE "ECN echo.",
    urg URG "Urgent pointer field is significant.",
    ack ACK "Acknowledgment field is significant.",
    psh PSH "Push function.",
    rst RST "Reset the connection.",
    fin FIN "No more data from sender."
}
