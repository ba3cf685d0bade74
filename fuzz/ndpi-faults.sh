#!/bin/bash
# Reads damaged captures with an nDPI built with AddressSanitizer and UndefinedBehaviorSanitizer,
# with each packet in its own allocation. Ends at the first bad access, and lists other undefined
# behaviour of nDPI: count, file, line and kind.
#
# usage: fuzz/ndpi-faults.sh VARIANTS SEED FOLDER...
set -eu -o pipefail
cd "$(dirname "$0")/.."
NDPI_DIR=$(fuzz/ndpi.sh address,undefined)
sanitize=-fsanitize=address,undefined
export NDPI_DIR CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/fuzz/target/ndpi-faults}
CC=clang CFLAGS="$sanitize -fno-omit-frame-pointer -g" \
    cargo rustc --quiet -p nfstream-testkit --example mutate -- -Clinker=clang -Clink-arg=$sanitize
symbolizer=$(command -v llvm-symbolizer || ls /usr/bin/llvm-symbolizer-* 2>/dev/null | tail -n 1 || true)
export ASAN_OPTIONS="detect_leaks=0:quarantine_size_mb=8${symbolizer:+:external_symbolizer_path=$symbolizer}"
export UBSAN_OPTIONS="print_stacktrace=0${symbolizer:+:external_symbolizer_path=$symbolizer}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
"$CARGO_TARGET_DIR/debug/examples/mutate" "$@" 2>"$log" || status=$?
# The last message of the program, or the report of a bad access.
sed -n '/ERROR: AddressSanitizer/,$p; /^Error:/p; / takes more than /p' "$log" | head -n 60 >&2
sed -nE 's/.*[ \/]([a-z_0-9]+\.[ch]:[0-9]+):[0-9]+: runtime error: (.*)/\1: \2/p' "$log" |
    sed -E 's/(misaligned address) 0x[0-9a-f]+/\1/' | sort | uniq -c
exit "$status"
