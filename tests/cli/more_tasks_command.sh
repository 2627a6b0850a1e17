#!/bin/sh
# A command whose table of tasks has one more: help, config, data, training and questions know it.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3
clearhead=$CLEARHEAD_MORE

runs 0 train -h
is 'Copy (keys of --config too, with _ for -):
  --copy-length N           how many digits are copied (default: 3)' \
    "$(printf '%s\n' "$out" | sed -n '/^Copy/,/^$/p' | sed '/^$/d')" 'its settings have a section'
is 1 "$(printf '%s\n' "$out" | grep -c '  --task permutations|lines|.*copy|none')" '--task names it'
runs 0 config --task copy
is '  "n_ctx": 7,
  "d_vocab": 11,
  "d_vocab_out": 10,
  "batch": 8,' "$(printf '%s\n' "$out" | grep -E '"(n_ctx|d_vocab|d_vocab_out|batch)"')" 'sizes of its own'
is '  "copy_length": 3,' "$(printf '%s\n' "$out" | grep copy_length)" 'its setting'
runs 0 config
is 0 "$(printf '%s\n' "$out" | grep -c copy_length)" 'is not in configs of other tasks'
runs 0 config --copy-length 2
is 'copy_length has no effect: the task is permutations' "$err" 'nor of effect there'
runs 0 data --task copy --first 2
is '0 0 0 | 0 0 0
0 0 1 | 0 0 1' "$out" 'its sequences'
runs 0 data --task copy --copy-length 1 --count
is 10 "$out" 'as many as there are'
runs 2 data --task copy --copy-length 9
is 1 "$(printf '%s\n' "$err" | grep -c 'copy-length is 9, want a whole number in \[1, 8\]\|copy_length is 9')" 'not more'

runs 0 train --task copy --copy-length 2 --d-model 16 --d-head 8 --steps 20
is 1 "$(printf '%s\n' "$out" | grep -c '^run folder: runs/copy-seed0$')" 'a folder named after it'
runs 0 resume runs/copy-seed0
is 1 "$(printf '%s\n' "$out" | grep -c '^nothing left to train: step 20 of 20')" 'it goes on'
runs 0 eval runs/copy-seed0 --json
runs 0 generalise runs/copy-seed0 --json
is 'held out, one digit' "$(printf '%s\n' "$out" | python3 -c '
import json, sys
rows = json.load(sys.stdin)["tables"]["inputs"]
assert all("digit_accuracy" in row for row in rows)
print(", ".join(row["input"] for row in rows))')" 'its kinds of input and of token'
runs 0 show runs/copy-seed0 --json
is 'copy, copy_length 2' "$(value task)" 'what it was trained for'
runs 0 docs man --out doc
is 1 "$(grep -c 'copy.*length' doc/clearhead-train.1)" 'in the manual'
finish
