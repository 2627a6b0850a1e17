#!/bin/sh
# attention: shares of position and token, cues with what chance gives, as text and as JSON.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3

runs 0 train --n 3 --steps 6 --d-model 16 --d-head 8 --n-heads 2 --n-layers 2 --out run
runs 0 attention run --count 40
is 1 "$(printf '%s\n' "$out" | grep -c '^  scores_position  ')" 'shares are shown'
is 4 "$(printf '%s\n' "$out" | grep -cE '^  (token|alphabet|class|slot ) .*[]0-9] +[0-9.]+ +[0-9.]+$')" \
    'each cue with its trial'
runs 0 attention run --count 40 --layer 1 --head 1 --json
is 1 "$(printf '%s' "$out" | python3 -c '
import json, sys
d = json.load(sys.stdin)
n = {name: x["value"] for name, x in d["numbers"].items()}
t = d["tables"]
print(int(d["settings"] == {"layer": 1, "head": 1, "count": 40}
          and abs(n["scores_position"] + n["scores_token"] - 1) < 1e-6
          and len(t["destinations"]) == 21 and all(r["scores_position"] is not None for r in t["destinations"])
          and [r["cue"] for r in t["cues"]] == ["token", "alphabet", "class", "rank", "slot"]
          and [r["predicts"] for r in t["slots"]] == ["slot 1", "slot 2", "slot 3", "space", "period"]
          and n["loss"] is None))')" 'a deeper layer as JSON, without a trial'
runs 0 attention run --count 40 --json
is "$out" "$("$CLEARHEAD" attention run --count 40 --json)" 'the same numbers again'
is "$out" "$("$CLEARHEAD" attention run --count 40 --threads 3 --json)" 'and with three threads'
is 1 "$(printf '%s' "$out" | python3 -c '
import json, math, sys
d = json.load(sys.stdin)
t = d["tables"]
size = {r["predicts"]: r["destinations"] for r in t["slots"]}
cues = {r["cue"]: r for r in t["cues"]}
n = sum(size.values())
for key in ("loss_keys_only_cue", "loss_keys_without_cue", "accuracy_keys_only_cue"):
    for cue in ("token", "class", "slot"):
        of = sum(size[r["predicts"]] * r[key] for r in t["slot_cues"] if r["cue"] == cue) / n
        assert math.isclose(of, cues[cue][key], rel_tol=1e-7), (key, cue)
print(int(n == 21 and cues["rank"]["loss_keys_only_cue"] is None))')" 'what slots say adds up to the whole'
runs 2 attention run --layer 2
is 'clearhead attention: layer 2, head 0: the model has 2 layers of 2 heads, counted from 0' "$err" \
    'a layer there is not'
runs 0 train --n 2,3 --steps 1 --d-model 8 --d-head 4 --out mix
runs 2 attention mix
is 1 "$(printf '%s\n' "$err" | grep -c 'sequences of one length')" 'a mixture has several lengths'
finish
