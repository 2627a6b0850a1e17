#!/bin/sh
# The examples do what they say (TAP, run by the tests).
#
#   examples.sh FOLDER      with the compiled examples
. "$(dirname "$0")/../support/tap.sh"
examples=$(realpath "$1")
cd "$folder" || exit 3

example() { # EXIT NAME ARGUMENTS...: run an example, then compare its exit code
    clearhead=$examples/$2
    wanted=$1
    shift 2
    runs "$wanted" "$@"
}

example 0 01_train first
is 1 "$(printf '%s\n' "$out" | grep -c '^step 500: held-out loss 0\.00[0-9]*, accuracy 1\.0000$')" \
    'it trains the notebook'"'"'s model'
is 1 "$(printf '%s\n' "$out" | grep -c '^on 1000 new sequences: loss 0\.00[0-9]*, accuracy 1\.0')" \
    'and tries it on sequences it has not seen'
example 3 01_train first
is '01_train: first holds a run already: name another folder, or resume it' "$err" \
    'a folder that holds a run'
example 2 01_train

example 0 02_cache first psM1
ok "$(printf '%s\n' "$out" | grep -q '^position 120 looks at [0-9]* (term [0-9]* slot [1-4])'; echo $?)" \
    'it says where the last query looks'
is yes "$(printf '%s\n' "$out" | awk '/^loss/ {print ($2 + 0 < 0.1 && $5 > 3 ? "yes" : $0)}')" \
    'a model whose head reads nothing guesses'
example 2 02_cache first 'p!'
is '02_cache: letter 2 of "p!" is '"'!'"', want a-z, A-Z or 0-9' "$err" 'a symbol that is no letter'
example 2 02_cache

example 0 03_attention first
is 'yes yes yes' "$(printf '%s\n' "$out" | awk '
    /^position/ {print ($3 > 0.8 && $7 > 0.8 ? "yes" : $0)}
    /^attention/ {print ($NF > 0.8 ? "yes" : $0)}
    /^loss/ {print ($2 + 0 < 0.01 && $NF < 0.5 ? "yes" : $0)}' | tr '\n' ' ' | sed 's/ $//')" \
    'position explains the scores, answers are attended to, keys need no token'
example 2 03_attention

example 0 04_patching first abcd abce
is yes "$(printf '%s\n' "$out" | awk '/^loss/ {print ($5 + 0 < $10 + 0 ? "yes" : $0)}')" \
    'a sequence is harder to write after other letters'
is 7 "$(printf '%s\n' "$out" | grep -c '^blocks.0.* at position [0-9]*: [-+][0-9.]* (the gradient says')" \
    'every site has its strongest patch'
example 2 04_patching first abcd abc
example 2 04_patching
example 0 05_circuit first
is 'yes yes' "$(printf '%s\n' "$out" | awk '
    /^W_E W_V W_O W_U:/ {print ($5 > 60 && $7 == 65 ? "yes" : $0)}
    /^copying/ {print ($2 + 0 > 0.9 ? "yes" : $0)}' | tr '\n' ' ' | sed 's/ $//')" \
    'OV of the trained model copies letters'
example 2 05_circuit

example 0 06_edit first
is 'yes yes yes yes yes yes yes' "$(printf '%s\n' "$out" | awk '
    /^as it is/ {plain = $5; print ($5 + 0 < 0.01 && $7 == 1 ? "yes" : $0)}
    /^the same pattern/ {print ($8 + 0 < 2 * plain ? "yes" : $0)}
    /position only/ {print ($NF > 0.9 ? "yes" : $0)}
    /token only/ {print ($NF < 0.5 ? "yes" : $0)}
    /^only the/ {print ($NF > 0.9 ? "yes" : $0)}
    /^without sources/ {print ($NF < 0.5 ? "yes" : $0)}
    /^without attention/ {print ($NF < 0.5 ? "yes" : $0)}' | tr '\n' ' ' | sed 's/ $//')" \
    'a pattern of positions is enough, without the answers nothing is'
example 2 06_edit

example 0 07_causal first
is 'yes yes yes yes' "$(printf '%s\n' "$out" | awk '
    /^none / {print ($3 + 0 > 0.99 && $9 == "1.0000" ? "yes" : $0)}
    /^pattern_mean / {print ($3 + 0 > 0.99 ? "yes" : $0)}
    /^without_answer / {print ($3 + 0 < 0.1 ? "yes" : $0)}
    /^reference / {print ($9 == "0.0000" ? "yes" : $0)}' | tr '\n' ' ' | sed 's/ $//')" \
    'a mean pattern does, attention off the right letter does not'
is 23 "$(printf '%s\n' "$out" | grep -c recovers)" 'every intervention'
example 2 07_causal

example 0 08_paths first abcd wxyz
is 'yes yes' "$(printf '%s\n' "$out" | awk '
    /^embed->L0H0.v:/ {print ($2 > 5 ? "yes" : $0)}
    /^embed->L0H0.k:/ {print ($2 < 0.1 && $2 > -0.1 ? "yes" : $0)}' | tr '\n' ' ' | sed 's/ $//')" \
    'letters come in by way of the values, not of the keys'
example 2 08_paths first abcd abc
example 2 08_paths

finish
