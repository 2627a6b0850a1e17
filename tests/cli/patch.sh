#!/bin/sh
# patch: every piece of the sites asked for, as a table, as JSON, as a file, as a figure.
. "$(dirname "$0")/../support/tap.sh"
PYTHONPATH=$(cd "$(dirname "$0")/../support" && pwd)
PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH PYTHONDONTWRITEBYTECODE
cd "$folder" || exit 3

runs 0 train --n 3 --steps 12 --d-model 16 --d-head 8 --n-heads 2 --out run
runs 0 patch run --clean abc --corrupt xyz --metric logit_diff:-2:a:z
is 'blocks.0.hook_resid_pre blocks.0.attn.hook_q blocks.0.attn.hook_k blocks.0.attn.hook_v blocks.0.attn.hook_pattern blocks.0.attn.hook_z blocks.0.hook_attn_out' \
    "$(printf '%s\n' "$out" | awk '/^arrays/ {exit} /^  blocks/ {printf "%s%s", sep, $1; sep = " "}')" \
    'a row for each site, in the order of the pass'

runs 0 patch run --clean abc --corrupt xyz --sites '*' --attribution --json --out p.safetensors
is 'True True True True' "$(printf '%s' "$out" | python3 -c '
import json, sys
from tensors import read
p, file = json.load(sys.stdin), read("p.safetensors")
arrays = {n: a["values"] for n, a in p["arrays"].items()}
sites = [s["site"] for s in p["tables"]["sites"]]
flat = lambda v: [x for row in v for x in (row if isinstance(row, list) else [row])]
near = lambda a, b: all(abs(x - y) <= 1e-5 * (1 + abs(x)) for x, y in zip(a, b, strict=True))
last, number = arrays["blocks.0.hook_resid_post"], {n: x["value"] for n, x in p["numbers"].items()}
print(all(near(flat(v), file[n][1]) for n, v in arrays.items())
      and set(arrays) == {"share", *sites, *("attribution." + s for s in sites)},
      len(arrays["blocks.0.attn.hook_z"]) == 2 and len(last) == 26,
      near(arrays["logits"], last),
      near(flat(arrays["share"]), [(v - number["corrupted"]) / (number["clean"] - number["corrupted"])
                                   for s in sites for v in flat(arrays[s])]))')" \
    'the file holds the numbers of --json; after the last layer a position is its logits; shares are of the way'
is 'True embed 0 q 1' "$(printf '%s' "$out" | python3 -c '
import json, sys
p = json.load(sys.stdin)
corrupted, ok = p["numbers"]["corrupted"]["value"], True
near = lambda a, b: abs(a - b) < 1e-7
for s in p["tables"]["sites"]:
    value, estimate = p["arrays"][s["site"]]["values"], p["arrays"]["attribution." + s["site"]]["values"]
    rows = (value, estimate) if s["head"] is not None else ([value], [estimate])
    pieces = {(h, i): (v - corrupted, e) for h, row in enumerate(rows[0])
              for i, (v, e) in enumerate(zip(row, rows[1][h], strict=True))}
    best = pieces[s["head"] or 0, s["pos"]]
    ok = (ok and near(best[0], s["effect"]) and near(best[1], s["estimate"])
          and near(max(abs(v) for v, _ in pieces.values()), abs(s["effect"]))
          and near(s["error"], max(abs(e - v) for v, e in pieces.values())))
labels = p["arrays"]["share"]["axes"][0]["labels"]
print(ok, labels[0], next(x for x in labels if x == "0 q 1"))')" \
    'the table has the strongest piece of each site, and how far off the estimates are'

runs 0 patch run --clean abc --corrupt abc --json
is True "$(printf '%s' "$out" | python3 -c '
import json, sys
p = json.load(sys.stdin)
n = p["numbers"]
print(n["passes"]["value"] == 0 and n["patches"]["value"] == 26 * 12 and all(
    v == n["corrupted"]["value"] for v in p["arrays"]["blocks.0.hook_resid_pre"]["values"])
    and p["tables"]["sites"][0]["share"] is None and len(p["notes"]) == 1)')" \
    'a run patched into itself stays what it is, and there is no way to share'

# A whole head, and a source of a query, as arrays of the shapes that TransformerLens' patching module has.
runs 0 patch run --clean abc --corrupt xyz --index all_pos --json --out head.npz
is 'True [7, 2] [2] 12' "$(printf '%s' "$out" | python3 -c '
import json, sys
p = json.load(sys.stdin)
share, sites = p["arrays"]["share_all_pos"], p["tables"]["sites"]
print(all(s["pos"] is None for s in sites) and share["values"][0][1] is None,
      [len(share["values"]), len(share["values"][0])], [len(p["arrays"]["blocks.0.attn.hook_z"]["values"])],
      p["numbers"]["patches"]["value"])')" 'whole heads: of each one number, of what has none one'
runs 0 patch run --clean abc --corrupt xyz --index dest_src_pos --attribution --json
is 'True [2, 26, 26]' "$(printf '%s' "$out" | python3 -c '
import json, sys
p = json.load(sys.stdin)
(site,), v = p["tables"]["sites"], p["arrays"]["blocks.0.attn.hook_pattern"]["values"]
print(abs(v[site["head"]][site["pos"]][site["src"]] - p["numbers"]["corrupted"]["value"] - site["effect"]) < 1e-7,
      [len(v), len(v[0]), len(v[0][0])])')" 'by source: the strongest is a source of a query'
runs 2 patch run --clean abc --corrupt xyz --index dest_src_pos --sites pattern,q
is 'clearhead patch: blocks.0.attn.hook_q has no sources, want scores or patterns' "$err" 'a site without sources'
runs 2 patch run --clean abc --corrupt xyz --index pos
runs 0 patch run --clean-text '> abc' --corrupt-text '> abd' --metric logit:-1:c
runs 0 patch run --clean abc --corrupt xyz --checkpoints
is 'step clean corrupted 0 1 2 4 6 8 10 12' \
    "$(printf '%s\n' "$out" | awk '{print (NR == 1 ? $0 : $1)}' | xargs)" 'over training'
runs 0 patch run --clean abc --corrupt xyz --checkpoints --numbers blocks.0.attn.hook_z.effect
runs 2 patch run --clean abc
is 'clearhead patch: want one of corrupt LETTERS and corrupt_text TEXT' "$err" 'both sequences are needed'
runs 2 patch run --clean abc --clean-text '> a' --corrupt abd
runs 2 patch run --clean-text '> abc' --corrupt-text '> ab'
is 'clearhead patch: the clean sequence has 5 tokens and the corrupted one 4, want them equal' "$err" \
    'sequences of two lengths'
runs 2 patch run --clean abc --corrupt xyz --metric logit_dif:1:a:b
runs 2 patch run --clean abc --corrupt xyz --sites resid_prr
is 'clearhead patch: no activation is called resid_prr; did you mean resid_pre?' "$err" 'an unknown site'
runs 2 patch run --clean abc --corrupt xyz --sites hook_qq
is 'clearhead patch: no activation is called hook_qq; did you mean q?' "$err" 'one nearest to a short name'

draws p.svg patch run --clean abc --corrupt xyz --figure
for index in all_pos dest_src_pos; do
    draws $index.svg patch run --clean abc --corrupt xyz --index $index --figure
done
if [ -e p.svg ]; then
    # Seven sites of 722 positions, whose cells are square no more: all in a page.
    runs 0 train --n 5 --steps 0 --out long
    runs 0 patch long --clean abcde --corrupt vwxyz --figure long.png
    is True "$(python3 -c 'import struct
width, height = struct.unpack(">II", open("long.png", "rb").read()[16:24])
print(1400 < width < 2400 and 200 < height < 400)')" 'a figure of many positions fits a page'
fi
finish
