#!/usr/bin/env python3
"""What README.md and `-h` show can be typed as it stands (TAP, run by the tests).

    shown_examples.py

README's commands run in their order in one folder that holds nothing but what they make: each finds the
files it names, and letters of its metric stand in the sequence it shows. Those of -h may name a file of
the reader's, of which there is one of each kind here, and RUN. To be quick, training is cut short and
samples are small: a setting behind another of its name decides.
"""
import itertools
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from tap import finish, note, ok # noqa: E402

CLEARHEAD = os.path.realpath(os.environ["CLEARHEAD"])
README = pathlib.Path(os.environ["CLH_SOURCE"], "README.md").read_text(encoding="utf-8")
# What a build without an optional part refuses.
WITHOUT = {"CLH_FIGURES": r"--(figure|out) \S+\.(png|svg|pdf)\b"}
HYPOTHESIS = {"format": "clearhead-hypothesis-1", "name": "mine", "otherwise": "all",
              "rules": [{"from": "*", "to": "*.[qk]", "agree": "nothing"}]}
EDITS = {"format": "clearhead-edits-1", "edits": [{"kind": "zero", "site": "blocks.0.attn.hook_z"}]}


def output(*words):
    return subprocess.run([CLEARHEAD, *words], capture_output=True, text=True, check=True).stdout


def readme_lines():
    for block in re.findall(r"```sh\n(.*?)```", README, re.S):
        yield from (line for line in block.splitlines() if re.match(r"clearhead |mv |python3 -c ", line))
    yield from re.findall(r"`(clearhead [a-z]+ [^`]*)`", README.replace("\n", " "))


def help_lines():
    for command in re.findall(r"^  (program [a-z]+|[a-z]+) ", output("help"), re.M):
        examples = output(*command.split(), "-h").split("\nExamples:\n", 1)[-1].split("\nExit status:", 1)[0]
        yield from re.findall(r"^  (clearhead .*)$", examples, re.M)


def small(command, part):
    """Whether n = 3 will do, since n = 4 takes many seconds: whole domains of checkpoints that were hardly trained most."""
    return (command == "necessity" or command == "causal" and "--against" not in part
            or command in ("answers", "certify", "decompile", "program") and "--checkpoints" in part
            or command in ("invariance", "robustness") and re.search("--(checkpoints|seeds)", part))


def shortened(line, counted):
    """One command of it after the other, each quick."""
    for part in re.sub(r"\s#\s.*$", "", line).split("&&"):
        part, arrow, file = (x.strip() for x in part.partition(" > "))
        part = re.sub(r"--seeds \d+", "--seeds 2", part.replace("@100", "@4"))
        command = shlex.split(part)[1] if part.startswith("clearhead") else ""
        if small(command, part):
            part = part.replace("runs/notebook", "runs/three").replace("algorithm.txt", "by_hand.txt")
        if part == "clearhead run":
            part += " --steps 120" # bounds decide little of weights that were hardly trained, and take minutes
        elif command in ("train", "run"):
            part += " --steps 6"
        elif command == "bench":
            part += " --seconds 0"
        elif command == "repair": # one way, not all that there are
            part += " --rounds 1 --count 6" + ("" if "--by" in part else " --by keys")
        elif command in counted and not re.search(r"--(as-edits|letters|text|tokens|prompts)\b", part):
            part += " --count 6"
        yield f"{part} > {file}" if arrow else part


def run(line, folder, counted, what):
    for part in shortened(line, counted):
        absent = [name for name, wants in WITHOUT.items() if os.environ.get(name) == "no" and re.search(wants, part)]
        here = subprocess.run(["sh", "-c", part.replace("clearhead", shlex.quote(CLEARHEAD), 1)], cwd=folder,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
        answered = here.returncode == 0 or (here.returncode == 1 and not here.stderr) # 1: the answer is no
        if not ok(here.returncode == 3 if absent else answered, f"{what}: {part}"):
            note(f"exit {here.returncode}\n{here.stderr[-400:]}")


def supply_hypotheses(folder):
    source = pathlib.Path(os.environ["CLH_SOURCE"], "examples")
    pathlib.Path(folder, "examples").symlink_to(source)
    shutil.copy(source / "hypotheses" / "first_term.txt", f"{folder}/by_hand.txt")


def write_edits(folder):
    pathlib.Path(folder, "edits.json").write_text(json.dumps(EDITS), encoding="utf-8")


def supply(folder):
    """The reader's own files; the runs that -h names are made by its first examples."""
    write = lambda name, text: pathlib.Path(folder, name).write_text(text, encoding="utf-8") # noqa: E731
    write("batch.json", json.dumps([[0, 1, 3, 4, 5, 6, 7, 1, 3, 4]]))
    write("hypothesis.json", json.dumps(HYPOTHESIS))
    write("prompts.txt", permuted("abcd")[:6] + "\n")
    write("mine.jsonl", output("data", "--n", "4", "--tokens", "--first", "300"))
    size = 122
    write("pattern.json", json.dumps([[float(k == max(q - 1, 0)) for k in range(size)] for q in range(size)]))
    for words in (["train", "--steps", "6", "--out", "own"], ["train", "--steps", "6", "--out", "runs/other"],
                  ["train", "--task", "modular_addition", "--p", "5", "--steps", "6", "--out", "runs/grok"],
                  ["export", "own", "--to", "saved"]):
        subprocess.run([CLEARHEAD, *words], cwd=folder, capture_output=True, check=True)
    shutil.copy(f"{folder}/saved/model.safetensors", f"{folder}/weights.safetensors")
    shutil.copy(f"{folder}/saved/cfg.json", f"{folder}/cfg.json")


def permuted(letters):
    return "> " + " ".join("".join(order) for order in itertools.permutations(letters)) + "."


def check_metric(line):
    """What a metric asks of a sequence of letters is what stands there, and what would stand there else."""
    found = re.search(r"--metric (\w+):(-?\d+):(.)(?::(.))?", line)
    letters = re.search(r"--(?:letters|clean) (\w+)", line)
    if not found or not letters:
        return
    here, other = permuted(letters[1]), re.search(r"--corrupt (\w+)", line)
    at = (int(found[2]) + len(here)) % len(here) + 1
    against = permuted(other[1])[at] if other else found[4]
    ok(here[at] == found[3] and against == found[4] != found[3], f"the metric asks what is there: {line}")


def main():
    counted = {q["name"] for q in json.loads(output("questions", "--json"))
               if any(setting["name"] == "count" for setting in q["settings"])}
    with tempfile.TemporaryDirectory() as folder:
        supply_hypotheses(folder)
        run("clearhead run", folder, counted, "README") # make run
        for line in readme_lines():
            run(line, folder, counted, "README")
            check_metric(line)
    with tempfile.TemporaryDirectory() as folder:
        supply(folder)
        supply_hypotheses(folder)
        for line in help_lines():
            write_edits(folder) # the reader's again, where an example wrote a file of that name
            run(re.sub(r"\bRUN\b", "runs/notebook", line), folder, counted, "help")
            check_metric(line)
    finish()


main()
