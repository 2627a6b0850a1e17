#!/usr/bin/env python3
"""Write optimizers.safetensors: parameters after each of 10 steps of PyTorch's optimizers, from
given gradients. Format in README.md beside this file.

    pip install -r tests/golden/requirements.txt
    python tests/golden/make_optimizer_golden.py [--out tests/golden]

Computed in float64 from numbers that are exact in float32, stored as float32.
"""
import argparse
import json
import os

import torch
from golden_file import write_golden
from torch import optim

STEPS = 10
SHAPES = {"a": (7,), "b": (3, 4)}
# A large learning rate, so that an error in the update is an error in the parameter.
LR = [0.1] * STEPS
LR_CHANGING = [0.02, 0.05, 0.1, 0.1, 0.1, 0.08, 0.05, 0.02, 0.01, 0.0]

# name, class, arguments, learning rate of each step, max_grad_norm (0: none)
VARIANTS = [
    ("adamw", optim.AdamW, dict(betas=(0.9, 0.99), eps=1e-8, weight_decay=0.01), LR, 0.0),
    ("adamw_notebook", optim.AdamW, dict(betas=(0.9, 0.99), eps=1e-8, weight_decay=0.01),
     [1e-3] * STEPS, 1.0),
    ("adamw_default_betas", optim.AdamW, dict(betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01),
     LR, 0.0),
    ("adamw_decay", optim.AdamW, dict(betas=(0.9, 0.99), eps=1e-8, weight_decay=0.5), LR, 0.0),
    ("adamw_no_decay", optim.AdamW, dict(betas=(0.9, 0.99), eps=1e-8, weight_decay=0.0), LR, 0.0),
    ("adamw_eps", optim.AdamW, dict(betas=(0.9, 0.99), eps=0.1, weight_decay=0.01), LR, 0.0),
    ("adamw_clip", optim.AdamW, dict(betas=(0.9, 0.99), eps=1e-8, weight_decay=0.01), LR, 1.0),
    ("adamw_lr_changing", optim.AdamW, dict(betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1),
     LR_CHANGING, 0.0),
    ("adam", optim.Adam, dict(betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0), LR, 0.0),
    ("adam_decay", optim.Adam, dict(betas=(0.9, 0.999), eps=1e-8, weight_decay=0.5), LR, 0.0),
    ("sgd", optim.SGD, dict(momentum=0.0, weight_decay=0.0), LR, 0.0),
    ("sgd_decay", optim.SGD, dict(momentum=0.0, weight_decay=0.5), LR, 0.0),
    ("sgd_momentum", optim.SGD, dict(momentum=0.9, weight_decay=0.0), LR, 0.0),
    ("sgd_momentum_decay", optim.SGD, dict(momentum=0.9, weight_decay=0.5), LR, 0.0),
    ("sgd_clip", optim.SGD, dict(momentum=0.9, weight_decay=0.1), LR, 0.5),
]


def draw_gradients():
    """[STEPS, ...] for each tensor: total norms on both sides of 1, one step of zeros, one element
    that is always zero and one of the size of Adam's eps."""
    gradients = {name: torch.randn(STEPS, *shape) for name, shape in SHAPES.items()}
    scale = torch.tensor([1.0, 0.1, 2.0, 0.05, 0.0, 1.0, 0.2, 3.0, 0.01, 0.5])
    for value in gradients.values():
        value *= scale.view(-1, *[1] * (value.dim() - 1))
    gradients["a"][:, 0] = 0.0
    gradients["a"][:, 1] *= 1e-8
    return gradients


def follow(cls, settings, rates, max_norm, start, gradients):
    """({name: [STEPS, ...] parameters after each step}, norms before clipping [STEPS])."""
    parameters = {name: torch.nn.Parameter(value.double()) for name, value in start.items()}
    optimizer = cls(parameters.values(), lr=rates[0], **settings)
    trace, norms = {name: [] for name in parameters}, []
    for step, rate in enumerate(rates):
        for group in optimizer.param_groups:
            group["lr"] = rate
        for name, parameter in parameters.items():
            parameter.grad = gradients[name][step].double()
        norms.append(torch.nn.utils.clip_grad_norm_(parameters.values(),
                                                    max_norm or float("inf")))
        optimizer.step()
        for name, parameter in parameters.items():
            trace[name].append(parameter.detach().clone())
    return {name: torch.stack(values) for name, values in trace.items()}, torch.stack(norms)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", default=os.path.dirname(os.path.abspath(__file__)))
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(3)

    start = {name: torch.randn(shape) for name, shape in SHAPES.items()}
    gradients = draw_gradients()
    tensors = {f"start.{name}": value for name, value in start.items()}
    tensors.update({f"grad.{name}": value for name, value in gradients.items()})
    variants = []
    for name, cls, settings, rates, max_norm in VARIANTS:
        trace, norms = follow(cls, settings, rates, max_norm, start, gradients)
        tensors.update({f"{name}.{key}": value for key, value in trace.items()})
        tensors["grad_norms"] = norms  # before clipping, so the same for every variant
        variants.append({"name": name, "optimizer": cls.__name__, "lr": rates,
                         "max_grad_norm": max_norm, **settings})
    path = os.path.join(args.out, "optimizers.safetensors")
    size = write_golden(path, tensors, {"format": "clearhead-golden-optimizers-1",
                                        "variants": json.dumps(variants),
                                        "made_with": "torch " + torch.__version__.split("+")[0]})
    print(f"{path}: {size} bytes, {len(variants)} variants")


if __name__ == "__main__":
    main()
