#!/bin/sh
# generalise: a row for every kind of input, numbers that agree with eval, what is left out said.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3

runs 0 train --n 3 --steps 40 --d-model 16 --d-head 8 --out run
runs 0 generalise run --count 60 --threads 2 --json
rows=$out
is 9 "$(printf '%s\n' "$rows" | grep -c '"variant"')" 'a line for every kind'
is 1 "$(printf '%s\n' "$rows" | grep two | grep -c 'left_out.*want at least 4')" 'three letters have no two pairs'
runs 0 eval run --count 60 --json
is 1 "$(printf '%s\n%s\n' "$rows" "$out" | python3 -c '
import json, sys
rows = [json.loads(line) for line in sys.stdin]
plain, said = rows[0], rows[-1]
assert abs(plain["loss"][0] / said["loss"] - 1) < 1e-6, (plain, said)  # two paths, to rounding
assert abs(plain["token_accuracy"][0] - said["token_accuracy"]) < 1e-8
for r in rows[:-1]:
    for k, v in r.items():
        assert not isinstance(v, list) or v[1] <= v[0] <= v[2], (k, r)
print(1)')" 'held out is what eval says, values lie in their intervals'
runs 0 generalise run --count 60 --json
is "$rows" "$out" 'threads change nothing'
runs 0 generalise run --count 5 --figure g.svg
is 1 "$(grep -c 'svg' g.svg | awk '{print ($1 > 0)}')" 'a figure'
is 1 "$(printf '%s\n' "$out" | grep -c '^two pairs *left out: two pairs: a sequence has 3 letters')" 'the table says what is left out'
echo '[1, 2, 3]' > mine.jsonl
runs 0 train --data mine.jsonl --steps 1 --out lines
runs 3 generalise lines
is 'clearhead generalise: task lines has no letters to vary, want permutations' "$err" 'lines have no letters'
finish
