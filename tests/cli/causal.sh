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
rows = said["tables"]["interventions"]
names = [row["intervention"] for row in rows]
assert len(names) > 20 and len(set(names)) == len(names) and all(r["label"] for r in rows)
inputs = {}
for row in said["tables"]["inputs"]:
    inputs.setdefault(row["input"], []).append(row)
left_out = {name: rows[0]["absent"] for name, rows in inputs.items() if "absent" in rows[0]}
assert set(left_out) == {"two pairs", "unseen"} and len(inputs) == 9, left_out
assert "want at least 4" in left_out["two pairs"] and "letters_unseen" in left_out["unseen"]
for name in set(inputs) - set(left_out):
    assert [row["intervention"] for row in inputs[name]] == names
by_name = {row["intervention"]: row for row in rows}
assert set(by_name["none"]["recovered"].values()) == {1}
assert set(by_name["reference"]["recovered"].values()) == {0}
print("yes")')" 'every intervention on every input'
kept=$out
runs 0 causal run --count 40 --others 20 --json
is "$kept" "$out" 'threads change nothing'

# Lists of edits with names are rows of edit, and those of the suite have its numbers; means come from
# the base that the file names, also where fewer sequences are measured.
cat > lists.json << 'END'
{"format": "clearhead-edits-2", "base": {"split": "test", "count": 40, "seed": 0},
 "interventions": [
  {"name": "none", "text": "the model as it is", "edits": []},
  {"name": "pattern_mean", "text": "the mean", "edits": [{"kind": "mean", "site": "blocks.*.attn.hook_pattern"}]},
  {"name": "pattern_even", "edits": [{"kind": "even"}]},
  {"name": "attn_other", "edits": [{"kind": "resample", "site": "blocks.*.hook_attn_out"}]},
  {"name": "reference", "edits": [{"kind": "resample", "site": "logits"}]}]}
END
runs 0 edit run --edits lists.json --count 40 --threads 2 --json
is yes "$(printf '%s\n' "$out" | python3 -c '
import json, sys
said = json.load(sys.stdin)
suite = {row["intervention"]: row for row in json.load(open("causal.json"))["tables"]["interventions"]}
rows = said["tables"]["interventions"]
assert [row["intervention"] for row in rows] == ["none", "pattern_mean", "pattern_even", "attn_other", "reference"]
assert rows[1]["label"] == "the mean" and said["numbers"]["reference"]["value"] == 40
for row in rows:
    mine = suite[row["intervention"]]
    assert all(row[key] == mine[key] for key in row if key not in ("label", "heading")), (row, mine)
print("yes")')" 'lists of edits with names'
runs 0 edit run --edits lists.json --count 7 --json

runs 0 causal run --count 40 --as-edits
printf '%s\n' "$out" > suite.json
runs 0 edit run --edits suite.json --count 40 --json
is yes "$(printf '%s\n' "$out" | python3 -c '
import json, sys
suite = json.load(open("causal.json"))["tables"]["interventions"]
again = json.load(sys.stdin)["tables"]["interventions"]
for row in suite:
    row.pop("recovered"), row.pop("heading", None)
assert [row["intervention"] for row in suite] == [row["intervention"] for row in again]
assert all(one.items() <= two.items() for one, two in zip(again, suite)), (again, suite)
print("yes")')" 'the suite printed and run again: the same numbers and intervals'
runs 2 causal run --as-edits --json
runs 2 causal run --as-edits --checkpoints
runs 2 causal run --as-edits --out suite.csv
runs 2 heads run --as-edits

runs 0 generalise run --count 20 --json
is yes "$(printf '%s\n' "$out" | python3 -c '
import json, sys
rows = {row["input"]: row for row in json.load(sys.stdin)["tables"]["inputs"]}
for none in json.load(open("causal.json"))["tables"]["inputs"]:
    if none["intervention"] == "none":
        said = rows[none["input"]]
        assert abs(none["loss"]["value"] - said["loss"]["value"]) < 1e-8, (none, said)
print("yes")')" 'none is what generalise says'

runs 0 causal run --count 10 --others 0
is 1 "$(printf '%s\n' "$out" | grep -c '^  without_strongest  *[0-9]')" 'the table has a row for each'
runs 0 causal run --count 10 --others 0 --full
is 0 "$(printf '%s\n' "$out" | grep -c '^inputs')" 'held-out sequences only'
runs 0 causal run --count 10 --others 5 --full
is 1 "$(printf '%s\n' "$out" | grep -c '^  two pairs *left out: two pairs: a sequence has 3 letters')" \
    'the table says what is left out'
draws causal.svg causal run --count 10 --others 5 --figure
runs 2 causal run --figure causal.gif --count 2 --others 0
runs 2 causal run --count 0
runs 2 causal nowhere

echo '[1, 2, 3, 4]' > mine.jsonl
printf '%s\n' '[4, 3, 2, 1]' '[4, 3, 1, 2]' >> mine.jsonl
runs 0 train --data mine.jsonl --test-sequences 2 --steps 1 --out lines
runs 0 causal lines --count 2 --others 3 --full
is 1 "$(printf '%s\n' "$out" | grep -c '^  only_first_term *left out')" 'lines have no first term'
is 2 "$(printf '%s\n' "$out" | grep -c 'left out: ')" 'and know no other kind of input'
runs 0 causal lines --count 2 --json
is 0 "$(printf '%s\n' "$out" | grep -c letter_accuracy)" 'nor an accuracy of letters'

runs 0 train --n 2 --steps 2 --n-layers 2 --n-heads 2 --attn-only=false --d-model 16 --d-head 8 --out two
runs 0 causal two --count 5 --others 3
finish
