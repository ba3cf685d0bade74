//! Lookups in the catalogue.

use std::hint::black_box;
use std::net::IpAddr;

use nfstream_dissect::catalogue::Catalogue;

/// Host names of usual lengths, of which the third and the last are in no entry.
const NAMES: [&[u8]; 6] = [
    b"www.youtube.com",
    b"rr3---sn-4g5e6nz7.googlevideo.com",
    b"www.a-small-shop.example.co.uk",
    b"my-bucket.s3.eu-west-1.amazonaws.com",
    b"scontent-mxp1-1.cdninstagram.com",
    b"localhost",
];

fn main() {
    divan::main();
}

#[divan::bench(args = NAMES.map(|name| std::str::from_utf8(name).expect("names are ASCII")))]
fn by_domain(name: &str) -> bool {
    Catalogue::default().by_domain(black_box(name.as_bytes())).is_some()
}

#[divan::bench(args = ["52.58.18.25", "149.154.167.51", "192.0.2.1", "2603:1030::1", "2001:db8::1"])]
fn by_address(bencher: divan::Bencher<'_, '_>, address: &str) {
    let catalogue = Catalogue::default();
    let address: IpAddr = address.parse().expect("an address");
    bencher.bench(|| catalogue.by_address(black_box(address)));
}
