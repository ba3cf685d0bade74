//! The files of a folder are in its registry: the test names a forgotten step.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use nfstream::features::{Group, columns};
use nfstream::sink::Format;
use nfstream::time::TimeUnit;

/// Returns name and text of each file of `folder`.
fn files(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder);
    let files = fs::read_dir(folder).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let file = if path.is_dir() { path.join("mod.rs") } else { path };
        (name, fs::read_to_string(file).unwrap())
    });
    files.collect()
}

#[test]
fn every_group_of_columns_is_registered() {
    let declared: Vec<_> =
        files("features").into_iter().filter(|(_, text)| text.contains("const GROUP:")).collect();
    assert_eq!(declared.len(), Group::ALL.len());
    for (name, _) in declared {
        assert!(
            Group::by_name(&name).is_some(),
            "features/{name}.rs declares a group: add its line to the registry in features/mod.rs"
        );
    }
}

#[test]
fn every_group_has_columns_with_descriptions() {
    // The columns of measures come with the run.
    for group in
        Group::ALL.into_iter().filter(|group| !matches!(group, Group::Measured | Group::Scored))
    {
        let columns: Vec<_> = columns(TimeUnit::default()).filter(|c| c.group == group).collect();
        assert!(!columns.is_empty(), "{}: no columns", group.name());
        for column in columns {
            let description = column.description;
            assert!(!description.is_empty() && !description.ends_with('.'), "{}", column.name);
        }
    }
}

#[test]
fn every_format_is_registered_under_the_name_of_its_file() {
    let declared: Vec<_> = files("sink/formats")
        .into_iter()
        .filter(|(_, text)| text.contains("const FORMAT:"))
        .collect();
    assert_eq!(declared.len(), Format::ALL.len());
    for (name, _) in declared {
        assert!(
            Format::by_name(&name.replace('_', "-")).is_some(),
            "sink/formats/{name}.rs declares a format: add its line to the registry in \
             sink/formats/mod.rs"
        );
    }
}

#[test]
fn every_tunnel_is_registered() {
    let table =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/packet/tunnel.rs"))
            .unwrap();
    for (name, _) in files("decode/tunnel").into_iter().filter(|(name, _)| name != "mod") {
        assert!(
            table.contains(&format!("=> {name}::")),
            "decode/tunnel/{name}.rs reads a tunnel: add its line to packet/tunnel.rs"
        );
    }
}

/// `docs/destinations.md` is generated from the declarations: `make bless` updates it.
#[cfg(feature = "http")]
#[test]
fn the_page_of_destinations_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/destinations.md");
    let page = destinations::page();
    if std::env::var_os("NFSTREAM_BLESS").is_some_and(|value| value == "1") {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/destinations.md is not current: run `make bless`");
}

#[cfg(feature = "http")]
mod destinations {
    use std::fmt::Write as _;

    use nfstream::sink::{COMMON_OPTIONS, Contents, Format, OptionHelp, schemes};

    const INTRODUCTION: &str = "\
# Destinations

`nfstream flows` and `nfstream live` send flows to another program if `-o` names it by a URL.
[Deployment](deploy.md) shows each with its receiver.

    -o scheme://user@host:port/path?query#option=value,option=value

Options of nfstream follow `#`; the query belongs to the receiver. Passwords and tokens come from the
environment or a file, never from the URL.
";

    fn options(options: &[OptionHelp], page: &mut String) {
        page.push_str("| option | default | meaning |\n|---|---|---|\n");
        for OptionHelp { name, default, description } in options {
            let default = if default.is_empty() { String::new() } else { format!("`{default}`") };
            writeln!(page, "| `{name}` | {default} | {description} |").unwrap();
        }
    }

    pub(super) fn page() -> String {
        let mut page = INTRODUCTION.to_owned();
        page.push_str("\n## Options of all destinations\n\n");
        options(COMMON_OPTIONS, &mut page);
        for scheme in schemes() {
            write!(
                page,
                "\n## {}://\n\n{}: `{}`\n\n",
                scheme.name, scheme.description, scheme.example
            )
            .unwrap();
            if let Contents::Formats(formats) = scheme.contents {
                let names: Vec<_> = formats.iter().map(|f| format!("`{}`", f.name)).collect();
                write!(page, "`--format`: {}.\n\n", names.join(", ")).unwrap();
            }
            if !scheme.options.is_empty() {
                options(scheme.options, &mut page);
            }
        }
        page.push_str(
            "\n## Formats of other programs\n\nA format with fields of its own turns on the columns \
             that it needs. Fields without a value are left out of JSON.\n",
        );
        for format in Format::ALL.into_iter().filter(|format| !format.fields().is_empty()) {
            write!(page, "\n### {}\n\n{}.\n\n", format.name, format.description).unwrap();
            if format.name == "zeek-json" {
                page.push_str("The fields of `zeek`.\n");
                continue;
            }
            page.push_str("| field | type | columns | note |\n|---|---|---|---|\n");
            for field in format.fields() {
                let columns: Vec<_> = field.columns.iter().map(|c| format!("`{c}`")).collect();
                let (name, kind, columns) = (field.name, field.kind, columns.join(", "));
                writeln!(page, "| `{name}` | {kind} | {columns} | {} |", field.about).unwrap();
            }
        }
        page
    }
}
