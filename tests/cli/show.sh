#!/bin/sh
# show: the module tree, the parameters counted, what has no effect, every setting.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3

runs 0 train --n 3 --steps 4 --d-model 16 --d-head 8 --n-heads 2 --out run
runs 0 show run
is HookedTransformer "$(printf '%s\n' "$out" | sed -n '/^modules/,$p' | sed -n 3p | xargs)" 'the module tree'
is '[batch, 2, pos, key_pos]' "$(printf '%s\n' "$out" | sed -n 's/^ *(hook_pattern): HookPoint() *//p')" 'with its hook points and their shapes'
is '    (blocks): ModuleList/      (0): TransformerBlock/        (ln1): LayerNorm' \
    "$(printf '%s\n' "$out" | grep -A 2 ModuleList | sed 's/ *$//' | paste -sd /)" 'as deep as they stand'
is 'act_fn has no effect: an attn_only model has no MLP' \
    "$(printf '%s\n' "$out" | grep 'no effect')" 'what the notebook believed in'
runs 0 show run --checkpoint 2 --json
is 2 "$(value step)" 'an earlier checkpoint'
is 'permutations, n 3, letters sorted, letters_unseen 0' "$(value task)" 'what it was trained for'
runs 0 show run --json
is '3713 3713 16 16 4' "$(printf '%s' "$out" | python3 -c '
import json, math, sys
d = json.load(sys.stdin)
p = d["tables"]["parameters"]
of = lambda row: math.prod(json.loads(row["shape"]))
assert all(of(row) == row["count"] for row in p + d["tables"]["hooks"])
print(d["numbers"]["n_parameters"]["value"], sum(map(of, p)), len(p), len({h["hook"] for h in d["tables"]["hooks"]}),
      d["step"])')" 'shapes multiply to the count'
is 16.0 "$(printf '%s' "$(value n_tensors)" | sed 's/$/.0/')" 'of so many tensors'
is 1 "$(printf '%s' "$out" | python3 -c '
import json, math, sys
d = json.load(sys.stdin)
config = {row["key"]: json.loads(row["text"]) for row in d["tables"]["config"]}
values = {row["key"]: row["value"] for row in d["tables"]["config"]}
assert all(math.isclose(values[k], v, rel_tol=1e-8) for k, v in config.items() if type(v) in (int, float))
hooks = {row["hook"]: row["shape"] for row in d["tables"]["hooks"]}
tree = {row["module"]: row for row in d["tables"]["modules"]}
assert tree["blocks.0.attn"]["class"] == "Attention" and tree["blocks.0.attn.W_Q"]["shape"] == "[2, 16, 8]"
assert tree["blocks.0.attn.hook_result"]["absent"] == "use_attn_result is false"
written = json.load(open("run/config.json"))
del written["checksum"]
print(int(config == written and hooks["blocks.0.attn.hook_pattern"] == "[1, 2, 26, 26]"
          and d["notes"] == ["act_fn has no effect: an attn_only model has no MLP"]))')" \
    'with the configuration and the shapes of one sequence'
runs 0 train --n 2 --steps 1 --d-model 8 --d-head 4 --attn-only=false --use-split-qkv-input --out split
runs 0 show split --json
is 1 "$(printf '%s' "$out" | python3 -c '
import json, sys
names = [h["hook"] for h in json.load(sys.stdin)["tables"]["hooks"]]
print(int(len(names) == len(set(names))))')" 'a hook that fires for q, k and v stands there once'
runs 0 train --n 1,2 --steps 1 --d-model 8 --d-head 4 --letters tuples --out mix
runs 0 show mix --json
is 'permutations, n 1,2, letters tuples, letters_unseen 0' "$(value task)" 'a mixture'
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
