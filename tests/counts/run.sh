#!/usr/bin/env bash
# Instructions an operation, counted by callgrind, against the committed baseline.
#
# usage: tests/counts/run.sh            fails when an operation takes over 1 % more than its baseline
#        tests/counts/run.sh --renew    writes baseline.txt anew
#
# Counted is everything under the operation's function in driver.rs or plans.rs, but not the
# simulated machine. Under one compiler the counts repeat to the instruction. Without valgrind,
# which is installed if that can be done, or under another compiler than the baseline's, it says so
# and ends.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
baseline=tests/counts/baseline.txt
mkdir -p "${CARGO_TARGET_DIR:-target}/counts"
work=$(cd "${CARGO_TARGET_DIR:-target}/counts" && pwd)

# What the same costs in C++, for information.
declare -A other=([push]="25 in C++" [drain_of_64]="28 in C++, a message")
# How many times finer than a call an operation is.
declare -A parts=([drain_of_64]=64 [settle_of_64]=64 [packets_of_16]=16)

if ! command -v valgrind >/dev/null; then
    timeout 40 sh -c 'apt-get -qq update && apt-get -qq install -y valgrind' >"$work/apt.log" 2>&1 ||
        { echo "skipped: there is no valgrind, and it cannot be installed" && exit 0; }
fi
compiler=$(rustc --version | cut -d ' ' -f 2)
[ "$(uname -m)" = x86_64 ] || { echo "skipped: the baseline is for x86-64" && exit 0; }

built=$(cargo build --release --quiet --package finbox-tests --example counts \
    --message-format json)
driver=$(grep -o '"executable":"[^"]*/counts[^"]*"' <<<"$built" | cut -d '"' -f 4)
operations=$(sed -nE 's/^(fn |counted!\()count_([a-z0-9_]*)[(,].*/\2/p' tests/counts/{driver,plans}.rs)

# count OPERATION: instructions a call, under its function and outside the machine.
count() {
    local out=$work/$1.out
    valgrind --tool=callgrind --callgrind-out-file="$out" --collect-atstart=no \
        --toggle-collect="*::count_$1" "$driver" >"$work/$1.log" 2>&1
    callgrind_annotate --auto=no --threshold=100 --show=Ir "$out" >"$work/$1.txt"
    awk -v parts="${parts[$1]:-1}" '
        /^ *[0-9,]+ \(.*%\)  .*:/ && !/Machine|model_port|PROGRAM TOTALS/ {
            gsub(",", "", $1)
            sum += $1
        }
        END { printf "%.1f", sum / 1000 / parts }' "$work/$1.txt"
}

echo "# Instructions an operation, x86-64, rustc $compiler; tests/counts/run.sh --renew" \
    >"$work/counts.txt"
for operation in $operations; do
    [ "$(jobs -rp | wc -l)" -lt 2 ] || wait -n
    { count "$operation" >"$work/$operation.count"; } &
done
wait
for operation in $operations; do
    echo "$operation $(cat "$work/$operation.count")" >>"$work/counts.txt"
done
[ "${1:-}" != --renew ] || cp "$work/counts.txt" "$baseline"

if ! grep -q "rustc $compiler;" "$baseline"; then
    echo "skipped: the baseline is of another compiler than rustc $compiler; renew it"
    exit 0
fi
status=0
while read -r operation now; do
    before=$(awk -v name="$operation" '$1 == name { print $2 }' "$baseline")
    verdict=$(awk -v now="$now" -v before="${before:-0}" 'BEGIN {
        if (before == 0 || now == 0) print "has no count"
        else if (now > before * 1.01) printf "%.1f %% more than %s", now * 100 / before - 100, before
        else if (now < before * 0.99) printf "fewer than %s: renew the baseline", before
        else print "as before" }')
    printf 'counts: %-18s %8s instructions  %s%s\n' "$operation" "$now" "$verdict" \
        "${other[$operation]:+ (${other[$operation]})}"
    case $verdict in *more* | *no\ count*) status=1 ;; esac
done < <(grep -v '^#' "$work/counts.txt")
exit "$status"
