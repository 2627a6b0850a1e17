#!/bin/sh
# Which branches of the library (src without the command) the tests take: a line for each file, the worst
# first, then the total. A build of its own, not optimised.
#
#   scripts/coverage.sh [TEST...]      of all tests but the two of examples, or of those named
#
# The tests that run what the documents and headers show take half of the time, as nothing here is optimised, on
# branches that other tests take. Without them a number is too small, if anything.
#
# Left out by one rule: assertions. They say what cannot be, so one side of each is never taken; they are
# not compiled in (b_ndebug). Nothing else is left out: not failing allocations, not failing files.
set -eu
cd "$(dirname "$0")/.."
build=build-coverage
[ -e $build/build.ninja ] || meson setup $build --buildtype=debug -Dtests=enabled -Db_coverage=true \
    -Db_ndebug=true -Dc_args=-fprofile-update=atomic > /dev/null
ninja -C $build $(test -t 1 || echo --quiet) all tests-build
find $build -name '*.gcda' -delete
if [ $# = 0 ]; then
    # shellcheck disable=SC2046 # a word a test
    set -- $(meson test -C $build --no-rebuild --list 2> /dev/null | sed -n 's,.* / ,,p' | sort -u |
        grep -vx -e shown_examples -e header_examples)
fi
export CLH_COVERAGE=1 # children of tests end so that their branches count
export GCOV_ERROR_FILE=/dev/null # counts that cannot be written are not what a test looks at in stderr
meson test -C $build --no-rebuild --quiet "$@" || echo 'coverage.sh: some tests failed' >&2
gcovr --root . --object-directory $build --filter src/ --exclude src/cli/ --branches \
    --json $build/coverage.json > /dev/null
exec python3 scripts/coverage_table.py $build/coverage.json
