#!/bin/sh
# generalise: a row for every kind of input, numbers that agree with eval, what is left out said.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3

runs 0 train --n 3 --steps 40 --d-model 16 --d-head 8 --out run
runs 0 generalise run --count 60 --threads 2 --json
rows=$out
absent() { # INPUT: why it is left out
    printf '%s\n' "$out" | python3 -c '
import json, sys
print(next(r for r in json.load(sys.stdin)["tables"]["inputs"] if r["input"] == sys.argv[1]).get("absent"))' "$1"
}
is 10 "$(printf '%s\n' "$rows" | grep -o '"input"' | wc -l | tr -d ' ')" 'a row for every kind'
is 1 "$(absent 'two pairs' | grep -c 'want at least 4')" 'three letters have no two pairs'
is '0 letters were kept from training (letters_unseen), want at least 3' "$(absent unseen)" 'every letter is trained on'
runs 0 eval run --count 60 --json
is 1 "$(printf '%s\n%s\n' "$rows" "$out" | python3 -c '
import json, sys
rows, said = [json.loads(line) for line in sys.stdin]
plain = rows["tables"]["inputs"][0]
for name in ("loss", "token_accuracy", "sequence_accuracy"):
    assert plain[name]["value"] == said["numbers"][name]["value"], (plain, said)
    assert plain[name]["low"] == said["numbers"][name]["low"], (plain, said)
print(1)')" 'held out is what eval says, values lie in their intervals'
runs 0 generalise run --count 60 --json
is "$rows" "$out" 'threads change nothing'
draws g.svg generalise run --count 5 --figure
runs 0 generalise run --count 5
is 1 "$(printf '%s\n' "$out" | grep -c '^  two pairs *left out: two pairs: a sequence has 3 letters')" 'the table says what is left out'
runs 0 train --n 3 --steps 150 --letters-unseen 10 --out digits
is '' "$("$clearhead" data --n 3 --letters-unseen 10 --first 2000 | tr -d 'a-zA-Z >.\n')" 'digits are kept from training'
runs 0 generalise digits --count 40 --json
is yes "$(printf '%s\n' "$out" | python3 -c '
import json, sys
rows = {r["input"]: r["letter_accuracy"]["value"] for r in json.load(sys.stdin)["tables"]["inputs"]}
print("yes" if rows["held out"] > 0.9 > 0.1 > rows["unseen"] else rows)')" \
    'and cannot be copied'
runs 2 train --n 3 --letters-unseen 51 --out none
runs 0 train --n 1 --steps 20 --lr 0.03 --d-model 16 --d-head 8 --out sure
runs 0 generalise sure --count 10
ok "$(printf '%s\n' "$out" | grep -q '^  held out *[0-9.]*e-0[5-9] '; echo $?)" 'a small loss is no 0'
runs 0 causal sure --count 10 --others 0
ok "$(printf '%s\n' "$out" | grep -q '^  none *[0-9.]*e-0[5-9] '; echo $?)" 'nor is it in causal'
echo '[1, 2, 3]' > mine.jsonl
runs 0 train --data mine.jsonl --steps 1 --out lines
runs 2 generalise lines
is 1 "$(printf '%s\n' "$err" | grep -c 'generalise needs held-out sequences and lines holds none out')" 'lines that hold none out'
echo '[3, 2, 1]' >> mine.jsonl
runs 0 train --data mine.jsonl --test-sequences 1 --steps 1 --out held
runs 0 generalise held --count 3 --json
is 'held out' "$(printf '%s\n' "$out" | python3 -c '
import json, sys
print(*[row["input"] for row in json.load(sys.stdin)["tables"]["inputs"]])')" 'lines know no other kind of input'
finish
