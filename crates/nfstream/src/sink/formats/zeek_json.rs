//! Zeek's connection log, `conn.log`, as lines of JSON.

use arrow_schema::Schema as ArrowSchema;

use super::Format;
use super::lines::{Line, LineEncoder};
use super::mapping::{Mapped, Places};
use super::zeek::{self, FIELDS};
use crate::table::{Cell, Cells};

pub(super) const FORMAT: Format = Format {
    name: "zeek-json",
    description: "Zeek's conn.log, one JSON object per line",
    encoder: |output, schema, _| Ok(Box::new(LineEncoder::<Object, _>::new(output, schema)?)),
    ..zeek::FORMAT
};

/// An object of the log. Its names have dots but do not nest.
struct Object(Places);

impl Line for Object {
    fn new(schema: &ArrowSchema) -> Self {
        Self(Places::new(FIELDS, schema))
    }

    fn write_header(&self, _: &mut Vec<u8>) {}

    fn write_row(&self, cells: &[Cells<'_>], row: usize, out: &mut Vec<u8>) {
        let mut separator = b'{';
        for (place, field) in FIELDS.iter().enumerate() {
            let value = self.0.value(place, FIELDS, cells, row);
            if value == Mapped::Absent {
                continue;
            }
            out.push(separator);
            separator = b',';
            Cell::Text(field.name).write_json(out);
            out.push(b':');
            value.write_json(out);
        }
        out.extend_from_slice(b"}\n");
    }
}
