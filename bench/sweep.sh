#!/bin/sh
# How the cost of a training step grows with letters, batch and d_model: operations, time and ratio
# to the machine's peak in every cell, so that a cliff is seen. Markdown on standard output.
#
#   bench/sweep.sh > bench/sweep.md
#   NS='4 5' BATCHES='1 4 16' WIDTHS='64 128' SECONDS_EACH=0.05 bench/sweep.sh
#
# A cell takes about 0.2 s for each path, at n = 6 a few steps however long they are; cells of more
# than MOST operations a step are left out. THREADS: 1. CLEARHEAD: the program.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
clearhead=${CLEARHEAD:-$here/../build/clearhead}
threads=${THREADS:-1}
most=${MOST:-1e11}
command -v "$clearhead" > /dev/null || { echo "sweep.sh: $clearhead not found: make" >&2; exit 3; }
rows=$(mktemp)
trap 'rm -f "$rows"' EXIT

# Conventional operations of a step, as clearhead bench counts them: is it worth the wait?
affordable() { # N BATCH D_MODEL
    awk -v n="$1" -v batch="$2" -v d="$3" -v most="$most" 'BEGIN {
        length_ = 1
        for (i = 2; i <= n + 1; i++) length_ *= i
        length_ += 2
        a = d / 2 # the d_head that goes with a d_model
        operations = 3 * (2 * (4 * d * a + a * (length_ + 1)) + 2 * d * 65) * batch * length_
        exit operations > most
    }'
}

for n in ${NS:-3 4 5 6}; do
    for batch in ${BATCHES:-1 2 4 8 16 32 64}; do
        for width in ${WIDTHS:-32 64 128 256 512}; do
            affordable "$n" "$batch" "$width" || continue
            [ ! -t 2 ] || printf '\rn = %s, batch %s, d_model %s   ' "$n" "$batch" "$width" >&2
            # a row for each number of threads and each path; the best path comes first
            "$clearhead" bench --n "$n" --batch "$batch" --d-model "$width" --csv \
                --threads "$threads" --seconds "${SECONDS_EACH:-0.2}" |
                awk -F, -v cell="$n $batch $width" -v threads="$threads" '
                    $4 == "isa" {isa = $5}
                    $1 == "steps" && $3 == threads && (path == "" || $2 == path) {
                        path = $2
                        value[$4] = $5
                    }
                    END {
                        print cell, path, value["operations"], value["seconds"], value["ratio"], isa,
                            value["peak"]
                    }' >> "$rows"
        done
    done
done
[ ! -t 2 ] || echo >&2

awk -v threads="$threads" '
    function add(list, x) { return index(" " list " ", " " x " ") ? list : list (list ? " " : "") x }
    # Less than 0.7 of the ratio one cell before, along batch or d_model?
    function falls(n, batch, width, nb, nw) {
        if (!((n, nb, nw) in ratio) || ratio[n, batch, width] >= 0.7 * ratio[n, nb, nw]) return
        cliffs = cliffs sprintf("- n = %d, batch %d, d_model %d: %.2f beside %.2f at batch %d, d_model %d\n",
            n, batch, width, ratio[n, batch, width], ratio[n, nb, nw], nb, nw)
    }
    {
        ns = add(ns, $1); batches = add(batches, $2); widths = add(widths, $3)
        path[$1, $2, $3] = $4; operations[$1, $2, $3] = $5
        seconds[$1, $2, $3] = $6; ratio[$1, $2, $3] = $7
        isa = $8
        if ($9 > peak) peak = $9
    }
    END {
        printf "One training step: operations (M), ms, **ratio to the peak** (%s, %d thread%s, %.0f G operations a second).\n",
            isa, threads, threads == 1 ? "" : "s", peak / 1e9
        print "A cell marked g takes the general path, the others the fused one; – was left out as too long."
        count_n = split(ns, n_at); count_b = split(batches, b_at); count_w = split(widths, w_at)
        for (i = 1; i <= count_n; i++) {
            n = n_at[i]
            printf "\n**n = %d**\n\n| batch |", n
            for (k = 1; k <= count_w; k++) printf " d_model %d |", w_at[k]
            printf "\n|--:|"
            for (k = 1; k <= count_w; k++) printf "--:|"
            print ""
            for (j = 1; j <= count_b; j++) {
                b = b_at[j]
                printf "| %d |", b
                for (k = 1; k <= count_w; k++) {
                    w = w_at[k]
                    if (!((n, b, w) in ratio)) { printf " – |"; continue }
                    printf " %.4g, %.3g, **%.2f**%s |", operations[n, b, w] / 1e6,
                        1e3 * seconds[n, b, w], ratio[n, b, w],
                        path[n, b, w] == "fused" ? "" : " g"
                    if (j > 1) falls(n, b, w, b_at[j - 1], w)
                    if (k > 1) falls(n, b, w, b, w_at[k - 1])
                }
                print ""
            }
        }
        print "\nCliffs (a ratio below 0.7 of that one cell before):" (cliffs ? "\n" : " none.")
        printf "%s", cliffs
    }' "$rows"
