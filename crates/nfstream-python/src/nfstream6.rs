//! Objects of the nfstream 6 API: packets, and the values of plugins on a flow.

use std::sync::{Mutex, MutexGuard, PoisonError};

use nfstream::Dialect;
use nfstream::features::{Accounting, LinkAddresses};
use nfstream::flow::Direction;
use nfstream::meter::Arrival;
use nfstream::nfstream6::ip_text;
use nfstream::packet::{ChunkBytes, Packet, TcpFlags};
use nfstream::time::Timestamp;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

use crate::packet::own_frame;

/// Packet object for plugins of nfstream 6.
#[pyclass(frozen, module = "nfstream._engine")]
#[derive(Debug)]
pub(crate) struct Nfstream6Packet {
    packet: Packet,
    /// The packet with its offset in these bytes.
    bytes: Mutex<(Packet, ChunkBytes)>,
    direction: Direction,
    time: Timestamp,
    /// Time of the previous packet of the flow.
    time_before: Timestamp,
    dialect: Dialect,
}

/// Names of a packet's attributes, in the order of nfstream 6.
const FIELDS: [&str; 28] = [
    "time",
    "delta_time",
    "direction",
    "raw_size",
    "ip_size",
    "transport_size",
    "payload_size",
    "src_ip",
    "src_mac",
    "src_oui",
    "dst_ip",
    "dst_mac",
    "dst_oui",
    "src_port",
    "dst_port",
    "protocol",
    "vlan_id",
    "ip_version",
    "ip_packet",
    "syn",
    "cwr",
    "ece",
    "urg",
    "ack",
    "psh",
    "rst",
    "fin",
    "tunnel_id",
];

impl Nfstream6Packet {
    pub(crate) fn new(
        arrival: Arrival<'_>,
        time: Timestamp,
        time_before: Timestamp,
        dialect: Dialect,
    ) -> Self {
        let Arrival { packet, bytes, direction } = arrival;
        let captured = Mutex::new((*packet, bytes.clone()));
        Self { packet: *packet, bytes: captured, direction, time, time_before, dialect }
    }

    /// Copies the bytes of the packet, so that keeping the packet does not keep its chunk.
    pub(crate) fn own(&self) {
        let (packet, bytes) = &mut *self.captured();
        own_frame(packet, bytes);
    }

    fn captured(&self) -> MutexGuard<'_, (Packet, ChunkBytes)> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn flag(&self, flag: TcpFlags) -> u8 {
        u8::from(self.packet.tcp_flags.contains(flag))
    }

    fn macs(&self) -> LinkAddresses {
        let (packet, bytes) = &*self.captured();
        self.dialect.link_addresses()(packet, packet.frame(bytes.as_slice()))
    }
}

#[pymethods]
impl Nfstream6Packet {
    /// Names of the attributes.
    #[classattr]
    fn _fields() -> Vec<&'static str> {
        FIELDS.to_vec()
    }

    /// Time in milliseconds since the Unix epoch.
    #[getter]
    fn time(&self) -> i64 {
        self.time.millis()
    }

    /// Milliseconds since the previous packet of the flow, 0 for the first.
    #[getter]
    fn delta_time(&self) -> i64 {
        self.time.millis().saturating_sub(self.time_before.millis())
    }

    /// 0 from source to destination of the flow, 1 in the other direction.
    #[getter]
    fn direction(&self) -> usize {
        self.direction.index()
    }

    /// Bytes on the wire, link header included.
    #[getter]
    fn raw_size(&self) -> u32 {
        Accounting::Frame.size(&self.packet)
    }

    /// Bytes of the innermost IP packet, its header included.
    #[getter]
    fn ip_size(&self) -> u32 {
        Accounting::Ip.size(&self.packet)
    }

    /// Payload bytes of the innermost IP packet.
    #[getter]
    fn transport_size(&self) -> u32 {
        Accounting::Transport.size(&self.packet)
    }

    /// Payload bytes of the transport layer.
    #[getter]
    fn payload_size(&self) -> u32 {
        Accounting::Payload.size(&self.packet)
    }

    /// Sender's address.
    #[getter]
    fn src_ip(&self) -> String {
        ip_text(self.packet.src.ip(self.packet.version))
    }

    /// Sender's MAC address.
    #[getter]
    fn src_mac(&self) -> String {
        mac_text(&self.macs().src)
    }

    /// First three bytes of the sender's MAC address.
    #[getter]
    fn src_oui(&self) -> String {
        mac_text(&self.macs().src[..3])
    }

    /// Receiver's address.
    #[getter]
    fn dst_ip(&self) -> String {
        ip_text(self.packet.dst.ip(self.packet.version))
    }

    /// Receiver's MAC address.
    #[getter]
    fn dst_mac(&self) -> String {
        mac_text(&self.macs().dst)
    }

    /// First three bytes of the receiver's MAC address.
    #[getter]
    fn dst_oui(&self) -> String {
        mac_text(&self.macs().dst[..3])
    }

    /// Sender's port, 0 for protocols without ports.
    #[getter]
    fn src_port(&self) -> u16 {
        self.packet.src.port
    }

    /// Receiver's port, 0 for protocols without ports.
    #[getter]
    fn dst_port(&self) -> u16 {
        self.packet.dst.port
    }

    /// IP protocol number.
    #[getter]
    fn protocol(&self) -> u8 {
        self.packet.protocol
    }

    /// Innermost VLAN identifier, 0 without a tag.
    #[getter]
    fn vlan_id(&self) -> u16 {
        self.packet.vlan_id
    }

    /// IP version, 4 or 6.
    #[getter]
    fn ip_version(&self) -> u8 {
        self.packet.version
    }

    /// Captured bytes from the innermost IP header on.
    #[getter]
    fn ip_packet<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let (packet, bytes) = &*self.captured();
        PyBytes::new(py, packet.ip_bytes(bytes.as_slice()))
    }

    /// Synchronize sequence numbers.
    #[getter]
    fn syn(&self) -> u8 {
        self.flag(TcpFlags::SYN)
    }

    /// Congestion window reduced.
    #[getter]
    fn cwr(&self) -> u8 {
        self.flag(TcpFlags::CWR)
    }

    /// ECN echo.
    #[getter]
    fn ece(&self) -> u8 {
        self.flag(TcpFlags::ECE)
    }

    /// Urgent pointer field is significant.
    #[getter]
    fn urg(&self) -> u8 {
        self.flag(TcpFlags::URG)
    }

    /// Acknowledgment field is significant.
    #[getter]
    fn ack(&self) -> u8 {
        self.flag(TcpFlags::ACK)
    }

    /// Push function.
    #[getter]
    fn psh(&self) -> u8 {
        self.flag(TcpFlags::PSH)
    }

    /// Reset the connection.
    #[getter]
    fn rst(&self) -> u8 {
        self.flag(TcpFlags::RST)
    }

    /// No more data from sender.
    #[getter]
    fn fin(&self) -> u8 {
        self.flag(TcpFlags::FIN)
    }

    /// Number of the tunnel's type, 0 without a tunnel.
    #[getter]
    fn tunnel_id(&self) -> u32 {
        self.packet.tunnel_id
    }

    fn _asdict<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(slf.py());
        for name in FIELDS {
            dict.set_item(name, slf.getattr(name)?)?;
        }
        Ok(dict)
    }

    fn __iter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let values = FIELDS.into_iter().map(|name| slf.getattr(name)).collect::<PyResult<Vec<_>>>();
        Ok(PyTuple::new(slf.py(), values?)?.try_iter()?.into_any())
    }

    fn __len__(&self) -> usize {
        FIELDS.len()
    }

    fn __getitem__<'py>(
        slf: &Bound<'py, Self>,
        index: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let values = slf.try_iter()?.collect::<PyResult<Vec<_>>>()?;
        PyTuple::new(slf.py(), values)?.into_any().get_item(index)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let fields =
            FIELDS.into_iter().map(|name| Ok(format!("{name}={}", slf.getattr(name)?.repr()?)));
        Ok(format!("NFPacket({})", fields.collect::<PyResult<Vec<_>>>()?.join(", ")))
    }
}

fn mac_text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

/// Returns a new namespace, in which plugins keep their values of one flow.
pub(crate) fn new_udps(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    py.import(intern!(py, "types"))?.getattr(intern!(py, "SimpleNamespace"))?.call0()
}

/// Returns names and values that plugins have set in `udps`, in the order of insertion.
pub(crate) fn udps_items<'py>(
    udps: &Bound<'py, PyAny>,
) -> PyResult<Vec<(Bound<'py, PyString>, Bound<'py, PyAny>)>> {
    let items = udps.getattr(intern!(udps.py(), "__dict__"))?.cast_into::<PyDict>()?;
    let named = |(name, value): (Bound<'py, PyAny>, _)| {
        Ok((PyString::new(udps.py(), &format!("udps.{}", name.str()?)), value))
    };
    items.iter().map(named).collect()
}

/// Returns the text of a flow in the format of nfstream 6.
pub(crate) fn flow_text(names: &Bound<'_, PyList>, values: &Bound<'_, PyList>) -> PyResult<String> {
    let fields = names.iter().zip(values.iter());
    let fields = fields.map(|(name, value)| Ok(format!("{}={}", name.str()?, value.str()?)));
    Ok(format!("NFlow({})", fields.collect::<PyResult<Vec<_>>>()?.join(",\n      ")))
}
