#!/bin/sh
# attention: shares of position and token, cues with what chance gives, as text and as JSON.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3

runs 0 train --n 3 --steps 6 --d-model 16 --d-head 8 --n-heads 2 --n-layers 2 --out run
runs 0 attention run --count 40
is 1 "$(printf '%s\n' "$out" | grep -c 'variance explained by position')" 'shares are shown'
is 4 "$(printf '%s\n' "$out" | grep -cE '^    (token|alphabet|class|slot ) .*[0-9] +[0-9.]+ +[0-9.]+$')" \
    'each cue with its trial'
runs 0 attention run --count 40 --layer 1 --head 1 --json
is 1 "$(printf '%s' "$out" | python3 -c '
import json, sys
d = json.load(sys.stdin)
print(int(d["layer"] == 1 and d["head"] == 1 and d["sequences"] == 40
          and abs(d["scores_position"] + d["scores_token"] - 1) < 1e-6
          and len(d["scores_position_by_destination"]) == 21
          and set(d["cues"]) == {"token", "alphabet", "class", "rank", "slot"}
          and [x["predicts"] for x in d["slots"]] == ["slot 1", "slot 2", "slot 3", "space", "period"]
          and "loss" not in d))')" 'a deeper layer as JSON, without a trial'
runs 0 attention run --count 40 --json
is "$out" "$("$CLEARHEAD" attention run --count 40 --json)" 'the same numbers again'
is "$out" "$("$CLEARHEAD" attention run --count 40 --threads 3 --json)" 'and with three threads'
is 1 "$(printf '%s' "$out" | python3 -c '
import json, math, sys
d = json.load(sys.stdin)
n = sum(s["destinations"] for s in d["slots"])
for key in ("loss_keys_only_cue", "loss_keys_without_cue", "accuracy_keys_only_cue"):
    for cue in ("token", "class", "slot"):
        of = sum(s["destinations"] * s["cues"][cue][key] for s in d["slots"]) / n
        assert math.isclose(of, d["cues"][cue][key], rel_tol=1e-7), (key, cue)
print(int(n == 21 and "loss_keys_only_cue" not in d["cues"]["rank"]))')" 'what slots say adds up to the whole'
runs 2 attention run --layer 2
is 'clearhead attention: layer 2, head 0: the model has 2 layers of 2 heads, counted from 0' "$err" \
    'a layer there is not'
runs 0 train --n 2,3 --steps 1 --d-model 8 --d-head 4 --out mix
runs 2 attention mix
is 1 "$(printf '%s\n' "$err" | grep -c 'want one length')" 'a mixture has several lengths'
finish
