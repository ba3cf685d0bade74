//! Cost of decoding, by kind of frame: `cargo bench --bench decode`.

use std::hint::black_box;
use std::path::PathBuf;

use divan::Bencher;
use divan::counter::ItemsCount;
use nfstream::capture::{self, Source};
use nfstream::decode::{Options, decode};
use nfstream::packet::Chunk;

/// Passes over each capture in one sample: the captures are small.
const ROUNDS: usize = 50;

fn main() {
    divan::main();
}

/// All packets of a sample capture, with headers of every length.
#[divan::bench(args = ["web", "web6", "vlan", "tunnels", "dns", "sll2"])]
fn packets(bencher: Bencher<'_, '_>, name: &str) {
    decode_sample(bencher, name, Options::default());
}

/// The same, with tunnels decoded to the packets inside.
#[divan::bench(args = ["web", "tunnels"])]
fn packets_in_tunnels(bencher: Bencher<'_, '_>, name: &str) {
    decode_sample(bencher, name, Options { tunnels: true, ..Options::default() });
}

fn decode_sample(bencher: Bencher<'_, '_>, name: &str, options: Options) {
    let chunk = sample(name);
    bencher.counter(ItemsCount::new(chunk.records.len() * ROUNDS)).bench_local(|| {
        let mut fragments = Vec::new();
        for _ in 0..ROUNDS {
            fragments.clear();
            for record in &chunk.records {
                let _ = black_box(decode(
                    black_box(record),
                    chunk.frame(record),
                    options,
                    &mut fragments,
                ));
            }
        }
    });
}

/// Returns a capture of `tests/captures` as one chunk.
fn sample(name: &str) -> Chunk {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../tests/captures"].iter().collect();
    let mut chunk = Chunk::default();
    let mut source = capture::open(&[path.join(format!("{name}.pcap"))]).expect("sample is there");
    let any = source.read(&mut chunk, usize::MAX).expect("sample is whole");
    assert!(any, "the sample has packets");
    chunk
}
