#!/bin/sh
# clearhead causal: numbers that agree with edit, generalise and eval; what is left out said.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3

runs 0 train --n 3 --steps 40 --d-model 16 --d-head 8 --out run
runs 0 causal run --count 40 --others 20 --threads 2 --json
printf '%s\n' "$out" > causal.json
is yes "$(python3 -c '
import json
said = json.load(open("causal.json"))
names = [row["name"] for row in said["interventions"]]
assert len(names) > 20 and len(set(names)) == len(names) and all(r["text"] for r in said["interventions"])
for part in said["inputs"]:
    if "left_out" in part:
        assert ("want at least 4" if part["variant"] == "two pairs" else "letters_unseen") in part["left_out"]
        continue
    assert part["sequences"] == (40 if part["variant"] == "held out" else 20)
    assert [row["name"] for row in part["results"]] == names
    for row in part["results"]:
        for key, v in row.items():
            assert key == "name" or None in v or v[1] <= v[0] <= v[2], (key, row)
assert len(said["inputs"]) == 10 and sum("left_out" in part for part in said["inputs"]) == 2
results = {row["name"]: row for row in said["inputs"][0]["results"]}
assert results["none"]["recovered"] == [1, 1, 1] and results["reference"]["recovered"] == [0, 0, 0]
print("yes")')" 'every intervention on every input, values in their intervals'
kept=$out
runs 0 causal run --count 40 --others 20 --json
is "$kept" "$out" 'threads change nothing'

# Interventions that edits can say, said by edits.
for name in q_position qk_token qk_position_v_token pattern_mean pattern_one_hot only_answer without_first_term attn_other no_direct; do
    python3 -c '
import json, sys
said = json.load(open("causal.json"))
edits = [row["edits"] for row in said["interventions"] if row["name"] == sys.argv[1]][0]
print(json.dumps({"format": "clearhead-edits-1", "edits": edits}))' $name > edits.json
    runs 0 edit run --edits edits.json --count 40 --json
    is yes "$(printf '%s\n' "$out" | python3 -c '
import json, sys
after = json.load(sys.stdin)["after"]
rows = json.load(open("causal.json"))["inputs"][0]["results"]
mine = [row for row in rows if row["name"] == sys.argv[1]][0]
print("yes" if all(mine[key] == after[key] for key in after) else (mine, after))' $name)" \
        "$name is what its edits do"
done

runs 0 generalise run --count 20 --json
is yes "$(printf '%s\n' "$out" | python3 -c '
import json, sys
rows = {row["variant"]: row for row in map(json.loads, sys.stdin)}
for part in json.load(open("causal.json"))["inputs"][1:]:
    if "results" in part:
        none, said = part["results"][0], rows[part["variant"]]
        assert abs(none["loss"][0] - said["loss"][0]) < 1e-8, (none, said)
print("yes")')" 'none is what generalise says'

runs 0 causal run --count 10 --others 0
is 0 "$(printf '%s\n' "$out" | grep -c 'letter accuracy')" 'held-out sequences only'
is 1 "$(printf '%s\n' "$out" | grep -c '^without_strongest  *[0-9]')" 'the table has a row for each'
runs 0 causal run --count 10 --others 5
is 1 "$(printf '%s\n' "$out" | grep -c '^two pairs *left out: two pairs: a sequence has 3 letters')" \
    'the table says what is left out'
runs 0 causal run --count 10 --others 5 --figure causal.svg
is 1 "$(grep -c 'svg' causal.svg | awk '{print ($1 > 0)}')" 'a figure'
runs 2 causal run --figure causal.gif --count 2 --others 0
runs 2 causal run --count 0
runs 2 causal nowhere

echo '[1, 2, 3, 4]' > mine.jsonl
echo '[4, 3, 2, 1]' >> mine.jsonl
runs 0 train --data mine.jsonl --test-sequences 1 --steps 1 --out lines
runs 0 causal lines --count 1 --others 3
is 1 "$(printf '%s\n' "$out" | grep -c '^only_first_term *left out')" 'lines have no first term'
is 2 "$(printf '%s\n' "$out" | grep -c 'left out: ')" 'and know no other kind of input'
runs 0 causal lines --count 1 --json
is 'loss token_accuracy sequence_accuracy' "$(printf '%s\n' "$out" | python3 -c '
import json, sys
row = json.load(sys.stdin)["inputs"][0]["results"][0]
print(*[name for name in row if name not in ("name", "recovered")])')" 'nor an accuracy of letters'

runs 0 train --n 2 --steps 2 --n-layers 2 --n-heads 2 --attn-only=false --d-model 16 --d-head 8 --out two
runs 0 causal two --count 5 --others 3
finish
