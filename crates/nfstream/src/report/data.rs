//! Contents of the page as JSON.

use std::collections::HashMap;
use std::io::{self, Write};

use serde_json::{Map, Value as Json, json};

use super::ranking::Count;
use super::text::{inert, shown, trimmed};
use super::timeline::Key;
use super::{Facts, Report, ciphers};
use crate::features::{Column, Names, Record, Value};
use crate::time::Timestamp;

/// Number of applications with a colour of their own in the time line; the others share one.
const SERIES: usize = 40;
/// Maximum number of paths between clients and servers.
const PATHS: usize = 1_000;
/// Maximum number of failed names.
const NAMES: usize = 300;

/// Writes the JSON object that the page shows. None of its characters can end a script element.
pub(super) fn write(report: &Report, facts: &Facts, output: &mut dyn Write) -> io::Result<()> {
    let head = head(report, facts).to_string();
    // The closing brace of the object follows the flows.
    let head = head.strip_suffix('}').unwrap_or(&head);
    output.write_all(inert(head).as_bytes())?;
    let flows = report.sample.flows();
    output.write_all(format!(",\"flows\":{{\"rows\":{},\"columns\":[", flows.len()).as_bytes())?;
    for (place, column) in report.schema.columns().iter().enumerate() {
        if place > 0 {
            output.write_all(b",")?;
        }
        let cells = cells(column, &flows, report.schema.names()).to_string();
        output.write_all(inert(&cells).as_bytes())?;
    }
    output.write_all(b"]}}")
}

fn head(report: &Report, facts: &Facts) -> Json {
    let stats = &facts.stats;
    let reasons = stats.ignored.reasons();
    let reasons: Map<_, _> =
        reasons.map(|(reason, packets)| (reason.to_owned(), packets.into())).collect();
    let reception = stats.reception.map(|reception| {
        json!({
            "received": reception.received,
            "dropped_by_kernel": reception.dropped_by_kernel,
            "dropped_by_interface": reception.dropped_by_interface,
        })
    });
    let parameters = facts.parameters.iter().map(|(name, value)| {
        let text = match value {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        };
        json!({
            "name": name,
            "value": shown(&text),
            "changed": facts.changed.iter().any(|changed| changed == name),
        })
    });
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "title": shown(&facts.title),
        "captures": facts.captures.iter().map(|name| shown(name)).collect::<Vec<_>>(),
        "capture_bytes": facts.capture_bytes,
        "condition": facts.condition.as_deref().map(shown),
        "parameters": parameters.collect::<Vec<_>>(),
        "warnings": facts.warnings.iter().map(|warning| shown(warning)).collect::<Vec<_>>(),
        "stats": {
            "packets": stats.packets,
            "flow_packets": stats.flow_packets,
            "ignored": reasons,
            "duplicate_packets": stats.duplicate_packets,
            "late_packets": stats.late_packets,
            "flows": stats.flows,
            "evicted_flows": stats.evicted_flows,
            "damaged_files": stats.damaged_files,
            "reception": reception,
        },
        "total": count(report.total),
        "span_us": report.span.map(|(first, last)| [micros(first), micros(last)]),
        "timeline": timeline(report),
        "applications": applications(report),
        "categories": categories(report),
        "paths": paths(report),
        "columns": columns(report),
        "names": code_names(report),
        "certificates": certificates(report),
        "other_certificates": report.security.other_certificates(),
        "plain_text": plain_text(report),
        "quality": quality(report),
        "failed_names": failed_names(report),
        "risks": risks(report),
    })
}

fn timeline(report: &Report) -> Json {
    let intervals = report.timeline.intervals();
    let (named, others) = intervals.series.split_at(intervals.series.len().min(SERIES));
    let mut series: Vec<_> = named
        .iter()
        .map(|(key, bytes)| json!({ "name": key.map(|key| name(report, key)), "bytes": bytes }))
        .collect();
    if let Some((_, first)) = others.first() {
        let mut sum = vec![0; first.len()];
        for (_, bytes) in others {
            sum.iter_mut().zip(*bytes).for_each(|(sum, bytes)| *sum += bytes);
        }
        series.push(json!({ "name": null, "bytes": sum }));
    }
    json!({ "start_us": intervals.start_us, "width_us": intervals.width_us, "series": series })
}

fn applications(report: &Report) -> Vec<Json> {
    let all = report.applications.top(usize::MAX);
    all.into_iter().map(|(key, sum)| named(name(report, *key), sum)).collect()
}

fn categories(report: &Report) -> Vec<Json> {
    let all = report.categories.top(usize::MAX);
    let named = all.into_iter().map(|(category, sum)| {
        let mut name = String::new();
        report.schema.names().category(*category, &mut name);
        named(name, sum)
    });
    named.collect()
}

fn plain_text(report: &Report) -> Vec<Json> {
    let all = report.security.plain_text();
    all.into_iter().map(|(key, sum)| named(name(report, *key), sum)).collect()
}

/// Returns clients, applications, servers, bytes and flows of the largest paths, and the bytes of
/// the others.
fn paths(report: &Report) -> Json {
    let top = report.paths.top(PATHS);
    let shown: u64 = top.iter().map(|(_, sum)| sum.bytes).sum();
    let rows = top.into_iter().map(|((client, application, server), sum)| {
        json!([client.to_string(), name(report, *application), server, sum.bytes, sum.flows])
    });
    json!({
        "rows": rows.collect::<Vec<_>>(),
        "other_bytes": report.total.bytes.saturating_sub(shown),
    })
}

/// Returns the columns with their most frequent values.
fn columns(report: &Report) -> Vec<Json> {
    let names = report.schema.names();
    let columns = report.schema.columns().iter().map(|column| {
        let values = report.values.iter().find(|values| values.column().name == column.name);
        let values = values.map(|values| {
            let top = values.top(names).into_iter();
            let top = top.map(|(value, sum)| json!([json_of(&value), sum.flows, sum.bytes]));
            json!({
                "exact": values.is_exact(),
                "different": values.len(),
                "top": top.collect::<Vec<_>>(),
            })
        });
        json!({
            "name": column.name,
            "group": column.group.name(),
            "kind": column.kind.name(),
            "role": column.role.name(),
            "unit": column.unit,
            "list": column.is_list(),
            "description": column.description,
            "values": values,
        })
    });
    columns.collect()
}

/// Returns the names of the cipher suites that occur, and the weaknesses of some.
fn code_names(report: &Report) -> Json {
    let suites = report.values.iter().filter(|values| values.column().name == "tls_cipher");
    let suites = suites.flat_map(|values| values.top(report.schema.names()));
    let suites = suites.filter_map(|(value, _)| match value {
        Value::Integer(number) => {
            let name = ciphers::name(u16::try_from(number).ok()?)?;
            let weakness = ciphers::weakness(name);
            Some((number.to_string(), json!({ "name": name, "weakness": weakness })))
        }
        _ => None,
    });
    json!({ "tls_cipher": suites.collect::<Map<_, _>>() })
}

fn certificates(report: &Report) -> Vec<Json> {
    let all = report.security.certificates().into_iter().map(|certificate| {
        let sha256 = certificate.sha256.iter().map(|byte| format!("{byte:02x}"));
        json!({
            "names": shown(&certificate.names),
            "issuer": shown(&certificate.issuer),
            "subject": shown(&certificate.subject),
            "not_before_ms": certificate.not_before.map(Timestamp::millis),
            "not_after_ms": certificate.not_after.map(Timestamp::millis),
            "sha256": sha256.collect::<String>(),
            "seen_us": micros(certificate.seen),
            "server": certificate.server,
            "flows": certificate.count.flows,
        })
    });
    all.collect()
}

fn quality(report: &Report) -> Json {
    let sums = report.quality.sums;
    json!({
        "flows": sums.flows,
        "packets": sums.packets,
        "handshakes": sums.handshakes,
        "median_us": report.quality.handshake_us(0.5),
        "slow_us": report.quality.handshake_us(0.95),
        "retransmitted": sums.retransmitted,
        "out_of_order": sums.out_of_order,
        "zero_window": sums.zero_window,
    })
}

fn failed_names(report: &Report) -> Json {
    let rows = report.failed_names.top(NAMES).into_iter();
    let rows = rows.map(|((name, code), sum)| json!([name, code, sum.flows]));
    json!({
        "rows": rows.collect::<Vec<_>>(),
        "different": report.failed_names.distinct(),
        "exact": report.failed_names.is_exact(),
    })
}

fn risks(report: &Report) -> Vec<Json> {
    report.risks.top(NAMES).into_iter().map(|(name, sum)| json!([name, sum.flows])).collect()
}

/// Returns the cells of a column: one value if all are equal, indices into a list of texts, or
/// values.
fn cells(column: &Column, flows: &[&Record], names: &dyn Names) -> Json {
    let values: Vec<_> = flows.iter().map(|record| column.value(record, names)).collect();
    match values.as_slice() {
        [first, others @ ..] if others.iter().all(|value| value == first) => {
            json!({ "same": json_of(first) })
        }
        [Value::Text(_), ..] => {
            let mut numbers = HashMap::new();
            let mut texts = Vec::new();
            let codes: Vec<_> = values
                .iter()
                .map(|value| {
                    let Value::Text(text) = value else { return 0 };
                    *numbers.entry(text.as_str()).or_insert_with(|| {
                        texts.push(shown(text));
                        texts.len() - 1
                    })
                })
                .collect();
            json!({ "texts": texts, "codes": codes })
        }
        _ => json!({ "values": values.iter().map(json_of).collect::<Vec<_>>() }),
    }
}

fn json_of(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Integer(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::Bool(flag) => (*flag).into(),
        Value::List(numbers) => trimmed(numbers).into(),
        Value::Floats(numbers) => numbers.clone().into(),
        Value::Bytes(_) => Json::Null,
        Value::Text(text) => shown(text).into(),
    }
}

fn named(name: String, sum: Count) -> Json {
    let mut object = count(sum);
    object["name"] = name.into();
    object
}

fn count(count: Count) -> Json {
    json!({ "flows": count.flows, "packets": count.packets, "bytes": count.bytes })
}

/// Returns the name of an application, as in the column `application_name`.
fn name(report: &Report, (master, application): Key) -> String {
    let mut name = String::new();
    report.schema.names().application(master, application, &mut name);
    shown(&name).into_owned()
}

fn micros(time: Timestamp) -> i64 {
    time.nanos().div_euclid(1_000)
}
