#!/bin/sh
# paths: every edge of the graph, as a table, as JSON, as a file, as a figure; sets and paths of them.
. "$(dirname "$0")/../support/tap.sh"
PYTHONPATH=$(cd "$(dirname "$0")/../support" && pwd)
PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH PYTHONDONTWRITEBYTECODE
cd "$folder" || exit 3

runs 0 train --n 3 --steps 12 --d-model 16 --d-head 8 --n-heads 2 --n-layers 2 --attn-only=false --out run
runs 0 paths run --clean abc --corrupt xyz --metric logit_diff:-2:a:z --top 5
is '5 yes' "$(printf '%s\n' "$out" | awk '/->/ {n++; v = $2 < 0 ? -$2 : $2; if (n > 1 && v > last) bad = 1; last = v}
    END {print n, (bad ? "no" : "yes")}')" 'the strongest edges first, as many as asked for'

for n in 1 4; do
    runs 0 paths run --clean abc --corrupt xyz --ig $n --json --out p$n.safetensors
    printf '%s' "$out" > p$n.json
done
is 'True True True True True True' "$(python3 -c '
import json
from tensors import read
near = lambda a, b: all(abs(x - y) <= 1e-5 * (1 + abs(x)) for x, y in zip(a, b, strict=True))
eap, ig = (json.load(open(f"p{n}.json")) for n in (1, 4))
file, ways = read("p4.safetensors"), read("p1.safetensors")
rows = {e["edge"]: e for e in ig["tables"]["edges"]}
_, writers, readers = (a["labels"] for a in ig["arrays"]["effect"]["axes"])
cells = {f"{w}->{r}": (x, y) for w, *lists in zip(writers, *ig["arrays"]["effect"]["values"])
         for r, x, y in zip(readers, *lists) if x is not None}
print(len(rows) == len(file["exact"][1]) == 61,
      all(near(sorted(e[k] for e in rows.values()), sorted(file[k][1])) for k in ("exact", "ig")),
      "L0H1->L1H0.k" in rows, {e: (r["exact"], r["ig"]) for e, r in rows.items()} == cells,
      file["exact"] == ways["exact"] and file["ig"] != ways["ig"],
      all(abs(r["ig"] - r["exact"] - r["error"]) < 1e-7 for r in rows.values()) and
      abs(max(abs(r["error"]) for r in rows.values()) - ig["numbers"]["worst_error"]["value"]) < 1e-7)')" \
    'the file holds the numbers of --json, one for each edge of the graph; each stands at its writer and reader'

one() { # OPTION EDGES: the effect
    "$clearhead" paths run --clean abc --corrupt xyz --json "$1" "$2" | python3 -c '
import json, sys
p = {k: v["value"] for k, v in json.load(sys.stdin)["numbers"].items()}
print("%.7f %.7f %.7f" % (p["effect"], p["corrupted"] - p["clean"], p["change"]))'
}
is 1 "$(one --edges '*' | awk '{print ($1 == $2 && $2 == $3)}')" 'all edges are the corrupted run'
is "$(one --edges 'embed->L0H1.v')" "$(one --path 'embed->L0H1.v')" 'an edge is a path of one'
runs 0 paths run --clean abc --corrupt xyz --path 'embed->L0H1.v->L1H0.q->1_mlp_in->logits'
runs 2 paths run --clean abc --corrupt xyz --path 'embed->L0H1.v' --edges '*'
runs 2 paths run --clean abc --corrupt xyz --path 'embed->L0H1.v' --ig 1
is 'clearhead paths: ig is of all edges one by one, and does not go with edges or path' "$err" \
    'one number has no table'
runs 0 paths run --clean abc --corrupt xyz --path 'embed->L0H1.v' --checkpoints --numbers effect
runs 2 paths run --clean abc --corrupt xyz --path 'embed->L1H0.v->L0H0.q'
is 'clearhead paths: no edge is called L1H0->L0H0.q; did you mean L0H0->L1H0.q?' "$err" 'a step that is no edge'
runs 2 paths run --clean abc
runs 2 paths run --clean abc --corrupt xyz --ig 0
runs 2 paths run --clean-text '> abc' --corrupt-text '> ab'

# A gradient where the model is sure says nothing: that is said, and what to ask instead, which then can be
# asked. OPTIONS | the words of the note, or none
runs 0 train --n 3 --steps 200 --out sure
while IFS='|' read -r question options metric; do
    # shellcheck disable=SC2086 # words
    runs 0 $question --clean abc --corrupt xbc $options
    said=$(printf '%s\n' "$out" | tr '\n' ' ' | tr -s ' ')
    is "$metric" "$(printf '%s' "$said" | sed -n 's/.*The metric is saturated in the \([a-z]*\) run (\([a-z_]*\) [-0-9.e]*).*--metric \([^ .;]*\).*/\1 \2 \3/p')" \
        "$question $options: whether its metric is saturated"
    # shellcheck disable=SC2086 # words
    [ -z "$metric" ] || runs 0 $question --clean abc --corrupt xbc --metric "${metric##* }"
done << 'END'
paths sure|--ig 1|clean loss logit_diff:5:a:x
paths sure|--ig 2|
paths sure||
paths sure|--ig 1 --metric logit_diff:5:a:x|
paths sure|--ig 1 --metric log_prob:5:a|clean log_prob logit_diff:5:a:x
paths sure|--ig 1 --metric log_prob:5:x|
paths sure|--ig 1 --metric prob:5:a|clean prob logit_diff:5:a:x
paths sure|--ig 1 --metric prob:5:x|clean prob logit_diff:5:a:x
patch sure|--attribution|
patch sure|--attribution --metric prob:5:a|corrupted prob logit_diff:5:a:x
patch sure|--metric prob:5:a|
patch sure|--attribution --metric logit:5:a|
END

draws p.svg paths run --clean abc --corrupt xyz --ig 1 --figure
if [ -e p.svg ]; then
    is 1 "$(sed -n 's/.*<svg.* width="\([0-9]*\)px" height="\([0-9]*\)px".*/\1 \2/p' p.svg |
        awk '{print ($1 > 1.5 * $2)}')" 'two panels side by side and nothing above or below them'
fi
finish
