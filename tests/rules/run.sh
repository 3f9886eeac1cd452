#!/usr/bin/env bash
# Lets the rules that order launches go, one at a time, and expects `finbox check streams` to notice
# each within a minute; with all of them it passes.
#
# usage: tests/rules/run.sh [TARGET-FOLDER]
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${1:-${CARGO_TARGET_DIR:-target}/rules}
RUSTFLAGS="--cfg finbox_weaken" CARGO_TARGET_DIR="$target" \
    cargo build --quiet -p finbox-sim --bin finbox
check() {
    timeout 60 "$target/debug/finbox" check streams --seeds 200 --quiet "$@" 2>&1
}
check >/dev/null || { echo "check streams fails with every rule" >&2 && exit 1; }
for rule in raw war waw free behind; do
    set +e
    found=$(FINBOX_RULE=$rule check)
    ended=$?
    set -e
    # 1: a wrong result. A minute that passed, a crash or a pass is no kill.
    if [ "$ended" -ne 1 ]; then
        echo "without $rule: exit $ended, and not 1" >&2
        exit 1
    fi
    echo "without $rule: $(grep -m 1 '^error' <<<"$found" || tail -n 1 <<<"$found")"
done
