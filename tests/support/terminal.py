"""A command whose stderr is a terminal: its exit code, then what the terminal was sent.

    python3 terminal.py COLUMNS COMMAND...

A carriage return begins a new line here, "to the end of the row" is written <clear>. Nothing is
printed where the machine gives out no terminals.
"""
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

try:
    ours, its = pty.openpty()
except OSError:
    sys.exit()
fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0))
process = subprocess.Popen(sys.argv[2:], stdin=its, stdout=subprocess.DEVNULL, stderr=its)
os.close(its)
sent = b""
try:
    while piece := os.read(ours, 65536):
        sent += piece
except OSError:
    pass
print(process.wait())
print(sent.replace(b"\r", b"\n").replace(b"\033[K", b"<clear>").decode())
