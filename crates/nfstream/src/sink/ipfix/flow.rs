//! Values of one flow, read from a row.

use std::net::{IpAddr, Ipv4Addr};

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, DataType, Schema, TimeUnit};

use crate::packet::TcpFlags;
use crate::table::{Cell, Cells};

/// Columns of a batch by their place in a flow.
pub(super) struct Columns<'a> {
    all: Vec<Cells<'a>>,
    places: Places,
    /// Nanoseconds of a unit of the flow's own times.
    unit: i64,
}

/// One direction of a flow.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Side {
    pub(super) packets: u64,
    pub(super) bytes: u64,
    /// Nanoseconds since the Unix epoch.
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) flags: u8,
}

/// Flow with the values that have information elements.
#[derive(Clone, Debug)]
pub(super) struct Flow<'a> {
    pub(super) id: u64,
    pub(super) addresses: [IpAddr; 2],
    pub(super) ports: [u16; 2],
    pub(super) protocol: u8,
    pub(super) vlan: u16,
    pub(super) sides: [Side; 2],
    /// Number and name of the application, `None` without labels.
    pub(super) application: Option<(u32, &'a str)>,
    pub(super) end_reason: u8,
    /// Start of the whole flow, in nanoseconds.
    pub(super) start: i64,
}

macro_rules! places {
    ($($place:ident: $name:literal,)*) => {
        /// Places of the columns in a batch, `None` for those that it lacks.
        #[derive(Clone, Copy, Debug)]
        struct Places { $($place: Option<usize>,)* flags: [[Option<usize>; 8]; 2] }

        impl Places {
            fn new(batch: &RecordBatch) -> Self {
                let place = |name: &str| batch.schema_ref().index_of(name).ok();
                let flags = ["src2dst", "dst2src"]
                    .map(|side| FLAGS.map(|(flag, _)| place(&format!("{side}_{flag}_packets"))));
                Self { $($place: place($name),)* flags }
            }
        }
    };
}

places! {
    id: "id",
    start: "first_seen",
    end: "last_seen",
    src: "src_ip",
    dst: "dst_ip",
    src_port: "src_port",
    dst_port: "dst_port",
    protocol: "protocol",
    vlan: "vlan_id",
    src_packets: "src2dst_packets",
    src_bytes: "src2dst_bytes",
    dst_packets: "dst2src_packets",
    dst_bytes: "dst2src_bytes",
    application: "app_protocol",
    application_name: "application_name",
    src_start: "src2dst_first_seen_ns",
    src_end: "src2dst_last_seen_ns",
    dst_start: "dst2src_first_seen_ns",
    dst_end: "dst2src_last_seen_ns",
    end_reason: "end_reason",
}

/// Names of flags in columns.
const FLAGS: [(&str, TcpFlags); 8] = [
    ("fin", TcpFlags::FIN),
    ("syn", TcpFlags::SYN),
    ("rst", TcpFlags::RST),
    ("psh", TcpFlags::PSH),
    ("ack", TcpFlags::ACK),
    ("urg", TcpFlags::URG),
    ("ece", TcpFlags::ECE),
    ("cwr", TcpFlags::CWR),
];

impl<'a> Columns<'a> {
    pub(super) fn new(batch: &'a RecordBatch) -> Result<Self, ArrowError> {
        let unit = unit_of(batch.schema_ref(), "first_seen");
        Ok(Self { all: Cells::of_batch(batch)?, places: Places::new(batch), unit })
    }

    /// Returns the value in a column and a row.
    pub(super) fn cell<'b>(&'b self, place: usize, row: usize) -> Cell<'a, 'b> {
        self.all.get(place).map_or(Cell::Null, |cells| cells.get(row))
    }

    /// Returns the flow in a row.
    pub(super) fn flow(&self, row: usize) -> Flow<'a> {
        let at = &self.places;
        let signed = |place: Option<usize>| match self.optional(place, row) {
            Cell::Integer(number) => number,
            Cell::Time(ticks, _) => ticks,
            _ => 0,
        };
        let number = |place: Option<usize>| u64::try_from(signed(place)).unwrap_or_default();
        let narrow = |place: Option<usize>| u16::try_from(signed(place)).unwrap_or_default();
        let text = |place: Option<usize>| match self.optional(place, row) {
            Cell::Text(text) => text,
            _ => "",
        };
        let address = |place| text(place).parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let flags = |side: &[Option<usize>; 8]| {
            let seen = side.iter().zip(FLAGS).filter(|(place, _)| signed(**place) > 0);
            seen.fold(0, |all, (_, (_, flag))| all | flag.0)
        };
        let own_time = |place| signed(place).saturating_mul(self.unit);
        let (start, end) = (own_time(at.start), own_time(at.end));
        // A run without the times of each direction has those of the flow.
        let time = |place: Option<usize>, otherwise| match signed(place) {
            0 => otherwise,
            time => time,
        };
        let [src_flags, dst_flags] = &at.flags;
        let src = Side {
            packets: number(at.src_packets),
            bytes: number(at.src_bytes),
            start: time(at.src_start, start),
            end: time(at.src_end, end),
            flags: flags(src_flags),
        };
        let dst = Side {
            packets: number(at.dst_packets),
            bytes: number(at.dst_bytes),
            start: time(at.dst_start, start),
            end: time(at.dst_end, end),
            flags: flags(dst_flags),
        };
        let application = at.application.map(|place| {
            let number = u32::try_from(signed(Some(place))).unwrap_or_default();
            (number & 0x00ff_ffff, text(at.application_name))
        });
        Flow {
            id: number(at.id),
            addresses: [address(at.src), address(at.dst)],
            ports: [narrow(at.src_port), narrow(at.dst_port)],
            protocol: u8::try_from(signed(at.protocol)).unwrap_or_default(),
            vlan: narrow(at.vlan),
            sides: [src, dst],
            application,
            end_reason: end_reason(text(at.end_reason)),
            start,
        }
    }

    fn optional<'b>(&'b self, place: Option<usize>, row: usize) -> Cell<'a, 'b> {
        place.map_or(Cell::Null, |place| self.cell(place, row))
    }
}

/// Returns the nanoseconds of a unit of the times in a column.
pub(super) fn unit_of(schema: &Schema, column: &str) -> i64 {
    let Ok(field) = schema.field_with_name(column) else { return 1 };
    let unit = match field.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => "s",
        DataType::Timestamp(TimeUnit::Millisecond, _) => "ms",
        DataType::Timestamp(TimeUnit::Microsecond, _) => "us",
        DataType::Timestamp(TimeUnit::Nanosecond, _) => "ns",
        _ => field.metadata().get("unit").map_or("ns", String::as_str),
    };
    match unit {
        "s" => 1_000_000_000,
        "ms" => 1_000_000,
        "us" => 1_000,
        _ => 1,
    }
}

/// Returns `flowEndReason` (RFC 5102) for a name of the column `end_reason`.
fn end_reason(name: &str) -> u8 {
    match name {
        "idle" => 1,
        "active" => 2,
        "tcp_fin" | "tcp_rst" | "tcp_reopened" => 3,
        "evicted" => 5,
        _ => 4,
    }
}
