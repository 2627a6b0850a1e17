#!/bin/sh
# emergence: measures and swaps at every checkpoint, as a table, as JSON, as a figure.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3

runs 0 train --n 3 --steps 6 --d-model 16 --d-head 8 --out run
runs 0 emergence run --count 10 --least 0
is '0 1 2 3 4 5 6' "$(printf '%s\n' "$out" | awk '$1 ~ /^[0-9]+$/ {printf "%s%s", sep, $1; sep = " "}')" \
    'a row for each checkpoint'
is 8 "$(printf '%s\n' "$out" | sed '1,/^from/d' | grep -cE ' +0$')" 'everything reaches an accuracy of 0 at once'
runs 0 emergence run --count 10 --json --threads 2
is 1 "$(printf '%s\n' "$out" | python3 -c '
import json, sys
d = json.load(sys.stdin)
last = {r["swap"]: {k: v for k, v in r.items() if k != "swap"} for r in d["tables"]["swaps"] if r["step"] == 6}
print(int([r["step"] for r in d["tables"]["checkpoints"]] == list(range(7))
          and {r["what"]: r.get("absent") for r in d["tables"]["from"]}["letter_accuracy"] == "not by the end"
          and len(last) == 5
          and all(last[swap] == last["then"] for swap in last)))')" \
    'at the end all swaps are the model itself'
is "$out" "$("$CLEARHEAD" emergence run --count 10 --json)" 'the same with one thread'
runs 2 emergence run/model.safetensors
is 'clearhead emergence: emergence needs the folder of a run that was trained, got run/model.safetensors' "$err" \
    'a file has no checkpoints'
finish
