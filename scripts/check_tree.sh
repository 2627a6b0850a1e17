#!/bin/sh
# Rules of the house that a machine can hold us to (TAP, run by the tests).
#
#   scripts/check_tree.sh libclearhead.a
. "$(dirname "$0")/../tests/support/tap.sh"
library=$(realpath "$1")
cd "${CLH_SOURCE:-.}" || exit 3

files() { # ENDINGS...: ours, without build folders
    for ending in "$@"; do
        find src include tests scripts examples bench python -name "*.$ending" 2> /dev/null
    done | grep -v -e __pycache__ -e node_modules -e /.venv | sort
}

is '' "$(files c h def sh py | xargs wc -l | awk '$1 > 500 && $2 != "total" {print $2 ": " $1}')" \
    'no file has more than 500 lines'
is '' "$(files c h def sh py | sed 's|.*/||' | sort | uniq -d)" 'file names are unique'
is '' "$(files c h def sh py | xargs grep -nwE "TO""DO|FIX""ME" | head -n 5)" 'nothing is left to do'
is '' "$(files sh | while read -r script; do sh -n "$script" 2>&1; done)" 'shell scripts are shell'
is '' "$(files py | xargs python3 -c 'import ast, sys
for name in sys.argv[1:]: ast.parse(open(name, encoding="utf-8").read(), name)' 2>&1 | tail -n 1)" \
    'Python scripts are Python'

# Who reads text or bytes from outside is fuzzed, and docs/fuzzing.md says by which target.
is '' "$(grep -rlE '\b(clh_json_(read|parse)|clh_file_read(_text)?|clh_lines_open|sscanf|strto[a-z]+|ato[if]|clh_read_(size|double))\(' \
    src --include='*.c' | sed 's|.*/||' | grep -vxE 'file(_text|_lines)?\.c' | while read -r file; do
    grep -qF "\`$file\`" docs/fuzzing.md || echo "$file"
done)" 'every file that reads text has a fuzz target, or docs/fuzzing.md says why not'
targets=$(sed -n "s/^  '\([a-z_]*\)',\$/\1/p" tests/fuzz/meson.build)
is "$targets" "$(sed -n 's/^| `\([a-z_]*\)` |.*/\1/p' docs/fuzzing.md)" 'every fuzz target has a row there'
is "$targets" "$(ls tests/fuzz/seeds)" 'and seeds'

# A tensor is found by its row, not by its name. Who speaks to users says names: these files, and why.
names='
src/model/description/layout.c     puts names together and takes them apart
src/prove/program/program_report.c     the edit that puts a program in place of patterns
src/lens/causal/causal_table.c         the suite as edits, in the language of a file of edits
src/model/description/model_keys.def a description of what tl_version is about
src/run/transformer_lens/tl_config.c   the same, where an import says it
src/ask/questions/ask_repair.c         descriptions of which weights are refitted
src/ask/questions/ask_fourier.c        meanings: whose rows are transformed
src/ask/questions/ask_edit.c           a description with an example of such a file
src/ask/questions/ask_emergence.c      descriptions of which weights are swapped
src/ask/questions/ask_cache.c          descriptions with examples of what one may say
src/ask/questions/ask_circuits.c       names of circuits, which are no tensors of the model
src/lens/circuits/circuit_list.c       the same
src/run/transformer_lens/load_script.c a program of another language, for TransformerLens
'
is '' "$(python3 scripts/check_names.py $(echo "$names" | awk '{print $1}'))" \
    'names of tensors stand in layout.def, and where users are told of them'

# What the objects call, not what the text says: comments and names cannot mislead.
is '' "$(nm -u "$library" 2> /dev/null | awk '{print $2}' | sort -u |
    grep -xE '(__)?(v?printf|f?puts|putchar|perror|exit|_exit|quick_exit|abort)(_chk)?|stdout|stderr')" \
    'the library neither prints nor exits'
# Numbers are written and read with a decimal point whatever the caller's locale: in one place.
is '' "$(nm -A -u "$library" 2> /dev/null | grep -v -e decimal\.c\.o -e json_text\.c\.o |
    awk '{print $NF, $1}' | grep -E '^(__)?(v[sf]?n?printf(_chk)?|strto(d|f|ld)|atof|json_load[sbf]|json_dump[sbf]) ')" \
    'only base writes and reads numbers as text'
is '' "$(find src -name '*.c' -not -path 'src/cli/*' | while read -r file; do
    tr -s '\n ' '  ' < "$file" | grep -oE '[^_a-z]snprintf\([^;]*;' |
        grep -E '%[-+ #0]*[0-9*]*(\.[0-9*]+)?L?[efgaEFGA]' | sed "s|^|$file:|"
done)" 'and reals go through it'
is 1 "$(nm -u "$library" 2> /dev/null | grep -c . | awk '{print ($1 > 0)}')" 'its objects were read'
finish
