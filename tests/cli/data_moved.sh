# shellcheck disable=SC2086,SC2154 # the options are words; tap.sh sets folder, out, err
# Data that moved, every command: what needs no data answers as before, what needs it says which it was and
# takes it from elsewhere; a run with a copy of its own answers everything alone.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3

# Of each run: its data, small, which it keeps a copy of, or with a megabyte of blanks behind a line.
mkdir here there
python3 - << 'END'
lines = ['"%s"' % "".join(chr(97 + (i * (k + 1) + k * k) % 26) for k in range(8)) for i in range(26)]
open("here/small.jsonl", "w").write("\n".join(lines) + "\n")
open("here/large.jsonl", "w").write("\n".join(lines) + " " * 1100000 + "\n")
END
echo '[[1, 4, 7], [2, 5, 8]]' > ids.json
echo '{"format": "clearhead-edits-1", "edits": [{"kind": "zero", "site": "blocks.0.attn.hook_z"}]}' > edits.json
small='--d-model 8 --d-head 4 --batch 4 --steps 6 --test-sequences 6 --checkpoint-every 3 --checkpoint-log=false'
for size in small large; do
    (cd here && "$clearhead" train --data $size.jsonl $small --out runs/$size > /dev/null)
done
ok $? 'trained'
is 1 "$(cmp -s here/small.jsonl here/runs/small/data.jsonl && echo 1)" 'small data is kept in the run'
is no "$([ -e here/runs/large/data.jsonl ] && echo yes || echo no)" 'large data is not'

# question | arguments | whether it needs sequences of the run
table='attention|--count 6|yes
attribute|--count 6|yes
attribute|--text abcdefgh|no
cache||yes
cache|--tokens ../ids.json|no
causal|--count 6|yes
certify||yes
circuits||no
circuits|--checkpoints|no
edit|--edits ../edits.json --count 6|yes
emergence|--count 6|yes
eval||yes
eval|--split train|yes
eval|--checkpoints|yes
eval|--data ../other.jsonl|no
generalise|--count 6|yes
heads|--count 6|yes
lens|--count 6|yes
lens|--text abcdefgh|no
loss||no
paths|--clean-text abcd --corrupt-text abce|no
patch|--clean-text abcd --corrupt-text abce|no
pattern||yes
pattern|--text abcdefgh|no
sample||yes
sample|--text abc|no
scrub|--count 6|yes
show||no
thresholds||yes
thresholds|--text abcdefgh|no'
sed 's/"ab/"ba/' here/small.jsonl > other.jsonl
runs 0 questions --json
asked=$(printf '%s' "$out" | python3 -c '
import json, sys
print(*sorted(q["name"] for q in json.load(sys.stdin) if not {"letters", "sums"} & set(q["needs"]) and q["name"] not in ("audit", "bench", "program_run", "program_diff", "program_stats")))')
is "$asked" "$(printf '%s\n' "$table" | cut -d '|' -f 1 | sort -u | tr '\n' ' ' | sed 's/ $//')" \
    'every question that asks a run of lines stands in the table'

# answer RUN QUESTION ARGUMENTS...: its JSON without the path of the data in it, exit code first
answer() {
    run=$1 question=$2
    shift 2
    code=0
    "$clearhead" "$question" "runs/$run" "$@" --json > "$folder/answer" 2> "$folder/said" || code=$?
    echo $code
    sed 's/lines, data [^ ]* order/lines, order/; s/"text": "[^ ]*jsonl[^ ]*"/"text": ""/; s/, "notes": \[.*//' "$folder/answer"
}
row() { # into $question, $arguments, $needs
    IFS='|' read -r question arguments needs
}
places() { # what is answered of run $1 in folder $2, with options $3, a file for each row
    (cd "$2" && while row; do
        more=$3
        [ "$question" = eval ] && case $arguments in
        *--data*) more='' ;;
        *--split*) ;;
        *) [ -n "$3" ] && more="$3 --split test" ;;
        esac
        answer "$1" "$question" $arguments $more > "$folder/$4-$1-$question-$(echo "$arguments" | tr -c 'a-z\n' _)"
    done) << END
$table
END
}
each() { # WANTED WAY RUN WHAT: rows of which `needs` is WANTED or all, compared with before
    while row; do
        name=$question-$(echo "$arguments" | tr -c 'a-z\n' _)
        if [ "$1" = all ] || [ "$1" = "$needs" ]; then
            is "$(cat "before-$3-$name")" "$(cat "$2-$3-$name")" "$4: $question $arguments"
        fi
    done << END
$table
END
}
for size in small large; do places $size here '' before; done
is 0 "$(cat before-*-* | grep -c '^[23]$')" 'every row is answered where nothing has moved'

# The project's folder is called otherwise.
mv here renamed
for size in small large; do
    places $size renamed '' renamed
    each all renamed $size "the project's folder has another name, $size data"
done

# The runs alone, on another machine.
mkdir there/runs
cp -r renamed/runs/small renamed/runs/large there/runs
for size in small large; do places $size there '' alone; done
each all alone small 'the run alone, with its copy'
each no alone large 'the run alone, of what needs no data'
lines=$(sed -n 's/.*"data_lines": \([0-9]*\),/\1/p' there/runs/large/config.json)
sum=$(sha256sum renamed/large.jsonl | cut -d ' ' -f 1)
is 26 "$lines" 'the config has the number of lines'
(cd there && while row; do
    [ "$needs" = no ] && continue
    is 3 "$(answer large $question $arguments | head -n 1)" "the run alone: $question $arguments is refused"
    is 1 "$(grep -c "26 lines with SHA-256 $sum is not there, want its place by --data FILE" "$folder/said")" \
        "$question $arguments: by the content of what is missing"
    is 1 "$(grep -c . "$folder/said")" "$question $arguments: in one line"
done; echo $count > "$folder/count") << END
$table
END
count=$(cat count)

# Its data is elsewhere, under another name.
mv renamed/large.jsonl moved.jsonl
mv renamed/small.jsonl moved-small.jsonl
places large there '--data ../moved.jsonl' moved
plain() { # FILE: without what eval was told
    sed 's/"data": "[^"]*"//; s/"data": null//; s/"split": "[a-z]*"//' "$1"
}
while row; do
    name=$question-$(echo "$arguments" | tr -c 'a-z\n' _)
    is "$(plain "before-large-$name")" "$(plain "moved-large-$name")" \
        "the data elsewhere: $question $arguments"
done << END
$table
END

# The other commands.
cd there || exit 3
runs 0 export runs/large --to ../exported
runs 0 show runs/large/checkpoints/step-00000003.safetensors
runs 0 show runs/large@3
runs 0 figure runs/large --kind loss
for kind in positions attention thresholds tokens; do
    runs 3 figure runs/large --kind $kind
    runs 0 figure runs/large --kind $kind --data ../moved.jsonl
done
runs 0 figure runs/small --kind positions
runs 0 eval runs/small@3
runs 0 eval runs/small/model.safetensors
runs 0 data --config runs/small/config.json --split test --first 6
held_out=$out
runs 0 data --data ../moved-small.jsonl --test-sequences 6 --split test --first 6
is "$held_out" "$out" 'data of a config: by the copy beside it'
runs 3 data --config runs/large/config.json --split test
runs 0 train --config runs/small/config.json --out ../again
is "$(cksum < runs/small/model.safetensors)" "$(cksum < ../again/model.safetensors)" \
    'trained again from the run alone: the same bytes'
runs 3 train --config runs/large/config.json --out ../large-again
is no "$([ -e ../large-again ] && echo yes || echo no)" 'nothing is written without the data'
runs 0 train --config runs/large/config.json --data ../moved.jsonl --test-sequences 6 --steps 6 --out ../large-again
is "$(cksum < runs/large/model.safetensors)" "$(cksum < ../large-again/model.safetensors)" \
    'trained again with the data elsewhere: the same bytes'

# resume: refused, then told where, which it remembers
sed -i '/"checksum"/d; s/"steps": 6/"steps": 9/' runs/large/config.json
runs 3 resume runs/large
is 1 "$(printf '%s\n' "$err" | grep -c "26 lines with SHA-256 $sum is not there")" 'resume says what is missing'
runs 0 resume runs/large --data ../moved.jsonl
is '  "data": "../../../moved.jsonl",' "$(grep '"data"' runs/large/config.json)" 'the new place is remembered'
runs 0 eval runs/large
runs 0 train --data ../moved.jsonl $small --steps 9 --out ../nine
is "$(cksum < ../nine/checkpoints/optimizer-00000009.safetensors)" "$(cksum < runs/large/checkpoints/optimizer-00000009.safetensors)" \
    'and the run went on as if nothing had moved'

# A file of weights alone, of a run with a copy, and of one without.
cp runs/small/model.safetensors runs/large/model.safetensors .. 2> /dev/null
mkdir ../weights
cp runs/small/model.safetensors ../weights/small.safetensors
cd .. || exit 3
runs 0 show weights/small.safetensors
runs 3 eval weights/small.safetensors
is 1 "$(printf '%s\n' "$err" | grep -c 'no path to it is known')" 'weights alone: nobody knows where their data is'
runs 0 eval weights/small.safetensors --data moved-small.jsonl --split test

# Seeds train on the run's copy.
cd there || exit 3
runs 0 eval runs/small --seeds 2
runs 0 eval runs/small --seeds 2
runs 2 causal runs/large --data ../moved-small.jsonl
is 1 "$(printf '%s\n' "$err" | grep -c 'moved-small.jsonl has 26 lines with SHA-256 .*, the run was trained on 26 lines')" \
    'other content elsewhere is refused'
finish
