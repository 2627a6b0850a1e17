#!/bin/sh
# Folders that are none of a run, and folders that may not be filled: the same in every command; and one line
# of JSON from every command that has --json.
# shellcheck disable=SC2086,SC2046 # words
. "$(dirname "$0")/../support/tap.sh"
. "$(dirname "$0")/../support/each_question.sh"
cd "$folder" || exit 3
mkdir -p above/again/work && cd above/again/work || exit 3 # what is above is the test's own

small='--n 2 --steps 2 --d-model 8 --d-head 4'
runs 0 train $small --out run
runs 0 export run --to theirs
write_edits
mkdir empty other other/deep
echo mine > other/notes.txt
echo 'no weights' > file

seen() { find . -print -exec cksum {} + 2> /dev/null | sort | cksum; }

# ---- asked: exit code and line do not depend on the command
for name in $(question_names) figure export resume import; do
    asks_run "$name" || [ "$name" = import ] || continue
    case $name in
    export) more='--to never' ;;
    import) more='--config theirs/cfg.json --out never' ;;
    figure | resume) more='' ;;
    *) more=$(settings "$name") ;;
    esac
    before=$(seen)
    runs 2 "$name" $(words "$name") nowhere $more
    is "clearhead $(typed "$name"): there is no run or file at nowhere" "$err" "$name: nothing there"
    runs 2 "$name" $(words "$name") '' $more
    is 1 "$(printf '%s' "$err" | grep -c 'an argument is empty, want [RWF]')" "$name: an empty name"
    [ "$name" = import ] && continue
    for none in empty other / ..; do
        runs 2 "$name" $(words "$name") $none $more
        is "clearhead $(typed "$name"): $none is no run: it has no config.json" "$err" "$name: $none"
    done
    is "$before" "$(seen)" "$name wrote nothing"
done

# ---- filled: no command that makes a folder fills one that is not empty, or a file's, or one above
filling() { # COMMAND: its words up to the folder
    case $1 in
    import) echo 'import theirs/model.safetensors --config theirs/cfg.json --out' ;;
    export) echo 'export run --to' ;;
    *) echo "$1 $small --out" ;;
    esac
}
for name in train run import export; do
    words=$(filling $name)
    before=$(seen)
    runs 3 $words other
    is "clearhead $name: other is not empty (deep and more): name another folder, or fill this one with --force" \
        "$err" "$name: not empty"
    runs 3 $words /
    is "clearhead $name: / is the root of all folders: name another folder" "$err" "$name: the root"
    for above in .. ../.. ../work/..; do
        for force in '' --force; do
            runs 3 $words $above $force
            is 1 "$(printf '%s' "$err" | grep -c "^clearhead $name: $above is .*, which holds the folder you are in")" \
                "$name: $above $force"
        done
    done
    runs 3 $words file --force
    is "clearhead $name: file is a file, want a folder or a name that is free" "$err" "$name: a file"
    runs 2 $words ''
    is 1 "$(printf '%s' "$err" | grep -cE -- "--(out|to) is empty, want ")" "$name: an empty name"
    runs 3 $words run --force
    is 1 "$(printf '%s' "$err" | grep -cE 'run (holds a run already|/model.safetensors exists)|run/model.safetensors exists already')" "$name: a run, --force too"
    is "$before" "$(seen)" "$name wrote nothing"
    mkdir "new-$name" "full-$name"
    runs 0 $words "new-$name"
    echo mine > "full-$name/notes.txt"
    runs 0 $words "full-$name" --force
    is mine "$(cat "full-$name/notes.txt")" "$name --force: what was there stays"
    mkdir here && cd here || exit 3
    case $name in
    import) runs 0 import ../theirs/model.safetensors --config ../theirs/cfg.json --out . ;;
    export) runs 0 export ../run --to . ;;
    *) runs 0 $words . ;;
    esac
    cd .. && rm -r here || exit 3
done
# what a run leaves that was killed at its beginning is no hindrance
mkdir begun begun/checkpoints begun/figures
: > begun/.lock
: > begun/config.json.tmp-12-0
runs 0 train $small --out begun
mkdir kept kept/figures
: > kept/figures/mine.png
runs 3 train $small --out kept
is 'clearhead train: kept is not empty (figures): name another folder, or fill this one with --force' "$err" 'a figure is one'

# ---- JSON: one line, of a result, of what was written, of an error
one_line() { # ARGUMENTS...
    "$clearhead" "$@" --json > said 2> /dev/null
    is '1 dict' "$(wc -l < said | tr -d ' ') $(python3 -c 'import json; print(type(json.load(open("said"))).__name__)')" "one line: $*"
}
for name in $(question_names); do
    one_line "$name" $(words "$name") $(asks_run "$name" && echo run) $(settings "$name")
    one_line "$name" $(words "$name") $(asks_run "$name" && echo nowhere) $(settings "$name") --part nothing
done
one_line train $small --out json-train
one_line run $small --out json-run
one_line resume json-run
one_line import theirs/model.safetensors --config theirs/cfg.json --out json-import
one_line export run --to json-export
one_line config --n 3
one_line data --count
one_line data --first 1
one_line figure run
one_line figure run --out nowhere/a.png
[ "$CLH_FIGURES" = yes ] && one_line figure run --out a.png
runs 0 questions --json
is 1 "$(printf '%s\n' "$out" | wc -l | tr -d ' ')" 'one line: questions'
for line in '' '--frob' 'nonsense'; do
    one_line show $line
done
finish
