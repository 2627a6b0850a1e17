#!/bin/sh
# heads: a score for every head and pattern, over checkpoints and against others, and what is refused.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3

runs 0 train --n 3 --steps 2 --d-model 16 --d-head 8 --n-heads 2 --n-layers 2 --out run
runs 0 heads run --count 5
is 'pattern layer head score even' "$(printf '%s\n' "$out" | sed -n 4p | xargs)" 'columns'
is 'previous_token duplicate_token induction same_slot next_slot first_term' \
    "$(printf '%s\n' "$out" | sed 1,4d | awk '!seen[$1]++ {print $1}' | xargs)" 'patterns'
runs 0 heads run --count 5 --json
is 1 "$(printf '%s' "$out" | python3 -c '
import json, sys
d = json.load(sys.stdin)
rows = d["tables"]["patterns"]
even = sum(1 / (i + 1) for i in range(1, 26)) / 26      # key i-1 of query i, attention even
mine = [r for r in rows if r["pattern"] == "previous_token"]
assert len(mine) == 4 and all(abs(r["even"] - even) < 1e-6 for r in mine), (mine, even)
assert {(r["layer"], r["head"]) for r in mine} == {(0, 0), (0, 1), (1, 0), (1, 1)}
assert len(rows) == 24 and all(0 <= r["score"] <= 1 for r in rows)
print(int(d["settings"]["count"] == 5 and d["settings"]["measure"] == "mul" and d["step"] == 2))')" \
    'what even attention scores'
runs 0 heads run --count 5 --measure abs
is "$out" "$("$CLEARHEAD" heads run --count 5 --measure abs --threads 2)" 'threads change nothing'
runs 0 heads run --count 5 --exclude-bos --json
python3 -c '
import json
n = 26
rows = [[0.0] * i + [1.0] for i in range(n)]      # itself, named by its last key
json.dump(rows, open("self.json", "w"))'
python3 -c '
import json, struct
n = 26
rows = [[0.0] * i + [1.0] for i in range(n)]
flat = [x for i in range(n) for x in rows[i] + [0.0] * (n - 1 - i)]
head = json.dumps({"mine": {"dtype": "F32", "shape": [n, n], "data_offsets": [0, 4 * n * n]}}).encode()
head += b" " * (-len(head) % 8)
open("self.safetensors", "wb").write(struct.pack("<Q", len(head)) + head + struct.pack("<%df" % (n * n), *flat))'
runs 0 heads run --count 5 --pattern self.json
is given "$(printf '%s\n' "$out" | tail -n 1 | xargs | cut -d' ' -f1)" 'a pattern of your own'
is 0.1482 "$(printf '%s\n' "$out" | tail -n 1 | awk '{print $NF}')" 'even attention gives itself 1 / (i + 1)'
is "$out" "$("$CLEARHEAD" heads run --count 5 --pattern self.safetensors)" 'from either kind of file'
runs 0 heads run --count 5 --checkpoints --numbers induction.1.1.score
is '0 1 2' "$(printf '%s\n' "$out" | sed 1d | awk '{print $1}' | xargs)" 'a row for each checkpoint'
runs 0 show run --against run
is 'n_parameters 0' "$(printf '%s\n' "$out" | awk '$2 == $3 && $2 ~ /^[0-9]+$/ {print $1, $4}')" 'whole numbers stay whole'
runs 0 emergence run --count 5 --against run --json
is '["step"]' "$(printf '%s\n' "$out" | python3 -c '
import json, sys
print(json.dumps(sorted({row["unit"] for row in json.load(sys.stdin)["tables"]["numbers"]})))')" 'and numbers have their unit'
runs 0 heads run --count 5 --against run@0 --json
is 1 "$(printf '%s' "$out" | python3 -c '
import json, sys
d = json.load(sys.stdin)
rows = d["tables"]["numbers"]
print(int(all(abs(r["this"] - r["other"] - r["difference"]) < 1e-8 for r in rows) and d["against"] == "run"))')" \
    'both values and their difference'
runs 2 heads run --checkpoints --numbers nothing.at.all
runs 2 heads run --numbers induction.1.1.score
runs 2 heads run@7
is 'clearhead heads: run has no checkpoint of step 7, the nearest of 3 is step 2' "$err" 'the nearest checkpoint'
echo '[[1], [0, 1]]' > small.json
runs 2 heads run --count 5 --pattern small.json
is 'clearhead heads: the pattern is [2, 2] and sequence 0 has 26 tokens, want no more than the pattern' "$err" \
    'a pattern too small'
echo '[[1, 0.5], [0, 1]]' > ahead.json
runs 2 heads run --count 5 --pattern ahead.json
echo '[[1], "x"]' > broken.json
runs 2 heads run --count 5 --pattern broken.json
echo '[[1' > broken.json
runs 3 heads run --count 5 --pattern broken.json
runs 3 heads run --count 5 --pattern nowhere.safetensors
runs 2 heads run --measure neither
runs 2 heads none
finish
