#!/bin/sh
# clearhead edit (TAP, run by the tests).
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3

edits() { # FILE EDITS: a file of edits
    printf '{"format": "clearhead-edits-1", "edits": [%s]}' "$2" > "$1"
}
same() { # whether before and after in $out are the same numbers
    printf '%s\n' "$out" | python3 -c 'import json,sys; d=json.load(sys.stdin); print(d["before"] == d["after"])'
}

runs 0 train --n 2 --steps 5 --out run
edits none.json ''
runs 0 edit run --edits none.json --count 20 --json
is True "$(same)" 'no edit changes nothing'
edits zero.json '{"kind": "zero", "site": "blocks.0.attn.hook_z"}'
runs 0 edit run --edits zero.json --count 20 --json
is False "$(same)" 'an edit is made'
edits name.json '{"kind": "zero", "site": "blocks.0.attn.hook_patern"}'
runs 2 edit run --edits name.json
ok "$(printf '%s' "$err" | grep -q 'did you mean blocks.0.attn.hook_pattern?'; echo $?)" 'a hook that is not there'
edits key.json '{"kind": "zero", "sit": "*"}'
runs 2 edit run --edits key.json
ok "$(printf '%s' "$err" | grep -q 'unknown key sit; did you mean site'; echo $?)" 'an unknown key'
edits head.json '{"kind": "zero", "site": "blocks.0.attn.hook_z", "heads": [7]}'
runs 2 edit run --edits head.json
edits shape.json '{"kind": "one_hot", "site": "blocks.0.attn.hook_z"}'
runs 2 edit run --edits shape.json
edits kind.json '{"kind": "zerro", "site": "*"}'
runs 2 edit run --edits kind.json
is 'clearhead edit: kind.json: edit 0: kind is zerro; did you mean zero?' "$err" 'a misspelt kind'
edits kind.json '{"kind": "weights", "circuit": "everything"}'
runs 2 edit run --edits kind.json
ok "$(printf '%s' "$err" | grep -q 'circuit is everything, want one of qk, ov, q, k'; echo $?)" 'no circuit like it: all are told'
edits site.json '{"kind": "zero"}'
runs 2 edit run --edits site.json
runs 2 edit run --edits none.json --count 0

# What comes from elsewhere. Files are found beside the file of edits, wherever the command runs.
after() { # the numbers after the edit in $out
    printf '%s\n' "$out" | python3 -c 'import json,sys; print(json.load(sys.stdin)["after"])'
}
mkdir sub
runs 0 cache run --letters bd --out sub/bd.safetensors
edits sub/set.json '{"kind": "set", "site": "blocks.0.attn.hook_v", "file": "bd.safetensors",
    "tensor": "blocks.0.attn.hook_v"}'
runs 0 edit run --edits sub/set.json --count 20 --json
is False "$(same)" 'values of another sequence, from a file'
from_file=$(after)
for from in '{"letters": "bd"}' '{"text": "> bd db."}' '{"tokens": [0, 1, 4, 6, 1, 6, 4, 2]}'; do
    edits patch.json '{"kind": "patch", "site": "blocks.0.attn.hook_v", "from": '"$from"'}'
    runs 0 edit run --edits patch.json --count 20 --json
    is "$from_file" "$(after)" "and the same from $from"
done
edits patch.json '{"kind": "patch", "site": "blocks.0.attn.hook_v", "from": {"letters": "abc"}}'
runs 2 edit run --edits patch.json
ok "$(printf '%s' "$err" | grep -q 'longer than\|26 tokens\|room'; echo $?)" 'a sequence that is too long'
edits patch.json '{"kind": "patch", "site": "blocks.0.attn.hook_v", "from": "bd"}'
runs 2 edit run --edits patch.json
edits file.json '{"kind": "set", "site": "blocks.0.attn.hook_q", "file": "sub/bd.safetensors", "tensor": "logits"}'
runs 2 edit run --edits file.json
ok "$(printf '%s' "$err" | grep -q 'logits of sub/bd.safetensors is \[1, 8, 65\], blocks.0.attn.hook_q of sequence 0 is \[1, 8, 1, 64\]'; echo $?)" \
    'a tensor of another shape: both are named'
edits file.json '{"kind": "set", "site": "blocks.0.attn.hook_q", "file": "sub/bd.safetensors", "tensor": "logit"}'
runs 2 edit run --edits file.json
ok "$(printf '%s' "$err" | grep -q 'logits'; echo $?)" 'a tensor that is not there: the nearest is named'
edits file.json '{"kind": "set", "site": "blocks.0.attn.hook_q", "file": "sub/bd.safetensors"}'
runs 2 edit run --edits file.json
edits file.json '{"kind": "set", "site": "blocks.0.attn.hook_q", "file": "none.safetensors", "tensor": "x"}'
runs 3 edit run --edits file.json
python3 -c 'import struct
header = b"{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}"
open("nan.safetensors", "wb").write(struct.pack("<Q", len(header)) + header + struct.pack("<2f", 1, float("nan")))'
edits nan.json '{"kind": "add", "site": "blocks.0.hook_resid_pre", "file": "nan.safetensors", "tensor": "x"}'
runs 2 edit run --edits nan.json
edits nan.json '{"kind": "add", "site": "blocks.0.ln1.hook_scale", "file": "nan.safetensors", "tensor": "x"}'
runs 2 edit run --edits nan.json

# Weights of a checkpoint: of the run itself, of another run, of a file.
edits weights.json '{"kind": "weights", "circuit": "QK", "step": 5}'
runs 0 edit run --edits weights.json --count 20 --json
is True "$(same)" 'QK of the last checkpoint is the QK there is'
edits weights.json '{"kind": "weights", "circuit": "QK", "step": 0}, {"kind": "weights", "circuit": "OV", "step": 0}'
runs 0 edit run --edits weights.json --count 20 --json
is False "$(same)" 'QK and OV of the first one are others'
first=$(after)
edits sub/weights.json '{"kind": "weights", "circuit": "qk", "from": "../run", "step": 0},
    {"kind": "weights", "circuit": "ov", "from": "../run/checkpoints/step-00000000.safetensors"}'
runs 0 edit run --edits sub/weights.json --count 20 --json
is "$first" "$(after)" 'the same by path'
edits weights.json '{"kind": "weights", "circuit": "QK", "step": 30}'
runs 2 edit run --edits weights.json
ok "$(printf '%s' "$err" | grep -q 'run has no checkpoint of step 30'; echo $?)" 'a step without a checkpoint'
edits weights.json '{"kind": "weights", "circuit": "QK"}'
runs 2 edit run --edits weights.json
edits weights.json '{"kind": "weights", "circuit": "VO", "step": 0}'
runs 2 edit run --edits weights.json

# Parts, sources, the reference.
edits part.json '{"kind": "part", "site": "blocks.0.attn.hook_[qk]", "part": "position", "norm": "frozen", "rest": "zero"}'
runs 0 edit run --edits part.json --count 20 --json
is False "$(same)" 'queries and keys of positions alone'
edits part.json '{"kind": "part", "site": "blocks.0.attn.hook_[qk]", "part": "place"}'
runs 2 edit run --edits part.json
edits sources.json '{"kind": "without", "sources": [2, 3]}'
runs 0 edit run --edits sources.json --count 20 --json
edits sources.json '{"kind": "without", "sources": [8]}'
runs 2 edit run --edits sources.json
ok "$(printf '%s' "$err" | grep -q 'position 8, sequence 0 has 8 tokens'; echo $?)" 'a source past the end'
mean='{"kind": "mean", "site": "blocks.0.attn.hook_v"}'
edits mean.json "$mean"
runs 0 edit run --edits mean.json --count 20 --json
is True "$(printf '%s\n' "$out" | python3 -c 'import json,sys; print(json.load(sys.stdin)["reference"] is None)')" 'means of these sequences'
own=$(after)
printf '{"format": "clearhead-edits-1", "reference": 30, "edits": [%s]}' "$mean" > reference.json
runs 0 edit run --edits reference.json --count 20 --json
is 30 "$(printf '%s\n' "$out" | python3 -c 'import json,sys; print(json.load(sys.stdin)["reference"])')" 'means of others'
is different "$([ "$own" = "$(after)" ] || echo different)" 'are other means'
runs 0 edit run --edits reference.json --count 20
ok "$(printf '%s' "$out" | grep -q '^means and resampling: from 30 other sequences'; echo $?)" 'and it is said'
runs 2 edit run --edits reference.json --count 1000
ok "$(printf '%s' "$err" | grep -q '1000 sequences and a reference of 30 others, this split has'; echo $?)" \
    'more sequences than there are'

# On a terminal it says how far it is, and takes that away again.
shown=$(python3 - "$clearhead" << 'END'
import os, pty, subprocess, sys
ours, its = pty.openpty()
process = subprocess.Popen([sys.argv[1], "edit", "run", "--edits", "mean.json", "--count", "300"],
                           stdin=its, stdout=subprocess.DEVNULL, stderr=its)
os.close(its)
sent = b""
try:
    while piece := os.read(ours, 65536):
        sent += piece
except OSError:
    pass
process.wait()
words = [b"reference sequence 1 of 300", b"\rsequence", b"\redited sequence"]
print(all(word in sent.replace(b"\033[K", b"") for word in words),
      b"\033[K" in sent.split(b"edited sequence")[-1])
END
) || shown=none
if [ "$shown" = none ]; then
    skip 'progress on a terminal' 'this machine gives out no terminals'
else
    is 'True True' "$shown" 'progress on a terminal'
fi
finish
