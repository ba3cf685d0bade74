//! The process of this machine that a flow belongs to.

use super::{Declaration, Declared, Presence, Read, Role};

pub(super) type State = ();

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::Processes,
    shorthand: None,
    about: "Only network interfaces can have them; [live.md](live.md#system-visibility) says what \
            can be seen. Plugins see the values in `on_expire`.",
    columns: &[&[
        Declared::code(
            "system_process_pid",
            Role::Identifier,
            "number of the process on this machine that has the flow's socket, of the source's if \
             both ends are here; 0 if none was seen",
            Read::I32(|r| r.process.as_deref().map_or(0, |process| process.pid.try_into().unwrap_or(i32::MAX))),
        ),
        Declared::text(
            "system_process_name",
            Role::Label,
            "name of its program as the kernel has it, 15 bytes at most",
            |r, text| text.push_str(r.process.as_deref().map_or("", |process| &process.name)),
        ),
    ]],
};
