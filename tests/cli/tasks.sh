#!/bin/sh
# shellcheck disable=SC2046,SC2086 # the options are words
# Every task there is, with a small run of it: the same bytes at two threads; an audit; every question
# answered as its schema says, or refused in one line by what is missing.
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
echo '{"format": "clearhead-edits-1", "edits": [{"kind": "zero", "site": "blocks.0.attn.hook_z"}]}' > edits.json
runs 0 train -h
tasks=$(printf '%s\n' "$out" | grep -oe '--task [a-z_|]*' | cut -c 8- | tr '|' ' ')
is 1 $(($(echo "$tasks" | wc -w) >= 6)) "help names the tasks: $tasks"

# pair TASK: two held-out sequences of one length, as texts, into $clean and $corrupt
pair() {
    "$clearhead" data --config "$1/config.json" --split test --first 200 > drawn
    python3 - << 'END' > two
lines = open("drawn").read().split("\n")[:-1]
parts = lambda line: len(line.split()) if "=" in line or line[0].isdigit() else len(line)
print(*next([a, b] for a in lines for b in lines if a != b and parts(a) == parts(b)), sep="\n")
END
    clean=$(head -n 1 two) corrupt=$(tail -n 1 two)
}

# settings NAME: what a question is given beside its run, so that it is quick and has what it must have
settings() {
    case $1 in
    edit) echo '--edits edits.json' ;;
    emergence | answers | causal | generalise | scrub | eval | attention | attribute | lens) echo '--count 6' ;;
    *) echo ;;
    esac
}

bytes() { # RUN: what must be equal, metrics without their times
    (cd "$1" && cat model.safetensors checkpoints/* && sed 's/, "seconds": [^}]*//' metrics.jsonl) | cksum
}

# ask NAME TASK ARGUMENTS...: answered as its schema says, or refused in one line
ask() {
    name=$1 task=$2
    shift 2
    code=0
    "$clearhead" "$name" "$@" --json > result.json 2> said || code=$?
    if [ $code -le 1 ]; then
        is '' "$(python3 "$schema" check questions.json < result.json 2>&1 | tail -n 1)" "$name of $task"
        answered=$((answered + 1))
    else
        is 1 "$(grep -c . said)" "$name refuses $task in one line: $(cat said)"
        is 1 "$(grep -c "^clearhead $(typed "$name"): .*\(need\|want\)" said)" "$name says what is missing of $task"
    fi
}

for task in $tasks; do
    [ "$task" = none ] && continue
    own="--task $task"
    case $task in # small, where a question asks every input
    lines) own='--data lines.jsonl --test-sequences 8' ;;
    permutations) own="$own --n 3" ;;
    modular_addition) own="$own --p 23" ;;
    esac
    small="$own --d-model 16 --d-head 8 --batch 5 --steps 8 --checkpoint-every 2 --checkpoint-log=false"
    runs 0 train $small --out "$task"
    runs 0 train $small --threads 2 --out "$task-two"
    is "$(bytes "$task")" "$(bytes "$task-two")" "$task: the same bytes at two threads"
    answered=0
    ask audit "$task" --config "$task/config.json" --count 50
    is 1 $answered "audit answers $task"
    pair "$task"
    for name in $names; do
        case $name in
        audit | bench | program_run | program_diff | program_stats) ;; # ask no run
        patch | paths) ask "$name" "$task" "$task" --clean-text "$clean" --corrupt-text "$corrupt" ;;
        *) ask "$name" "$task" $(words "$name") "$task" $(settings "$name") ;;
        esac
    done
    is 1 $((answered > 15)) "$task: many questions were answered: $answered" # others want letters, one head, sums
done
finish
