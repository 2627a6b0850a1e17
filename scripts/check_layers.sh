#!/bin/sh
# A layer includes only what stands below it (TAP, run by the tests).
. "$(dirname "$0")/../tests/support/tap.sh"
cd "${CLH_SOURCE:-.}" || exit 3

layers='base math file result report task model fused run train measure edit lens prove study ask serve cli'

includes() { # FOLDER: "file: what it includes", for includes in quotes
    grep -rnHo '^ *# *include *"[^"]*"' "$1" 2> /dev/null | sed 's/:[0-9]*: *# *include *"\([^"]*\)"/: \1/'
}

# Public headers stand alone.
is '' "$(includes include | grep -v ': clearhead/')" 'public headers include only public headers'

below='clearhead'
for layer in $layers; do
    may="$below|$layer"
    # report draws what it is given: it needs nothing of models
    [ "$layer" = report ] && may='clearhead|base|math|file|result|report'
    if [ -d "src/$layer" ]; then
        is '' "$(includes "src/$layer" | grep '/.*: .*/' | grep -vE ": ($may)/")" \
            "$layer includes only what stands below it"
    fi
    below="$below|$layer"
done
for folder in src/*/; do
    folder=$(basename "$folder")
    case " $layers " in
    *" $folder "*) ;;
    *) ok 1 "src/$folder is a layer" ;;
    esac
done
finish
