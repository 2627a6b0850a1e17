#!/usr/bin/env python3
"""Check a certificate of `clearhead certify --json` with a forward pass of its own, in double precision.

    check_certificate.py model.safetensors certificate.json [INPUTS]

One layer, one head, attention only, LN; the permutation task. Runs every counterexample listed, the input with the
smallest margin of each class, and INPUTS (200) sets of letters drawn at random. Exit status 1 when one disagrees.
"""
import itertools
import json
import struct
import sys

import numpy as np

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
ID = {c: i for i, c in enumerate(">" + " " + "." + LETTERS)}


def read(path):
    """Tensors of a safetensors file by name, in double."""
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header, data = json.loads(file.read(size)), file.read()
    return {name: np.frombuffer(data[slice(*t["data_offsets"])], "<f4").reshape(t["shape"]).astype(float)
            for name, t in header.items() if name != "__metadata__"}


def norm(x, w, b, eps=1e-5):
    c = x - x.mean(-1, keepdims=True)
    return c / np.sqrt((c * c).mean(-1, keepdims=True) + eps) * w + b


def logits(m, ids):
    """[pos, d_vocab]"""
    resid = m["embed.W_E"][ids] + m["pos_embed.W_pos"][:len(ids)]
    x = norm(resid, m["blocks.0.ln1.w"], m["blocks.0.ln1.b"])
    q, k, v = (x @ m[f"blocks.0.attn.W_{p}"][0] + m[f"blocks.0.attn.b_{p}"][0] for p in "QKV")
    scores = q @ k.T / np.sqrt(q.shape[1])
    scores[np.triu_indices(len(ids), 1)] = -np.inf
    pattern = np.exp(scores - scores.max(-1, keepdims=True))
    pattern /= pattern.sum(-1, keepdims=True)
    resid = resid + pattern @ v @ m["blocks.0.attn.W_O"][0] + m["blocks.0.attn.b_O"]
    return norm(resid, m["ln_final.w"], m["ln_final.b"]) @ m["unembed.W_U"] + m["unembed.b_U"]


def margins(m, letters):
    """Of each scored prediction of the sequence that these letters ask for: (position, margin)."""
    terms = ["".join(p) for p in itertools.permutations(letters)]
    ids = [ID[c] for c in "> " + " ".join(terms) + "."]
    out = logits(m, ids)
    for position in range(len(letters) + 2, len(ids)):
        row = out[position - 1]
        yield position, row[ids[position]] - np.delete(row, ids[position]).max()


def main(weights, certificate, inputs=200):
    m, result = read(weights), json.load(open(certificate))
    wrong = 0

    def check(ok, text):
        nonlocal wrong
        wrong += not ok
        if not ok:
            print("disagrees:", text)

    rows = [(r, "counterexample") for r in result["tables"]["counterexamples"]]
    rows += [(r, "smallest margin") for r in result["tables"]["classes"] if r.get("margin") is not None]
    for row, what in rows:
        position, margin = min(margins(m, row["input"]), key=lambda p: p[1])
        check(abs(margin - row["margin"]) < 1e-3, f"{what} {row['input']}: {margin} at {position}, {row['margin']} said")
        check(what != "counterexample" or margin < 1e-3, f"{row['input']} does not fail")
    domain = result["settings"]["domain"]
    random, n, failed = np.random.default_rng(0), len(rows[0][0]["input"]), 0
    for _ in range(inputs):
        draw = random.integers(0, 62, n) if domain == "tuples" else random.permutation(62)[:n]
        draw = draw if domain in ("tuples", "ordered") else np.sort(draw)
        failed += min(margin for _, margin in margins(m, [LETTERS[i] for i in draw])) < 0
    share = result["numbers"]["failures"]["value"] / result["numbers"]["inputs"]["value"]
    check(abs(failed - share * inputs) < 4 + 4 * np.sqrt(share * inputs), f"{failed} of {inputs} fail, {share} said")
    print(f"{len(rows)} inputs checked one by one, {failed} of {inputs} drawn at random fail, {share:.6f} said")
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3], *map(int, sys.argv[3:])))
