#!/usr/bin/env python3
"""Clearhead beside its peers: the same losses first, then time and memory. See ../README.md.

Started by run.sh, which makes the virtual environments. Needs Python's standard library only.
"""
import argparse
import json
import os
import statistics
import sys
import tempfile
from datetime import date

import ours
import table
from launch import launch
from peers import PEERS

HERE = os.path.dirname(os.path.abspath(__file__))
CHECK_STEPS, BOUND = 20, 1e-3  # losses of so many steps must agree so well
TOGETHER = 24                  # batches that a timed call of the jitted loop takes


class Comparison:
    def __init__(self, args, work):
        self.args, self.work = args, work
        self.rows = {name: {"label": PEERS[name].label, "train": {}, "time": {}, "run": {}}
                     for name in args.peers}
        self.versions = ours.versions(args.clearhead)
        self.isa = None
        self.want = {}  # our training of n, what it printed and used; "run": a whole run's losses

    def folder(self, n):
        return os.path.join(self.work, f"n{n}")

    def train(self, name, n, threads, steps, cache):
        """A training from start to exit: its losses, seconds and MB."""
        peer = PEERS[name]
        if not peer.module:
            command = ours.train_command(self.args.clearhead, self.folder(n), n, threads, steps)
            _, seconds, memory = launch(command, threads, cache)
            return ours.train_result(self.folder(n)), seconds, memory
        command = self.python(peer, n) + ["train", "--steps", str(steps)]
        out, seconds, memory = launch(command, threads, cache)
        return json.loads(out.splitlines()[-1]), seconds, memory

    def time(self, name, n, threads):
        peer, seconds = PEERS[name], self.args.seconds
        cache = os.path.join(self.work, "cache")
        if not peer.module:
            command = ours.time_command(self.args.clearhead, n, threads, seconds)
            out, _, _ = launch(command, threads, cache)
            result = ours.time_result(out, threads, peer.variant)
            self.isa = result["isa"]
            return result
        command = self.python(peer, n) + ["time", "--steps", str(TOGETHER),
                                          "--seconds", str(seconds)]
        return json.loads(launch(command, threads, cache)[0].splitlines()[-1])

    def python(self, peer, n):
        return [os.path.join(self.args.venvs, peer.venv, "bin", "python"),
                os.path.join(HERE, peer.module + ".py"), peer.variant, self.folder(n)]

    def prepare(self):
        for n in self.args.n:
            steps = max(self.args.steps if n == 4 else CHECK_STEPS, TOGETHER)
            config = ours.make_start(self.args.clearhead, self.folder(n), n, 4 * steps)
            epoch = -(-config["epoch_sequences"] // config["batch"])
            if n == 4 and self.args.steps % epoch and self.args.steps > epoch:
                raise SystemExit(f"--steps is {self.args.steps}, want a multiple of {epoch}")
            self.want[n] = self.train("clearhead", n, 1, CHECK_STEPS, self.work)

    def check(self):
        """Every peer's first losses beside ours; whose differ is not timed. True when none do."""
        cache, well = os.path.join(self.work, "cache"), True
        for n in self.args.n:
            want = self.want[n][0]["losses"]
            for name, row in self.rows.items():
                if name == "clearhead-general":
                    continue
                say(f"losses of {name}, n = {n}")
                result, _, memory = (self.want[n] if name == "clearhead"
                                     else self.train(name, n, 1, CHECK_STEPS, cache))
                self.versions.update(result.get("versions", {}))
                apart = largest_difference(result["losses"], want)
                row["train"][n] = {"apart": apart, "same": apart <= BOUND, "memory_mb": memory,
                                   "loss": result["losses"][-1]}
                if not apart <= BOUND:
                    say(f"  {name} differs by {apart:.1e} within {CHECK_STEPS} steps: not timed")
                    well = False
        return well

    def timed(self, n):
        """Peers whose losses are ours (the general path's are tested elsewhere)."""
        return [name for name, row in self.rows.items()
                if row["train"].get(n, {"same": True})["same"]]

    def time_all(self):
        for turn in range(self.args.rounds):
            for n in self.args.n:
                for threads in self.args.threads:
                    for name in self.timed(n):
                        say(f"round {turn + 1} of {self.args.rounds}: steps of {name}, n = {n}, "
                            f"threads = {threads}")
                        cell = self.rows[name]["time"].setdefault(n, {}).setdefault(
                            threads, {"rounds": []})
                        cell["rounds"].append(self.time(name, n, threads))
        for row in self.rows.values():
            for cells in row["time"].values():
                for cell in cells.values():
                    cell["seconds"] = statistics.median(x["seconds"] for x in cell["rounds"])

    def run_all(self):
        """Whole runs, each with a new cache of compiled code; then one with that cache filled."""
        for name in (name for name in self.timed(4) if name != "clearhead-general"):
            for threads in self.args.threads:
                took, memory = [], []
                for turn in range(self.args.runs + 1):
                    say(f"whole run of {name}, threads = {threads}")
                    if turn < self.args.runs:
                        cache = tempfile.mkdtemp(dir=self.work)
                    result, seconds, mb = self.train(name, 4, threads, self.args.steps, cache)
                    took.append(seconds)
                    memory.append(mb)
                if name == "clearhead":
                    self.want["run"] = result["losses"]
                self.rows[name]["run"][threads] = {
                    "seconds": statistics.median(took[:-1]), "again": took[-1], "all": took[:-1],
                    "memory_mb": max(memory), "loss": result["losses"][-1],
                    "apart": largest_difference(result["losses"], self.want["run"])}


def largest_difference(losses, want):
    assert len(losses) == len(want), f"{len(losses)} losses, want {len(want)}"
    return max(abs(a / b - 1) if a == a else float("inf") for a, b in zip(losses, want))


def say(text):
    print(text, file=sys.stderr, flush=True)


def numbers(text):
    return [int(word) for word in text.split(",")]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="one short round, to see that it works")
    parser.add_argument("--seconds", type=float, default=4, help="of steps a round and cell (4)")
    parser.add_argument("--rounds", type=int, default=3, help="how often all are timed in turn (3)")
    parser.add_argument("--runs", type=int, default=3, help="whole runs each (3)")
    parser.add_argument("--steps", type=int, default=500, help="steps of a whole run (500)")
    parser.add_argument("--n", type=numbers, default=[4, 5], help="letters (4,5)")
    parser.add_argument("--threads", type=numbers, default=[1, 2], help="threads (1,2)")
    parser.add_argument("--peers", type=lambda text: text.split(","), default=list(PEERS),
                        help="which: " + ",".join(PEERS))
    parser.add_argument("--clearhead", default="build/clearhead")
    parser.add_argument("--venvs", default=HERE, help="folder of the virtual environments")
    parser.add_argument("--out", default=HERE, help="folder of results.md and results.json")
    args = parser.parse_args()
    if args.quick:
        args.seconds, args.rounds, args.runs, args.steps = .3, 1, 1, 50
    args.clearhead = os.path.abspath(args.clearhead)
    unknown = [name for name in args.peers if name not in PEERS]
    if unknown:
        parser.error(f"--peers has {unknown[0]}, want some of {','.join(PEERS)}")
    args.peers = ["clearhead"] + [name for name in args.peers if name != "clearhead"]
    try:  # now, not after half an hour
        os.makedirs(args.out, exist_ok=True)
    except OSError as reason:
        parser.error(f"--out {args.out}: {reason.strerror}")
    return args


def main():
    args = arguments()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as work:
        comparison = Comparison(args, work)
        comparison.prepare()
        well = comparison.check()
        comparison.time_all()
        if 4 in args.n:
            comparison.run_all()
    results = {"date": date.today().isoformat(), "machine": table.machine(), "isa": comparison.isa,
               "load_before": load, "versions": comparison.versions,
               "method": {k: getattr(args, k) for k in
                          ("seconds", "rounds", "runs", "steps", "n", "threads")},
               "peers": comparison.rows}
    with open(os.path.join(args.out, "results.json"), "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1)
        file.write("\n")
    text = table.markdown(json.loads(json.dumps(results)))
    with open(os.path.join(args.out, "results.md"), "w", encoding="utf-8") as file:
        file.write(text)
    print(text)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
