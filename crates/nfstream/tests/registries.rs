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
    for group in Group::ALL.into_iter().filter(|group| *group != Group::Measured) {
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
            Format::by_name(&name).is_some(),
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
