#!/bin/sh
# --checkpoints: any measure over training; a line is what the command says of that checkpoint alone.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3

runs 0 train --n 3 --steps 6 --d-model 16 --d-head 8 --out run
for command in 'eval --count 9' 'attention --count 9' 'heads --count 9' circuits; do
    name=${command%% *} options=${command#"$name"}
    # shellcheck disable=SC2086 # options are several words
    runs 0 "$name" run $options --checkpoints --json
    # shellcheck disable=SC2086
    for step in 0 1 2 3 4 5 6; do
        "$clearhead" "$name" run $options --checkpoint "$step" --json
    done > alone
    is "$(cat alone)" "$out" "$name: each line is that checkpoint alone, at its step"
done

runs 0 generalise run --count 9 --checkpoints --json --threads 2
over=$out
is "$over" "$("$clearhead" generalise run --count 9 --checkpoints --json)" 'threads change nothing'
runs 0 generalise run@4 --count 9 --json
is "$out" "$(printf '%s\n' "$over" | sed -n 5p)" 'RUN@STEP is that checkpoint'

runs 0 eval run --count 9 --json --checkpoint 5
loss=$(printf '%.6f' "$(value positions.9.loss)")
runs 0 eval run --count 9 --checkpoints --numbers token_accuracy,positions.9.loss
is "5 $loss" "$(printf '%s\n' "$out" | awk '$1 == 5 {print $1, $3}')" 'a number by its path'
runs 0 eval run --count 9 --checkpoints --numbers loss_per_position.9
is "5 $loss" "$(printf '%s\n' "$out" | awk '$1 == 5 {print $1, $2}')" 'an element of an array by its place'
runs 0 circuits run --checkpoints --numbers blocks.0.head.0.qk.norm
of=$(printf '%s\n' "$out" | awk '$1 == 6 {print $2}')
runs 0 circuits run --json
is "$of" "$(printf '%.3f' "$(value circuits.blocks.0.head.0.qk.norm)")" 'a name with points in it'

printf '{"format": "clearhead-edits-1", "edits": [{"kind": "zero", "site": "blocks.0.attn.hook_z"}]}' > zero.json
runs 0 edit run --edits zero.json --count 9 --checkpoints --json
over=$out
runs 0 edit run --edits zero.json --count 9 --checkpoint 4 --json
is "$out" "$(printf '%s\n' "$over" | sed -n 5p)" 'an edit at every checkpoint'
runs 0 patch run --clean abc --corrupt abd --checkpoints --json
over=$out
runs 0 patch run --clean abc --corrupt abd --checkpoint 4 --json
is "$out" "$(printf '%s\n' "$over" | sed -n 5p)" 'patches at every checkpoint'
value=$(printf '%s' "$out" | python3 -c '
import json, sys
print("%.6f" % json.load(sys.stdin)["arrays"]["blocks.0.attn.hook_z"]["values"][0][6])')
runs 0 patch run --clean abc --corrupt abd --checkpoints --numbers blocks.0.attn.hook_z.0.6
is "$value" "$(printf '%s\n' "$out" | awk '$1 == 4 {print $2}')" 'an element of two places'
runs 0 paths run --clean abc --corrupt abd --checkpoints --json
over=$out
runs 0 paths run --clean abc --corrupt abd --checkpoint 4 --json
is "$out" "$(printf '%s\n' "$over" | sed -n 5p)" 'edges at every checkpoint'
runs 0 paths run --clean abc --corrupt abd --checkpoints --numbers 'edges.L0H0->logits.exact'
is 7 "$(printf '%s\n' "$out" | sed 1d | grep -cE '^ +[0-6] +-?[0-9.]+$')" 'one edge over training'
runs 0 paths run --clean abc --corrupt abd --path 'embed->L0H0.v->logits' --checkpoints --numbers effect

runs 2 eval run --checkpoints --numbers tokn_accuracy
is 'clearhead eval: --numbers: eval has no number tokn_accuracy, did you mean token_accuracy' "$err" \
    'a typing error'
runs 2 circuits run --checkpoints --numbers blocks.0.head.0.qk_positoin.norm
is 1 "$(printf '%s\n' "$err" | grep -c 'did you mean .*blocks.0.head.0.qk_position.norm$')" 'in a name with points in it'
runs 2 patch run --clean abc --corrupt abd --checkpoints --numbers blocks.0.attn.hook_z.0.26
is 1 "$(printf '%s\n' "$err" | grep -c 'patch has no number blocks.0.attn.hook_z.0.26')" 'a place there is not'
runs 2 eval run --checkpoints --numbers loss_per_position
is 1 "$(printf '%s\n' "$err" | grep -c 'has no number loss_per_position')" 'an array is no number'
runs 2 eval run --numbers loss
is 'clearhead eval: --numbers are shown over checkpoints, over seeds or against another run, want --checkpoints, --seeds or --against too' "$err" 'what would have no effect'
runs 2 eval run --checkpoints --checkpoint 3
mkdir empty
runs 2 eval empty --checkpoints
is 'clearhead eval: empty is no run: it has no config.json' "$err" 'a folder without them'
runs 2 eval run/model.safetensors --checkpoints
is 'clearhead eval: run/model.safetensors is no run folder, want one with its checkpoints' "$err" \
    'a file has no checkpoints'
rm run/checkpoints/step-00000003.safetensors
echo broken > run/checkpoints/step-00000003.safetensors
runs 3 eval run --count 9 --checkpoints --json
is 3 "$(printf '%s\n' "$out" | grep -c '"token_accuracy"')" 'what was measured before a failure is there'
is 1 "$(printf '%s\n' "$err" | grep -c 'checkpoint of step 3')" 'which one failed'
rm run/checkpoints/step-00000003.safetensors
draws over.png eval run --count 9 --checkpoints --figure
finish
