#!/bin/sh
# --vocab: every kind of file with every command that takes or shows symbols; what is no vocabulary is refused by
# its line before anything is written; the run has a copy and is enough alone. Without one ids are ids, and a text
# is none of them.
# shellcheck disable=SC2086,SC2154 # the options are words; tap.sh sets folder, clearhead, out, err
. "$(dirname "$0")/../support/tap.sh"
CLEARHEAD=$clearhead
. "$(dirname "$0")/../support/each_question.sh"
cd "$folder" || exit 3

python3 - << 'END'
import json
lines = [[i % 9, i // 9, 7, i * i % 11] for i in range(60)]
open("ids.jsonl", "w").write("".join(json.dumps(line) + "\n" for line in lines))
json.dump([lines[0], lines[1]], open("batch.json", "w"))
json.dump([[1, 2, 3]], open("axis.json", "w"))
words = "zero one two three four five six seven eight nine ten é".split()
chars = list("abcdefghijk") + ["\\n"]
def write(name, text, mode="w"):
    open(name, mode).write(text)
write("words.txt", "\n".join(words) + "\n")
write("chars.txt", "\n".join(chars) + "\n")
write("windows.txt", b"\xef\xbb\xbf" + "\r\n".join(words).encode() + b"\r\n", "wb")
write("list.json", json.dumps(words))
write("object.json", json.dumps({w: i for i, w in enumerate(words)}))
write("whole.json", json.dumps({"model": {"type": "WordLevel", "vocab": {w: i for i, w in enumerate(words)}}}))
write("bpe.json", json.dumps({"model": {"type": "BPE", "vocab": {w: i for i, w in enumerate(words)}, "merges": []}}))
write("few.txt", "a\nb\nc\n")
write("twice.txt", "a\nb\na\n" + "\n".join(words[:9]) + "\n")
write("bad.json", '{"model": ')
write("number.json", "[1, 2]")
write("nul.txt", b"a\n\0\nc\n", "wb")
write("empty.txt", "")
write("latin.txt", b"a\n\xff\n", "wb")
END
small='--d-model 8 --d-head 4 --steps 4 --test-sequences 6 --checkpoint-log=false'
runs 0 train --data ids.jsonl --d-vocab 12 $small --out plain
runs 0 export plain --to theirs

# vocabulary | how the ids 1 2 3 are written, and that as it is shown | whether texts can be cut
good='words.txt|one two three|one|yes
chars.txt|bcd|b|yes
windows.txt|one two three|one|yes
list.json|one two three|one|yes
object.json|one two three|one|yes
whole.json|one two three|one|yes
bpe.json|one two three|one|no'
symbol() { # JSON: whether it has the symbol $2 among its texts and labels
    python3 -c 'import json, sys
def texts(v):
    if isinstance(v, str):
        yield v
    elif isinstance(v, list):
        for x in v:
            yield from texts(x)
    elif isinstance(v, dict):
        for k, x in v.items():
            yield from texts(k)
            yield from texts(x)
print(any(sys.argv[1] in t for line in sys.stdin for t in texts(json.loads(line))))' "$1"
}
look() { # RUN WHAT TEXT SHOWN CUT
    run=$1 what=$2 text=$3 shown=$4 cut=$5
    runs 0 sample $run --tokens batch.json --json
    is True "$(printf '%s' "$out" | symbol "$shown")" "$what: sample shows it"
    runs 0 attribute $run --tokens batch.json --metric "logit:-1:$shown" --json
    by_symbol=$(printf '%s' "$out" | python3 -c 'import json, sys; print(json.load(sys.stdin)["numbers"]["total"])')
    runs 0 attribute $run --tokens batch.json --metric "logit:-1:#1" --json
    is "$by_symbol" "$(printf '%s' "$out" | python3 -c 'import json, sys; print(json.load(sys.stdin)["numbers"]["total"])')" \
        "$what: a metric reads it as id 1"
    runs 0 pattern $run --tokens axis.json --json
    is True "$(printf '%s' "$out" | symbol "$shown,0")" "$what: the axis of a pattern shows it"
    for kind in attention thresholds tokens; do
        runs 0 figure $run --kind $kind --tokens axis.json --json
        is True "$(printf '%s' "$out" | symbol "$shown")" "$what: the figure of $kind shows it"
        runs 0 figure $run --kind $kind --tokens axis.json
        is yes "$(printf '%s\n' "$out" | grep -q "$shown" && echo yes)" "$what: and in the terminal"
    done
    runs 0 circuits $run --json
    case $run in t-*) runs 3 sample $run --letters abc ;; *) runs 2 sample $run --letters abc ;; esac
    if [ "$cut" = yes ]; then
        runs 0 sample $run --text "$text" --json
        echo "[\"$text\"]" > prompt.txt
        runs 0 cache $run --text "$text" --out cut.npz
        is '1 2 3' "$(python3 -c 'import zipfile, struct
b = zipfile.ZipFile("cut.npz").read("tokens.npy")
print(*struct.unpack("<3q", b[-24:]))')" "$what: a text is read"
    else
        runs 3 sample $run --text "$text"
        is "clearhead sample: " "$(printf '%s' "$err" | cut -c1-18)" "$what: a text is refused"
    fi
}
while IFS='|' read -r file text shown cut; do
    runs 0 train --data ids.jsonl --vocab "$file" $small --out "t-$file"
    runs 0 import theirs/model.safetensors --config theirs/cfg.json --vocab "$file" --out "i-$file"
    is "12 $(cksum < "$file")" "$(sed -n 's/.*"d_vocab": \([0-9]*\).*/\1/p' "t-$file/config.json") $(cksum < "t-$file/vocab")" \
        "$file: a symbol for each id, and the run has a copy"
    look "t-$file" "trained with $file" "$text" "$shown" "$cut"
    case $file in words.txt | bpe.json) look "i-$file" "imported with $file" "$text" "$shown" "$cut" ;; esac
    runs 0 data --data ids.jsonl --vocab "$file" --first 2
done << END
$good
END

# Every question of a run with one, and of a run without.
write_edits
for name in $(question_names); do
    asks_run "$name" || continue
    words=$(settings "$name") plain=$words
    case $name in program_*) continue ;; esac # of letters
    case $name in patch | paths) words='--clean-text one --corrupt-text two' plain='--clean-text 1 --corrupt-text 2' ;; esac
    "$clearhead" "$name" t-words.txt $words > with 2> with.err
    with=$?
    "$clearhead" "$name" plain $plain > without 2> without.err
    is "$?" "$with" "$name: answers, or refuses, with a vocabulary as without"
done

# A run is enough alone: moved, its vocabulary gone or changed; weights alone show ids.
mkdir -p deep
cp -r t-words.txt deep/moved
mv words.txt away.txt
runs 0 sample deep/moved --text 'one two'
echo other > words.txt
runs 0 sample deep/moved --text 'one two'
runs 0 resume deep/moved
runs 0 eval deep/moved --checkpoints --count 6
cp deep/moved/model.safetensors alone.safetensors
runs 0 sample alone.safetensors --text '1 2'
rm words.txt && mv away.txt words.txt
cp -r t-words.txt changed
echo more >> changed/vocab
sed '/"checksum"/d; s/"vocab": "[^"]*"/"vocab": ""/' t-words.txt/config.json > changed/config.json
runs 2 sample changed
is "clearhead sample: the run's vocabulary, with SHA-256" "$(printf '%s' "$err" | cut -c1-52)" 'a copy that changed is noticed'

# What is none, with every command that takes one. OUT: a run to be made.
while IFS='|' read -r file said; do
    for command in "train --data ids.jsonl $small --out OUT" 'import theirs/model.safetensors --config theirs/cfg.json --out OUT' \
        'data --data ids.jsonl' "config --data ids.jsonl $small" "run --data ids.jsonl $small --out OUT"; do
        case $file:$command in few.txt:import*) continue ;; esac # ids without a symbol are no fault
        "$clearhead" ${command%OUT}$(case $command in *OUT) echo never ;; esac) --vocab "$file" > text 2> text.err
        code=$?
        want="clearhead ${command%% *}: $said"
        is "yes $want" "$([ $code -eq 2 ] || [ $code -eq 3 ] && echo yes) $(grep '^clearhead' text.err | cut -c1-${#want})" \
            "${command%% *} --vocab $file"
        is 0 "$(find . -name 'never*' | wc -l | tr -d ' ')" 'nothing is written'
    done
done << 'END'
few.txt|ids.jsonl has token ids up to 9, want less than 3, the size of the vocabulary
twice.txt|twice.txt: line 3 has the symbol of line 1, want all different
bad.json|bad.json 
number.json|number.json:
nul.txt|nul.txt
empty.txt|empty.txt:
latin.txt|latin.txt:
none.txt|cannot read none.txt
END
runs 2 train --n 3 --vocab words.txt --steps 1 --out never
is 'clearhead train: --vocab is given, but the symbols of task permutations are its own: want none' "$err" 'a task with symbols of its own'
seq 1 13 > more.txt
runs 2 import theirs/model.safetensors --config theirs/cfg.json --vocab more.txt --out never
runs 2 train --data ids.jsonl --vocab words.txt --d-vocab 4 $small --out never

# Sequences of texts are read by the vocabulary of the run; where ids stand for nothing there are none.
echo '"one two three"' > text.jsonl
runs 0 eval t-words.txt --data text.jsonl
runs 0 train --data text.jsonl --vocab words.txt --d-model 8 --d-head 4 --steps 2 --out texts
runs 3 eval plain --data text.jsonl
is 'clearhead eval: text.jsonl line 1: the line is a text, but token ids stand for nothing here, as no vocabulary was given: want an array of ids' \
    "$err" 'a text for ids is refused'
is 0 "$(find . -name 'never*' | wc -l | tr -d ' ')" 'nothing is written'
finish
