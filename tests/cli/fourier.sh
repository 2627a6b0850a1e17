#!/bin/sh
# fourier: whose key frequencies are taken, once, over checkpoints, over seeds, against another run; as a figure; and
# who is refused.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3

small='train --task modular_addition --p 7 --d-model 16 --d-head 8 --d-mlp 12 --batch 14 --lr 0.01 --steps 40'
# shellcheck disable=SC2086 # words
runs 0 $small --checkpoint-every 20 --checkpoint-log=false --out run
# shellcheck disable=SC2086
runs 0 $small --operation subtract --attn-only --out minus
# shellcheck disable=SC2086
runs 0 $small --operation multiply --out times

runs 0 fourier run --json --full
printf '%s\n' "$out" > one
is '49 49' "$(value sample | sed 's/all 49 inputs: \([0-9]*\) trained on, \([0-9]*\) held out/\1 \2/' | awk '{print $1 + $2, 49}')" \
    'all inputs are asked'
is '1.000 4 12' "$(python3 -c '
import json
t = json.load(open("one"))["tables"]
print("%.3f" % sum(row["embedding"] for row in t["frequencies"]), len(t["frequencies"]), len(t["neurons"]))')" \
    'energies add up; every frequency, every neuron'
is "$(cat one)" "$("$CLEARHEAD" fourier run --threads 3 --json --full)" 'the same with three threads'
test_loss=$(value losses.model.test_loss)
runs 0 eval run --count 1000 --json
is "$(printf '%.5f' "$test_loss")" "$(printf '%.5f' "$(value loss)")" 'the held-out loss is that of eval'

# Whose frequencies: at the end one that others are not; a checkpoint takes those of the end, its own, or any.
runs 0 fourier run --least 1e-9 --json
is '1, 2, 3 step 40' "$(value key_frequencies) $(value key_of)" 'all that hold anything'
runs 0 fourier run --least 1 --json
is 'none 0' "$(value key_frequencies) $(value keys)" 'none holds all'
is "$(value losses.model.test_loss)" "$(value losses.excluded.test_loss)" 'without any, excluded is the model'
runs 0 fourier run@0 --least 0.002 --json
is 'step 40' "$(value key_of)" 'of a checkpoint those of the end'
end=$(value key_frequencies)
runs 0 fourier run --least 0.002 --json
is "$end" "$(value key_frequencies)" 'which are those'
runs 0 fourier run@0 --key-of itself --json
is 'step 0' "$(value key_of)" 'or its own'
runs 0 fourier run@20 --frequencies 3,1 --json
is '1, 3 given 2' "$(value key_frequencies) $(value key_of) $(value keys)" 'or those that are given'
runs 2 fourier run --frequencies 4
is 'clearhead fourier: frequency 4, want 1 to 3: half of p = 7' "$err" 'of those there are'

# Asked more than once.
runs 0 fourier run --checkpoints
is '0 20 40' "$(printf '%s\n' "$out" | awk '$1 ~ /^[0-9]+$/ {printf "%s%s", sep, $1; sep = " "}')" 'a row for each checkpoint'
is 6 "$(printf '%s\n' "$out" | head -n 1 | grep -oE '(model|restricted|excluded)\.t[a-z_]+|embedding_key' | wc -l | tr -d ' ')" \
    'with the losses'
draws over.png fourier run --checkpoints --figure
draws energy.svg fourier run --figure
runs 0 fourier run --seeds 2 --full
is 2 "$(printf '%s\n' "$out" | sed '1,/^seeds/d' | grep -cE '^ +[01] ')" 'a row for each seed'
runs 0 fourier run --against minus

# Differences, without neurons.
runs 0 fourier minus --json
is 'the model has no MLP' "$(printf '%s' "$out" | grep -o 'the model has no MLP' | head -n 1)" 'without neurons it says so'
runs 3 fourier times
is 'clearhead fourier: fourier needs a task of sums: the operation is multiply, want add or subtract' "$err" 'products are refused'
runs 0 train --n 2 --steps 2 --d-model 16 --d-head 8 --out letters
runs 3 fourier letters
is 'clearhead fourier: fourier needs a task of sums: the task is permutations, want sums or differences modulo p' "$err" \
    'so are letters'
finish
