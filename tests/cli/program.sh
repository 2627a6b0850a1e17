#!/bin/sh
# clearhead decompile, program run|check|diff|stats (TAP, run by the tests).
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3
hypotheses=$CLH_SOURCE/examples/hypotheses

runs 0 train --n 3 --out three
runs 0 decompile three
printf '%s\n' "$out" > three.txt
is 'clearhead-program 1' "$(head -n 1 three.txt)" 'decompile prints a program'
is 0 $((22 < $(wc -l < three.txt))) 'of fewer lines than tokens'
runs 0 decompile three --json
is "$(cat three.txt)" "$(value program)" 'JSON has the same text'
is 0 "$(value changed)" 'nothing is changed from the last weights'
runs 0 decompile three --checkpoints
is 0 "$(printf '%s\n' "$out" | awk 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "changed") c = i } END { print $c }')" \
    'over checkpoints the last row is the last program'
runs 0 decompile three --full
is 1 "$(printf '%s\n' "$out" | grep -c 'Which algorithm is it')" '--full has the numbers'

runs 0 program run three.txt --letters abc
is '> abc acb bac bca cab cba.' "$out" 'a program runs without a model'
runs 0 program_run three.txt --letters Z9Z
is '> Z9Z ZZ9 9ZZ 9ZZ ZZ9 Z9Z.' "$out" 'one word is the same command'
runs 0 program stats three.txt --json
is 21 "$(value rules)" 'stats counts rules'
is 21 "$(value scored)" 'and positions'

runs 1 program check three.txt three --domain ordered --json
apart=$(value inputs_apart)
runs 1 certify three --domain ordered --margins=false --json
is "$(value failures)" "$apart" 'it disagrees where the model is wrong'
runs 1 program check - three --sequences 0 < three.txt
runs 1 program check three.txt three --checkpoint 8 --sequences 0
runs 1 program check "$hypotheses/term_before.txt" three --json
is 1 "$(python3 -c "print(int($(value agreement) < 0.7 and $(value recovered) < 0.9))")" 'a wrong hypothesis'
for name in first_term most_recent; do
    runs 1 program check "$hypotheses/$name.txt" three --json
    is 1 "$(python3 -c "print(int($(value agreement) > 0.999 and $(value recovered) > 0.9))")" "$name"
done
for name in first_term most_recent term_before; do
    runs 0 program stats "$hypotheses/$name.txt" --n 2
done

runs 0 program diff three three.txt
runs 1 program diff three@8 three --json
runs 1 program diff "$hypotheses/first_term.txt" three
runs 0 program diff "$hypotheses/first_term.txt" "$hypotheses/first_term.txt"

# Bad input: a line each, which names what was found.
bad() { # EXIT SAYS ARGUMENTS...
    says=$2
    code=$1
    shift 2
    runs "$code" "$@"
    is 1 "$(printf '%s\n' "$err" | wc -l)" "one line: $err"
    is 1 "$(printf '%s\n' "$err" | grep -c -- "$says")" "which says: $says"
}
runs 0 train --n 2 --steps 2 --out two
runs 0 train --n 3 --n-layers 2 --steps 2 --out deep
printf 'clearhead-program 1\ntask permutations n=3\ncopy 3.1 -> 2.1\n' > behind.txt
printf 'clearhead-program 1\ncopy 1.9 -> 2.1\n' > unknown.txt
printf 'clearhead-program 1\ncopy 1.1 -> 2.1 2.1\n' > twice.txt
printf 'clearhead-program 9\n' > version.txt
printf 'clearhead-program 1\ncopy first -> letters\n' > part.txt
bad 2 'behind.txt:3:6: found 3.1, want a source before its destination 2.1' program check behind.txt three
bad 2 'unknown.txt:2:6: found 1.9, want a position' program check unknown.txt three
bad 2 'twice.txt:2:17: found 2.1, want one rule' program check twice.txt three
bad 3 'version.txt:1:1: found clearhead-program 9' program check version.txt three
bad 3 'has no rule for position 2.0' program check part.txt three
bad 2 'three.txt:2:1: the program is of permutations, 3 letters' program check three.txt two
bad 2 '4 letters' program run three.txt --letters abcd
bad 3 'nothing.txt' program check nothing.txt three
bad 2 '--letters is missing' program run three.txt
bad 2 'FILE RUN' program check three.txt
bad 2 'did you mean' program chekc three.txt three
bad 3 'needs a model of one layer and one head' decompile deep
bad 2 'the program is of permutations, 2 letters' program diff two three
runs 1 program check "$hypotheses/first_term.txt" deep --domain sorted --json
is 'the forward pass' "$(value proved)" 'a model of two layers is checked by forward passes'
finish
