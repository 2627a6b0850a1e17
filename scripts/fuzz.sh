#!/bin/sh
# Search with libFuzzer for what no parser of ours may do: crash, read what is not its own, do what C leaves
# undefined, forget memory, or break what its target holds (docs/fuzzing.md). Each target gets its share
# of the time. What is found is saved where the replay in `make test` finds it; the exit code is then 1.
#
#   scripts/fuzz.sh [SECONDS [NAME...]]      60 seconds over all targets, or over those named
set -eu
cd "$(dirname "$0")/.."

seconds=${1:-60}
[ $# -eq 0 ] || shift
case $seconds in
'' | *[!0-9]*)
    echo "fuzz.sh: SECONDS is $seconds, want a whole number" >&2
    exit 2
    ;;
esac
build=build-fuzz
all=$(ls tests/fuzz/seeds)
names=${*:-$all}
for name in $names; do
    [ -d "tests/fuzz/seeds/$name" ] || {
        echo "fuzz.sh: no target is called $name; there are: $(echo $all)" >&2
        exit 2
    }
done

[ -e $build/build.ninja ] || CC=${CC:-clang} CXX=${CXX:-clang++} meson setup $build \
    --buildtype=debugoptimized -Dfuzz=true -Dtests=enabled -Db_lundef=false \
    -Db_sanitize=address,undefined > /dev/null
ninja -C $build $(test -t 1 || echo --quiet) searchers

# inputs go through files: in memory where there is a folder in memory
[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || export TMPDIR=/dev/shm

share=$((seconds / $(echo "$names" | wc -w)))
[ "$share" -gt 0 ] || share=1
failed=''
for name in $names; do
    corpus=$build/corpus/$name found=tests/fuzz/found/$name
    mkdir -p "$corpus" "$found"
    if nice $build/tests/fuzz/"search_$name" -max_total_time=$share -max_len=8192 -timeout=10 \
        -rss_limit_mb=2048 -artifact_prefix="$found/" -print_final_stats=1 \
        "$corpus" "$found" "tests/fuzz/seeds/$name" > "$build/$name.log" 2>&1; then
        echo "$name: $(awk '/number_of_executed_units/ {n = $2} / cov: / {for (i = 1; i < NF; i++)
            if ($i == "cov:") c = $(i + 1)} END {print n " inputs, " c " edges"}' "$build/$name.log")"
    else
        failed="$failed $name"
        echo "$name: FAILED"
        grep -E 'ERROR|runtime error|fuzz_[a-z_]*\.c:[0-9]+|SUMMARY|Test unit written' "$build/$name.log" |
            head -n 20
    fi
    rmdir "$found" 2> /dev/null || true
done
rmdir tests/fuzz/found 2> /dev/null || true
[ -z "$failed" ] || {
    echo "found something in:$failed; the inputs are in tests/fuzz/found" >&2
    exit 1
}
