# shellcheck disable=SC2154 # tap.sh sets folder, out, err
# What a trained model writes and how it is shown: told what came before, or relying on itself.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3
case $clearhead in /*) ;; *) clearhead=$OLDPWD/$clearhead ;; esac
unset COLUMNS

runs 0 train --n 3 --steps 500 --eval-every 0 --out run
answer='> psM pMs spM sMp Mps Msp.'
line() { printf '%s\n' "$out" | grep -A 3 '^  index 0' | sed -n "$1p"; }

runs 0 sample run --letters psM
is '  index 0: 21 of 21 predictions right (each from the right tokens before it)' "$(line 1)" 'how many are right'
is "    expected:  $answer" "$(line 2)" 'what is right'
is "    predicted: $answer" "$(line 3)" 'and what the model says'
is '' "$(line 4)" 'no marks below'
runs 0 sample run --letters psM --free
is "    predicted: $answer" "$(line 3)" 'a model without mistakes writes on its own what it says when told'
is '  index 0: 21 of 21 predictions right (from its own output)' "$(line 1)" 'and says which it was'
for letters in ZYX 9aA Mps; do # out of order, as it never saw them
    runs 0 sample run --letters $letters --json
    told=$(value sequences.0.predicted)
    is "1 0 21 $told" "$(value token_accuracy) $(value mistakes) $(value scored) $(value sequences.0.expected)" \
        "$letters: all right"
    runs 0 sample run --letters $letters --free --json
    is "$told" "$(value sequences.0.predicted)" "$letters: free is as told"
done

runs 0 sample run --text '> psM' --free
is '    prompt:    > psM' "$(line 2)" 'a text is a prompt'
is "    predicted: $answer" "$(line 3)" 'written on to the period'
runs 0 sample run --text '> psM p' --json
is '1 > psM p > psM pM' "$(value sequences.0.first_scored) $(value sequences.0.prompt) $(value sequences.0.predicted | sed 's/^.*\(..\)$/> psM \1/')" \
    'a text is a prompt, and one token past it is predicted'
is 'null a prompt has no answer' "$(printf '%s' "$out" | python3 -c '
import json, sys
n = json.load(sys.stdin)["numbers"]["mistakes"]
print(json.dumps(n["value"]), n["absent"])')" 'which has no answer'

runs 0 sample run --count 3 --json
is '3 3 [0, 1, 2]' "$(printf '%s' "$out" | python3 -c '
import json, sys
rows = json.load(sys.stdin)["tables"]["sequences"]
print(len(rows), len({r["expected"] for r in rows}), [r["index"] for r in rows])')" 'held-out sequences, as many as asked for'
python3 -c 'print([[0, 1, 5, 3, 4], [0, 1, 3, 4, 5]])' > ids.json
runs 0 sample run --tokens ids.json --json
is '> cab > abc' "$(value sequences.0.expected) $(value sequences.1.expected)" 'or token ids'

runs 0 sample run --letters psM --checkpoint 0
is "    expected:  $answer" "$(line 2)" 'the untrained model, asked the same'
is '               ' "$(line 4 | cut -c 1-15)" 'marks stand under its mistakes'
marks=$(line 4 | tr -cd '^' | wc -c)
is "  index 0: $((21 - marks)) of 21 predictions right (each from the right tokens before it)" "$(line 1)" \
    'as many as there are mistakes'
ok "$([ "$marks" -gt 15 ]; echo $?)" 'which are most'
runs 0 sample run --letters psM --checkpoint 0 --json
is "True True True" "$(printf '%s' "$out" | python3 -c '
import json, sys
d = json.load(sys.stdin)
row, wrong = d["tables"]["sequences"][0], d["tables"]["wrong"]
at = [i for i, c in enumerate(row["marks"]) if c == "^"]
print(len(row["marks"]) == len(row["predicted"]) == 26 and at == [w["position"] for w in wrong],
      all(row["expected"][w["position"]] == w["expected"] != w["predicted"] == row["predicted"][w["position"]]
          for w in wrong),
      row["mistakes"] == len(wrong) == d["numbers"]["mistakes"]["value"])')" 'each mistake with its position and tokens'
runs 2 sample run --letters psM --count 2
runs 2 sample run --letters psM --text a
runs 2 sample run --letters ''
runs 2 sample run --letters 'a!b'

# Many prompts at once, and tokens that are drawn: the same for any number of threads, each text its own.
printf '> psM\r\n"> abc"\n[0, 1, 3, 4, 5]\n' > prompts.txt
runs 0 sample run --prompts prompts.txt --free --json
written() { printf '%s' "$out" | python3 -c 'import json, sys; print(*(r["predicted"] for r in json.load(sys.stdin)["tables"]["sequences"]), sep="|")'; }
is "$answer|> abc acb bac bca cab cba.|> abc acb bac bca cab cba." "$(written)" 'a text, a JSON text, token ids'
is '3 prompts' "$(value sample)" 'as many as there are lines'
runs 0 sample run --prompts - --free --json < prompts.txt
is "$answer" "$(written | cut -d '|' -f 1)" 'prompts from stdin'
runs 0 sample run --prompts prompts.txt --free --max-new-tokens 4 --json
is '> psM pMs|> abc acb|> abc acb' "$(written)" 'no more tokens than asked for'
drawn=
for threads in 1 2 5; do
    runs 0 sample run --prompts prompts.txt --free --temperature 4 --draws 100 --threads $threads --json
    drawn="$drawn $(written | cksum)"
done
is 1 "$(echo "$drawn" | xargs -n 2 | sort -u | grep -c .)" 'drawn the same by any number of threads'
is '300 yes yes' "$(printf '%s' "$out" | python3 -c '
import json, sys
rows = json.load(sys.stdin)["tables"]["sequences"]
print(len(rows), "yes" if [r["source"] for r in rows] == [k // 100 for k in range(300)] else "no",
      "yes" if len({r["predicted"] for r in rows}) > 250 else "no")')" 'each draw its own text'
texts=$(written)
for words in '--seed 0|same' '--seed 1|other' '--top-k 1|greedy' '--top-p 1e-9|greedy' '--top-k 65 --top-p 1|same'; do
    # shellcheck disable=SC2086 # words
    runs 0 sample run --prompts prompts.txt --free --temperature 4 --draws 100 ${words%|*} --json
    case $(written) in "$texts") is "${words#*|}" same "$words" ;; "$answer|$answer"*) is "${words#*|}" greedy "$words" ;;
    *) is "${words#*|}" other "$words" ;; esac
done
runs 0 sample run --letters psM --free --temperature 4 --draws 3
is 3 "$(printf '%s\n' "$out" | grep -c 'predictions right (from its own output), draw [123] of 3$')" 'letters too, held against the answer'
while IFS='|' read -r words said; do
    # shellcheck disable=SC2086 # words
    runs 2 sample run $words
    is "clearhead sample: $said" "$err" "refused: $words"
done << 'END'
--letters psM --temperature 1|temperature is given, want free too: it draws what is fed back
--letters psM --free --top-k 3|top_k is given, want a temperature above 0 too
--letters psM --free --top-p 0.5|top_p is given, want a temperature above 0 too
--letters psM --free --seed 3|seed is given, want a temperature above 0 too
--letters psM --free --draws 3|draws is given, want a temperature above 0 too: without it all are the same
--letters psM --free --max-new-tokens 3|max_new_tokens is given, want free too, and a prompt: a text or prompts
--letters psM --prompts prompts.txt|prompts are given beside letters, text or tokens, want one of them
--count 3 --prompts prompts.txt|count is for held-out sequences, want it without letters, text, tokens and prompts
END
printf '> ab\n\n> a\n' > bad.txt
runs 2 sample run --prompts bad.txt --free
is 'clearhead sample: bad.txt line 2: the prompt has 0 tokens, want 1 to 26 (n_ctx)' "$err" 'a line that is no prompt is named'
printf '> ab\n[65]\n' > bad.txt
runs 2 sample run --prompts bad.txt --free
is 'clearhead sample: bad.txt line 2: token 0 is 65, want a whole number in [0, 64]' "$err" 'an id there is not'

runs 0 eval run --least 1
runs 1 eval run --least 1 --checkpoint 0
runs 0 eval run --count 7 --json
is '7 held-out sequences' "$(value sample)" 'as many as asked for'
echo '"> psM pMs spM sMp Mps Msp."' > own.jsonl
scored() { printf '%s\n' "$out" | python3 -c '
import json, sys
print([r["position"] for r in json.load(sys.stdin)["tables"]["positions"] if r["loss"] is not None][0])'; }
runs 0 eval run --data own.jsonl --json
is 5 "$(scored)" 'sequences of a file are scored from where the own are'
runs 0 eval run --data own.jsonl --first-scored 2 --json
is 2 "$(scored)" 'or from where one says'
finish
