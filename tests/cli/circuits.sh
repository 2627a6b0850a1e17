#!/bin/sh
# circuits: the table, its JSON, the matrices in a file, a figure, refusals.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3

runs 0 train --n 2 --steps 4 --d-model 16 --d-head 4 --n-heads 2 --n-layers 2 --out run
runs 0 circuits run --out m.safetensors
is 4 "$(printf '%s\n' "$out" | grep -c ' W_E W_V W_O W_U ')" 'an OV circuit for each head, named by its product'
is 12 "$(printf '%s\n' "$out" | grep -c ' z ')" 'Q, K and V composition of the four pairs'
runs 0 circuits run --json
is '42 12 True True' "$(printf '%s' "$out" | python3 -c '
import json, math, sys
d = json.load(sys.stdin)
c = d["circuits"]
norms = all(math.isclose(x["norm"], math.hypot(*x["singular_values"]), rel_tol=1e-6) for x in c)
ov = next(x for x in c if x["circuit"] == "ov")
copying = sum(ov["eigenvalues_re"]) / sum(map(math.hypot, ov["eigenvalues_re"], ov["eigenvalues_im"]))
print(len(c), len(d["composition"]["pairs"]), norms, math.isclose(copying, ov["copying"], rel_tol=1e-6))')" \
    'the same as JSON: norms are those of the singular values, copying that of the eigenvalues'
is 'W_E W_V W_O W_U True True' "$(python3 -c '
import json, struct
b = open("m.safetensors", "rb").read()
n = struct.unpack("<Q", b[:8])[0]
h = json.loads(b[8:8 + n])
m = h["__metadata__"]
print(m["ov"], len(json.loads(m["tokens"])) == h["blocks.1.head.1.ov"]["shape"][0] == 65,
      len(h) == 43)')" 'every matrix with its product and the tokens'
runs 0 circuits run --norm --json
is True "$(printf '%s' "$out" | python3 -c '
import json, sys
d = json.load(sys.stdin)
print(d["norm"] and d["circuits"][2]["product"] == "W_E W_Q'"'"' W_K'"'"'^T W_E^T / attn_scale")')" 'norms folded in, and said'
runs 2 circuits run --figure x.png --layer 2
is 'clearhead circuits: --layer 2, want it below n_layers = 2' "$err" 'a layer that is not there'
runs 2 circuits run --figure x.png --kind qk_positon
is 'clearhead circuits: --kind qk_positon is no circuit, did you mean qk_position?' "$err" 'a typing error'
runs 2 circuits run --layer 1
is 'clearhead circuits: --layer chooses what is drawn, want --figure too' "$err" 'what would have no effect'
runs 2 circuits run --samples 1
runs "$bad_ending" circuits run --figure x.txt
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
runs 0 import folded/model.safetensors --config folded/cfg.json --out back
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
a, b = (json.loads(x)["loss"] for x in sys.argv[1:])
print(abs(a - b) < 1e-5 * a)' "$before" "$out")" 'and the loss with them'
finish
