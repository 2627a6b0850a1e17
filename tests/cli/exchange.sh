#!/bin/sh
# export and import: the same weights there and back, the task where it is said, and what is refused
# with nothing written.
. "$(dirname "$0")/../support/tap.sh"
PYTHONPATH=$(cd "$(dirname "$0")/../support" && pwd)
PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH PYTHONDONTWRITEBYTECODE
cd "$folder" || exit 3

runs 0 train --n 3 --steps 5 --d-model 16 --d-head 8 --n-heads 2 --attn-only=false --act-fn gelu_new \
    --normalization-type RMS --out run

# export
runs 0 export run --to theirs
is 'theirs/model.safetensors
theirs/cfg.json
theirs/load.py' "$out" 'the files that were written'
# The script, in the place of whose TransformerLens stands one that only says what it was given: a HookedTransformer gets
# our names, a TransformerBridge those that import knows, of the same numbers. tests/golden/README.md has the real ones.
support=$(dirname "$0")/../support
python3 "$support/fake_lens.py" theirs 3 hooked.safetensors
ok $? 'load.py makes a HookedTransformer'
python3 "$support/fake_lens.py" theirs 4 bridge.safetensors
ok $? 'load.py makes a TransformerBridge where there is none'
sed 's/^{/{"architecture": "TransformerLensNative",/' theirs/cfg.json > native.json
runs 0 import hooked.safetensors --config theirs/cfg.json --n 3 --out hooked
runs 0 import bridge.safetensors --config native.json --n 3 --out bridge
is '[16, 16]' "$(python3 -c 'from tensors import read
print(read("bridge.safetensors")["blocks.0.attn.q.weight"][0])')" 'heads stand one after another'
for made in hooked bridge; do
    is "$(python3 -c 'from tensors import read
print(sorted(read("run/model.safetensors").items()))' | cksum)" "$(MADE=$made python3 -c 'import os
from tensors import read
print(sorted(read(os.environ["MADE"] + "/model.safetensors").items()))' | cksum)" "$made: every number is where it was"
done
runs 0 train --n 3 --steps 1 --d-model 16 --d-head 8 --attn-scale 3 --use-attn-scale=true --out scaled
runs 0 export scaled --to scaled_theirs
is 'this TransformerLens has no attn_scale, which is 3.0 in this model' \
    "$(python3 "$support/fake_lens.py" scaled_theirs 3 never.safetensors attn_scale 2>&1)" 'what an old one has not is refused'
# One of 1.0.0 has neither of these keys: n_devices is inert, and its rotary positions are of adjacent pairs.
for positions in 'false rotary no' 'true rotary yes' 'false standard yes' 'false none yes'; do
    # shellcheck disable=SC2086 # three words
    set -- $positions
    rm -rf turned turned_theirs
    runs 0 train --n 3 --steps 1 --d-model 16 --d-head 8 --positional-embedding-type "$2" --rotary-adjacent-pairs="$1" --out turned
    runs 0 export turned --to turned_theirs
    said=$(python3 "$support/fake_lens.py" turned_theirs 3 turned.safetensors rotary_adjacent_pairs n_devices 2>&1)
    is "$([ "$3" = yes ] || echo 'this TransformerLens has no rotary_adjacent_pairs, which is False in this model')" "$said" \
        "positions $2, rotary_adjacent_pairs $1, in one without the key"
done
runs 0 train --n 3 --steps 1 --d-model 16 --d-head 8 --use-attn-scale=false --out unscaled
runs 0 export unscaled --to unscaled_theirs
is 'use_attn_scale is False: the model of TransformerLens 4 has only True, want one before 4' \
    "$(python3 "$support/fake_lens.py" unscaled_theirs 4 never.safetensors 2>&1)" 'what 4.x reads otherwise is refused'
is '26 16 gelu_new RMS' "$(python3 -c '
import json
c = json.load(open("theirs/cfg.json"))
print(c["n_ctx"], c["d_model"], c["act_fn"], c["normalization_type"])')" 'the config is JSON of their keys'
before=$(cat theirs/* | cksum)
runs 3 export run --to theirs
is 'clearhead export: theirs/model.safetensors exists already: name another folder' "$err" \
    'files that are there are not written over'
is "$before" "$(cat theirs/* | cksum)" 'and stay as they are'
mkdir other && echo mine > other/load.py
runs 3 export run --to other
is 'load.py' "$(ls other)" 'one of them is enough'
runs 3 export run --to /proc/nowhere
runs 3 export run --to run
runs 0 export run --to json --json
is 3 "$(printf '%s' "$out" | python3 -c 'import json, sys; print(len(json.load(sys.stdin)["files"]))')" \
    '--json is JSON'
runs 0 export run --to early --checkpoint 1
cmp -s early/model.safetensors run/checkpoints/step-00000001.safetensors
ok $? 'an earlier checkpoint'
runs 2 export run
is 'clearhead export: --to DIR is missing; see clearhead export -h' "$err" 'without --to'

# and back
runs 0 import theirs/model.safetensors --config theirs/cfg.json --task permutations --out back
is 'back: 5825 parameters in 19 tensors, task permutations, n 3, letters sorted, letters_unseen 0' "$out" 'a line says what it is'
for side in run back; do
    runs 0 cache "$side" --letters cab --grads --out "$side.safetensors"
done
is 1 "$(python3 -c '
from tensors import read
print(int(read("run.safetensors") == read("back.safetensors")))')" 'the same bits inside, loss and gradients too'
runs 0 export back --to again
cmp -s theirs/cfg.json again/cfg.json
ok $? 'the config comes back as it was'
sed 's/"n_ctx": 26/"n_ctx": 26, "made_up": 1/' theirs/cfg.json > wrong.json

# notes, buffers, tasks
python3 - <<'PYTHON'
import json
from tensors import read, write
weights, config = read("theirs/model.safetensors"), json.load(open("theirs/cfg.json"))
weights["blocks.0.attn.mask"] = [[26, 26], [1.0] * 676]
weights["blocks.0.attn.IGNORE"] = [[], [float("-inf")]]
write("buffers.safetensors", weights)
config["seed"] = 7
json.dump(config, open("seven.json", "w"))
PYTHON
runs 0 import buffers.safetensors --config seven.json --out buffers --json
is 'seed = 7 does not matter here' "$err" 'what does not matter is listed'
is none "$(printf '%s' "$out" | python3 -c 'import json, sys; print(json.load(sys.stdin)["task"])')" \
    '--json is JSON, no task but the one that is said, and their buffers are passed over'
runs 0 import theirs/model.safetensors --config theirs/cfg.json --out two --n 2 --letters tuples
is '"n": 2' "$(grep -o '"n": 2' two/config.json)" 'the task can be chosen'
runs 2 import theirs/model.safetensors --config theirs/cfg.json --out big --n 5
is 'clearhead import: n_ctx is 26, want at least 722, the tokens of the longest sequence' "$err" \
    'as far as the model goes'

printf '[0, 1, 2, 3]\n[3, 2, 1, 10]\n' > own.jsonl
runs 0 train --data own.jsonl --d-model 8 --d-head 4 --steps 2 --out lines
runs 0 export lines --to eleven
runs 0 import eleven/model.safetensors --config eleven/cfg.json --out none
is 'none: 399 parameters in 16 tensors, task none' "$out" 'no task unless it is said'
echo '[[0, 1, 10]]' > ids.json
runs 0 cache none --tokens ids.json --grads --out none.safetensors
runs 2 cache none --out held.safetensors
is 'clearhead cache: none has no task (import --task says one): give token ids, as --tokens or --text' "$err" \
    'without a task there are no sequences'
runs 2 train --config none/config.json --out trained
is 'clearhead train: task is "none", want one of: permutations, lines' "${err%%, modular_addition*}" 'nor training'
[ ! -e trained ]
ok $? 'and no folder of it'
runs 0 config --config none/config.json
is "$(grep -v '"init\|"checksum' none/config.json)" "$(printf '%s\n' "$out" | grep -v '"init')" 'its configuration reads back'
runs 2 import eleven/model.safetensors --config eleven/cfg.json --out never --n 2

runs 2 import eleven/model.safetensors --config eleven/cfg.json --out never --task permutations
# of other versions, in several files, under names of its own
sed 's/"n_ctx": 26/"n_ctx": 26, "made_up": 1, "use_qk_norm": false/' theirs/cfg.json > newer.json
runs 0 import theirs/model.safetensors --config newer.json --ignore-keys --out newer
is 'made_up is no setting of TransformerLens: ignored
at what changes nothing: use_qk_norm' "$err" '--ignore-keys takes a config with unknown keys, and names them'
runs 0 import theirs/model.safetensors --config theirs/cfg.json --tl-version 3.0 --out today
is '"tl_version": "3.0"' "$(grep -o '"tl_version": "[0-9.]*"' today/config.json)" 'hook points of today'
mkdir shards
python3 -c '
import json
from tensors import read, write
weights, index = read("theirs/model.safetensors"), {}
for part in range(2):
    name = f"model-0000{part + 1}-of-00002.safetensors"
    mine = {key: weights[key] for i, key in enumerate(weights) if i % 2 == part}
    write("shards/" + name, mine)
    index.update({key: name for key in mine})
json.dump({"metadata": {}, "weight_map": index}, open("shards/model.safetensors.index.json", "w"))'
for from in shards/model.safetensors.index.json shards; do
    runs 0 import "$from" --config theirs/cfg.json --out joined
    is 1 "$(python3 -c '
from tensors import read
print(int(read("joined/model.safetensors") == read("back/model.safetensors")))')" "the same weights from $from"
    rm -r joined
done

# imported weights are no training run
before=$(cksum < back/model.safetensors)
runs 2 resume back
is 'clearhead resume: back holds imported weights, want a run that was trained; train --init back starts from them' \
    "$err" 'there is nothing to resume'
is "$before" "$(cksum < back/model.safetensors)" 'and the weights stay'
runs 0 train --n 3 --init back --steps 0 --out onward
is 1 "$(python3 -c '
from tensors import read
print(int(read("onward/model.safetensors") == read("back/model.safetensors")))')" 'train --init starts from them'

# refused: one line, no run
refuse() { # EXIT LINE WEIGHTS CONFIG
    runs "$1" import "$3" --config "$4" --out never
    is "clearhead import: $2" "$err" "$3 with $4"
    [ ! -e never ]
    ok $? 'no run of it'
}
spoil() { # PYTHON: t is {name: [shape, numbers]}
    python3 -c "
from tensors import read, write
t = {k: [list(s), list(n)] for k, (s, n) in read('theirs/model.safetensors').items()}
$1
write('bad.safetensors', t)"
}
refuse 2 'there is no run or file at none.safetensors.gone' none.safetensors.gone theirs/cfg.json
refuse 3 'cannot read gone.json: No such file or directory' theirs/model.safetensors gone.json
refuse 2 "wrong.json: unknown key made_up; want TransformerLens' settings, or --ignore-keys" theirs/model.safetensors wrong.json
sed 's/"use_local_attn": false/"use_local_attn": true/' theirs/cfg.json > wrong.json
refuse 3 'wrong.json: use_local_attn is true, only false is supported' \
    theirs/model.safetensors wrong.json
sed 's/"d_head": 8/"d_head": 4/' theirs/cfg.json > wrong.json
runs 2 import theirs/model.safetensors --config wrong.json --out never
is 1 "$(printf '%s' "$err" | grep -c '\[2, 16, 8\].*\[2, 16, 4\]')" 'both shapes are named'
spoil 't["embed.W_E"][1][7] = float("nan")'
runs 3 import bad.safetensors --config theirs/cfg.json --out never
is 1 "$(printf '%s' "$err" | grep -c 'embed.W_E')" 'NaN is said with its tensor'
spoil 'del t["unembed.W_U"]'
runs 2 import bad.safetensors --config theirs/cfg.json --out never
is 1 "$(printf '%s' "$err" | grep -c 'unembed.W_U')" 'a missing tensor is named'
spoil 't["blocks.1.attn.W_Q"] = t["blocks.0.attn.W_Q"]'
refuse 3 "bad.safetensors: tensor blocks.1.attn.W_Q is none of this model's parameters: want the settings of the model the file was made with" bad.safetensors theirs/cfg.json
refuse 2 'shards/model-00001-of-00002.safetensors has no tensor pos_embed.W_pos: it is one of 2 files, want their index, model.safetensors.index.json' shards/model-00001-of-00002.safetensors theirs/cfg.json
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n' > lfs.safetensors
refuse 3 'lfs.safetensors is a Git LFS pointer, want a safetensors file: git lfs pull fetches the file it stands for' lfs.safetensors theirs/cfg.json
refuse 3 'lfs.safetensors is a Git LFS pointer, want JSON: git lfs pull fetches the file it stands for' theirs/model.safetensors lfs.safetensors
head -c 5000 theirs/model.safetensors > bad.safetensors
runs 3 import bad.safetensors --config theirs/cfg.json --out never
printf '\000\000\000\000\000\000\000\020' > bad.safetensors
runs 3 import bad.safetensors --config theirs/cfg.json --out never
sed 's/"n_layers": 1/"n_layers": 1000/; s/"d_model": 16/"d_model": 1000000/' theirs/cfg.json > wrong.json
runs 3 import theirs/model.safetensors --config wrong.json --out never
is 1 "$(printf '%s' "$err" | grep -c 'GB\|TB\|PB')" 'a model too large for memory: its size'
runs 2 import theirs/model.safetensors --out never
is 'clearhead import: --config FILE is missing; see clearhead import -h' "$err" 'without --config'
runs 2 import theirs/model.safetensors --config theirs/cfg.json
is 'clearhead import: --out RUN is missing; see clearhead import -h' "$err" 'without --out'
before=$(cat run/config.json run/model.safetensors | cksum)
runs 3 import theirs/model.safetensors --config theirs/cfg.json --out run
is 'clearhead import: run holds a run already: name another folder, or resume it' "$err" 'a run is not written over'
is "$before" "$(cat run/config.json run/model.safetensors | cksum)" 'and stays as it is'
runs 3 import theirs/model.safetensors --config theirs/cfg.json --out /proc/nowhere
is '' "$(find . -name 'never*' -o -name '*.tmp-*')" 'nothing was left'
# files end at 2 KiB: the config fits, the weights do not
(
    trap '' XFSZ # so that the write fails instead
    ulimit -f 4
    export GCOV_PREFIX="$folder/counts" GCOV_ERROR_FILE=/dev/null # where branches are counted, counts are files too
    runs 3 import theirs/model.safetensors --config theirs/cfg.json --out full
    printf '%s\n' "$err" > refused
) > /dev/null
is 1 "$(grep -c 'cannot write full/model.safetensors' refused)" 'a full disk is said'
[ ! -e full ]
ok $? 'and leaves no half run'
finish
