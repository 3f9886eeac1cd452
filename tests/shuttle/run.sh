#!/usr/bin/env bash
# Runs the shuttle models of finbox-tests.
# usage: tests/shuttle/run.sh [--replay FILE] [arguments of the test binary]
#
# --replay FILE  runs the one model that FILE is a schedule of, along it
# FINBOX_SHUTTLE_TIMES=N  N times as many executions; SHUTTLE_RANDOM_SEED=N  other ones
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export RUST_BACKTRACE=0 RUSTFLAGS="--cfg shuttle" CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}/shuttle
replay=
if [ "${1:-}" = --replay ]; then
    replay=$(realpath "${2:?usage: run.sh --replay FILE}")
    shift 2
fi
cd "$root"
if [ -z "$replay" ]; then
    exec cargo test --release --locked -p finbox-tests --test shuttle -- --nocapture "$@"
fi
FINBOX_REPLAY=$replay cargo test --release --locked -p finbox-tests --test shuttle -- --nocapture "$@" 2>&1 |
    tee "$CARGO_TARGET_DIR/replay.log"
grep -q ': replayed ' "$CARGO_TARGET_DIR/replay.log" || { echo "no model has the name in $replay"; exit 1; }
