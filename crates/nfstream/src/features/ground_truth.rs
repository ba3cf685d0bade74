//! Ground truth: the label that the rules of a run give a flow.

use super::{Declaration, Declared, Presence, Role};

pub(super) type State = ();

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::Labels,
    shorthand: None,
    about: "From a CSV file of rules on addresses, ports, protocol and time. In Python, \
            `nfstream.label_by` adds the column to a table.",
    columns: &[&[Declared::text(
        "label",
        Role::Label,
        "label of the first rule that matches, or the labels of all; empty without one, unless \
         another default is chosen",
        |r, text| text.push_str(r.ground_truth.as_deref().unwrap_or_default()),
    )]],
};
