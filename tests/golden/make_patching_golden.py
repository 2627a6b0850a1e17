#!/usr/bin/env python3
"""Write what TransformerLens' own patching module says of two golden models.

    python tests/golden/make_patching_golden.py [--out tests/golden/patching]

Weights, config and the two sequences (the first of `tokens` is clean, the second corrupted) are
those of the case's golden file. Computed in float64; the metric is a difference of two logits, the
clean run's largest and smallest at the position (two that are near would measure rounding).
"""
import argparse
import json
import os

import torch
from golden_file import write_golden
from safetensors import safe_open
from transformer_lens import HookedTransformer, HookedTransformerConfig, patching

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = ["mlp_2x2", "notebook_n3"]

BY_POSITION = {"resid_pre": patching.get_act_patch_resid_pre,
               "attn_out": patching.get_act_patch_attn_out,
               "resid_mid": patching.get_act_patch_resid_mid,
               "mlp_out": patching.get_act_patch_mlp_out}
BY_HEAD = {"q": patching.get_act_patch_attn_head_q_by_pos,
           "k": patching.get_act_patch_attn_head_k_by_pos,
           "v": patching.get_act_patch_attn_head_v_by_pos,
           "z": patching.get_act_patch_attn_head_out_by_pos}

ALL_POSITIONS = {"q": patching.get_act_patch_attn_head_q_all_pos,
                 "k": patching.get_act_patch_attn_head_k_all_pos,
                 "v": patching.get_act_patch_attn_head_v_all_pos,
                 "z": patching.get_act_patch_attn_head_out_all_pos,
                 "pattern": patching.get_act_patch_attn_head_pattern_all_pos}


def load(case):
    """The case's model in float64, its tokens."""
    with safe_open(os.path.join(HERE, case + ".safetensors"), "pt") as file:
        config = json.loads(file.metadata()["config"])
        parameters = {name[len("param."):]: file.get_tensor(name)
                      for name in file.keys() if name.startswith("param.")}
        tokens = file.get_tensor("tokens").long()
    config.update(dtype=torch.float64, device="cpu", init_weights=False)
    model = HookedTransformer(HookedTransformerConfig.from_dict(config))
    model.load_state_dict(parameters, strict=False)
    return model, tokens


def make(case, folder):
    model, tokens = load(case)
    clean, corrupted = tokens[:1], tokens[1:2]
    position = tokens.shape[1] - 2
    clean_logits, clean_cache = model.run_with_cache(clean)
    token = clean_logits[0, position].argmax().item()
    against = clean_logits[0, position].argmin().item()

    def metric(logits):
        return (logits[:, position, token] - logits[:, position, against]).sum()

    tensors = {"clean_tokens": clean, "corrupted_tokens": corrupted,
               "clean": metric(clean_logits), "corrupted": metric(model(corrupted))}
    for name, patch in BY_POSITION.items():
        if name in ("resid_mid", "mlp_out") and model.cfg.attn_only:
            continue
        for layer, values in enumerate(patch(model, corrupted, clean_cache, metric)):
            tensors[f"blocks.{layer}.hook_{name}"] = values                      # [pos]
    for name, patch in BY_HEAD.items():
        for layer, values in enumerate(patch(model, corrupted, clean_cache, metric)):
            tensors[f"blocks.{layer}.attn.hook_{name}"] = values.transpose(0, 1)  # [head, pos]
    for layer, values in enumerate(patching.get_act_patch_attn_head_pattern_by_pos(
            model, corrupted, clean_cache, metric)):
        tensors[f"blocks.{layer}.attn.hook_pattern"] = values                    # [head, dest_pos]
    for layer, values in enumerate(patching.generic_activation_patch(
            model, corrupted, clean_cache, metric, patching.layer_head_pos_pattern_patch_setter,
            "attn_scores", index_axis_names=("layer", "head_index", "dest_pos"))):
        tensors[f"blocks.{layer}.attn.hook_attn_scores"] = values
    for name, patch in ALL_POSITIONS.items():
        for layer, values in enumerate(patch(model, corrupted, clean_cache, metric)):
            tensors[f"all_pos.blocks.{layer}.attn.hook_{name}"] = values               # [head]
    for layer, values in enumerate(patching.get_act_patch_attn_head_pattern_dest_src_pos(
            model, corrupted, clean_cache, metric)):
        tensors[f"dest_src_pos.blocks.{layer}.attn.hook_pattern"] = values  # [head, dest_pos, src_pos]
    os.makedirs(folder, exist_ok=True)
    metadata = {"case": case, "position": str(position), "token": str(token),
                "against": str(against),
                "made_with": f"transformer_lens 2.4.0, torch {torch.__version__}"}
    return write_golden(os.path.join(folder, case + ".safetensors"),
                        {name: value.detach() for name, value in tensors.items()}, metadata)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default=os.path.join(HERE, "patching"))
    arguments = parser.parse_args()
    for case in CASES:
        print(f"{case}: {make(case, arguments.out)} bytes")


if __name__ == "__main__":
    main()
