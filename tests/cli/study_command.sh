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
for a in d["answers"]:
    assert sorted(s for v in a["verdicts"] for s in v["seeds"]) == [0, 1, 2, 3], a
    assert a["same"] == (len(a["verdicts"]) == 1)
for name, n in d["numbers"].items():
    seeds = [x for x in n["seeds"] if x is not None]
    assert len(n["seeds"]) == 4
    assert not seeds or (n["least"], n["most"]) == (min(seeds), max(seeds)), name
    assert not seeds or abs(n["median"] - statistics.median(seeds)) <= 1e-8 * abs(n["median"]), name
assert len(set(d["numbers"]["loss"]["seeds"])) == 4
print(int(d["seeds"] == 4 and d["sequences"] == 20))')" 'every seed has one verdict; spreads are those of the seeds'
runs 0 answers all/seed-02 --count 20 --json
is 1 "$(printf '%s\n%s\n' "$whole" "$out" | python3 -c '
import json, sys
study, alone = (json.loads(line) for line in sys.stdin)
print(int(all(study["numbers"][k]["seeds"][2] == v for k, v in alone["numbers"].items())
          and all(2 in next(v for v in s["verdicts"] if v["verdict"] == a["verdict"])["seeds"]
                  for s, a in zip(study["answers"], alone["answers"]))))')" 'a seed says what its run says'
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
is "$(printf '%s' "$whole" | sed 's/"folder": "all"/"folder": "cut"/')" "$out" 'the same bytes after a kill'

runs 0 answers run --seeds 2 --count 20 --markdown study.md
is 1 "$(printf '%s\n' "$out" | grep -c '^The same for all$')" 'what is the same'
is 1 "$(printf '%s\n' "$out" | grep -c '^Different$')" 'what differs'
is 9 "$(grep -c '^| .*? | ' study.md)" 'every question stands in the Markdown once'
is '| 0 | | 1 |' "$(grep -o '^| [01] |' study.md | xargs)" 'and every seed'
is 1 "$(grep -c 'clearhead answers run --seeds 2 --count 20 --markdown study.md' study.md)" 'how it was made'
is 2 "$(find run/seeds -mindepth 1 -maxdepth 1 | wc -l | tr -d ' ')" 'seeds are kept in the run'

runs 0 train --n 3 --steps 9 --d-model 16 --d-head 8 --out other
runs 3 answers other --seeds 2 --count 20 --folder all
is 'clearhead answers: seed 0: all/seed-00 holds a run with other settings: name another folder for the seeds' \
    "$err" 'other settings are not mixed in'
runs 0 train --n 2 --steps 1 --d-model 8 --d-head 4 --n-heads 2 --out heads
runs 3 answers heads --seeds 2
is no "$([ -e heads/seeds ] && echo yes || echo no)" 'what cannot be asked is not trained'
runs 2 answers run --markdown x.md
is 'clearhead answers: --markdown is for a study, want --seeds too' "$err" 'what would have no effect'
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
is 'clearhead answers: run has no checkpoint of step 3' "$err" 'a checkpoint there is not'
finish
