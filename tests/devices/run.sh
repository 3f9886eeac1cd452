#!/usr/bin/env bash
# Device libraries as people meet them: those in C by themselves, with checkers of memory and threads;
# then each of the three under the command line and under a program in C that links libfinbox.
#
# usage: tests/devices/run.sh
#
# Without a C compiler there is nothing to do here; where valgrind or sanitizers lack, it is said.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
mkdir -p "${CARGO_TARGET_DIR:-target}/devices"
work=$(cd "${CARGO_TARGET_DIR:-target}/devices" && pwd)
export CARGO_TARGET_DIR=${work%/devices} CARGO_TERM_COLOR=never

for program in cc make; do
    command -v "$program" >/dev/null || { echo "skipped: there is no $program" && exit 0; }
done

# alone NAME CHECK ...: the library's own tests, without finbox.
alone() {
    local name=$1
    shift
    make --silent -C "runtime/devices/$name" BUILD="$work/$name" "$@" >"$work/$name.log" 2>&1 ||
        { cat "$work/$name.log" && exit 1; }
    grep '^skipped' "$work/$name.log" || true
    echo "devices: $name-device's own tests pass, also as: ${*:2}"
}

build() {
    cargo build --quiet --release --package finbox-sim --package finbox-sim-device \
        --package finbox-ffi
    finbox=$CARGO_TARGET_DIR/release/finbox
    cc -std=c11 -Wall -Wextra -pedantic -Werror -Iruntime/include \
        runtime/ffi/examples/onboard_minimal.c -L"$CARGO_TARGET_DIR/release" -lfinbox \
        -o "$work/onboard_minimal"
    ln -sf "$CARGO_TARGET_DIR/release/libfinbox.so" "$work/libfinbox.so.0"
}

# onboard NAME LIBRARY: the self-test, the demo with the result of the simulator, and the C program.
onboard() {
    local name=$1 library=$2 wanted found
    "$finbox" device "$library" >"$work/$name.txt" || { cat "$work/$name.txt" && exit 1; }
    wanted=$("$finbox" run deferred_notify_demo --json | digest)
    for target in a2a3 a5; do
        found=$("$finbox" run deferred_notify_demo --device "$library" --target "$target" --json)
        grep -q '"max_diff": *0.0' <<<"$found" || { echo "$found" && exit 1; }
        [ "$(digest <<<"$found")" = "$wanted" ] || { echo "another result: $found" && exit 1; }
    done
    LD_LIBRARY_PATH=$work "$work/onboard_minimal" "$library" | tail -n 1 |
        grep -qx 'max_diff 0' || { echo "onboard_minimal on $name-device" && exit 1; }
    echo "devices: $name-device passes the self-test, runs the demo, and serves a program in C"
}

digest() {
    grep -o '"result_digest": *"[0-9a-f]*"'
}

alone posix test valgrind asan tsan
# valgrind runs one thread at a time; before it was told to be fair, the stand-in's streams starved
# on a loaded machine. `make -C runtime/devices/acl valgrind` has been right since, and stays by hand.
alone acl test asan tsan
build
onboard sim "$CARGO_TARGET_DIR/release/libfinbox_sim_device.so"
onboard posix "$work/posix/libfinbox_posix_device.so"
export FINBOX_ACL_LIB=$work/acl/libascendcl_standin.so
onboard acl "$work/acl/libfinbox_acl_device.so"
