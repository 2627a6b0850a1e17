#!/bin/sh
# A population of models: trained with seeds 0 to SEEDS-1, certified over every input, decompiled and repaired, with the
# number of models a second and a table of the failures of each class of inputs before and after.
#
#   bench/population.sh                  64 seeds of the notebook's settings, two threads: some six minutes
#   SEEDS=8 bench/population.sh --n 3    options are those of train
#
# Models a second: seeds trained and certified (sorted letters), over the processor's seconds of a thread. What is
# trained is kept in FOLDER, if it is given, and not trained again; the rate is then of certificates alone. CLEARHEAD: the program.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
clearhead=$(realpath "${CLEARHEAD:-$here/../build/clearhead}")
seeds=${SEEDS:-64}
threads=${THREADS:-2}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
kept=$(realpath -m "${FOLDER:-$folder/seeds}")
cd "$folder"
"$clearhead" train "$@" --out run > /dev/null
# Of a question over seeds, as Markdown; it may say no (exit status 1).
ask() { "$clearhead" "$@" --seeds "$seeds" --folder "$kept" --threads "$threads" --markdown 2> said || [ $? -eq 1 ] || { cat said >&2; exit 3; }; }
classes='sorted unsorted pair two_pairs triple same'

python3 -c '
import resource, subprocess, sys, time
began, threads, seeds = time.time(), int(sys.argv[1]), int(sys.argv[2])
done = subprocess.run(sys.argv[3:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
if done.returncode > 1:
    sys.exit("population.sh: the certificate failed")
took, used = time.time() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
busy = used.ru_utime + used.ru_stime
print(f"{seeds} seeds trained and certified on {threads} threads: {took:.1f} s, {seeds / took:.2f} models a second; "
      f"{busy:.1f} s of processors, by which {seeds * threads / busy:.2f} models a second where nothing else runs")' \
    "$threads" "$seeds" "$clearhead" certify run --seeds "$seeds" --folder "$kept" --threads "$threads"
echo
ask certify run
echo
ask decompile run
echo
numbers=$(for class in $classes; do printf 'classes.%s.before,classes.%s.after,' "$class" "$class"; done)
ask repair run --numbers "${numbers}failures_before,failures,margin_min,loss_before,loss"
