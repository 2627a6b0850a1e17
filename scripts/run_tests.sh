#!/bin/sh
# Configure, build and run every test in a build folder, then count test functions:
# the last line is "N passed, N failed".
#
#   scripts/run_tests.sh build [meson options]
#   WITHOUT='endings progress' scripts/run_tests.sh build    but those
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
names=''
[ -z "${WITHOUT:-}" ] || names=$(meson test -C "$build" --no-rebuild --list | sed -n 's|.* / ||p' | sort -u |
    grep -vxF "$(printf '%s\n' $WITHOUT)")
# shellcheck disable=SC2086 # words
meson test -C "$build" --no-rebuild --print-errorlogs $names || true
exec python3 "$here/count_tests.py" "$build/meson-logs/testlog.json"
