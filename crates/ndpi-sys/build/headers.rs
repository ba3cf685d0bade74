//! Detection of differences between nDPI headers that the version number does not reveal: between
//! two releases, one number covers several states of the interface. Probe programs test for each.

use std::path::{Path, PathBuf};

/// Macros for `shim.c`. Each has a program in `probes` that compiles only if the macro applies.
const PROBES: [&str; 2] = ["SHIM_LABEL_IN_PAIR", "SHIM_NAME_OF_PAIR"];

/// Returns the macros that apply to the headers in `include`. `compiler` is set up for the target;
/// probe programs are compiled in `folder`.
pub(crate) fn defines(
    compiler: &cc::Build,
    include: &[PathBuf],
    folder: &Path,
) -> Vec<&'static str> {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("probes");
    let compiles = |name: &str| {
        compiler
            .clone()
            .out_dir(folder)
            .file(programs.join(format!("{name}.c")))
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
    PROBES.into_iter().filter(|name| compiles(name)).collect()
}
