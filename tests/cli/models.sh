#!/bin/sh
# Every kind of model is trained, asked every question that takes a run, exported and imported: a question
# answers, or refuses by naming what the model has not; and it says beforehand what it needs.
. "$(dirname "$0")/../support/tap.sh"
PYTHONPATH=$(cd "$(dirname "$0")/../support" && pwd)
PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH PYTHONDONTWRITEBYTECODE
cd "$folder" || exit 3

small='train --n 3 --steps 12 --batch 4 --d-model 16 --d-head 8 --n-heads 2 --test-sequences 8'
mlp='--attn-only=false --act-fn silu --d-mlp 20'

# NAME SETTINGS…
model() {
    name=$1
    shift
    # shellcheck disable=SC2086
    runs 0 $small "$@" --out "$name"
}
model rotary --n-layers 2 --positional-embedding-type rotary --rotary-dim 6 --rotary-base 50
model shortformer --positional-embedding-type shortformer
model alibi --n-layers 2 --positional-embedding-type alibi
model none --positional-embedding-type none
# shellcheck disable=SC2086
model gated $mlp --gated-mlp --n-layers 2 --parallel-attn-mlp --final-rms --init-mode xavier_normal
model tied --tie-word-embeddings --init-mode kaiming_uniform
model both --attention-dir bidirectional
model empty --n-layers 0

model alone --n-heads 1 --positional-embedding-type rotary

questions=$("$clearhead" questions --json | python3 -c '
import json, sys
for q in json.load(sys.stdin):
    own = ("edit", "audit", "bench", "fourier", "program_check", "program_run", "program_diff", "program_stats")
    if q["name"] not in own: # what they take is in their own tests
        print(q["name"])')
is 25 "$(echo "$questions" | wc -l | tr -d ' ')" 'the questions to ask'

# What a question wants besides the run, and how it is quick.
given() {
    case $1 in
    patch | paths) echo '--clean abc --corrupt bac' ;;
    causal) echo '--count 6 --others 4' ;;
    scrub | generalise) echo '--count 6' ;;
    esac
}

for name in rotary shortformer alibi none gated tied both empty alone; do
    for q in $questions; do
        # shellcheck disable=SC2046
        "$clearhead" "$q" "$name" $(given "$q") --json > answer.json 2> answer.txt
        code=$?
        if [ $code -le 1 ]; then
            python3 -c 'import json; json.load(open("answer.json"))' && echo "$name $q" >> answered
            ok $? "$name: $q answers"
        else
            grep -Eq "^clearhead $q: $q needs (queries that|embeddings of|a model of)" answer.txt &&
                echo "$name $q" >> refused
            ok $? "$name: $q refuses by what is missing"
        fi
    done
done

# Who refuses is who has not what the question needs, and nobody else.
is "$(sort << 'END'
rotary answers
rotary decompile
rotary invariance
rotary necessity
rotary repair
rotary robustness
shortformer answers
shortformer decompile
shortformer invariance
shortformer necessity
shortformer repair
shortformer robustness
alibi answers
alibi decompile
alibi invariance
alibi necessity
alibi repair
alibi robustness
none answers
none decompile
none invariance
none necessity
none repair
none robustness
gated answers
gated decompile
gated invariance
gated necessity
gated repair
gated robustness
tied answers
tied decompile
tied invariance
tied necessity
tied repair
tied robustness
both answers
both attention
both decompile
both heads
both invariance
both necessity
both repair
both robustness
empty answers
empty attention
empty causal
empty circuits
empty decompile
empty emergence
empty heads
empty invariance
empty necessity
empty paths
empty pattern
empty repair
empty robustness
empty scrub
empty thresholds
alone answers
alone decompile
alone invariance
alone necessity
alone repair
alone robustness
END
)" "$(sort refused)" 'questions refused'
"$clearhead" answers alone 2> answer.txt
is 'clearhead answers: answers needs embeddings of positions in the residual stream, this model'"'"'s positional_embedding_type is "rotary"' \
    "$(cat answer.txt)" 'the reason is the setting'

# Rows of the causal suite that a model has nothing for say so; the others have numbers.
runs 0 causal rotary --count 6 --others 0 --json
is '7 of 23 left out: the model embeds no positions in its stream' "$(printf '%s' "$out" | python3 -c '
import json, sys
rows = json.load(sys.stdin)["tables"]["interventions"]
absent = [row["absent"] for row in rows if "absent" in row]
print(len(absent), "of", len(rows), "left out:", *set(absent))')" 'parts of the input'
runs 0 circuits rotary --json
printf '%s' "$out" | grep -q 'Left out: QK circuits'
ok $? 'circuits that a model has not are said'
runs 3 circuits rotary --kind qk
is 'clearhead circuits: qk needs scores that do not turn with the distance of query and key, this model'"'"'s positional_embedding_type is "rotary"' \
    "$err" 'and refused where they are asked for'

# A token stands where it is generated, whatever computes it; with keys of the future too.
for name in rotary shortformer alibi both tied; do
    runs 0 sample "$name" --letters abc --free --json
done

# There and back through TransformerLens' formats: the same bits inside, loss and gradients too.
for name in rotary shortformer alibi none gated tied both empty; do
    runs 0 export "$name" --to "theirs-$name"
    runs 0 import "theirs-$name/model.safetensors" --config "theirs-$name/cfg.json" --task permutations --out "back-$name"
    for side in "$name" "back-$name"; do
        "$clearhead" cache "$side" --letters cab --grads --out "$side.safetensors" > said.txt 2>&1
    done
    python3 -c '
import sys
from tensors import read
sys.exit(read(sys.argv[1] + ".safetensors") != read("back-" + sys.argv[1] + ".safetensors"))' "$name"
    ok $? "$name: what was exported and imported is the same model"
done
is 'rotary 0' "$(python3 -c '
import json
c = json.load(open("theirs-none/cfg.json"))
print(c["positional_embedding_type"], c["rotary_dim"])')" 'no positions, in their words'
runs 0 export shortformer --to folded --fold
runs 3 export rotary --to refactored --refactor
is 'clearhead export: refactoring heads needs scores that do not turn with the distance of query and key, this model'"'"'s positional_embedding_type is "rotary"' \
    "$err" 'what would change the model is refused'

# What their files hold besides, and what cannot be.
python3 - << 'PYTHON'
from tensors import read, write
weights = read("theirs-rotary/model.safetensors")
weights["blocks.0.attn.rotary_sin"] = weights["blocks.1.attn.rotary_cos"] = [[26, 6], [0.5] * 156]
write("buffers.safetensors", weights)
weights = read("theirs-alibi/model.safetensors")
weights["pos_embed.W_pos"] = [[26, 16], [0.5] * 416]
write("unread.safetensors", weights)
weights = read("theirs-tied/model.safetensors")
shape, numbers = weights["unembed.W_U"]
weights["unembed.W_U"] = [shape, list(numbers[:-1]) + [2.0]]
write("untied.safetensors", weights)
PYTHON
runs 0 import buffers.safetensors --config theirs-rotary/cfg.json --out buffers
runs 0 import unread.safetensors --config theirs-alibi/cfg.json --out unread
runs 3 import buffers.safetensors --config theirs-alibi/cfg.json --out wrong
runs 3 import untied.safetensors --config theirs-tied/cfg.json --out untied
echo "$err" | grep -q 'unembed.W_U is not embed.W_E turned over, want tie_word_embeddings false'
ok $? 'what is tied is the same'

finish
