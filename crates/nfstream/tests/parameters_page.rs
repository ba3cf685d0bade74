//! `docs/parameters.md` is generated from the declarations of parameters: `make bless` updates it.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]
// The page names every dissector; a build without nDPI has one less.
#![cfg(feature = "ndpi")]

use std::fmt::Write as _;
use std::path::Path;

use nfstream::parameters::{Kind, PARAMETERS, Parameter, Topic, Value};

const INTRODUCTION: &str = "\
# Parameters

In Python these are keyword arguments of `NFStreamer`; on the command line they are options of
`flows`, `summary` and `live`: `idle_timeout=5` is `--idle-timeout 5`. A flag that is true by
default is switched off with `--no-`: `dissect=False` is `--no-dissect`. Parquet and Arrow files
record the values as JSON in their metadata, under `nfstream.parameters`, except those that have no
effect on rows.
";

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    write_table(Topic::Flows, "Flows", "For files and interfaces.", &mut page);
    write_table(
        Topic::Files,
        "Files",
        "For files; no effect on network interfaces, so `live` has no such options.",
        &mut page,
    );
    write_table(
        Topic::Capture,
        "Capture",
        "For network interfaces; no effect on files.",
        &mut page,
    );
    page
}

fn write_table(topic: Topic, title: &str, introduction: &str, page: &mut String) {
    write!(page, "\n## {title}\n\n{introduction}\n\n").unwrap();
    page.push_str("| parameter | values | default | meaning |\n|---|---|---|---|\n");
    for parameter in PARAMETERS.iter().filter(|parameter| parameter.topic == topic) {
        let Parameter { name, meaning, .. } = parameter;
        let note = if parameter.recorded { "" } else { "; no effect on rows" };
        let (values, default) = (values(parameter), default(parameter));
        writeln!(page, "| `{name}` | {values} | {default} | {meaning}{note} |").unwrap();
    }
}

fn values(parameter: &Parameter) -> String {
    let unit =
        if parameter.unit.is_empty() { String::new() } else { format!(" {}", parameter.unit) };
    match parameter.kind {
        Kind::Choice(choices) => {
            let words: Vec<_> = choices.iter().map(|(word, _)| format!("`\"{word}\"`")).collect();
            words.join(", ")
        }
        Kind::Columns => "list of [names](columns.md)".to_owned(),
        Kind::Models => {
            "path of an [ONNX model](models.md), dictionary of names and paths, or `None`"
                .to_owned()
        }
        Kind::Features => "name or list of [names](columns.md), or `\"all\"`".to_owned(),
        Kind::File => "path, or `None`".to_owned(),
        Kind::Files => "path or list of paths".to_owned(),
        Kind::Filter => "expression, or `None`".to_owned(),
        Kind::Measures => {
            "dictionary of names and [expressions](measures.md), or `None`".to_owned()
        }
        Kind::Flag { .. } => "`True`, `False`".to_owned(),
        Kind::Seconds { optional: false } => "seconds, whole or fractional".to_owned(),
        Kind::Seconds { optional: true } => "seconds, whole or fractional, or `None`".to_owned(),
        Kind::Shape => "`(n, m)` or `\"NxM\"`, 65536 bytes in all at most, or `None`".to_owned(),
        Kind::Whole { least, most: u64::MAX } => format!("at least {least}{unit}"),
        Kind::Whole { least, most } => format!("{least} to {most}{unit}"),
    }
}

fn default(parameter: &Parameter) -> String {
    match parameter.default() {
        Value::None => "`None`".to_owned(),
        Value::Flag(true) => "`True`".to_owned(),
        Value::Flag(false) => "`False`".to_owned(),
        Value::Names(_) => "`()`".to_owned(),
        Value::Text(text) => format!("`\"{text}\"`"),
        value => format!("`{value}`"),
    }
}

#[test]
fn the_page_of_parameters_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/parameters.md");
    if std::env::var_os("NFSTREAM_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, page()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page(), "docs/parameters.md is not current: run `make bless`");
}
