#!/usr/bin/env python3
"""What NumPy says of the Fourier structure of a small model of sums modulo 7: tests/golden/fourier/.

    python tests/golden/make_fourier_golden.py

One layer, two heads, ten neurons (relu), no norms, random weights, of which W_E and W_U hold waves so that
some frequency matters. The forward pass is NumPy's in double precision, the energies are np.fft's, the losses
those of Nanda et al. 2023: logits projected on unit vectors cos and sin of 2 pi k (a + b) / p over all inputs.
"""
import json
import pathlib

import numpy as np

P, D_MODEL, HEADS, D_HEAD, D_MLP, LEAST = 7, 8, 2, 4, 10, 0.03
BLOCK = "blocks.0."


def parameters():
    random = np.random.default_rng(2)
    shapes = {"embed.W_E": (P + 1, D_MODEL), "pos_embed.W_pos": (4, D_MODEL)}
    shapes |= {f"{BLOCK}attn.W_{x}": (HEADS, D_MODEL, D_HEAD) for x in "QKV"}
    shapes |= {f"{BLOCK}attn.b_{x}": (HEADS, D_HEAD) for x in "QKV"}
    shapes |= {f"{BLOCK}attn.W_O": (HEADS, D_HEAD, D_MODEL), f"{BLOCK}attn.b_O": (D_MODEL,),
               f"{BLOCK}mlp.W_in": (D_MODEL, D_MLP), f"{BLOCK}mlp.b_in": (D_MLP,),
               f"{BLOCK}mlp.W_out": (D_MLP, D_MODEL), f"{BLOCK}mlp.b_out": (D_MODEL,),
               "unembed.W_U": (D_MODEL, P), "unembed.b_U": (P,)}
    all_ = {name: random.normal(0, 0.5, shape) for name, shape in shapes.items()}
    turn = 2 * np.pi * np.arange(P) / P
    all_["embed.W_E"][:P, 0] += 2 * np.cos(2 * turn)
    all_["embed.W_E"][:P, 1] += 2 * np.sin(2 * turn)
    return {name: value.astype("<f4") for name, value in all_.items()}


def forward(m):
    """Neurons [p^2, d_mlp] and logits [p^2, p] at = of every pair."""
    pairs = np.arange(P * P)
    ids = np.stack([pairs // P, pairs % P, np.full(P * P, P)], 1)
    resid = m["embed.W_E"][ids] + m["pos_embed.W_pos"][:3]
    q = np.einsum("bd,hde->bhe", resid[:, 2], m[BLOCK + "attn.W_Q"]) + m[BLOCK + "attn.b_Q"]
    k = np.einsum("bpd,hde->bphe", resid, m[BLOCK + "attn.W_K"]) + m[BLOCK + "attn.b_K"]
    v = np.einsum("bpd,hde->bphe", resid, m[BLOCK + "attn.W_V"]) + m[BLOCK + "attn.b_V"]
    pattern = np.exp(np.einsum("bhe,bphe->bhp", q, k) / np.sqrt(D_HEAD))
    pattern /= pattern.sum(-1, keepdims=True)
    z = np.einsum("bhp,bphe->bhe", pattern, v)
    x = resid[:, 2] + np.einsum("bhe,hed->bd", z, m[BLOCK + "attn.W_O"]) + m[BLOCK + "attn.b_O"]
    post = np.maximum(x @ m[BLOCK + "mlp.W_in"] + m[BLOCK + "mlp.b_in"], 0)
    x = x + post @ m[BLOCK + "mlp.W_out"] + m[BLOCK + "mlp.b_out"]
    return post, x @ m["unembed.W_U"] + m["unembed.b_U"]


def squares(rows):
    """|two-dimensional transform|^2 [p, p, columns] of rows [p^2, columns], without the constant."""
    power = np.abs(np.fft.fft2(rows.reshape(P, P, -1), axes=(0, 1))) ** 2
    power[0, 0] = 0
    return power


def loss(logits, right):
    return np.mean(np.log(np.exp(logits).sum(1)) - logits[np.arange(len(right)), right])


def measures(m):
    post, logits = forward(m)
    answer = np.add.outer(np.arange(P), np.arange(P)).ravel() % P
    numbers = range(1, P // 2 + 1)
    power = np.abs(np.fft.fft(m["embed.W_E"][:P], axis=0)) ** 2
    embedding = [power[0].sum()] + [(power[k] + power[-k]).sum() for k in numbers]
    neurons, outputs = squares(post), squares(logits - logits.mean(1, keepdims=True))
    near = lambda k: {0, k, P - k} # noqa: E731
    own = np.array([sum(neurons[u, v] for u in near(k) for v in near(k)) for k in numbers])
    energy = np.array([(outputs[k, k] + outputs[-k, -k]).sum() for k in numbers]) / outputs.sum()
    part = np.zeros_like(logits)
    for k in (k for k in numbers if energy[k - 1] >= LEAST):
        for wave in (np.cos, np.sin):
            direction = wave(2 * np.pi * k * answer / P)
            direction /= np.linalg.norm(direction)
            part += np.outer(direction, direction @ logits)
    return {
        "embedding": np.array(embedding) / power.sum(),
        "neurons": np.append(0, own.sum(1) / neurons.sum()),
        "logits": np.append(0, energy),
        "explained": own.max(0) / neurons.sum((0, 1)),
        "losses": np.array([loss(x, answer) for x in (logits, logits.mean(0) + part, logits - part)]),
    }


def write(path, tensors, metadata):
    header, at, data = {"__metadata__": metadata}, 0, b""
    for name, value in tensors.items():
        size = value.size * 4
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [at, at + size]}
        data, at = data + value.astype("<f4").tobytes(), at + size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def main():
    m = parameters()
    found = measures({name: value.astype(float) for name, value in m.items()})
    assert np.isfinite(np.concatenate(list(found.values()))).all(), "every neuron varies"
    path = pathlib.Path(__file__).parent / "fourier" / "sums_7.safetensors"
    path.parent.mkdir(exist_ok=True)
    write(path, {f"param.{name}": value for name, value in m.items()} | found, {"least": str(LEAST)})
    for name, value in found.items():
        print(name, np.round(value, 4))


main()
