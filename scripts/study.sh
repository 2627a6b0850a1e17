#!/bin/sh
# The notebook's questions over many seeds: trains each with the notebook's settings, asks, and prints
# docs/study.md: what all say, what differs, and the numbers of each.
#
#   scripts/study.sh > docs/study.md             # 16 seeds, about a minute
#   CLEARHEAD=build/clearhead SEEDS=4 COUNT=200 scripts/study.sh
set -eu

clearhead=${CLEARHEAD:-build/clearhead}
seeds=${SEEDS:-16}
count=${COUNT:-500}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

seed=0
while [ "$seed" -lt "$seeds" ]; do
    "$clearhead" train --preset notebook --seed "$seed" --out "$folder/run" > /dev/null
    "$clearhead" answers "$folder/run" --count "$count" --json > "$folder/answers-$seed"
    "$clearhead" attention "$folder/run" --count "$count" --json > "$folder/attention-$seed"
    "$clearhead" emergence "$folder/run" --json | tail -n 1 > "$folder/emergence-$seed"
    rm -r "$folder/run"
    seed=$((seed + 1))
done
exec python3 "$(dirname "$0")/study_table.py" "$folder" "$seeds" "$count"
