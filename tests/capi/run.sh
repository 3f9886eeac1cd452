#!/usr/bin/env bash
# The C ABI as it is delivered: installed, under valgrind and AddressSanitizer, without an operating
# system, and what crossing it costs.
#
# usage: tests/capi/run.sh            fails when an operation takes over 1 % more than counts.txt
#        tests/capi/run.sh --renew    writes counts.txt anew
#
# `cargo test -p finbox-ffi` compiles and runs the same programs. Without a C compiler there is
# nothing to do here, and without valgrind, sanitizers or a cross compiler those parts are skipped:
# each says so.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD
ffi=$root/runtime/ffi
mkdir -p "${CARGO_TARGET_DIR:-target}/capi"
work=$(cd "${CARGO_TARGET_DIR:-target}/capi" && pwd)
export CARGO_TARGET_DIR=${work%/capi} CARGO_TERM_COLOR=never
strict=(-Wall -Wextra -pedantic -Werror)

for program in cc make readelf; do
    command -v "$program" >/dev/null || { echo "skipped: there is no $program" && exit 0; }
done

# What a user does: make install, pkg-config, cc.
installed() {
    rm -rf "$work/stage"
    make --silent -C "$ffi" install PREFIX=/usr DESTDIR="$work/stage"
    local lib=$work/stage/usr/lib
    readelf -d "$lib/libfinbox.so" | grep -q 'SONAME.*\[libfinbox.so.0\]'
    flags=(-I"$work/stage/usr/include" -L"$lib" -lfinbox)
    if command -v pkg-config >/dev/null; then
        export PKG_CONFIG_PATH=$lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$work/stage
        read -ra flags <<<"$(pkg-config --cflags --libs finbox)"
        [ "$(pkg-config --modversion finbox)" = "$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)" ]
    fi
    export LD_LIBRARY_PATH=$lib
    cc -std=c99 "${strict[@]}" "$ffi/examples/firmware_mailbox.c" "${flags[@]}" -o "$work/firmware"
    cc -std=c99 "${strict[@]}" "$ffi/tests/c/conventions.c" "${flags[@]}" -o "$work/conventions"
    cc -std=c99 "${strict[@]}" "$ffi/tests/c/scheduler.c" "${flags[@]}" -o "$work/scheduler"
    local program
    for program in streams work_ring command_ring; do
        cc -std=c11 "${strict[@]}" "$ffi/examples/$program.c" "${flags[@]}" -pthread \
            -o "$work/$program"
        "$work/$program" | grep -x 'max_diff 0'
    done
    "$work/firmware"
    "$work/conventions"
    "$work/scheduler"
    cc -std=c99 "$ffi/tests/c/conventions.c" "${flags[@]:0:1}" "$lib/libfinbox.a" \
        -lgcc_s -lpthread -ldl -lm -lc -o "$work/static"
    env -u LD_LIBRARY_PATH "$work/static"
    echo "capi: installed, found by pkg-config, linked both ways"
}

# The examples as their Makefile builds them; two ranks on posix-device, and under valgrind.
onboard() {
    command -v pkg-config >/dev/null || { echo "skipped: there is no pkg-config" && return; }
    make --silent -C "$ffi/examples" BUILD="$work/examples"
    make --silent -C "$root/runtime/devices/posix" BUILD="$work/posix"
    local program device=$work/posix/libfinbox_posix_device.so
    for program in onboard_minimal onboard_minimal_cpp; do
        "$work/examples/$program" "$device" | grep -x 'max_diff 0'
        ! command -v valgrind >/dev/null ||
            valgrind --quiet --fair-sched=yes --error-exitcode=66 --leak-check=full \
                --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect \
                "$work/examples/$program" "$device" >/dev/null
    done
    echo "capi: two ranks on posix-device in C and C++"
}

# What a user of CMake does: find_package, and link the imported target.
with_cmake() {
    if ! command -v cmake >/dev/null; then
        timeout 60 apt-get -qq install -y cmake >"$work/cmake.log" 2>&1 ||
            { echo "skipped: there is no CMake: $(tail -n 1 "$work/cmake.log")" && return; }
    fi
    cmake -S "$ffi/examples" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$work/stage/usr" >/dev/null
    cmake --build "$work/cmake" >/dev/null
    "$work/cmake/firmware_mailbox"
    "$work/cmake/mailbox"
    echo "capi: found and linked by CMake"
}

valgrinded() {
    command -v valgrind >/dev/null || { echo "skipped: there is no valgrind" && return; }
    local program
    for program in firmware conventions scheduler streams work_ring command_ring; do
        # Rust's record of a C thread that parked hangs on an inner pointer until the thread ends;
        # the first thread never does, so "possibly lost" is no finding.
        valgrind --quiet --fair-sched=yes --error-exitcode=66 --leak-check=full \
            --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect \
            "$work/$program" >/dev/null
    done
    echo "capi: 6 programs without a report under valgrind"
}

# The programs are instrumented, the library is not: its own tests are, in tests/sanitizers.
sanitized() {
    local source program sanitizers=(-g -fsanitize=address,undefined -fno-sanitize-recover=all)
    for source in examples/{firmware_mailbox,streams,work_ring,command_ring} \
        tests/c/{conventions,scheduler}; do
        program=$work/$(basename "$source")-asan
        if ! cc -std=c11 "${sanitizers[@]}" "$ffi/$source.c" "${flags[@]}" -pthread \
            -o "$program" 2>"$work/asan.log"; then
            echo "skipped: no sanitizers in this C compiler: $(head -n 1 "$work/asan.log")"
            return
        fi
        ASAN_OPTIONS=detect_leaks=1 "$program" >/dev/null
    done
    echo "capi: 6 programs without a report under AddressSanitizer and UBSan"
}

# firmware_build FEATURES [OPTION ...]: the static library that links into firmware.
firmware_build() {
    cargo rustc --quiet --package finbox-ffi --profile firmware --crate-type staticlib \
        --no-default-features --features "$@"
}

bare=(-O2 -ffreestanding -nostdlib -static -Wl,--gc-sections)

firmware() {
    local chip
    for chip in "" a2a3,a5; do
        if firmware_build "$chip" 2>"$work/refused.log"; then
            echo "firmware is built for the chips '$chip'" && exit 1
        fi
        grep -q 'libfinbox is built for a chip\|firmware runs on one chip' "$work/refused.log"
    done
    for chip in a2a3 a5; do
        firmware_build "$chip"
        cc -std=c11 "${strict[@]}" "${bare[@]}" -I"$root/runtime/include" \
            "$ffi/examples/freestanding.c" "$CARGO_TARGET_DIR/firmware/libfinbox.a" \
            -o "$work/freestanding"
        "$work/freestanding"
        if nm "$work/freestanding" | grep -i 'alloc\|__libc'; then
            echo "firmware for $chip has an allocator or a C library" && exit 1
        fi
        echo "capi: firmware for $chip runs without libc, $(size "$work/freestanding" |
            awk 'NR == 2 { print $1 }') bytes of code"
    done
}

# A C compiler for aarch64, Debian's, unpacked beside the rest: nothing is installed.
fetch_cross() {
    mkdir -p "$work/debs" && cd "$work/debs"
    apt-get -qq download {gcc,cpp}-12-aarch64-linux-gnu gcc-12-aarch64-linux-gnu-base \
        binutils-aarch64-linux-gnu
    local deb
    for deb in *.deb; do
        dpkg -x "$deb" "$work/cross"
    done
    rm -r "$work/debs"
}

# The same firmware on the processor that the chips have, under qemu.
cross() {
    local web=$CARGO_TARGET_DIR/aarch64/prefix triple=aarch64-unknown-linux-gnu
    local gcc=$work/cross/usr/bin/aarch64-linux-gnu-gcc-12
    [ -e "$web/../unpacked" ] ||
        { echo "skipped: no Rust for aarch64, which tests/aarch64/run.sh unpacks" && return; }
    if [ ! -x "$gcc" ]; then
        export -f fetch_cross
        work=$work timeout 40 bash -euc fetch_cross >"$work/cross.log" 2>&1 ||
            { echo "skipped: no C compiler for aarch64: $(tail -n 1 "$work/cross.log")" && return; }
    fi
    RUSTC=$web/usr/bin/rustc LD_LIBRARY_PATH=$web/usr/lib/x86_64-linux-gnu \
        CARGO_TARGET_DIR=$work/aarch64 \
        CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS=-Ctarget-feature=+lse \
        firmware_build a5 --target "$triple"
    LD_LIBRARY_PATH=$work/cross/usr/lib/x86_64-linux-gnu "$gcc" -std=c11 "${strict[@]}" \
        "${bare[@]}" -B"$work/cross/usr/bin/aarch64-linux-gnu-" -I"$root/runtime/include" \
        -isystem "$web/usr/lib/gcc-cross/aarch64-linux-gnu/12/include" \
        "$ffi/examples/freestanding.c" "$work/aarch64/$triple/firmware/libfinbox.a" \
        -o "$work/freestanding-aarch64"
    "$web/usr/bin/qemu-aarch64-static" "$work/freestanding-aarch64"
    echo "capi: firmware for aarch64 runs without libc, under qemu"
}

cost() {
    command -v valgrind >/dev/null || { echo "skipped: there is no valgrind to count with" && return; }
    [ "$(uname -m)" = x86_64 ] || { echo "skipped: the baseline is for x86-64" && return; }
    local operation baseline=tests/capi/counts.txt compiler
    compiler="rustc $(rustc --version | cut -d ' ' -f 2), cc $(cc -dumpversion)"
    cc -std=c11 -O2 "${strict[@]}" "$ffi/tests/c/cost.c" "${flags[@]}" -Wl,-z,now -o "$work/cost"
    echo "# Instructions an operation through C, x86-64, $compiler; tests/capi/run.sh --renew" \
        >"$work/counts.txt"
    for operation in $(grep -o ' count_[a-z0-9_]*(f' "$ffi/tests/c/cost.c" | tr -d ' (' | sort -u); do
        valgrind --tool=callgrind --callgrind-out-file="$work/cost.out" --collect-atstart=no \
            --toggle-collect="${operation%f}" "$work/cost" 2>&1 |
            awk -v name="${operation#count_}" '/Collected :/ {
                sub("f$", "", name)
                printf "%s %.1f\n", name, $NF / 1000 / (name ~ /^drain/ ? 64 : 1) }'
    done >>"$work/counts.txt"
    [ "${1:-}" != --renew ] || cp "$work/counts.txt" "$baseline"
    if ! grep -qF "$compiler;" "$baseline"; then
        echo "skipped: the baseline is of other compilers than $compiler; renew it"
        return
    fi
    awk -v rust=tests/counts/baseline.txt '
        FILENAME == rust { rust_has[$1] = $2; next }
        /^#/ { next }
        FILENAME ~ /^tests/ { before[$1] = $2; next }
        { printf "capi: %-16s %6.1f instructions%s\n", $1, $2,
              $1 in rust_has ? ", " rust_has[$1] " in Rust" : "" }
        $2 > before[$1] * 1.01 { print "capi: " $1 " took " before[$1] " before"; more = 1 }
        END { exit more }' tests/counts/baseline.txt "$baseline" "$work/counts.txt"
}

installed
onboard
with_cmake
valgrinded
sanitized
firmware
cross
cost "$@"
