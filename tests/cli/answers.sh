#!/bin/sh
# answers: nine questions with verdicts and evidence, as text and as JSON.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3

runs 0 train --n 3 --steps 8 --d-model 16 --d-head 8 --out run
runs 0 answers run --count 30
is 9 "$(printf '%s\n' "$out" | grep -c '^[A-Z].*?$')" 'nine questions'
is 0 "$(printf '%s\n' "$out" | awk 'length > 100' | wc -l | tr -d ' ')" 'wrapped'
runs 0 answers run --count 30 --json --threads 2
is 1 "$(printf '%s' "$out" | python3 -c '
import json, sys
d = json.load(sys.stdin)
v = d["verdicts"]
print(int(d["settings"]["count"] == 30 and len(v) == 9 and all(a["answer"] and a["by"] for a in v.values())
          and v["unseen"]["answer"] == "no"))')" \
    'as JSON; eight steps are too few'
is "$out" "$("$CLEARHEAD" answers run --count 30 --json)" 'the same with one thread'
runs 0 train --n 2 --steps 1 --d-model 8 --d-head 4 --n-heads 2 --out heads
runs 3 answers heads
is 1 "$(printf '%s\n' "$err" | grep -c 'this one has 1 layers of 2 heads')" 'another model is refused'
draws a.svg answers run --count 20 --figure
runs 2 answers run --count 20 --figure a.gif
finish
