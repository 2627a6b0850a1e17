#!/usr/bin/env python3
"""A proof is accepted by examples/check_proof.py, and refused with any number of it changed (TAP).

    proofs.py
"""
import contextlib
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from tap import finish, is_, note, ok # noqa: E402

sys.path.insert(0, str(pathlib.Path(os.environ["CLH_SOURCE"], "examples")))
try:
    import numpy as np
    import check_proof
except ImportError:
    print("1..0 # SKIP no NumPy")
    sys.exit(0)

CLEARHEAD = os.path.realpath(os.environ["CLEARHEAD"])
POSITION, SLOTS, LETTERS, HOLDS, FAILS = range(5)


def run(folder, *words):
    return subprocess.run([CLEARHEAD, *words], cwd=folder, capture_output=True, text=True)


def checked(folder, run_name, proof, domain):
    """Whether it is accepted, and what the checker says."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        refused = check_proof.main(f"{folder}/{run_name}/model.safetensors", f"{folder}/{proof}", domain)
    return not refused, said.getvalue().strip()


def check_accepted(folder, name, domain):
    answer = json.loads(run(folder, "certify", name, "--domain", domain, "--json").stdout)
    made = run(folder, "certify", name, "--domain", domain, "--part", "proof", "--out", "proof.npz")
    ok(made.returncode == (1 if answer["numbers"]["failures"]["value"] else 0), f"{name}, {domain}: a proof is written")
    number = {key: int(answer["numbers"][key]["value"]) for key in ("inputs", "failures", "failures.tokens", "rounded")}
    accepted, said = checked(folder, name, "proof.npz", domain)
    ok(accepted, f"{name}, {domain}: it is accepted") or note(said)
    if number["rounded"] == 0:
        is_(f"accepted: {number['failures']} of {number['inputs']} inputs fail, in {number['failures.tokens']} predictions",
            said, f"{name}, {domain}: and says what the certificate says")
    return np.load(f"{folder}/proof.npz")["proof"]


def spoilt(rows, random):
    """Each kind of lie, and the rows with it."""
    def row(choose):
        return int(random.choice(np.flatnonzero(choose)))

    def changed(at, column, value):
        out = rows.copy()
        out[at, column] = value
        return out

    holds, fails, last = rows[:, HOLDS] > 0, rows[:, FAILS] > 0, rows[:, SLOTS].max()
    lowest = lambda at, column: rows[at, column] & -rows[at, column] # noqa: E731
    at = row(holds)
    yield "a letter is left out", changed(at, HOLDS, rows[at, HOLDS] & ~lowest(at, HOLDS))
    yield "a row is left out", np.delete(rows, at, 0)
    yield "a row stands there twice", np.insert(rows, at, rows[at], 0)
    yield "a row is of another query", changed(at, POSITION, rows[at, POSITION] + 1)
    at = row(rows[:, SLOTS] > 0)
    yield "a letter is another", changed(at, LETTERS, rows[at, LETTERS] ^ 1)
    at = row(rows[:, SLOTS] < last)
    yield "more slots have letters", changed(at, SLOTS, rows[at, SLOTS] + 1)
    for what, some, column, other in (("fails", fails, FAILS, HOLDS), ("holds", holds, HOLDS, FAILS)):
        if some.any():
            at = row(some)
            one = lowest(at, column)
            lie = changed(at, column, rows[at, column] & ~one)
            lie[at, other] |= one
            yield f"what {what} is said not to", lie


def check_refused(folder, name, domain, rows, times):
    random, refused = np.random.default_rng(1), {}
    for _ in range(times):
        for what, lie in spoilt(rows, random):
            np.savez(f"{folder}/lie.npz", proof=lie)
            accepted, _ = checked(folder, name, "lie.npz", domain)
            refused.setdefault(what, []).append(not accepted)
    for what, each in refused.items():
        ok(all(each), f"{name}, {domain}, {len(each)} times: refused when {what}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        small = ["--d-model", "32", "--d-head", "16"]
        run(folder, "train", "--n", "2", "--steps", "120", "--out", "two", *small)
        for domain in ("sorted", "ordered", "tuples"):
            check_refused(folder, "two", domain, check_accepted(folder, "two", domain), 2)
        run(folder, "train", "--n", "3", "--steps", "100", "--out", "three")
        check_accepted(folder, "three", "sorted")
        run(folder, "train", "--n", "3", "--steps", "100", "--seed", "1", "--out", "other")
        accepted, _ = checked(folder, "other", "proof.npz", "sorted")
        ok(not accepted, "the proof of one model is not that of another")
        run(folder, "train", "--n", "2", "--steps", "1", "--n-layers", "2", "--out", "deep", *small)
        made = run(folder, "certify", "deep", "--part", "proof", "--out", "deep.npz")
        is_((2, False), (made.returncode, os.path.exists(f"{folder}/deep.npz")), "by forward passes there is no proof")
    finish()


main()
