//! Tables as Arrow streams.

use super::Format;
use super::ipc::IpcEncoder;

pub(super) const FORMAT: Format = Format {
    name: "arrows",
    extensions: &["arrows"],
    description: "Arrow's format for streams",
    is_binary: true,
    needs: None,
    encoder: |output, schema, _| Ok(Box::new(IpcEncoder::stream(output, schema)?)),
};
