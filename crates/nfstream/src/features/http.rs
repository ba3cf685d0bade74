//! HTTP exchanges.

use super::{Declaration, Declared, Http, Presence, Read, Record, Role};

pub(super) type State = ();

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::DissectionFeature,
    shorthand: None,
    about: "The first exchange of a flow.",
    columns: &[&[
        Declared::text("http_method", Role::Behaviour, "method of the request", |r, text| {
            write(r, text, |http| &http.method);
        }),
        Declared::text("http_host", Role::Identifier, "host of the request", |r, text| {
            if http(r).is_some() {
                r.write_metadata(text, |metadata| &metadata.requested_server_name);
            }
        }),
        Declared::text(
            "http_url",
            Role::Identifier,
            "host and target of the request",
            |r, text| write(r, text, |http| &http.url),
        ),
        Declared::text(
            "http_user_agent",
            Role::Environment,
            "user agent of the client",
            |r, text| write(r, text, |http| &http.user_agent),
        ),
        Declared::text(
            "http_request_content_type",
            Role::Behaviour,
            "content type of the request",
            |r, text| write(r, text, |http| &http.request_content_type),
        ),
        Declared::code(
            "http_status",
            Role::Behaviour,
            "status of the response, 0 if none was seen",
            Read::U16(|r| http(r).map_or(0, |http| http.status)),
        ),
        Declared::text(
            "http_server",
            Role::Environment,
            "product that the server names",
            |r, text| write(r, text, |http| &http.server),
        ),
        Declared::text(
            "http_response_content_type",
            Role::Behaviour,
            "content type of the response",
            |r, text| write(r, text, |http| &http.response_content_type),
        ),
    ]],
};

fn http(record: &Record) -> Option<&Http> {
    record.metadata()?.http.as_deref()
}

fn write(record: &Record, text: &mut String, field: fn(&Http) -> &str) {
    if let Some(http) = http(record) {
        text.push_str(field(http));
    }
}
