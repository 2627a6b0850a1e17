# shellcheck disable=SC2154 # tap.sh sets folder, clearhead
# What a terminal shows while a model trains: one row that is written over, however narrow it is.
. "$(dirname "$0")/../support/tap.sh"
terminal=$(cd "$(dirname "$0")/../support" && pwd)/terminal.py
cd "$folder" || exit 3

# Where stderr is a file every line stands by itself. How many there are is a matter of time: with no
# time between them as many as there are steps or looks, with "off" or a time that never passes none.
while IFS='|' read -r what words line lines; do
    for between in 0 off 1e9; do
        # shellcheck disable=SC2086 # words
        CLEARHEAD_PROGRESS=$between runs 0 $words < /dev/null
        said=$(grep -cE "$line" err)
        [ $between = 0 ] || lines=0
        if [ "$lines" = all ]; then
            is "$(grep -c . err)" "$said" "$what: every line says how far it is"
            ok "$([ "$said" -gt 0 ]; echo $?)" "$what: there are some"
        else
            is "$lines" "$said" "$what, CLEARHEAD_PROGRESS=$between: $lines lines"
        fi
        is 0 "$(grep -c "$(printf '[\r\033]')" err)" "$what: no code of a terminal"
        [ -d many ] || cp -r new many
        rm -rf new
    done
done << 'END'
training|train --n 3 --steps 12 --eval-every 4 --out new|^step [0-9]*/12  loss [0-9.]*  .*s left$|12
the whole notebook|run --n 3 --steps 5 --out new|^step [0-9]*/5  loss|5
a question|heads many --count 6|^heads: [0-9]* of [0-9]*$|all
over checkpoints|eval many --count 6 --checkpoints|^eval: [0-9]* of [0-9]*$|all
END
"$clearhead" docs man --out . > /dev/null
ok "$(grep -q 'CLEARHEAD_PROGRESS' clearhead-train.1; echo $?)" 'the man page says so'

if [ -z "$(python3 "$terminal" 80 true)" ]; then
    skip 'progress on a terminal' 'this machine gives out no terminals'
    finish
    exit 0
fi
for columns in 45 120; do
    shown=$(python3 "$terminal" $columns "$clearhead" train --n 4 --steps 400 --eval-every 100 --out run$columns |
        sed 's/<clear>//g')
    is 0 "$(printf '%s\n' "$shown" | head -n 1)" "$columns columns: it trains"
    shown=$(printf '%s\n' "$shown" | tail -n +2 | grep .)
    ok "$(printf '%s\n' "$shown" | grep -q '^step [0-9]*/400  loss [0-9.]*  .*accuracy'; echo $?)" \
        "$columns columns: step, loss, accuracy"
    is '' "$(printf '%s\n' "$shown" | awk -v most=$columns 'length >= most')" "$columns columns: in one row"
done
ok "$(printf '%s\n' "$shown" | grep -q 'steps/s  [0-9]* s left$'; echo $?)" 'speed and time left'
ok "$(python3 "$terminal" 80 "$clearhead" causal run45 --count 400 | sed 's/<clear>//g' | grep -q '^causal: [0-9]* of [0-9]*$'; echo $?)" 'a question says how far it is'

# On one terminal the line of progress and the rows of a table never share a row.
screen=$(python3 "$terminal" --screen 100 "$clearhead" run --n 3 --steps 1500 --eval-every 100 --out rows)
is 16 "$(printf '%s\n' "$screen" | grep -cE '^ {2,}[0-9]+ +([0-9]+|-) +([0-9.]+|-) +[0-9.]+ +[01]\.[0-9]{4} +[01]\.[0-9]{4}$')" \
    'run: every row of the table stands alone'
is 0 "$(printf '%s\n' "$screen" | grep -c 'steps/s  [0-9]* s left')" 'run: no line of progress is left'
screen=$(python3 "$terminal" --screen 100 "$clearhead" attention rows --count 60 --checkpoints)
is "$(ls rows/checkpoints/step-* | wc -l | tr -d ' ')" "$(printf '%s\n' "$screen" | grep -cE '^ +[0-9]+( +[0-9.]+){4}$')" \
    'over checkpoints: every row stands alone'
finish
