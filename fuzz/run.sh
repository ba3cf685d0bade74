#!/bin/bash
# Fuzzes one target and prints the result in one line. A crash leaves its input in
# fuzz/artifacts/TARGET: move it to fuzz/regressions/TARGET with the fix.
#
# There is no sanitizer, as the code under test is safe Rust: overflow checks, debug assertions and
# panics reveal its bugs, and it runs faster. SANITIZER=address is for `engine` with an nDPI from
# fuzz/ndpi.sh.
#
# usage: [SANITIZER=address] fuzz/run.sh TARGET SECONDS [SEED]
set -eu -o pipefail
cd "$(dirname "$0")/.."
target=$1 seconds=$2 seed=${3:-$((RANDOM * 32768 + RANDOM + 1))}
case $target in
condition) options="-max_len=512 -only_ascii=1" ;;
datagrams | dtls | quic | streams | tls) options="-max_len=16384" ;;
flow_table) options="-max_len=803" ;;
link) options="-max_len=2048" ;;
*) options="-max_len=65536" ;;
esac
sanitizer=${SANITIZER:-none}
if [ "$sanitizer" != none ]; then
    # It needs an unstable compiler flag.
    export RUSTC_BOOTSTRAP=1
    export ASAN_OPTIONS="detect_odr_violation=0:${ASAN_OPTIONS:-}"
fi
corpus=fuzz/corpus/$target
regressions=fuzz/regressions/$target
mkdir -p "$corpus" "$regressions"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
cargo fuzz run --debug-assertions --sanitizer "$sanitizer" \
    --target "$(rustc -vV | sed -n 's/^host: //p')" "$target" "$corpus" "$regressions" -- $options \
    -max_total_time="$seconds" -seed="$seed" -timeout=30 -rss_limit_mb=2048 -print_final_stats=1 \
    >"$log" 2>&1 || status=$?
executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
coverage=$(grep -o 'cov: [0-9]*' "$log" | tail -n 1 | cut -d ' ' -f 2)
echo "$target: ${executions:-0} executions in $seconds s, ${coverage:-0} edges covered, seed $seed," \
    "$([ "$status" = 0 ] && echo 'nothing found' || echo FAILED)"
if [ "$status" != 0 ]; then
    tail -n 60 "$log" >&2
    exit 1
fi
