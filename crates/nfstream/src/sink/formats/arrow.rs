//! Tables as Arrow files.

use super::Format;
use super::ipc::IpcEncoder;

pub(super) const FORMAT: Format = Format {
    name: "arrow",
    extensions: &["arrow", "feather"],
    description: "Arrow's file format",
    is_binary: true,
    needs: None,
    encoder: |output, schema, provenance| {
        Ok(Box::new(IpcEncoder::file(output, schema, provenance)?))
    },
};
