#!/bin/sh
# --ask-n: every question of a run of several n is the one that the same weights answer as a run of that n; what
# looks at no sequences, and an n that there is not, is refused. A context shorter than a sequence (--n-ctx): what
# is trained on is its beginning, and every question is asked of that.
# shellcheck disable=SC2154 # tap.sh sets folder, clearhead, err
. "$(dirname "$0")/../support/tap.sh"
CLEARHEAD=$clearhead
. "$(dirname "$0")/../support/each_question.sh"
cd "$folder" || exit 3

runs 0 train --n 2,3,4 --steps 40 --checkpoint-every 20 --checkpoint-log=false --d-model 16 --d-head 8 --out mix
cp -r mix three
sed '/"checksum"/d; s/"n": \[2, *3, *4\]/"n": [3]/' mix/config.json > three/config.json
write_edits
strip() { # a result's JSON without what names the run
    python3 -c 'import json, sys
r = json.load(sys.stdin)
for key in ("run", "ask_n"):
    r.pop(key, None)
print(json.dumps(r, sort_keys=True).replace("three", "mix"))'
}
asked=0
for name in $(question_names); do
    asks_run "$name" || continue
    words=$(settings "$name") before=$(words "$name") said=$(typed "$name")
    [ "$name" = certify ] && words='--margins=false'
    case $name in
    fourier) continue ;; # of sums, which have no n
    loss | circuits | show)
        runs 2 "$name" mix --ask-n 3
        is "clearhead $name: $name looks at no sequences of its own, so not at those of n = 3: want no ask_n" "$err" \
            "$name: refused"
        continue
        ;;
    esac
    # shellcheck disable=SC2086 # words
    "$clearhead" $said $before mix $words --ask-n 3 --json > mix.json 2> mix.err
    code=$?
    # shellcheck disable=SC2086
    "$clearhead" $said $before three $words --json > three.json 2> three.err
    is "$?" "$code" "$name: the exit code of a run of n = 3"
    is 1 "$([ "$code" -le 1 ] && echo 1)" "$name: answers"
    is "$(strip < three.json)" "$(strip < mix.json)" "$name: the answer of a run of n = 3"
    asked=$((asked + 1))
done
is True "$([ "$asked" -ge 17 ] && echo True)" 'most questions were asked'

runs 0 eval mix --ask-n 3 --count 6 --json
is 3 "$(printf '%s' "$out" | python3 -c 'import json, sys; print(json.load(sys.stdin)["ask_n"])' 2>&1)" 'the result says of which n'
# Held-out sequences of the mixture with 26 tokens are those of --n 3 alone: none was trained on.
"$clearhead" data --n 2,3,4 --split test --first 60 | awk 'length == 26' | sort > of_mix
"$clearhead" data --n 3 --split test --first 20 | sort > of_three
is '20 0' "$(wc -l < of_mix | tr -d ' ') $(comm -3 of_mix of_three | wc -l | tr -d ' ')" 'held out in both'

runs 0 eval mix --ask-n 3 --checkpoints --count 6 --json
is 3 "$(printf '%s\n' "$out" | grep -c '"ask_n"')" 'every checkpoint is asked for the one n'
runs 0 eval mix --ask-n 3 --against three --count 6
runs 0 eval mix --ask-n 2 --seeds 2 --count 6
draws n.svg figure mix --ask-n 2 --kind attention --out
while IFS='|' read -r words said; do
    # shellcheck disable=SC2086 # words
    runs 2 $words
    is "$said" "$err" "$words"
done << 'END'
eval mix --ask-n 5|clearhead eval: ask_n is 5, but the run was trained on n = 2, 3, 4
eval three --ask-n 4|clearhead eval: ask_n is 4, but the run was trained on n = 3
eval mix --ask-n 0|clearhead eval: --ask-n is 0, want a whole number in [1, 6]
eval mix --ask-n x|clearhead eval: --ask-n is x, want a whole number in [1, 6]
END
runs 2 answers mix
is 'clearhead answers: answers needs sequences of one length, mix is a mixture of 3: ask_n asks those of one n' "$err" \
    'where one n is needed, how to ask it is said'
runs 0 train --task modular_addition --p 5 --steps 2 --d-model 8 --d-head 4 --out sums
runs 2 eval sums --ask-n 3
is 'clearhead eval: ask_n is 3, but task modular_addition has no n: only a mixture of n is asked for one' "$err" 'a task without n'

# ---- A shorter context ----

runs 0 train --n 4 --n-ctx 60 --steps 40 --d-model 16 --d-head 8 --out short
for name in $(question_names); do
    asks_run "$name" || continue
    words=$(settings "$name" | sed 's/abc/abcd/; s/ abd/ abce/')
    # of 557,845 sets, asked below of fewer; a program is of whole sequences, and says so; of numbers
    case $name in certify | necessity | invariance | robustness | repair | decompile | program_* | fourier) continue ;; esac
    # shellcheck disable=SC2086 # words
    "$clearhead" "$name" short $words > text 2> text.err
    is "1 0" "$([ $? -le 1 ] && echo 1) $(grep -c nan text)" "$name: of a run of beginnings"
done
runs 0 train --n 2 --n-ctx 6 --steps 20 --d-model 16 --d-head 8 --out few
"$clearhead" certify few > text 2> text.err
is 1 "$([ $? -le 1 ] && echo 1)" 'certify: of a run of beginnings'

"$clearhead" data --n 4 --split test --first 25 > whole
"$clearhead" data --n 4 --n-ctx 60 --split test --first 25 > begun
is "$(cut -c1-60 whole)" "$(cat begun)" 'what is trained on is the beginning of each sequence'
runs 2 decompile few
python3 -c 'import json
for line in open("begun"):
    print(json.dumps(line.rstrip("\n")))' > begun.jsonl
"$clearhead" eval short --count 25 --json > own.json
"$clearhead" eval short --data begun.jsonl --first-scored 6 --json > given.json
is True "$(python3 -c 'import json
a, b = (json.load(open(f))["numbers"]["loss"]["value"] for f in ("own.json", "given.json"))
print(abs(a - b) < 1e-12)')" 'and the loss is that of these lines'
cp -r short cut
runs 0 resume cut
runs 0 data --n 3,4 --n-ctx 60 --first 2
while IFS='|' read -r words said; do
    # shellcheck disable=SC2086 # words
    runs 2 train $words --out never
    is "$said" "$err" "$words"
done << 'END'
--n 4 --n-ctx 6|clearhead train: n_ctx is 6, want at least 7, so that of n = 4 something is predicted after the first term
--n 3,4 --n-ctx 26|clearhead train: n_ctx is 26, want at least 27: a sequence of n = 4, of which the model may read a beginning, is longer than all others
--init mix/model.safetensors --n 5|clearhead train: n_ctx is 122, want at least 722, the tokens of the longest sequence
--task modular_addition --n-ctx 3|clearhead train: n_ctx is 3, want at least 4, the tokens of the longest sequence
END
is 0 "$(find . -name 'never*' | wc -l | tr -d ' ')" 'and nothing written'
finish
