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
runs 0 cache run --tokens batch.json --out all.safetensors
is "17 tensors, 20.2 kB: all.safetensors" "$out" 'a line says what was written'
is "[2, 9] tokens: $(printf '%s' "$err" | sed 's/.*tokens: //')" "$err" 'and before how much it takes'
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
cmp -s all.safetensors stdin.safetensors
ok $? '- reads stdin'

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
assert abs(said["loss"] - loss) < 1e-6 and said["tensors"] == len(t)
bias = t["grad.unembed.b_U"][1]
assert max(abs(bias[k] - slope[k] / count) for k in range(d)) < 1e-6
print(1)')" 'loss and the gradient of b_U follow from the logits'
is "$(python3 "$PYTHONPATH/tensors.py" run/model.safetensors | sort)" \
    "$(python3 "$PYTHONPATH/tensors.py" grads.safetensors | sed -n 's/^grad\.//p' | sort)" \
    'a gradient for every parameter, of its shape'
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
is 'clearhead cache: bad.json line 1' "${err%%:\ \'*}" 'what is no JSON is said with its line'
python3 -c 'print([[0] * 27])' > bad.json
refuse 2 'bad.json: row 0 has 27 tokens, the model takes at most 26 (n_ctx)' --tokens bad.json
refuse 3 'cannot read none.json: No such file or directory' --tokens none.json
refuse 2 'no hook point matches blocks.0.hook_atn_out; did you mean blocks.0.hook_attn_out?' --names blocks.0.hook_atn_out
refuse 2 'no hook point matches *nothing*; clearhead show run lists them' --names '*nothing*'
refuse 2 '--tokens and --text are both given, want one of them' --tokens batch.json --text a
refuse 2 'this makes a sequence of 122 tokens, the model takes at most 26 (n_ctx)' --letters abcd
refuse 2 '--first-scored decides the loss, want --grads too' --tokens batch.json --first-scored 3
refuse 2 'the loss begins at token 9 (first_scored), want it in [1, 8] for 9 tokens' --tokens batch.json --grads --first-scored 9
refuse 2 'the loss begins at token 0 (first_scored), want it in [1, 8] for 9 tokens' --tokens batch.json --grads --first-scored 0
refuse 2 'run has no checkpoint of step 3' --checkpoint 3
runs 2 cache run
is 'clearhead cache: --out FILE is missing; see clearhead cache -h' "$err" 'without --out'
runs 2 cache run --text 'a!' --out never.safetensors
is 1 "$(printf '%s' "$err" | grep -c '"!"\|!')" 'an unknown symbol is named'
runs 3 cache run --out /proc/nowhere/a.safetensors
is '' "$(find . -name 'never*' -o -name '*.tmp-*')" 'nothing was left'

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
