#!/usr/bin/env python3
"""Activation patching of one pair of prompts: TransformerLens beside Clearhead, on the same weights.

    taskset -c 0 bench/peers/patching.py build/clearhead runs/notebook [--clean abcd --corrupt wxyz]

Both patch resid_pre, attn_out, q, k, v, z and pattern at every position, with one thread; the metric is
the difference of two logits near the end. Prints the seconds of each (the least of five for Clearhead,
whose process and reading of the run are left out, as Python's start and loading are for TransformerLens),
the ratio, and the largest difference of the results relative to the site's largest.
"""
import argparse
import json
import os
import re
import subprocess
import tempfile
import time
from itertools import permutations

import torch
from safetensors.torch import load_file
from transformer_lens import HookedTransformer, HookedTransformerConfig, patching

VOCABULARY = "> .abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
SITES = {"hook_resid_pre": patching.get_act_patch_resid_pre,
         "hook_attn_out": patching.get_act_patch_attn_out,
         "attn.hook_q": patching.get_act_patch_attn_head_q_by_pos,
         "attn.hook_k": patching.get_act_patch_attn_head_k_by_pos,
         "attn.hook_v": patching.get_act_patch_attn_head_v_by_pos,
         "attn.hook_z": patching.get_act_patch_attn_head_out_by_pos,
         "attn.hook_pattern": patching.get_act_patch_attn_head_pattern_by_pos}


def expand(letters):
    """Token ids [1, length] of the sequence that `letters` asks for."""
    text = ">" + "".join(" " + "".join(term) for term in permutations(letters)) + "."
    return torch.tensor([[VOCABULARY.index(symbol) for symbol in text]])


def ours(arguments, position):
    metric = f"logit_diff:{position}:{arguments.clean[-1]}:{arguments.corrupt[-1]}"
    command = [arguments.clearhead, "patch", arguments.run, "--clean", arguments.clean, "--corrupt",
               arguments.corrupt, "--metric", metric, "--json"]
    runs = [subprocess.run(command, check=True, capture_output=True, text=True) for _ in range(5)]
    seconds = min(float(re.search(r"([0-9.]+) s$", run.stderr.strip())[1]) for run in runs)
    sites = json.loads(runs[0].stdout)["sites"]
    return seconds, {site["name"]: torch.tensor(site["value"], dtype=torch.float64)
                     for site in sites}


def theirs(arguments, folder, position):
    subprocess.run([arguments.clearhead, "export", arguments.run, "--to", folder], check=True,
                   capture_output=True)
    with open(os.path.join(folder, "cfg.json"), encoding="utf-8") as file:
        model = HookedTransformer(HookedTransformerConfig.from_dict(json.load(file)))
    model.load_state_dict(load_file(os.path.join(folder, "model.safetensors")), strict=False)
    clean, corrupted = expand(arguments.clean), expand(arguments.corrupt)
    token, against = (VOCABULARY.index(word[-1]) for word in (arguments.clean, arguments.corrupt))

    def metric(logits):
        return logits[0, position, token] - logits[0, position, against]

    results = {}
    with torch.no_grad():
        begin = time.perf_counter()
        _, cache = model.run_with_cache(clean)
        for name, patch in SITES.items():
            values = patch(model, corrupted, cache, metric)
            for layer in range(model.cfg.n_layers):
                by_head = name[-1] in "qkvz"
                results[f"blocks.{layer}.{name}"] = values[layer].T if by_head else values[layer]
        return time.perf_counter() - begin, results


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clearhead")
    parser.add_argument("run")
    parser.add_argument("--clean", default="abcd")
    parser.add_argument("--corrupt", default="wxyz")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    position = expand(arguments.clean).shape[1] - 3
    seconds, mine = ours(arguments, position)
    with tempfile.TemporaryDirectory() as folder:
        peer_seconds, peers = theirs(arguments, folder, position)
    difference = max(((mine[name] - value).abs().max() / value.abs().max()).item()
                     for name, value in peers.items())
    print(f"patches {sum(value.numel() for value in peers.values())}")
    print(f"TransformerLens {peer_seconds:.3f} s, Clearhead {seconds:.4f} s: "
          f"{peer_seconds / seconds:.0f} times")
    print(f"largest difference {difference:.1e}")


if __name__ == "__main__":
    main()
