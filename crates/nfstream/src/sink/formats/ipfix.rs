//! Files of IPFIX messages (RFC 5655).

use std::io;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::{Counted, Encoder, Format, Needs, Output};
use crate::sink::ipfix::{Choices, Messages, columns};

pub(super) const FORMAT: Format = Format {
    name: "ipfix",
    extensions: &["ipfix"],
    description: "IPFIX messages, a record for each direction of a flow",
    is_binary: true,
    needs: Some(Needs {
        columns: |chosen| columns(chosen.shows, chosen.dissects, chosen.unit, false),
        ip_bytes: true,
        fields: Vec::new,
    }),
    encoder: |output, schema, _| Ok(Box::new(IpfixEncoder::new(output, schema, false))),
};

/// Begins a file with one record a flow (RFC 5103).
pub(super) fn biflow(output: Output, schema: &SchemaRef) -> Box<dyn Encoder> {
    Box::new(IpfixEncoder::new(output, schema, true))
}

/// Most bytes of a message.
const MESSAGE: usize = 16_384;

/// Writes batches as messages. Their time is that of the latest packet in them, so that equal
/// flows give equal files.
struct IpfixEncoder {
    messages: Messages,
    output: Counted<Output>,
    /// Whether the templates were written.
    has_templates: bool,
    /// Latest packet so far, in seconds.
    now: u32,
}

impl IpfixEncoder {
    fn new(output: Output, schema: &SchemaRef, is_biflow: bool) -> Self {
        let choices = Choices { is_biflow, ..Choices::default() };
        let messages = Messages::new(schema, choices, MESSAGE);
        Self { messages, output: Counted::new(output), has_templates: false, now: 0 }
    }

    fn write_templates(&mut self) -> io::Result<()> {
        if !std::mem::replace(&mut self.has_templates, true) {
            let output = &mut self.output;
            self.messages.write_templates(self.now, &mut |message| write(output, message))?;
        }
        Ok(())
    }
}

impl Encoder for IpfixEncoder {
    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        self.now = self.now.max(Messages::latest(batch));
        self.write_templates()?;
        let output = &mut self.output;
        self.messages.write(batch, self.now, &mut |message| write(output, message)).map(drop)
    }

    fn flush(&mut self) -> io::Result<()> {
        let output = &mut self.output;
        self.messages.end_message(self.now, &mut |message| write(output, message))?;
        io::Write::flush(output)
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.write_templates()?;
        self.flush()
    }

    fn bytes(&self) -> u64 {
        self.output.bytes
    }
}

fn write(output: &mut Counted<Output>, message: &[u8]) -> io::Result<()> {
    io::Write::write_all(output, message)
}
