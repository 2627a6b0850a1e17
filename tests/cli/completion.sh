# Completion: bash offers what the table has; the scripts of the other shells parse where they exist.
. "$(dirname "$0")/../support/tap.sh"

for shell in bash zsh fish; do
    runs 0 docs "$shell" --out "$folder"
done

completes() { # WANTED WORDS...: the last word is the one being completed
    wanted=$1
    shift
    found=$(cd "$folder" && bash -c '
        source ./clearhead
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        _clearhead
        echo "${COMPREPLY[@]}"' - "$@" 2>&1)
    is "$wanted" "$found" "after: $*"
}

if command -v bash > /dev/null; then
    completes 'train' clearhead tr
    completes 'export' clearhead exp
    completes '--steps' clearhead train --st
    completes 'sorted ordered tuples' clearhead data --letters ''
    completes 'tuples' clearhead data --letters t
    completes 'train' clearhead data --split = tr
    completes '' clearhead train --steps ''
    completes 'data' clearhead help da
    completes 'program' clearhead prog
    completes 'program' clearhead help prog
    completes 'diff' clearhead program d
    completes '--sequences' clearhead program check --seq
    completes 'check run diff stats' clearhead program ''
    completes '--preset' clearhead run --pre
    completes '' clearhead program run --pre
    completes 'check' clearhead help program c
    completes '_clearhead' clearhead train --config _c
    completes '_clearhead' clearhead show _c
else
    skip 'bash' 'no bash'
fi
for pair in zsh:_clearhead fish:clearhead.fish; do
    if command -v "${pair%%:*}" > /dev/null; then
        "${pair%%:*}" -n "$folder/${pair#*:}" 2> "$folder/err"
        ok $? "${pair%%:*} parses its script"
    else
        skip "${pair%%:*} parses its script" "no ${pair%%:*}"
    fi
done
finish
