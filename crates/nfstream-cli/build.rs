//! Notes the version of libpcap that the program is built with.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let probed = pkg_config::Config::new().cargo_metadata(false).probe("libpcap");
    let version = probed.map_or_else(|_| "of unknown version".to_owned(), |found| found.version);
    println!("cargo:rustc-env=NFSTREAM_LIBPCAP={version}");
}
