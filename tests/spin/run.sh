#!/usr/bin/env bash
# Checks the Spin model of the protocol: what must hold, and the known-bad protocols that must not.
# usage: tests/spin/run.sh [--cross]     --cross: only the outcomes of the cross-checked configuration
#
# Needs `spin` and a C compiler; without them it says so and stops. Builds below the target folder.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
out=${CARGO_TARGET_DIR:-$root/target}/spin
mkdir -p "$out"
out=$(cd "$out" && pwd)
if ! command -v spin >/dev/null; then
    apt-get install -y -qq spin >"$out/install.log" 2>&1 || true
fi
for tool in spin gcc; do
    command -v "$tool" >/dev/null || { echo "skipped: $tool cannot be had here" && exit 0; }
done

# model NAME MODE SWITCHES: builds and runs one variant; its report is $out/NAME/report.
model() {
    local name=$1 mode=$2 switches=$3 dir=$out/$1
    local build="-DSAFETY" run="-m500000"
    # Spin's reduction and its weak fairness do not go together: liveness does without.
    [ "$mode" = safety ] || { switches+=" -DLIVE" build="-DNOREDUCE" run+=" -a -f"; }
    rm -rf "$dir" && mkdir -p "$dir" && cd "$dir"
    # shellcheck disable=SC2086
    spin $switches -a "$root/tests/spin/fin.pml" >spin.log 2>&1 &&
        gcc -O2 $build -DVECTORSZ=2048 -o pan pan.c 2>>spin.log || { cat spin.log; return 1; }
    # shellcheck disable=SC2086
    ./pan $run >report 2>&1
}

# verdict NAME: what the report says, in two or three words.
verdict() {
    local report=$out/$1/report
    grep -q 'errors: [01]$' "$report" || { echo "no verdict" && return; }
    if grep -q 'Search not completed' "$report" && grep -q 'errors: 0$' "$report"; then
        echo "not completed"
    else
        grep -oE '^pan:1: (assertion violated|invalid end state|acceptance cycle)' "$report" |
            sed 's/^pan:1: //' | grep . || echo "holds"
    fi
}

# name | mode | switches | what it must come to | what it is
variants() {
    cat <<'END'
good-4|safety|-DN=4 -DROOM=2|holds|4 tasks, 2 slots, room for 2 conditions
good-3|safety|-DN=3|holds|3 tasks, 2 slots, room for 3 conditions
good-3-4|safety|-DN=3 -DROOM=2 -DCAP=4|holds|3 tasks, 4 slots
dead-claimer|safety|-DN=2 -DROOM=2 -DDIE|holds|a claimer dies in the gap, the mailbox is recovered
two|safety|-DN=2 -DROOM=2 -DTWO|holds|a second would-be consumer tries the lock
asked|safety|-DN=2 -DROOM=2 -DASK|holds|somebody asks how many wait, under the lock
repeated|safety|-DN=3 -DROOM=2 -DDUP|holds|COND shows an old FIN again
two-runs|safety|-DN=1 -DRUNS=2|holds|a second run, and a straggler of the first
live|liveness|-DN=2 -DROOM=2|holds|under weak fairness all tasks finish
B1|safety|-DN=2 -DB1|assertion violated|unsigned depth: "full" though it is not
B2|safety|-DN=2 -DROOM=2 -DDIE -DB2|invalid end state|a claimer dies and nobody recovers
B3|safety|-DN=1 -DRUNS=2 -DB3|assertion violated|positions begin at 0 again, sequences stay
B4|safety|-DN=3 -DB4|invalid end state|FIN threads wait for room and alone drain
B5|liveness|-DN=2 -DROOM=2 -DB5|acceptance cycle|a helping loop that does not yield
B6|safety|-DN=2 -DROOM=2 -DTWO -DB6|assertion violated|two consumers
B7|safety|-DN=2 -DROOM=2 -DASK -DB7|assertion violated|a plain read beside a write under the lock
B8|safety|-DN=3 -DDUP -DB8|assertion violated|FINs counted, not identified
B9|safety|-DN=3 -DB9|invalid end state|the list stops on overflow before popping
END
}

# check LINE: runs one variant and compares.
check() {
    local name mode switches wanted what begin found states
    IFS='|' read -r name mode switches wanted what <<<"$1"
    begin=$(date +%s.%N)
    model "$name" "$mode" "$switches" || return 1
    found=$(verdict "$name")
    states=$(grep -oE '[0-9.e+]+ states, stored' "$out/$name/report" | grep -oE '^[0-9]+')
    printf 'spin %-12s %-18s %9d states %5.1f s  %s\n' "$name" "$found" "$states" \
        "$(echo "$(date +%s.%N) - $begin" | bc)" "$what"
    [ "$found" = "$wanted" ] || { echo "$name must come to: $wanted" && return 1; }
}

cross() {
    model cross safety "-DCROSS"
    [ "$(verdict cross)" = holds ]
    grep -oE '^outcome: .*' "$out/cross/report" | sed 's/^outcome: //' | sort -u >"$out/cross.txt"
    [ -s "$out/cross.txt" ]
}

if [ "${1:-}" = --cross ]; then
    cross
    exit
fi
export -f model verdict check
export out root
variants | xargs -d '\n' -P 2 -I LINE bash -c 'check "$1"' _ LINE
echo "spin: $(variants | grep -c '|holds|') models hold, $(variants | grep -vc '|holds|') known-bad ones do not"
