#!/bin/sh
# Every question's JSON is what `questions --json` says of it, on three kinds of model and at a checkpoint;
# what does not fit is refused by what is missing.
. "$(dirname "$0")/../support/tap.sh"
. "$(dirname "$0")/../support/each_question.sh"
cd "$folder" || exit 3

schema=$CLH_SOURCE/tests/support/result.py
runs 0 questions --json
printf '%s\n' "$out" > questions.json
names=$(python3 -c 'import json; print(*[q["name"] for q in json.load(open("questions.json"))])')
python3 - << 'END' > lines.jsonl
for i in range(40):
    print([(i + k * k * (1 + i // 11)) % 11 for k in range(10)])
END
runs 0 train --n 3 --steps 6 --out one
runs 0 train --n 3 --n-layers 2 --n-heads 2 --d-model 16 --d-head 8 --attn-only=false --d-mlp 12 --steps 4 --out deep
runs 0 train --data lines.jsonl --d-model 16 --d-head 8 --steps 4 --test-sequences 8 --out lines

write_edits

asked=0
for name in $names; do
    for run in one one@4 deep lines; do
        target=$run
        if ! asks_run "$name"; then
            [ "$run" = one ] || continue
            target=''
        fi
        # shellcheck disable=SC2046,SC2086 # words
        "$CLEARHEAD" "$name" $(words "$name") $target $(settings "$name") --json > result.json 2> said
        code=$?
        if [ $code -le 1 ]; then
            is '' "$(python3 "$schema" check questions.json < result.json 2>&1 | tail -n 1)" "$name of $run"
            asked=$((asked + 1))
        else
            is 1 "$(grep -c "^clearhead $(typed "$name"): " said)" "$name refuses $run in one line: $(cat said)"
            is 1 "$(grep -c "\"exit\": $code" result.json)" "$name says so in JSON"
        fi
    done
done
is 1 $((asked > 3 * $(echo "$names" | wc -w) / 2)) "most questions were answered: $asked"
finish
