#!/bin/sh
# repair: certified before and after; the run it writes is one that every command takes; refusals.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3

runs 0 train --n 3 --steps 200 --d-model 64 --d-head 32 --out run
runs 1 certify run --domain tuples --json
before=$(value failures)
runs 0 repair run --json
is "$before" "$(value failures_before)" 'failures before are those that certify finds'
is 0 "$(value failures)" 'none after'
is yes "$(value repaired)" 'and it says so'
runs 0 repair run --out made
runs 0 certify made --domain tuples --json
is 0 "$(value failures)" 'certify finds none in the run that was written'
runs 0 show made
runs 0 eval made --count 50
runs 0 circuits made
runs 3 repair run --out made
is 'clearhead repair: made holds a run already: name another folder, or resume it' "$err" 'a run is not overwritten'
runs 1 repair run --by queries --sharpen 1 --json
is 1 "$(python3 -c "print(int(0 < $(value failures) < $before))")" 'queries alone leave some'
runs 2 repair run --seeds 2 --out other
ok "$([ ! -e other ]; echo $?)" 'no run of several models'
hypotheses=$CLH_SOURCE/examples/hypotheses
for by in pattern one-hot program "$hypotheses/first_term.txt"; do
    code=0
    out=$("$clearhead" repair run --by "$by" --json) || code=$?
    is 1 "$(python3 -c "print(int($code <= 1 and $(value failures) < $before and $(value pattern) < 0.1))")" \
        "by $by: fewer fail, and attention is near it"
done
runs 2 repair run --by all
is 'clearhead repair: the way of repair is all, want auto, keys, queries, both, pattern, one-hot, program, or the file of a program' \
    "$err" 'neither a name nor a program'
runs 2 repair run --by pattern --rounds 2
runs 2 repair run --sharpen 0
runs 1 repair run --by keys --sharpen 1.5 --out repair.json
ok "$([ -s repair.json ]; echo $?)" 'an ending makes it a file'
finish
