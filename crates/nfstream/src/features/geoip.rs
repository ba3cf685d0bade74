//! Countries and autonomous systems of a flow's ends.

use super::{Declaration, Declared, Place, Presence, Read, Record, Role};

pub(super) type State = ();

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::GeoIp,
    shorthand: None,
    about: "From databases in MaxMind's format that you provide; what they do not hold stays \
            empty. Addresses are looked up when a flow ends, so plugins see the values in \
            `on_expire`.",
    columns: &[&[
        Declared::text(
            "src_country",
            Role::Environment,
            "ISO 3166 code of the source's country, such as DE; empty if unknown",
            |r, text| text.push_str(source(r).map_or("", |place| &place.country)),
        ),
        Declared::text(
            "dst_country",
            Role::Environment,
            "ISO 3166 code of the destination's country; empty if unknown",
            |r, text| text.push_str(destination(r).map_or("", |place| &place.country)),
        ),
        Declared::code(
            "src_asn",
            Role::Environment,
            "number of the source's autonomous system; 0 if unknown",
            Read::U32(|r| source(r).map_or(0, |place| place.asn)),
        ),
        Declared::code(
            "dst_asn",
            Role::Environment,
            "number of the destination's autonomous system; 0 if unknown",
            Read::U32(|r| destination(r).map_or(0, |place| place.asn)),
        ),
        Declared::text(
            "src_as_name",
            Role::Environment,
            "organization of the source's autonomous system; empty if unknown",
            |r, text| text.push_str(source(r).map_or("", |place| &place.as_name)),
        ),
        Declared::text(
            "dst_as_name",
            Role::Environment,
            "organization of the destination's autonomous system; empty if unknown",
            |r, text| text.push_str(destination(r).map_or("", |place| &place.as_name)),
        ),
    ]],
};

fn source(record: &Record) -> Option<&Place> {
    record.places[0].as_deref()
}

fn destination(record: &Record) -> Option<&Place> {
    record.places[1].as_deref()
}
