# shellcheck disable=SC2086,SC2154 # the options are words; tap.sh sets folder, out, err
# What train, eval and sample refuse: one line that names what was found and what was wanted, the
# exit code, and nothing left on the disk. resume is in resume.sh.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3
case $clearhead in /*) ;; *) clearhead=$OLDPWD/$clearhead ;; esac
mkdir work && cd work || exit 3

refused() { # EXIT LINE ARGUMENTS...: LINE may end in ...
    code_wanted=$1 line=$2
    shift 2
    before=$(find . -type f -exec cksum {} + | sort; find . -type d | sort)
    runs "$code_wanted" "$@"
    case $line in
    *...) is "$line" "$(printf '%s' "$err" | cut -c "1-$((${#line} - 3))")..." "line of: $*" ;;
    *) is "$line" "$err" "line of: $*" ;;
    esac
    is '' "$out" "no result of: $*"
    is "$before" "$(find . -type f -exec cksum {} + | sort; find . -type d | sort)" "nothing written by: $*"
}
train() { # EXIT LINE ARGUMENTS...
    code_wanted=$1 line="clearhead train: $2"
    shift 2
    refused "$code_wanted" "$line" train --n 3 --steps 3 --out o "$@"
}
runs 0 train --n 3 --steps 3 --d-model 16 --d-head 8 --out run

# settings
train 2 'unknown option --stepz; did you mean --steps?' --stepz 4
train 2 'n is 7, want whole numbers in [1, 6]' --n 7
train 2 'n is x, want whole numbers in [1, 6]' --n x
train 2 'steps is 1.5, want a whole number in [0, 1000000000000]' --steps 1.5
train 2 'lr is fast, want a number in [0, inf)' --lr fast
train 2 'lr is nan, want a number in [0, inf)' --lr nan
train 2 'optimizer is adagrad, want one of adamw|adam|sgd' --optimizer adagrad
train 2 'batch is 0, want a whole number in [1, 1000000]' --batch 0
train 2 'threads is 0, want a whole number in [1, 1024]' --threads 0
train 2 'seed is -1, want a whole number in [0, 9223372036854775807]' --seed -1
train 2 'n_ctx is 5, want at least 6, so that of n = 3 something is predicted after the first term' --n-ctx 5
train 2 "d_vocab is 10, want at least 65, the task's vocabulary" --d-vocab 10
train 2 'first_scored is 26, but a sequence of n = 3 has 26 tokens: want 1 to 25, or 0 for n + 2' \
    --first-scored 26
train 2 'task lines has no data, want the path of a JSONL file' --task lines

# config files
config() { # EXIT LINE TEXT
    printf '%s' "$3" > c.json
    train "$1" "c.json$2" --config c.json
}
config 3 " line 1 is not JSON: ..." 'n: 3'
config 3 " is empty, want JSON..." ''
config 3 " is JSON but no object, want {\"key\": value, ...}" '[1]'
config 2 ': unknown key stepz; did you mean steps?' '{"stepz": 4}'
config 2 ': batch is "many", want a whole number' '{"batch": "many"}'
config 2 ': attn_only is 1, want true or false' '{"attn_only": 1}'
config 2 ': n is 9, want whole numbers in [1, 6]' '{"n": [2, 9]}'
train 3 'cannot read nowhere.json: No such file or directory' --config nowhere.json
train 3 'cannot read run: Is a directory' --config run

# the folder
train 3 'run holds a run already: name another folder, or resume it' --out run
train 3 'c.json is a file, want a folder or a name that is free' --out c.json
train 3 'c.json is a file, want a folder or a name that is free' --out c.json/run
train 2 '--out is empty, want RUN' --out ''
mkdir mine && echo mine > mine/model.safetensors
train 3 'mine has a model.safetensors already, which a run would overwrite: name another folder' \
    --out mine
train 3 'cannot make the folder /proc/none: ...' --out /proc/none
if [ "$(id -u)" -ne 0 ]; then
    mkdir shut && chmod 555 shut
    train 3 'cannot make the folder shut/run: Permission denied' --out shut/run
fi
refused 3 'clearhead run: run holds a run already: name another folder, or resume it' run --out run

# data
lines() { # LINE TEXT ARGUMENTS...
    line=$1
    printf '%b' "$2" > d.jsonl
    shift 2
    train 3 "d.jsonl line $line" --data d.jsonl "$@"
}
lines "2: symbol 4 is '!', which is not in the vocabulary: want one of ..." '"> abc"\n"> a!c"\n'
lines '1: not JSON at column 1 ...' '> abc\n'
lines '2: token 2 is -3, want 0 to 999999' '[1, 2]\n[1, -3]\n'
lines '2: the line is an object, want a text or an array of ids' '[1, 2]\n{}\n'
lines '2: 2 tokens, none of them scored: want more than first_scored, 2' '[1, 2, 3]\n[1, 2]\n' \
    --first-scored 2
echo '"> abcd"' > long.jsonl
train 2 'n_ctx is 5, want at least 6, the tokens of the longest sequence' --data long.jsonl --n-ctx 5
train 2 'test_sequences is 1, but long.jsonl has 1 lines: want at least one to train on' \
    --data long.jsonl --test-sequences 1
train 3 'cannot read nowhere.jsonl: No such file or directory' --data nowhere.jsonl

# weights to start from
train 2 'there is no run or file at nowhere' --init nowhere
train 2 'mine is no run: it has no config.json' --init mine
train 3 'c.json is JSON, want a safetensors file...' --init c.json
train 2 'run/model.safetensors: tensor blocks.0.attn.W_Q is [1, 16, 8], want [1, 16, 4]' \
    --init run --d-head 4
train 2 'n_ctx is 26, want at least 122, the tokens of the longest sequence' --init run --n 4
head -c 9000 run/model.safetensors > cut.safetensors
train 3 'cut.safetensors: tensor ...' --init cut.safetensors
size=$(wc -c < run/model.safetensors)
cp run/model.safetensors nan.safetensors
printf '\000\000\300\177' | dd of=nan.safetensors bs=1 seek=$((size - 4)) conv=notrunc 2> /dev/null
train 3 'nan.safetensors: tensor unembed.b_U is nan at [64], want finite numbers' \
    --init nan.safetensors --no-verify

# memory and disk
train 3 'training this model needs ...' --d-model 1000000 --d-head 1000000
case $err in
*'needs 1'[0-9][0-9]' TB of memory, this process may have '*) ok 0 'it says how much memory' ;;
*) is '...needs 1xx TB of memory, this process may have...' "$err" 'it says how much memory' ;;
esac
limited() { # BLOCKS EXIT LINE ARGUMENTS...: no file may be longer than so many blocks of 512 bytes
    blocks=$1 code_wanted=$2 line=$3
    shift 3
    # where branches are counted, counts are files too
    (ulimit -f "$blocks" && GCOV_PREFIX="$folder/counts" GCOV_ERROR_FILE=/dev/null exec "$clearhead" "$@") > "$folder/out" 2> "$folder/err"
    is "$code_wanted" "$?" "exit code of: $*, files of at most $blocks blocks"
    err=$(cat "$folder/err")
    is "clearhead train: $line" "$err" "line of: $*, files of at most $blocks blocks"
}
limited 300 3 'cannot write o/checkpoints/step-00000000.safetensors (218 kB): File too large' \
    train --n 3 --steps 3 --out o
limited 500 3 'cannot write o/checkpoints/optimizer-00000000.safetensors (432 kB): File too large' \
    train --n 3 --steps 3 --out o
ok "$([ ! -e o ]; echo $?)" 'a run that could not begin is not there'
# Room for the checkpoints, then none for the metrics: what was kept can be resumed.
limited 20 3 'cannot write o/metrics.jsonl: File too large' \
    train --n 3 --d-model 1 --d-head 1 --steps 500 --checkpoint-every 5 --out o
ok "$([ ! -e o/model.safetensors ]; echo $?)" 'a disk that fills up in the middle: no weights yet'
runs 0 resume o
runs 0 train --n 3 --d-model 1 --d-head 1 --steps 500 --checkpoint-every 5 --out undisturbed
is "$(cat undisturbed/model.safetensors undisturbed/checkpoints/* | cksum)" \
    "$(cat o/model.safetensors o/checkpoints/* | cksum)" 'and then ends as if it had had room'
is '' "$(find o -name '*.tmp-*')" 'no temporary file is left'
rm -r o undisturbed
mkdir full
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=1200k tmpfs full 2> /dev/null; then
    trap 'umount "$folder/work/full"; rm -rf "$folder"' EXIT
    train 3 'cannot write full/run/checkpoints/optimizer-00000000.safetensors (1.4 MB): No space left on device' \
        --d-model 256 --d-head 128 --out full/run
    runs 3 train --n 3 --steps 100 --out full/run
    case $err in
    *': No space left on device') ok 0 'a full disk in the middle' ;;
    *) is '...: No space left on device' "$err" 'a full disk in the middle' ;;
    esac
    ok "$(ls full/run/checkpoints/optimizer-*.safetensors > "$folder/out"; echo $?)" 'its last checkpoint stays'
    runs 0 eval full/run
    is '' "$(find full -name '*.tmp-*')" 'nothing half-written on the full disk'
    umount full
    trap 'rm -rf "$folder"' EXIT
else
    skip 'a full disk' 'wants root, to make a small one'
fi

# training that fails
runs 3 train --n 3 --lr 1e6 --out o
is 'clearhead train: at step 3 the loss is nan and the gradient'"'"'s norm nan: lr 1e+06 may be too large; the newest checkpoint is that of step 2' \
    "$err" 'a loss that is no number'
ok "$([ ! -e o/model.safetensors ]; echo $?)" 'it did not end with weights'
runs 3 train --n 2 --steps 9 --initializer-range 1e25 --out huge
is 'clearhead train: at step 1 the loss is nan and the gradient'"'"'s norm nan: initializer_range 1e+25 may be too large; the newest checkpoint is that of step 0' \
    "$err" 'before anything was learned it is not the learning rate'
runs 3 train --n 2 --initializer-range 1e39 --out never
is 'clearhead train: after step 0 the parameters are not finite: initializer_range 1e+39 may be too large' "$err" \
    'nor where the weights are no numbers to begin with'
runs 3 train --n 2 --steps 9 --init huge/checkpoints/step-00000000.safetensors --lr 0.5 --out from
is 1 "$(printf '%s\n' "$err" | grep -c 'at step 1 .*: the weights that it starts from are too large; ')" 'nor of weights that were given'
# A first loss of more than 10 ln d_vocab, 41.7 nats, is of weights too large to begin with; less is not.
for range in 0.5 1 2 3; do
    rm -rf first
    runs 3 train --n 2 --steps 9 --initializer-range $range --lr 1e30 --out first
    is "$(python3 -c 'import json, math, sys
steps = [line for line in map(json.loads, open("first/metrics.jsonl")) if line["type"] == "step"]
print("initializer_range" if steps[0]["loss"] > 10 * math.log(65) else "lr")')" \
        "$(printf '%s\n' "$err" | sed -n 's/.*at step 2 .*: \([a-z_]*\) [0-9.e+]* may be too large; .*/\1/p')" \
        "initializer_range $range: what is blamed follows from the first loss"
done
is 'lr initializer_range' "$(for range in 1 2; do
    rm -rf first
    "$clearhead" train --n 2 --steps 9 --initializer-range $range --lr 1e30 --out first 2>&1 | sed -n 's/.*: \([a-z_]*\) [0-9.e+]* may be.*/\1/p'
done | tr '\n' ' ' | sed 's/ $//')" 'and both are'
runs 0 circuits o --json
is '"step": 2' "$(printf '%s\n' "$out" | grep -o '"step": 2')" 'the checkpoint it names can be read'
ok "$(printf '%s\n' "$out" | grep -q -e '[:,] *-*nan' -e inf; [ $? -eq 1 ]; echo $?)" \
    'what is no number is null in JSON'
runs 3 eval o --json
is 1 "$(printf '%s\n' "$out" | grep -c '"error": "sequence 0: [a-z0-9_.]* is not finite"')" \
    'what of it is no number is named'
runs 3 resume o
rm -r o

# eval and sample
refused 2 'clearhead eval: there is no run or file at nowhere' eval nowhere
refused 2 'clearhead eval: mine is no run: it has no config.json' eval mine
refused 2 'clearhead eval: run has no checkpoint of step 77, the nearest of 4 is step 3' eval run --checkpoint 77
refused 2 'clearhead eval: --count is 0, want a whole number in [1, 1000000000]' eval run --count 0
refused 2 'clearhead eval: --least is 2, want a number in [0, 1]' eval run --least 2
refused 2 'clearhead eval: --data is given, but task permutations reads no file' \
    eval run --data d.jsonl --split test
refused 2 'clearhead eval: --first-scored is for sequences of a file, want --data too' \
    eval run --first-scored 2
refused 3 'clearhead eval: cannot read nowhere.jsonl: No such file or directory' \
    eval run --data nowhere.jsonl
echo '[1, 2, 3, 4, 5, 6, 70]' > ids.jsonl
refused 2 'clearhead eval: ids.jsonl has token ids up to 70, want less than 65, the size of the vocabulary' \
    eval run --data ids.jsonl
echo '[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27]' \
    > ids.jsonl
refused 2 'clearhead eval: a sequence has 27 tokens, the model takes at most 26 (n_ctx)' \
    eval run --data ids.jsonl
runs 1 eval run --least 1
refused 2 'clearhead sample: run has no checkpoint of step 77, the nearest of 4 is step 3' sample run --checkpoint 77
refused 2 "clearhead sample: letter 2 of \"a!c\" is '!', want a-z, A-Z or 0-9" sample run --letters 'a!c'
refused 2 'clearhead sample: letters is empty, want LETTERS' sample run --letters ''
refused 2 'clearhead sample: this makes a sequence of 122 tokens, the model takes at most 26 (n_ctx)' \
    sample run --letters abcd
refused 2 'clearhead sample: this makes a sequence of 29 tokens, the model takes at most 26 (n_ctx)' \
    sample run --text '> abcabcabcabcabcabcabcabcabc'
refused 2 "clearhead sample: symbol 1 is 'é', which is not in the vocabulary: want one of ..." \
    sample run --text é
refused 2 'clearhead sample: text is empty, want TEXT' sample run --text ''
refused 2 'clearhead sample: letters and text are both given, want one of them' \
    sample run --letters abc --text abc
refused 2 'clearhead sample: count is for held-out sequences, want it without letters, text, tokens and prompts' \
    sample run --letters abc --count 2
cp -r run hurt
head -c 500 run/model.safetensors > hurt/model.safetensors
refused 3 'clearhead sample: hurt/model.safetensors: the header is said to be ...' sample hurt
finish
