#!/usr/bin/env python3
"""Do exported weights give the same logits in the real TransformerLens?

    pip install -r tests/golden/requirements.txt
    clearhead export RUN --to DIR
    clearhead cache RUN --tokens FILE.json --out CACHE.safetensors
    python scripts/check_export.py DIR CACHE.safetensors --tokens FILE.json

Compares `logits`, and every activation the cache holds, and prints the largest relative error of
each kind. Exit status 1 when one is above 1e-5, 2 when the files cannot be compared. --tokens may
be left out when the cache holds a tensor `tokens` or `hook_tokens`.
"""
import argparse
import json
import os
import sys

import torch
from safetensors.torch import load_file
from transformer_lens import HookedTransformer, HookedTransformerConfig

BOUND = 1e-5
BUFFERS = (".attn.mask", ".attn.IGNORE")  # TransformerLens' constants, not parameters


def load_model(folder):
    """The exported model; every parameter must be in the file, and nothing else."""
    with open(os.path.join(folder, "cfg.json"), encoding="utf-8") as file:
        config = json.load(file)
    config["dtype"] = getattr(torch, config.get("dtype", "float32").removeprefix("torch."))
    config["device"] = "cpu"
    model = HookedTransformer(HookedTransformerConfig.from_dict(config))
    keys = model.load_state_dict(load_file(os.path.join(folder, "model.safetensors")),
                                 strict=False)
    missing = [key for key in keys.missing_keys if not key.endswith(BUFFERS)]
    if missing or keys.unexpected_keys:
        sys.exit(fail(f"{folder}/model.safetensors: missing {missing}, "
                      f"not TransformerLens' {keys.unexpected_keys}"))
    return model


def fail(text):
    print(text, file=sys.stderr)
    return 2


def find_tokens(path, cache):
    """[batch, pos] from the JSON file, or from the cache."""
    if path:
        with open(path, encoding="utf-8") as file:
            return torch.tensor(json.load(file))
    for name in ("tokens", "hook_tokens"):
        if name in cache:
            return cache[name].round().long()
    sys.exit(fail("no tokens: the cache has neither tokens nor hook_tokens, give --tokens"))


def relative_error(ours, theirs):
    """max |ours - theirs| over max |theirs|; infinity when -inf stands elsewhere."""
    if ours.shape != theirs.shape:
        sys.exit(fail(f"shape {list(ours.shape)}, TransformerLens has {list(theirs.shape)}"))
    finite = torch.isfinite(theirs)
    if not torch.equal(ours[~finite], theirs[~finite]):
        return float("inf")
    scale = theirs[finite].abs().max()
    return ((ours[finite] - theirs[finite]).abs().max() / scale).item()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", help="what `clearhead export` wrote")
    parser.add_argument("cache", help="what `clearhead cache` wrote from the same run")
    parser.add_argument("--tokens", help="the JSON the cache was made from")
    args = parser.parse_args()

    model = load_model(args.folder)
    cache = load_file(args.cache)
    if "logits" not in cache:
        return fail(f"{args.cache}: no tensor logits")
    with torch.no_grad():
        logits, theirs = model.run_with_cache(find_tokens(args.tokens, cache),
                                              return_cache_object=False)
    worst = relative_error(cache["logits"], logits)
    print(f"logits: max relative error {worst:.2e}")
    shared = sorted(set(theirs) & set(cache))
    if shared:
        errors = {name: relative_error(cache[name], theirs[name].float()) for name in shared}
        name = max(errors, key=errors.get)
        print(f"{len(shared)} activations: max relative error {errors[name]:.2e}, in {name}")
        worst = max(worst, errors[name])
    return 0 if worst <= BOUND else 1


if __name__ == "__main__":
    sys.exit(main())
