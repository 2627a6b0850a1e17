#!/bin/sh
# clearhead edit (TAP, run by the tests).
. "$(dirname "$0")/../support/tap.sh"
terminal=$(cd "$(dirname "$0")/../support" && pwd)/terminal.py
cd "$folder" || exit 3

edits() { # FILE EDITS: a file of edits
    printf '{"format": "clearhead-edits-1", "edits": [%s]}' "$2" > "$1"
}
of() { # EXPRESSION: of d, the object in $out
    printf '%s\n' "$out" | python3 -c "import json,sys; d=json.load(sys.stdin); print($1)"
}
rows() { # PYTHON: of before and after, the two rows without their names
    printf '%s\n' "$out" | python3 -c "
import json, sys
d = json.load(sys.stdin)
before, after = ({k: v for k, v in row.items() if k != 'intervention'} for row in d['tables']['interventions'])
print($1)"
}
same() { # whether before and after are the same numbers
    rows 'before == after'
}
after() { # the numbers after the edit
    rows after
}
made() { # FILE EDITS: written there and made of 20 sequences
    edits "$1" "$2"
    runs 0 edit run --edits "$1" --count 20 --json
}
refused() { # EDITS [PATTERN WHAT]: not made, with a line that has the pattern
    edits refused.json "$1"
    runs 2 edit run --edits refused.json
    [ $# -eq 1 ] || ok "$(printf '%s' "$err" | grep -q "$2"; echo $?)" "$3"
}

runs 0 train --n 2 --steps 5 --out run
made none.json ''
is True "$(same)" 'no edit changes nothing'
made zero.json '{"kind": "zero", "site": "blocks.0.attn.hook_z"}'
is False "$(same)" 'an edit is made'
refused '{"kind": "zero", "site": "blocks.0.attn.hook_patern"}' 'did you mean blocks.0.attn.hook_pattern?' \
    'a hook that is not there'
refused '{"kind": "zero", "sit": "*"}'
is 'clearhead edit: refused.json: edit 0: unknown key sit; did you mean site? The keys are kind, site, heads, positions, value, file, tensor, sources, part, norm, rest, from, circuit, step' \
    "$err" 'an unknown key: the nearest and all there are'
refused '{"kind": "zero", "hook": "*"}'
is 'clearhead edit: refused.json: edit 0: unknown key hook; the keys are kind, site, heads, positions, value, file, tensor, sources, part, norm, rest, from, circuit, step' \
    "$err" 'one that is near none'
echo '{"format": "clearhead-edits-1", "edit": []}' > key.json
runs 2 edit run --edits key.json
is 'clearhead edit: key.json: unknown key edit; did you mean edits? The keys are format, edits, reference' "$err" \
    'the same of the whole file'
echo '{"format": "clearhead-edits-1"}' > key.json
runs 3 edit run --edits key.json
is 'clearhead edit: key.json: edits is not given, want an array' "$err" 'a key that is missing'
refused '{"kind": "zero", "site": "blocks.0.attn.hook_z", "heads": [7]}'
refused '{"kind": "one_hot", "site": "blocks.0.attn.hook_z"}'
refused '{"kind": "zerro", "site": "*"}' 'kind is zerro; did you mean zero?' 'a misspelt kind'
refused '{"kind": "weights", "circuit": "everything"}' 'circuit is everything, want one of qk, ov, q, k' \
    'no circuit like it: all are told'
refused '{"kind": "zero"}'
runs 2 edit run --edits none.json --count 0

# What comes from elsewhere. Files are found beside the file of edits, wherever the command runs.
mkdir sub
runs 0 cache run --letters bd --out sub/bd.safetensors
made sub/set.json '{"kind": "set", "site": "blocks.0.attn.hook_v", "file": "bd.safetensors",
    "tensor": "blocks.0.attn.hook_v"}'
is False "$(same)" 'values of another sequence, from a file'
from_file=$(after)
for from in '{"letters": "bd"}' '{"text": "> bd db."}' '{"tokens": [0, 1, 4, 6, 1, 6, 4, 2]}'; do
    made patch.json '{"kind": "patch", "site": "blocks.0.attn.hook_v", "from": '"$from"'}'
    is "$from_file" "$(after)" "and the same from $from"
done
refused '{"kind": "patch", "site": "blocks.0.attn.hook_v", "from": {"letters": "abc"}}' \
    'longer than\|26 tokens\|room' 'a sequence that is too long'
refused '{"kind": "patch", "site": "blocks.0.attn.hook_v", "from": "bd"}'
refused '{"kind": "set", "site": "blocks.0.attn.hook_q", "file": "sub/bd.safetensors", "tensor": "logits"}' \
    'logits of sub/bd.safetensors is \[1, 8, 65\], blocks.0.attn.hook_q of sequence 0 is \[1, 8, 1, 64\]' \
    'a tensor of another shape: both are named'
refused '{"kind": "set", "site": "blocks.0.attn.hook_q", "file": "sub/bd.safetensors", "tensor": "logit"}' \
    'logits' 'a tensor that is not there: the nearest is named'
refused '{"kind": "set", "site": "blocks.0.attn.hook_q", "file": "sub/bd.safetensors"}'
edits file.json '{"kind": "set", "site": "blocks.0.attn.hook_q", "file": "none.safetensors", "tensor": "x"}'
runs 3 edit run --edits file.json
python3 -c 'import struct
header = b"{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}"
open("nan.safetensors", "wb").write(struct.pack("<Q", len(header)) + header + struct.pack("<2f", 1, float("nan")))'
refused '{"kind": "add", "site": "blocks.0.hook_resid_pre", "file": "nan.safetensors", "tensor": "x"}'
refused '{"kind": "add", "site": "blocks.0.ln1.hook_scale", "file": "nan.safetensors", "tensor": "x"}'

# Weights of a checkpoint: of the run itself, of another run, of a file.
made weights.json '{"kind": "weights", "circuit": "QK", "step": 5}'
is True "$(same)" 'QK of the last checkpoint is the QK there is'
made weights.json '{"kind": "weights", "circuit": "QK", "step": 0}, {"kind": "weights", "circuit": "OV", "step": 0}'
is False "$(same)" 'QK and OV of the first one are others'
first=$(after)
made sub/weights.json '{"kind": "weights", "circuit": "qk", "from": "../run", "step": 0},
    {"kind": "weights", "circuit": "ov", "from": "../run/checkpoints/step-00000000.safetensors"}'
is "$first" "$(after)" 'the same by path'
refused '{"kind": "weights", "circuit": "QK", "step": 30}' 'run has no checkpoint of step 30' \
    'a step without a checkpoint'
refused '{"kind": "weights", "circuit": "QK"}'
refused '{"kind": "weights", "circuit": "VO", "step": 0}'

# Parts, sources, the reference.
made part.json '{"kind": "part", "site": "blocks.0.attn.hook_[qk]", "part": "position", "norm": "frozen", "rest": "zero"}'
is False "$(same)" 'queries and keys of positions alone'
refused '{"kind": "part", "site": "blocks.0.attn.hook_[qk]", "part": "place"}'
made sources.json '{"kind": "without", "sources": [2, 3]}'
refused '{"kind": "without", "sources": [8]}' 'position 8, sequence 0 has 8 tokens' 'a source past the end'
mean='{"kind": "mean", "site": "blocks.0.attn.hook_v"}'
made mean.json "$mean"
is True "$(of '"these sequences" in d["numbers"]["reference"]["absent"]')" 'means of these sequences'
own=$(after)
printf '{"format": "clearhead-edits-1", "reference": 30, "edits": [%s]}' "$mean" > reference.json
runs 0 edit run --edits reference.json --count 20 --json
is 30 "$(value reference)" 'means of others'
is different "$([ "$own" = "$(after)" ] || echo different)" 'are other means'
runs 0 edit run --edits reference.json --count 20 --full
ok "$(printf '%s' "$out" | grep -q 'reference  30  *sequences; others that means'; echo $?)" 'and it is said'
runs 2 edit run --edits reference.json --count 1000
ok "$(printf '%s' "$err" | grep -q '1000 sequences and a reference of 30 others, this split has'; echo $?)" \
    'more sequences than there are'

# On a terminal it says how far it is, and takes that away again.
runs 0 train --n 3 --steps 2 --out long # more held-out sequences than two letters have
shown=$(python3 "$terminal" 80 "$clearhead" edit long --edits mean.json --count 7000)
if [ -z "$shown" ]; then
    skip 'progress on a terminal' 'this machine gives out no terminals'
else
    ok "$(printf '%s\n' "$shown" | sed 's/<clear>//g' | grep -q "^edit: [0-9]* of [0-9]"; echo $?)" 'a row on the terminal'
    ok "$(printf '%s\n' "$shown" | awk '/edit: / {gone = 0; next} /<clear>/ {gone = 1} END {exit !gone}'; echo $?)" \
        'which is gone at the end'
fi
finish
