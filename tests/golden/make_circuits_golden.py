#!/usr/bin/env python3
"""Write circuits/<case>.safetensors: what TransformerLens makes of the weights of golden cases.

    pip install -r tests/golden/requirements.txt
    python tests/golden/make_circuits_golden.py [--out tests/golden/circuits]

Computed in float64 from the parameters of <case>.safetensors, stored as float32. Tensors, over
layers and heads: OV, QK (the full circuits), their singular values and eigenvalues (as real and
imaginary part), those of W_V W_O (head_OV), direct = W_E W_U, and the composition scores Q, K, V.
Of the smaller model also folded.<key>: its parameters after process_weights_(), and of both
refactored.<key>: those of attention after process_weights_(refactor_factored_attn_matrices=True);
the sign of a pair of singular vectors is LAPACK's.
"""
import argparse
import os

import torch
from golden_cases import CASES
from golden_file import write_golden
from make_golden import build
from safetensors.torch import load_file

NAMES = ["notebook_n3", "mlp_2x2"]
HERE = os.path.dirname(os.path.abspath(__file__))


def load(name):
    """The case's model with the parameters of its golden file."""
    case = next(case for case in CASES if case.name == name)
    stored = load_file(os.path.join(HERE, name + ".safetensors"))
    model = build(case, torch.float64)
    parameters = {key[len("param."):]: value.double() for key, value in stored.items()
                  if key.startswith("param.")}
    model.load_state_dict(parameters, strict=False)
    return model


def circuits(model):
    """{name: tensor} by TransformerLens' own FactoredMatrix and composition scores."""
    tensors = {"direct": model.W_E @ model.W_U}
    for name, factored in (("OV", model.W_E @ model.OV @ model.W_U),
                           ("QK", model.W_E @ model.QK @ model.W_E.T),
                           ("head_OV", model.OV)):
        values = factored.eigenvalues
        tensors[name] = factored.AB
        tensors[name + ".singular_values"] = factored.S
        tensors[name + ".norm"] = factored.norm()
        tensors[name + ".eigenvalues"] = torch.stack([values.real, values.imag], -1)
    for mode in "QKV":
        tensors["composition." + mode] = model.all_composition_scores(mode)
    return tensors


def folded(model):
    """{folded.key: parameter} after fold_ln, centring and fold_value_biases."""
    model.process_weights_()
    return {"folded." + key: value for key, value in model.named_parameters()}


def refactored(model):
    """{refactored.key: parameter of attention} after the same and the refactoring of heads."""
    model.process_weights_(refactor_factored_attn_matrices=True)
    return {"refactored." + key: value for key, value in model.named_parameters()
            if ".attn." in key}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", default=os.path.join(HERE, "circuits"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    os.makedirs(args.out, exist_ok=True)
    for name in NAMES:
        with torch.no_grad():
            tensors = circuits(load(name))
            if name == "mlp_2x2":
                tensors.update(folded(load(name)))
            tensors.update(refactored(load(name)))
        path = os.path.join(args.out, name + ".safetensors")
        size = write_golden(path, tensors, {"format": "clearhead-golden-circuits-1"})
        print(f"{path}: {size} bytes, {len(tensors)} tensors")


if __name__ == "__main__":
    main()
