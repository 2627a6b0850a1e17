#!/bin/sh
# For tests in shell that go over all questions: how each is asked so that it is quick.
#
#   . "$(dirname "$0")/../support/each_question.sh"
#   write_edits                                  # the file that `edit` reads
#   for name in $(question_names); do
#       "$CLEARHEAD" "$name" $(words "$name") $(asks_run "$name" && echo run) $(settings "$name")

question_names() {
    "$CLEARHEAD" questions --json | python3 -c 'import json, sys; print(*[q["name"] for q in json.load(sys.stdin)])'
}

asks_run() { # NAME: whether it is asked of a run
    "$CLEARHEAD" "$1" -h | grep -q '^Usage: .* RUN'
}

typed() { # NAME: what it is called where people read
    case $1 in
    program_*) echo "program ${1#program_}" ;;
    *) echo "$1" ;;
    esac
}

settings() { # NAME: what it is given beside its run, so that it is quick and has what it must have
    case $1 in
    patch | paths) echo '--clean abc --corrupt abd' ;;
    edit) echo '--edits edits.json' ;;
    bench) echo '--seconds 0' ;;
    audit) echo '--n 2' ;;
    repair) echo '--domain sorted --count 6' ;;
    program_run) echo '--letters abc' ;;
    emergence | answers | causal | generalise | scrub | eval | attention | attribute | lens) echo '--count 6' ;;
    *) echo ;;
    esac
}

words() { # NAME: what stands in front of its run
    hypotheses=$CLH_SOURCE/examples/hypotheses
    case $1 in
    program_check | program_run | program_stats) echo "$hypotheses/first_term.txt" ;;
    program_diff) echo "$hypotheses/first_term.txt $hypotheses/most_recent.txt" ;;
    *) echo ;;
    esac
}

write_edits() {
    echo '{"format": "clearhead-edits-1", "edits": [{"kind": "zero", "site": "blocks.0.attn.hook_z"}]}' > edits.json
}
