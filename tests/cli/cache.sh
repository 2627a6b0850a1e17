#!/bin/sh
# cache: every activation under its name, the loss and gradients that the logits themselves imply,
# and what is refused before a file is there.
. "$(dirname "$0")/../support/tap.sh"
PYTHONPATH=$(cd "$(dirname "$0")/../support" && pwd)
PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH PYTHONDONTWRITEBYTECODE
cd "$folder" || exit 3

names() { python3 "$PYTHONPATH/tensors.py" "$1" | cut -d' ' -f1; }

runs 0 train --n 3 --steps 12 --d-model 16 --d-head 8 --n-heads 2 --out run
echo '[[0, 1, 3, 4, 5, 1, 3, 5, 4], [0, 1, 9, 8, 7, 1, 9, 7, 8]]' > batch.json

# what is in the file
runs 0 cache run --tokens batch.json --json --out all.safetensors
is '17 20232 2 9 2 given sequences' \
    "$(value tensors) $(value bytes) $(value batch) $(value pos) $(value sample)" 'how much it takes is said'
is "tokens
hook_embed
hook_pos_embed
blocks.0.hook_resid_pre
blocks.0.ln1.hook_scale
blocks.0.ln1.hook_normalized
blocks.0.attn.hook_q
blocks.0.attn.hook_k
blocks.0.attn.hook_v
blocks.0.attn.hook_attn_scores
blocks.0.attn.hook_pattern
blocks.0.attn.hook_z
blocks.0.hook_attn_out
blocks.0.hook_resid_post
ln_final.hook_scale
ln_final.hook_normalized
logits" "$(names all.safetensors)" 'every hook point of the notebook, tokens, logits'
is '[[0, 1, 3, 4, 5, 1, 3, 5, 4], [0, 1, 9, 8, 7, 1, 9, 7, 8]]' "$(python3 -c '
from tensors import read
shape, ids = read("all.safetensors")["tokens"]
print([[int(i) for i in ids[r * shape[1]:(r + 1) * shape[1]]] for r in range(shape[0])])')" \
    'the tokens are those given'
is '[2, 2, 9, 9]' "$(python3 -c '
from tensors import read
shape, p = read("all.safetensors")["blocks.0.attn.hook_pattern"]
assert all(abs(sum(p[i * 9:i * 9 + 9]) - 1) < 1e-5 for i in range(36))
print(shape)')" 'rows of the pattern sum to 1'

runs 0 cache run --tokens batch.json --names '*hook_[qk]' --out some.safetensors
is 'tokens blocks.0.attn.hook_q blocks.0.attn.hook_k logits' "$(names some.safetensors | xargs)" \
    'a pattern chooses, logits are always there'
runs 0 cache run --tokens - --out stdin.safetensors < batch.json
is 1 "$(python3 -c '
from tensors import read
print(int(read("all.safetensors") == read("stdin.safetensors")))')" '- reads stdin'
runs 0 cache run --tokens - --checkpoints < batch.json

# loss and gradients: what the logits of the file imply
runs 0 cache run --tokens batch.json --grads --json --out grads.safetensors
is 1 "$(printf '%s' "$out" | python3 -c '
import json, math, sys
from tensors import read
said, t = json.load(sys.stdin), read("grads.safetensors")
(batch, pos, d), logits = t["logits"]
ids, total, count, slope = t["tokens"][1], 0.0, 0, [0.0] * d
for b in range(batch):
    for i in range(5, pos):                                  # n + 2: the first term is the prompt
        row = logits[(b * pos + i - 1) * d:(b * pos + i) * d]
        log_sum = math.log(sum(math.exp(x) for x in row))
        total += log_sum - row[int(ids[b * pos + i])]
        count += 1
        for k in range(d):
            slope[k] += math.exp(row[k] - log_sum) - (k == ids[b * pos + i])
loss = t["loss"][1][0]
assert t["loss"][0] == [] and abs(loss - total / count) < 1e-5, (loss, total / count)
assert abs(said["arrays"]["loss"]["values"] - loss) < 1e-6 and said["numbers"]["tensors"]["value"] == len(t)
bias = t["grad.unembed.b_U"][1]
assert max(abs(bias[k] - slope[k] / count) for k in range(d)) < 1e-6
print(1)')" 'loss and the gradient of b_U follow from the logits'
is "$(python3 "$PYTHONPATH/tensors.py" run/model.safetensors | sort)" \
    "$(python3 "$PYTHONPATH/tensors.py" grads.safetensors | sed -n 's/^grad\.//p' |
    grep -v -e hook_ -e logits | sort)" 'a gradient for every parameter, of its shape'
is "$(python3 "$PYTHONPATH/tensors.py" grads.safetensors | grep -e ^hook_ -e '^[a-z].*\.hook_' -e ^logits | grep -v ^grad)" \
    "$(python3 "$PYTHONPATH/tensors.py" grads.safetensors | sed -n 's/^grad\.//p' |
    grep -e hook_ -e logits)" 'and for every activation'
runs 0 cache run --tokens batch.json --grads --first-scored 8 --out late.safetensors
is 1 "$(python3 -c '
from tensors import read
a, b = read("grads.safetensors"), read("late.safetensors")
print(int(a["loss"] != b["loss"] and a["logits"] == b["logits"]))')" '--first-scored moves the loss alone'
runs 0 cache run --letters cba --grads --out letters.safetensors
runs 0 cache run --out held.safetensors
is '[1, 26]' "$(python3 "$PYTHONPATH/tensors.py" held.safetensors | sed -n 's/^tokens //p')" \
    'without tokens, a held-out sequence'
runs 0 cache run --text '> ab' --checkpoint 4 --out text.safetensors
runs 0 cache run --out split.safetensors --names 'blocks.0.ln1*'

# refused: one line, no file
refuse() { # EXIT LINE ARGUMENTS...
    code=$1 line=$2
    shift 2
    runs "$code" cache run "$@" --out never.safetensors
    is "clearhead cache: $line" "$(printf '%s\n' "$err" | tail -n 1)" "line of: $*"
}
put() { printf '%s' "$1" > bad.json; }
put '[[0, 1], [0, 1, 2]]'
refuse 2 'bad.json: row 1 has 3 tokens and row 0 has 2, want them equal' --tokens bad.json
put '[[0, 1], [0, 65]]'
refuse 2 'bad.json: row 1, token 1 is 65, want a whole number in [0, 64]' --tokens bad.json
put '[[0, -1]]'
refuse 2 'bad.json: row 0, token 1 is -1, want a whole number in [0, 64]' --tokens bad.json
put '[["a"]]'
refuse 2 'bad.json: row 0, token 0 is "a", want a whole number in [0, 64]' --tokens bad.json
put '[[1.5]]'
refuse 2 'bad.json: row 0, token 0 is 1.5, want a whole number in [0, 64]' --tokens bad.json
put '[0, 1]'
refuse 2 'bad.json: row 0 is no array, want an array of arrays of token ids: [[0, 1, 3], [0, 1, 4]]' --tokens bad.json
put '{"a": 1}'
refuse 2 'bad.json: no rows, want an array of arrays of token ids: [[0, 1, 3], [0, 1, 4]]' --tokens bad.json
put '[[]]'
refuse 2 'bad.json: row 0 is empty, want at least one token' --tokens bad.json
put '[[3]]'
refuse 2 'a loss needs a token to predict: 1 token is given, want 2' --grads --tokens bad.json
put '[[0, 1'
runs 3 cache run --tokens bad.json --out never.safetensors
is 'clearhead cache: bad.json line 1 is not JSON' "${err%%:\ \'*}" 'what is no JSON is said with its line'
python3 -c 'print([[0] * 27])' > bad.json
refuse 2 'bad.json: row 0 has 27 tokens, the model takes at most 26 (n_ctx)' --tokens bad.json
refuse 3 'cannot read none.json: No such file or directory' --tokens none.json
refuse 2 'no activation is called blocks.0.hook_atn_out; did you mean blocks.0.hook_attn_out?' --names blocks.0.hook_atn_out
refuse 2 'no activation is called *nothing*, want a hook name, a pattern or a short name such as resid_pre' --names '*nothing*'
refuse 2 'text and tokens are both given, want one of them' --tokens batch.json --text a
refuse 2 'this makes a sequence of 122 tokens, the model takes at most 26 (n_ctx)' --letters abcd
refuse 2 'first_scored decides the loss, want grads too' --tokens batch.json --first-scored 3
refuse 2 'the loss begins at token 9 (first_scored), want it in [1, 8] for 9 tokens' --tokens batch.json --grads --first-scored 9
refuse 2 'the loss begins at token 0 (first_scored), want it in [1, 8] for 9 tokens' --tokens batch.json --grads --first-scored 0
refuse 2 'run has no checkpoint of step 3, the nearest of 8 is step 2' --checkpoint 3
runs 0 cache run
is '  blocks.0.attn.hook_pattern      F32 [batch 1, head 2, query_pos 26, key_pos 26], 5.4 kB' \
    "$(printf '%s\n' "$out" | grep hook_pattern)" 'without --out it is only listed'
runs 2 cache run --text 'a!' --out never.safetensors
is 1 "$(printf '%s' "$err" | grep -c '"!"\|!')" 'an unknown symbol is named'
runs 3 cache run --out /proc/nowhere/a.safetensors
is '' "$(find . -name 'never*' -o -name '*.tmp-*')" 'nothing was left'

refuse 2 'metric is what gradients are of, want grads too' --tokens batch.json --metric loss
refuse 2 'first_scored decides the loss, the metric is prob' --tokens batch.json --grads --metric prob:1:a --first-scored 3
refuse 2 "the metric's position is 9, want one in [-9, 8]" --tokens batch.json --grads --metric prob:9:a
for wrong in 9 -10 4:2 3:3 0:10 :, 1,, a 1:2:3; do
    refuse 2 "positions is $wrong, want numbers in [-9, 8] and slices a:b, commas between: 0:5,-1" --tokens batch.json --positions "$wrong"
done
refuse 2 'positions is empty, want SLICES' --tokens batch.json --positions ''
refuse 2 'batch is 2, want numbers in [-2, 1] and slices a:b, commas between: 0:5,-1' --tokens batch.json --batch 2
for wrong in G -1 0 2X 1e30 5GG; do
    refuse 2 "limit is $wrong, want bytes such as 500M, 1.5G or 4096" --tokens batch.json --limit "$wrong"
done
refuse 2 'the activations of [2, 9] tokens take 20.4 kB of memory and 20.2 kB to write, want at most 20.0 kB (limit)' --tokens batch.json --limit 20k
refuse 2 'the activations of [2, 9] tokens take 20.4 kB of memory and 20.2 kB to write, want at most 20.0 kB (limit)' --tokens batch.json --limit 20000B
runs 0 cache run --tokens batch.json --limit 21K --out limit.safetensors

# what would be written is what is written
runs 0 cache run --tokens batch.json --names q,pattern --positions 1:3,-1 --batch 1 --grads --json
is '' "$(find . -name 'never*')" 'a list writes nothing'
printf '%s' "$out" > list.json
runs 0 cache run --tokens batch.json --names q,pattern --positions 1:3,-1 --batch 1 --grads --json --out cut.safetensors
is "$(cat list.json)" "$out" 'and says the same'
is 1 "$(python3 -c '
import json
from tensors import header
said, there = json.load(open("list.json")), header("cut.safetensors")[0]
arrays = said["arrays"]
assert set(arrays) == set(there) and len(arrays) == said["numbers"]["tensors"]["value"]
assert all(there[n]["shape"] == [x["length"] for x in a["axes"]] and there[n]["dtype"] == a["dtype"]
           for n, a in arrays.items())
total = sum(e - b for b, e in (row["data_offsets"] for row in there.values()))
assert total == said["numbers"]["bytes"]["value"] == sum(a["bytes"] for a in arrays.values())
assert arrays["logits"]["values"] is None and arrays["tokens"]["values"] == [[0, 1, 9, 8, 7, 1, 9, 7, 8]]
assert [x["name"] for x in arrays["grad.blocks.0.attn.W_Q"]["axes"]] == ["head", "d_model", "d_head"]
print(1)')" 'the bytes predicted are those written'
runs 0 cache run --tokens batch.json --names q --part logits --json
is 1 "$(printf '%s' "$out" | python3 -c '
import json, sys
from tensors import read
(shape, want), got = read("all.safetensors")["logits"], json.load(sys.stdin)["arrays"]["logits"]["values"]
flat = [x for b in got for p in b for x in p]
assert len(flat) == len(want) and all(abs(x - y) <= 1e-7 * (1 + abs(y)) for x, y in zip(flat, want))
print(1)')" 'one array alone'

# slices are those of the whole
runs 0 cache run --tokens batch.json --batch 1 --grads --out one.safetensors
is 1 "$(python3 -c '
from tensors import read
cut, one, all = read("cut.safetensors"), read("one.safetensors"), read("all.safetensors")
assert cut["tokens"] == ([1, 9], all["tokens"][1][9:]) and cut["batch"] == ([1], (1,))
assert cut["positions"] == ([3], (1, 2, 8)) and cut["loss"] == one["loss"]
def rows(tensor, dim, places):
    shape, x = tensor
    inner = 1
    for n in shape[dim + 1:]: inner *= n
    outer = len(x) // inner // shape[dim]
    out = [x[(o * shape[dim] + p) * inner + i] for o in range(outer) for p in places for i in range(inner)]
    return shape[:dim] + [len(places)] + shape[dim + 1:], tuple(out)
chosen = [n for n in cut if n.endswith(("hook_q", "hook_pattern", "logits"))]
assert len(chosen) == 6, chosen
for name in chosen:
    assert cut[name] == rows(one[name], 2 if "pattern" in name else 1, [1, 2, 8]), name
shape, x = all["blocks.0.attn.hook_q"]
assert one["blocks.0.attn.hook_q"][1] == x[len(x) // 2:]
print(1)')" 'positions and sequences are those of the whole'

# npz holds the same
runs 0 cache run --tokens batch.json --names q,pattern --positions 1:3,-1 --batch 1 --grads --out cut.npz
is 1 "$(python3 -c '
from tensors import header, read, read_npz
arrays, metadata = read_npz("cut.npz")
same = {k: v for k, v in header("cut.safetensors")[1].items() if k != "checksum"} # npz has CRC-32
assert arrays == read("cut.safetensors") and metadata == same
assert metadata["metric"] == "loss" and metadata["run"] == "run" and metadata["step"] == "12"
print(1)')" 'npz has the arrays and metadata of safetensors'
runs 0 cache run --tokens batch.json --names q,pattern --positions 1:3,-1 --batch 1 --grads --out again.npz
cmp -s cut.npz again.npz
ok $? 'and the same bytes again'
if python3 -c 'import numpy' 2> /dev/null; then
    is 1 "$(python3 -c '
import numpy
from tensors import read
want = read("cut.safetensors")
with numpy.load("cut.npz") as got:
    assert set(got.files) == set(want) | {"__metadata__"}
    for name, (shape, x) in want.items():
        assert list(got[name].shape) == shape and tuple(got[name].flatten().tolist()) == x, name
    assert got["tokens"].dtype == numpy.int64 and got["loss"].dtype == numpy.float64
    assert got["logits"].dtype == numpy.float32
print(1)')" 'numpy.load() reads it'
else
    skip 'numpy.load() reads it' 'no NumPy'
fi
runs 3 cache run --out /proc/nowhere/a.npz

# gradients of other scalars: of one logit the gradient of the logits is one 1, of a difference also
# a -1, and what b_U gets is their sum
is 1 "$(for metric in logit:-3:b logit_diff:-3:b:c; do
    "$clearhead" cache run --tokens batch.json --grads --metric $metric --json --out m.safetensors > said 2> /dev/null
    python3 -c '
import json, sys
from tensors import read
metric, t, said = sys.argv[1], read("m.safetensors"), json.load(open("said"))["arrays"]
(batch, pos, d), logits = t["logits"]
kind, bias = metric.split(":")[0], t["grad.unembed.b_U"][1]
value = sum(logits[(b * pos + pos - 3) * d + 4] - ("diff" in kind) * logits[(b * pos + pos - 3) * d + 5]
            for b in range(batch))
assert abs(said[kind]["values"] - value) < 1e-6 and abs(t[kind][1][0] - value) < 1e-6
want = [0.0] * d
want[4], want[5] = 2.0, -2.0 * ("diff" in kind)
assert list(bias) == want
flat = t["grad.logits"][1]
assert sum(x != 0 for x in flat) == (4 if "diff" in kind else 2)
print(1)' $metric || echo 0
done | sort -u)" 'the gradient of a logit is one at that logit'

# a box of an activation: its own gradient is 1 in the box, of what comes later 0
runs 0 cache run --tokens batch.json --grads --metric 'blocks.0.attn.hook_q[1,-1,0,2:5]' --out box.safetensors
is 1 "$(python3 -c '
from tensors import header, read
t = read("box.safetensors")
shape, q = t["blocks.0.attn.hook_q"]
flat = [1.0 if b == 1 and p == 8 and h == 0 and 2 <= k < 5 else 0.0
        for b in range(2) for p in range(9) for h in range(2) for k in range(8)]
assert list(t["grad.blocks.0.attn.hook_q"][1]) == flat and shape == [2, 9, 2, 8]
assert abs(t["sum"][1][0] - sum(x for x, g in zip(q, flat) if g)) < 1e-6
assert not any(t["grad.blocks.0.attn.hook_z"][1]) and not any(t["grad.logits"][1])
assert any(t["grad.hook_embed"][1][9 * 16:]) and not any(t["grad.hook_embed"][1][:9 * 16])
assert header("box.safetensors")[1]["metric"] == "blocks.0.attn.hook_q[1,-1,0,2:5]"
print(1)')" 'the gradient of a box is 1 in it and 0 behind it'
refuse 2 'no activation is called blocks.0.attn.hook_qq; did you mean blocks.0.attn.hook_q?' --tokens batch.json --grads --metric 'blocks.0.attn.hook_qq[0]'
refuse 2 'blocks.0.attn.hook_q[0,9,0,0]: the activation is [2, 9, 2, 8], want a number or a slice a:b for each of its 4 dimensions in brackets' --tokens batch.json --grads --metric 'blocks.0.attn.hook_q[0,9,0,0]'
refuse 3 'the sum over the box of blocks.0.attn.hook_attn_scores is -inf, want it finite' --tokens batch.json --grads --metric 'blocks.0.attn.hook_attn_scores[0,0,0,1]'

# a mixture does not say where the loss of tokens begins
runs 0 train --n 2,3 --steps 2 --d-model 8 --d-head 4 --out mix
runs 2 cache mix --tokens batch.json --grads --out never.safetensors
runs 0 cache mix --tokens batch.json --grads --first-scored 5 --out mix.safetensors
runs 0 cache mix --letters ab --grads --out mix.safetensors

# more than the machine has is refused before it is asked for: a pattern of 400,000 x 400,000
runs 0 export run --to theirs
python3 - <<'PYTHON'
import json
from tensors import read, write
weights, config = read("theirs/model.safetensors"), json.load(open("theirs/cfg.json"))
config["n_ctx"] = 400000
weights["pos_embed.W_pos"] = ([config["n_ctx"], 16], (0.0,) * (16 * config["n_ctx"]))
write("long.safetensors", weights)
json.dump(config, open("long.json", "w"))
json.dump([[0] * config["n_ctx"]], open("huge.json", "w"))
PYTHON
runs 0 import long.safetensors --config long.json --out long
runs 3 cache long --tokens huge.json --out never.safetensors
is 'clearhead cache: the activations of [1, 400000] tokens' "${err%% tokens*} tokens" 'what does not fit is named'
is 1 "$(printf '%s' "$err" | grep -c '2.6 TB')" 'with its size'
is 0 "$(find . -name 'never*' | wc -l | tr -d ' ')" 'and nothing written'
finish
