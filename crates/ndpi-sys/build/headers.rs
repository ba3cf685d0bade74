//! Differences between nDPI headers that no version number tells: between two releases the same
//! number stands for several states of the interface. Small programs that compile or not decide.

use std::fs;
use std::path::{Path, PathBuf};

/// A macro for `shim.c`, and the program that compiles where it holds.
const PROBES: [(&str, &str); 2] = [
    // The two numbers of a label are a struct in `ndpi_protocol`, not two members of it.
    ("SHIM_LABEL_IN_PAIR", "int probe(ndpi_protocol p) { return p.proto.app_protocol; }"),
    // Names are made of that struct alone.
    (
        "SHIM_NAME_OF_PAIR",
        "char *probe(ndpi_master_app_protocol p, char *b) { return ndpi_protocol2name(0, p, b, 1); }",
    ),
];

/// Returns the macros that hold for the headers in `include`; `compiler` has what the target asks
/// for, and programs are written to `folder`.
pub(crate) fn defines(
    compiler: &cc::Build,
    include: &[PathBuf],
    folder: &Path,
) -> Vec<&'static str> {
    let compiles = |name: &str, program: &str| {
        let path = folder.join(format!("{name}.c"));
        let text = format!("#include <ndpi_api.h>\n{program}\n");
        fs::write(&path, text).is_ok()
            && compiler
                .clone()
                .file(&path)
                .includes(include)
                .std("gnu11")
                .cargo_metadata(false)
                .cargo_warnings(false)
                .cargo_output(false)
                .warnings(false)
                .flag("-Werror=implicit-function-declaration")
                .flag("-Werror=incompatible-pointer-types")
                .try_compile(&format!("{name}_probe"))
                .is_ok()
    };
    let found = PROBES.iter().filter(|(name, program)| compiles(name, program));
    found.map(|(name, _)| *name).collect()
}
