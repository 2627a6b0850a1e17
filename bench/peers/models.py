#!/usr/bin/env python3
"""Small models of the field beside PyTorch: same weights, data, loss, clipping and AdamW.

    bench/peers/models.py                                   all models, 1 and 2 threads
    bench/peers/models.py --models mod,mlp256 --threads 1 --rounds 5
    bench/peers/models.py --python ENV/bin/python           one with torch, numpy and safetensors

First the losses of a few steps are held against ours, to 1e-5 relative; then each is timed in turn,
--rounds times. Prints Markdown: the least and the median time of a step over the rounds. Time is the
clock on the wall; with --cpu it is that of the process (1 thread), on a machine that others use too.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile

from launch import environment

HERE = os.path.dirname(os.path.abspath(__file__))
AGREE = 1e-5

# name: (what it is, words of `clearhead train`, steps that are compared, steps that are timed)
MODELS = {
    "mod": ("modular addition p=113: 1 layer, 4 heads, d_model 128, d_mlp 512, 3,830 x 4",
            "--task modular_addition --batch 3830 --n-layers 1 --n-heads 4 --d-model 128 "
            "--attn-only=false --d-mlp 512 --act-fn relu", 20, 10),
    "attn2": ("2 layers, 4 heads, d_model 128, attention only, 16 x 122",
              "--task induction --repeat-length 61 --repeat-least 61 --batch 16 --n-layers 2 "
              "--n-heads 4 --d-model 128", 20, 40),
    "mlp256": ("2 layers, 8 heads, d_model 256, d_mlp 1,024, 16 x 122",
               "--task permutations --n 4 --batch 16 --n-layers 2 --n-heads 8 --d-model 256 "
               "--attn-only=false --d-mlp 1024 --act-fn gelu", 20, 6),
    "mlp512": ("4 layers, 8 heads, d_model 512, d_mlp 2,048, 8 x 256",
               "--task induction --repeat-length 128 --repeat-least 128 --batch 8 --n-layers 4 "
               "--n-heads 8 --d-model 512 --attn-only=false --d-mlp 2048 --act-fn gelu", 5, 2),
    "short": ("1 layer, 4 heads, d_model 64, d_mlp 256, 8,192 x 9",
              "--task sorting --sort-length 4 --sort-values 40 --batch 8192 --n-layers 1 "
              "--n-heads 4 --d-model 64 --attn-only=false --act-fn relu --schedule constant "
              "--epoch-sequences 8192", 20, 4),
}
PEERS = {"torch": "eager", "torch-compile": "compile"}


def run(command, threads, cache):
    """Standard output, and the process's user time."""
    processors = ",".join(map(str, sorted(os.sched_getaffinity(0), reverse=True)[:threads]))
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run(["taskset", "-c", processors, *command], check=False, text=True,
                          capture_output=True, env=environment(threads, cache), cwd=HERE)
    if done.returncode:
        sys.exit(f"models.py: {' '.join(command)}: {done.stderr.strip().splitlines()[-3:]}")
    return done.stdout, resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def prepare(clearhead, folder, words, steps):
    """start/ and tokens.jsonl, as common.py reads them."""
    subprocess.run([clearhead, "train", *words, "--steps", "0", "--out",
                    os.path.join(folder, "start")], check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(folder, "start", "config.json"), encoding="utf-8") as file:
        settings = json.load(file)
    ours_only = {"--batch": 1, "--n-layers": 1, "--n-heads": 1, "--d-model": 1, "--d-mlp": 1,
                 "--act-fn": 1, "--attn-only=false": 0, "--schedule": 1,
                 "--epoch-sequences": 1}
    task, left = [], 0
    for word in words:
        left -= 1
        if word in ours_only:
            left = ours_only[word] + 1
        if left <= 0:
            task.append(word)
    with open(os.path.join(folder, "tokens.jsonl"), "w", encoding="utf-8") as lines:
        subprocess.run([clearhead, "data", *task, "--split", "train", "--tokens", "--first",
                        str(steps * settings["batch"])], check=True, stdout=lines)


def our_losses(clearhead, folder, words, steps):
    out = os.path.join(folder, "run")
    run([clearhead, "train", *words, "--steps", str(steps), "--threads", "1", "--eval-every", "0",
         "--out", out], 1, folder)
    with open(os.path.join(out, "metrics.jsonl"), encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [row["loss"] for row in rows if row["type"] == "step"]


def our_cpu(clearhead, folder, words, steps):
    """User time of a step: a run of many less one of few."""
    took = []
    for count in (1, 1 + steps):
        out = os.path.join(folder, f"cpu-{len(os.listdir(folder))}")
        took.append(run([clearhead, "train", *words, "--steps", str(count), "--threads", "1",
                         "--eval-every", "0", "--checkpoint-every", "0", "--out", out],
                        1, folder)[1])
    return (took[1] - took[0]) / steps


def our_wall(clearhead, folder, words, threads, seconds):
    out, _ = run([clearhead, "bench", *words, "--threads", str(threads), "--seconds", str(seconds),
                  "--json"], threads, folder)
    rows = json.loads(out)["tables"]["steps"]
    return min(row["seconds"]["value"] for row in rows if row["threads"] == threads)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clearhead", default=os.path.join(HERE, "../../build/clearhead"))
    parser.add_argument("--python", default=os.path.join(HERE, ".venv-torch/bin/python"))
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--peers", default="torch")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--cpu", action="store_true", help="time of the process, 1 thread")
    args = parser.parse_args()
    clearhead = os.path.abspath(args.clearhead)
    counts = [1] if args.cpu else [int(t) for t in args.threads.split(",")]
    print("| model | threads | who | least, ms | median, ms | times ours | loss apart |")
    print("|---|--:|---|--:|--:|--:|--:|")
    for name in args.models.split(","):
        what, words, compared, timed = MODELS[name]
        words = words.split()
        with tempfile.TemporaryDirectory() as folder:
            prepare(clearhead, folder, words, max(compared, timed + 1))
            losses, apart = our_losses(clearhead, folder, words, compared), {"ours": 0.0}
            job = {peer: [args.python, "peer_torch_models.py", PEERS[peer], folder]
                   for peer in args.peers.split(",")}
            for peer, command in job.items():
                out, _ = run([*command, "train", "--steps", str(compared)], 1, folder)
                theirs = json.loads(out)["losses"]
                apart[peer] = max(abs(a - b) / abs(a) for a, b in zip(losses, theirs))
                if not apart[peer] <= AGREE:
                    sys.exit(f"models.py: {name}, {peer}: losses are {apart[peer]:.2g} apart")
            for threads in counts:
                took = {who: [] for who in apart}
                for _ in range(args.rounds):
                    took["ours"].append(our_cpu(clearhead, folder, words, timed) if args.cpu else
                                        our_wall(clearhead, folder, words, threads, args.seconds))
                    for peer, command in job.items():
                        clock = ["--cpu"] if args.cpu else []
                        out, _ = run([*command, "time", "--steps", str(timed + 1), "--seconds",
                                      str(args.seconds), *clock], threads, folder)
                        answer = json.loads(out)
                        took[peer].append(answer["least" if args.cpu else "seconds"])
                for who, seconds in took.items():
                    print(f"| {what} | {threads} | {who} | {1e3 * min(seconds):.3g} | "
                          f"{1e3 * statistics.median(seconds):.3g} | "
                          f"{min(seconds) / min(took['ours']):.3g} | {apart[who]:.1g} |", flush=True)


if __name__ == "__main__":
    main()
