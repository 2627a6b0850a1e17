#!/usr/bin/env python3
"""Write what TransformerLens says of two golden models with something inside them changed.

    python tests/golden/make_edit_golden.py [--out tests/golden/edits]

Weights, config and sequences are those of the case's golden file. An edit is a hook for run_with_hooks()
and the same as JSON for Clearhead (docs/formats.md; "@" stands for the path of the golden file). The file
has the logits of all sequences under each edit as logits.<edit>, the JSON as metadata edit.<edit>, and
tensors that edits write. Computed in float64.
"""
import argparse
import json
import os

import torch
from golden_file import write_golden
from make_patching_golden import CASES, load

HERE = os.path.dirname(os.path.abspath(__file__))


def part_input(model, cache, layer, part, rest):
    """x' of docs/mathematics.md, Parts of an input; x itself."""
    x = cache[f"blocks.{layer}.hook_resid_pre"]
    known = cache["hook_embed" if part == "token" else "hook_pos_embed"].expand_as(x)
    left_out = (x - known).mean(dim=(0, 1)) if rest == "mean" else torch.zeros_like(x[0, 0])
    return known + left_out, x


def scale_of(x, eps):
    centred = x - x.mean(-1, keepdim=True)
    return centred, (centred.pow(2).mean(-1, keepdim=True) + eps).sqrt()


def part_of(model, cache, layer, letter, part, norm, rest):
    """A hook that gives hook_q, hook_k or hook_v what its part of the input makes."""
    made, whole = part_input(model, cache, layer, part, rest)
    block, attn = model.blocks[layer], model.blocks[layer].attn
    if norm == "recomputed":
        normalized = block.ln1(made)
    else:
        centred, _ = scale_of(made, model.cfg.eps)
        normalized = centred / scale_of(whole, model.cfg.eps)[1] * block.ln1.w + block.ln1.b
    W, b = getattr(attn, f"W_{letter.upper()}"), getattr(attn, f"b_{letter.upper()}")
    value = torch.einsum("bpm,hmd->bphd", normalized, W) + b
    return lambda tensor, hook: value.clone()


def one_hot(tensor, hook):
    best = tensor.argmax(-1, keepdim=True)
    return torch.zeros_like(tensor).scatter_(-1, best, 1.0)


def without(keys):
    def edit(tensor, hook):
        kept = tensor.clone()
        kept[..., keys] = 0
        total = kept.sum(-1, keepdim=True)
        return torch.where(total > 0, kept / total, kept)
    return edit


def edits_of(model, tokens, tensors):
    """name -> (list of Clearhead edits, list of hooks)."""
    last, (_, cache) = model.cfg.n_layers - 1, model.run_with_cache(tokens)
    pattern, z = f"blocks.{last}.attn.hook_pattern", f"blocks.{last}.attn.hook_z"
    head = model.cfg.n_heads - 1
    generator = torch.Generator().manual_seed(7)
    draw = {"generator": generator, "dtype": torch.float64}
    tensors["vector"] = torch.randn(model.cfg.d_model, **draw)
    length = tokens.shape[1]
    tensors["matrix"] = torch.softmax(torch.randn(length, length, **draw).tril(), -1).tril()

    def zero(tensor, hook):
        tensor[:, [2, -3], head] = 0
        return tensor

    def add(tensor, hook):
        tensor[:, [4]] += tensors["vector"]
        return tensor

    def part(layer, letter, *arguments):
        name = f"blocks.{layer}.attn.hook_{letter}"
        return (dict(zip(("kind", "site", "part", "norm", "rest"), ("part", name) + arguments)),
                (name, part_of(model, cache, layer, letter, *arguments)))

    def mean(tensor, hook):
        return cache[hook.name].mean(0, keepdim=True).expand_as(tensor).clone()

    def patch(tensor, hook):
        return cache[hook.name][1:2].expand_as(tensor).clone()

    def matrix(tensor, hook):
        return tensors["matrix"].expand_as(tensor).clone()

    source = tokens[1].tolist()
    positions = part(0, "k", "position", "recomputed", "mean")
    values = part(0, "v", "token", "frozen", "zero")
    deep = part(last, "v", "token", "recomputed", "mean")
    query = part(last, "q", "position", "frozen", "mean")
    return {
        "zero": ([{"kind": "zero", "site": z, "heads": [head], "positions": [2, -3]}], [(z, zero)]),
        "mean": ([{"kind": "mean", "site": pattern}], [(pattern, mean)]),
        "patch": ([{"kind": "patch", "site": z, "from": {"tokens": source}}], [(z, patch)]),
        "add": ([{"kind": "add", "site": "blocks.0.hook_resid_pre", "positions": [4], "file": "@",
                  "tensor": "vector"}], [("blocks.0.hook_resid_pre", add)]),
        "set": ([{"kind": "set", "site": pattern, "file": "@", "tensor": "matrix"}],
                [(pattern, matrix)]),
        "one_hot": ([{"kind": "one_hot"}],
                    [(f"blocks.{layer}.attn.hook_pattern", one_hot) for layer in range(last + 1)]),
        "without": ([{"kind": "without", "sources": [1, 3], "site": pattern}],
                    [(pattern, without([1, 3]))]),
        "part": ([positions[0], values[0]], [positions[1], values[1]]),
        "part_deep": ([deep[0], query[0]], [deep[1], query[1]]),
    }


def make(case, folder):
    model, tokens = load(case)
    tensors = {"tokens": tokens}
    metadata = {"made_with": f"transformer_lens 2.4.0, torch {torch.__version__}"}
    for name, (edits, hooks) in edits_of(model, tokens, tensors).items():
        tensors[f"logits.{name}"] = model.run_with_hooks(tokens, fwd_hooks=hooks)
        metadata[f"edit.{name}"] = json.dumps({"format": "clearhead-edits-1", "edits": edits})
    os.makedirs(folder, exist_ok=True)
    return write_golden(os.path.join(folder, case + ".safetensors"),
                        {name: value.detach() for name, value in tensors.items()}, metadata)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default=os.path.join(HERE, "edits"))
    arguments = parser.parse_args()
    with torch.no_grad():
        for case in CASES:
            print(f"{case}: {make(case, arguments.out)} bytes")


if __name__ == "__main__":
    main()
