//! Detection of differences between nDPI headers that the version number does not reveal: between
//! two releases, one number covers several states of the interface. Probe programs test for each.

use std::fs;
use std::path::{Path, PathBuf};

/// Macros for `shim.c`, each with a program that compiles only if the macro applies.
const PROBES: [(&str, &str); 2] = [
    // `ndpi_protocol` holds the two numbers of a label in a struct, not in two members.
    ("SHIM_LABEL_IN_PAIR", "int probe(ndpi_protocol p) { return p.proto.app_protocol; }"),
    // `ndpi_protocol2name` takes only that struct.
    (
        "SHIM_NAME_OF_PAIR",
        "char *probe(ndpi_master_app_protocol p, char *b) { return ndpi_protocol2name(0, p, b, 1); }",
    ),
];

/// Returns the macros that apply to the headers in `include`. `compiler` is set up for the target;
/// probe programs are written to `folder`.
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
