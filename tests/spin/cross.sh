#!/usr/bin/env bash
# Compares what loom, shuttle and Spin reach in the cross-checked configuration (tests/src/cross.rs).
# usage: tests/spin/cross.sh
#
# Every ending of shuttle's search must be one of loom's; what loom reaches beyond must be listed
# below with a reason; what completed, in which order, by which road must be the same in all three.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
out=${CARGO_TARGET_DIR:-$root/target}/cross
mkdir -p "$out"
out=$(cd "$out" && pwd)
rm -f "$out"/*.txt

# Endings that weak memory allows and no interleaving does: the line, then `#` and why.
allowed() {
    cat <<'END'
END
}

bash "$root/tests/spin/run.sh" --cross >"$out/spin.log"
spin=$(dirname "$out")/spin/cross.txt
FINBOX_CROSS=$out/loom.txt bash "$root/tests/loom/run.sh" \
    --test loom_scheduler -- cross --nocapture >"$out/loom.log" 2>&1 || { tail "$out/loom.log"; exit 1; }
FINBOX_CROSS=$out/shuttle.txt bash "$root/tests/shuttle/run.sh" cross \
    >"$out/shuttle.log" 2>&1 || { tail "$out/shuttle.log"; exit 1; }
grep -hoE 'cross check, .*' "$out/loom.log" "$out/shuttle.log"
for set in "$out/loom.txt" "$out/shuttle.txt" "$spin"; do
    [ -s "$set" ] || { echo "cross check: $set is empty" && exit 1; }
done

# What completed, in which order, by which road.
endings() {
    cut -d' ' -f1-5 "$1" | sort -u
}
fail=0
beyond=$(comm -13 <(sort "$out/loom.txt") <(sort "$out/shuttle.txt"))
[ -z "$beyond" ] || { echo "cross check: shuttle reaches what loom does not: $beyond" && fail=1; }
extra=$(comm -23 <(sort "$out/loom.txt") <(sort "$out/shuttle.txt"))
while IFS= read -r line; do
    [ -n "$line" ] || continue
    reason=$(allowed | grep -F "$line #" || true)
    [ -n "$reason" ] || { echo "cross check: loom alone reaches, unexplained: $line" && fail=1; }
done <<<"$extra"
for set in "$out/loom.txt" "$out/shuttle.txt"; do
    diff <(endings "$set") <(endings "$spin") ||
        { echo "cross check: $set and Spin end differently" && fail=1; }
done
[ "$fail" -eq 0 ] || exit 1
echo "cross check: $(wc -l <"$out/shuttle.txt") endings of shuttle within $(wc -l <"$out/loom.txt") of loom," \
    "$(endings "$spin" | wc -l) orders equal in Spin"
