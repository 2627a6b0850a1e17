#!/bin/sh
# attribute: parts that add up to the logit the cache has, however fine and under either norm; a lens
# whose last stream is the model; every checkpoint; figures; what is refused.
. "$(dirname "$0")/../support/tap.sh"
PYTHONPATH=$(cd "$(dirname "$0")/../support" && pwd)
PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH PYTHONDONTWRITEBYTECODE
cd "$folder" || exit 3

runs 0 train --n 3 --steps 8 --d-model 16 --d-head 8 --n-heads 2 --n-layers 2 --attn-only=false --d-mlp 12 --out run

# parts add up, to what the logits say
runs 0 cache run --letters cab --out acts.safetensors
for split in layers heads neurons; do
    for norm in frozen recomputed; do
        "$clearhead" attribute run --letters cab --split $split --norm $norm --json > $split.$norm.json
    done
done
is 1 "$(python3 -c '
import json
from tensors import read
t = read("acts.safetensors")
(_, pos, d), logits = t["logits"]
ids = t["tokens"][1]
wanted = []
for p in range(4, pos - 1):                                  # n + 2: the first term is the prompt
    row = logits[p * d:(p + 1) * d]
    wanted.append(row[ids[p + 1]] - sum(row) / d)
counts = {"layers": 2 + 2 * 2 + 1, "heads": 2 + 2 * (2 + 1 + 1) + 1, "neurons": 2 + 2 * (2 + 1 + 12 + 1) + 1}
for split, count in counts.items():
    for norm in "frozen", "recomputed":
        x = json.load(open(f"{split}.{norm}.json"))
        assert (x["split"], x["norm"], x["metric"], x["sequences"]) == (split, norm, "right", 1)
        assert len(x["components"]) == count, (split, len(x["components"]))
        assert x["positions"] == list(range(4, pos - 1))
        assert len({c["name"] for c in x["components"]}) == count
        by = x["by_position"]
        for i, want in enumerate(wanted):
            parts = sum(c["by_position"][i] for c in x["components"])
            whole = parts + by["norm_bias"][i] + by["unembed_bias"][i] + by["remainder"][i]
            assert abs(whole - want) < 1e-5 and abs(by["total"][i] - want) < 1e-5
            assert norm == "recomputed" or abs(by["remainder"][i]) < 1e-5
        mean = sum(wanted) / len(wanted)
        whole = sum(c["value"] for c in x["components"]) + x["norm_bias"] + x["unembed_bias"]
        assert abs(x["total"] - mean) < 1e-5 and abs(whole + x["remainder"] - mean) < 1e-5
        assert (x["largest_remainder"] < 1e-5) == (norm == "frozen"), x["largest_remainder"]
layers, heads = (json.load(open(f"{s}.frozen.json")) for s in ("layers", "heads"))
value = lambda x: {c["name"]: c["value"] for c in x["components"]}
a, b = value(layers), value(heads)
for l in range(2):
    assert abs(a[f"{l}_attn_out"] - b[f"L{l}H0"] - b[f"L{l}H1"] - b[f"{l}_b_O"]) < 1e-5
print(1)')" 'parts, biases and remainder add up to the logit of the cache'

runs 0 attribute run --letters cab --metric logit_diff:-3:c:a --json
printf '%s' "$out" > diff.json
is 1 "$(python3 -c '
import json
from tensors import read
t, x = read("acts.safetensors"), json.load(open("diff.json"))
(_, pos, d), logits = t["logits"]
at = (pos - 3) * d
assert x["positions"] == [pos - 3] and x["metric"] == "logit_diff:-3:c:a"
assert abs(x["total"] - (logits[at + 5] - logits[at + 3])) < 1e-6
whole = sum(c["value"] for c in x["components"]) + x["norm_bias"] + x["unembed_bias"]
assert abs(whole - x["total"]) < 1e-5
print(1)')" 'a difference of logits is that of the cache'

# text: what the norm is, the parts, the positions of a small model
runs 0 attribute run --count 5 --split layers
is 1 "$(printf '%s\n' "$out" | grep -c 'final norm frozen; 21 positions of 5 sequences$')" 'the norm is said'
runs 0 train --n 3 --steps 2 --d-model 16 --d-head 8 --out small
runs 0 attribute small --letters abc --positions 5:8,-1
is '5 6 7 24' "$(printf '%s\n' "$out" | awk 'NF > 9 && $1 ~ /^[0-9]+$/ {print $1}' | xargs)" \
    'a line for each position'
is resid_remainder "$(printf '%s\n' "$out" | awk '$1 == "pos" {print $7}')" 'a column is as wide as its name'
is '' "$(printf '%s\n' "$out" | grep -e '-0\.0* *\( \|$\)')" 'no zero has a sign'

# the lens: its last stream is what eval says of the same sequences
runs 0 attribute run --lens --count 10 --json
printf '%s' "$out" > lens.json
is 1 "$("$clearhead" eval run --count 10 --json | python3 -c '
import json, sys
x, e = json.load(open("lens.json")), json.load(sys.stdin)
names = [s["name"] for s in x["streams"]]
assert names == ["0_pre", "0_mid", "1_pre", "1_mid", "final_post"] and x["norm"] == "recomputed"
last = x["streams"][-1]
assert abs(last["loss"] - e["loss"]) < 1e-5 * (1 + e["loss"]), (last["loss"], e["loss"])
assert abs(last["correct"] - e["token_accuracy"]) < 1e-9 and x["distance"] < 1e-5
for s in x["streams"]:
    assert all(0 <= p <= 1 for p in s["by_position"]["prob"])
    assert abs(sum(s["by_position"]["loss"]) / len(x["positions"]) - s["loss"]) < 1e-6
assert all((r == 0) == (c == 1) for r, c in zip(last["by_position"]["rank"], last["by_position"]["correct"]))
print(1)')" 'the last stream of the lens is the model'

# over training
for what in '' --lens; do
    runs 0 attribute run $what --count 3 --checkpoints --json
    printf '%s\n' "$out" > film.jsonl
    is 1 "$("$clearhead" attribute run $what --count 3 --json | python3 -c '
import json, sys
rows, last = [json.loads(line) for line in open("film.jsonl")], json.load(sys.stdin)
assert [r["step"] for r in rows] == sorted({r["step"] for r in rows}) and len(rows) > 3
drop = lambda r: {k: v for k, v in r.items() if k != "run"}
assert drop(rows[-1]) == drop(last) and drop(rows[0]) != drop(last)
print(1)')" "a line for each checkpoint, the last one the model: $what"
done
runs 0 attribute run --lens --count 3 --checkpoints
is 'step streams.0_pre.loss streams.final_post.loss streams.final_post.prob' \
    "$(printf '%s\n' "$out" | head -n 1 | xargs)" 'a table of the streams'
runs 0 attribute run --count 3 --checkpoints
is 'step total components.L0H0.value components.pos_embed.value' \
    "$(printf '%s\n' "$out" | head -n 1 | xargs)" 'or of the parts'
draws parts.png attribute run --figure
draws lens.svg attribute run --lens --figure
draws film.pdf attribute run --lens --checkpoints --count 2 --figure
runs 0 train --n 4 --steps 1 --d-model 8 --d-head 4 --out long
draws panels.png attribute long --count 2 --figure
if [ -e panels.png ]; then
    # 21 positions stand in a strip; 116 would be one twelve times as wide as high, and run row by row
    is 'True True' "$(python3 -c '
import struct
size = lambda path: struct.unpack(">2I", open(path, "rb").read(24)[16:])
(w, h), (W, H) = size("parts.png"), size("panels.png")
print(w > h, H / 2 < W < 2 * H)')" 'many positions make no long strip'
fi

# refused
refuse() { # EXIT LINE ARGUMENTS...
    code=$1 line=$2
    shift 2
    runs "$code" attribute "$@"
    is "clearhead attribute: $line" "$(printf '%s\n' "$err" | tail -n 1)" "line of: $*"
}
refuse 3 'loss is not linear in the logits and has no direct attribution, want logit or logit_diff' run --letters abc --metric loss
refuse 2 "the metric's position is 26, want one in [-26, 25]" run --letters abc --metric logit:26:a
refuse 2 '--lens is of whole streams and the right token, want no --split and no --metric' run --lens --split heads
refuse 2 '--metric names a position, want no other with it' run --metric logit:3:a --positions 3
refuse 2 '--positions is 25, want numbers in [-25, 24] and slices a:b, commas between: 0:5,-1' run --letters abc --positions 25
refuse 2 'predictions count from token 26 (first_scored), want it in [1, 25] for 26 tokens' run --letters abc --first-scored 26
refuse 2 'run/model.safetensors is no run folder, want one with its checkpoints' run/model.safetensors --checkpoints
runs 0 train --n 2,3 --steps 2 --d-model 8 --d-head 4 --out mix
refuse 2 'held-out sequences have 8 tokens and 26, want them equally long: give --letters, --text or --tokens' mix
runs 0 attribute mix --letters abc
finish
