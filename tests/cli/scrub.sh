#!/bin/sh
# scrub: the hypotheses that come with it, one of them, one from a file; over training; what is refused.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3

runs 0 train --n 3 --steps 300 --d-model 32 --d-head 16 --out run
runs 0 scrub run --count 60
is 'everything q_resampled k_resampled qk_resampled direct_resampled algorithm v_rank v_class v_resampled nothing' \
    "$(printf '%s\n' "$out" | sed '1,/hypothesis  /d; /^$/q' | awk 'NF {printf "%s%s", sep, $1; sep = " "}')" 'a row for each hypothesis'
runs 0 scrub run --count 60 --json
is 'True True True' "$(printf '%s' "$out" | python3 -c '
import json, sys
p = json.load(sys.stdin)
h = {row["hypothesis"]: row for row in p["tables"]["hypotheses"]}
r = {name: x["recovered"] for name, x in h.items()}
model, random = (p["numbers"][k]["value"] for k in ("loss_model", "loss_random"))
print(set(r["everything"].values()) == {1} and h["everything"]["loss"]["value"] == model,
      abs(r["nothing"]["value"]) < 0.2 and r["nothing"]["low"] < 0 < r["nothing"]["high"],
      all(abs((random - x["loss"]["value"]) / (random - model) - x["recovered"]["value"]) < 1e-6
          for x in h.values()))')" 'everything is the model, nothing is chance, the rest is between, by the formula'

cat > mine.json << 'END'
{"format": "clearhead-hypothesis-1", "name": "mine", "otherwise": "all", "rules": [
  {"from": "*", "to": "*.[qk]", "agree": "nothing"},
  {"from": "embed", "to": "*.v", "agree": "token"},
  {"from": "embed", "to": "logits", "agree": "nothing"}]}
END
json() { # NAME: the numbers of that hypothesis
    "$clearhead" scrub run --count 60 --hypothesis "$1" --json | python3 -c '
import json, sys
row = json.load(sys.stdin)["tables"]["hypotheses"][0]
print({k: v for k, v in row.items() if k not in ("hypothesis", "label")})'
}
is "$(json algorithm)" "$(json mine.json)" 'a file says what a name says'
sed 's/"agree": "token"/"agree": "class", "positions": [2, -1]/' mine.json > places.json
runs 0 scrub run --count 60 --hypothesis places.json
runs 0 scrub run --count 20 --checkpoints --numbers algorithm.recovered
is yes "$(printf '%s\n' "$out" | awk 'NR > 4 {print ($2 > 0.5 ? "yes" : $0)}' | tail -n 1)" 'over training'

code=$("$clearhead" scrub run --hypothesis nowhere.json > /dev/null 2>&1; echo $?)
ok "$([ "$code" -ne 0 ]; echo $?)" 'no such file'
sed 's/nothing/nothin/' mine.json > bad.json
runs 2 scrub run --count 20 --hypothesis bad.json
is 'clearhead scrub: bad.json: rule 0: agree is nothin; did you mean nothing?' "$err" 'a misspelt agreement'
sed 's/"to"/"too"/' mine.json > bad.json
runs 2 scrub run --count 20 --hypothesis bad.json
is 'clearhead scrub: bad.json: rule 0: unknown key too; did you mean to? The keys are from, to, agree, positions' "$err" 'a misspelt key'
sed 's/"rules"/"rule"/' mine.json > bad.json
runs 2 scrub run --count 20 --hypothesis bad.json
is 'clearhead scrub: bad.json: unknown key rule; did you mean rules? The keys are format, name, otherwise, rules' "$err" \
    'the same of the whole'
sed 's/"agree": "nothing"}/"agree": "nothing", "positions": [1]}/' mine.json > bad.json
runs 2 scrub run --count 20 --hypothesis bad.json
is 'clearhead scrub: bad.json: rule 0: agree nothing takes no positions' "$err" 'positions where none are taken'
sed 's/"otherwise": "all"/"otherwise": "token"/' mine.json > bad.json
runs 2 scrub run --count 20 --hypothesis bad.json
is 'clearhead scrub: bad.json: hypothesis: otherwise is token, want nothing or all' "$err" 'otherwise'
sed 's/hypothesis-1/hypothesis-2/' mine.json > bad.json
runs 3 scrub run --count 20 --hypothesis bad.json
is 'clearhead scrub: bad.json: format is clearhead-hypothesis-2, want clearhead-hypothesis-1' "$err" 'another version'
sed 's/\[qk\]/x/' mine.json > bad.json
runs 2 scrub run --count 20 --hypothesis bad.json
is 'clearhead scrub: rule 0: from * to *.x is no edge of this model; clearhead paths lists them' "$err" 'no such edge'
runs 2 scrub run --hypothesis algoritm
is 'clearhead scrub: the hypothesis is algoritm, want perhaps algorithm or a file (hypothesis.json)' "$err" \
    'a name that is none'
runs 2 scrub run --count 1
finish
