#!/bin/sh
# A signal ends whatever waits: for the other end of a pipe that it reads, or for a reader of its output.
# Whether it waits is looked up in the kernel; that it ends is all, when is left to the limit of all tests.
. "$CLH_SOURCE/tests/support/tap.sh"
cd "$folder" || exit 3

small='--n 2 --steps 4 --d-model 8 --d-head 4 --checkpoint-every 2 --eval-every 2'
# shellcheck disable=SC2086
runs 0 train $small --out run
mkfifo pipe
cp -r run piped
rm piped/metrics.jsonl piped/checkpoints/step-00000002.safetensors piped/model.safetensors
mkfifo piped/metrics.jsonl piped/checkpoints/step-00000002.safetensors piped/model.safetensors

waits_or_ends() { # PID: until it sleeps, or is no more
    while state=$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2> /dev/null) && [ "$state" = R ]; do
        sleep 0.01
    done
    sleep 0.1 # a moment's sleep is another's, which the signal ends as well
}

ended() { # SIGNAL NUMBER WHAT: sends it to $pid once that waits; it ends, by it or as it says
    waits_or_ends "$pid"
    kill -"$1" "$pid" 2> /dev/null
    code=0
    wait "$pid" 2> /dev/null || code=$?
    case $code in
    130 | $((128 + $2)) | 2 | 3) ok 0 "$1 while $3" ;;
    *) ok 1 "$1 while $3: exit code $code" ;;
    esac
}

# what may be read from a pipe is waited for or refused; nothing hangs
for signal in TERM:15 INT:2 HUP:1; do
    for command in 'train --task lines --data pipe --out new' 'train --config pipe --out new' \
        'config --config pipe' 'eval run --data pipe' 'cache run --tokens pipe' 'edit run --edits pipe' \
        'scrub run --hypothesis pipe' 'heads run --pattern pipe' 'import pipe --config pipe --out new' \
        'loss piped' 'resume piped' 'show piped' 'show piped@2' 'eval pipe'; do
        # shellcheck disable=SC2086
        env --default-signal=INT,HUP,TERM "$clearhead" $command > bg-out 2> bg-err < /dev/null &
        pid=$!
        ended "${signal%:*}" "${signal#*:}" "$command"
        [ ! -e new/config.json ] || ok 1 "$command: a run was begun"
    done
done

# under nohup a closed terminal is nothing to hear of
# shellcheck disable=SC2086
(trap '' HUP && exec "$clearhead" train $small --steps 1000000 --out nohup > bg-out 2> bg-err) &
pid=$!
wait_for() {
    while [ ! -e "nohup/checkpoints/step-$(printf %08d "$1").safetensors" ]; do sleep 0.01; done
}
wait_for 4
kill -HUP "$pid"
step=8
while [ -e "nohup/checkpoints/step-$(printf %08d "$step").safetensors" ]; do step=$((2 * step)); done
wait_for "$step"
kill -TERM "$pid"
code=0
wait "$pid" || code=$?
is 130 "$code" 'HUP under nohup: training went on, until TERM'

# a reader of the output that does not read: what was trained is kept
mkfifo table
for signal in TERM:15 HUP:1; do
    rm -rf stalled
    sleep 1000 < table &
    reader=$!
    # shellcheck disable=SC2086
    env --default-signal=INT,HUP,TERM "$clearhead" run $small --steps 1000000 --checkpoint-every 0 --eval-every 1 --out stalled \
        > table 2> bg-err &
    pid=$!
    while [ ! -e stalled/checkpoints/step-00000004.safetensors ]; do sleep 0.01; done
    before=0 now=1 # the pipe is full: nothing more is measured
    while [ "$before" != "$now" ]; do
        before=$now
        sleep 0.5
        now=$(wc -c < stalled/metrics.jsonl)
    done
    kill -"${signal%:*}" "$pid"
    code=0
    wait "$pid" 2> /dev/null || code=$?
    is 130 "$code" "${signal%:*} while nobody reads the table"
    is 1 "$(grep -c 'go on with: clearhead resume stalled' bg-err)" 'and the run can go on'
    step=$(sed -n 's/.*stopped after step \([0-9]*\) .*/\1/p' bg-err)
    ok "$([ -e "stalled/checkpoints/step-$(printf %08d "$step").safetensors" ]; echo $?)" \
        'from the step at which it stood'
    kill "$reader"
    wait "$reader" 2> /dev/null
done

finish
