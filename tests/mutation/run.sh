#!/usr/bin/env bash
# Mutation testing of logic: each operator, condition, call and body of the core files changed, one
# a process, and a test must notice. Of the files around the core a sample, always the same one.
#
# usage: tests/mutation/run.sh [--whole] [FILE ...]
#
# All files, or those named, as mailbox/src/ring.rs; --whole: no sample.
#
# Mutated is a copy below the target folder, built once. A mutant that survives and does not stand
# in survivors.txt fails, and so does one that stands there and is killed or does not exist.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
mkdir -p "${CARGO_TARGET_DIR:-target}/mutation"
work=$(cd "${CARGO_TARGET_DIR:-target}/mutation" && pwd)
tree=$work/tree

rm -rf "$tree" && mkdir -p "$tree/tests"
cp -r mailbox scheduler runtime Cargo.lock "$tree/"
cp -r tests/src tests/mailbox tests/scheduler tests/plans tests/persistent "$tree/tests/"
cp tests/mutation/package.toml "$tree/tests/Cargo.toml"
sed -e 's/^members = .*/members = ["mailbox", "scheduler", "runtime", "tests"]/' \
    -e '/^default-members/d' -e '/^finbox-sim/d' Cargo.toml >"$tree/Cargo.toml"
# The scheduler's tests without the modules that name the simulator.
for file in $(grep -l finbox_sim tests/scheduler/*.rs); do
    sed -i "/^mod $(basename "$file" .rs);$/d" "$tree/tests/scheduler/main.rs"
done

cargo run --quiet --package finbox-tests --example mutation -- \
    "$tree" tests/mutation/survivors.txt "$@"
