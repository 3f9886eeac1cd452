#!/usr/bin/env bash
# The release binary as a user runs it: the main job in many shapes, a million tasks, swarms of faults.
# usage: tests/sim/run.sh runs|scale|swarm [--long]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
target=${CARGO_TARGET_DIR:-$root/target}
logs=$target/sim
finbox=$target/release/finbox
mkdir -p "$logs"
long=${2:-}

# One run of the binary that must pass.
runs=0
one() {
    "$finbox" run "$@" --quiet >"$logs/run.txt" 2>&1 ||
        { echo "did not pass: $*" && cat "$logs/run.txt" && return 1; }
    runs=$((runs + 1))
}

# The main job on both chips, on both clocks, from many seeds; every demo, two traces.
runs() {
    local chip mode seed ranks slots handlers demo
    for chip in a2a3 a5; do
        for seed in $(seq 0 199); do
            one deferred_notify_demo --target "$chip" --seed "$seed"
        done
        for mode in lockstep parallel; do
            for ranks in 2 3 16 64; do
                for slots in 2 64 4096; do
                    for handlers in 1 2 3 4; do
                        one deferred_notify_demo --target "$chip" --mode "$mode" --ranks "$ranks" \
                            --mailbox-slots "$slots" --threads "$handlers"
                    done
                done
            done
            for demo in dummy_task async_notify sdma_async prefetch_async mixed_spmd streams persistent_scan; do
                one "$demo" --target "$chip" --mode "$mode" --seed 1
            done
            one tests/data/chakra/ring-allreduce-8 --target "$chip" --mode "$mode"
            one tests/data/chakra/mlcommons --target "$chip" --mode "$mode"
        done
    done
    one urma_deferred --target a5
    if "$finbox" run urma_deferred --target a2a3 --quiet >"$logs/run.txt" 2>&1; then
        echo "urma_deferred ran on a2a3, which has no URMA"
        return 1
    fi
    echo "figures: $runs runs of the binary passed"
    cargo test --release -p finbox-tests --test sim --quiet pinned
    echo "figures: the digests pinned for the dev profile hold in the release profile"
}

# How many tasks a second, in how much address space at most; and that ten times as many do not take
# fifteen times as long.
scale() {
    local tasks small=0 wall
    for tasks in 100000 1000000; do
        (ulimit -v 1048576 && "$finbox" run grid --tasks "$tasks" --json --quiet) >"$logs/scale.json"
        wall=$(grep -o '"wall_ns": *[0-9]*' "$logs/scale.json" | grep -o '[0-9]*$')
        echo "figures: $tasks tasks in 1 GiB of address space, $((tasks * 1000000 / (wall / 1000))) tasks/s"
        [ "$small" -eq 0 ] || [ "$wall" -lt $((small * 15)) ] || return 1
        small=$wall
    done
}

# Random workloads under swarms of all faults and under none, the main job and the streams under them.
swarm() {
    local seeds=2000
    [ "$long" != --long ] || seeds=200000
    "$finbox" check random --seeds "$seeds" --faults all --quiet
    "$finbox" check random --seeds $((seeds / 2)) --quiet
    "$finbox" check random --seeds $((seeds / 2)) --faults all --submit ring --quiet
    "$finbox" check random --seeds $((seeds / 2)) --faults all --submit ring-threaded --quiet
    "$finbox" check deferred_notify_demo --seeds $((seeds / 10)) --faults all --quiet
    "$finbox" check streams --seeds $((seeds / 10)) --faults all --quiet
}

case ${1:-} in
runs | scale | swarm)
    cargo build --release --quiet
    "$1"
    ;;
*)
    sed -n '3s/^# //p' "${BASH_SOURCE[0]}"
    exit 2
    ;;
esac
