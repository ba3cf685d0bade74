//! Compiles the catalogue in `data/` into static tables.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, process};

/// The modules that the library reads its data with.
#[allow(dead_code, reason = "the library uses the rest")]
#[path = "src/catalogue"]
mod catalogue {
    pub(crate) mod entries;
    pub(crate) mod numbering;
    pub(crate) mod ranges;
    pub(crate) mod source;
    pub(crate) mod suffixes;
}

use catalogue::source::{Files, Tables};

fn main() {
    println!("cargo::rerun-if-changed=data");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/catalogue");
    if let Err(problem) = compile() {
        println!("cargo::error={problem}");
        process::exit(1);
    }
}

fn compile() -> Result<(), String> {
    let read = |name: &str| {
        fs::read_to_string(Path::new("data").join(name)).map_err(|error| format!("{name}: {error}"))
    };
    let tables = Tables::read(&Files {
        categories: &read("categories.tsv")?,
        protocols: &read("protocols.tsv")?,
        applications: &read("applications.toml")?,
        addresses: &|name| read(&format!("addresses/{name}")),
    })
    .map_err(|error| error.to_string())?;
    let folder = env::var("OUT_DIR").map_err(|error| error.to_string())?;
    let path = Path::new(&folder).join("catalogue_tables.rs");
    fs::write(&path, write(&tables)).map_err(|error| format!("{}: {error}", path.display()))
}

/// Returns `tables` as Rust constants.
fn write(tables: &Tables) -> String {
    let mut code = String::new();
    let mut by_name: Vec<(String, u16)> = Vec::new();
    for (number, (name, _)) in &tables.names {
        by_name.push((catalogue::numbering::fold(name), *number));
    }
    by_name.sort();
    line(&mut code, "pub(super) const VERSION: &str", format_args!("{:?}", tables.version));
    list(&mut code, "CATEGORIES", "(u16, &str)", &tables.categories, |(number, name)| {
        format!("({number}, {name:?})")
    });
    list(&mut code, "NAMES", "(u16, &str, u16)", &tables.names, |(number, (name, category))| {
        format!("({number}, {name:?}, {category})")
    });
    list(&mut code, "NUMBERS", "(&str, u16)", &by_name, |(name, number)| {
        format!("({name:?}, {number})")
    });
    list(&mut code, "APPLICATIONS", "u16", &tables.applications, u16::to_string);
    list(&mut code, "EDGES", "Edge", tables.suffixes.edges.iter(), |edge| {
        let catalogue::suffixes::Edge { from, to, label, value, len, flags } = edge;
        format!("edge({from},{to},{label},{value},{len},{flags})")
    });
    list(&mut code, "PATTERNS", "Pattern", tables.suffixes.patterns.iter(), |pattern| {
        let catalogue::suffixes::Pattern { from, label, value, before, after } = pattern;
        format!("pattern({from},{label},{value},{before},{after})")
    });
    let labels = std::str::from_utf8(&tables.suffixes.labels).expect("labels are ASCII");
    line(&mut code, "pub(super) static LABELS: &[u8]", format_args!("b{labels:?}"));
    line(&mut code, "pub(super) const ROOT: u8", tables.suffixes.root);
    list(&mut code, "IPV4_STARTS", "u32", tables.ipv4.starts.iter(), u32::to_string);
    list(&mut code, "IPV4_VALUES", "u16", tables.ipv4.values.iter(), u16::to_string);
    list(&mut code, "IPV6_STARTS", "u128", tables.ipv6.starts.iter(), u128::to_string);
    list(&mut code, "IPV6_VALUES", "u16", tables.ipv6.values.iter(), u16::to_string);
    line(&mut code, "pub(super) const SUFFIX_COUNT: usize", tables.suffix_count);
    line(&mut code, "pub(super) const NETWORK_COUNT: usize", tables.network_count);
    code
}

fn line(code: &mut String, item: &str, value: impl std::fmt::Display) {
    writeln!(code, "{item} = {value};").expect("text grows in memory");
}

fn list<I: IntoIterator>(
    code: &mut String,
    name: &str,
    of: &str,
    items: I,
    write: impl Fn(I::Item) -> String,
) {
    let items: Vec<String> = items.into_iter().map(write).collect();
    line(
        code,
        &format!("pub(super) static {name}: &[{of}]"),
        format_args!("&[{}]", items.join(",")),
    );
}
