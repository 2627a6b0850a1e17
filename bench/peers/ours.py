"""Clearhead's side: what the peers start from, and the same two jobs as theirs (common.py)."""
import json
import os
import shutil
import subprocess


def make_start(clearhead, folder, n, sequences):
    """folder/start: a run of 0 steps (settings, initial weights); folder/tokens.jsonl: its stream."""
    os.makedirs(folder)
    subprocess.run([clearhead, "train", "--n", str(n), "--steps", "0",
                    "--out", os.path.join(folder, "start")], check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(folder, "tokens.jsonl"), "w", encoding="utf-8") as lines:
        subprocess.run([clearhead, "data", "--n", str(n), "--split", "train", "--tokens",
                        "--first", str(sequences)], check=True, stdout=lines)
    with open(os.path.join(folder, "start", "config.json"), encoding="utf-8") as file:
        return json.load(file)


def train_command(clearhead, folder, n, threads, steps):
    """A run as its user has it: metrics, evaluations and checkpoints included."""
    run = os.path.join(folder, "run")
    shutil.rmtree(run, ignore_errors=True)
    return [clearhead, "train", "--n", str(n), "--steps", str(steps), "--threads", str(threads),
            "--out", run]


def train_result(folder):
    with open(os.path.join(folder, "run", "metrics.jsonl"), encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return {"losses": [row["loss"] for row in rows if row["type"] == "step"]}


def time_command(clearhead, n, threads, seconds):
    return [clearhead, "bench", "--n", str(n), "--threads", str(threads),
            "--seconds", str(seconds), "--json"]


def time_result(out, threads, path):
    """The row of this path ("fused" or "general") at this number of threads."""
    answer = json.loads(out)
    for row in answer["tables"]["steps"]:
        if row["path"] == path and row["threads"] == threads:
            return {"seconds": row["seconds"]["value"], "least": row["seconds"]["low"],
                    "most": row["seconds"]["high"], "calls": row["rounds"],
                    "isa": answer["numbers"]["isa"]["value"], "peak": row["peak"],
                    "operations": row["operations"]}
    raise ValueError(f"clearhead bench has no row of path {path} and {threads} threads")


def versions(clearhead):
    out = subprocess.run([clearhead, "--version"], check=True, capture_output=True, text=True)
    return {"clearhead": out.stdout.split()[-1]}
