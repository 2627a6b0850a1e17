#!/usr/bin/env python3
"""One to one: the notebook's 500 steps in the real TransformerLens and PyTorch, and in ours from the
same weights on the same sequences. Prints the largest relative difference of the losses.

    pip install -r tests/golden/requirements.txt
    python scripts/notebook_loss_pair.py --seeds 8 --clearhead build/clearhead
"""
import argparse
import json
import os
import subprocess
import tempfile

import torch
from notebook_loss_torch import begin, take_steps
from safetensors.torch import save_file


def train_theirs(seed, folder):
    """Losses of all steps; weights before and sequences in their order go into `folder`."""
    model, loader = begin(seed)
    save_file({name: value.clone() for name, value in model.named_parameters()},
              os.path.join(folder, "weights.safetensors"))
    with open(os.path.join(folder, "lines.jsonl"), "w", encoding="utf-8") as lines:
        return take_steps(model, loader, look=lambda tokens: lines.writelines(
            json.dumps(row) + "\n" for row in tokens.tolist()))


def train_ours(clearhead, folder):
    """Losses of all steps from the same weights on the same sequences."""
    path = {name: os.path.join(folder, name) for name in ("weights.safetensors", "lines.jsonl", "run")}
    subprocess.run([clearhead, "train", "--data", path["lines.jsonl"], "--init",
                    path["weights.safetensors"], "--first-scored", "6", "--batch", "4",
                    "--epoch-sequences", "97", "--steps", "500", "--out", path["run"]],
                   check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(path["run"], "metrics.jsonl"), encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [row["loss"] for row in rows if row["type"] == "step"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--clearhead", default="build/clearhead")
    args = parser.parse_args()
    torch.set_num_threads(1)
    for seed in range(args.seeds):
        with tempfile.TemporaryDirectory() as folder:
            theirs = train_theirs(seed, folder)
            ours = train_ours(args.clearhead, folder)
        assert len(ours) == len(theirs) == 500
        apart = [abs(a / b - 1) for a, b in zip(ours, theirs)]
        print(f"seed {seed}: loss {theirs[0]:.4f} to {theirs[-1]:.6f}, "
              f"apart by at most {max(apart):.1e}, at step {apart.index(max(apart)) + 1}", flush=True)


if __name__ == "__main__":
    main()
