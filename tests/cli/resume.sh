# shellcheck disable=SC2086,SC2154 # the options are words; tap.sh sets folder, out, err
# Interruption as a user meets it: Ctrl-C, half-written files, two processes, folders that are no run.
# What happens at random moments is in test_kill.c and tests/property/test_crash_points.c.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3
case $clearhead in /*) ;; *) clearhead=$OLDPWD/$clearhead ;; esac

# A small run, quick to train and long enough to be interrupted.
small='--n 3 --d-model 16 --d-head 8 --batch 4 --epoch-sequences 20 --test-sequences 3'
short="$small --steps 60 --checkpoint-every 20 --eval-every 25"

bytes() { # RUN: what must be equal, metrics without their times
    (cd "$1" && cat model.safetensors checkpoints/* && sed 's/, "seconds": [^}]*//' metrics.jsonl) |
        cksum
    ls "$1/checkpoints"
}
same() { # RUN WHAT
    is "$(bytes whole)" "$(bytes "$1")" "$2: the bytes of an uninterrupted run"
    is '' "$(find "$1" -name '*.tmp-*')" "$2: no temporary file is left"
}
says() { # PATTERN WHAT: one line on stderr that holds the pattern
    is 1 "$(printf '%s\n' "$err" | grep -c .)" "$2: one line"
    case $err in *"$1"*) ok 0 "$2: says so" ;; *) is "...$1..." "$err" "$2: says so" ;; esac
}
wait_for() { # FILE: until it is there; the time limit of all tests is the only one
    while [ ! -e "$1" ]; do
        sleep 0.01
    done
}
# In the background with signals as in a terminal: a shell's own background jobs ignore Ctrl-C, nohup hanging up.
background() { # ARGUMENTS...: pid in $pid
    env --default-signal=INT,HUP "$clearhead" "$@" > bg-out 2> bg-err &
    pid=$!
}
ends() { # WANTED WHAT: how the background process ended
    code=0
    wait "$pid" || code=$?
    err=$(cat bg-err)
    is "$1" "$code" "$2: exit code"
}

runs 0 train $short --out whole

# Ctrl-C
background train $small --steps 1000000 --checkpoint-every 0 --out "it's long"
wait_for "it's long/checkpoints/step-00000064.safetensors"
kill -INT "$pid"
ends 130 'Ctrl-C'
step=$(printf '%s\n' "$err" | sed 's/.*stopped after step \([0-9]*\) .*/\1/')
says "stopped after step $step of 1000000; go on with: clearhead resume 'it'\\''s long'" 'Ctrl-C'
ok "$([ -e "it's long/checkpoints/step-$(printf %08d "$step").safetensors" ]; echo $?)" \
    'Ctrl-C: the step it names is saved'
is "$step" "$(grep '"type": "step"' "it's long/metrics.jsonl" | tail -n 1 | sed 's/.*"step": \([0-9]*\),.*/\1/')" \
    'Ctrl-C: the metrics reach to that step'
for signal in TERM HUP; do # a system that goes down, a terminal that is closed
    background resume "it's long" --threads 2
    next=64 # checkpoints are kept at powers of two
    while [ "$next" -le "$step" ]; do next=$((2 * next)); done
    wait_for "it's long/checkpoints/step-$(printf %08d "$next").safetensors"
    kill -"$signal" "$pid"
    ends 130 "$signal"
    says "go on with: clearhead resume" "$signal"
    step=$(printf '%s\n' "$err" | sed 's/.*stopped after step \([0-9]*\) .*/\1/')
done
runs 0 sample "it's long" --letters abc
runs 0 train $short --json --out json
is 1 "$(printf '%s\n' "$out" | grep -c '^{"run": "json", "step": 60, "loss": ')" 'JSON of a training'

# killed after a checkpoint: half a line and lines past it are dropped
for _ in $(seq 50); do
    rm -rf torn
    background train $short --out torn
    wait_for torn/checkpoints/step-00000001.safetensors
    kill -KILL "$pid"
    wait "$pid" 2> wait-err
    [ -e torn/model.safetensors ] || break
done
ok "$([ ! -e torn/model.safetensors ]; echo $?)" 'a run killed after its first checkpoint'
printf '{"type": "step", "step": 61, "loss": 1, "seconds": 1}\nnonsense\n{"type": "st' >> torn/metrics.jsonl
: > torn/model.safetensors.tmp-123-0
: > torn/checkpoints/optimizer-00000001.safetensors.tmp-123-4
runs 0 resume torn
same torn 'half a line of metrics'

# killed before the first checkpoint; files of a user are not ours to remove
mkdir -p early/checkpoints early/figures
cp whole/config.json early
printf '{"type": "eval", "step": 0, "loss": 9}\n{"ty' > early/metrics.jsonl
: > early/config.json.tmp-77-0
: > early/checkpoints/step-00000000.safetensors.tmp-77-1
: > early/notes.tmp-1-1
runs 0 resume early --threads 2
is 'early/notes.tmp-1-1' "$(find early -name '*tmp-*')" 'only temporary files of ours are removed'
rm early/notes.tmp-1-1
same early 'killed before the first checkpoint'

# a run that has ended
before=$(ls -l --time-style=full-iso whole whole/checkpoints)
runs 0 resume whole
is 'nothing left to train: step 60 of 60' "$(printf '%s\n' "$out" | head -n 1)" 'resume of a run that has ended'
runs 0 resume whole --json
is '{"run": "whole", "step": 60, "seconds": 0.000000}' "$out" 'the same for a program'
is "$before" "$(ls -l --time-style=full-iso whole whole/checkpoints)" 'it is left as it was'

# two processes in one folder: the second is refused, the first goes on unharmed
background train $short --steps 60 --out both
wait_for both/checkpoints/step-00000000.safetensors
kill -STOP "$pid"
runs 3 resume both
case $err in
*'another process is writing the run both'*)
    says 'another process is writing the run both: want it to end first' 'a second process' ;;
*) skip 'a second process' 'the first had ended' ;;
esac
runs 3 train $short --out both
says 'both holds a run already: name another folder, or resume it' 'training into a run'
kill -CONT "$pid"
ends 0 'the first process'
same both 'the first process'

# folders that are no run, files that are damaged: one line, nothing changed
mkdir empty
damaged() { # FILE: a copy of the whole run, whose FILE is then damaged
    rm -rf bad
    cp -r whole bad
    file=bad/$1
}
refused() { # EXIT PATTERN WHAT
    before=$(find bad -type f ! -name .lock -exec cksum {} + 2> /dev/null | sort)
    runs "$1" resume bad
    says "$2" "$3"
    is "$before" "$(find bad -type f ! -name .lock -exec cksum {} + | sort)" "$3: nothing changed"
}
runs 2 resume nowhere
says 'there is no run or file at nowhere' 'no such folder'
runs 2 resume empty
says 'empty is no run: it has no config.json' 'an empty folder'
is '' "$(ls -A empty)" 'an empty folder stays empty'
runs 2 resume whole/config.json
says 'whole/config.json is a file, want the folder of a run' 'a file'
damaged checkpoints/optimizer-00000060.safetensors
head -c 1000 "whole/checkpoints/optimizer-00000060.safetensors" > "$file"
refused 3 "$file: the header is said to be" 'a cut optimizer state'
damaged checkpoints/optimizer-00000060.safetensors
head -c 9000 "whole/checkpoints/optimizer-00000060.safetensors" > "$file"
refused 3 "$file: tensor " 'an optimizer state cut in its data'
damaged checkpoints/optimizer-00000060.safetensors
: > "$file"
refused 3 "$file is empty, want a safetensors file" 'an empty optimizer state'
damaged checkpoints/optimizer-00000060.safetensors
cp whole/model.safetensors "$file"
refused 2 "$file has no tensor exp_avg.embed.W_E" 'weights for an optimizer state'
damaged checkpoints/step-00000060.safetensors
head -c 5000 "whole/checkpoints/step-00000060.safetensors" > "$file"
refused 3 "$file: tensor " 'a cut checkpoint'
damaged checkpoints/step-00000060.safetensors
cp whole/checkpoints/step-00000040.safetensors "$file"
refused 3 "$file was saved after step 40, want step 60; where it is damaged, --fall-back goes on from the checkpoint before it, of step 40" \
    'a checkpoint of another step'
damaged checkpoints/step-00000060.safetensors
rm "$file"
refused 3 "cannot read $file: No such file or directory" 'a checkpoint that is gone'
damaged config.json
echo '{"n": 3,' > "$file"
refused 3 "$file line 2 is not JSON" 'half a config'
damaged config.json
sed -i '/"checksum"/d; s/"steps": 60/"steps": 50/' "$file"
refused 3 'bad: the newest checkpoint is of step 60, config.json says 50 steps' 'fewer steps than were made'
damaged config.json
sed -i '/"checksum"/d; s/"d_model": 16/"d_model": 24/' "$file"
refused 2 'is [65, 16], want [65, 24]' 'another model'

# lines that are others now
echo '[1, 2, 3]' > lines.jsonl
runs 0 train --data lines.jsonl --d-model 16 --d-head 8 --steps 4 --out bad-lines
rm bad-lines/model.safetensors
echo '[1, 2, 3, 4]' > lines.jsonl
runs 2 resume bad-lines
says 'lines.jsonl has 1 lines with SHA-256 ' 'other lines'
runs 2 resume bad-lines --data-changed
says "the task's longest sequence has 4 tokens, the model takes at most 3 (n_ctx)" 'longer lines'
echo '[1, 2, 300]' > lines.jsonl
runs 2 resume bad-lines --data-changed
says 'the task has token ids up to 300, the model takes less than 4 (d_vocab)' 'lines of larger ids'

# ended, but for the weights: they are written again
damaged model.safetensors
rm "$file"
runs 0 resume bad
same bad 'killed before the weights were in their place'
finish
