#!/bin/sh
# A certificate by bounds beside brute force: this library's forward pass of every input. Prints a table with the
# median of the processor's seconds over rounds, the ratio to brute force, and below it, how predictions of
# each domain were decided: at which depth of the descent.
#
#   bench/certificates.sh                       the notebook's model, n = 4: about four minutes, nearly all of it brute force
#   FORWARD=no bench/certificates.sh --n 5      no brute force, which takes hours there
#   ROUNDS=7 DOMAINS=sorted bench/certificates.sh
#
# Options are those of train. One thread. CLEARHEAD: the program. Brute force is timed over the sorted domain alone;
# of another domain it takes as many times longer as there are inputs.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
clearhead=$(realpath "${CLEARHEAD:-$here/../build/clearhead}")
rounds=${ROUNDS:-5}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$clearhead" train "$@" --out run > /dev/null

# seconds COMMAND...: the processor's, of one call; it may say no (exit status 1)
seconds() {
    python3 -c '
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
if done.returncode > 1:
    sys.exit(done.returncode)
print(used.ru_utime + used.ru_stime)' "$clearhead" "$@" --threads 1
}
median() { # TIMES COMMAND...
    times=$1
    shift
    for _ in $(seq "$times"); do seconds "$@"; done | sort -n | sed -n "$((times / 2 + 1))p"
}
inputs() { "$clearhead" certify run --domain "$1" --margins=false --json | python3 -c '
import json, sys
print(int(json.load(sys.stdin)["numbers"]["inputs"]["value"]))'; }

each=
if [ "${FORWARD:-yes}" = yes ]; then
    brute=$(median 1 certify run --domain sorted --way forward)
    each=$(echo "$brute $(inputs sorted)" | awk '{ print $1 / $2 }')
fi
echo '| domain | inputs | by bounds, s | with margins, s | brute force, s | times faster |'
echo '|---|--:|--:|--:|--:|--:|'
for domain in ${DOMAINS:-sorted tuples}; do
    plain=$(median "$rounds" certify run --domain "$domain" --margins=false)
    margins=$(median "$rounds" certify run --domain "$domain")
    echo "$domain $(inputs "$domain") $plain $margins ${each:--}" | awk '{
        printf "| %s | %d | %.2f | %.2f | %s | %s |\n", $1, $2, $3, $4, $5 == "-" ? "-" : sprintf("%.0f", $5 * $2),
            $5 == "-" ? "-" : sprintf("%.0f", $5 * $2 / $3) }'
done
for domain in ${DOMAINS:-sorted tuples}; do
    echo
    echo "$domain:"
    "$clearhead" certify run --domain "$domain" --margins=false --part decided --markdown || [ $? -eq 1 ]
done
