#!/bin/sh
# Instructions of one training step, counted by callgrind, beside the kept ones: a guard against
# slowdowns that a noisy machine cannot disturb.
#
#   bench/instructions.sh             compare; exit 1 when a count differs by more than 3 %
#   bench/instructions.sh --update    keep today's counts (instructions.txt); say why in the commit
#
# A count is the difference of two runs that differ in --steps only, so that start, evaluation and
# end drop out. AVX2, because valgrind 3.19 knows no AVX-512. Counts depend on the compiler: the kept
# ones name theirs, and a build by another one is compared all the same. CLEARHEAD: the program.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
clearhead=${CLEARHEAD:-$here/../build/clearhead}
kept=$here/instructions.txt
few=2 many=5 # steps; within the first epoch, so that every batch is full

for need in "$clearhead" valgrind; do
    if ! command -v "$need" > /dev/null; then
        echo "instructions.sh: $need not found" >&2
        exit 3
    fi
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# NAME and the options that make it: the fused path, the general path, a deeper model with an MLP.
cases='
fused --n 3
general --n 3 --use-attn-result
deeper --n 3 --n-layers 2 --n-heads 4 --d-model 64 --d-head 16 --attn-only=false --act-fn relu
'

count() { # STEPS OPTIONS...: instructions of a whole run
    steps=$1
    shift
    rm -rf "$folder/run"
    CLEARHEAD_ISA=avx2 valgrind --tool=callgrind --callgrind-out-file=/dev/null \
        "$clearhead" train "$@" --epoch-sequences 1000 --steps "$steps" --eval-every 0 \
        --test-sequences 1 --checkpoint-every 0 --checkpoint-log=false --out "$folder/run" \
        > /dev/null 2> "$folder/valgrind" || { cat "$folder/valgrind" >&2; exit 3; }
    awk '/Collected/ {print $NF}' "$folder/valgrind"
}

echo "$cases" | while read -r name options; do
    [ -n "$name" ] || continue
    # shellcheck disable=SC2086 # words
    low=$(count "$few" $options)
    # shellcheck disable=SC2086
    high=$(count "$many" $options)
    echo "$name $(((high - low) / (many - few)))"
done > "$folder/counts"

if [ "${1:-}" = --update ]; then
    {
        echo "# Instructions of one training step (n = 3, batch 4, AVX2); see instructions.sh."
        echo "# Built by: $(strings -a "$clearhead" | grep -m 1 -E '^GCC: |clang version')"
        cat "$folder/counts"
    } > "$kept"
    cat "$kept"
    exit 0
fi

awk '
    /^#/ { if (/Built by/) print substr($0, 3); next }
    FNR == NR { kept[$1] = $2; left++; next }
    {
        change = $1 in kept ? 100 * ($2 / kept[$1] - 1) : 0
        far = !($1 in kept) || change > 3 || change < -3
        printf "%-8s %12d, kept %12d: %+.2f %%%s\n", $1, $2, kept[$1], change,
            far ? " (more than 3 %)" : ""
        bad += far
        left -= $1 in kept
    }
    END {
        if (bad || left) print "changed on purpose: bench/instructions.sh --update, and say why"
        exit bad || left
    }' "$kept" "$folder/counts"
