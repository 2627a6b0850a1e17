#!/bin/sh
# heads: a score for every head and pattern, the same in JSON, and what is refused.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3

runs 0 train --n 3 --steps 2 --d-model 16 --d-head 8 --n-heads 2 --n-layers 2 --out run
runs 0 heads run --count 5
is 'pattern L0H0 L0H1 L1H0 L1H1 even' "$(printf '%s\n' "$out" | head -n 1 | xargs)" 'a column a head'
is 'previous_token duplicate_token induction same_slot next_slot first_term' \
    "$(printf '%s\n' "$out" | sed 1d | cut -d' ' -f1 | xargs)" 'a row a pattern'
runs 0 heads run --count 5 --json
is 1 "$(printf '%s' "$out" | python3 -c '
import json, sys
d = json.load(sys.stdin)
p = d["patterns"]
even = sum(1 / (i + 1) for i in range(1, 26)) / 26      # key i-1 of query i, attention even
assert abs(p["previous_token"]["even"] - even) < 1e-6, (p["previous_token"]["even"], even)
assert all(len(x["scores"]) == 4 and all(0 <= s <= 1 for s in x["scores"]) for x in p.values())
print(int(d["sequences"] == 5 and d["measure"] == "mul" and len(p) == 6))')" 'what even attention scores'
runs 0 heads run --count 5 --measure abs
is "$out" "$("$CLEARHEAD" heads run --count 5 --measure abs --threads 2)" 'threads change nothing'
python3 -c '
import json, struct
n = 26
rows = [[0.0] * i + [1.0] for i in range(n)]      # itself, named by its last key
json.dump(rows, open("self.json", "w"))
flat = [x for i in range(n) for x in rows[i] + [0.0] * (n - 1 - i)]
head = json.dumps({"mine": {"dtype": "F32", "shape": [n, n], "data_offsets": [0, 4 * n * n]}}).encode()
head += b" " * (-len(head) % 8)
open("self.safetensors", "wb").write(struct.pack("<Q", len(head)) + head + struct.pack("<%df" % (n * n), *flat))'
runs 0 heads run --count 5 --pattern self.json
is given "$(printf '%s\n' "$out" | tail -n 1 | cut -d' ' -f1)" 'a pattern of your own'
is 0.1482 "$(printf '%s\n' "$out" | tail -n 1 | awk '{print $NF}')" 'even attention gives itself 1 / (i + 1)'
is "$out" "$("$CLEARHEAD" heads run --count 5 --pattern self.safetensors)" 'from either kind of file'
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
