#!/bin/sh
# A sample larger than the supply: every question that draws sequences takes each there is once, says how
# many that are, and gives the numbers and intervals of just these.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3

runs 0 questions --json
printf '%s\n' "$out" > questions.json
drawing=$(python3 -c '
import json
for q in json.load(open("questions.json")):
    if any(s["name"] == "count" for s in q["settings"]) and q["name"] not in ("audit", "certify", "program_check"):
        print(q["name"])')
python3 - << 'END' > lines.jsonl
import itertools, json
for p in list(itertools.permutations("abcd"))[:24]:
    s = "".join(p)
    print(json.dumps(f"> {s} {s[::-1]}."))
END
echo '{"format": "clearhead-edits-1", "edits": [{"kind": "zero", "site": "blocks.0.attn.hook_z"}]}' > edits.json
model='--d-model 16 --d-head 8 --steps 8'
# shellcheck disable=SC2086 # words
runs 0 train --data lines.jsonl --first-scored 7 --test-sequences 9 $model --out lines
# shellcheck disable=SC2086 # words
runs 0 train --n 1 --test-sequences 5 $model --out letters # 12 of the 62 letters are held out

# settings NAME RUN
settings() {
    case $1 in
    edit) echo '--edits edits.json' ;;
    scrub) echo '--hypothesis nothing' ;;
    causal) echo '--others 40' ;;
    *) echo ;;
    esac
}

# same A B: two results but for what was asked
same() {
    python3 - "$1" "$2" << 'END'
import json, sys
a, b = (json.load(open(name)) for name in sys.argv[1:])
for d in a, b:
    d.pop("settings"), d.pop("sample", None), d.pop("notes", None)
print("the same" if a == b else "different")
END
}

asked=0
for name in $drawing; do
    for run in lines letters; do
        case $run in lines) supply=9 ;; *) supply=12 ;; esac
        # shellcheck disable=SC2046,SC2086 # words
        "$CLEARHEAD" "$name" "$run" $(settings "$name") --count $supply --json --full > few.json 2> said
        code=$?
        if [ $code -gt 1 ]; then # of letters alone, or of more than one slot
            [ "$run" = letters ] || [ "$name" = answers ] || [ "$name" = repair ] || is 0 $code "$name $run: $(cat said)"
            continue
        fi
        # shellcheck disable=SC2046,SC2086 # words
        runs $code "$name" "$run" $(settings "$name") --count 500 --json --full
        printf '%s\n' "$out" > many.json
        is 'the same' "$(same few.json many.json)" "$name $run: 500 are the $supply that there are"
        asked=$((asked + 1))
        [ "$name" != generalise ] || continue
        is "$supply held-out sequences, all different (500 asked for)" \
            "$(python3 -c 'import json; print(json.load(open("many.json"))["sample"])')" "and it says so"
    done
done
is 1 $((asked > 14)) "questions were asked: $asked"

# Of the sequences trained on as well, of a file of one's own, and where there are copies in the file.
runs 0 eval lines --split train --count 500 --json
is '15 training sequences, all different (500 asked for)' "$(value sample)" 'training sequences'
sed -n '3,9p' lines.jsonl > some.jsonl
cat some.jsonl some.jsonl some.jsonl > copies.jsonl
runs 0 eval lines --data some.jsonl --json
printf '%s\n' "$out" > few.json
runs 0 eval lines --data copies.jsonl --json
printf '%s\n' "$out" > many.json
is 'the same' "$(same few.json many.json)" 'copies in a file'
is '7 given sequences, all different (21 asked for)' "$(value sample)" 'are said'

# A kind of input of which there are few: the letter of "all the same" is one of those that come first.
runs 0 train --n 3 --steps 4 --d-model 8 --d-head 4 --out three
runs 0 generalise three --count 300 --json
is 1 "$(printf '%s' "$out" | python3 -c '
import json, sys
d = json.load(sys.stdin)
n = {r["input"]: r["sequences"] for r in d["tables"]["inputs"] if r.get("sequences")}
said = [s for s in d["notes"] if s.startswith("all the same: ")]
print(int(n["held out"] == 300 and 10 < n["all the same"] < 60
          and said == ["all the same: %d sequences, all different (300 asked for)." % n["all the same"]]))')" \
    'the kinds say how many there were'

# A mixture whose shortest sequences are few: none is shown twice.
runs 0 train --n 1,2 --steps 4 --d-model 8 --d-head 4 --out mixed
runs 0 sample mixed --count 100 --json
is 1 "$(printf '%s' "$out" | python3 -c '
import json, sys
texts = [r["expected"] for r in json.load(sys.stdin)["tables"]["sequences"]]
print(int(len(texts) == len(set(texts)) and 50 < len(texts) < 100))')" 'no sequence twice in a mixture'

# What takes from other sequences refuses a supply of one.
runs 0 train --data lines.jsonl --first-scored 7 --test-sequences 1 --d-model 16 --d-head 8 --steps 1 --out single
for name in causal scrub attention; do
    runs 2 "$name" single --count 500
    is 1 "$(printf '%s\n' "$err" | grep -c 'want at least 2')" "$name wants two"
done
runs 0 eval single --count 500 --json
is 'None None' "$(printf '%s' "$out" | python3 -c '
import json, sys
loss = json.load(sys.stdin)["numbers"]["loss"]
print(loss["low"], loss["high"])')" 'one sequence has no interval'
finish
