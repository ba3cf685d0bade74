//! Records the cargo features of this build for `nfstream::FEATURES`.

#![allow(clippy::print_stdout, reason = "cargo reads the output of build scripts")]

use std::collections::BTreeSet;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let names: BTreeSet<String> = std::env::vars()
        .filter_map(|(variable, _)| {
            let name = variable.strip_prefix("CARGO_FEATURE_")?;
            Some(name.to_lowercase().replace('_', "-"))
        })
        .filter(|name| name != "default")
        .collect();
    let names = names.into_iter().collect::<Vec<_>>().join(", ");
    println!("cargo::rustc-env=NFSTREAM_FEATURES={names}");
}
