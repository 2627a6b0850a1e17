#!/usr/bin/env python3
"""Write the golden files: what the real TransformerLens computes, for the C tests to read.

    pip install -r tests/golden/requirements.txt          # or requirements-today.txt
    python tests/golden/make_golden.py [--out tests/golden] [case ...]

The cases of the TransformerLens that is installed are written.

The format is in README.md beside this file, the cases in golden_cases.py. Everything is
TransformerLens' own output, computed with dtype float64 from parameters that are exact in float32,
and stored as float32: so a file holds the true value, and the distance of TransformerLens' own
float32 from it is measured and stored beside (`float32_error`).
"""
import argparse
import importlib.metadata
import json
import os
import random
import zlib
from itertools import permutations

import torch
from golden_cases import CASES
from golden_file import write_golden
from torch import optim
from transformer_lens import HookedTransformer, HookedTransformerConfig

VERSION = importlib.metadata.version("transformer_lens")
STEPS = 20
TRAIN_BATCH = 4
OPTIMIZER = dict(optimizer="AdamW", lr=1e-3, betas=[0.9, 0.99], eps=1e-8, weight_decay=0.01,
                 max_grad_norm=1.0)
MOVED = 0.1  # std by which biases and norm weights leave 0 and 1
EDIT = 0.3   # std of what an edit adds
ZERO_GRAD = 1e-6  # a gradient below this share of the largest one is zero by algebra (b_K)


def build(case, dtype):
    """The case's model without weights of its own."""
    return HookedTransformer(HookedTransformerConfig(
        **case.config, dtype=dtype, device="cpu", init_weights=False))


def draw_parameters(case):
    """TransformerLens' initialisation, then every bias and norm weight moved."""
    model = build(case, torch.float32)
    model.init_weights()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "W_" not in name:
                parameter += MOVED * torch.randn_like(parameter)
        if case.tied:
            model.unembed.W_U.copy_(model.embed.W_E.T)
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


def draw_sequences(case, count):
    """`count` sequences [count, pos] of the permutation task, or of random tokens."""
    if not case.letters:
        shape = (count, case.pos)
        tokens = torch.randint(case.config["d_vocab"], shape)
        # scored tokens are targets, so they have to exist in the output's vocabulary too
        out = case.config.get("d_vocab_out", case.config["d_vocab"])
        tokens[:, case.first_scored:] %= out
        return tokens
    rows = []
    for _ in range(count):
        chosen = sorted(random.sample(range(3, 65), case.letters))
        terms = [list(term) for term in permutations(chosen)]
        row = [0]
        for term in terms:
            row += [1] + term
        rows.append(row + [2])
    return torch.tensor(rows)


def mean_loss(case, logits, tokens):
    """Mean cross-entropy over the scored positions, as the notebook writes it."""
    log_probs = logits[:, case.first_scored - 1:-1].log_softmax(-1)
    return -log_probs.gather(-1, tokens[:, case.first_scored:, None])[..., 0].mean()


def draw_edits(case, tokens):
    """One tensor per edited hook, of the shape the hook has for `tokens`."""
    _, cache = build(case, torch.float32).run_with_cache(tokens)
    return {name: EDIT * torch.randn(cache[name].shape).abs() for name in case.edits}


def add_hooks(edits, dtype):
    return [(name, lambda value, hook, add=add.to(dtype): value + add)
            for name, add in edits.items()]


def look(case, parameters, tokens, edits, dtype):
    """(activations, logits, loss, gradients, hooks in firing order, all hook points)."""
    model = build(case, dtype)
    model.load_state_dict(parameters, strict=False)
    fired = []
    # edits first, so that the cache records, as a reader in C would, what went on from the hook
    with model.hooks(fwd_hooks=add_hooks(edits, dtype) + [
            (lambda _: True, lambda _, hook: fired.append(hook.name))]):
        logits, cache = model.run_with_cache(tokens, return_cache_object=False)
    loss = mean_loss(case, logits, tokens)
    loss.backward()
    # what nothing reads (W_pos with alibi) has none, and is left out of the file
    gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    if case.tied:
        gradients["embed.W_E"] = gradients["embed.W_E"] + gradients["unembed.W_U"].T
        gradients["unembed.W_U"] = torch.zeros_like(gradients["unembed.W_U"])
    return cache, logits.detach(), loss.detach(), gradients, fired, list(model.hook_dict)


def train(case, parameters, batches, dtype):
    """Losses and gradient norms [STEPS] of the notebook's loop on fixed batches."""
    model = build(case, dtype)
    model.load_state_dict(parameters, strict=False)
    optimizer = optim.AdamW(model.parameters(), lr=OPTIMIZER["lr"], betas=OPTIMIZER["betas"],
                            eps=OPTIMIZER["eps"], weight_decay=OPTIMIZER["weight_decay"])
    losses, norms = [], []
    for tokens in batches:
        loss = mean_loss(case, model(tokens), tokens)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), OPTIMIZER["max_grad_norm"])
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.detach())
        norms.append(norm.detach())
    return torch.stack(losses), torch.stack(norms)


def distance(single, double, floor=0.0):
    """max |single - double| over the finite entries, relative to max |double| or `floor`."""
    finite = torch.isfinite(double)
    assert torch.equal(finite, torch.isfinite(single))
    single, double = single.double()[finite], double.double()[finite]
    return ((single - double).abs().max() / max(double.abs().max().item(), floor)).item()


def float32_error(single, double):
    """How far TransformerLens in float32 is from itself in float64, worst tensor of each kind."""
    largest = max(g.abs().max().item() for g in double["grad"].values())
    error = {"act": max(distance(single["act"][k], v) for k, v in double["act"].items()),
             "logits": distance(single["logits"], double["logits"]),
             "loss": distance(single["loss"], double["loss"])}
    error["grad"] = max(
        distance(single["grad"][k], v, largest if v.abs().max() < ZERO_GRAD * largest else 0.0)
        for k, v in double["grad"].items())
    for key in ("losses", "grad_norms"):
        if key in double:
            error[key] = distance(single[key], double[key])
    return {key: float(f"{value:.1e}") for key, value in error.items()}


def make(case, folder):
    """Compute and write one case; returns the size of its file and its float32_error."""
    seed = zlib.crc32(case.name.encode())
    torch.manual_seed(seed)
    random.seed(seed)
    parameters = draw_parameters(case)
    tokens = draw_sequences(case, case.batch)
    edits = draw_edits(case, tokens)
    batches = [draw_sequences(case, TRAIN_BATCH) for _ in range(STEPS)] if case.steps else []

    results = {}
    for dtype in (torch.float32, torch.float64):
        act, logits, loss, grad, fired, points = look(case, parameters, tokens, edits, dtype)
        results[dtype] = {"act": act, "logits": logits, "loss": loss, "grad": grad}
        if case.steps:
            losses, norms = train(case, parameters, batches, dtype)
            results[dtype].update(losses=losses, grad_norms=norms)
    true = results[torch.float64]
    parameters = {name: parameters[name] for name in true["grad"]}
    kept = lambda name: name.split(".")[-1] not in case.without + case.absent
    true["act"] = {name: act for name, act in true["act"].items() if kept(name)}
    fired = [name for name in fired if kept(name)]
    points = [name for name in points if name.split(".")[-1] not in case.absent]
    error = float32_error(results[torch.float32], true)

    tensors = {"tokens": tokens, "logits": true["logits"], "loss": true["loss"]}
    for prefix, group in (("param", parameters), ("act", true["act"]), ("grad", true["grad"]),
                          ("edit", edits)):
        tensors.update({f"{prefix}.{name}": value for name, value in group.items()})
    if case.steps:
        tensors.update(losses=true["losses"], grad_norms=true["grad_norms"],
                       train_tokens=torch.stack(batches))

    config = dict(build(case, torch.float32).cfg.to_dict(), init_weights=True)
    config["dtype"] = str(config["dtype"])
    config["tie_word_embeddings"] = case.tied
    metadata = {"format": "clearhead-golden-1", "case": case.name, "config": json.dumps(config),
                "first_scored": str(case.first_scored), "hooks": json.dumps(fired),
                "hook_points": json.dumps(points), "optimizer": json.dumps(OPTIMIZER),
                "computed_in": "torch.float64", "float32_error": json.dumps(error),
                "made_with": f"transformer_lens {VERSION}, torch " + torch.__version__.split("+")[0]}
    path = os.path.join(folder, case.name + ".safetensors")
    return write_golden(path, tensors, metadata), error


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", default=os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument("cases", nargs="*", help="names of golden_cases.py; default all")
    args = parser.parse_args()
    torch.set_num_threads(1)
    unknown = set(args.cases) - {case.name for case in CASES}
    if unknown:
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    total = 0
    for case in CASES:
        if case.version != VERSION or (args.cases and case.name not in args.cases):
            continue
        size, error = make(case, args.out)
        total += size
        print(f"{case.name:22s} {size:8d} bytes  TransformerLens float32 against float64: {error}")
    print(f"{total} bytes in all")


if __name__ == "__main__":
    main()
