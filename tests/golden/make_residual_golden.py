#!/usr/bin/env python3
"""Write tests/golden/residual: what TransformerLens makes of a cache, for the lens to be held to.

    python tests/golden/make_residual_golden.py

Weights and tokens are those of the golden files of the same name; all is computed in float64 and
stored as float32. Stacks hold the last POSITIONS positions of every sequence.
"""
import itertools
import json
import os

import torch
from golden_file import write_golden
from safetensors import safe_open
from transformer_lens import HookedTransformer, HookedTransformerConfig, head_detector

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = ["notebook_n3", "mlp_2x2"]
POSITIONS = 6
KINDS = ["previous_token", "duplicate_token", "induction"]
# its "abs" rounds to three digits; the true number is wanted
head_detector.round = lambda value, digits: value


def load(name):
    """(HookedTransformer in float64, tokens) of a golden file."""
    with safe_open(os.path.join(HERE, name + ".safetensors"), "pt") as file:
        config = json.loads(file.metadata()["config"])
        state = {key[6:]: file.get_tensor(key) for key in file.keys() if key.startswith("param.")}
        tokens = file.get_tensor("tokens").long()
    config.update(dtype=torch.float64, device="cpu", init_weights=False)
    model = HookedTransformer(HookedTransformerConfig.from_dict(config))
    model.load_state_dict(state, strict=False)
    return model, tokens


def detect(cache, tokens, layers, heads):
    """Scores [kind, measure, exclude_bos, exclude_current_token, sequence, layer, head]."""
    scores = torch.zeros(len(KINDS), 2, 2, 2, len(tokens), layers, heads, dtype=torch.float64)
    places = itertools.product(range(len(KINDS)), range(2), range(2), range(2),
                               range(len(tokens)), range(layers), range(heads))
    for at in places:
        kind, measure, bos, current, sequence, layer, head = at
        wanted = getattr(head_detector, f"get_{KINDS[kind]}_head_detection_pattern")(
            tokens[sequence:sequence + 1])
        scores[at] = head_detector.compute_head_attention_similarity_score(
            cache["pattern", layer][sequence, head].clone(), wanted.double(),
            exclude_bos=bool(bos), exclude_current_token=bool(current),
            error_measure=["mul", "abs"][measure])
    return scores


def make(name):
    model, tokens = load(name)
    cfg = model.cfg
    where = (tokens.shape[1] - POSITIONS, tokens.shape[1])
    with torch.no_grad():
        _, cache = model.run_with_cache(tokens)
        tensors = {
            "decompose": cache.decompose_resid(pos_slice=where),
            "decompose_0": cache.decompose_resid(layer=1, pos_slice=where),
            "heads": cache.stack_head_results(pos_slice=where),
            "accumulated": cache.accumulated_resid(incl_mid=not cfg.attn_only, pos_slice=where),
            "normalized": cache.decompose_resid(pos_slice=where, apply_ln=True),
            "detect": detect(cache, tokens, cfg.n_layers, cfg.n_heads).flatten(),
        }
        if not cfg.attn_only:
            tensors["neurons"] = cache.stack_neuron_results(layer=-1, pos_slice=where)
        # logit_attrs knows nothing of ln_final's w and b: they go into W_U and b_U first
        model.process_weights_(fold_ln=True, center_writing_weights=False, center_unembed=False)
        model.setup()  # names the hooks of the norms that folding put in place
        _, cache = model.run_with_cache(tokens)
        right = tokens[:, where[0]:where[1]].roll(-1, 1)
        wrong = right.roll(1, 0)
        stack = cache.decompose_resid(pos_slice=where)
        tensors["logit_attrs"] = cache.logit_attrs(stack, right, pos_slice=where)
        tensors["logit_diff_attrs"] = cache.logit_attrs(stack, right, wrong, pos_slice=where)
        lens = cache.accumulated_resid(incl_mid=not cfg.attn_only, pos_slice=where, apply_ln=True)
        tensors["lens"] = lens @ model.W_U + model.b_U
        tensors.update(right=right, wrong=wrong)
    path = os.path.join(HERE, "residual", name + ".safetensors")
    size = write_golden(path, tensors, {
        "computed_in": "torch.float64",
        "made_with": "transformer_lens 2.4.0, torch " + torch.__version__.split("+")[0]})
    print(f"{name:22s} {size:8d} bytes")


if __name__ == "__main__":
    torch.set_num_threads(1)
    for case in CASES:
        make(case)
