//! Suricata's events, `eve.json`: one for each flow, and others for its TLS, DNS and HTTP.

use arrow_schema::Schema as ArrowSchema;

use super::eve_fields::{DNS, FLOW, HEAD, HTTP, TLS};
use super::lines::{Line, LineEncoder};
use super::mapping::{Mapped, MappedField, Places, columns_of, help, write_object};
use super::{Format, Needs};
use crate::table::Cells;

pub(super) const FORMAT: Format = Format {
    name: "eve",
    extensions: &[],
    description: "Suricata's eve.json: events of flows, TLS, DNS and HTTP",
    is_binary: false,
    needs: Some(Needs {
        columns: |chosen| columns_of(EVENTS.into_iter().flat_map(fields), chosen.dissects),
        ip_bytes: false,
        fields: || help([HEAD, FLOW, TLS, DNS, HTTP].into_iter().flatten()),
    }),
    encoder: |output, schema, _| Ok(Box::new(LineEncoder::<Events, _>::new(output, schema)?)),
};

/// A type of event.
#[derive(Clone, Copy, Debug)]
struct Event {
    name: &'static str,
    fields: &'static [MappedField],
    /// Field without which a flow has no such event, `None` if every flow has one.
    sign: Option<&'static str>,
}

const EVENTS: [Event; 4] = [
    Event { name: "flow", fields: FLOW, sign: None },
    Event { name: "tls", fields: TLS, sign: Some("tls.version") },
    Event { name: "dns", fields: DNS, sign: Some("dns.rrname") },
    Event { name: "http", fields: HTTP, sign: Some("http.http_method") },
];

/// Events of a row.
struct Events {
    head: Places,
    events: Vec<(Event, Places)>,
}

impl Line for Events {
    fn new(schema: &ArrowSchema) -> Self {
        let events = EVENTS.map(|event| (event, Places::new(event.fields, schema)));
        Self { head: Places::new(HEAD, schema), events: events.into() }
    }

    fn write_header(&self, _: &mut Vec<u8>) {}

    fn write_row(&self, cells: &[Cells<'_>], row: usize, out: &mut Vec<u8>) {
        for (event, places) in &self.events {
            let value = |place| places.value(place, event.fields, cells, row);
            let is_present = event.sign.is_none_or(|sign| {
                let place = event.fields.iter().position(|field| field.name == sign);
                place.is_some_and(|place| value(place) != Mapped::Absent)
            });
            if !is_present {
                continue;
            }
            let head = HEAD.iter().enumerate().map(|(place, field)| match field.name {
                "event_type" => (field.name, Mapped::Text(event.name.into())),
                name => (name, self.head.value(place, HEAD, cells, row)),
            });
            let own = event.fields.iter().enumerate();
            let own = own.map(|(place, field)| (field.name, value(place)));
            write_object(head.chain(own), out);
        }
    }
}

/// Returns all fields of an event.
fn fields(event: Event) -> impl Iterator<Item = &'static MappedField> {
    HEAD.iter().chain(event.fields)
}
