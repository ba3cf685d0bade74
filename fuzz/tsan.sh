#!/bin/bash
# Runs the tests of threads, and several meters over captures, under ThreadSanitizer, with nDPI,
# Rust's standard library and all crates instrumented.
#
# The source of the standard library comes from the current toolchain (the component rust-src of
# rustup), or else from Debian's rustc-web packages. These are unpacked into fuzz/toolchain and not
# installed.
#
# usage: fuzz/tsan.sh ROUNDS SEED FOLDER...
set -eu -o pipefail
cd "$(dirname "$0")/.."
rounds=$1 seed=$2
shift 2
toolchain=$PWD/fuzz/toolchain

has_source() {
    [ -e "$("${RUSTC:-rustc}" --print sysroot)/lib/rustlib/src/rust/library/std/Cargo.toml" ]
}

# Prints the dependencies of package $1 that match $2.
depends() {
    apt-cache depends "$1" 2>/dev/null | sed -nE "s/.*Depends: ($2)$/\1/p"
}

debian_toolchain() {
    command -v apt-get >/dev/null || return 1
    local std llvm packages
    std=$(depends libstd-rust-web-dev 'libstd-rust-web-[0-9.]+') && [ -n "$std" ] || return 1
    llvm=$(depends "$std" 'libllvm[0-9]+')
    packages="rustc-web rust-web-src libstd-rust-web-dev $std $llvm \
        libclang-rt-${llvm#libllvm}-dev"
    rm -rf "$toolchain"
    mkdir -p "$toolchain/packages"
    echo "Fetching $packages into fuzz/toolchain …"
    (cd "$toolchain/packages" && apt-get download -qq $packages 2>/dev/null) || return 1
    for package in "$toolchain"/packages/*.deb; do
        dpkg -x "$package" "$toolchain"
    done
    # The path of the sanitizer that rustc expects.
    ln -s "$toolchain"/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.tsan-x86_64.a \
        "$toolchain/usr/lib/rustlib/x86_64-unknown-linux-gnu/lib/librustc-stable_rt.tsan.a"
}

if ! has_source; then
    if [ ! -e "$toolchain/usr/bin/rustc" ] && ! debian_toolchain; then
        echo "error: the source of Rust's standard library is missing: run 'rustup component add" \
            "rust-src', or enable an apt source with rustc-web and rust-web-src" >&2
        exit 1
    fi
    export RUSTC=$toolchain/usr/bin/rustc
    export LD_LIBRARY_PATH=$toolchain/usr/lib/x86_64-linux-gnu
fi

NDPI_DIR=$(fuzz/ndpi.sh thread)
target=$(rustc -vV | sed -n 's/^host: //p')
variable=${target//-/_}
export NDPI_DIR RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/fuzz/target/tsan}
export RUSTFLAGS="-Zsanitizer=thread"
export "CC_$variable=clang" "CFLAGS_$variable=-fsanitize=thread -g"
symbolizer=$(command -v llvm-symbolizer || ls /usr/bin/llvm-symbolizer-* 2>/dev/null | tail -n 1 || true)
export TSAN_OPTIONS="${symbolizer:+external_symbolizer_path=$symbolizer }${TSAN_OPTIONS:-}"
cargo test --quiet -Zbuild-std --target "$target" -p nfstream --lib --test limits --test live \
    --test same_result --test threads
cargo run --quiet -Zbuild-std --target "$target" -p nfstream-testkit --example threads -- \
    "$rounds" "$seed" "$@"
