#!/bin/sh
# A program whose tables have a row more, added through the tables only: it is in help, completion, JSON
# and over checkpoints like all others.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3
clearhead=$CLEARHEAD_MORE

runs 0 train --n 2 --steps 2 --seed 3 --d-model 8 --d-head 4 --out run
runs 0 help
is 1 "$(printf '%s\n' "$out" | grep -c '^  planted  *what was planted in the seed$')" 'help lists it'
runs 0 planted -h
is 1 "$(printf '%s\n' "$out" | grep -c '^  --factor X  *what every number is multiplied by (default: 1)$')" \
    'its settings are options'
runs 0 docs man --out man
is 1 "$(grep -c 'what was planted' man/clearhead-planted.1 | awk '{print ($1 > 0)}')" 'it has a page'
runs 0 docs bash --out completion
is 1 "$(grep -c '^    planted)' completion/clearhead)" 'a shell completes it'
runs 0 questions --json
is 1 "$(printf '%s\n' "$out" | grep -c '{"name": "planted", ')" 'questions lists it'
printf '%s\n' "$out" > questions.json
runs 0 planted run --factor 2
is 1 "$(printf '%s\n' "$out" | grep -c '^  value  6.00  *units; planted in the seed$')" 'it answers'
runs 0 planted run --factor 2 --json
is '' "$(printf '%s' "$out" | python3 "$CLH_SOURCE/tests/support/result.py" check questions.json)" \
    'its JSON fits its schema'
is 6 "$(value value | sed 's/\.0$//')" 'with its number'
runs 0 planted run --checkpoints
is '0 3.00 - 1 3.00 - 2 3.00 -' "$(printf '%s\n' "$out" | sed 1d | xargs)" 'over checkpoints'
runs 0 planted run --seeds 3 --csv
runs 2 planted run --factor 101
is 'clearhead planted: --factor is 101, want a number in [0, 100]' "$err" 'what it refuses'
finish
