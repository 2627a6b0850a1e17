#!/usr/bin/env python3
"""Damage is noticed: a bit flipped or a file cut anywhere in a run, by every command that reads it. None goes on
with it, and what is not damaged is as it was; a run whose newest checkpoint is damaged goes on from the one
before it where that is asked for, and ends with the bytes of one that nobody disturbed."""
import filecmp
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.environ["CLH_SOURCE"] + "/tests/support")
from tap import finish, is_, note, ok # noqa: E402

program = os.path.realpath(os.environ.get("CLEARHEAD", "build/clearhead"))
root = pathlib.Path(tempfile.mkdtemp())
os.chdir(root)

SMALL = ["--n", "2", "--d-model", "8", "--d-head", "4", "--epoch-sequences", "6", "--test-sequences", "3",
         "--checkpoint-every", "4", "--eval-every", "4", "--checkpoint-log=false"]


def call(*words):
    """(exit code, stdout, stderr) of the program."""
    done = subprocess.run([program, *map(str, words)], capture_output=True, text=True, errors="replace", check=False)
    return done.returncode, done.stdout, done.stderr.strip()


def must(*words):
    code, out, err = call(*words)
    if code:
        sys.exit(f"{' '.join(map(str, words))}: {err}")
    return out


def spread(size, count):
    """Places of a file: its first and last 24, and so many between."""
    if size <= 48 + count:
        return range(size)
    return sorted({*range(24), *range(24, size - 24, max(1, (size - 48) // count)), *range(size - 24, size)})


def flips(whole, count):
    """(what, bytes): the file with one bit another."""
    for at in spread(len(whole), count):
        bit = 1 << (at * 5 + at // 8) % 8
        yield f"bit {bit:#x} of byte {at}", whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1:]


def cuts(whole):
    for length in sorted({0, 1, 7, 8, 100, len(whole) // 3, len(whole) // 2, len(whole) - 30, len(whole) - 1}):
        if 0 <= length < len(whole):
            yield f"cut to {length} bytes", whole[:length]


def is_refused(code, err, file):
    return code in (2, 3) and err.startswith("clearhead ") and "\n" not in err and pathlib.Path(file).name in err


def check(what, file, damages, words, names_file=True):
    """That each damage of `file` is refused by the command, by the file's name; what the command would change
    stays."""
    path = pathlib.Path(file)
    whole, count, bad = path.read_bytes(), 0, []
    for damage, content in damages(whole):
        path.write_bytes(content)
        code, _, err = call(*words)
        if not is_refused(code, err, file if names_file else ""):
            bad.append(f"{damage}: exit {code}: {err[:300]}")
        elif path.read_bytes() != content:
            bad.append(f"{damage}: the file was changed")
        count += 1
    path.write_bytes(whole)
    if not ok(count > 0 and not bad, f"{what}: {count} damages of {file}"):
        note("\n".join(bad[:8]))


# ---- The runs: one that has ended, one stopped at step 9, and the same on its own to its end -----------------------

must("train", *SMALL, "--steps", "12", "--out", "ended")
whole_steps = must("train", *SMALL, "--steps", "12", "--out", "whole")
shutil.copytree("ended", "stopped")


def forget_end(run, step):
    """The run as it was when it was killed after its checkpoint of `step`, the next one not yet made."""
    for name in ("model.safetensors", "checkpoints/step-00000012.safetensors",
                 "checkpoints/optimizer-00000012.safetensors"):
        (pathlib.Path(run) / name).unlink()
    log = pathlib.Path(run) / "metrics.jsonl"
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
    log.write_text("".join(line for line in lines if json.loads(line)["step"] <= step), encoding="utf-8")


# the states of two checkpoints: 4 and 8, the way they were when 8 was the newest
must("train", *SMALL, "--steps", "8", "--out", "eight")
forget_end("stopped", 8)
shutil.copy("eight/checkpoints/optimizer-00000004.safetensors", "stopped/checkpoints")
is_(["optimizer-00000004.safetensors", "optimizer-00000008.safetensors"],
    sorted(p.name for p in pathlib.Path("stopped/checkpoints").glob("optimizer-*")), "two states are there")
is_(["optimizer-00000008.safetensors", "optimizer-00000012.safetensors"],
    sorted(p.name for p in pathlib.Path("ended/checkpoints").glob("optimizer-*")), "and the last two at the end")


def same(run, other, what):
    """Whether two run folders hold the same, times in metrics and what they are called apart."""
    names = [sorted(str(p.relative_to(f)) for p in pathlib.Path(f).rglob("*") if p.is_file() and p.name != ".lock")
             for f in (run, other)]
    bare = [re.sub(r', "seconds": [^}]*', "", (pathlib.Path(f) / "metrics.jsonl").read_text(encoding="utf-8"))
            for f in (run, other)]
    differ = [n for n in names[0] if n != "metrics.jsonl" and n in names[1] and
              not filecmp.cmp(f"{run}/{n}", f"{other}/{n}", shallow=False)]
    is_((names[1], bare[1], []), (names[0], bare[0], differ), what)


def resumed(name, *more):
    shutil.rmtree("copy", ignore_errors=True)
    shutil.copytree(name, "copy")
    return lambda: call("resume", "copy", *more)


# ---- Every file, by one command that reads it, in many places ---------------------------------------------------------

many = lambda whole: [*flips(whole, 150), *cuts(whole)]  # noqa: E731
check("show", "ended/config.json", many, ["show", "ended"])
check("show", "ended/model.safetensors", many, ["show", "ended"])
check("show", "stopped/checkpoints/step-00000008.safetensors", many, ["show", "stopped"])
check("show RUN@STEP", "ended/checkpoints/step-00000004.safetensors", many, ["show", "ended@4"])
check("loss", "ended/metrics.jsonl", many, ["loss", "ended"])
check("resume", "stopped/checkpoints/step-00000008.safetensors", many, ["resume", "stopped"])
check("resume", "stopped/checkpoints/optimizer-00000008.safetensors", many, ["resume", "stopped"])
check("resume", "stopped/config.json", many, ["resume", "stopped"])
check("resume of a run that has ended", "ended/model.safetensors", many, ["resume", "ended"])
check("train --config", "ended/config.json", many, ["train", "--config", "ended/config.json", "--out", "new"])
ok(not os.path.exists("new"), "and no run was begun")

# ---- Metrics that a run goes on with: refused, or the bytes of a run that nobody disturbed ----------------------------

log = pathlib.Path("stopped/metrics.jsonl").read_bytes()
refused, healed, wrong = 0, 0, []
for damage, content in many(log):
    shutil.rmtree("copy", ignore_errors=True)
    shutil.copytree("stopped", "copy")
    copy = pathlib.Path("copy/metrics.jsonl")
    copy.write_bytes(content)
    code, _, err = call("resume", "copy")
    if is_refused(code, err, "metrics.jsonl"):
        refused += 1
        if copy.read_bytes() != content:
            wrong.append(f"{damage}: refused, and changed")
        continue
    # what lies before the lines of the checkpoint is not read: it is there as it was, for who reads it
    after = copy.read_bytes()
    kept = next((n for n in range(len(log)) if n >= len(after) or after[n] != log[n]), len(log))
    code_of_loss, _, said = call("loss", "copy")
    if code:
        wrong.append(f"{damage}: exit {code}: {err[:200]}")
    elif code_of_loss == 0 and kept < log.rindex(b"\n", 0, -1):
        wrong.append(f"{damage}: neither resume nor loss noticed")
    elif code_of_loss and not is_refused(code_of_loss, said, "metrics.jsonl"):
        wrong.append(f"{damage}: loss: {said[:200]}")
    healed += 1
ok(not wrong and refused > 20, f"resume: damages of metrics.jsonl: {refused} refused, {healed} not read")
if wrong:
    note("\n".join(wrong[:8]))

# ---- Every command, in some places --------------------------------------------------------------------------------

few = lambda whole: [*flips(whole, 3)][::9]  # noqa: E731
given = {"patch": ["--clean", "ab", "--corrupt", "ba"], "paths": ["--clean", "ab", "--corrupt", "ba"],
         "edit": ["--edits", "edits.json"]}
pathlib.Path("edits.json").write_text(json.dumps({"format": "clearhead-edits-1", "edits": [
    {"kind": "mean", "site": "blocks.0.attn.hook_z"}]}), encoding="utf-8")
pathlib.Path("program.txt").write_text("clearhead-program 1\ncopy first -> letters\nwrite \".\" -> end\n"
                                       "write \" \" -> rest\n", encoding="utf-8")
asked = 0
for question in json.loads(must("questions", "--json")):
    name = question["name"]
    if name in ("program_run", "program_diff", "program_stats", "fourier"): # ask no run, or one of sums
        continue
    words = [name, *(["program.txt"] if name == "program_check" else []), "ended", *given.get(name, [])]
    code, _, err = call(*words)
    if code > 1:
        if not err.startswith(f"clearhead {name}: unexpected argument"):
            ok(False, f"{' '.join(words)}: {err}")
        continue
    asked += 1
    check(name, "ended/config.json", few, words)
    check(name, "ended/model.safetensors", few, words)
ok(asked > 15, f"{asked} questions ask a run")
for words, file in ((["export", "ended", "--to", "export"], "ended/model.safetensors"),
                    (["export", "ended", "--checkpoint", "8", "--to", "export"], "ended/checkpoints/step-00000008.safetensors"),
                    (["figure", "ended", *(["--out", "f.svg"] if os.environ["CLH_FIGURES"] == "yes" else [])],
                     "ended/model.safetensors"),
                    (["data", "--config", "ended/config.json"], "ended/config.json"),
                    (["config", "--config", "ended/config.json"], "ended/config.json"),
                    (["train", *SMALL, "--init", "ended", "--out", "new"], "ended/model.safetensors"),
                    (["eval", "ended/model.safetensors"], "ended/model.safetensors"),
                    (["eval", "ended", "--against", "eight"], "eight/model.safetensors"),
                    (["eval", "ended", "--checkpoints"], "ended/checkpoints/step-00000008.safetensors")):
    check(" ".join(words[:3]), file, few, words)
ok(not os.path.exists("export") and not os.path.exists("new") and not os.path.exists("f.svg"), "nothing was written")
must("export", "ended", "--to", "export")
check("import", "export/model.safetensors", few,
      ["import", "export/model.safetensors", "--config", "export/cfg.json", "--out", "imported"])
must("cache", "ended", "--letters", "ab", "--names", "hook_embed", "--out", "x.safetensors")
pathlib.Path("from.json").write_text(json.dumps({"format": "clearhead-edits-1", "edits": [
    {"kind": "add", "site": "hook_embed", "file": "x.safetensors", "tensor": "hook_embed"}]}), encoding="utf-8")
code, _, err = call("edit", "ended", "--edits", "from.json")
is_((0, ""), (code, err), "a tensor of a file that cache wrote")
check("edit", "x.safetensors", few, ["edit", "ended", "--edits", "from.json"])

# ---- Going on all the same ------------------------------------------------------------------------------------------

weights = pathlib.Path("ended/model.safetensors")
kept = weights.read_bytes()
weights.write_bytes(kept[:-2] + bytes([kept[-2] ^ 1]) + kept[-1:])
code, _, err = call("eval", "ended")
is_((3, 1), (code, err.count("--no-verify takes it as it is")), "damaged weights are refused")
code, _, err = call("eval", "ended", "--no-verify")
is_((0, ""), (code, err), "and taken with --no-verify")
weights.write_bytes(kept)

for file in ("step-00000008", "optimizer-00000008"):
    path = pathlib.Path("stopped/checkpoints") / f"{file}.safetensors"
    kept = path.read_bytes()
    path.write_bytes(kept[:len(kept) // 2] + bytes([kept[len(kept) // 2] ^ 4]) + kept[len(kept) // 2 + 1:])
    shutil.rmtree("copy", ignore_errors=True)
    shutil.copytree("stopped", "copy")
    code, _, err = call("resume", "copy")
    is_((3, 1), (code, err.count(f"copy/checkpoints/{file}.safetensors is damaged")), f"{file} is damaged: named")
    is_(1, err.count("--fall-back goes on from the checkpoint before it, of step 4"), "with the checkpoint before it")
    code, out, err = call("resume", "copy", "--fall-back")
    is_((0, 1), (code, err.count(f"not taken: copy/checkpoints/{file}.safetensors is damaged")),
        "which is gone on from when that is asked for")
    same("copy", "whole", "and ends as if nothing had been")
    older = pathlib.Path("stopped/checkpoints/optimizer-00000004.safetensors")
    intact = older.read_bytes()
    older.write_bytes(intact[:-1] + bytes([intact[-1] ^ 1]))
    shutil.rmtree("copy", ignore_errors=True)
    shutil.copytree("stopped", "copy")
    code, _, err = call("resume", "copy", "--fall-back")
    is_((3, 1), (code, err.count("optimizer-00000004.safetensors is damaged")), "both are damaged: named")
    same("copy", "stopped", "and nothing changed")
    older.write_bytes(intact)
    path.write_bytes(kept)

shutil.rmtree("copy", ignore_errors=True)
shutil.copytree("stopped", "copy")
for path in pathlib.Path("copy/checkpoints").glob("optimizer-*"):
    path.unlink()
for words in (["eval", "copy"], ["heads", "copy", "--json"]):
    code, out, err = call(*words)
    ok(code > 1 and "copy has no checkpoint yet" in out + err, f"{words[0]}: a run that lost its states says so") or note(
        f"{code}\n{out}{err}")

shutil.copytree("ended", "again")
path = pathlib.Path("again/model.safetensors")
path.write_bytes(path.read_bytes()[:-5])
code, _, err = call("resume", "again")
is_((3, 1), (code, err.count("--fall-back writes it again from the newest checkpoint")), "damaged weights at the end")
code, _, err = call("resume", "again", "--fall-back")
is_(0, code, "are written again")
same("again", "whole", "the same")

# ---- By hand, and from before ---------------------------------------------------------------------------------------

config = pathlib.Path("stopped/config.json")
kept = config.read_text(encoding="utf-8")
config.write_text(kept.replace('"threads": 1', '"threads": 2'), encoding="utf-8")
code, _, err = call("resume", "stopped")
is_((3, 1), (code, err.count('Who changed it by hand takes out its line "checksum"')), "a config changed by hand")
config.write_text(re.sub(r'  "checksum".*\n', "", config.read_text(encoding="utf-8")), encoding="utf-8")
shutil.rmtree("copy")
shutil.copytree("stopped", "copy")
is_((0, ""), call("resume", "copy")[::2], "without that line it is taken")
config.write_text(kept, encoding="utf-8")

shutil.copytree("stopped", "before")  # one state under one name, no sums
for name in ("optimizer-00000004", ):
    pathlib.Path(f"before/checkpoints/{name}.safetensors").unlink()
pathlib.Path("before/checkpoints/optimizer-00000008.safetensors").rename("before/checkpoints/optimizer.safetensors")
log = pathlib.Path("before/metrics.jsonl")
log.write_text(re.sub(r', "sum": "[0-9a-f]*"', "", log.read_text(encoding="utf-8")), encoding="utf-8")
is_(0, call("eval", "before")[0], "a run from before is read")
is_(0, call("loss", "before")[0], "its metrics too")
is_((0, ""), call("resume", "before")[::2], "and gone on with")
ok(filecmp.cmp("before/model.safetensors", "whole/model.safetensors", shallow=False), "to the same weights")

def say_step(file, step):
    """The file with another step in its metadata, as a program that knows no checksum would write it."""
    whole = pathlib.Path(file).read_bytes()
    length = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8:8 + length])
    header["__metadata__"]["step"] = step
    del header["__metadata__"]["checksum"]
    text = json.dumps(header).encode()
    pathlib.Path("stepped.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + whole[8 + length:])


say_step("whole/model.safetensors", "7")
is_((0, ""), call("eval", "stepped.safetensors")[::2], "a file without a checksum is taken")
for step in ("-5", "12abc", "", "+7", "1e3"):
    say_step("whole/model.safetensors", step)
    code, _, err = call("eval", "stepped.safetensors")
    is_((3, 1), (code, err.count(f"metadata step is {step}, want a number of steps")), f"step {step!r} is none")

shutil.rmtree(root)
finish()
