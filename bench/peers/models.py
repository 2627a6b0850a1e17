#!/usr/bin/env python3
"""Small models of the field beside PyTorch and JAX: same weights, data, loss, clipping and AdamW.

    bench/peers/run.sh models                               makes the environments, then all of it
    bench/peers/models.py --models mod,mlp256 --peers torch,jax --threads 1 --rounds 3
    bench/peers/models.py --python ENV/bin/python           one with torch, numpy and safetensors
    bench/peers/models.py --python-jax ENV/bin/python       one with jax, numpy and safetensors

Every process first makes some steps (all of --steps once, with the most threads; else two), whose
losses are held against ours, to 1e-5 relative; who differs is named, its time is left out, and the
exit code is 1. Then it is timed: each model and number of threads, all peers in turn, --rounds times.
The table is written to --out as it grows, and printed at the end. A time is the median of the
rounds' medians; with --cpu, for machines that others use too, the least time of the process (1 thread).
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

from launch import environment
from peers import Peer

HERE = os.path.dirname(os.path.abspath(__file__))
AGREE = 1e-5


@dataclass
class Model:
    what: str
    task: str      # words of `clearhead data` and `train`
    model: str     # words of `clearhead train` alone
    compared: int  # steps whose losses are compared
    timed: int     # batches that are timed


MODELS = {
    "mod": Model("modular addition p = 113: 1 layer, 4 heads, d_model 128, d_mlp 512, 3,830 x 4",
                 "--task modular_addition", "--batch 3830 --n-layers 1 --n-heads 4 --d-model 128 "
                 "--attn-only=false --d-mlp 512 --act-fn relu", 20, 4),
    "attn2": Model("2 layers, 4 heads, d_model 128, attention only, 16 x 122",
                   "--task induction --repeat-length 61 --repeat-least 61",
                   "--batch 16 --n-layers 2 --n-heads 4 --d-model 128", 20, 20),
    "mlp256": Model("2 layers, 8 heads, d_model 256, d_mlp 1,024, 16 x 122",
                    "--task permutations --n 4", "--batch 16 --epoch-sequences 1600 --n-layers 2 "
                    "--n-heads 8 --d-model 256 --attn-only=false --d-mlp 1024 --act-fn gelu", 20, 4),
    "short": Model("1 layer, 4 heads, d_model 64, d_mlp 256, 8,192 x 8",
                   "--task induction --repeat-length 4 --repeat-least 4",
                   "--batch 8192 --epoch-sequences 8192 --n-layers 1 --n-heads 4 --d-model 64 "
                   "--attn-only=false --d-mlp 256 --act-fn relu", 20, 2),
    "rotary": Model("3 layers, 4 heads, d_model 128, rotary, RMS, gated MLP of 512, 16 x 122",
                    "--task permutations --n 4", "--batch 16 --epoch-sequences 1600 --n-layers 3 "
                    "--n-heads 4 --d-model 128 --positional-embedding-type rotary "
                    "--normalization-type RMS --attn-only=false --gated-mlp --d-mlp 512 "
                    "--act-fn silu", 20, 8),
    "mlp512": Model("4 layers, 8 heads, d_model 512, d_mlp 2,048, 8 x 256",
                    "--task induction --repeat-length 128 --repeat-least 128",
                    "--batch 8 --n-layers 4 --n-heads 8 --d-model 512 --attn-only=false "
                    "--d-mlp 2048 --act-fn gelu", 20, 1),
}
PEERS = {
    "torch": Peer("PyTorch, eager", "peer_torch_models", "eager", "torch"),
    "torch-compile": Peer("PyTorch, compile", "peer_torch_models", "compile", "torch"),
    "jax": Peer("JAX, jitted step", "peer_jax_models", "step", "jax"),
}


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(command, threads, cache):
    """Standard output, and the process's user time."""
    processors = ",".join(map(str, sorted(os.sched_getaffinity(0), reverse=True)[:threads]))
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run(["taskset", "-c", processors, *command], check=False, text=True,
                          capture_output=True, env=environment(threads, cache), cwd=HERE)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip().splitlines()[-3:]}")
    return done.stdout, resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


class Measured:
    """One model: its start, its data, our losses; what everybody took."""

    def __init__(self, name, args, work):
        self.name, self.args, self.model = name, args, MODELS[name]
        self.folder = os.path.join(work, name)
        self.task, self.words = self.model.task.split(), self.model.model.split()
        self.took = {}   # (who, threads): seconds of each round
        self.apart = {}  # who: the largest relative difference of a loss
        self.share = {}  # threads: our share of the peak, of each round
        self.compared = min(self.model.compared, args.steps)

    def train(self, out, steps, threads=1):
        out = os.path.join(self.folder, out)
        _, user = run([self.args.clearhead, "train", *self.task, *self.words, "--steps", str(steps),
                       "--threads", str(threads), "--eval-every", "0", "--checkpoint-every", "0",
                       "--out", out], threads, self.folder)
        return out, user

    def prepare(self):
        """start/ and tokens.jsonl, as common.py reads them, and our losses."""
        os.makedirs(self.folder)
        start, _ = self.train("start", 0)
        with open(os.path.join(start, "config.json"), encoding="utf-8") as file:
            batch = json.load(file)["batch"]
        count = max(self.compared, self.model.timed) * batch
        with open(os.path.join(self.folder, "tokens.jsonl"), "w", encoding="utf-8") as lines:
            subprocess.run([self.args.clearhead, "data", *self.task, "--split", "train", "--tokens",
                            "--first", str(count)], check=True, stdout=lines,
                           stderr=subprocess.DEVNULL)
        out, _ = self.train("run", self.compared)
        with open(os.path.join(out, "metrics.jsonl"), encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        self.losses = [row["loss"] for row in rows if row["type"] == "step"]

    def time_ours(self, threads):
        if self.args.cpu:  # user time: a run of many steps less one of few
            few, many = (self.train(f"cpu-{len(os.listdir(self.folder))}", 1 + steps)[1]
                         for steps in (0, 2 * self.model.timed))
            return (many - few) / (2 * self.model.timed)
        out, _ = run([self.args.clearhead, "bench", *self.task, *self.words, "--threads",
                      str(threads), "--seconds", str(self.args.seconds), "--json"],
                     threads, self.folder)
        rows = json.loads(out)["tables"]["steps"]
        best = min((row for row in rows if row["threads"] == threads),
                   key=lambda row: row["seconds"]["value"])
        self.share.setdefault(threads, []).append(best["ratio"])
        return best["seconds"]["value"]

    def time_peer(self, who, threads, compared):
        """Its time of a step; None where its losses are not ours."""
        peer = PEERS[who]
        python = self.args.python if peer.venv == "torch" else self.args.python_jax
        out, _ = run([python, peer.module + ".py", peer.variant, self.folder, "time", "--steps",
                      str(max(compared, self.model.timed)), "--losses", str(compared), "--seconds",
                      str(self.args.seconds), *(["--cpu"] if self.args.cpu else [])],
                     threads, self.args.cache)
        answer = json.loads(out.splitlines()[-1])
        for ours, theirs in zip(self.losses, answer["losses"]):
            apart = abs(theirs / ours - 1) if theirs == theirs else float("inf")
            self.apart[who] = max(self.apart.get(who, 0), apart)
        if not self.apart[who] <= AGREE:
            say(f"models.py: {self.name}, {who}: losses are {self.apart[who]:.2g} apart")
            return None
        return answer["least" if self.args.cpu else "seconds"]

    def measure(self, threads, first):
        """Everybody in turn. False where somebody's losses are not ours."""
        well, compared = True, self.compared if first else min(2, self.compared)
        for who in ["ours", *self.args.peers]:
            say(f"{self.name}, {threads} threads: {who}")
            try:
                seconds = (self.time_ours(threads) if who == "ours" else
                           self.time_peer(who, threads, compared))
            except RuntimeError as reason:
                say(f"models.py: {reason}")
                seconds = None
            if seconds is None:
                well = False
            else:
                self.took.setdefault((who, threads), []).append(seconds)
        return well

    def seconds(self, who, threads):
        took = self.took.get((who, threads))
        return took and (min(took) if self.args.cpu else statistics.median(took))


def table(models, counts, peers):
    """Markdown: a row for a model and a number of threads."""
    def number(x, form="{:.3g}"):
        return "–" if x is None else form.format(x)

    lines = ["| model | threads | Clearhead, ms | of the peak | two threads over one | "
             + "".join(f"{PEERS[who].label}, ms | " for who in peers)
             + "over the fastest | loss apart |",
             "|---|--:|--:|--:|--:|" + "--:|" * len(peers) + "--:|--:|"]
    for model in models:
        for threads in counts:
            ours = model.seconds("ours", threads)
            theirs = [model.seconds(who, threads) for who in peers]
            fastest = min((t for t in theirs if t), default=None)
            one = model.seconds("ours", 1) if threads > 1 else None
            share = model.share.get(threads)
            cells = [model.model.what, str(threads), number(ours and 1e3 * ours),
                     number(share and statistics.median(share), "{:.2f}"),
                     number(one / ours if one and ours else None, "{:.2f}"),
                     *(number(t and 1e3 * t) for t in theirs),
                     number(fastest / ours if fastest and ours else None, "{:.2f}"),
                     number(max(model.apart.values(), default=None), "{:.0e}")]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    words = lambda text: text.split(",")  # noqa: E731
    parser.add_argument("--clearhead", default=os.path.join(HERE, "../../build/clearhead"))
    parser.add_argument("--python", default=os.path.join(HERE, ".venv-torch/bin/python"))
    parser.add_argument("--python-jax", default=os.path.join(HERE, ".venv-jax/bin/python"))
    parser.add_argument("--models", type=words, default=list(MODELS), help=",".join(MODELS))
    parser.add_argument("--peers", type=words, default=list(PEERS), help=",".join(PEERS))
    parser.add_argument("--threads", type=words, default=["1", "2"],
                        help="1,2")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=float("inf"),
                        help="no round is begun that would end later than this")
    parser.add_argument("--seconds", type=float, default=2, help="of steps a round (2)")
    parser.add_argument("--steps", type=int, default=20, help="whose losses are compared (20)")
    parser.add_argument("--cpu", action="store_true", help="time of the process, 1 thread")
    parser.add_argument("--cache", help="folder where compiled code stays for another time")
    parser.add_argument("--out", help="file of the table")
    args = parser.parse_args()
    for given, known in ((args.models, MODELS), (args.peers, PEERS)):
        unknown = [name for name in given if name not in known]
        if unknown:
            parser.error(f"{unknown[0]} is not known, want some of {','.join(known)}")
    if args.steps < 1:
        parser.error(f"--steps is {args.steps}, want 1 or more")
    args.threads = [1] if args.cpu else [int(count) for count in args.threads]
    for name in ("clearhead", "cache"):
        if getattr(args, name):
            setattr(args, name, os.path.abspath(getattr(args, name)))
    return args


def main():
    args, well = arguments(), True
    with tempfile.TemporaryDirectory() as work:
        args.cache = args.cache or os.path.join(work, "cache")
        models = [Measured(name, args, work) for name in args.models]
        began = time.monotonic()
        for turn in range(args.rounds):
            took = (time.monotonic() - began) / 60
            if turn and took * (turn + 1) / turn > args.minutes:
                say(f"models.py: {turn} rounds took {took:.1f} minutes: no more are begun")
                break
            for model in models:
                if turn == 0:
                    model.prepare()
                for threads in args.threads:
                    well &= model.measure(threads, turn == 0 and threads == max(args.threads))
                    if args.out:
                        with open(args.out, "w", encoding="utf-8") as file:
                            file.write(table(models, args.threads, args.peers))
        print(table(models, args.threads, args.peers), end="")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
