#!/usr/bin/env bash
# Runs finbox under a sanitizer, on stable Rust.
# usage: tests/sanitizers/run.sh thread | address [--long]
#
# `thread`: the drivers of tests/sanitizers/tsan and the parallel simulator must end without a
# report, a planted race must be reported, and every weakened edge that ThreadSanitizer can see
# must be too. `address`: AddressSanitizer with LeakSanitizer over the tests of mailbox, scheduler and
# runtime, with --long over the simulator's too, and a planted overflow and a planted leak that must
# be reported.
#
# Sanitizers are a flag of the compiler that stable has behind RUSTC_BOOTSTRAP. Where that, or the
# runtime library, cannot be had, this says so and ends well.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
rung=${1:?usage: tests/sanitizers/run.sh thread | address [--long]}
long=${2:-}
host=$(rustc -vV | sed -n 's/^host: //p')
target=${CARGO_TARGET_DIR:-target}/$rung-sanitizer
built=$target/$host/release
export RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$target
# Reports need lines, not a fast program.
export CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_DEBUG=line-tables-only
export CARGO_PROFILE_DEV_DEBUG=line-tables-only
REPORTED=66

# have FLAG: whether a program can be built with the sanitizer and run.
have() {
    local scratch status=0
    scratch=$(mktemp -d)
    echo 'fn main() {}' >"$scratch/main.rs"
    { rustc --target "$host" "$@" -o "$scratch/main" "$scratch/main.rs" && "$scratch/main"; } \
        >"$scratch/log" 2>&1 || status=$?
    [ "$status" -eq 0 ] || echo "skipped: no $rung sanitizer here: $(head -n 1 "$scratch/log")"
    rm -rf "$scratch"
    return "$status"
}

# reports COMMAND...: the command must end because the sanitizer reported something.
reports() {
    local status=0
    "$@" >/dev/null 2>&1 || status=$?
    [ "$status" -eq "$REPORTED" ] || { echo "not reported: $*" && return 1; }
}

build() {
    cargo build --release --quiet --target "$host" "$@"
}

thread() {
    local flags=(-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer) driver chip demo runs=0
    have "${flags[@]}" || return 0
    export RUSTFLAGS="${flags[*]} --cfg finbox_weaken --cfg finbox_tsan"
    build -p finbox-tests --example tsan
    build -p finbox-sim --bin finbox
    export TSAN_OPTIONS="halt_on_error=1 exitcode=$REPORTED"
    driver=$built/examples/tsan
    reports "$driver" race
    echo "figures: a planted race is reported"
    "$driver"
    echo "figures: every driver ends without a report"
    for chip in a2a3 a5; do
        for demo in deferred_notify_demo async_notify mixed_spmd "random --seed 3"; do
            # shellcheck disable=SC2086 # a demo with its options
            "$built/finbox" run $demo --target "$chip" --mode parallel --threads 2 \
                --mailbox-slots 2 --quiet >/dev/null
            runs=$((runs + 1))
        done
    done
    echo "figures: $runs runs of the parallel simulator without a report"
    "$driver" hunt
}

address() {
    local flags=(-Zsanitizer=address) bug
    have "${flags[@]}" || return 0
    mkdir -p "$target"
    rustc --edition 2024 --target "$host" "${flags[@]}" -o "$target/planted" \
        tests/sanitizers/planted.rs
    export ASAN_OPTIONS="exitcode=$REPORTED detect_leaks=1" LSAN_OPTIONS="exitcode=$REPORTED"
    for bug in overflow leak; do
        reports "$target/planted" "$bug"
        echo "figures: a planted $bug is reported"
    done
    # With finbox_weaken the tests do without the simulator.
    export RUSTFLAGS="${flags[*]} --cfg finbox_weaken"
    cargo test --quiet --target "$host" --lib -p finbox-mailbox -p finbox-scheduler
    cargo test --quiet --target "$host" --lib -p finbox-runtime --features a2a3,a5
    cargo test --quiet --target "$host" -p finbox-tests --test mailbox --test scheduler
    [ "$long" != --long ] || cargo test --quiet --target "$host" --lib -p finbox-sim
}

case $rung in
thread) thread ;;
address) address ;;
*) echo "no such sanitizer: $rung" && exit 2 ;;
esac
