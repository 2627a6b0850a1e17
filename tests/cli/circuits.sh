#!/bin/sh
# circuits: the table, its JSON, the matrices in a file, a figure, refusals.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3

runs 0 train --n 2 --steps 4 --d-model 16 --d-head 4 --n-heads 2 --n-layers 2 --out run
runs 0 circuits run
is 4 "$(printf '%s\n' "$out" | grep -c ' W_E W_V W_O W_U ')" 'an OV circuit for each head, named by its product'
runs 0 circuits run --json
is 0.0.ov "$(value circuits.blocks.0.head.0.ov.kind | sed s/^/0.0./)" 'its name says layer, head and circuit'
is '42 12 True True True' "$(printf '%s' "$out" | python3 -c '
import json, math, sys
d = json.load(sys.stdin)
c, a = d["tables"]["circuits"], d["arrays"]
values = lambda x, what: a[x["circuit"] + "." + what]["values"]
norms = all(math.isclose(x["norm"], math.hypot(*values(x, "singular_values")), rel_tol=1e-6) for x in c)
def copying(x):
    re, im = values(x, "eigenvalues_re"), values(x, "eigenvalues_im")
    return sum(re) / sum(map(math.hypot, re, im))
square = [x for x in c if x["row_count"] == x["col_count"]]
print(len(c), len(d["tables"]["composition"]), norms,
      len(square) == 21 and all(math.isclose(copying(x), x["copying"], rel_tol=1e-6) for x in square),
      all(x["copying"] is None for x in c if x not in square))')" \
    'norms are those of the singular values, copying scores those of the eigenvalues, of square circuits'
is 'W_E W_V W_O W_U' "$(value circuits.blocks.1.head.1.ov.product)" 'each says which product it is'

# what is an array: the matrix itself, and the vectors that make it up
whole=$out
part() { "$clearhead" circuits run --json --part "blocks.1.head.0.$1"; }
for what in ov ov.left ov.right qk_bias_token; do part $what > $what.json; done
is 'True True True' "$(printf '%s' "$whole" | python3 -c '
import json, math, sys
whole = json.load(sys.stdin)["arrays"]
name = "blocks.1.head.0."
of = lambda what: json.load(open(what + ".json"))["arrays"][name + what]
ov, left, right = of("ov"), of("ov.left")["values"], of("ov.right")["values"]
s = whole[name + "ov.singular_values"]["values"]
made = [[sum(u * x * v for u, x, v in zip(row, s, col)) for col in right] for row in left]
near = all(abs(x - y) < 1e-6 for rows in zip(made, ov["values"], strict=True) for x, y in zip(*rows, strict=True))
bias = of("qk_bias_token")
print(near, [(x["name"], x["length"]) for x in ov["axes"]] == [("source token", 65), ("output", 65)]
      and ov["axes"][0]["labels"][:4] == [">", " ", ".", "a"] and ov["unit"] == "logit",
      bias["axes"][0]["labels"] == ["query bias"] and bias["unit"] == "score"
      and whole[name + "ov"]["values"] is None)')" 'a matrix is U diag(s) V^T; its rows and columns are called by their tokens'
runs 2 circuits run --part blocks.7.head.0.ov
is 1 "$(printf '%s' "$err" | grep -c 'did you mean blocks.[01].head.0.ov$')" 'a matrix there is not'

# only some
runs 0 circuits run --kind qk_position --layer 1 --json
is 'blocks.1.head.0.qk_position blocks.1.head.1.qk_position' "$(printf '%s' "$out" | python3 -c '
import json, sys
print(*[x["circuit"] for x in json.load(sys.stdin)["tables"]["circuits"]])')" 'of a kind and a layer'
for kind in ov ov_position qk qk_token_position qk_position_token qk_position qk_bias_token qk_bias_position head_ov head_qk \
    direct direct_position; do
    "$clearhead" circuits run --kind $kind --layer 0 --head 1 --json
done > kinds.jsonl
is 'ov ov_position qk qk_token_position qk_position_token qk_position qk_bias_token qk_bias_position head_ov head_qk direct direct_position' \
    "$(python3 -c '
import json
print(*[x["kind"] for line in open("kinds.jsonl") for x in json.loads(line)["tables"]["circuits"]])')" \
    'every kind is called by its name'
runs 0 circuits run --norm --json
is "W_E W_Q' W_K'^T W_E^T / attn_scale" "$(value circuits.blocks.0.head.0.qk.product)" 'norms folded in, and said'
runs 0 circuits run --checkpoints --numbers composition.Q.0.0.1.1.score
is '0 1 2 3 4' "$(printf '%s\n' "$out" | sed 1d | awk '{print $1}' | xargs)" 'over training'
runs 2 circuits run --layer 2
is 'clearhead circuits: layer 2, want it below n_layers = 2' "$err" 'a layer that is not there'
runs 2 circuits run --kind qk_positon
is 1 "$(printf '%s' "$err" | grep -c 'did you mean qk_position$')" 'a typing error'
runs 2 circuits run --samples 1
runs 2 circuits run --figure x.txt
draws qk.png circuits run --kind qk_position --figure

# Folded weights are another run with the same numbers.
runs 0 export run --fold --to folded --json
is True "$(printf '%s' "$out" | python3 -c '
import json, sys
print(json.load(sys.stdin)["log_prob_change"] < 1e-5)')" 'log-probabilities stay'
is 'fold_layer_norm center_writing_weights center_unembed fold_value_biases' "$(python3 -c '
import json, struct
b = open("folded/model.safetensors", "rb").read()
h = json.loads(b[8:8 + struct.unpack("<Q", b[:8])[0]])
print(json.loads(h["__metadata__"]["config"])["folded"])')" 'the file says what was done'
is LNPre "$(python3 -c 'import json; print(json.load(open("folded/cfg.json"))["normalization_type"])')" \
    'the config says so'
runs 0 import folded/model.safetensors --config folded/cfg.json --task permutations --out back
is 'fold_layer_norm center_writing_weights center_unembed fold_value_biases' \
    "$(python3 -c 'import json; print(json.load(open("back/config.json"))["folded"])')" 'and so does a run made of it'
is "''" "$(python3 -c 'import json; print(repr(json.load(open("run/config.json"))["folded"]))')" 'which a trained one does not'
runs 0 export back --refactor --to even
is 1 "$(printf '%s\n' "$out" | grep -c '^folded: .* fold_value_biases refactor_factored_attn_matrices$')" \
    'a second folding adds to the record'
runs 0 train --init back --steps 1 --n 2 --out again
is "''" "$(python3 -c 'import json; print(repr(json.load(open("again/config.json"))["folded"]))')" \
    'training starts from none'
runs 0 eval run --json
before=$out
runs 0 eval back --json
is True "$(python3 -c '
import json, sys
a, b = (json.loads(x)["numbers"]["loss"]["value"] for x in sys.argv[1:])
print(abs(a - b) < 1e-5 * a)' "$before" "$out")" 'and the loss with them'
finish
