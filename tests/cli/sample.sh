# shellcheck disable=SC2154 # tap.sh sets folder, out, err
# What a trained model writes and how it is shown: told what came before, or relying on itself.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3
case $clearhead in /*) ;; *) clearhead=$OLDPWD/$clearhead ;; esac
unset COLUMNS

runs 0 train --n 3 --steps 500 --eval-every 0 --out run
answer='> psM pMs spM sMp Mps Msp.'
line() { printf '%s\n' "$out" | sed -n "$1p"; }

runs 0 sample run --letters psM
is "expected:  $answer" "$(line 1)" 'what is right'
is "predicted: $answer" "$(line 2)" 'and what the model says'
is '21 of 21 predictions right (each from the right tokens before it)' "$(line 3)" 'no marks between'
told=$(line 2)
runs 0 sample run --letters psM --free
is "$told" "$(line 2)" 'a model without mistakes writes on its own what it says when told'
is '21 of 21 predictions right (from its own output)' "$(line 3)" 'and says which it was'
for letters in ZYX 9aA Mps; do # out of order, as it never saw them
    runs 0 sample run --letters $letters --json
    told=$(printf '%s\n' "$out" | sed 's/{"free": false, \(.*\)}/\1/')
    is '"mistakes": []' "$(printf '%s\n' "$told" | grep -o '"mistakes": \[.*\]')" "$letters: all right"
    runs 0 sample run --letters $letters --free --json
    is "$told" "$(printf '%s\n' "$out" | sed 's/{"free": true, \(.*\)}/\1/')" "$letters: free is as told"
done

runs 0 sample run --text '> psM' --free
is 'prompt:    > psM' "$(line 1)" 'a text is a prompt'
is "written:   $answer" "$(line 2)" 'written on to the period'
runs 0 sample run --text '> psM p' --json
is '{"free": false, "first_scored": 1, "prompt": "> psM p",' "$(printf '%s' "$out" | cut -c 1-55)" \
    'a text in JSON'
is 'M"}' "$(printf '%s' "$out" | tail -c 3)" 'one token past it is predicted'

runs 0 sample run --count 3 --json
is 3 "$(printf '%s\n' "$out" | grep -c '"free": false')" 'held-out sequences, as many as asked for'
is 3 "$(printf '%s\n' "$out" | sort -u | grep -c .)" 'each another one'

runs 0 sample run --letters psM --checkpoint 0
is "expected:  $answer" "$(line 1)" 'the untrained model, asked the same'
is '           ' "$(line 3 | cut -c 1-11)" 'marks stand under its mistakes'
marks=$(line 3 | tr -cd '^' | wc -c)
is "$((21 - marks)) of 21 predictions right (each from the right tokens before it)" "$(line 4)" \
    'as many as there are mistakes'
ok "$([ "$marks" -gt 15 ]; echo $?)" 'which are most'

runs 0 eval run --least 1
runs 1 eval run --least 1 --checkpoint 0
runs 0 eval run --count 7 --json
is '"sequences": 7' "$(printf '%s\n' "$out" | grep -o '"sequences": [0-9]*')" 'as many as asked for'
echo '"> psM pMs spM sMp Mps Msp."' > own.jsonl
scored() { printf '%s\n' "$out" | python3 -c '
import json, sys
print([i for i, x in enumerate(json.load(sys.stdin)["loss_per_position"]) if x is not None][0])'; }
runs 0 eval run --data own.jsonl --json
is 5 "$(scored)" 'sequences of a file are scored from where the own are'
runs 0 eval run --data own.jsonl --first-scored 2 --json
is 2 "$(scored)" 'or from where one says'
finish
