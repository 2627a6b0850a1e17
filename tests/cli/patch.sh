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
    "$(printf '%s\n' "$out" | awk '/^blocks/ {printf "%s%s", sep, $1; sep = " "}')" \
    'a row for each site, in the order of the pass'

runs 0 patch run --clean abc --corrupt xyz --sites '*' --attribution --json --out p.safetensors
is 'True True True' "$(printf '%s' "$out" | python3 -c '
import json, sys
from tensors import read
p, file = json.load(sys.stdin), read("p.safetensors")
sites = {s["name"]: s for s in p["sites"]}
flat = lambda v: [x for row in v for x in (row if isinstance(row, list) else [row])]
near = lambda a, b: all(abs(x - y) <= 1e-5 * (1 + abs(x)) for x, y in zip(a, b, strict=True))
last = sites["blocks.0.hook_resid_post"]["value"]
print(all(near(flat(s["value"]), file[n][1]) and
          near(flat(s["estimated_effect"]), file["attribution." + n][1]) for n, s in sites.items()),
      len(sites["blocks.0.attn.hook_z"]["value"]) == 2 and len(last) == p["pos"],
      near(sites["logits"]["value"], last))')" \
    'the file holds the numbers of --json; after the last layer a position is its logits'

runs 0 patch run --clean abc --corrupt abc --json
is True "$(printf '%s' "$out" | python3 -c '
import json, sys
p = json.load(sys.stdin)
print(p["passes"] == 0 and all(v == p["corrupted"] for v in p["sites"][0]["value"]))')" \
    'a run patched into itself stays what it is'

runs 0 patch run --clean-text '> abc' --corrupt-text '> abd' --metric logit:-1:c
runs 2 patch run --clean abc
is 'clearhead patch: want one of --corrupt LETTERS and --corrupt-text TEXT' "$err" 'both sequences are needed'
runs 2 patch run --clean-text '> abc' --corrupt-text '> ab'
is 'clearhead patch: the clean sequence has 5 tokens and the corrupted one 4, want them equal' "$err" \
    'sequences of two lengths'
runs 2 patch run --clean abc --corrupt xyz --metric logit_dif:1:a:b
runs 2 patch run --clean abc --corrupt xyz --sites resid_prr
is 'clearhead patch: no activation is called resid_prr; did you mean resid_pre?' "$err" 'an unknown site'
runs 2 patch run --clean abc --corrupt xyz --sites hook_qq
is 'clearhead patch: no activation is called hook_qq; did you mean q?' "$err" 'one nearest to a short name'

draws p.svg patch run --clean abc --corrupt xyz --figure
if [ -e p.svg ]; then
    # Seven sites of 722 positions, whose cells are square no more: all in a page.
    runs 0 train --n 5 --steps 0 --out long
    runs 0 patch long --clean abcde --corrupt vwxyz --figure long.png
    is True "$(python3 -c 'import struct
width, height = struct.unpack(">II", open("long.png", "rb").read()[16:24])
print(1400 < width < 2400 and 200 < height < 400)')" 'a figure of many positions fits a page'
fi
finish
