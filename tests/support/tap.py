"""TAP for tests in Python: each `ok` line is a truth, counted by meson.

    from tap import is_, ok, finish
    is_("wanted", found, "what it is")
    finish()
"""
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
