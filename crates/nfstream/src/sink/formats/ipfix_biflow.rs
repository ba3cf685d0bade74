//! Files of IPFIX messages with one record a flow (RFC 5103).

use super::Format;
use super::ipfix::{self, biflow};

pub(super) const FORMAT: Format = Format {
    name: "ipfix-biflow",
    extensions: &[],
    description: "IPFIX messages, one record a flow with counts of both directions",
    encoder: |output, schema, _| Ok(biflow(output, schema)),
    ..ipfix::FORMAT
};
