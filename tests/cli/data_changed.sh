# shellcheck disable=SC2086,SC2154 # the options are words; tap.sh sets folder, out, err
# Data that changed is noticed: resume, eval and every question that draws sequences are refused with both
# hashes and numbers of lines; what needs no data answers; --data-changed goes on, and the run says so.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3

python3 - << 'END'
lines = ['"%s"' % "".join(chr(97 + (i * (k + 1) + k * k) % 26) for k in range(8)) for i in range(26)]
open("small.jsonl", "w").write("\n".join(lines) + "\n")
open("large.jsonl", "w").write("\n".join(lines) + " " * 1100000 + "\n")
END
echo '{"format": "clearhead-edits-1", "edits": [{"kind": "zero", "site": "blocks.0.attn.hook_z"}]}' > edits.json
small='--d-model 8 --d-head 4 --batch 4 --steps 6 --test-sequences 6 --checkpoint-every 3 --checkpoint-log=false'
said() { # PATTERN WHAT: one line on stderr that holds the pattern
    is 1 "$(printf '%s\n' "$err" | grep -c .)" "$2: one line"
    is 1 "$(printf '%s\n' "$err" | grep -c -e "$1")" "$2: says so: $err"
}
sum() { # FILE
    sha256sum "$1" | cut -d ' ' -f 1
}
key() { # RUN KEY: its value in config.json
    sed -n "s/^  \"$2\": \(.*[^,]\),*$/\1/p" "$1/config.json" | tr -d '"'
}
weights() { # RUN: the hash of its parameters, into $out
    runs 0 show "$1" --json
    out=$(printf '%s' "$out" | python3 -c 'import json, sys; print(json.load(sys.stdin)["weights"])')
}

for size in small large; do
    runs 0 train --data $size.jsonl $small --out $size
    cp -r $size $size-on
    sed -i '/"checksum"/d; s/"steps": 6/"steps": 12/' $size-on/config.json
    cp $size.jsonl first-$size.jsonl
    first=$(sum $size.jsonl)
    runs 0 eval $size --json
    before=$out

    # A line more: the last six are others now.
    printf '"zyxwvuts"\n' >> $size.jsonl
    second=$(sum $size.jsonl)
    both="$size.jsonl has 27 lines with SHA-256 $second, the run was trained on 26 lines with SHA-256 $first"
    for question in attention attribute cache causal 'edit --edits edits.json' emergence eval 'eval --split train' \
        generalise heads lens pattern sample scrub thresholds 'figure --kind positions'; do
        runs 2 ${question%% *} $size ${question#"${question%% *}"}
        said "$both" "$size: $question"
        is '' "$out" "$size: $question shows nothing"
    done
    copy='--data FILE'
    [ $size = small ] && copy="--data $size/data.jsonl"
    said "want the same by $copy, or --data-changed" "$size: what can be done"
    runs 2 resume $size-on
    said "$both" "$size: resume"
    is 12 "$(key $size-on steps)" 'and nothing of it is changed'
    for question in show circuits loss 'sample --text ab' 'export --to exported-'$size; do
        runs 0 ${question%% *} $size ${question#"${question%% *}"}
    done

    # The lines it was trained on: of the run's own copy, or from elsewhere.
    from=first-$size.jsonl
    [ $size = small ] && from=$size/data.jsonl
    runs 0 eval $size --data $from --split test --json
    is "$(printf '%s' "$before" | grep -o '"numbers".*"verdicts"')" \
        "$(printf '%s' "$out" | grep -o '"numbers".*"verdicts"')" "$size: with the same lines the same answer"
    runs 0 heads $size --data $from

    # Deliberately: the answer says so, and resume writes it down.
    runs 0 eval $size --data-changed --json
    is 1 "$(printf '%s' "$out" | grep -c "\"notes\": \[\"$size/../$both\"")" "$size: the answer tells of it"
    runs 0 heads $size --data-changed
    is 1 "$(printf '%s' "$out" | tr '\n' ' ' | grep -c 'has 27 lines with')" "$size: as text too"
    runs 0 heads $size --checkpoints --data-changed
    runs 2 heads $size --checkpoints
    cp -r $size-on $size-elsewhere
    runs 0 resume $size-on --data-changed
    is "$second 27 $first (26 lines) to step 6; " \
        "$(key $size-on data_sha256) $(key $size-on data_lines) $(key $size-on data_before)" \
        "$size: what was trained on, and to which step"
    runs 0 eval $size-on
    runs 0 show $size-on/model.safetensors --full --json
    is 1 "$(printf '%s' "$out" | grep -c "$first (26 lines) to step 6")" "$size: the weights tell of it too"
    [ $size = large ] || is "$second" "$(sum $size-on/data.jsonl)" 'the copy is the new one'
    runs 0 resume $size-on --data-changed
    is "$first (26 lines) to step 6; " "$(key $size-on data_before)" 'once, not again when it has ended'

    # From elsewhere it goes on as if nothing had happened.
    runs 0 resume $size-elsewhere --data first-$size.jsonl
    is '' "$(key $size-elsewhere data_before)" "$size: no change is recorded of the same lines"
    runs 0 train --data first-$size.jsonl ${small%--steps*}--steps 12 ${small#*--steps 6} --out whole-$size
    weights $size-elsewhere
    went_on=$out
    weights whole-$size
    is "$out" "$went_on" "$size: and ends as if it had never stopped"
    weights $size-on
    is 1 "$([ "$out" != "$went_on" ] && echo 1)" "$size: other lines, other weights"

    # A config that tells of other lines, and a name for what there is now.
    runs 2 train --config $size/config.json --out again-$size
    said "$both: want the same, or --data $size/../$size.jsonl for what it has now" "$size: train --config"
    is no "$([ -e again-$size ] && echo yes || echo no)" 'and nothing is written'
done

# Weights to start from are known by their content too.
runs 0 train --n 2 --steps 2 --d-model 8 --d-head 4 --out start
runs 0 train --n 2 --steps 2 --d-model 8 --d-head 4 --init start --out from
is '../start' "$(key from init)" 'the path is as it is reached from the run'
weights start
is "$out" "$(key from init_weights)" 'its weights are named as results name them'
runs 0 eval from --seeds 2
mv start begun
runs 0 eval from --seeds 3
is 0 "$(grep -c begun from/config.json)" 'the first checkpoint stands for weights that are gone'
runs 0 train --n 2 --steps 3 --d-model 8 --d-head 4 --out start
runs 2 eval from --seeds 4
said 'has weights with SHA-256 .*, want those the run starts from, with' 'other weights at that path'
finish
