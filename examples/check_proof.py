#!/usr/bin/env python3
"""Check a proof of `clearhead certify --proof proof.npz`, in double precision, with other code.

    check_proof.py model.safetensors proof.npz [sorted|ordered|tuples]

One layer, one head, attention only, LN; permutations of up to 4 letters. Each row of a proof says: of the query at
`position`, for every input whose first `slots` slots hold these letters and whose next one holds a letter of the set
`holds` (bit x: letter x), the right token gets the largest logit; and for those of `fails` it does not. Checked is that
the rows speak of every input of the domain once, and that each is right: rows that name all letters by the prediction
itself, the others by a bound of our own. Exit status 1 when the proof is refused. docs/certificate.md says more.
"""
import itertools
import sys

import numpy as np

from check_certificate import read

LETTERS, FIRST = 62, 3  # the token of letter x is FIRST + x; ">" is 0, " " is 1, "." is 2
TINY = 1e-8             # what bounds have to be apart: far more than doubles round


def norm(x, w, b):
    c = x - x.mean(-1, keepdims=True)
    return c / np.sqrt((c * c).mean(-1, keepdims=True) + 1e-5) * w + b


class Model:
    """What a key and a query are, for each token at each position; streams are centred."""

    def __init__(self, m, length):
        resid = m["embed.W_E"][:, None] + m["pos_embed.W_pos"][None, :length]
        x = norm(resid, m["blocks.0.ln1.w"], m["blocks.0.ln1.b"])
        self.q, self.k, v = (x @ m[f"blocks.0.attn.W_{p}"][0] + m[f"blocks.0.attn.b_{p}"][0] for p in "QKV")
        self.q /= np.sqrt(self.q.shape[-1])
        centre = lambda r: r - r.mean(-1, keepdims=True)  # noqa: E731
        self.moved, self.direct = centre(v @ m["blocks.0.attn.W_O"][0]), centre(resid + m["blocks.0.attn.b_O"])
        self.unembed = m["ln_final.w"][:, None] * m["unembed.W_U"]
        self.bias = m["ln_final.b"] @ m["unembed.W_U"] + m["unembed.b_U"]
        self.root = np.sqrt(self.moved.shape[-1])

    def parts(self, i, a, keys, tokens):
        """What keys [k] with tokens [x, k] bring to the query of token a at i: the stream times the weight of attention,
        that weight times sqrt(d_model eps), and the weight; [x, d_model + 2]."""
        scores = (self.k[tokens, keys] * self.q[a, i]).sum(-1)
        weight = np.exp(scores - self.most)
        d = weight.sum(1, keepdims=True)
        stream = (weight[:, None] @ self.moved[tokens, keys])[:, 0] + d * self.direct[a, i]
        return np.concatenate([stream, d * self.root * np.sqrt(1e-5), d], 1)

    def rows(self, part, along):
        """Of parts: logits, their length and how far they reach along one way over sqrt(d_model), the weight."""
        return (part[..., :-2] @ self.unembed, np.linalg.norm(part[..., :-1], axis=-1)[..., None] / self.root,
                part[..., :-1] @ along[:, None] / self.root, part[..., -1:])

    def lead(self, rows, t, up):
        """How far t is ahead of each token in these parts, times the final norm's scale and the weight: at least, or
        at most (`up`). The scale of a sum is no more than the sum of its parts' lengths, no less than along one way."""
        logits, far, near, weight = rows
        bias = self.bias[t] - self.bias
        ahead = logits[..., t, None] - logits + bias * np.where((bias >= 0) ^ up, near, far)
        ahead += (TINY if up else -TINY) * weight
        ahead[..., t] = np.inf # itself
        return ahead


def sequence(n):
    """Slots of the positions (n: always the token `fixed`), and the first scored position."""
    slots = [n, n] + [s for order in itertools.permutations(range(n)) for s in [*order, n]]
    return np.array(slots), np.array([0, 1] + ([-1] * n + [1]) * (len(slots) // (n + 1) - 1) + [-1] * n + [2])


def allowed(domain, fixed, slot, n):
    """Letters that a slot may hold beside those that are fixed, {slot: letter}."""
    x = np.arange(LETTERS)
    if domain == "ordered":
        return ~np.isin(x, list(fixed.values()))
    ok = np.ones(LETTERS, bool)
    for s, letter in fixed.items() if domain == "sorted" else ():
        ok &= x >= letter + slot - s if s < slot else x <= letter + slot - s
    return ok & ((x >= slot) & (x < LETTERS - n + 1 + slot) if domain == "sorted" else ok)


def bits(row_set):
    return (int(row_set) >> np.arange(LETTERS)) & 1 > 0


def check_query(model, i, rows, slots, fixed, domain, cover, failing):
    """All rows of one query position; True where each is right. Paints what they speak of, and what fails."""
    n, target = cover.ndim, int(slots[i + 1])
    own = int(slots[i]) if slots[i] < n else None
    order = [own] * (own is not None) + [target] * (target < n and target != own)
    order += [s for s in range(n) if s not in order]
    kept = None
    for _, count, packed, holds, fails in sorted(rows, key=lambda row: row[2] & 63): # by the query's token
        prefix = {order[c]: int(packed) >> 6 * c & 63 for c in range(count)}
        if max(prefix.values(), default=0) >= LETTERS or (holds & fails):
            return False
        here = tuple(prefix.get(s, slice(None)) for s in range(n))
        a = FIRST + prefix[own] if own is not None else fixed[i]
        t = FIRST + prefix[target] if target < n else fixed[i + 1]
        if kept is None or kept[0] != a:
            kept = [a, *query_parts(model, i, a, own, slots, fixed)]
        base, part, parts, leads = kept[1:]
        for up in (False, True) if t not in leads else ():
            leads.setdefault(t, []).append([model.lead(p, t, up) for p in parts])
        if count == n:  # the prediction itself
            total = base + sum(part[s][x] for s, x in prefix.items() if s != own)
            logits = total[:-2] @ model.unembed / (np.linalg.norm(total[:-1]) / model.root) + model.bias
            ahead = logits[t] - np.delete(logits, t).max()
            right = (ahead > TINY) if holds else (ahead < -TINY) if fails else abs(ahead) < 1e-6
            cover[here] += 1
            failing[here] |= not holds
        else:
            slot, rest, right = order[count], order[count + 1:], True
            for letters, up in (bits(holds), False), (bits(fails), True):
                if not letters.any():
                    continue
                lead = leads[t][up]
                sums = lead[-1] + sum(lead[s][x] for s, x in prefix.items() if s != own) + lead[slot][letters]
                for s in rest:
                    others = lead[s][allowed(domain, prefix, s, n)]
                    sums = sums + (others.max(0, initial=-np.inf) if up else others.min(0, initial=np.inf))
                right &= bool(((sums < 0).any(1) if up else (sums > 0).all(1)).all())
                index = tuple(letters if s == slot else here[s] for s in range(n))
                cover[index] += 1
                failing[index] |= up
        if not right:
            print(f"refused: row {i}, {count}, {packed}, {holds}, {fails}")
            return False
    return True


def query_parts(model, i, a, own, slots, fixed):
    """Of the query of token a at i: what never changes, what each slot brings with each letter, rows of both, {}."""
    n, keys = slots.max(), np.arange(i + 1)
    model.most = (model.k[:, :i + 1] @ model.q[a, i]).max()
    still = (slots[keys] == n) | (slots[keys] == own)
    tokens = np.where(slots[keys] == own, a, fixed[keys])[still]
    base = model.parts(i, a, keys[still], tokens[None])[0]
    every = FIRST + np.arange(LETTERS)[:, None]
    part = [model.parts(i, a, k, np.repeat(every, len(k), 1)) for k in (keys[~still & (slots[keys] == s)] for s in range(n))]
    mean = (base + sum(p.mean(0) for p in part))[:-1]
    return base, part, [model.rows(p, mean / np.linalg.norm(mean)) for p in [*part, base]], {}


def main(weights, proof, domain="sorted"):
    rows = np.load(proof)["proof"]
    n = next(n for n in range(1, 5) if len(sequence(n)[0]) > rows[:, 0].max() + 1)
    slots, fixed = sequence(n)
    index, right, tokens = np.indices([LETTERS] * n), True, 0
    inside = {"tuples": np.ones([LETTERS] * n, bool), "sorted": (np.diff(index, axis=0) > 0).all(0),
              "ordered": np.all([index[a] != index[b] for a in range(n) for b in range(a)] + [index[0] >= 0], 0)}[domain]
    model, wrong = Model(read(weights), len(slots)), np.zeros(inside.shape, bool)
    for i in range(n + 1, len(slots) - 1):
        cover, failing = np.zeros(inside.shape, np.uint8), np.zeros(inside.shape, bool)
        right = right and check_query(model, i, rows[rows[:, 0] == i].tolist(), slots, fixed, domain, cover, failing)
        if right and not (cover[inside] == 1).all():
            right = print(f"refused: of the query at {i}, {(cover[inside] != 1).sum()} inputs are not decided once") or False
        tokens, wrong = tokens + int((failing & inside).sum()), wrong | failing & inside
    strange = set(rows[:, 0].tolist()) - set(range(n + 1, len(slots) - 1))
    right = right and (not strange or print(f"refused: queries at {sorted(strange)} are not scored") is not None)
    if right:
        print(f"accepted: {wrong.sum()} of {inside.sum()} inputs fail, in {tokens} predictions")
    return not right


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
