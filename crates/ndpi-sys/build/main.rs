//! Finds nDPI, compiles `shim.c` against its headers and links both. With the feature `loaded`, and
//! where nDPI is not installed, it links nothing and sets `cfg(loaded)`.
//!
//! By default `pkg-config` finds the system's library. Environment variables change that, and make
//! a missing nDPI an error:
//!
//! - `NDPI_DIR=<prefix>` uses `<prefix>/include/ndpi` and `<prefix>/lib` without `pkg-config`.
//! - `NDPI_STATIC=1` links nDPI statically. Together with `NDPI_DIR`, the dependencies of that nDPI
//!   are unknown and libgcrypt is not linked: build nDPI with its own crypto, the default since
//!   4.0.
//! - `NDPI_LICENSE=<name>` states the licence under which nDPI 6 or newer is used: since 6.0, parts
//!   of it have a second licence. Without the variable such a version is refused.
//!
//! The version is checked twice: here through `pkg-config`, and in `shim.c` against the headers.

#![allow(clippy::print_stdout, reason = "cargo reads the output of build scripts")]

mod headers;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const OLDEST: &str = "4.2";

/// Location of nDPI and the libraries to link with it.
struct Ndpi {
    include: Vec<PathBuf>,
    search: Vec<PathBuf>,
    companions: Vec<String>,
}

fn main() -> ExitCode {
    println!("cargo::rustc-check-cfg=cfg(loaded)");
    if env::var_os("CARGO_FEATURE_LOADED").is_some() {
        println!("cargo::rustc-cfg=loaded");
        return ExitCode::SUCCESS;
    }
    for input in ["build", "probes", "shim.c", "shim.h"] {
        println!("cargo::rerun-if-changed={input}");
    }
    for variable in ["NDPI_DIR", "NDPI_LICENSE", "NDPI_STATIC"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    let linked_in = env::var_os("NDPI_STATIC").is_some_and(|value| value == "1");
    let prefix = env::var_os("NDPI_DIR");
    let is_required = linked_in || prefix.is_some();
    let found = match prefix {
        Some(prefix) => from_prefix(Path::new(&prefix)),
        None => from_pkg_config(linked_in),
    };
    match found {
        Ok(ndpi) => {
            build(&ndpi, linked_in);
            ExitCode::SUCCESS
        }
        Err(message) if !is_required => {
            println!("cargo::warning=nDPI is not linked, but loaded at run time. {message}");
            println!("cargo::rustc-cfg=loaded");
            ExitCode::SUCCESS
        }
        Err(message) => {
            println!("cargo::error={message}");
            ExitCode::FAILURE
        }
    }
}

fn from_prefix(prefix: &Path) -> Result<Ndpi, String> {
    let include = prefix.join("include/ndpi");
    if !include.join("ndpi_api.h").is_file() {
        return Err(format!("NDPI_DIR is set, but {}/ndpi_api.h is missing", include.display()));
    }
    Ok(Ndpi {
        include: vec![include],
        search: vec![prefix.join("lib")],
        companions: vec!["m".to_owned()],
    })
}

fn from_pkg_config(linked_in: bool) -> Result<Ndpi, String> {
    let library = pkg_config::Config::new()
        .atleast_version(OLDEST)
        .cargo_metadata(false)
        .env_metadata(true)
        .statik(linked_in)
        .probe("libndpi")
        .map_err(|error| {
            let reason = error.to_string();
            let reason = reason.lines().map(str::trim).filter(|line| !line.is_empty());
            format!(
                "To link nDPI {OLDEST} or newer: on Debian and Ubuntu, run apt install libndpi-dev \
                 pkg-config. For an nDPI in another place, set NDPI_DIR to its prefix. Message of \
                 pkg-config: {}",
                reason.collect::<Vec<_>>().join(" ")
            )
        })?;
    Ok(Ndpi {
        include: library.include_paths,
        search: library.link_paths,
        companions: library.libs.into_iter().filter(|name| name != "ndpi").collect(),
    })
}

fn build(ndpi: &Ndpi, linked_in: bool) {
    let mut shim = cc::Build::new();
    shim.file("shim.c")
        .includes(&ndpi.include)
        .std("gnu11")
        .warnings(true)
        .extra_warnings(true)
        // nDPI's headers cause this warning.
        .flag_if_supported("-Wno-unused-parameter");
    for define in headers::defines(&cc::Build::new(), &ndpi.include, &out_dir()) {
        shim.define(define, None);
    }
    if env::var_os("NDPI_LICENSE").is_some_and(|name| !name.is_empty()) {
        shim.define("NFSTREAM_NDPI_LICENSE_CHOSEN", None);
    }
    // The shim comes first: linkers that drop unneeded libraries resolve from left to right.
    shim.compile("ndpi_shim");
    for path in &ndpi.search {
        println!("cargo::rustc-link-search=native={}", path.display());
    }
    let kind = if linked_in { "static" } else { "dylib" };
    println!("cargo::rustc-link-lib={kind}=ndpi");
    for name in &ndpi.companions {
        println!("cargo::rustc-link-lib=dylib={name}");
    }
}

fn out_dir() -> PathBuf {
    PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR for build scripts"))
}
