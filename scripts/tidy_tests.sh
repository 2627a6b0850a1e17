#!/bin/sh
# clang-tidy over the tests, but for its analyzer, which follows paths that the tests themselves run. Minutes;
# CI reads the library and the commands alone.
#
#   scripts/tidy_tests.sh [folder]     a build folder made with clang; default build-clang
set -eu
cd "$(dirname "$0")/.."
folder=${1:-build-clang}
[ -e "$folder/build.ninja" ] || CC=clang meson setup "$folder" -Dtests=enabled -Doptimization=0
ninja -C "$folder" all tests-build > /dev/null
git ls-files 'tests/*.c' | xargs -P "$(nproc)" -n 4 clang-tidy -p "$folder" --quiet '--checks=-clang-analyzer-*'
