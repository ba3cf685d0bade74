//! Compiles the shim against each state of nDPI's interface, derived from the installed headers.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

#[path = "../build/headers.rs"]
mod headers;

/// Differences of a state from the installed 4.2: files and texts to replace.
type State = [(&'static str, &'static str, &'static str)];

/// Since some point before 4.12: the two numbers of a label are a struct of their own.
const PAIR: (&str, &str, &str) = (
    "ndpi_typedefs.h",
    "typedef struct ndpi_proto {",
    "typedef struct { u_int16_t master_protocol, app_protocol; } ndpi_master_app_protocol;\n\
     typedef struct ndpi_proto { ndpi_master_app_protocol proto;",
);

/// The previous members are removed.
const NO_MEMBERS: (&str, &str, &str) = (
    "ndpi_typedefs.h",
    "u_int16_t master_protocol /* e.g. HTTP */, app_protocol /* e.g. FaceBook */;",
    "",
);

/// The function for names takes that struct.
const NAME_OF_PAIR: (&str, &str, &str) = (
    "ndpi_api.h",
    "ndpi_protocol proto, char *buf, u_int buf_len);",
    "ndpi_master_app_protocol proto, char *buf, u_int buf_len);",
);

const MAJOR_6: (&str, &str, &str) =
    ("ndpi_define.h", "#define NDPI_MAJOR                              4", "#define NDPI_MAJOR 6");

fn compiler(folder: &Path) -> cc::Build {
    let mut build = cc::Build::new();
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    build.target(&target).host(&target).opt_level(0).out_dir(folder).cargo_metadata(false);
    build.cargo_warnings(false).cargo_output(false);
    build
}

/// Returns the folder of the installed headers if they are those of 4.2, the base of all states.
fn installed() -> Option<PathBuf> {
    let library = pkg_config::Config::new().cargo_metadata(false).probe("libndpi").ok()?;
    let is_header = |path: &&PathBuf| path.join("ndpi_typedefs.h").is_file();
    let folder = library.include_paths.iter().find(is_header)?.clone();
    let text = fs::read_to_string(folder.join("ndpi_typedefs.h")).ok()?;
    text.contains(NO_MEMBERS.1).then_some(folder)
}

/// Creates a folder with the headers of a state in `include`.
fn headers_of(state: &State) -> Option<(TempDir, PathBuf)> {
    let installed = installed()?;
    let folder = TempDir::new().unwrap();
    let include = folder.path().join("include");
    fs::create_dir(&include).unwrap();
    for entry in fs::read_dir(installed).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_owned();
        // Some headers contain Latin-1.
        let mut text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        for (file, old, new) in state {
            if name == *file {
                assert!(text.contains(old), "{file} has no {old:?}");
                text = text.replacen(old, new, 1);
            }
        }
        fs::write(include.join(name), text).unwrap();
    }
    Some((folder, include))
}

/// Returns the macros detected for a state, and whether the shim compiles with them.
fn build(state: &State) -> Option<(Vec<&'static str>, bool)> {
    let (folder, include) = headers_of(state)?;
    let compiler = compiler(folder.path());
    let found = headers::defines(&compiler, std::slice::from_ref(&include), folder.path());
    let mut shim = compiler;
    shim.file("shim.c").include(&include).std("gnu11").warnings(false);
    for define in &found {
        shim.define(define, None);
    }
    let compiles = shim.try_compile("shim").is_ok();
    Some((found, compiles))
}

#[test]
fn labels_of_4_2_are_two_members() {
    let Some(result) = build(&[]) else { return };
    assert_eq!(result, (vec![], true));
}

#[test]
fn names_may_take_the_protocol_that_holds_a_pair() {
    let Some(result) = build(&[PAIR, NO_MEMBERS]) else { return };
    assert_eq!(result, (vec!["SHIM_LABEL_IN_PAIR"], true));
}

#[test]
fn names_may_take_the_pair() {
    let Some(result) = build(&[PAIR, NO_MEMBERS, NAME_OF_PAIR]) else { return };
    assert_eq!(result, (vec!["SHIM_LABEL_IN_PAIR", "SHIM_NAME_OF_PAIR"], true));
}

#[test]
fn version_6_asks_for_a_licence() {
    let Some((_folder, include)) = headers_of(&[MAJOR_6]) else { return };
    let preprocess = |more: &[&str]| {
        let mut command = Command::new("cc");
        command.arg("-E").args(more).arg("-I").arg(&include).arg("shim.c");
        command.output().unwrap()
    };
    let refused = preprocess(&[]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("set NDPI_LICENSE"));
    assert!(preprocess(&["-DNFSTREAM_NDPI_LICENSE_CHOSEN"]).status.success());
}
