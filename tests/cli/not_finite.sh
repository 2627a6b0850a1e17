#!/bin/sh
# NaN in, NaN reported: each command that reads a run names the first tensor that is not finite.
. "$(dirname "$0")/../support/tap.sh"
PYTHONPATH=$(cd "$(dirname "$0")/../support" && pwd)
PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH PYTHONDONTWRITEBYTECODE
cd "$folder" || exit 3

with() { # NAME TENSOR VALUE: a copy of the run with that value at the tensor's first place
    rm -rf "$1"
    cp -r run "$1"
    python3 -c 'import sys; from tensors import poke; poke(sys.argv[1], sys.argv[2], 0, float(sys.argv[3]))' \
        "$1/model.safetensors" "$2" "$3"
}
says() { # LINE ARGUMENTS...: the command fails with that as its last line
    line=$1
    shift
    runs 3 "$@" --no-verify # a number was changed behind the checksum
    is "clearhead $1: $line" "$(printf '%s\n' "$err" | tail -n 1)" "and why: $*"
}
each() { # LINE_OF_ONE LINE_OF_MANY RUN: what asks one sequence, and what asks several
    for command in 'sample' 'sample --free' 'sample --text > --free' 'figure --json' \
        'figure --kind thresholds --json' 'figure --kind tokens --json' 'cache --out never.safetensors' \
        attribute lens; do
        # shellcheck disable=SC2086 # words
        says "$1" $command "$3"
    done
    for command in eval attention heads scrub generalise; do
        says "$2" $command "$3" --count 20
    done
    case $2 in # a list of edits has a name, of the model as it is too
    sequence*) says "none: $2" edit --edits edits.json "$3" --count 20 ;;
    *) says "$2" edit --edits edits.json "$3" --count 20 ;;
    esac
}

echo '{"format": "clearhead-edits-1", "edits": []}' > edits.json
runs 0 train --n 2 --steps 5 --n-layers 2 --d-model 16 --d-head 8 --out run

# In the weights: no command opens the run.
for value in nan inf; do
    with bad blocks.1.attn.W_V $value
    why="bad/model.safetensors: tensor blocks.1.attn.W_V is $value at [0, 0, 0], want finite numbers"
    each "$why" "$why" bad
    for command in circuits show 'export --to never' 'patch --clean ab --corrupt cd' 'paths --clean ab --corrupt cd' \
        answers causal emergence; do
        # shellcheck disable=SC2086
        says "$why" $command bad
    done
done

# In what is computed from finite weights: an infinity (v) comes before the first NaN (z).
with large blocks.1.attn.W_V 3e38
each 'blocks.1.attn.hook_v is not finite' 'sequence 0: blocks.1.attn.hook_v is not finite' large
for command in patch paths 'paths --ig 2'; do
    # shellcheck disable=SC2086
    says 'the clean run: blocks.1.attn.hook_v is not finite' $command large --clean ab --corrupt cd
done
says 'none: sequence 0: blocks.1.attn.hook_v is not finite' causal large --count 5
says 'checkpoint of step 0: sequence 0: blocks.1.attn.hook_v is not finite' emergence large --count 5
ok "$([ ! -e never.safetensors ] && [ ! -e never ]; echo $?)" 'nothing was written'

# An infinity that the loss does not show: what a norm divides by it is 0. The token is ">", in every sequence.
with huge embed.W_E 3e38
each 'blocks.0.ln1.hook_scale is not finite' 'sequence 0: blocks.0.ln1.hook_scale is not finite' huge
for command in patch paths; do
    says 'the clean run: blocks.0.ln1.hook_scale is not finite' $command huge --clean ab --corrupt cd
done
says 'none: sequence 0: blocks.0.ln1.hook_scale is not finite' causal huge --count 5

# One layer: the fused path, and what asks for one head.
rm -r run
runs 0 train --n 2 --steps 5 --d-model 16 --d-head 8 --out run
with large blocks.0.attn.W_V 3e38
with huge embed.W_E 3e38
for command in eval answers; do
    says 'sequence 0: blocks.0.attn.hook_v is not finite' $command large --count 20
    says 'sequence 0: blocks.0.ln1.hook_scale is not finite' $command huge --count 20
done

# Weights whose products are larger than F32 holds: the matrices are then F64, and nothing is infinite.
for range in 1e10 1e37; do
    runs 0 train --n 2 --steps 0 --d-model 16 --d-head 8 --init-mode gpt2 --initializer-range $range --out wide-$range
    runs 0 circuits wide-$range --out wide.safetensors
    is '' "$(printf '%s\n' "$out" | grep -wE 'inf|nan|-inf')" 'no infinity in the table'
    is '0 True' "$(python3 -c '
import math
from tensors import header, read
numbers = [x for _, values in read("wide.safetensors").values() for x in values]
print(sum(not math.isfinite(x) for x in numbers), max(abs(x) for x in numbers) > 3.5e38)
assert all(row["data_offsets"][0] % (8 if row["dtype"] == "F64" else 4) == 0 for row in header("wide.safetensors")[0].values())')" \
        'nor in the file'
done

# What training prints of a loss that is not finite.
runs 0 train --n 2 --steps 0 --init-mode gpt2 --initializer-range 1e20 --out blown --json
is 'None held_out_loss' "$(printf '%s' "$out" | python3 -c '
import json, sys
d = json.load(sys.stdin, parse_constant=lambda word: sys.exit(word))
print(d["held_out_loss"], *d["not_finite"])')" 'train --json names what is not finite'
runs 0 loss blown --json
is 'None|it was not a finite number|Not finite: the held-out loss of 1 of 1 evaluations, the first at step 0.' \
    "$(printf '%s' "$out" | python3 -c '
import json, sys
d = json.load(sys.stdin)
loss = d["numbers"]["held_out_loss"]
print(loss["value"], loss["absent"], *d["notes"], sep="|")')" 'loss says which'
finish
