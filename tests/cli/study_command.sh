#!/bin/sh
# answers --seeds: the same bytes at any number of threads and after a kill; what is refused.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3

runs 0 train --n 3 --steps 40 --d-model 16 --d-head 8 --seed 7 --out run
runs 0 answers run --seeds 4 --count 20 --threads 2 --json --folder all
whole=$out
is 1 "$(printf '%s' "$whole" | python3 -c '
import json, statistics, sys
d = json.load(sys.stdin)
votes = {}
for row in d["tables"]["votes"]:
    votes.setdefault(row["verdict"], []).extend(int(s) for s in row["seeds"].split(","))
    assert row["votes"] == len(row["seeds"].split(",")), row
assert len(votes) == 9 and all(sorted(v) == [0, 1, 2, 3] for v in votes.values()), votes
seeds = {row["seed"]: row for row in d["tables"]["seeds"]}
for n in d["tables"]["numbers"]:
    name = n["number"]
    said = [s[name]["value"] if isinstance(s[name], dict) else s[name] for s in seeds.values()]
    there = [x for x in said if x is not None]
    assert n["none"] == 4 - len(there)
    assert not there or (n["least"], n["most"]) == (min(there), max(there)), name
    assert not there or abs(n["median"] - statistics.median(there)) <= 1e-8 * abs(n["median"]), name
assert len({s["loss"] for s in seeds.values()}) == 4
print(int(d["over"] == "seeds" and d["sample"] == "20 held-out sequences"))')" \
    'every seed has one answer to each verdict; spreads are those of the seeds'
runs 0 answers all/seed-02 --count 20 --json
is 1 "$(printf '%s\n%s\n' "$whole" "$out" | python3 -c '
import json, sys
study, alone = (json.loads(line) for line in sys.stdin)
mine = next(s for s in study["tables"]["seeds"] if s["seed"] == 2)
number = lambda x: x["value"] if isinstance(x, dict) else x
print(int(all(number(v) == alone["numbers"][k]["value"] for k, v in mine.items() if k != "seed") and len(mine) > 15
          and all("2" in row["seeds"].split(", ") for row in study["tables"]["votes"]
                  if row["answer"] == alone["verdicts"][row["verdict"]]["answer"])))')" 'a seed says what its run says'
is 7 "$(python3 -c 'import json; print(json.load(open("run/config.json"))["seed"])')" 'the run is as it was'
runs 0 train --n 3 --steps 40 --d-model 16 --d-head 8 --seed 3 --out three
cmp -s three/model.safetensors all/seed-03/model.safetensors
ok $? 'a seed is what train makes of it'

stamp=$(cksum all/seed-01/model.safetensors all/seed-01/metrics.jsonl)
runs 0 answers run --seeds 4 --count 20 --json --folder all
is "$whole" "$out" 'the same again, with one thread'
is "$stamp" "$(cksum all/seed-01/model.safetensors all/seed-01/metrics.jsonl)" 'and nothing trained again'

# killed while the second seed is at work, then finished
"$clearhead" answers run --seeds 4 --count 20 --json --folder cut > /dev/null 2>&1 &
victim=$!
while kill -0 "$victim" 2> /dev/null && [ ! -e cut/seed-01/checkpoints/step-00000001.safetensors ]; do :; done
kill -9 "$victim" 2> /dev/null
wait "$victim" 2> /dev/null
runs 0 answers run --seeds 4 --count 20 --json --folder cut
is "$whole" "$out" 'the same bytes after a kill'

runs 0 answers run --seeds 2 --count 20 --markdown
is 9 "$(printf '%s\n' "$out" | grep -oE '^\| (unseen|qk|cues|ov|order|duplicates|early|spacing|loss_where) \|' | sort -u | wc -l | tr -d ' ')" \
    'every verdict stands in the Markdown'
is 2 "$(find run/seeds -mindepth 1 -maxdepth 1 | wc -l | tr -d ' ')" 'seeds are kept in the run'

runs 0 train --n 3 --steps 9 --d-model 16 --d-head 8 --out other
runs 3 answers other --seeds 2 --count 20 --folder all
is 'clearhead answers: seed 0: all/seed-00 holds a run with other settings: name another folder for the seeds' \
    "$err" 'other settings are not mixed in'
runs 0 train --n 2 --steps 1 --d-model 8 --d-head 4 --n-heads 2 --out heads
runs 3 answers heads --seeds 2
is no "$([ -e heads/seeds ] && echo yes || echo no)" 'what cannot be asked is not trained'
runs 2 answers run --folder x
is 'clearhead answers: --folder is for --seeds, want that too' "$err" 'what would have no effect'
runs 2 answers run --seeds 2 --checkpoints
runs 2 answers run --seeds 0

# one run over training
runs 0 answers run --count 20 --checkpoints --json
over=$out
runs 0 answers run --count 20 --checkpoint 16 --json
is "$out" "$(printf '%s\n' "$over" | grep '"step": 16,')" 'a line is what that checkpoint answers'
runs 0 answers run --count 20 --json
is "$out" "$(printf '%s\n' "$over" | tail -n 1)" 'the last line is the whole run'
runs 2 answers run --checkpoint 3
is 'clearhead answers: run has no checkpoint of step 3, the nearest of 9 is step 2' "$err" 'a checkpoint there is not'
finish
