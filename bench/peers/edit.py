#!/usr/bin/env python3
"""A forward pass with an edit over many sequences: TransformerLens beside Clearhead, on the same weights.

    taskset -c 0 bench/peers/edit.py build/clearhead runs/notebook [--count 2000]

Each edit of the list is made on the first held-out sequences by run_with_hooks() and by `clearhead edit`, with
one thread; both take loss and accuracy of the scored predictions. Prints seconds of each (the least of
--rounds), their ratio and both losses. What is timed is the pass over all sequences with the loss: start,
loading, means (both make them before) and intervals are left out. TransformerLens runs in batches of
--batch; the default is the fastest of those tried (1, 5, 20, 50, 200) on one machine.
"""
import argparse
import json
import os
import re
import subprocess
import tempfile
import time

import torch
from safetensors.torch import load_file
from transformer_lens import HookedTransformer, HookedTransformerConfig

EDITS = {
    "none": [],
    "zero z": [{"kind": "zero", "site": "blocks.0.attn.hook_z"}],
    "one-hot pattern": [{"kind": "one_hot"}],
    "mean pattern": [{"kind": "mean", "site": "blocks.0.attn.hook_pattern"}],
    "q, k from positions": [{"kind": "part", "site": "blocks.0.attn.hook_[qk]", "part": "position"}],
}


def hooks_of(model, name, tokens):
    """The same edit for run_with_hooks(), whatever it takes from all sequences made ready."""
    pattern, z = "blocks.0.attn.hook_pattern", "blocks.0.attn.hook_z"

    def one_hot(tensor, hook):
        return torch.zeros_like(tensor).scatter_(-1, tensor.argmax(-1, keepdim=True), 1.0)

    if name == "none":
        return []
    if name == "zero z":
        return [(z, lambda tensor, hook: torch.zeros_like(tensor))]
    if name == "one-hot pattern":
        return [(pattern, one_hot)]
    if name == "mean pattern":
        total = sum(model.run_with_cache(part, names_filter=pattern)[1][pattern].double().sum(0)
                    for part in tokens.split(100))
        mean = (total / len(tokens)).float()
        return [(pattern, lambda tensor, hook: mean.expand_as(tensor))]
    x = model.W_pos[:tokens.shape[1]] + model.W_E[tokens.reshape(-1)].mean(0)
    normalized, attn = model.blocks[0].ln1(x[None]), model.blocks[0].attn

    def projected(W, b):
        value = torch.einsum("bpm,hmd->bphd", normalized, W) + b
        return lambda tensor, hook: value.expand_as(tensor)
    return [("blocks.0.attn.hook_q", projected(attn.W_Q, attn.b_Q)),
            ("blocks.0.attn.hook_k", projected(attn.W_K, attn.b_K))]


def theirs(model, tokens, first, hooks, batch):
    """Seconds, loss and accuracy."""
    loss = correct = 0
    begin = time.perf_counter()
    for part in tokens.split(batch):
        logits = model.run_with_hooks(part, fwd_hooks=hooks)[:, first - 1:-1]
        chosen = logits.log_softmax(-1).gather(-1, part[:, first:, None])
        loss -= chosen.sum().item()
        correct += (logits.argmax(-1) == part[:, first:]).sum().item()
    seconds = time.perf_counter() - begin
    scored = tokens[:, first:].numel()
    return seconds, loss / scored, correct / scored


def ours(arguments, path):
    command = [arguments.clearhead, "edit", arguments.run, "--edits", path, "--count",
               str(arguments.count), "--threads", "1", "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    after = json.loads(done.stdout)["after"]
    return (float(re.search(r"edited ([0-9.]+) s", done.stderr)[1]), after["loss"][0],
            after["token_accuracy"][0])


def load(arguments, folder):
    subprocess.run([arguments.clearhead, "export", arguments.run, "--to", folder], check=True,
                   capture_output=True)
    with open(os.path.join(folder, "cfg.json"), encoding="utf-8") as file:
        model = HookedTransformer(HookedTransformerConfig.from_dict(json.load(file)))
    model.load_state_dict(load_file(os.path.join(folder, "model.safetensors")), strict=False)
    lines = subprocess.run([arguments.clearhead, "data", "--config",
                            os.path.join(arguments.run, "config.json"), "--split", "test", "--first",
                            str(arguments.count), "--tokens"], check=True, capture_output=True,
                           text=True).stdout.splitlines()
    return model, torch.tensor([json.loads(line) for line in lines])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clearhead")
    parser.add_argument("run")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        model, tokens = load(arguments, folder)
        with open(os.path.join(arguments.run, "config.json"), encoding="utf-8") as file:
            first = json.load(file)["n"] + 2
        for name, edits in EDITS.items():
            path = os.path.join(folder, "edits.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump({"format": "clearhead-edits-1", "edits": edits}, file)
            hooks = hooks_of(model, name, tokens)
            peer = min(theirs(model, tokens, first, hooks, arguments.batch)
                       for _ in range(arguments.rounds))
            mine = min(ours(arguments, path) for _ in range(arguments.rounds))
            print(f"{name:20} TransformerLens {peer[0]:.3f} s, Clearhead {mine[0]:.3f} s: "
                  f"{peer[0] / mine[0]:.0f} times; loss {peer[1]:.6f}, {mine[1]:.6f}; "
                  f"accuracy {peer[2]:.6f}, {mine[2]:.6f}")


if __name__ == "__main__":
    main()
