//! Columns of the flow table: names, kinds, roles, units and how their values are read.
//!
//! The Arrow schema, the header of CSV, the attributes in Python and the reference page are all
//! made from them.

use std::sync::LazyLock;

use super::{Group, Names, Output, Record, Scalar, Score, Scored};
use crate::time::{TimeUnit, Timestamp};

/// Placeholder for the run's time unit: in a column's name, and as the unit of a column in that
/// unit.
const PLACE: &str = "{unit}";

/// A column of the flow table, for runs of one time unit.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Name, the same everywhere.
    pub name: &'static str,
    /// Group that the column belongs to.
    pub group: Group,
    /// Kind of its values; of a list, kind of its items.
    pub kind: Kind,
    /// Part that it plays in a data set.
    pub role: Role,
    /// Unit of its numbers, empty where there is none.
    pub unit: &'static str,
    /// Description, one sentence without a full stop.
    pub description: &'static str,
    /// Reader of its value.
    pub read: Read,
    /// Reader of its values in many records, `None` if they are read one by one.
    pub(crate) read_all: Option<ReadAll>,
    /// Whether values grow from row to row, more or less.
    pub(crate) ascends: bool,
    /// Unit of instants and spans.
    times: TimeUnit,
    /// Whether the name carries the unit, and so promises a number.
    names_unit: bool,
}

/// A column as the module of its measurement declares it: for every time unit.
#[derive(Clone, Copy, Debug)]
pub struct Declared {
    name: &'static str,
    kind: Kind,
    role: Role,
    unit: &'static str,
    description: &'static str,
    read: Read,
    read_all: Option<ReadAll>,
    ascends: bool,
}

/// Kind of the values of a column.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// IP addresses.
    Address,
    /// Numbers of bytes.
    Bytes,
    /// Numbers that name or identify something, such as ports and protocols.
    Code,
    /// Numbers of things, such as packets.
    Count,
    /// Yes or no.
    Flag,
    /// Points in time.
    Instant,
    /// Names from a small set.
    Label,
    /// MAC addresses, or their first bytes.
    Mac,
    /// Bytes of packets.
    Raw,
    /// Spans of time.
    Span,
    /// Text from packets or of this machine.
    Text,
}

/// The part that a column plays in a data set.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// Behaviour of the flow: what models learn from.
    Behaviour,
    /// Property of the network or of the software at an end.
    Environment,
    /// Identity of a flow, a host or a process.
    Identifier,
    /// Name or number of the application, or ground truth.
    Label,
    /// Date and time.
    Time,
}

/// Reader of a column's values. Integers are read with their width and sign in the packet;
/// [`Column::integers`] is their type outside the engine.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub enum Read {
    /// Unsigned, 8 bits.
    U8(fn(&Record) -> u8),
    /// Unsigned, 16 bits.
    U16(fn(&Record) -> u16),
    /// Unsigned, 32 bits.
    U32(fn(&Record) -> u32),
    /// Unsigned, 64 bits.
    U64(fn(&Record) -> u64),
    /// Signed, 32 bits.
    I32(fn(&Record) -> i32),
    /// Signed, 64 bits.
    I64(fn(&Record) -> i64),
    /// Floating point, 64 bits, always finite.
    F64(fn(&Record) -> f64),
    /// Floating point, 64 bits, always finite; null where the value is undefined.
    OptionF64(fn(&Record) -> Option<f64>),
    /// Signed, 64 bits; null where there is no value.
    OptionI64(fn(&Record) -> Option<i64>),
    /// Result of one of the user's measures; null where it is undefined.
    Measured(&'static Output),
    /// Result of a model; a number is null where it is undefined.
    Scored(&'static Score),
    /// True or false.
    Bool(fn(&Record) -> bool),
    /// A point in time, in whole units since the Unix epoch, rounded down; 0 for none.
    Instant(fn(&Record) -> Option<Timestamp>),
    /// The time between two points, as the difference of their whole units; 0 for none.
    Span(fn(&Record) -> Option<(Timestamp, Timestamp)>),
    /// A list of integers, appended to the vector.
    List(fn(&Record, &mut Vec<i64>)),
    /// A list with an integer for each of the first packets, as many as the run lists, appended to
    /// the vector.
    Packets(fn(&Record, &mut Vec<i64>)),
    /// Bytes of the first packets, as many as the run keeps, appended to the vector.
    Bytes(fn(&Record, &mut Vec<u8>)),
    /// Text, appended to the string.
    Text(fn(&Record, &mut String)),
    /// A name from a small set: dictionary-encoded text.
    Name {
        /// The number of the name.
        code: fn(&Record) -> u32,
        /// The name, appended to the string.
        name: fn(&dyn Names, u32, &mut String),
    },
}

/// Reader of a column's values in many records, appended to the vector: one call for all of them
/// where a call for each would take longer than the reading.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ReadAll {
    /// Integers of [`Integers::I64`].
    Integers(fn(&[Record], &mut Vec<i64>)),
    /// Numbers of [`Read::F64`].
    Floats(fn(&[Record], &mut Vec<f64>)),
    /// Lists of [`Read::Packets`] with this number of items each, of [`Integers::I64`].
    Lists(fn(&[Record], usize, &mut Vec<i64>)),
    /// The same with items of [`Integers::I32`].
    ShortLists(fn(&[Record], usize, &mut Vec<i32>)),
}

/// Type of the integers of a column outside the engine: signed and wide, because libraries that
/// calculate with narrow or unsigned integers wrap around.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Integers {
    /// 32 bits.
    I32,
    /// 64 bits.
    I64,
}

/// A value read from a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// No value: undefined for this flow.
    Null,
    /// An integer.
    Integer(i64),
    /// A finite floating-point number.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// A list of integers.
    List(Vec<i64>),
    /// A list of finite floating-point numbers.
    Floats(Vec<f64>),
    /// Bytes of packets.
    Bytes(Vec<u8>),
    /// Text.
    Text(String),
}

/// Returns all columns with times in `unit`, in the order of a table.
pub fn columns(unit: TimeUnit) -> impl Iterator<Item = &'static Column> {
    static TABLES: LazyLock<[Vec<Column>; 3]> = LazyLock::new(|| {
        TimeUnit::ALL.map(|unit| {
            let of_group = |group: Group| {
                let declared = group.declaration().columns.iter().copied().flatten();
                declared.map(move |declared| declared.column(group, unit))
            };
            Group::ALL.into_iter().flat_map(of_group).collect()
        })
    });
    let [milliseconds, microseconds, nanoseconds] = &*TABLES;
    match unit {
        TimeUnit::Milliseconds => milliseconds,
        TimeUnit::Microseconds => microseconds,
        TimeUnit::Nanoseconds => nanoseconds,
    }
    .iter()
}

impl Declared {
    /// An IP address.
    pub(super) const fn address(
        name: &'static str,
        description: &'static str,
        read: fn(&Record, &mut String),
    ) -> Self {
        Self::new(name, Kind::Address, Role::Identifier, "", description, Read::Text(read))
    }

    /// A number of bytes.
    pub(super) const fn bytes(name: &'static str, description: &'static str, read: Read) -> Self {
        Self::new(name, Kind::Bytes, Role::Behaviour, "bytes", description, read)
    }

    /// A number that identifies something.
    pub(super) const fn code(
        name: &'static str,
        role: Role,
        description: &'static str,
        read: Read,
    ) -> Self {
        Self::new(name, Kind::Code, role, "", description, read)
    }

    /// A number of `things`.
    pub(super) const fn number(
        name: &'static str,
        things: &'static str,
        description: &'static str,
        read: Read,
    ) -> Self {
        Self::new(name, Kind::Count, Role::Behaviour, things, description, read)
    }

    /// A number of packets.
    pub(super) const fn packets(name: &'static str, description: &'static str, read: Read) -> Self {
        Self::new(name, Kind::Count, Role::Behaviour, "packets", description, read)
    }

    /// Yes or no.
    pub(super) const fn flag(
        name: &'static str,
        role: Role,
        description: &'static str,
        read: fn(&Record) -> bool,
    ) -> Self {
        Self::new(name, Kind::Flag, role, "", description, Read::Bool(read))
    }

    /// A point in time.
    pub(super) const fn instant(
        name: &'static str,
        description: &'static str,
        read: fn(&Record) -> Option<Timestamp>,
    ) -> Self {
        Self::new(name, Kind::Instant, Role::Time, PLACE, description, Read::Instant(read))
    }

    /// A name from a small set.
    pub(super) const fn label(
        name: &'static str,
        role: Role,
        description: &'static str,
        code: fn(&Record) -> u32,
        of_code: fn(&dyn Names, u32, &mut String),
    ) -> Self {
        let read = Read::Name { code, name: of_code };
        Self::new(name, Kind::Label, role, "", description, read)
    }

    /// A list of integers of one kind, an item for each packet.
    pub(super) const fn list(
        name: &'static str,
        items_kind: Kind,
        description: &'static str,
        read: fn(&Record, &mut Vec<i64>),
    ) -> Self {
        let unit = match items_kind {
            Kind::Bytes => "bytes",
            Kind::Instant | Kind::Span => PLACE,
            _ => "",
        };
        Self::new(name, items_kind, Role::Behaviour, unit, description, Read::List(read))
    }

    /// A list of integers of one kind for the first packets, as many as the run lists.
    pub(super) const fn of_packets(
        name: &'static str,
        items_kind: Kind,
        description: &'static str,
        read: fn(&Record, &mut Vec<i64>),
    ) -> Self {
        Self { read: Read::Packets(read), ..Self::list(name, items_kind, description, read) }
    }

    /// Bytes of the first packets.
    pub(super) const fn raw(
        name: &'static str,
        role: Role,
        description: &'static str,
        read: fn(&Record, &mut Vec<u8>),
    ) -> Self {
        Self::new(name, Kind::Raw, role, "", description, Read::Bytes(read))
    }

    /// A MAC address, or its first bytes.
    pub(super) const fn mac(
        name: &'static str,
        description: &'static str,
        read: fn(&Record, &mut String),
    ) -> Self {
        Self::new(name, Kind::Mac, Role::Identifier, "", description, Read::Text(read))
    }

    /// The time between two points.
    pub(super) const fn span(
        name: &'static str,
        description: &'static str,
        read: fn(&Record) -> Option<(Timestamp, Timestamp)>,
    ) -> Self {
        Self::ticks(name, description, Read::Span(read))
    }

    /// A span in units of the run.
    pub(super) const fn ticks(name: &'static str, description: &'static str, read: Read) -> Self {
        Self::span_in(PLACE, name, description, read)
    }

    /// A span in `unit`, whatever the unit of the run.
    pub(super) const fn span_in(
        unit: &'static str,
        name: &'static str,
        description: &'static str,
        read: Read,
    ) -> Self {
        Self::new(name, Kind::Span, Role::Behaviour, unit, description, read)
    }

    /// Text.
    pub(super) const fn text(
        name: &'static str,
        role: Role,
        description: &'static str,
        read: fn(&Record, &mut String),
    ) -> Self {
        Self::new(name, Kind::Text, role, "", description, Read::Text(read))
    }

    /// Gives a column another role.
    pub(super) const fn with_role(self, role: Role) -> Self {
        Self { role, ..self }
    }

    /// Marks a column as growing from row to row, more or less.
    pub(super) const fn ascending(self) -> Self {
        Self { ascends: true, ..self }
    }

    /// Adds a reader of the same values in many records.
    pub(super) const fn read_by(self, read_all: ReadAll) -> Self {
        Self { read_all: Some(read_all), ..self }
    }

    const fn new(
        name: &'static str,
        kind: Kind,
        role: Role,
        unit: &'static str,
        description: &'static str,
        read: Read,
    ) -> Self {
        Self { name, kind, role, unit, description, read, read_all: None, ascends: false }
    }

    /// Returns the column of `group` for runs with times in `times`.
    fn column(&self, group: Group, times: TimeUnit) -> Column {
        let Self { name, kind, role, unit, description, read, read_all, ascends } = *self;
        let names_unit = name.contains(PLACE);
        // Created once for each unit, and kept for the life of the process.
        let name = if names_unit { name.replace(PLACE, times.symbol()).leak() } else { name };
        let unit = if unit == PLACE { times.symbol() } else { unit };
        Column {
            name,
            group,
            kind,
            role,
            unit,
            description,
            read,
            read_all,
            ascends,
            times,
            names_unit,
        }
    }
}

impl Column {
    /// Returns the column under another name, which carries the unit of its instants.
    #[must_use]
    #[cfg(feature = "nfstream6")]
    pub(crate) const fn renamed(self, name: &'static str) -> Self {
        Self { name, names_unit: true, ..self }
    }

    /// Returns the column of a measure.
    pub(crate) const fn measured(
        name: &'static str,
        unit: &'static str,
        expression: &'static str,
        output: &'static Output,
    ) -> Self {
        Self {
            name,
            group: Group::Measured,
            kind: match output.scalar() {
                Scalar::Bool => Kind::Flag,
                _ => Kind::Count,
            },
            role: Role::Behaviour,
            unit,
            description: expression,
            read: Read::Measured(output),
            read_all: None,
            ascends: false,
            times: TimeUnit::Milliseconds,
            names_unit: true,
        }
    }

    /// Returns the column of a model's result.
    pub(super) const fn of_score(name: &'static str, score: &'static Score) -> Self {
        let (kind, description) = match score.scored {
            Scored::Class(_) => (Kind::Label, "class, as a model determines it"),
            Scored::Float => (Kind::Count, "score of a model"),
            Scored::Whole => (Kind::Code, "class, as a model determines it"),
        };
        Self {
            name,
            group: Group::Scored,
            kind,
            role: Role::Label,
            unit: "",
            description,
            read: Read::Scored(score),
            read_all: None,
            ascends: false,
            times: TimeUnit::Milliseconds,
            names_unit: true,
        }
    }

    /// Returns the value of this column in `record`.
    pub fn value(&self, record: &Record, names: &dyn Names) -> Value {
        match self.read {
            Read::U8(read) => Value::Integer(read(record).into()),
            Read::U16(read) => Value::Integer(read(record).into()),
            Read::U32(read) => Value::Integer(read(record).into()),
            Read::U64(read) => Value::Integer(read(record).try_into().unwrap_or(i64::MAX)),
            Read::I32(read) => Value::Integer(read(record).into()),
            Read::I64(read) => Value::Integer(read(record)),
            Read::F64(read) => Value::Float(read(record)),
            Read::OptionF64(read) => read(record).map_or(Value::Null, Value::Float),
            Read::OptionI64(read) => read(record).map_or(Value::Null, Value::Integer),
            Read::Measured(output) => output.value(record),
            Read::Scored(score) => score.value(record),
            Read::Bool(read) => Value::Bool(read(record)),
            Read::Instant(read) => Value::Integer(instant_ticks(read(record), self.times)),
            Read::Span(read) => Value::Integer(span_ticks(read(record), self.times)),
            Read::List(read) | Read::Packets(read) => {
                let mut list = Vec::new();
                read(record, &mut list);
                Value::List(list)
            }
            Read::Bytes(read) => {
                let mut bytes = Vec::new();
                read(record, &mut bytes);
                Value::Bytes(bytes)
            }
            Read::Text(read) => {
                let mut text = String::new();
                read(record, &mut text);
                Value::Text(text)
            }
            Read::Name { code, name } => {
                let mut text = String::new();
                name(names, code(record), &mut text);
                Value::Text(text)
            }
        }
    }

    /// Returns the unit of its instants and spans.
    pub const fn times(&self) -> TimeUnit {
        self.times
    }

    /// Returns whether it can be shown as points in time instead of numbers: every flow has the
    /// instant, and the name does not carry a unit.
    pub fn is_timestamp(&self) -> bool {
        self.kind == Kind::Instant && !self.names_unit
    }

    /// Returns whether the column holds null where a value is undefined.
    pub fn is_nullable(&self) -> bool {
        match self.read {
            Read::OptionF64(_) | Read::OptionI64(_) => true,
            Read::Measured(output) => !output.is_list(),
            Read::Scored(score) => !score.is_text(),
            _ => false,
        }
    }

    /// Returns whether its values are lists.
    pub fn is_list(&self) -> bool {
        match self.read {
            Read::List(_) | Read::Packets(_) => true,
            Read::Measured(output) => output.is_list(),
            _ => false,
        }
    }

    /// Returns the type of its integers, or of those in its lists; `None` if it has none. 32 bits
    /// for codes; 64 for counts, for measurements and for codes that do not fit.
    pub fn integers(&self) -> Option<Integers> {
        match self.read {
            Read::Measured(output) => match output.scalar() {
                Scalar::Float => None,
                Scalar::Bool if !output.is_list() => None,
                _ => Some(Integers::I64),
            },
            Read::Scored(score) => (score.scored == Scored::Whole).then_some(Integers::I64),
            Read::F64(_)
            | Read::OptionF64(_)
            | Read::Bool(_)
            | Read::Bytes(_)
            | Read::Text(_)
            | Read::Name { .. } => None,
            Read::U32(_) | Read::U64(_) | Read::I64(_) | Read::Instant(_) | Read::Span(_) => {
                Some(Integers::I64)
            }
            Read::U8(_)
            | Read::U16(_)
            | Read::I32(_)
            | Read::OptionI64(_)
            | Read::List(_)
            | Read::Packets(_) => match self.kind {
                Kind::Code | Kind::Flag => Some(Integers::I32),
                _ => Some(Integers::I64),
            },
        }
    }

    /// Returns the name of the column's type, as Arrow writes it.
    pub fn type_name(&self) -> &'static str {
        match (self.read, self.integers()) {
            (Read::Measured(output), _) => output.type_name(),
            (Read::Scored(score), _) => score.type_name(),
            (Read::List(_), Some(Integers::I32)) => "list<int32>",
            (Read::List(_), _) => "list<int64>",
            (Read::Packets(_), Some(Integers::I32)) => "fixed_size_list<int32>",
            (Read::Packets(_), _) => "fixed_size_list<int64>",
            (Read::Bytes(_), _) => "fixed_size_binary",
            (_, Some(Integers::I32)) => "int32",
            (_, Some(Integers::I64)) => "int64",
            (Read::F64(_) | Read::OptionF64(_), _) => "double",
            (Read::Bool(_), _) => "bool",
            (Read::Name { .. }, _) => "dictionary<string>",
            _ => "string",
        }
    }
}

impl Kind {
    /// Returns the kind as a word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Bytes => "bytes",
            Self::Code => "code",
            Self::Count => "count",
            Self::Flag => "flag",
            Self::Instant => "instant",
            Self::Label => "label",
            Self::Mac => "mac",
            Self::Raw => "raw",
            Self::Span => "span",
            Self::Text => "text",
        }
    }
}

impl Role {
    /// Returns whether the column identifies a flow, a host, a network or a date, from which a
    /// model learns the data set instead of behaviour.
    pub const fn is_identifying(self) -> bool {
        matches!(self, Self::Environment | Self::Identifier | Self::Time)
    }

    /// Returns the role as a word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Behaviour => "behaviour",
            Self::Environment => "environment",
            Self::Identifier => "identifier",
            Self::Label => "label",
            Self::Time => "time",
        }
    }
}

/// Returns a point in time as a table shows it: 0 for none.
#[inline]
pub(crate) fn instant_ticks(instant: Option<Timestamp>, unit: TimeUnit) -> i64 {
    instant.map_or(0, |instant| instant.ticks(unit))
}

/// Returns a span as a table shows it, the difference of its ends as the table shows them: 0 for
/// none.
#[inline]
pub(crate) fn span_ticks(ends: Option<(Timestamp, Timestamp)>, unit: TimeUnit) -> i64 {
    ends.map_or(0, |(first, last)| last.ticks(unit).saturating_sub(first.ticks(unit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns whether a column has one unit in every table.
    fn is_fixed(column: &Column) -> bool {
        column.name == "tcp_handshake_us" || matches!(column.group, Group::Cic | Group::Cesnet)
    }

    #[test]
    fn names_are_unique() {
        for unit in TimeUnit::ALL {
            let mut names: Vec<_> = columns(unit).map(|column| column.name).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all);
        }
    }

    #[test]
    fn names_carry_the_unit_of_times_only() {
        for unit in TimeUnit::ALL {
            for column in columns(unit).filter(|column| !is_fixed(column)) {
                assert!(!column.name.contains(['{', '}']), "{}: an unknown place", column.name);
                let is_time = matches!(column.kind, Kind::Instant | Kind::Span);
                assert_eq!(column.unit == unit.symbol(), is_time);
                assert!(!column.names_unit || column.name.ends_with(unit.symbol()));
            }
        }
    }
}
