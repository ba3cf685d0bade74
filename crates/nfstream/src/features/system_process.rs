//! The process of this machine that a flow belongs to.

use super::{Declaration, Declared, Presence, Read, Role};

pub(super) type State = ();

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::Processes,
    shorthand: None,
    about: "Live capture only; [live.md](live.md#system-visibility) explains the limits. Plugins \
            see the values in `on_expire`.",
    columns: &[&[
        Declared::code(
            "system_process_pid",
            Role::Identifier,
            "PID of the local process that owns the flow's socket, of the source's if both ends \
             are local; 0 if none was found",
            Read::I32(|r| {
                let pid = r.process.as_deref().map_or(0, |process| process.pid);
                pid.try_into().unwrap_or(i32::MAX)
            }),
        ),
        Declared::text(
            "system_process_name",
            Role::Label,
            "name of the process in the kernel, at most 15 bytes",
            |r, text| text.push_str(r.process.as_deref().map_or("", |process| &process.name)),
        ),
    ]],
};
