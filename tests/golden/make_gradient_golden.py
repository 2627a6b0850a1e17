#!/usr/bin/env python3
"""Write tests/golden/gradients: torch's gradients of scalars with respect to every activation.

    python tests/golden/make_gradient_golden.py [--out tests/golden/gradients]

Weights, config and tokens (the first sequence) are those of the case's golden file. Every hook point
of TransformerLens keeps its gradient (retain_grad); all is computed in float64. A scalar's gradients
stand under "<kind>.<hook name>", its value under "<kind>".

TransformerLens runs ln1 three times, for q, k and v, and its hooks fire each time. Where the inputs
are split these are three activations, of which the last is kept (as in its cache). Where they are not,
they are one activation computed three times, and its gradient is the sum.
"""
import argparse
import json
import os

import torch
from golden_file import write_golden
from safetensors import safe_open
from transformer_lens import HookedTransformer, HookedTransformerConfig

HERE = os.path.dirname(os.path.abspath(__file__))
ALL = ["loss", "logit", "logit_diff", "log_prob", "prob"]
CASES = {"notebook_n3": ["loss", "logit_diff"], "mlp_2x2": ["loss", "logit_diff", "prob"],
         "use_all": ALL, "norm_rms": ALL, "attn_only_2x3": ALL, "act_solu_ln": ALL}
POSITION, TOKEN, AGAINST = -2, 4, 1


def load(case):
    """The case's model in float64, its first sequence, where its loss begins."""
    with safe_open(os.path.join(HERE, case + ".safetensors"), "pt") as file:
        metadata = file.metadata()
        parameters = {name[len("param."):]: file.get_tensor(name)
                      for name in file.keys() if name.startswith("param.")}
        tokens = file.get_tensor("tokens").long()[:1]
    config = json.loads(metadata["config"])
    config.update(dtype=torch.float64, device="cpu", init_weights=False)
    model = HookedTransformer(HookedTransformerConfig.from_dict(config))
    model.load_state_dict(parameters, strict=False)
    return model, tokens, int(metadata["first_scored"])


def scalar(kind, logits, tokens, first_scored):
    row, log_probs = logits[:, POSITION], logits.log_softmax(-1)
    if kind == "loss":
        right = log_probs[:, :-1].gather(-1, tokens[:, 1:, None])[..., 0]
        return -right[:, first_scored - 1:].mean()
    return {"logit": row[:, TOKEN], "logit_diff": row[:, TOKEN] - row[:, AGAINST],
            "log_prob": log_probs[:, POSITION, TOKEN],
            "prob": log_probs[:, POSITION, TOKEN].exp()}[kind].sum()


def make(case, kinds, folder):
    model, tokens, first_scored = load(case)
    tensors = {}
    for kind in kinds:
        kept = {}

        def keep(value, hook, kept=kept):
            if value.requires_grad:
                value.retain_grad()
                kept.setdefault(hook.name, []).append(value)

        logits = model.run_with_hooks(tokens, fwd_hooks=[(lambda name: True, keep)])
        value = scalar(kind, logits, tokens, first_scored)
        value.backward()
        tensors[kind] = value.detach()
        for name, fired in kept.items():
            if model.cfg.use_split_qkv_input:
                fired = fired[-1:]
            slopes = [activation.grad for activation in fired if activation.grad is not None]
            if slopes:
                tensors[f"{kind}.{name}"] = sum(slopes)
    position = tokens.shape[1] + POSITION
    metadata = {"case": case, "kinds": json.dumps(kinds), "position": str(position),
                "token": str(TOKEN), "against": str(AGAINST), "first_scored": str(first_scored),
                "made_with": f"transformer_lens 2.4.0, torch {torch.__version__}"}
    os.makedirs(folder, exist_ok=True)
    return write_golden(os.path.join(folder, case + ".safetensors"), tensors, metadata)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default=os.path.join(HERE, "gradients"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for case, kinds in CASES.items():
        print(f"{case}: {make(case, kinds, arguments.out)} bytes")


if __name__ == "__main__":
    main()
