#!/usr/bin/env bash
# Copies the published source of loom 0.7.2 to DEST and applies loom-0.7.2-dpor.patch to the copy.
# usage: patched-loom.sh DEST   (prints the absolute path of DEST; cheap when it is already there)
set -euo pipefail
dest=${1:?usage: patched-loom.sh DEST}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
find_loom() {
    find "${CARGO_HOME:-$HOME/.cargo}"/registry/src -maxdepth 2 -type d -name loom-0.7.2 \
        2>/dev/null | head -1
}
if ! cmp --silent "$here/loom-0.7.2-dpor.patch" "$dest/.patched"; then
    src=$(find_loom)
    if [ -z "$src" ]; then # let cargo bring it
        scratch=$(mktemp -d)
        trap 'rm -rf "$scratch"' EXIT
        mkdir "$scratch/src"
        : >"$scratch/src/lib.rs"
        printf '%s\n' '[package]' 'name = "fetch"' 'version = "0.0.0"' 'edition = "2021"' \
            '[dependencies]' 'loom = "=0.7.2"' >"$scratch/Cargo.toml"
        cargo fetch --quiet --manifest-path "$scratch/Cargo.toml" >&2
        src=$(find_loom)
    fi
    rm -rf "$dest"
    mkdir -p "$(dirname "$dest")"
    cp -r "$src" "$dest"
    chmod -R u+w "$dest"
    patch --quiet -p1 -d "$dest" <"$here/loom-0.7.2-dpor.patch" >&2
    cp "$here/loom-0.7.2-dpor.patch" "$dest/.patched"
fi
cd "$dest" && pwd
