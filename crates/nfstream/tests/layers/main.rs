//! Layout of the engine's sources: the order of its modules, and access to the system.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod sources;

use std::collections::BTreeMap;
use std::path::Path;

use sources::{NamedPath, Source, circles, paths, sources, uses};

/// Modules from the ground up; each uses only those before it.
const LAYERS: [&str; 20] = [
    "packet",
    "host",
    "capture",
    "decode",
    "flow",
    "features",
    "geoip",
    "ground_truth",
    "condition",
    "measure",
    "score",
    "dissect",
    "table",
    "sink",
    "meter",
    "nfstream6",
    "pipeline",
    "parameters",
    "report",
    "extract",
];

/// Pairs of modules that do not use each other.
const SIBLINGS: [(&str, &str); 4] =
    [("capture", "decode"), ("capture", "flow"), ("table", "meter"), ("sink", "meter")];

/// Module that all others may use, and that uses none of them.
const FREE: &str = "time";

/// Accepted circles of files, with the reason.
const CIRCLES: [(&[&str], &str); 1] = [(
    &[
        "features/column.rs",
        "features/group.rs",
        "features/mac.rs",
        "features/measured/mod.rs",
        "features/measured/output.rs",
        "features/measured/program.rs",
        "features/measurement.rs",
        "features/mod.rs",
        "features/record.rs",
        "features/scored.rs",
    ],
    "a group of columns is one file: it holds its state, which a record has, and the columns that \
     read the record; the registry lists the files",
)];

/// Access to the system, which only `capture` and `host` have.
const SYSTEM: [&str; 16] = [
    "Instant::now",
    "SystemTime",
    "UNIX_EPOCH",
    "std::fs",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "UnixStream",
    "ToSocketAddrs",
    "ureq::Agent",
    "std::process",
    "std::env",
    "File::open",
    "OpenOptions",
    "stdin()",
    "stdout()",
];

/// Returns the top-level modules that `code` names.
fn used_modules(code: &str) -> Vec<String> {
    let named = paths(code, &[]);
    let of_crate = |path: NamedPath| match path.segments.as_slice() {
        [first, module, ..] if first == "crate" => Some(module.clone()),
        _ => None,
    };
    named.into_iter().filter_map(of_crate).collect()
}

#[test]
fn modules_use_only_those_before_them() {
    let places: BTreeMap<_, _> = LAYERS.into_iter().zip(0..).collect();
    for source in sources() {
        let (path, layer) = (source.path.display(), source.layer());
        let Some(place) = places.get(layer) else {
            assert!(layer == FREE || layer == "lib", "{path}: {layer} has no place in the order");
            continue;
        };
        for used in used_modules(&source.code) {
            let allowed =
                used == FREE || places.get(used.as_str()).is_some_and(|used| used <= place);
            assert!(allowed, "{path}: {layer} must not use {used}");
            let is_sibling =
                SIBLINGS.contains(&(layer, &used)) || SIBLINGS.contains(&(&used, layer));
            assert!(!is_sibling, "{path}: {layer} and {used} must not use each other");
        }
    }
}

#[test]
fn time_uses_nothing() {
    for source in sources().iter().filter(|source| source.layer() == FREE) {
        assert_eq!(used_modules(&source.code), Vec::<String>::new(), "{}", source.path.display());
    }
}

#[test]
fn files_do_not_use_each_other_in_circles() {
    let sources = sources();
    let uses = uses(&sources);
    let root = sources.iter().find(|source| source.layer() == "lib").unwrap();
    let root = root.path.parent().unwrap();
    for circle in circles(&uses) {
        let names: Vec<_> =
            circle.iter().map(|file| file.strip_prefix(root).unwrap().to_str().unwrap()).collect();
        let known = CIRCLES.iter().any(|(known, _)| *known == names);
        let arrows = circle.iter().map(|file| {
            let used = uses[file].iter().filter(|used| circle.contains(used));
            let used: Vec<_> = used.map(|used| used.strip_prefix(root).unwrap()).collect();
            format!("{} uses {used:?}", file.strip_prefix(root).unwrap().display())
        });
        assert!(known, "a circle of files:\n{}", arrows.collect::<Vec<_>>().join("\n"));
    }
}

/// A path such as `super::super::flow` would evade the other tests.
#[test]
fn paths_do_not_climb_out_of_their_layer() {
    for source in sources() {
        let climbs =
            (1..10).take_while(|&steps| source.code.contains(&"super::".repeat(steps))).count();
        let allowed = climbs < source.depth().max(1);
        assert!(allowed, "{}: name what lies outside from the root", source.path.display());
    }
}

#[test]
fn only_capture_and_host_touch_the_system() {
    for Source { path, code, module, .. } in sources() {
        // The engine reads rules and databases and puts tables in place, the same for every face.
        let exceptions = [
            "extract/rows.rs",
            "parameters/model_files.rs",
            "parameters/geoip_files.rs",
            "parameters/rules_file.rs",
            "sink/draft.rs",
            "sink/numbered.rs",
            "sink/packets.rs",
            "sink/remote/client.rs",
            "sink/timed.rs",
        ];
        if ["capture", "host"].contains(&module.first().map_or("", String::as_str))
            || exceptions.iter().any(|exception| path.ends_with(exception))
        {
            continue;
        }
        for system in SYSTEM {
            assert!(!code.contains(system), "{}: uses {system}", path.display());
        }
    }
}

#[test]
fn few_modules_start_threads() {
    for source in sources() {
        let is_sink = ["sink/background.rs", "sink/remote/delivery.rs"]
            .iter()
            .any(|sink| source.path.ends_with(sink));
        if !["capture", "host", "pipeline"].contains(&source.layer()) && !is_sink {
            assert!(!source.code.contains("std::thread"), "{}", source.path.display());
        }
    }
}

#[test]
fn used_modules_are_found_within_braces() {
    let code = "use crate::{a, b::{C, D}, e::f};\nuse crate::g::H;\nfn x() { crate::i::j(); }";
    assert_eq!(used_modules(code), ["a", "b", "b", "e", "g", "i"]);
}

/// A module whose files use each other, one through a re-export of the module.
#[test]
fn circles_are_found() {
    let source = |path: &str, code: &str| {
        let module = path.trim_end_matches(".rs").trim_end_matches("mod").split('/');
        let module = module.filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Source { path: path.into(), module, code: code.to_owned() }
    };
    let one = source("a/one.rs", "use super::Two;\nuse super::Three;");
    let two = source("a/two.rs", "pub struct Two;\nfn x() { crate::a::one::y(); }");
    let three = source("a/three.rs", "pub struct Three;");
    let facade = source(
        "a/mod.rs",
        "pub use three::Three as Four;\npub use three::Three;\npub use two::Two;",
    );
    let sources = [one, two, three, facade];
    let circles = circles(&uses(&sources));
    assert_eq!(circles, [[Path::new("a/one.rs"), Path::new("a/two.rs")]]);
}

/// Another dissector can replace nDPI without a change of the engine.
#[test]
fn only_the_adapter_names_ndpi() {
    for Source { path, code, .. } in sources() {
        let is_adapter = path.parent().unwrap().ends_with("dissect/ndpi");
        let code = code.replace("super::ndpi::", "").replace("ndpi::NdpiFactory", "");
        assert!(is_adapter || !code.contains("ndpi::"), "{}", path.display());
    }
}
