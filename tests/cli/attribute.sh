#!/bin/sh
# attribute and lens: parts that add up to the logit the cache has, however fine and under either norm; a
# lens whose last stream is the model; every checkpoint; figures; what is refused.
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
        number = {k: v["value"] for k, v in x["numbers"].items()}
        rows = {c["component"]: c for c in x["tables"]["components"]}
        assert (x["settings"]["split"], x["settings"]["norm"], x["sample"]) == (split, norm, "letters cab")
        assert len(rows) == count, (split, len(rows))
        positions = x["tables"]["positions"]
        assert [p["position"] for p in positions] == list(range(4, pos - 1))
        array = x["arrays"]["attribution"]
        labels = array["axes"][0]["labels"]
        assert labels == [*sorted(rows, key=labels.index), "norm_bias", "unembed_bias", "remainder"]
        assert array["axes"][1]["labels"] == [str(p["position"]) for p in positions]
        for i, want in enumerate(wanted):
            whole = sum(row[i] for row in array["values"])
            assert abs(whole - want) < 1e-5 and abs(positions[i]["total"] - want) < 1e-5
            assert norm == "recomputed" or abs(positions[i]["remainder"]) < 1e-5
        for label, row in zip(labels, array["values"]):
            if label in rows:
                c = rows[label]
                assert abs(sum(row) / len(row) - c["value"]) < 1e-7 and (min(row), max(row)) == (c["least"], c["most"])
        mean = sum(wanted) / len(wanted)
        whole = sum(c["value"] for c in rows.values()) + number["norm_bias"] + number["unembed_bias"]
        assert abs(number["total"] - mean) < 1e-5 and abs(whole + number["remainder"] - mean) < 1e-5
        assert (number["largest_remainder"] < 1e-5) == (norm == "frozen"), number
layers, heads = (json.load(open(f"{s}.frozen.json")) for s in ("layers", "heads"))
value = lambda x: {c["component"]: c["value"] for c in x["tables"]["components"]}
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
number = {k: v["value"] for k, v in x["numbers"].items()}
assert [p["position"] for p in x["tables"]["positions"]] == [pos - 3]
assert abs(number["total"] - (logits[at + 5] - logits[at + 3])) < 1e-6
whole = sum(c["value"] for c in x["tables"]["components"]) + number["norm_bias"] + number["unembed_bias"]
assert abs(whole - number["total"]) < 1e-5
print(1)')" 'a difference of logits is that of the cache'

# text, and the positions chosen
runs 0 attribute run --count 5 --split layers
is 'embed pos_embed 0_attn_out 0_mlp_out 1_attn_out 1_mlp_out resid_remainder' \
    "$(printf '%s\n' "$out" | sed -n '/^components/,/^$/p' | sed 1,2d | awk '{print $1}' | xargs)" 'a line for each part'
is '' "$(printf '%s\n' "$out" | grep -e '-0\.0* *\( \|$\)')" 'no zero has a sign'
runs 0 train --n 3 --steps 2 --d-model 16 --d-head 8 --out small
runs 0 attribute small --letters abc --positions 5:8,-1 --json
is '5 term 2 slot 1 a/6 term 2 slot 2 c/7 term 2 slot 3 b/24 period .' "$(printf '%s' "$out" | python3 -c '
import json, sys
print("/".join("%d %s %s" % (p["position"], p["predicts"], p["token"]) for p in json.load(sys.stdin)["tables"]["positions"]))')" \
    'each position with what it predicts'
runs 0 train --n 2 --steps 2 --d-model 16 --d-head 8 --attn-only=false --d-mlp 50 --out wide
runs 0 attribute wide --count 3 --split neurons
is yes "$(printf '%s\n' "$out" | sed -n '/^components/,/^$/p' | sed 1,2d | awk 'NF == 4 {v = $2 < 0 ? -$2 : $2; if (NR > 1 && v > last) bad = 1; last = v} END {print (bad ? "no" : "yes")}')" \
    'of very many parts the largest come first'

# the lens: its last stream is what eval says of the same sequences
runs 0 lens run --count 10 --json
printf '%s' "$out" > lens.json
is 1 "$("$clearhead" eval run --count 10 --json | python3 -c '
import json, sys
x, e = json.load(open("lens.json")), json.load(sys.stdin)["numbers"]
streams = x["tables"]["streams"]
assert [s["stream"] for s in streams] == ["0_pre", "0_mid", "1_pre", "1_mid", "final_post"]
assert x["settings"]["norm"] == "recomputed"
last, loss = streams[-1], e["loss"]["value"]
assert abs(last["loss"] - loss) < 1e-5 * (1 + loss), (last["loss"], loss)
assert abs(last["correct"] - e["token_accuracy"]["value"]) < 1e-9 and x["numbers"]["distance"]["value"] < 1e-5
by = {name: a["values"] for name, a in x["arrays"].items()}
for k, s in enumerate(streams):
    assert all(0 <= p <= 1 for p in by["prob"][k])
    for name in by:
        assert abs(sum(by[name][k]) / len(by[name][k]) - s[name]) < 1e-6, name
assert all((r == 0) == (c == 1) for r, c in zip(by["rank"][-1], by["correct"][-1]))
assert set(by) == {"prob", "loss", "rank", "correct", "logit"}
print(1)')" 'the last stream of the lens is the model'

# over training
for what in attribute lens; do
    runs 0 $what run --count 3 --checkpoints --json
    printf '%s\n' "$out" > film.jsonl
    is 1 "$("$clearhead" $what run --count 3 --json | python3 -c '
import json, sys
rows, last = [json.loads(line) for line in open("film.jsonl")], json.load(sys.stdin)
assert [r["step"] for r in rows] == sorted({r["step"] for r in rows}) and len(rows) > 3
assert rows[-1] == last and rows[0]["tables"] != last["tables"]
print(1)')" "a line for each checkpoint, the last one the model: $what"
done
runs 0 lens run --count 3 --checkpoints
is 'step 0_pre.loss final_post.loss final_post.prob' "$(printf '%s\n' "$out" | head -n 1 | xargs)" 'a table of the streams'
runs 0 attribute run --count 3 --checkpoints
is 'step total L0H0.value pos_embed.value' "$(printf '%s\n' "$out" | head -n 1 | xargs)" 'or of the parts'
draws parts.png attribute run --figure
draws lens.svg lens run --figure
draws film.pdf lens run --checkpoints --count 2 --figure
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
refuse 2 'the metric names a position, want no other with it' run --metric logit:3:a --positions 3
refuse 2 'positions is 25, want numbers in [-25, 24] and slices a:b, commas between: 0:5,-1' run --letters abc --positions 25
refuse 2 'predictions count from token 26 (first_scored), want it in [1, 25] for 26 tokens' run --letters abc --first-scored 26
refuse 2 'run/model.safetensors is no run folder, want one with its checkpoints' run/model.safetensors --checkpoints
runs 0 train --n 2,3 --steps 2 --d-model 8 --d-head 4 --out mix
refuse 2 'held-out sequences have 8 tokens and 26, want them equally long: give letters, a text or token ids, or ask one n (ask_n)' mix
runs 0 attribute mix --letters abc
runs 2 lens run --letters abc --text ab
runs 2 lens run --letters abc --positions 25
finish
