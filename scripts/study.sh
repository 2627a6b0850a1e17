#!/bin/sh
# docs/study.md: the notebook's questions over many seeds, on its own settings.
#
#   scripts/study.sh > docs/study.md             # 16 seeds, and 64 certified and repaired: three minutes
#   CLEARHEAD=build/clearhead SEEDS=4 COUNT=200 POPULATION=4 THREADS=2 scripts/study.sh
set -eu

clearhead=$(realpath "${CLEARHEAD:-build/clearhead}")
seeds=${SEEDS:-16}
count=${COUNT:-500}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cd "$folder"
"$clearhead" train --preset notebook --out runs/notebook > /dev/null
cat << EOF
# The notebook's questions over $seeds seeds

Written by \`scripts/study.sh\`, which asks \`clearhead answers runs/notebook --seeds $seeds --count $count\`:
the settings of that run (n = 4, 500 steps), seeds from 0 on, each on $count held-out sequences.
\`docs/mathematics.md\` has the rule of every verdict, \`docs/glossary.md\` the words.

**votes** counts the seeds that gave an answer. **numbers** has the least, the median and the most of each number over the
seeds; \`none\` counts seeds that do not have it. Losses are nats/token, accuracies and shares lie between 0 and 1, \`_from\`
is the step of a checkpoint from which on something holds. In **seeds**, brackets are 95 % intervals.

At the end stands which inputs fail, by class, in 64 seeds before and after repair; [repair.md](repair.md) tells of it.

EOF
"$clearhead" answers runs/notebook --seeds "$seeds" --count "$count" --threads "${THREADS:-$(nproc)}" --markdown --full
cat << EOF

## 64 seeds: failures by class before and after repair

All 14,776,336 choices of four letters (\`clearhead certify runs/notebook --domain tuples --decompile --repair auto --seeds 64
--in-memory\`). \`repaired.CLASS.before\` is how many inputs of a class have a prediction that is not right, \`after\` the same
of the repaired model; \`rules\`, \`sources\` and \`explained\` are of the program that it decompiles to.
EOF
"$clearhead" certify runs/notebook --domain tuples --decompile --repair auto --seeds "${POPULATION:-64}" --in-memory \
    --threads "${THREADS:-$(nproc)}" --markdown --part numbers | sed 1d
