# shellcheck disable=SC2086,SC2154 # the options are words; tap.sh sets folder, out, err
# The order of one's own lines: what `data --split` lists is what training sees, past one round too; a
# seed decides it; configs from before there was an order keep theirs.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3

python3 - << 'END' > own.jsonl
for i in range(26):
    print([i % 9, i // 9, 7, i * i % 11])
END
small='--d-vocab 11 --d-model 8 --d-head 4 --batch 4 --checkpoint-log=false --checkpoint-every 0'

weights() { # RUN: the hash of its parameters, into $out
    runs 0 show "$1" --json
    out=$(printf '%s' "$out" | python3 -c 'import json, sys; print(json.load(sys.stdin)["weights"])')
}

# Two rounds of 20 lines are listed, and trained on as they stand: the same weights as two epochs.
for seed in 3 4; do
    runs 0 data --data own.jsonl --test-sequences 6 --seed $seed --split train --tokens --first 40
    is 'training has 20 sequences: each 20 of its stream are a round, with every one once' "$err" \
        'that it goes round is said'
    printf '%s\n' "$out" > "stream-$seed.jsonl"
    for half in head tail; do
        is "$($half -n 20 "stream-$seed.jsonl" | sort)" "$(head -n 20 own.jsonl | sort)" \
            "seed $seed: a round has each line once ($half)"
    done
    is 1 "$([ "$(head -n 20 own.jsonl)" != "$(head -n 20 "stream-$seed.jsonl")" ] && echo 1)" \
        "seed $seed: not the file's order"
    runs 0 train --data own.jsonl --test-sequences 6 --seed $seed --epochs 2 $small --out "own-$seed"
    runs 0 train --data "stream-$seed.jsonl" --order file --seed $seed --epochs 1 $small \
        --out "listed-$seed"
    weights "own-$seed"
    own=$out
    weights "listed-$seed"
    is "$own" "$out" "seed $seed: what is listed is what is trained on"
done
is 1 "$(cmp -s stream-3.jsonl stream-4.jsonl; echo $?)" 'another seed, another order'
runs 0 data --data own.jsonl --test-sequences 6 --seed 3 --split train --tokens --from 17 --first 8
is "$(sed -n 18,25p stream-3.jsonl)" "$out" '--from goes on across the end of a round'
runs 0 data --data own.jsonl --test-sequences 6 --order file --split train --tokens --first 25
is "$(head -n 20 own.jsonl; head -n 5 own.jsonl)" "$out" '--order file: as they stand, every round'
runs 0 data --data own.jsonl --test-sequences 6 --split test --tokens --first 25
is "$(tail -n 6 own.jsonl | sort)" "$(printf '%s\n' "$out" | sort)" 'held-out lines are listed once'
is '' "$err" 'and nothing is said of rounds'

# A whole config from before there was an order means the file's; one by hand means the seed's.
runs 0 config --data own.jsonl --test-sequences 6
printf '%s\n' "$out" | grep -v '"order"' > before.json
runs 0 config --config before.json
is '  "order": "file",' "$(printf '%s\n' "$out" | grep '"order"')" 'a config from before: file order'
is '' "$err" 'and it is no wish of the user'
echo '{"data": "own.jsonl"}' > hand.json
runs 0 config --config hand.json
is '  "order": "seed",' "$(printf '%s\n' "$out" | grep '"order"')" 'a config by hand: the order of the seed'
runs 0 train --data own.jsonl --order file --steps 8 $small --out old
grep -v '"order"\|"checksum"' old/config.json > old.json && mv old.json old/config.json
runs 0 show old --json --full
out=$(printf "%s" "$out" | tr -d "\n" | sed "s/.key.: .order.,/\"order\",/")
is 1 "$(printf '%s' "$out" | grep -c '"order", "value": null, "text": "\\"file\\""')" \
    'a run from before: file order'
runs 0 config
is '' "$(printf '%s\n' "$out" | grep '"order"')" 'other tasks have no order'
finish
