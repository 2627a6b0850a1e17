#!/usr/bin/env python3
"""Write tests/golden/native: what TransformerLens 4's own small model saves, and what it computes.

    pip install -r tests/golden/requirements-native.txt
    python tests/golden/make_native_golden.py [--out tests/golden/native]

Since 4.0 there is no HookedTransformer. boot_native() makes a small model of a config; its state_dict has
other names and shapes ("blocks.0.attn.q.weight", [n_heads * d_head, d_model]). Each file has that state_dict
under "state.", the tokens, the logits and the activations at hook points that HookedTransformer has too. All
is computed in float64 from parameters that are exact in float32.
"""
import argparse
import importlib.metadata
import json
import os
import re

import torch
from golden_file import write_golden
from transformer_lens import TransformerBridge, TransformerBridgeConfig

HERE = os.path.dirname(os.path.abspath(__file__))
TINY = dict(n_layers=1, n_heads=2, d_model=7, d_head=6, d_mlp=9, n_ctx=8, d_vocab=11, act_fn="gelu",
            normalization_type="LN", device="cpu", seed=1)
CASES = {
    "ln": dict(n_layers=2, d_vocab_out=5),
    "rms_gated_rotary": dict(normalization_type="RMS", gated_mlp=True, act_fn="silu", rotary_dim=4,
                             positional_embedding_type="rotary"),
    "solu_ln": dict(act_fn="solu_ln", use_attn_scale=False, parallel_attn_mlp=True),
    "attn_only_lnpre": dict(attn_only=True, normalization_type="LNPre", n_layers=2, attn_scale=3.0),
    "final_rms": dict(final_rms=True, attention_dir="bidirectional", act_fn="gelu_new"),
    "none": dict(normalization_type=None, act_fn="relu", n_key_value_heads=2),
}
BATCH, POS = 2, 6
MOVED = 0.3  # std by which parameters that begin as 0 or 1 leave it
HOOKS = re.compile(r"hook_(pos_)?embed|ln_final\.hook_(scale|normalized)|blocks\.\d+\.(hook_resid_(pre|mid|post)|"
                   r"hook_(attn|mlp)_out|ln[12]\.hook_(scale|normalized)|"
                   r"attn\.hook_(q|k|v|pattern|z)|mlp\.hook_(pre|post))")
# What stands there under the same name is another thing: hook_attn_scores of the native model is the pattern,
# hook_pre of a gated MLP the product with W_in.
OTHER = {"rms_gated_rotary": ("mlp.hook_pre",)}


def make(name, changes, folder):
    torch.manual_seed(7)
    bridge = TransformerBridge.boot_native(TransformerBridgeConfig(**{**TINY, **changes}),
                                           dtype=torch.float64)
    state = {}
    for key, value in bridge.state_dict().items():
        moved = value + MOVED * torch.randn_like(value) if value.unique().numel() == 1 else value
        state[key] = moved.float()
    bridge.load_state_dict({key: value.double() for key, value in state.items()})
    tokens = torch.randint(TINY["d_vocab"], (BATCH, POS))
    with torch.no_grad():
        logits, cache = bridge.run_with_cache(tokens)
    tensors = {f"state.{key}": value for key, value in state.items()}
    tensors.update(tokens=tokens, logits=logits)
    for key, value in cache.items():
        if HOOKS.fullmatch(key) and not key.endswith(OTHER.get(name, ("?",))):
            tensors["act." + key] = value
    config = json.dumps(bridge.cfg.to_dict(), default=str)
    versions = (f"transformer_lens {importlib.metadata.version('transformer_lens')}, "
                f"torch {torch.__version__.split('+')[0]}")
    metadata = {"format": "clearhead-native-1", "case": name, "config": config, "made_with": versions}
    os.makedirs(folder, exist_ok=True)
    return write_golden(os.path.join(folder, name + ".safetensors"), tensors, metadata)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default=os.path.join(HERE, "native"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for name, changes in CASES.items():
        print(f"{name}: {make(name, changes, arguments.out)} bytes")


if __name__ == "__main__":
    main()
