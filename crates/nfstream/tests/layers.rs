//! The layout of the engine, as its sources have it: who uses whom, and who touches the system.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// From the ground up; each uses only those before it.
const LAYERS: [&str; 9] =
    ["packet", "host", "capture", "decode", "flow", "features", "condition", "dissect", "export"];

/// These know every layer. `lib` only declares them.
const ABOVE_ALL: [&str; 5] = ["nfstream6", "meter", "pipeline", "parameters", "lib"];

/// Anyone may use these.
const FREE: [&str; 1] = ["time"];

/// Only `capture` and `host` read the clock, open files or call the system for anything else.
const SYSTEM: [&str; 12] = [
    "Instant::now",
    "SystemTime",
    "UNIX_EPOCH",
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "std::process",
    "std::env",
    "File::open",
    "OpenOptions",
    "stdin()",
    "stdout()",
];

/// A source file without comments and without its tests.
struct Source {
    path: PathBuf,
    /// The module under the crate's root that it belongs to.
    module: String,
    /// Modules from that one down to the file's.
    depth: usize,
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let sources: Vec<_> = files
        .into_iter()
        .map(|path| {
            let inside = path.strip_prefix(&root).unwrap();
            let module = inside.iter().next().unwrap().to_str().unwrap();
            let module = module.trim_end_matches(".rs").to_owned();
            let depth = inside.iter().count() - usize::from(inside.ends_with("mod.rs"));
            let code = code(&fs::read_to_string(&path).unwrap());
            Source { path, module, depth, code }
        })
        // Files for tests alone.
        .filter(|source| !source.path.ends_with("capture/samples.rs"))
        .collect();
    assert!(sources.len() > 30, "the sources have moved");
    sources
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            files.push(path);
        }
    }
}

/// Drops comments, and the tests, which stand at the end of a file.
fn code(text: &str) -> String {
    let body = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = body.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns the modules that `code` names behind `crate::`, also within braces.
fn used_modules(code: &str) -> Vec<String> {
    let mut modules = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let Some(list) = rest.strip_prefix('{') else {
            modules.push(first_name(rest));
            continue;
        };
        let mut depth = 0;
        let mut begins = true;
        for (place, letter) in list.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => begins = true,
                _ if begins && letter.is_alphabetic() => {
                    modules.push(first_name(&list[place..]));
                    begins = false;
                }
                _ => {}
            }
        }
    }
    modules
}

fn first_name(code: &str) -> String {
    code.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

#[test]
fn modules_use_only_those_before_them() {
    let places: BTreeMap<_, _> = LAYERS.into_iter().zip(0..).collect();
    for Source { path, module, code, .. } in sources() {
        let Some(place) = places.get(module.as_str()) else {
            let known = ABOVE_ALL.contains(&module.as_str()) || FREE.contains(&module.as_str());
            assert!(known, "{}: {module} has no place among the layers", path.display());
            continue;
        };
        for used in used_modules(&code) {
            // Until the decoder is handed in by the pipeline.
            let allowed = FREE.contains(&used.as_str())
                || used == "nfstream6"
                || places.get(used.as_str()).is_some_and(|used| used <= place);
            assert!(allowed, "{}: {module} must not use {used}", path.display());
        }
    }
}

#[test]
fn time_uses_nothing() {
    for Source { path, module, code, .. } in sources() {
        if module == "time" {
            assert_eq!(used_modules(&code), Vec::<String>::new(), "{}", path.display());
        }
    }
}

#[test]
fn meters_do_not_know_the_pipeline() {
    for Source { path, module, code, .. } in sources() {
        if module == "meter" {
            let used = used_modules(&code);
            assert!(!used.contains(&"pipeline".to_owned()), "{}", path.display());
        }
    }
}

/// A path such as `super::super::flow` would get round the other tests.
#[test]
fn paths_do_not_climb_out_of_their_layer() {
    for Source { path, code, depth, .. } in sources() {
        let climbs = (1..10).take_while(|&steps| code.contains(&"super::".repeat(steps))).count();
        assert!(climbs < depth, "{}: name what lies outside from the root", path.display());
    }
}

#[test]
fn only_capture_touches_the_system() {
    for Source { path, module, code, .. } in sources() {
        // Tables in files are put in place by the engine, the same for every face.
        let writers = ["export/table_file.rs", "export/table_files.rs"];
        let writes_tables = writers.iter().any(|writer| path.ends_with(writer));
        if module == "capture" || module == "host" || writes_tables {
            continue;
        }
        for system in SYSTEM {
            assert!(!code.contains(system), "{}: uses {system}", path.display());
        }
    }
}

#[test]
fn only_capture_and_pipeline_start_threads() {
    for Source { path, module, code, .. } in sources() {
        let encodes_ahead = path.ends_with("export/background.rs");
        if !["capture", "host", "pipeline"].contains(&module.as_str()) && !encodes_ahead {
            assert!(!code.contains("std::thread"), "{}", path.display());
        }
    }
}

#[test]
fn used_modules_are_found_within_braces() {
    let code = "use crate::{a, b::{C, D}, e::f}; use crate::g::H; crate::i::j();";
    assert_eq!(used_modules(code), ["a", "b", "e", "g", "i"]);
}

/// Another dissector takes the place of nDPI without a change of the engine.
#[test]
fn only_the_adapter_names_ndpi() {
    for Source { path, code, .. } in sources() {
        let is_adapter = path.ends_with("dissect/ndpi.rs") || path.ends_with("dissect/mod.rs");
        assert!(is_adapter || !code.contains("ndpi::"), "{}", path.display());
    }
}
