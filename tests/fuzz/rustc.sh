#!/bin/sh
# The compiler for members of the workspace, whose code libFuzzer and AddressSanitizer watch. What
# they depend on is built as ever, and shared with the ordinary release build.
RUSTC_BOOTSTRAP=1 exec "$@" --cfg fuzzing -Zsanitizer=address -Cdebug-assertions -Copt-level=1 \
    -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares
