# shellcheck disable=SC2154 # tap.sh sets folder, clearhead
# What a terminal shows while a model trains: one row that is written over, however narrow it is.
. "$(dirname "$0")/../support/tap.sh"
terminal=$(cd "$(dirname "$0")/../support" && pwd)/terminal.py
cd "$folder" || exit 3

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
