#!/bin/sh
# figure: every kind in the terminal, as numbers and as files; the numbers are those of the run.
. "$(dirname "$0")/../support/tap.sh"
PYTHONPATH=$(cd "$(dirname "$0")/../support" && pwd)
PYTHONDONTWRITEBYTECODE=1
LC_ALL=C.UTF-8
COLUMNS=90
export PYTHONPATH PYTHONDONTWRITEBYTECODE LC_ALL COLUMNS
cd "$folder" || exit 3

json() { printf '%s' "$out" | python3 -c "import json, sys; d = json.load(sys.stdin); print($1)"; }

runs 0 train --n 3 --steps 60 --d-model 32 --d-head 16 --n-heads 2 --out run
kinds='loss positions attention thresholds tokens'

# the terminal
for kind in $kinds; do
    runs 0 figure run --kind "$kind"
    is 1 "$(printf '%s\n' "$out" | awk 'length > 0' | wc -l | awk '{print ($1 > 2)}')" "$kind is drawn"
    is 0 "$(printf '%s' "$out" | tr -d '\n' | grep -c "$(printf '\033')")" "$kind: no colour but on a terminal"
done
runs 0 figure run --kind loss
wide=$(printf '%s\n' "$out" | python3 -c 'import sys; print(max(len(l.rstrip("\n")) for l in sys.stdin))')
is 1 "$([ "$wide" -le 90 ] && echo 1)" 'as wide as the terminal at most'
unset COLUMNS
runs 0 figure run --kind loss
plain=$out
for wrong in '' 0 -1 -90 1001 99999999999999999999 wide 90x ' 90'; do
    COLUMNS=$wrong
    export COLUMNS
    runs 0 figure run --kind loss
    is "$plain" "$out" "COLUMNS '$wrong' is as unset"
done
COLUMNS=90
runs 0 figure run --kind loss
is no "$([ "$plain" = "$out" ] && echo yes || echo no)" 'COLUMNS 90 is not'
LC_ALL=C runs 0 figure run --kind loss
is 0 "$(printf '%s' "$out" | LC_ALL=C tr -d '\000-\177' | wc -c | tr -d ' ')" 'ASCII where nothing else can be shown'

runs 0 figure run --head 1 --positions :7
is 'Attention, layer 0, head 1, positions :7 (7 of 26)' "$(printf '%s\n' "$out" | head -n 1)" 'what is left out is said'
runs 0 figure run --head 1
is 'Attention, layer 0, head 1' "$(printf '%s\n' "$out" | head -n 1)" 'where there is any'

# numbers
array() { # NAME PYTHON: of a, an array of the result, and d, all of it
    printf '%s' "$out" | python3 -c "import json, sys; d = json.load(sys.stdin); a = d['arrays']['$1']; print($2)"
}
runs 0 cache run --letters cab --out acts.safetensors
runs 0 figure run --letters cab --json
is 1 "$(printf '%s' "$out" | python3 -c '
import json, sys
from tensors import read
a = json.load(sys.stdin)["arrays"]["pattern"]
shape, p = read("acts.safetensors")["blocks.0.attn.hook_pattern"]
flat = [x for head in a["values"] for row in head for x in row]
labels = a["axes"][1]["labels"]
print(int(shape == [1, 2, 26, 26] and all(abs(x - y) < 1e-6 for x, y in zip(flat, p, strict=True))
          and [x.split(",")[0] for x in labels[:5]] == [">", "\u00b7", "c", "a", "b"] and labels[4] == "b,4"))')" \
    'attention is that of the cache'
runs 0 figure run --letters cab --json --head 1 --positions 0:7
is '1 7 7 7' "$(array pattern 'len(a["values"]), len(a["values"][0]), len(a["values"][0][6]), len(a["axes"][1]["labels"])' | tr -d '(),')" \
    'one head, the first positions'
runs 0 figure run --kind tokens --letters cab --json
is 26 "$(array tokens 'len(a["values"])')" 'attention to every token'
last=$(array tokens 'a["values"]')
runs 0 figure run --kind tokens --letters cab --position 23 --json
is "$last" "$(array tokens 'a["values"]')" 'of the last destination that predicts a letter'
runs 0 figure run --kind tokens --letters cab --position 4 --json
is '5 0' "$(array tokens 'sum(x > 0 for x in a["values"]), sum(x > 0 for x in a["values"][5:])' | tr -d '(),')" 'or of the one asked for'
runs 0 figure run --kind thresholds --letters cab --threshold 0 --json
is 1 "$(json 'int(all(len(r["gaps"].split()) == len(r["destinations"].split()) - 1 and r["maximum"] > 0 for r in d["tables"]["table"]) and len(d["tables"]["table"]) == 26)')" \
    'above 0 every source counts'
runs 0 thresholds run --letters cab --threshold 0 --once-per-symbol --json
is yes "$(printf '%s\n' "$out" | python3 -c '
import json, sys
tokens = [row["token"] for row in json.load(sys.stdin)["tables"]["table"]]
print("yes" if len(set(tokens)) == len(tokens) > 3 else tokens)')" 'each symbol once, as the notebook shows it'
runs 0 figure run --kind thresholds --letters cab --threshold 1 --json
is '[]' "$(json 'd["tables"]["table"]')" 'above 1 none'
runs 0 figure run --kind loss --json
is '60 60' "$(json 'sum(r["training_loss"] is not None for r in d["tables"]["curve"]), len([r for r in d["tables"]["curve"] if r["step"]])' | tr -d '(),')" \
    'a loss for every step'
is "$(grep -c '"eval"' run/metrics.jsonl)" "$(json 'sum(r["held_out_loss"] is not None for r in d["tables"]["curve"])')" 'and every evaluation'
runs 0 figure run --kind positions --json
is '26 [None, None, None, None, None]' "$(array loss_per_position '(len(a["values"]), a["values"][:5])' | tr -d '()' | sed 's/,//')" \
    'the prompt has no loss'
echo '[[0, 1, 5, 4, 3], [0, 1, 3, 4, 5]]' > ids.json
runs 0 figure run --tokens ids.json --json
is '> cba' "$(array pattern '"".join(x[0] for x in a["axes"][1]["labels"]).replace(chr(183), " ")')" 'token ids from a file'

# how heat maps look: said beside the scale, the same options in every command that draws one
LC_ALL=C.UTF-8
runs 0 pattern run --letters cab --positions 3,-1,0:2 --json
is '[[2, 4, 4], ["a,3", "\u00b7,25", ">,0", "\u00b7,1"]]' "$(array pattern 'json.dumps([[len(a["values"]), len(a["values"][0]), len(a["values"][0][0])], a["axes"][2]["labels"]])' | sed 's/[.],25/\\u00b7,25/')" \
    'positions in the order given'
for command in 'figure run' 'pattern run --terminal' 'figure run --kind tokens'; do
    # shellcheck disable=SC2086 # words
    runs 0 $command --range percentile --gamma 0.5
    is 1 "$(printf '%s\n' "$out" | grep -cE 'attention, to the 99th percentile, gamma 0.5$')" "$command: range and gamma are said"
    # shellcheck disable=SC2086
    runs 0 $command --range 0:0.25
    is 1 "$(printf '%s\n' "$out" | grep -cE '(0 ·░▒▓█ 0.25|tenths of 0.25)  attention$')" "$command: ends"
    # shellcheck disable=SC2086
    runs 2 $command --range 1:0
    is 1 "$(printf '%s' "$err" | grep -c 'the range of colours is 1 to 0, want numbers below 1e30, the lower first')" "$command: no range"
    # shellcheck disable=SC2086
    runs 2 $command --gamma 0
done
runs 0 pattern run --range row
is 1 "$(printf '%s\n' "$out" | grep -c "attention, of each row's largest")" 'the drawing below the text has it too'
runs 0 figure run --range 0:0.01
is 1 "$(printf '%s\n' "$out" | grep -cE '; [0-9]+ of [0-9]+ numbers lie beyond the range$')" 'what lies beyond is counted'
runs 0 eval run --part loss_per_position --terminal --count 2
for kind in loss positions thresholds; do
    runs 2 figure run --kind $kind --range row
    is 'clearhead figure: a range of colours and gamma are for heat maps, want one drawn' "$err" "$kind has no colours"
done
runs "$([ "$CLH_FIGURES" = yes ] && echo 2 || echo 3)" eval run --count 2 --gamma 2 --figure never.png # 3: without figures

# files
for kind in $kinds; do
    for ending in png svg pdf; do
        draws "$kind.$ending" figure run --kind "$kind" --out
        [ ! -e "$kind.$ending" ] || is "$kind.$ending" "$out" "$kind as $ending"
    done
done
runs 2 figure run --out figure.gif
if [ "$CLH_FIGURES" = yes ]; then
    runs 0 figure run --out again.png
    cmp -s attention.png again.png
    ok $? 'the same numbers, the same bytes'
    # the corner of a page is its background: (255, 255, 255), dark (22, 24, 29)
    corner() { python3 -c '
import struct, sys, zlib
data, at, packed = open(sys.argv[1], "rb").read(), 8, b""
while at < len(data):
    size, kind = struct.unpack(">I4s", data[at:at + 8])
    packed += data[at + 8:at + 8 + size] if kind == b"IDAT" else b""
    at += 12 + size
print(*zlib.decompress(packed)[1:4])' "$1"; }
    for kind in $kinds; do
        is '255 255 255' "$(corner "$kind.png")" "$kind on white"
        runs 0 figure run --kind "$kind" --dark --out dark.png
        is '22 24 29' "$(corner dark.png)" "$kind --dark"
    done
    runs 0 eval run --count 4 --checkpoints --dark --figure dark.png
    is '22 24 29' "$(corner dark.png)" 'any question --dark'
    runs 0 run --n 2 --steps 2 --d-model 8 --d-head 4 --dark --out night
    is '22 24 29' "$(corner night/figures/attention.png)" 'run --dark'
    runs 0 figure run --dark=false --out light.png
    is '255 255 255' "$(corner light.png)" '--dark=false'
    runs 3 figure run --out /proc/nowhere/figure.png
fi

# refused
refuse() { # EXIT LINE ARGUMENTS...
    code=$1 line=$2
    shift 2
    runs "$code" figure "$@"
    is "clearhead figure: $line" "$err" "line of: $*"
    is '' "$out" "no result of: $*"
}
refuse 2 'layer is 1, want less than 1 (n_layers)' run --layer 1
refuse 2 'head is 2, want less than 2 (n_heads)' run --head 2
refuse 2 'position is 26, want less than 26, the tokens there are' run --kind tokens --position 26
refuse 2 '--kind is losses, want one of loss|positions|attention|thresholds|tokens' run --kind losses
refuse 2 'this makes a sequence of 122 tokens, the model takes at most 26 (n_ctx)' run --letters abcd
refuse 2 'letters and text are both given, want one of them' run --letters abc --text a
runs 2 figure run --letters 'ab!'
runs 0 export run --to theirs
runs 0 import theirs/model.safetensors --config theirs/cfg.json --task permutations --out imported
refuse 2 'imported has no metrics.jsonl, want the folder of a run that was trained' imported --kind loss
runs 0 figure imported --kind attention
cp -r run odd && echo '{"type": "step"' >> odd/metrics.jsonl
runs 3 figure odd --kind loss
is "clearhead figure: odd/metrics.jsonl: line $(wc -l < odd/metrics.jsonl | tr -d ' ')" "${err%%:\ \'*}" 'a broken line is named'
printf '{"type": "st' >> run/metrics.jsonl
runs 0 figure run --kind loss
refuse 2 'there is no run or file at none' none
is '' "$(find . -name '*.tmp-*')" 'nothing was left'
finish
