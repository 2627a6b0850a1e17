"""Runs an exported load.py where neither TransformerLens nor torch is: what the model was given, as a file.

    python3 fake_lens.py FOLDER 4 OUT.safetensors        # of a TransformerLens without HookedTransformer
    python3 fake_lens.py FOLDER 3 OUT.safetensors        # of one with, which lacks the keys named behind
"""
import json
import math
import runpy
import sys
import types

from tensors import read, write


class Tensor:
    """As much of torch's as the script takes."""

    def __init__(self, shape, numbers):
        self.shape, self.numbers = list(shape), list(numbers)
        assert math.prod(shape) == len(self.numbers)

    def transpose(self, a, b):
        order = list(range(len(self.shape)))
        order[a], order[b] = order[b], order[a]
        strides = [math.prod(self.shape[i + 1:]) for i in range(len(self.shape))]
        places = [0]
        for axis in order:
            places = [p + i * strides[axis] for p in places for i in range(self.shape[axis])]
        return Tensor([self.shape[axis] for axis in order], [self.numbers[p] for p in places])

    def flatten(self, first=0, last=-1):
        end = last % len(self.shape) + 1
        return Tensor(self.shape[:first] + [math.prod(self.shape[first:end])] + self.shape[end:], self.numbers)

    def contiguous(self):
        return self

    T = property(lambda self: self.transpose(0, 1))


class Model:
    def __init__(self, cfg):
        self.cfg, self.state = cfg, None

    @classmethod
    def boot_native(cls, cfg):
        return cls(cfg)

    def state_dict(self):
        return {"blocks.0.attn.mask": Tensor([1], [1])}

    def load_state_dict(self, state, strict=True):
        assert strict
        self.state = {name: (tensor.shape, tensor.numbers) for name, tensor in state.items()}


def config(folder, missing):
    with open(folder + "/cfg.json", encoding="utf-8") as file:
        names = [key for key in json.load(file) if key not in missing]
    space = {}
    exec(f"class Config:\n    def __init__(self, {', '.join(n + '=None' for n in names)}): pass\n"
         "    from_dict = classmethod(lambda cls, d: cls(**d))", space)
    return space["Config"]


def main(folder, version, out, *missing):
    lens = types.ModuleType("transformer_lens")
    if version == "4":
        lens.TransformerBridge, lens.TransformerBridgeConfig = Model, lambda **cfg: cfg
    else:
        lens.HookedTransformer, lens.HookedTransformerConfig = Model, config(folder, missing)
    torch = types.ModuleType("safetensors.torch")
    torch.load_file = lambda path: {name: Tensor(*tensor) for name, tensor in read(path).items()}
    package = types.ModuleType("safetensors")
    package.torch = torch
    sys.modules.update({"transformer_lens": lens, "safetensors": package, "safetensors.torch": torch})
    state = runpy.run_path(folder + "/load.py")["model"].state
    state.pop("blocks.0.attn.mask", None)
    write(out, state)


if __name__ == "__main__":
    main(*sys.argv[1:])
