#!/bin/sh
# emergence: measures and swaps at every checkpoint, as a table, as JSON lines, as a figure.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3

runs 0 train --n 3 --steps 6 --d-model 16 --d-head 8 --out run
runs 0 emergence run --count 10 --least 0
is '0 1 2 3 4 5 6' "$(printf '%s\n' "$out" | awk '$1 ~ /^[0-9]+$/ {printf "%s%s", sep, $1; sep = " "}')" \
    'a row for each checkpoint'
is 7 "$(printf '%s\n' "$out" | grep -c 'step 0$')" 'everything reaches an accuracy of 0 at once'
runs 0 emergence run --count 10 --json --threads 2
is 1 "$(printf '%s\n' "$out" | python3 -c '
import json, sys
rows = [json.loads(line) for line in sys.stdin]
last = rows[-2]
print(int([r.get("step") for r in rows[:-1]] == list(range(7)) and rows[-1]["type"] == "from"
          and rows[-1]["letters"] is None
          and all(last[swap] == last["then"] for swap in ("qk_then", "ov_then", "qk_last", "ov_last"))))')" \
    'JSON lines; at the end all swaps are the model itself'
is "$out" "$("$CLEARHEAD" emergence run --count 10 --json)" 'the same with one thread'
runs 2 emergence run/model.safetensors
is 'clearhead emergence: run/model.safetensors is no run folder, want one with its checkpoints' "$err" \
    'a file has no checkpoints'
finish
