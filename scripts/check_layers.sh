#!/bin/sh
# A floor includes only what stands on it or below it (TAP, run by the tests).
. "$(dirname "$0")/../tests/support/tap.sh"
cd "${CLH_SOURCE:-.}" || exit 3

# Folders of src, from the ground up. report draws what it is given: it stands below all that knows models.
floors='base math file result report task model fused run train measure edit lens prove ask serve cli'

# The floor of each public header. clearhead.h is all of them, for users: nobody here includes it.
headers='
base     alloc api error version watch
math     linalg tensor
file     array npz safetensors
result   result
report   figure report
task     permutations task vocab
model    config model
run      progress run run_config
train    bench train
measure  audit measure metric sample variant
edit     edit editor
lens     answers attention box causal circuit emergence fold fourier heads logit_lens patch path residual scrub threshold
prove    certify invariance necessity program repair robustness
ask      ask
'

headers_of() { # FLOOR: its public headers
    echo "$headers" | awk -v floor="$1" '$1 == floor { for (i = 2; i <= NF; i++) print $i }'
}

includes() { # FILES...: "file: what it includes", for includes of ours
    grep -rHoE '^ *# *include *("[^"]*"|<clearhead/[^>]*>)' "$@" 2> /dev/null |
        sed 's/: *# *include *["<]\([^">]*\)[">]/: \1/'
}

may='' # what may be included, one pattern after the other
for floor in $floors; do
    public=$(headers_of "$floor")
    may="$may|$floor/.*"
    for header in $public; do may="$may|clearhead/$header\\.h"; done
    allowed=${may#|}
    if [ -d "src/$floor" ]; then
        is '' "$(includes "src/$floor" | grep -vE ": ($allowed)\$")" \
            "src/$floor includes only what stands on it or below it"
    fi
    for header in $public; do
        is '' "$(includes "include/clearhead/$header.h" | grep -vE ": ($allowed)\$")" \
            "$header.h includes only what stands on its floor ($floor) or below it"
    done
done

# Rooms of a floor, from the ground up, each with those that it may include beside itself.
rooms='
math  algebra
math  kernels
math  simd      kernels
model description
model memory      description
model parts       description memory
model whole       description memory parts
run   settings
run   folder           settings
run   transformer_lens settings folder
measure sequences
measure writing sequences
measure numbers sequences
measure audit   sequences numbers
prove tables
prove decision    tables
prove certificate tables decision
prove program     tables decision certificate
prove repair      tables program
prove sensitivity tables decision
ask   shared
ask   questions   shared
ask   asking      shared questions
ask   combine     shared asking
cli   line
cli   show        line
cli   help        line
cli   commands    line show help
'
for row in $(echo "$rooms" | sed -n 's/  */:/gp'); do
    floor=${row%%:*} below=${row#*:}
    room=${below%%:*}
    is '' "$(includes "src/$floor/$room" | grep ": $floor/" |
        grep -vE ": $floor/($(echo "$below" | tr : '|'))/")" "src/$floor/$room includes only rooms below it"
done
with_rooms=$(echo "$rooms" | awk 'NF {print "src/" $1}' | sort -u)
is "$(echo "$rooms" | awk 'NF {print "src/" $1 "/" $2 "/meson.build"; print "src/" $1 "/meson.build"}' | sort -u)" \
    "$(find $with_rooms -name meson.build | sort)" 'each room of these floors has a row'
is '' "$(find $with_rooms -maxdepth 1 -type f ! -name meson.build)" 'and every file a room'

# One folder of the library knows the operating system, and has a build for each; the command is no part
# of the library.
system='(pthread|signal|sched|unistd|dirent|fcntl|poll|dlfcn|termios|spawn|sys/[a-z]+|netinet/[a-z]+)\.h'
is '' "$(grep -rnE "^ *# *include *<$system>" src include | grep -vE '^src/(base/platform|cli)/')" \
    'only base/platform and the command include headers of the operating system'

# Public headers are the library to a stranger: they know no private one, and each has a floor.
is '' "$(includes include | grep -v ': clearhead/')" 'public headers include only public headers'
is "$( (for floor in $floors; do headers_of "$floor"; done; echo clearhead) | sort)" \
    "$(find include/clearhead -name '*.h' | sed 's|.*/||; s/\.h$//' | sort)" \
    'each public header is on one floor'

for folder in src/*/; do
    folder=$(basename "$folder")
    case " $floors " in
    *" $folder "*) ;;
    *) ok 1 "src/$folder is a floor" ;;
    esac
done
finish
