#!/usr/bin/env bash
# Mailbox and scheduler on aarch64: their tests under qemu-user, and the atomics of their assembly.
#
# usage: tests/aarch64/run.sh            tests, then assembly against atomics.txt
#        tests/aarch64/run.sh --renew    writes atomics.txt anew
#
# Debian's Rust, the C library of arm64 and qemu-user are unpacked below the target folder, nothing
# is installed; rustup's linker links. Where the packages cannot be had it says so and ends.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD
mkdir -p "${CARGO_TARGET_DIR:-target}/aarch64/package"
work=$(cd "${CARGO_TARGET_DIR:-target}/aarch64" && pwd)
prefix=$work/prefix
triple=aarch64-unknown-linux-gnu

skip() {
    echo "skipped: $1"
    exit 0
}

# Packages of the newest rustc-web that can be had, by a private apt with both architectures.
fetch() {
    mkdir -p "$work"/apt/{state/lists/partial,cache/archives/partial} "$work/debs"
    touch "$work/apt/state/status"
    export APT_CONFIG=$work/apt/apt.conf
    printf '%s\n' "Dir::State \"$work/apt/state\";" "Dir::Cache \"$work/apt/cache\";" \
        "Dir::State::status \"$work/apt/state/status\";" \
        'APT::Architectures { "amd64"; "arm64"; };' 'APT::Sandbox::User "root";' >"$APT_CONFIG"
    apt-get -qq update
    local std llvm
    std=$(apt-cache depends libstd-rust-web-dev | grep -o 'libstd-rust-web-[0-9.]*$')
    llvm=$(apt-cache depends "$std" | grep -o 'libllvm[0-9]*$')
    cd "$work/debs"
    apt-get -qq download rustc-web "$std" libstd-rust-web-dev libstd-rust-web-dev:arm64 "$llvm" \
        libc6-arm64-cross libc6-dev-arm64-cross libgcc-12-dev-arm64-cross qemu-user-static
}

unpack() {
    local deb
    rm -rf "$prefix" && mkdir -p "$prefix"
    for deb in "$work"/debs/*.deb; do
        case $deb in
        */qemu*) dpkg --fsys-tarfile "$deb" | tar -x -C "$prefix" ./usr/bin/qemu-aarch64-static ;;
        *) dpkg -x "$deb" "$prefix" ;;
        esac
    done
    rm -rf "$work/debs"
    touch "$work/unpacked"
}

if [ ! -e "$work/unpacked" ]; then
    [ "$(uname -m)" = x86_64 ] || skip "the compiler is fetched for x86-64 only"
    command -v apt-get dpkg >/dev/null || skip "this is no Debian"
    export work
    export -f fetch
    timeout 75 bash -euc fetch >"$work/fetch.log" 2>&1 ||
        skip "Debian's packages cannot be had in 75 s: $(tail -n 1 "$work/fetch.log")"
    unpack
fi

linker=$(rustc --print target-libdir)/../bin/rust-lld
[ -x "$linker" ] || skip "this toolchain has no rust-lld"
lib=$prefix/usr/aarch64-linux-gnu/lib
export RUSTC=$prefix/usr/bin/rustc LD_LIBRARY_PATH=$prefix/usr/lib/x86_64-linux-gnu
export CARGO_TERM_COLOR=never CARGO_TARGET_DIR=$work/build CARGO_PROFILE_DEV_DEBUG=0
version=$("$RUSTC" --version | cut -d ' ' -f 2)

# A linker that puts the C runtime around static programs, which then need no loader.
printf '#!/bin/sh\nshift 2 # -flavor gnu\nexec %q -flavor gnu %q %q "$@" %q\n' \
    "$linker" "$lib/crt1.o" "$lib/crti.o" "$lib/crtn.o" >"$work/ld.lld"
chmod +x "$work/ld.lld"

# A package of their own: the tests of the workspace have dependencies by the dozen.
cp Cargo.lock "$work/package/"
sed "s|ROOT|$root|g" tests/aarch64/package.toml >"$work/package/Cargo.toml"
manifest=$work/package/Cargo.toml

under_qemu() {
    env CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER="$work/ld.lld" \
        CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="$prefix/usr/bin/qemu-aarch64-static" \
        CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS="--cfg finbox_weaken \
            -Clinker-flavor=ld.lld \
            -Ctarget-feature=+crt-static -Crelocation-model=static -Lnative=$lib \
            -Lnative=$prefix/usr/lib/gcc-cross/aarch64-linux-gnu/12" \
        cargo test --quiet --target "$triple" "$@"
}

# With finbox_weaken the tests do without the simulator.
# Crowds of thousands of tasks take minutes under qemu and show nothing more there.
tests() {
    under_qemu -p finbox-mailbox -p finbox-scheduler --lib
    if [ "$(cut -d . -f 2 <<<"$version")" -lt 88 ]; then
        echo "rustc $version compiles the crates but not tests/: their unit tests ran"
        return
    fi
    under_qemu --manifest-path "$manifest" --tests -- --skip crowd
}

# assembly FEATURES: of all that push, take and retire are made of, one file a crate.
assembly() {
    env CARGO_TARGET_DIR="$work/asm$1" \
        CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS="-Ctarget-feature=$1 --emit=asm \
            -Ccodegen-units=1 -Csymbol-mangling-version=v0" \
        cargo build --quiet --release --target "$triple" --manifest-path "$manifest" \
        --example atomics
    cat "$work/asm$1/$triple"/release/deps/finbox_mailbox-*.s \
        "$work/asm$1/$triple"/release/examples/atomics-*.s
}

# atomics NAME: how often each atomic instruction and barrier stands in each function, a line each.
atomics() {
    awk -v name="$1" '
        /^_R.*:/ {
            function_ = ""
            if ($0 ~ /7atomics4push:/) function_ = "push"
            if ($0 ~ /7atomics4take:/) function_ = "take"
            if ($0 ~ /7atomics6retire:/) function_ = "retire"
            if ($0 ~ /15claim_what_fits:/) function_ = "claim_what_fits"
        }
        function_ && $1 ~ /^(cas|swp|ld(a|ap|x|ax)[pru]|ld(add|clr|eor|set)|st(l|x|lx)[rup]|dmb|dsb|isb)/ {
            count[function_ " " $1]++
        }
        function_ && $1 == "bl" && $2 ~ /__aarch64_/ { count[function_ " " $2]++ }
        END { for (key in count) print name, key, count[key] }' | LC_ALL=C sort
}

{
    echo "# Atomic instructions in each hot path: build, function, instruction, how often. No dmb."
    echo "# Written by tests/aarch64/run.sh --renew."
    assembly +lse | atomics lse
    assembly -outline-atomics,-lse | atomics llsc
} >"$work/atomics.txt"
if [ "${1:-}" = --renew ]; then
    cp "$work/atomics.txt" tests/aarch64/atomics.txt
fi
for path in push claim_what_fits take retire; do
    grep -q "^lse $path " "$work/atomics.txt" || { echo "$path was not found" && exit 1; }
done
diff -u tests/aarch64/atomics.txt "$work/atomics.txt" || {
    echo "the atomics of a hot path changed: an order, or the compiler (rustc $version)"
    exit 1
}
# isb is the spin hint of a lost exchange; it orders no memory.
! grep -E '^[^#].* (dmb|dsb|__aarch64)' "$work/atomics.txt" || exit 1
echo "aarch64: $(grep -vc '^#' "$work/atomics.txt") pinned lines of atomics hold, no barrier among them"

tests >"$work/tests.log" 2>&1 || { tail -n 60 "$work/tests.log" && exit 1; }
grep '^rustc' "$work/tests.log" || true
passed=$(awk '/^test result: ok/ { sum += $4 } END { print sum + 0 }' "$work/tests.log")
[ "$passed" -gt 0 ] || { echo "no test ran" && exit 1; }
echo "aarch64: $passed tests passed under qemu, rustc $version"
