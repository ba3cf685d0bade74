//! Attributes of a node.

use tract_onnx::pb::{AttributeProto, NodeProto};
use tract_onnx::prelude::TractResult;
use tract_onnx::tract_hir::internal::bail;

/// Attributes of a node, by name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attributes<'a>(pub(super) &'a NodeProto);

impl<'a> Attributes<'a> {
    /// Returns numbers, none if there is no such attribute.
    pub(super) fn floats(self, name: &str) -> &'a [f32] {
        self.find(name).map_or(&[], |one| &one.floats)
    }

    /// Returns whole numbers, none if there is no such attribute.
    pub(super) fn whole(self, name: &str) -> &'a [i64] {
        self.find(name).map_or(&[], |one| &one.ints)
    }

    /// Returns texts, none if there is no such attribute.
    pub(super) fn texts(self, name: &str) -> &'a [Vec<u8>] {
        self.find(name).map_or(&[], |one| &one.strings)
    }

    /// Returns a number.
    pub(super) fn float(self, name: &str) -> Option<f32> {
        self.find(name).map(|one| one.f)
    }

    /// Returns a whole number.
    pub(super) fn integer(self, name: &str) -> Option<i64> {
        self.find(name).map(|one| one.i)
    }

    /// Returns a text, `usual` if there is no such attribute.
    pub(super) fn text(self, name: &str, usual: &'a str) -> &'a str {
        self.find(name).map_or(usual, |one| std::str::from_utf8(&one.s).unwrap_or("?"))
    }

    /// Checks that the node has none of these attributes.
    pub(super) fn refuse(self, names: &[&str]) -> TractResult<()> {
        match names.iter().find(|name| self.find(name).is_some()) {
            Some(name) => bail!("the attribute {name} of {} is not supported", self.0.op_type),
            None => Ok(()),
        }
    }

    fn find(self, name: &str) -> Option<&'a AttributeProto> {
        self.0.attribute.iter().find(|one| one.name == name)
    }
}
