#!/usr/bin/env python3
"""Write tests/golden/configs: cfg.to_dict() of the TransformerLens that is installed, as JSON.

    pip install transformer_lens==2.16.1      # or another version, see README.md
    python tests/golden/make_config_golden.py [--out tests/golden/configs]

The model is the same small one in every version, every other setting its default. Until 3.9 it is a
HookedTransformer's config; from 4.0 on that of the model that boot_native() made of a config. The type of
numbers, which JSON cannot hold, is text ("torch.float32"), as str() gives it.
"""
import argparse
import importlib.metadata
import json
import os

import transformer_lens

HERE = os.path.dirname(os.path.abspath(__file__))
MODEL = dict(n_layers=1, n_heads=2, d_model=8, d_head=4, d_mlp=12, n_ctx=6, d_vocab=5, act_fn="gelu",
             device="cpu")


def config():
    if int(VERSION.split(".")[0]) < 4:
        return transformer_lens.HookedTransformerConfig(**MODEL)
    bridge = transformer_lens.TransformerBridge.boot_native(
        transformer_lens.TransformerBridgeConfig(**MODEL))
    return bridge.cfg


VERSION = importlib.metadata.version("transformer_lens")

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default=os.path.join(HERE, "configs"))
    arguments = parser.parse_args()
    os.makedirs(arguments.out, exist_ok=True)
    with open(os.path.join(arguments.out, f"tl-{VERSION}.json"), "w", encoding="utf-8") as file:
        json.dump(config().to_dict(), file, indent=1, default=str)
        file.write("\n")
