#!/bin/sh
# docs/study.md: the notebook's questions over many seeds, on its own settings.
#
#   scripts/study.sh > docs/study.md             # 16 seeds, half a minute
#   CLEARHEAD=build/clearhead SEEDS=4 COUNT=200 THREADS=2 scripts/study.sh
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

Which inputs fail, by class, in 64 seeds before and after repair (\`bench/population.sh\`): [repair.md](repair.md).

EOF
"$clearhead" answers runs/notebook --seeds "$seeds" --count "$count" --threads "${THREADS:-$(nproc)}" --markdown --full
