#!/bin/sh
# docs/study.md: the notebook's questions over many seeds, on its own settings.
#
#   scripts/study.sh > docs/study.md             # 16 seeds, half a minute
#   CLEARHEAD=build/clearhead SEEDS=4 COUNT=200 THREADS=2 scripts/study.sh
set -eu

clearhead=$(realpath "${CLEARHEAD:-build/clearhead}")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cd "$folder"
"$clearhead" train --preset notebook --out runs/notebook > /dev/null
"$clearhead" answers runs/notebook --seeds "${SEEDS:-16}" --count "${COUNT:-500}" \
    --threads "${THREADS:-$(nproc)}" --markdown study.md > /dev/null
cat study.md
