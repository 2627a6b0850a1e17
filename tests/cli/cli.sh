# shellcheck disable=SC2086 # the options are words
# The command line: what is printed, what is refused and how, exit codes, streams that fail.
. "$(dirname "$0")/../support/tap.sh"

lines() { printf '%s\n' "$1" | wc -l | tr -d ' '; }

# help
runs 0 help
commands=$(printf '%s\n' "$out" | sed -n 's/^  program \([a-z]*\) .*/program_\1/p; s/^  \([a-z]*\) .*/\1/p' | grep -vx program)
is 4 "$(printf '%s\n' "$commands" | grep -c ^program_)" 'help shows commands of two words as they are typed'
rows=$(grep -hcE '^(COMMAND\([a-z]*, false|QUESTION\()' "$CLH_SOURCE/src/cli/line/commands.def" \
    "$CLH_SOURCE/src/ask/questions/questions.def" | paste -sd+ | bc)
is "$rows" "$(lines "$commands")" 'help lists the commands'
for command in $commands; do
    runs 0 "$command" -h
    help=$out
    is 0 "$(printf '%s\n' "$help" | awk 'length > 80' | wc -l | tr -d ' ')" "$command -h fits 80 columns"
    is 1 "$(printf '%s\n' "$help" | grep -cE "^  clearhead ($command|$(echo "$command" | tr _ " "))" | awk '{print ($1 > 0)}')" \
        "$command -h has an example"
    is '' "$(printf '%s\n' "$help" | sed -n 's/^  \(-h, \)*--\([a-z0-9-]*\).*/\2/p' | sort | uniq -d)" \
        "$command -h names every option once"
    runs 0 help "$command"
    is "$help" "$out" "help $command is $command -h"
done
runs 0 causal -h
is 1 "$(printf '%s\n' "$out" | grep -c 'pattern_mean.loss)$')" 'a long default is told whole'
runs 0 --version
is "clearhead ${out#clearhead }" "$out" '--version names the program'
runs 2
is '' "$out" 'without a command, usage is not a result'
runs 0 train --n 3 --help
is 'Usage: clearhead train [OPTIONS]' "$(printf '%s\n' "$out" | grep Usage)" '--help among options'

# wrong usage: one line, exit 2
refused() { # WANTED ARGUMENTS...
    line=$1
    shift
    runs 2 "$@"
    is "$line" "$err" "line of: $*"
    is '' "$out" "no result of: $*"
}
refused 'clearhead: unknown command trian; did you mean train?' trian
refused 'clearhead: unknown command xyzzy; clearhead help lists them' xyzzy
refused 'clearhead help: unknown command dat; did you mean data?' help dat
refused 'clearhead: want a command before --n; clearhead help lists them' --n 3 data
refused 'clearhead data: unknown option --lettesr; did you mean --letters?' data --lettesr sorted
refused 'clearhead data: unknown option -x; options begin with --, but for -h' data -x
refused 'clearhead data: --n wants a value: --n N[,N...]' data --n
refused 'clearhead data: --count takes no value' data --count=3
refused 'clearhead data: --f may be --first or --from, want one of them' data --f 3
refused 'clearhead data: unexpected argument extra, want none' data extra
refused 'clearhead resume: RUN is missing; see clearhead resume -h' resume
refused 'clearhead config: unexpected argument false, want none; a value is joined to its option: --attn-only=false' \
    config --attn-only false
refused 'clearhead data: n is 9, want whole numbers in [1, 6]' data --n 9
refused 'clearhead data: --first is x, want a whole number in [0, 1000000000000000]' data --first x
refused 'clearhead data: --split is both, want one of train|test' data --split both
refused 'clearhead data: preset is notbook, want notebook' data --preset notbook
refused 'clearhead data: --from is 62, want less than 62, the number of sequences' data --n 1 --from 62
runs 2 data --n 9 --json
is '{"error": "n is 9, want whole numbers in [1, 6]", "status": "out of range", "exit": 2}' "$out" \
    '--json makes the error an object on stdout'
runs 2 data --json --nn 9
is '{"error": "unknown option --nn; did you mean --n?", "status": "usage", "exit": 2}' "$out" \
    'also an error found before options are known'

# options before, after, joined; --
runs 0 data --n=2 --first 1
is '> ab ba.' "$out" 'a value joined with ='
runs 0 data --first 1 --n 3 --n 2
is '> ab ba.' "$out" 'the last of two counts'
runs 0 help --json -- data
is 'clearhead data: print sequences of the task' "$(printf '%s\n' "$out" | head -n 1)" 'after --'

# data: the notebook's texts
for pair in '1:> a.' '2:> ab ba.' '3:> abc acb bac bca cab cba.' \
    '4:> abcd abdc acbd acdb adbc adcb bacd badc bcad bcda bdac bdca cabd cadb cbad cbda cdab cdba dabc dacb dbac dbca dcab dcba.'; do
    runs 0 data --n "${pair%%:*}" --first 1
    is "${pair#*:}" "$out" "the first text of n = ${pair%%:*}"
done
runs 0 data --n 3 --letters sorted --first 5
is 5 "$(lines "$out")" 'five lines'
runs 0 data --n 2 --first 2 --tokens
is '[0, 1, 3, 4, 1, 4, 3, 2]
[0, 1, 3, 5, 1, 5, 3, 2]' "$out" 'tokens as arrays'
printf '%s\n' "$out" > "$folder/own.jsonl"
runs 0 data --data "$folder/own.jsonl" --tokens
is '[0, 1, 3, 4, 1, 4, 3, 2]
[0, 1, 3, 5, 1, 5, 3, 2]' "$out" 'and back as lines of a file'
for row in 'sorted 4 557845' 'ordered 4 13388280' 'tuples 4 14776336' 'sorted 5 6471002'; do
    set -- $row
    runs 0 data --letters "$1" --n "$2" --count
    is "$3" "$out" "size of $1 $2"
done
runs 0 data --n 2 --first 100000
is 1891 "$(printf '%s\n' "$out" | sort -u | wc -l | tr -d ' ')" 'the domain ends, each element once'
runs 0 data --split train --first 50 --n 2
train=$out
runs 0 data --split train --first 25 --from 25 --n 2
is "$(printf '%s\n' "$train" | tail -n 25)" "$out" '--from goes on in the stream'
runs 0 data --split train --first 50 --n 2 --seed 1
is 1 "$([ "$train" != "$out" ] && echo 1)" 'another seed, another stream'
runs 0 data --split test --first 2 --n 3 --json
is 2 "$(printf '%s\n' "$out" | grep -c '"split": "test".*"text": ".*"tokens": \[')" 'objects, one a line'

# config
runs 0 bench --n 2 --seconds 0 --threads 2 --json
is 'fused 1/general 1/fused 2/general 2' "$(printf '%s' "$out" | python3 -c '
import json, sys
rows = json.load(sys.stdin)["tables"]["steps"]
assert all(abs(r["operations"] / r["seconds"]["value"] / r["peak"] - r["ratio"]) < 1e-6 * r["ratio"] for r in rows)
print("/".join("%s %d" % (r["path"], r["threads"]) for r in rows))')" 'bench has a row for each path and number of threads'
runs 0 bench --n 2 --n-layers 2 --attn-only=false --seconds 0 --json
is 'general 1' "$(printf '%s' "$out" | python3 -c '
import json, sys
print(*["%s %d" % (r["path"], r["threads"]) for r in json.load(sys.stdin)["tables"]["steps"]])')" \
    'one where the general path is the only one'
printf '{"n": 2, "batch": 3}' > "$folder/bench.json"
runs 0 bench --config "$folder/bench.json" --n 4 --seconds 0 --json
four=$(value steps.general.1.operations)
runs 0 bench --batch 3 --seconds 0 --json
is "$four" "$(value steps.general.1.operations)" 'what is given counts more than a file, also where it is the default'
runs 0 bench --config "$folder/bench.json" --seconds 0 --json
ok "$([ "$(value steps.general.1.operations)" != "$four" ]; echo $?)" 'the file more than the defaults'
runs 0 bench --n 2 --act-fn relu --seconds 0 --json
is 1 "$(printf '%s' "$out" | grep -c 'act_fn has no effect')" 'a setting without effect is said'
runs 2 bench --n 7
runs 2 bench --task ''
runs 0 config --preset notebook --n 5 --steps 60
both=$out
runs 0 config --steps 60 --n 5
is "$both" "$out" 'the order of options does not matter'
printf '%s\n' "$out" > "$folder/five.json"
runs 0 config --config "$folder/five.json"
is "$both" "$out" 'what config prints, --config reads'
is '' "$err" 'a complete file asks for nothing without effect'
runs 0 config --config "$folder/five.json" --lr 0.5 --attn-only=false
is 4 "$(printf '%s\n' "$out" | grep -c -e '"lr": 0.5' -e '"d_mlp": 512' -e '"n": 5' -e '"steps": 60')" \
    'the command line is above the file'
runs 0 config --act-fn relu
is 'act_fn has no effect: an attn_only model has no MLP' "$err" 'what has no effect is named'
runs 0 config --data "$folder/own.jsonl"
is 4 "$(printf '%s\n' "$out" | grep -c -e '"task": "lines"' -e '"n_ctx": 8' -e '"epoch_sequences": 2' \
    -e '"first_scored": 1')" 'lines take their sizes from the file'
runs 0 train --n 2 --steps 1 --n-layers 2 --d-model 24 --out "$folder/given"
for options in '--preset notebook --n 3 --steps 0' "--n 2 --steps 0 --init $folder/given" "--data $folder/own.jsonl --steps 0"; do
    runs 0 config $options --out "$folder/asked"
    asked=$out
    is 0 "$(find "$folder" -name asked | wc -l)" 'config makes no folder'
    runs 0 train $options --out "$folder/asked"
    runs 0 config --config "$folder/asked/config.json"
    is "$asked" "$out" "config prints what train has with $options"
    rm -r "$folder/asked"
done
echo '{"btach": 4}' > "$folder/wrong.json"
refused "clearhead config: $folder/wrong.json: unknown key btach; did you mean batch?" \
    config --config "$folder/wrong.json"
runs 3 config --config "$folder/none.json"
is "clearhead config: cannot read $folder/none.json: No such file or directory" "$err" 'a file that is not there'

# stdout that fails
if [ -w /dev/full ]; then
    code=0
    err=$("$clearhead" data --n 3 --first 30000 2>&1 > /dev/full) || code=$?
    is 3 "$code" 'a full disk is a failure'
    is 'clearhead data: cannot write to stdout: No space left on device' "$err" 'and is said'
    code=0
    err=$("$clearhead" data --n 1 --first 1 2>&1 > /dev/full) || code=$?
    is 3 "$code" 'also when it shows only at the end'
else
    skip 'a full disk' 'no /dev/full'
fi
line=$( { "$clearhead" data --n 4 --first 557845 2> "$folder/err"; echo $? > "$folder/code"; } | head -n 1)
is '> abcd' "${line%% abdc*}" 'head gets its line'
is '' "$(cat "$folder/err")" 'a closed pipe is no news'
is 0 "$(cat "$folder/code")" 'nor a failure'

# closed descriptors: no file of a run becomes one of them
code=0
(cd "$folder" && "$clearhead" train --n 2 --steps 2 --d-model 8 --d-head 4 --out closed <&- >&- 2>&-) || code=$?
is 3 "$code" 'stdout is closed: what was to be printed is a failure'
runs 0 show "$folder/closed"
is 0 "$(grep -cv '^{.*}$' "$folder/closed/metrics.jsonl")" 'and the metrics hold metrics alone'

# pages
runs 0 docs man --out "$folder/man"
is $((rows + 1)) "$(ls "$folder/man" | wc -l | tr -d ' ')" 'a page for the program and for each command'
for command in $commands; do
    [ -s "$folder/man/clearhead-$command.1" ]
    ok $? "page of $command"
done
if command -v groff > /dev/null; then
    is '' "$(groff -ww -man -Tascii "$folder"/man/*.1 2>&1 > /dev/null)" 'roff without warnings'
else
    skip 'roff without warnings' 'no groff'
fi
runs 2 docs pdf --out "$folder/man"
runs 3 docs man --out /proc/nowhere
finish
