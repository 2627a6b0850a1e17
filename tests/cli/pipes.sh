# shellcheck disable=SC2086,SC2154 # the options are words; tap.sh sets folder, out, err
# Every option that reads a file: a pipe with a name is refused at once, a pipe that the program is given is
# read once and serves as often as it is needed, - is stdin; where it cannot be it is refused, as is what is no
# UTF-8. Nothing hangs (the limit of all tests would end it), and what is refused has written nothing.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3

python3 - << 'END'
print(*(str([i % 9, i // 9, 7, i * i % 11]) for i in range(26)), sep="\n", file=open("own.jsonl", "w"))
END
echo '[[0, 1, 3, 4, 1, 4, 3, 2]]' > ids.json
echo '{"format": "clearhead-edits-1", "edits": [{"kind": "zero", "site": "blocks.0.attn.hook_z"}]}' > edits.json
echo '{"batch": 2}' > settings.json
seq 1 65 > symbols.txt
printf '> ab\n> ba\n' > prompts.txt
echo '{"format": "clearhead-hypothesis-1", "name": "own", "otherwise": "all", "rules": []}' > hypothesis.json
echo '[[1.0], [0.5, 0.5], [0.2, 0.3, 0.5], [0, 0, 0, 1]]' > pattern.json
small='--d-model 8 --d-head 4 --batch 4 --steps 4 --test-sequences 6'
runs 0 train --data own.jsonl $small --out lines
mkdir plain && (cd plain && "$clearhead" train --n 2 --steps 2 --d-model 8 --d-head 4 --out ../letters > /dev/null)
runs 0 export letters --to theirs

# command and its other arguments | option | what is given. OUT: a run to be made, another each time.
table='train '$small' --out OUT|data|own.jsonl
run '$small' --out OUT|data|own.jsonl
config|data|own.jsonl
data --split train|data|own.jsonl
audit --count 5|data|own.jsonl
bench --seconds 0|data|own.jsonl
eval lines|data|own.jsonl
eval lines --split test|data|own.jsonl
eval lines --checkpoints|data|own.jsonl
resume lines|data|own.jsonl
causal lines --count 6|data|own.jsonl
figure lines --kind positions|data|own.jsonl
train --n 2 --steps 2 --out OUT|config|settings.json
run --n 2 --steps 2 --out OUT|config|settings.json
config|config|settings.json
data|config|settings.json
audit --count 5|config|settings.json
bench --seconds 0|config|settings.json
import theirs/model.safetensors --out OUT|config|theirs/cfg.json
import theirs/model.safetensors --config theirs/cfg.json --out OUT|vocab|symbols.txt
train --data own.jsonl '$small' --out OUT|vocab|symbols.txt
run --data own.jsonl '$small' --out OUT|vocab|symbols.txt
config --data own.jsonl|vocab|symbols.txt
data --data own.jsonl|vocab|symbols.txt
audit --data own.jsonl --count 5|vocab|symbols.txt
bench --data own.jsonl --seconds 0|vocab|symbols.txt
train --n 2 --steps 2 --d-model 8 --d-head 4 --out OUT|init|letters/model.safetensors
run --n 2 --steps 2 --d-model 8 --d-head 4 --out OUT|init|letters/model.safetensors
config --n 2|init|letters/model.safetensors
bench --n 2 --seconds 0|init|letters/model.safetensors
cache letters|tokens|ids.json
attribute letters|tokens|ids.json
lens letters|tokens|ids.json
pattern letters|tokens|ids.json
thresholds letters|tokens|ids.json
sample letters|tokens|ids.json
figure letters --kind attention|tokens|ids.json
edit lines --count 6|edits|edits.json
cache lines|edits|edits.json
sample letters --free|prompts|prompts.txt
scrub letters --count 5|hypothesis|hypothesis.json
heads lines --count 6|pattern|pattern.json'
row() { # into $command, $option, $given
    IFS='|' read -r command option given
}

# Every option of help that takes a file to read has a row, but --data of questions, which is one option.
for name in $("$clearhead" help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
    "$clearhead" "$name" -h | grep -oE '^ *--[a-z-]+ (FILE(\|[A-Z]*)?|[A-Z]*\|FILE)( |$)' | sed 's/^ *--//' |
        grep -vE '^(out|figure|counterexamples|proof) ' | while read -r option _; do echo "$name $option"; done
done | sort -u > wanted
while row; do echo "${command%% *} $option"; done << END | sort -u > rows
$table
END
is '' "$(comm -23 wanted rows | grep -v ' data$')" 'every option that reads a file stands in the table'
ok "$([ "$(wc -l < wanted)" -gt 30 ]; echo $?)" 'and help names them'

files() {
    find . -name 'made-*' -o -name 'said' | sort
}
made=0
mkfifo pipe
while row; do
    what="$command --$option"
    for way in pipe written given stdin '<' text; do
        made=$((made + 1))
        line=$(echo "$command" | sed "s/OUT/made-$made/")
        code=0
        case $way in
        pipe) # nobody writes it
            "$clearhead" $line --$option ./pipe > shown 2> said < /dev/null || code=$? ;;
        written) # somebody would
            cat $given > ./pipe 2> /dev/null &
            "$clearhead" $line --$option ./pipe > shown 2> said < /dev/null || code=$?
            kill $! 2> /dev/null
            wait $! 2> /dev/null ;;
        given) cat $given | (exec 5<&0 < /dev/null && exec "$clearhead" $line --$option /dev/fd/5) > shown 2> said || code=$? ;;
        stdin) cat $given | "$clearhead" $line --$option - > shown 2> said || code=$? ;;
        '<') "$clearhead" $line --$option - > shown 2> said < $given || code=$? ;;
        text) "$clearhead" $line --$option "$(printf 'a\377b')" > shown 2> said || code=$? ;;
        esac
        case $way in
        pipe | written)
            is 3 $code "$what $way: refused"
            is 1 "$(grep -c 'pipe: it is a \(device or \)\{0,1\}pipe, want a regular file' said)" "$what $way: as a pipe"
            is no "$([ -e made-$made ] && echo yes || echo no)" "$what $way: nothing is written"
            ;;
        text)
            is 2 $code "$what $way: refused"
            is 1 "$(grep -c -e "--$option is no UTF-8 from its byte 2 on" said)" "$what: a path that is no UTF-8"
            is no "$([ -e made-$made ] && echo yes || echo no)" "$what $way: nothing is written"
            ;;
        *) ok "$([ $code -le 1 ]; echo $?)" "$what $way: taken $(cat said)" ;;
        esac
    done
done << END
$table
END

# What a run remembers of a pipe is the copy.
cat own.jsonl | "$clearhead" train --data - $small --out piped > /dev/null
is '  "data": "",' "$(grep '"data"' piped/config.json)" 'a pipe leaves no path'
is 1 "$(cmp -s own.jsonl piped/data.jsonl && echo 1)" 'and a copy'
runs 0 eval piped
is 1 "$(cmp -s lines/model.safetensors piped/model.safetensors && echo 1)" 'the same lines from a pipe: the same bytes'
python3 -c 'print(*(str([i % 9, i // 9, 7, i * i % 11]) for i in range(26)), sep="\n" + " " * 50000)' > large.jsonl
cat large.jsonl | "$clearhead" train --data - $small --out large > /dev/null
is 1 "$(cmp -s large.jsonl large/data.jsonl && echo 1)" 'a copy of what a pipe gave however much it was'
runs 0 train --data - $small --out from-file < own.jsonl
is '  "data": "../own.jsonl",' "$(grep '"data"' from-file/config.json)" 'stdin that is a file has its path'

# Files of a run that are pipes.
for name in config.json metrics.jsonl model.safetensors data.jsonl checkpoints/step-00000000.safetensors \
    "$(cd piped && ls checkpoints/optimizer-*.safetensors | tail -n 1)"; do
    rm -rf hurt && cp -r piped hurt && rm "hurt/$name" && mkfifo "hurt/$name"
    for command in 'loss hurt' 'show hurt' 'eval hurt' 'show hurt@0' 'resume hurt' 'circuits hurt --checkpoints'; do
        code=0
        "$clearhead" $command > shown 2> said < /dev/null || code=$?
        [ $code -eq 0 ] || is 1 "$(grep -c . said)" "$name is a pipe, $command: $code, in one line"
    done
done
mkfifo hint.jsonl
cp -r lines hinted && sed -i '/"checksum"/d; s|"data": .*|"data": "../hint.jsonl",|' hinted/config.json
runs 0 eval hinted

# - and what is no UTF-8 where they cannot be.
bad=$(printf 'a\377b')
for command in 'train --out -' 'run --out -' 'config --out -' 'import theirs/model.safetensors --config theirs/cfg.json --out -' \
    'export letters --to -' 'show letters --out -' 'loss letters --figure -' 'figure letters --out -' \
    'eval letters --seeds 2 --folder -' 'show -' 'eval -' 'resume -' 'export - --to x' 'figure -' \
    'import - --config theirs/cfg.json --out x' 'eval lines --against -'; do
    runs 2 $command < /dev/null
    is 1 "$(printf '%s\n' "$err" | grep -c .)" "refused in one line: $command"
    case $command in *--against*) continue ;; esac
    code=0
    "$clearhead" $(printf '%s' "$command" | sed "s/\( \)-\$/\1$bad/; s/ - / $bad /") > shown 2> said < /dev/null || code=$?
    is "2 1" "$code $(grep -c 'is no UTF-8 from its byte 2 on' said)" "no UTF-8: $command"
done
is '' "$(find . -name '*-' -o -name 'a*b')" 'nothing was made by any of that'
finish
