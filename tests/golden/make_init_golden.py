#!/usr/bin/env python3
"""Write init_modes.txt: what TransformerLens draws each weight from, for the C tests to read.

    python tests/golden/make_init_golden.py

A line "<mode> <initializer_range or -> <parameter> normal|uniform <std, or where it ends>" for each
weight and init_mode, asked of torch's own functions while TransformerLens calls them.
"""
import os

import torch
from torch import nn
from transformer_lens import HookedTransformer, HookedTransformerConfig

MODEL = dict(n_layers=1, n_heads=3, d_model=32, d_head=24, d_mlp=40, n_ctx=30, d_vocab=50,
             d_vocab_out=45, act_fn="gelu", gated_mlp=True, init_weights=False)
MODES = [("gpt2", None), ("gpt2", 0.3), ("xavier_uniform", None), ("xavier_uniform", 0.5),
         ("xavier_normal", None), ("kaiming_uniform", None), ("kaiming_normal", 0.7), ("muP", None)]


def main():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "init_modes.txt")
    lines = []
    for mode, gain in MODES:
        model = HookedTransformer(HookedTransformerConfig(
            **MODEL, init_mode=mode, **({} if gain is None else {"initializer_range": gain})))
        names = {id(parameter): name for name, parameter in model.named_parameters()}
        said = f"{mode} {'-' if gain is None else gain}"

        def normal(tensor, mean=0.0, std=1.0):
            assert mean == 0
            lines.append(f"{said} {names[id(tensor)]} normal {float(std):.9g}")

        def uniform(tensor, a=0.0, b=1.0):
            assert a == -b
            lines.append(f"{said} {names[id(tensor)]} uniform {float(b):.9g}")

        torch_normal, torch_uniform = nn.init.normal_, nn.init.uniform_
        nn.init.normal_, nn.init.uniform_ = normal, uniform
        model.init_weights()
        nn.init.normal_, nn.init.uniform_ = torch_normal, torch_uniform
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")
    print(f"{len(lines)} weights")


if __name__ == "__main__":
    main()
