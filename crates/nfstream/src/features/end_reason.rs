//! The reason for which a flow ended.

use super::{Declaration, Declared, Presence, Role};
use crate::flow::EndReason;

pub(super) type State = ();

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::Feature,
    shorthand: None,
    about: "`tcp_fin`, `tcp_rst` and `tcp_reopened` need `track_tcp=True`.",
    columns: &[&[Declared::label(
        "end_reason",
        Role::Behaviour,
        "why the flow ended: idle (RFC 5102 flowEndReason 1), active (2), tcp_fin and tcp_rst of a \
         tracked connection (3), tcp_reopened where another connection began on its ports (3), \
         end_of_input and plugin (4), evicted (5)",
        |r| u32::from(r.end_reason.code()),
        |_, code, text| text.push_str(EndReason::name_of(code)),
    )]],
};
