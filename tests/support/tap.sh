#!/bin/sh
# A test in shell: each `ok` line is a truth, counted by meson (TAP).
#
#   . "$(dirname "$0")/tap.sh"
#   runs 0 clearhead data --n 1 --first 1      # stdout in $out, stderr in $err, exit code checked
#   is '> a.' "$out" 'one letter'
#   finish

clearhead=${CLEARHEAD:-build/clearhead}
clearhead=$(realpath "$clearhead" 2> /dev/null || echo "$clearhead") # tests may leave this folder
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# what fontconfig keeps to the end is no leak of ours (heard only by a build with sanitizers)
echo 'leak:libfontconfig' > "$folder/.lsan"
LSAN_OPTIONS="suppressions=$folder/.lsan:print_suppressions=0"
export LSAN_OPTIONS
count=0
out='' err=''

ok() { # TRUTH(0/1 as an exit code) WHAT
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}

skip() { # WHAT WHY
    count=$((count + 1))
    echo "ok $count - $1 # SKIP $2"
}

is() { # WANTED FOUND WHAT
    if [ "$1" = "$2" ]; then
        ok 0 "$3"
    else
        ok 1 "$3"
        printf 'wanted: %s\nfound:  %s\n' "$1" "$2" | sed 's/^/# /'
    fi
}

runs() { # EXIT ARGUMENTS...: run the program, then compare its exit code
    wanted=$1
    shift
    code=0
    "$clearhead" "$@" > "$folder/out" 2> "$folder/err" || code=$?
    out=$(cat "$folder/out") err=$(cat "$folder/err")
    is "$wanted" "$code" "exit code of: $*"
}

value() { # PATH: the number, text or answer at that path of the result in $out (JSON)
    [ -e "$folder/questions.json" ] || "$clearhead" questions --json > "$folder/questions.json"
    printf '%s' "$out" | python3 "$CLH_SOURCE/tests/support/result.py" get "$1" "$folder/questions.json"
}

# Whether the build has its optional parts: meson says so.
: "${CLH_FIGURES:=yes}"

draws() { # FILE ARGUMENTS...: run with FILE as the last argument: it is a figure, as its ending says
    # Without cairo instead: it is refused, with the package to install, and nothing is written.
    file=$1
    shift
    if [ "$CLH_FIGURES" = yes ]; then
        runs 0 "$@" "$file"
        case $file in *.png) mark=PNG ;; *.svg) mark='<svg' ;; *) mark='%PDF-' ;; esac
        is 1 "$(head -c 400 "$file" | grep -ac -e "$mark")" "$file is a figure"
    else
        runs 3 "$@" "$file"
        is 'libcairo2-dev no file' \
            "$(printf '%s' "$err" | grep -o libcairo2-dev) $([ -e "$file" ] && echo a || echo no) file" \
            "$file is refused: this build has no figures"
    fi
}

finish() {
    echo "1..$count"
}
