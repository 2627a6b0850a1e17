# shellcheck disable=SC2154 # tap.sh sets folder, out, err
# A run of lines that an earlier version made (tests/golden/lines_before, trained on /data/own.jsonl, which is
# there as own.jsonl): it has no order, and nothing is known of its data but the path.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3

before=$CLH_SOURCE/tests/golden/lines_before
copy() { # NAME: a run whose files may be written
    cp -r "$before" "$1" && chmod -R u+w "$1" && rm "$1/own.jsonl"
}
weights() { # RUN: the hash of its parameters, into $out
    runs 0 show "$1" --json
    out=$(printf '%s' "$out" | python3 -c 'import json, sys; print(json.load(sys.stdin)["weights"])')
}
copy old
cp "$before/own.jsonl" mine.jsonl

# What needs no data is answered, as when it was made.
weights old
is ee2eaa7215f502838f5218e7c45682e768106badd78d903d111b70ac90c04124 "$out" 'its weights'
for command in 'show old --full' 'circuits old' 'loss old' 'show old@0' 'export old --to exported' \
    'show old/model.safetensors' 'cache old --tokens ids.json'; do
    echo '[[1, 2, 3]]' > ids.json
    # shellcheck disable=SC2086
    runs 0 $command
done
for what in old old@0 old/model.safetensors; do
    runs 3 eval $what
    is "clearhead eval: the data of the run is not there, want its place by --data FILE: cannot read /data/own.jsonl: No such file or directory" \
        "$err" "what is missing of $what"
    runs 0 eval $what --data mine.jsonl --split test --json
done
runs 0 eval old --data mine.jsonl --split test --json
is 2.50194575 "$(printf '%s' "$out" | sed 's/.*"loss": {"value": \([0-9.]*\).*/\1/')" 'the loss that it had'
runs 0 data --config old/config.json --data mine.jsonl --order file --test-sequences 2 --split train --tokens
is "$(head -n 4 mine.jsonl)" "$(printf '%s\n' "$out" | head -n 4)" 'its sequences, in the order of the file'

# It goes on in the order in which it began, to the weights that the earlier version came to.
copy longer
sed -i 's/"steps": 8/"steps": 16/' longer/config.json
cp -r longer told
runs 3 resume longer
is 1 "$(printf '%s\n' "$err" | grep -c 'the data of the run is not there')" 'resume says what is missing'
runs 0 resume told --data mine.jsonl
weights told
is f9592a46967655b07e72b06b7d430fe7abb9507d1d0e720a3ef814a27f483595 "$out" 'the weights of the earlier version'
is '' "$(grep data_ told/config.json)" 'nothing is claimed of the data it was trained on'

# Its config for a new run: the order of the file, and none of it is a wish of the user.
runs 0 config --config old/config.json --data mine.jsonl
is '  "order": "file",' "$(printf '%s\n' "$out" | grep '"order"')" 'its config means the order of the file'
is '' "$err" 'and asks for nothing without effect'
runs 0 eval told --data mine.jsonl --split test --against old
finish
