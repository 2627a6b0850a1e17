#!/bin/sh
# Configure, build and run every test in a build folder, then count test functions:
# the last line is "N passed, N failed".
#
#   scripts/run_tests.sh build [meson options]
set -eu

build=${1:?a build folder}
shift
here=$(dirname "$0")
if [ -e "$build/build.ninja" ]; then
    meson configure "$build" -Dtests=enabled "$@"
else
    meson setup "$build" -Dtests=enabled "$@" > /dev/null
fi
ninja -C "$build" $(test -t 1 || echo --quiet) all tests-build
rm -f "$build/meson-logs/testlog.json"
meson test -C "$build" --no-rebuild --print-errorlogs || true
exec python3 "$here/count_tests.py" "$build/meson-logs/testlog.json"
