"""TAP for tests in Python: each `ok` line is a truth, counted by meson.

    from tap import is_, ok, finish
    is_("wanted", found, "what it is")
    finish()
"""
import atexit
import os
import tempfile

# What fontconfig keeps to the end is no leak of ours (heard only by a build with sanitizers); see tap.sh.
_kept = tempfile.NamedTemporaryFile(mode="w", suffix=".lsan", delete=False)
with _kept:
    _kept.write("leak:libfontconfig\n")
atexit.register(os.unlink, _kept.name)
os.environ["LSAN_OPTIONS"] = f"suppressions={_kept.name}:print_suppressions=0"

count = 0


def note(text):
    """What explains the line before."""
    for line in text.rstrip("\n").split("\n"):
        print(f"# {line}")


def ok(truth, what):
    global count
    count += 1
    print(f"{'ok' if truth else 'not ok'} {count} - {what}", flush=True)
    return truth


def is_(wanted, found, what):
    if not ok(wanted == found, what):
        note(f"wanted: {wanted}\nfound:  {found}")


def finish():
    print(f"1..{count}")
