#!/bin/sh
# No parser decides on bytes that nobody wrote, and no message shows them: every input of tests/fuzz once,
# under valgrind.
#
#   scripts/check_uninitialised.sh [BUILD]
set -eu
cd "$(dirname "$0")/.."
build=${1:-build}
ninja -C "$build" --quiet tests/fuzz/fuzz_replay
CLH_SOURCE=$PWD exec valgrind --quiet --error-exitcode=9 --track-origins=no --leak-check=no \
    "$build/tests/fuzz/fuzz_replay" '' 0
