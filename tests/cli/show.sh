#!/bin/sh
# show: the module tree, the parameters counted, what has no effect, and the same as JSON.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3

runs 0 train --n 3 --steps 4 --d-model 16 --d-head 8 --n-heads 2 --out run
runs 0 show run
is 'HookedTransformer(' "$(printf '%s\n' "$out" | head -n 1)" 'the module tree'
is 1 "$(printf '%s\n' "$out" | grep -c 'hook_pattern')" 'with its hook points'
is 'parameters: 3713 in 16 tensors
task: permutations, n 3, letters sorted, letters_unseen 0
step: 4 of 4, seed 0
act_fn has no effect: an attn_only model has no MLP' "$(printf '%s\n' "$out" | tail -n 4)" \
    'what it was trained for, and what the notebook believed in'
runs 0 show run --checkpoint 2
is 'step: 2 of 4, seed 0' "$(printf '%s\n' "$out" | grep '^step')" 'an earlier checkpoint'
runs 0 show run --json
is '3713 3713 16 16 4' "$(printf '%s' "$out" | python3 -c '
import json, math, sys
d = json.load(sys.stdin)
print(d["n_parameters"], sum(math.prod(p["shape"]) for p in d["parameters"]), len(d["parameters"]),
      len(set(h["name"] for h in d["hooks"])), d["step"])')" 'the same as JSON: shapes multiply to the count'
is 1 "$(printf '%s' "$out" | python3 -c '
import json, sys
d = json.load(sys.stdin)
print(int(d["config"] == json.load(open("run/config.json")) and d["without_effect"]
          == ["act_fn has no effect: an attn_only model has no MLP"]
          and {"name": "blocks.0.attn.hook_pattern", "shape": [1, 2, 26, 26]} in d["hooks"]))')" \
    'with the configuration and the shapes of one sequence'
runs 0 train --n 2 --steps 1 --d-model 8 --d-head 4 --attn-only=false --use-split-qkv-input --out split
runs 0 show split --json
is 1 "$(printf '%s' "$out" | python3 -c '
import json, sys
names = [h["name"] for h in json.load(sys.stdin)["hooks"]]
print(int(len(names) == len(set(names))))')" 'a hook that fires for q, k and v stands there once'
runs 0 train --n 1,2 --steps 1 --d-model 8 --d-head 4 --letters tuples --out mix
runs 0 show mix
is 'task: permutations, n 1,2, letters tuples, letters_unseen 0' "$(printf '%s\n' "$out" | grep '^task')" 'a mixture'
runs 0 show run/model.safetensors

runs 2 show none
is 'clearhead show: there is no run or file at none' "$err" 'what is not there'
mkdir empty
runs 2 show empty
is 'clearhead show: empty is no run: it has no config.json' "$err" 'what is no run'
cp -r run cut && head -c 2000 run/model.safetensors > cut/model.safetensors
runs 3 show cut
is 1 "$(printf '%s\n' "$err" | wc -l | tr -d ' ')" 'a truncated file in one line'
runs 2 show
finish
