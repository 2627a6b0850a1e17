# shellcheck disable=SC2154 # tap.sh sets folder, clearhead
# What a terminal shows while a model trains: one row that is written over, however narrow it is.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3

# A terminal of so many columns; what it is sent, a line for each time the row is begun again.
rows() { # COLUMNS COMMAND...
    python3 - "$1" "$clearhead" "$@" << 'END'
import fcntl, os, pty, struct, subprocess, sys, termios
ours, its = pty.openpty()
fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0))
process = subprocess.Popen([sys.argv[2], *sys.argv[4:]], stdin=its, stdout=subprocess.DEVNULL, stderr=its)
os.close(its)
sent = b""
try:
    while piece := os.read(ours, 65536):
        sent += piece
except OSError:
    pass
print(process.wait())
print(sent.replace(b"\r", b"\n").replace(b"\033[K", b"").decode())
END
}

if ! python3 -c 'import pty; pty.openpty()' 2> none; then
    skip 'progress on a terminal' 'this machine gives out no terminals'
    finish
    exit 0
fi
for columns in 45 120; do
    shown=$(rows $columns train --n 4 --steps 400 --eval-every 100 --out run$columns)
    is 0 "$(printf '%s\n' "$shown" | head -n 1)" "$columns columns: it trains"
    shown=$(printf '%s\n' "$shown" | tail -n +2 | grep .)
    ok "$(printf '%s\n' "$shown" | grep -q '^step [0-9]*/400  loss [0-9.]*  .*accuracy'; echo $?)" \
        "$columns columns: step, loss, accuracy"
    is '' "$(printf '%s\n' "$shown" | awk -v most=$columns 'length >= most')" "$columns columns: in one row"
done
ok "$(printf '%s\n' "$shown" | grep -q 'steps/s  [0-9]* s left$'; echo $?)" 'speed and time left'
ok "$(rows 80 attribute run45 --count 30 | grep -q '^position 116 of 116$'; echo $?)" 'attribute says how far it is'
finish
