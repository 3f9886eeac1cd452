#!/usr/bin/env bash
# Runs the loom models of finbox-tests with the patched loom.
# usage: tests/loom/run.sh [arguments of cargo test]   e.g. --test loom_mailbox -- --nocapture
#
# The build happens in a mirror of the workspace (links to the members, a copy of the manifest and
# of the lock) below the target folder, so that patching loom leaves this Cargo.lock alone.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}/model
mirror=$target/workspace
mkdir -p "$mirror"
target=$(cd "$target" && pwd)
mirror=$target/workspace
loom=$("$root/tests/loom/patched-loom.sh" "$target/loom")
for path in "$root"/*; do
    name=$(basename "$path")
    case $name in
    target | Cargo.toml | Cargo.lock) ;;
    *) ln -sfn "$path" "$mirror/$name" ;;
    esac
done
{
    cat "$root/Cargo.toml"
    printf '\n[patch.crates-io]\nloom = { path = "%s" }\n' "$loom"
} >"$mirror/Cargo.toml.new"
cmp --silent "$mirror/Cargo.toml.new" "$mirror/Cargo.toml" ||
    cp "$mirror/Cargo.toml.new" "$mirror/Cargo.toml"
cp "$root/Cargo.lock" "$mirror/Cargo.lock"
cd "$mirror"
RUSTFLAGS="--cfg loom" CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true CARGO_TARGET_DIR=$target/build \
    exec cargo test --release -p finbox-tests "$@"
