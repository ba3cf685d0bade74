//! A dissector from another crate, through the public API alone.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use nfstream::dissect::{
    Component, DissectError, Dissection, Dissector, DissectorFactory, Inspection, Limits, Wanted,
};
use nfstream::features::{Application, Column, Label, Metadata, Names, Value};
use nfstream::flow::Slot;
use nfstream::packet::Packet;
use nfstream::sink::Format;
use nfstream::table::Provenance;
use nfstream::{Config, Run, RunError};
use nfstream_testkit::{Captured, Ends, Frame, MemorySource, records, seconds, text_of};

/// Factory of dissectors that label by the first byte of a payload.
#[derive(Debug, Default)]
struct FirstByte {
    made: AtomicU32,
}

impl DissectorFactory for FirstByte {
    fn name(&self) -> &'static str {
        "first-byte"
    }

    fn components(&self) -> Vec<Component> {
        let version = |name, version: &str| Component { name, version: version.to_owned() };
        vec![version("FirstByte", "2.1"), version("Bytes", "2026-11")]
    }

    fn make(&self, limits: Limits, _: Wanted) -> Result<Box<dyn Dissector>, DissectError> {
        if limits.udp_packets == 0 {
            return Err(DissectError { name: "first-byte", source: "one packet is needed".into() });
        }
        self.made.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(Labels::default()))
    }
}

/// First byte of each flow, by slot; 0 while there is none.
#[derive(Debug, Default)]
struct Labels(Vec<u8>);

impl Labels {
    fn byte(&mut self, slot: Slot) -> &mut u8 {
        if self.0.len() <= slot.index() {
            self.0.resize(slot.index() + 1, 0);
        }
        &mut self.0[slot.index()]
    }
}

impl Dissector for Labels {
    fn inspect(&mut self, slot: Slot, packet: &Packet, ip_bytes: &[u8]) -> Inspection {
        assert_eq!(packet.protocol, 17);
        match ip_bytes.get(28) {
            Some(&byte) => {
                *self.byte(slot) = byte;
                Inspection::Done
            }
            None => Inspection::Open,
        }
    }

    fn peek(&mut self, slot: Slot) -> Application {
        let app_protocol = u16::from(*self.byte(slot));
        let metadata = Metadata { client_info: "a payload".into(), ..Metadata::default() };
        Application {
            label: Label { app_protocol, category: 7, ..Label::default() },
            metadata: (app_protocol > 0).then(|| Arc::new(metadata)),
            ..Application::default()
        }
    }

    fn end_slice(&mut self, slot: Slot) -> (Application, Inspection) {
        (self.peek(slot), Inspection::Done)
    }

    fn end(&mut self, slot: Slot) -> Application {
        let application = self.peek(slot);
        *self.byte(slot) = 0;
        application
    }

    fn names(&self) -> Arc<dyn Names> {
        Arc::new(ByteNames)
    }
}

#[derive(Debug)]
struct ByteNames;

impl Names for ByteNames {
    fn application(&self, _: u16, app_protocol: u16, name: &mut String) {
        match u8::try_from(app_protocol) {
            Ok(byte @ 1..) => name.push(char::from(byte)),
            _ => name.push_str("Unknown"),
        }
    }

    fn category(&self, category: u16, name: &mut String) {
        name.push_str(if category == 7 { "Bytes" } else { "" });
    }
}

/// Six conversations whose first packet is empty and whose second begins with a letter.
fn packets() -> Vec<Captured> {
    let mut packets = Vec::new();
    for (client, letter) in (1..).zip(*b"ABCDEF") {
        let frame = || Frame::ethernet().ipv4([192, 0, 2, client], [198, 51, 100, client]);
        packets.push(Captured::new(seconds(1), &frame().udp(50_000, 9)));
        packets.push(Captured::new(seconds(2), &frame().udp(50_000, 9).payload(&[letter, b'!'])));
    }
    packets
}

fn config(factory: &Arc<FirstByte>, limits: Limits, meters: usize) -> Config {
    let dissector = Arc::clone(factory) as Arc<dyn DissectorFactory>;
    let dissection = Some(Dissection { dissector, limits });
    Config { dissection, ..Ends::without_dpi(30, 300).on(meters, 2048).config() }
}

fn value(column: &Column, record: &nfstream::features::Record) -> String {
    match column.value(record, &ByteNames) {
        Value::Text(text) => text,
        other => format!("{other:?}"),
    }
}

#[test]
fn a_dissector_from_another_crate_labels_flows() {
    for meters in [1, 2, 3] {
        let factory = Arc::new(FirstByte::default());
        let config = config(&factory, Limits::default(), meters);
        let mut run = Run::new(MemorySource::new(packets()).boxed(), &config).unwrap();
        let schema = Arc::clone(run.schema());
        let column = |name| *schema.columns().iter().find(|column| column.name == name).unwrap();
        let records = records(&mut run).unwrap();
        let names = ["application_name", "category_name", "client_info"].map(column);
        let rows = records.iter().map(|record| names.map(|name| value(name, record)).join(" "));
        let expected = ["A", "B", "C", "D", "E", "F"].map(|name| format!("{name} Bytes a payload"));
        assert_eq!(rows.collect::<Vec<_>>(), expected, "{meters} meters");
        assert_eq!(usize::try_from(factory.made.load(Ordering::Relaxed)), Ok(meters));
        let table = text_of(Format::CSV, &schema, records);
        assert!(table.contains(",F,Bytes,a payload,"));
    }
}

#[test]
fn provenance_names_the_dissector_and_its_versions() {
    let config = config(&Arc::default(), Limits::default(), 1);
    let run = Run::new(MemorySource::new([]).boxed(), &config).unwrap();
    let provenance = Provenance::new(run.dissector().map(|dissector| &**dissector));
    let entries: Vec<_> = provenance.entries().skip(2).collect();
    let expected = [
        ("nfstream.dissector", "first-byte"),
        ("nfstream.firstbyte_version", "2.1"),
        ("nfstream.bytes_version", "2026-11"),
    ];
    assert_eq!(entries, expected);
    assert_eq!(Provenance::new(None).entries().count(), 2);
}

#[test]
fn a_dissector_that_cannot_be_made_fails_the_run() {
    let limits = Limits { udp_packets: 0, ..Limits::default() };
    for meters in [1, 2] {
        let config = config(&Arc::default(), limits, meters);
        let error = Run::new(MemorySource::new(packets()).boxed(), &config).err().unwrap();
        assert!(matches!(error, RunError::Dissector(_)), "{error}");
        assert_eq!(error.to_string(), "dissector first-byte cannot be set up");
        let cause = std::error::Error::source(&error).unwrap();
        assert_eq!(cause.to_string(), "one packet is needed");
    }
}

#[test]
fn without_a_dissector_there_are_no_labels() {
    let config = Config { dissection: None, ..Config::default() };
    let run = Run::new(MemorySource::new(packets()).boxed(), &config).unwrap();
    assert!(run.dissector().is_none());
    assert!(run.schema().columns().iter().all(|column| !column.group.needs_inspection()));
}
