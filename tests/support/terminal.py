"""A command whose stderr is a terminal: its exit code, then what the terminal was sent.

    python3 terminal.py [--screen] COLUMNS COMMAND...

With --screen before COLUMNS stdout is that terminal too, and what is printed is what then stands on it:
carriage returns and "to the end of the row" done. Otherwise stdout is not looked at; a carriage return begins a new line here, "to the end of the row" is written <clear>. Nothing is
printed where the machine gives out no terminals.
"""
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

try:
    ours, its = pty.openpty()
except OSError:
    sys.exit()
screen = sys.argv[1] == "--screen"
sys.argv[1:2] = [] if screen else sys.argv[1:2]
fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0))
process = subprocess.Popen(sys.argv[2:], stdin=its, stdout=its if screen else subprocess.DEVNULL, stderr=its)
os.close(its)
sent = b""
try:
    while piece := os.read(ours, 65536):
        sent += piece
except OSError:
    pass
print(process.wait())
if screen:
    for row in sent.decode().split("\n"):
        shown, at = [], 0
        for piece in re.findall(r"\r|\033\[K|\033\[[0-9;]*m|.", row):
            if piece == "\r":
                at = 0
            elif piece == "\033[K":
                del shown[at:]
            elif len(piece) == 1:
                shown[at:at + 1] = [piece]
                at += 1
        print("".join(shown).rstrip())
    sys.exit()
print(sent.replace(b"\r", b"\n").replace(b"\033[K", b"<clear>").decode())
