#!/usr/bin/env bash
# Fuzzes every target with libFuzzer on stable Rust, two at a time, from the committed corpus.
#
# usage: tests/fuzz/run.sh [SECONDS]        15 s a target unless said otherwise
#        tests/fuzz/run.sh --merge          take what was found into the committed corpus, minimised
#        tests/fuzz/run.sh TARGET FILE      one input again
#
# Prints executions and coverage a target. Fails on a crash, whose input it keeps, and when a target
# did not run. Needs a C++ compiler, which libFuzzer is built with; without one it says so and ends.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
work=${CARGO_TARGET_DIR:-target}/fuzz
corpus=tests/fuzz/corpus
mkdir -p "$work"

if ! command -v "${CXX:-c++}" >/dev/null; then
    echo "skipped: libFuzzer is built with a C++ compiler, and there is none"
    exit 0
fi
built=$(RUSTC_WORKSPACE_WRAPPER=$PWD/tests/fuzz/rustc.sh cargo build --release --quiet \
    --package finbox-tests --test fuzz --message-format json)
fuzzer=$(grep -o '"executable":"[^"]*/fuzz-[^"]*"' <<<"$built" | cut -d '"' -f 4)
targets=$(ls "$corpus")
# Trace files are written to memory where there is such a folder.
[ -d /dev/shm ] && export TMPDIR=/dev/shm

# longest TARGET: bytes of an input; files may be longer than rows of operations.
longest() {
    case $1 in
    trace | ranks) echo 4096 ;;
    *) echo 512 ;;
    esac
}

# fuzz TARGET SECONDS
fuzz() {
    local target=$1 seconds=$2
    mkdir -p "$work/corpus/$target" "$work/crashes"
    FINBOX_FUZZ=$target "$fuzzer" "$work/corpus/$target" "$corpus/$target" \
        -max_total_time="$seconds" -max_len="$(longest "$target")" -timeout=10 -rss_limit_mb=1024 \
        -artifact_prefix="$work/crashes/$target-" -print_final_stats=1 >"$work/$target.log" 2>&1
}

# report TARGET: one line of figures; the crash, if there was one.
report() {
    local log=$work/$1.log runs coverage crash
    runs=$(sed -n 's/^stat::number_of_executed_units: //p' "$log")
    coverage=$(grep -o 'cov: [0-9]*' "$log" | tail -n 1 | cut -d ' ' -f 2)
    printf '%-13s %9d executions, %5d edges\n' "$1" "${runs:-0}" "${coverage:-0}"
    crash=$(sed -n 's/.*Test unit written to //p' "$log" | head -n 1)
    if [ -n "$crash" ]; then
        grep -m 3 -A 3 -E 'panicked at|ERROR: ' "$log" || true
        echo "replay: tests/fuzz/run.sh $1 $crash"
        return 1
    fi
    [ "${runs:-0}" -gt 0 ] || { tail -n 20 "$log" && echo "$1 did not run" && return 1; }
}

merge() {
    local target fresh
    for target in $targets; do
        fresh=$work/merged/$target
        rm -rf "$fresh" && mkdir -p "$fresh" "$work/corpus/$target"
        FINBOX_FUZZ=$target "$fuzzer" -set_cover_merge=1 -max_len="$(longest "$target")" "$fresh" \
            "$corpus/$target" "$work/corpus/$target" >"$work/$target.log" 2>&1
        rm -rf "${corpus:?}/$target" && cp -r "$fresh" "$corpus/$target"
        echo "$target: $(ls "$fresh" | wc -l) files, $(cat "$fresh"/* | wc -c) bytes"
    done
}

case ${1:-15} in
--merge) merge ;;
*[!0-9]*) FINBOX_FUZZ=$1 RUST_BACKTRACE=1 "$fuzzer" "$2" ;;
*)
    status=0
    # shellcheck disable=SC2086
    set -- "${1:-15}" $targets
    seconds=$1
    shift
    while [ $# -gt 0 ]; do
        fuzz "$1" "$seconds" &
        [ $# -lt 2 ] || fuzz "$2" "$seconds" || true
        wait $! || true
        for target in "${@:1:2}"; do report "$target" || status=1; done
        shift $(($# > 1 ? 2 : 1))
    done
    exit "$status"
    ;;
esac
