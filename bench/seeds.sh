#!/bin/sh
# Independent seeds at once, one per processor, over one alone: runs do not share anything, so as
# many processors should do as many runs in the time of one. Prints the ratio of every round and the
# median; 1.95 of 2 is wanted.
#
#   bench/seeds.sh                     two processors, STEPS of the notebook each
#   ROUNDS=9 STEPS=2000 bench/seeds.sh --n 5
#
# A round is one run on processor A, one on processor B, then both at once, each pinned with taskset;
# the ratio is (time of A + time of B) / time of both, so that processors of unequal speed count as
# they are. Options are those of train. CLEARHEAD: the program.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
clearhead=${CLEARHEAD:-$here/../build/clearhead}
rounds=${ROUNDS:-7}
steps=${STEPS:-4000}
for need in "$clearhead" taskset; do
    command -v "$need" > /dev/null || { echo "seeds.sh: $need not found" >&2; exit 3; }
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# The first two processors this process may use.
pair=$(taskset -cp $$ | sed 's/.*: //' | tr , '\n' |
    awk -F- '{ for (i = $1; i <= ($2 == "" ? $1 : $2); i++) print i }' | head -n 2)
if [ "$(echo "$pair" | wc -l)" -lt 2 ]; then
    echo "seeds.sh: one processor only, want two" >&2
    exit 3
fi
a=$(echo "$pair" | head -n 1) b=$(echo "$pair" | tail -n 1)

run() { # PROCESSOR SEED OPTIONS...
    processor=$1 seed=$2
    shift 2
    taskset -c "$processor" "$clearhead" train --seed "$seed" --steps "$steps" --eval-every 0 \
        --checkpoint-every 0 --checkpoint-log=false --out "$folder/$seed" "$@" > /dev/null 2>&1 ||
        { echo "seeds.sh: train $* failed" >&2; exit 3; }
    rm -rf "${folder:?}/$seed"
}

now() { # nanoseconds
    date +%s%N
}

run "$a" 1 "$@" # warm: the program and its libraries are in memory
round=0
while [ "$round" -lt "$rounds" ]; do
    began=$(now)
    run "$a" 1 "$@"
    alone_a=$(now)
    run "$b" 2 "$@"
    alone_b=$(now)
    run "$a" 1 "$@" &
    run "$b" 2 "$@"
    wait $!
    both=$(now)
    awk -v a=$((alone_a - began)) -v b=$((alone_b - alone_a)) -v both=$((both - alone_b)) \
        'BEGIN { printf "alone %.3f s and %.3f s, both at once %.3f s: %.3f\n",
                 a * 1e-9, b * 1e-9, both * 1e-9, (a + b) / both }' | tee -a "$folder/rounds"
    round=$((round + 1))
done
sort -t: -k2 -n "$folder/rounds" | awk -F': ' '
    { ratio[NR] = $2 }
    END { printf "median of %d rounds: %.3f\n", NR,
              (ratio[int((NR + 1) / 2)] + ratio[int(NR / 2) + 1]) / 2 }'
