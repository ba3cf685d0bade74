//! Part of a flow that a record describes.

use super::record::RecordKind;
use super::{Declaration, Declared, Presence, Role};

pub(super) type State = ();

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::EarlyRecords,
    shorthand: None,
    about: "An early record and an update are what a run would return if its input ended there.",
    columns: &[&[Declared::label(
        "record_kind",
        Role::Environment,
        "early for the first packets of a flow that continues, update for the packets so far of a \
         flow that continues, final for the whole flow",
        |r| r.kind.code(),
        |_, code, text| text.push_str(RecordKind::name_of(code)),
    )]],
};
