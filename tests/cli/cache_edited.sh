#!/bin/sh
# cache --edits: what is kept is the run that `edit` measures, whatever is edited; each sequence of a batch by
# itself, its gradients those of its own logits; what cannot be meant is refused before a file is there.
# shellcheck disable=SC2154 # tap.sh sets folder, clearhead, err
. "$(dirname "$0")/../support/tap.sh"
PYTHONPATH=$(cd "$(dirname "$0")/../support" && pwd)
PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH PYTHONDONTWRITEBYTECODE
cd "$folder" || exit 3

runs 0 train --n 3 --steps 60 --d-model 16 --d-head 8 --n-heads 2 --out run
runs 0 train --n 3 --steps 3 --seed 5 --d-model 16 --d-head 8 --n-heads 2 --out other
runs 0 causal run --count 20 --as-edits
printf '%s' "$out" > suite.json
python3 - << 'END'
import json
suite = json.load(open("suite.json"))
rest = {"weights": [{"kind": "weights", "circuit": "ov", "from": "other"}],
        "both": [{"kind": "weights", "circuit": "qk", "from": "other"},
                 {"kind": "zero", "site": "blocks.0.attn.hook_z", "heads": [1], "positions": [-2, 7]}],
        "patch": [{"kind": "patch", "site": "blocks.0.attn.hook_v", "from": {"letters": "xyz"}}],
        "model": [{"kind": "model", "site": "blocks.0.hook_resid_post", "from": "other"}],
        "set": [{"kind": "set", "site": "blocks.0.hook_resid_pre", "positions": [4], "value": 0.25}],
        "add": [{"kind": "add", "site": "blocks.0.attn.hook_q", "heads": [0], "value": 2}]}
key = next(k for k, v in suite.items() if isinstance(v, list) and v and "edits" in v[0])
for name, edits in rest.items():
    suite[key].append({"name": name, "edits": edits})
json.dump(suite, open("all.json", "w"))
END
runs 0 edit run --edits all.json --count 1 --json
printf '%s' "$out" > edit.json
# Every list: the loss of the kept run is the one that edit measures, and its logits imply it and its gradient.
is 'ok' "$(python3 - "$clearhead" << 'END'
import json, math, subprocess, sys
from tensors import read
rows = {r["intervention"]: r["loss"]["value"] for r in json.load(open("edit.json"))["tables"]["interventions"]}
bad = [] if len(rows) > 25 else ["few rows"]
for name, loss in rows.items():
    done = subprocess.run([sys.argv[1], "cache", "run", "--edits", "all.json", "--intervention", name, "--grads",
                           "--out", "one.safetensors"], capture_output=True, text=True)
    if done.returncode:
        bad.append(f"{name}: {done.stderr}")
        continue
    t = read("one.safetensors")
    (_, pos, n), logits = t["logits"]
    ids, slope = [int(i) for i in t["tokens"][1]], t["grad.logits"][1]
    scored, sum_, apart, far = range(5, pos), 0, 0, [0.0] * n
    for i in scored:
        row = logits[(i - 1) * n:i * n]
        most = max(row)
        total = sum(math.exp(x - most) for x in row)
        sum_ += most + math.log(total) - row[ids[i]]
        for k in range(n):
            g = (math.exp(row[k] - most) / total - (k == ids[i])) / len(scored)
            far[k] += g
            apart = max(apart, abs(g - slope[(i - 1) * n + k]))
    b_U = t["grad.unembed.b_U"][1]
    apart = max(apart, max(abs(x - y) for x, y in zip(far, b_U)))
    if abs(t["loss"][1][0] - loss) > 1e-6 * (1 + loss) or abs(sum_ / len(scored) - loss) > 1e-5 * (1 + loss) or apart > 1e-5:
        bad.append(f"{name}: {t['loss'][1][0]} and {sum_ / len(scored)}, edit says {loss}; gradient apart {apart}")
print("ok" if not bad else "; ".join(bad))
END
)" 'every list of edits: the kept run has the loss that edit measures'

echo '[[0, 1, 3, 4, 5, 1, 3, 5, 4], [0, 1, 9, 8, 7, 1, 9, 7, 8], [0, 1, 9, 3, 7, 1, 9, 7, 3]]' > batch.json
for list in k_token_mean pattern_other pattern_one_hot both add; do
    runs 0 cache run --tokens batch.json --edits all.json --intervention $list --out all.safetensors
    for row in 0 1 2; do
        runs 0 cache run --tokens batch.json --batch $row --edits all.json --intervention $list --out $row.safetensors
    done
    runs 0 cache run --tokens batch.json --out plain.safetensors
    is '1 1' "$(LIST=$list python3 -c '
import os
from tensors import read
whole, plain = read("all.safetensors"), read("plain.safetensors")
rows = [read(f"{r}.safetensors") for r in range(3)]
drawn = os.environ["LIST"].endswith("_other")  # each place of a sample draws its own
same = all(tuple(x for r in rows for x in r[name][1]) == whole[name][1] for name in whole) or drawn
print(int(same), int(whole["logits"] != plain["logits"]))')" "$list: sequences of a batch are edited each by itself"
done

echo '{"format": "clearhead-edits-1", "edits": [{"kind": "zero", "site": "blocks.0.attn.hook_z"}]}' > one.json
runs 0 cache run --edits one.json --json
is edited "$(printf '%s' "$out" | python3 -c 'import json, sys; print(json.load(sys.stdin)["numbers"]["intervention"]["value"])')" 'the only list needs no name'
while IFS='|' read -r code words said; do
    # shellcheck disable=SC2086 # words
    runs "$code" cache run $words --out never.safetensors
    is "$said" "$(printf '%s' "$err" | cut -c 18-104)" "refused: $words"
done << 'END'
2|--intervention zero|intervention is a list of a file of edits, want edits too
2|--edits one.json --intervention two|one.json has no list of edits two, want one of: edited
2|--edits all.json|all.json has 29 lists of edits, want an intervention: none, q_token_mean, k_token_mean,
3|--edits none.json|cannot read none.json: No such file or directory
END
is 0 "$(find . -name 'never*' | wc -l | tr -d ' ')" 'and nothing written'
finish
