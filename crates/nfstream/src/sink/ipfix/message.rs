//! Messages: a header, and sets of templates and records (RFC 7011).

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_schema::SchemaRef;

use super::Choices;
use super::flow::{Columns, Flow, Side, unit_of};
use super::template::{Described, Element, VARIABLE, Value, elements, further};
use crate::table::Cell;

/// Version in the header.
const VERSION: u16 = 10;

/// Bytes of a message's header.
const HEADER: usize = 16;

/// Sets of templates and of templates of options.
const TEMPLATES: u16 = 2;
const OPTIONS_TEMPLATES: u16 = 3;

/// Templates of this program.
const IPV4: u16 = 256;
const IPV6: u16 = 257;
const APPLICATIONS: u16 = 258;
const TYPES: u16 = 259;

/// Classification engine of applications that this program defines (RFC 6759).
const USER_DEFINED: u8 = 6;

/// Most bytes of one text.
const MOST_TEXT: usize = 512;

/// Writer of messages.
#[derive(Debug)]
pub(crate) struct Messages {
    choices: Choices,
    templates: [Vec<Element>; 2],
    described: Vec<Described>,
    has_applications: bool,
    /// Names of the applications that were sent.
    applications: BTreeMap<u32, String>,
    message: Vec<u8>,
    /// Set that the message ends in: its template and where it begins.
    set: Option<(u16, usize)>,
    most_bytes: usize,
    /// Number of data records before the message.
    sequence: u32,
    /// Data records in the message.
    records: u32,
    record: Vec<u8>,
}

/// Function that takes a complete message.
pub(crate) type Emit<'a> = &'a mut dyn FnMut(&[u8]) -> io::Result<()>;

impl Messages {
    /// Returns a writer of messages of at most `most_bytes`, unless a single record is longer.
    pub(crate) fn new(schema: &SchemaRef, choices: Choices, most_bytes: usize) -> Self {
        Self {
            choices,
            templates: [false, true].map(|is_v6| elements(schema, &choices, is_v6)),
            described: further(schema, &choices).map(|(_, described)| described).collect(),
            has_applications: schema.index_of("app_protocol").is_ok(),
            applications: BTreeMap::new(),
            message: Vec::new(),
            set: None,
            most_bytes,
            sequence: 0,
            records: 0,
            record: Vec::new(),
        }
    }

    /// Returns the time of the latest packet of a batch, in seconds.
    pub(crate) fn latest(batch: &RecordBatch) -> u32 {
        let times = batch.column_by_name("last_seen");
        let times = times.and_then(|times| times.as_primitive_opt::<Int64Type>());
        let latest = times.and_then(|times| times.values().iter().max()).copied();
        let latest = latest.unwrap_or_default();
        let latest = latest.saturating_mul(unit_of(batch.schema_ref(), "last_seen"));
        u32::try_from(latest.div_euclid(1_000_000_000)).unwrap_or_default()
    }

    /// Writes all templates, the types of columns, and the names of applications so far. `now` is
    /// in seconds.
    pub(crate) fn write_templates(&mut self, now: u32, emit: Emit<'_>) -> io::Result<()> {
        self.end_message(now, emit)?;
        for (id, place) in [(IPV4, 0), (IPV6, 1)] {
            let elements = &self.templates[place];
            let mut template = Vec::new();
            put16(&mut template, id);
            put16(&mut template, u16::try_from(elements.len()).unwrap_or(u16::MAX));
            for element in elements {
                put_element(&mut template, element.id, element.enterprise, element.len);
            }
            self.add(TEMPLATES, &template, false, now, emit)?;
        }
        if self.has_applications {
            let names = [(95, 0, 4), (96, 0, VARIABLE)];
            self.add(OPTIONS_TEMPLATES, &options(APPLICATIONS, 1, &names), false, now, emit)?;
        }
        if !self.described.is_empty() {
            let types = [(346, 0, 4), (303, 0, 2), (339, 0, 1), (344, 0, 1), (341, 0, VARIABLE)];
            self.add(OPTIONS_TEMPLATES, &options(TYPES, 2, &types), false, now, emit)?;
            for Described { id, data_type, semantics, name } in self.described.clone() {
                let mut record = Vec::new();
                put32(&mut record, self.choices.enterprise.unwrap_or_default());
                put16(&mut record, id);
                record.extend([data_type, semantics]);
                put_text(&mut record, &name);
                self.add(TYPES, &record, true, now, emit)?;
            }
        }
        for (id, name) in self.applications.clone() {
            self.add(APPLICATIONS, &application(id, &name), true, now, emit)?;
        }
        self.end_message(now, emit)
    }

    /// Writes the records of a batch and returns how many there are. The last message may wait for
    /// more, until [`end_message`](Self::end_message).
    pub(crate) fn write(
        &mut self,
        batch: &RecordBatch,
        now: u32,
        emit: Emit<'_>,
    ) -> io::Result<u64> {
        let columns = Columns::new(batch).map_err(io::Error::other)?;
        let mut records = 0;
        for row in 0..batch.num_rows() {
            let flow = columns.flow(row);
            if let Some((id, name)) = flow.application
                && !self.applications.contains_key(&id)
            {
                // The protocol that carries it differs between flows.
                let name = name.split_once('.').map_or(name, |(_, name)| name);
                self.applications.insert(id, name.to_owned());
                self.add(APPLICATIONS, &application(id, name), true, now, emit)?;
            }
            records += self.write_flow(&flow, &columns, row, now, emit)?;
        }
        Ok(records)
    }

    /// Emits the message in progress, if it holds anything.
    pub(crate) fn end_message(&mut self, now: u32, emit: Emit<'_>) -> io::Result<()> {
        if self.message.is_empty() {
            return Ok(());
        }
        self.end_set();
        let Ok(len) = u16::try_from(self.message.len()) else {
            self.message.clear();
            self.records = 0;
            let message = "a record is too long for a message of IPFIX";
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        };
        let mut header = Vec::with_capacity(HEADER);
        put16(&mut header, VERSION);
        put16(&mut header, len);
        put32(&mut header, now);
        put32(&mut header, self.sequence);
        put32(&mut header, self.choices.domain);
        if let Some(place) = self.message.get_mut(..HEADER) {
            place.copy_from_slice(&header);
        }
        self.sequence = self.sequence.wrapping_add(self.records);
        self.records = 0;
        let emitted = emit(&self.message);
        self.message.clear();
        emitted
    }

    fn write_flow(
        &mut self,
        flow: &Flow<'_>,
        columns: &Columns<'_>,
        row: usize,
        now: u32,
        emit: Emit<'_>,
    ) -> io::Result<u64> {
        let is_v6 = flow.addresses.iter().any(IpAddr::is_ipv6);
        let (template, place) = if is_v6 { (IPV6, 1) } else { (IPV4, 0) };
        let senders: &[usize] = match self.choices.is_biflow {
            true => &[0],
            false => &[0, 1],
        };
        let mut records = 0;
        for &sender in senders {
            // A direction without packets has no flow of its own.
            if sender == 1 && flow.sides[1].packets == 0 {
                continue;
            }
            let mut record = std::mem::take(&mut self.record);
            record.clear();
            for element in &self.templates[place] {
                put_value(&mut record, element, flow, sender, (columns, row));
            }
            let added = self.add(template, &record, true, now, emit);
            self.record = record;
            added?;
            records += 1;
        }
        Ok(records)
    }

    /// Adds a template or a record to the message; emits the message before if it is full.
    fn add(
        &mut self,
        set: u16,
        bytes: &[u8],
        is_record: bool,
        now: u32,
        emit: Emit<'_>,
    ) -> io::Result<()> {
        if !self.message.is_empty() && self.message.len() + bytes.len() + 4 > self.most_bytes {
            self.end_message(now, emit)?;
        }
        if self.message.is_empty() {
            self.message.resize(HEADER, 0);
            self.set = None;
        }
        if self.set.is_none_or(|(current, _)| current != set) {
            self.end_set();
            self.set = Some((set, self.message.len()));
            put16(&mut self.message, set);
            put16(&mut self.message, 0);
        }
        self.message.extend_from_slice(bytes);
        self.records += u32::from(is_record);
        Ok(())
    }

    /// Writes the length of the current set.
    fn end_set(&mut self) {
        if let Some((_, start)) = self.set.take() {
            let len = u16::try_from(self.message.len() - start).unwrap_or(u16::MAX);
            if let Some(place) = self.message.get_mut(start + 2..start + 4) {
                place.copy_from_slice(&len.to_be_bytes());
            }
        }
    }
}

/// Returns a template of options.
fn options(id: u16, scopes: u16, elements: &[(u16, u32, u16)]) -> Vec<u8> {
    let mut template = Vec::new();
    put16(&mut template, id);
    put16(&mut template, u16::try_from(elements.len()).unwrap_or(u16::MAX));
    put16(&mut template, scopes);
    for (id, enterprise, len) in elements {
        put_element(&mut template, *id, *enterprise, *len);
    }
    template
}

/// Returns the record that names an application.
fn application(id: u32, name: &str) -> Vec<u8> {
    let mut record = Vec::new();
    put_application(&mut record, id);
    put_text(&mut record, name);
    record
}

/// Appends the value of an element in the record of one sender.
fn put_value(
    out: &mut Vec<u8>,
    element: &Element,
    flow: &Flow<'_>,
    sender: usize,
    (columns, row): (&Columns<'_>, usize),
) {
    // Both are 0 or 1.
    let end = |relative: usize| relative ^ sender;
    let side = |relative: usize| -> &Side { &flow.sides[end(relative) & 1] };
    match element.value {
        Value::Address(relative) => match flow.addresses[end(relative) & 1] {
            IpAddr::V4(address) if element.len == 4 => out.extend(address.octets()),
            IpAddr::V4(address) => out.extend(address.to_ipv6_mapped().octets()),
            IpAddr::V6(address) => out.extend(address.octets()),
        },
        Value::ApplicationId => {
            put_application(out, flow.application.map_or(0, |(id, _)| id));
        }
        Value::ApplicationName => put_text(out, flow.application.map_or("", |(_, name)| name)),
        Value::Bytes(relative) => out.extend(side(relative).bytes.to_be_bytes()),
        Value::Column(place) => put_column(out, columns.cell(place, row), element.len),
        Value::Constant(number) => {
            let bytes = number.to_be_bytes();
            let skipped = bytes.len().saturating_sub(element.len.into());
            out.extend(bytes.iter().skip(skipped));
        }
        Value::Directions(place) => put_list(out, (61, 1), list(columns.cell(place, row))),
        Value::EndMilliseconds(relative) => put_milliseconds(out, side(relative).end),
        Value::EndNanoseconds(relative) => put_nanoseconds(out, side(relative).end),
        Value::EndReason => out.push(flow.end_reason),
        Value::Flags(relative) => out.push(side(relative).flags),
        Value::FlowId => out.extend(flow.id.to_be_bytes()),
        Value::Packets(relative) => out.extend(side(relative).packets.to_be_bytes()),
        Value::Port(relative) => out.extend(flow.ports[end(relative) & 1].to_be_bytes()),
        Value::Protocol => out.push(flow.protocol),
        Value::Sizes(place) => put_list(out, (224, 4), list(columns.cell(place, row))),
        Value::StartMilliseconds(relative) => put_milliseconds(out, side(relative).start),
        Value::StartNanoseconds(relative) => put_nanoseconds(out, side(relative).start),
        Value::Times(place, unit) => {
            let mut time = flow.start;
            let times = list(columns.cell(place, row)).map(|gap| {
                time = time.saturating_add(gap.saturating_mul(unit));
                time
            });
            put_list(out, (323, 8), times.map(|time| time.div_euclid(1_000_000)));
        }
        Value::Version => out.push(if flow.addresses[0].is_ipv6() { 6 } else { 4 }),
        Value::Vlan => out.extend(flow.vlan.to_be_bytes()),
    }
}

/// Returns the numbers of a list up to the first place without a packet.
fn list<'a>(cell: Cell<'a, 'a>) -> impl Iterator<Item = i64> {
    let items = match cell {
        Cell::List(list) => Some(list.iter()),
        _ => None,
    };
    let numbers = items.into_iter().flatten().map(|item| match item {
        Cell::Integer(number) => number,
        _ => -1,
    });
    numbers.take_while(|number| *number >= 0)
}

/// Most values of a list: three lists fit a message, whose length has 16 bits.
const MOST_VALUES: usize = 1_000;

/// Appends a basic list in order (RFC 6313) of one element with its length.
fn put_list(out: &mut Vec<u8>, (id, len): (u16, u16), values: impl Iterator<Item = i64>) {
    const ORDERED: u8 = 4;
    let mut content = vec![ORDERED];
    put16(&mut content, id);
    put16(&mut content, len);
    for value in values.take(MOST_VALUES) {
        let bytes = value.to_be_bytes();
        content.extend(bytes.iter().skip(bytes.len().saturating_sub(len.into())));
    }
    put_bytes(out, &content);
}

fn put_column(out: &mut Vec<u8>, cell: Cell<'_, '_>, len: u16) {
    match (cell, len) {
        (Cell::Bool(flag), 1) => out.push(if flag { 1 } else { 2 }),
        (Cell::Integer(number), 4) => {
            out.extend(i32::try_from(number).unwrap_or(i32::MAX).to_be_bytes());
        }
        (Cell::Integer(number) | Cell::Time(number, _), 8) => out.extend(number.to_be_bytes()),
        (Cell::Float(number), 8) => out.extend(number.to_be_bytes()),
        (Cell::Text(text), VARIABLE) => put_text(out, text),
        (cell, VARIABLE) => {
            let mut text = Vec::new();
            cell.write_text(&mut text);
            put_text(out, &String::from_utf8_lossy(&text));
        }
        (_, len) => out.extend(std::iter::repeat_n(0, len.into())),
    }
}

fn put_application(out: &mut Vec<u8>, id: u32) {
    let [_, a, b, c] = id.to_be_bytes();
    out.extend([USER_DEFINED, a, b, c]);
}

fn put_milliseconds(out: &mut Vec<u8>, nanoseconds: i64) {
    out.extend(nanoseconds.div_euclid(1_000_000).to_be_bytes());
}

/// Appends a time in the format of NTP: seconds since 1900 and their fraction (RFC 7011, 6.1.10).
fn put_nanoseconds(out: &mut Vec<u8>, nanoseconds: i64) {
    /// Seconds from 1900 to 1970.
    const EPOCH: i64 = 2_208_988_800;
    let seconds = nanoseconds.div_euclid(1_000_000_000).wrapping_add(EPOCH);
    let [.., a, b, c, d] = seconds.to_be_bytes();
    out.extend([a, b, c, d]);
    // Rounded up, so that a reader that rounds down finds the same nanosecond.
    let fraction = ((nanoseconds.rem_euclid(1_000_000_000) << 32) + 999_999_999) / 1_000_000_000;
    let [.., a, b, c, d] = fraction.to_be_bytes();
    out.extend([a, b, c, d]);
}

fn put_element(out: &mut Vec<u8>, id: u16, enterprise: u32, len: u16) {
    /// Bit of elements with an enterprise number.
    const ENTERPRISE: u16 = 0x8000;
    put16(out, if enterprise == 0 { id } else { id | ENTERPRISE });
    put16(out, len);
    if enterprise != 0 {
        put32(out, enterprise);
    }
}

/// Appends text with its length, cut at a character if it is too long.
fn put_text(out: &mut Vec<u8>, text: &str) {
    let end = (0..=MOST_TEXT.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    put_bytes(out, text.get(..end.unwrap_or_default()).unwrap_or_default().as_bytes());
}

/// Appends bytes with their length (RFC 7011, 7).
fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    match u8::try_from(bytes.len()) {
        Ok(len) if len < 255 => out.push(len),
        _ => {
            out.push(255);
            put16(out, u16::try_from(bytes.len()).unwrap_or(u16::MAX));
        }
    }
    out.extend(bytes);
}

fn put16(out: &mut Vec<u8>, number: u16) {
    out.extend(number.to_be_bytes());
}

fn put32(out: &mut Vec<u8>, number: u32) {
    out.extend(number.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_long_lists_fit_a_message() {
        let mut out = Vec::new();
        for element in [(224, 4), (5000, 1), (323, 8)] {
            put_list(&mut out, element, 0..60_000);
        }
        assert!(out.len() < 20_000, "{}", out.len());
    }
}
