#!/usr/bin/env python3
"""The notebook's training loop in the real TransformerLens and PyTorch, for several seeds: is the
loss column it printed what that loop gives?

    pip install -r tests/golden/requirements.txt
    python scripts/notebook_loss_torch.py --seeds 32 --out tests/golden/notebook_loss_torch.json

The loop is the notebook's, on the CPU instead of "mps": its generator, its random_split (25 test,
97 train, one stream of sequences shared by both), its loaders, its loss, its optimizer. What
differs is the seed: the notebook set none, so its column is one draw and we ask how likely.
"""
import argparse
import json
import random
import statistics
import string
import time
from itertools import combinations, permutations

import torch
from torch import optim
from torch.utils.data import DataLoader, Dataset, random_split
from transformer_lens import HookedTransformer, HookedTransformerConfig

# "Epoch e Samples 4 Step 0 Loss ..." for e = 1..19; the line of epoch 20 is cut off in the notebook.
NOTEBOOK = [4.336881637573242, 3.1034786701202393, 1.980333685874939, 0.4396762251853943,
            0.06941234320402145, 0.028200622648000717, 0.016682539135217667, 0.012012602761387825,
            0.008823905140161514, 0.007344107609242201, 0.005826868582516909, 0.004719889257103205,
            0.004131702706217766, 0.0029435132164508104, 0.0028161206282675266,
            0.0020409803837537766, 0.001804783707484603, 0.0016812746180221438,
            0.0013869601534679532]
VOCAB = "> ." + string.ascii_letters + string.digits
N_COMB = 4
N_CTX = 122
START_POS = 1 + N_COMB
EPOCHS = 20


def generate_dataset(n):
    combs = list(combinations(VOCAB[3:], n))
    random.shuffle(combs)
    while True:
        for comb in combs:
            yield "> " + " ".join("".join(p) for p in permutations(comb)) + "."


class PermutationDataset(Dataset):
    """Whatever the index, the next sequence of one stream."""

    def __init__(self):
        self.generator = generate_dataset(N_COMB)

    def __len__(self):
        return N_CTX

    def __getitem__(self, _):
        return torch.tensor([VOCAB.index(ch) for ch in next(self.generator)])


def loss_fn(logits, tokens):
    log_probs = logits[:, START_POS:-1].log_softmax(-1)
    return -log_probs.gather(-1, tokens[:, START_POS + 1:, None])[..., 0].mean()


def begin(seed, **config):
    """The notebook's model, with keys of its config changed, and its loader of training batches."""
    random.seed(seed)
    torch.manual_seed(seed)
    generator = torch.Generator()
    generator.manual_seed(seed)
    model = HookedTransformer(HookedTransformerConfig(
        n_layers=1, d_model=128, d_head=64, n_heads=1, d_vocab=len(VOCAB), n_ctx=N_CTX,
        act_fn="solu", attn_only=True, device="cpu", **config))
    _, train_set = random_split(PermutationDataset(), [.2, .8], generator=generator)
    return model, DataLoader(train_set, batch_size=4, generator=generator)


def take_steps(model, loader, weight_decay=.01, look=lambda tokens: None):
    """Losses of all 500 steps; `look` is shown each batch."""
    optimizer = optim.AdamW(model.parameters(), lr=1e-3, betas=(.9, .99),
                            weight_decay=weight_decay)
    losses = []
    for _ in range(EPOCHS):
        for tokens in loader:
            look(tokens)
            loss = loss_fn(model(tokens), tokens)
            losses.append(loss.item())
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
    return losses


def train(seed, init_std, weight_decay):
    """The notebook's training loop, with another std of W_* unless that is None."""
    model, loader = begin(seed, **({} if init_std is None else {"initializer_range": init_std}))
    next(iter(loader))  # the notebook looks at one batch before it trains
    model.init_weights()
    return take_steps(model, loader, weight_decay)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seeds", type=int, default=32)
    parser.add_argument("--init-std", type=float, help="another std of W_*, to see what it does")
    parser.add_argument("--weight-decay", type=float, default=.01)
    parser.add_argument("--out", help="write the table as JSON")
    args = parser.parse_args()
    torch.set_num_threads(1)

    columns, seconds = [], []
    for seed in range(args.seeds):
        started = time.process_time()
        losses = train(seed, args.init_std, args.weight_decay)
        seconds.append(time.process_time() - started)
        columns.append(losses[::len(losses) // EPOCHS])

    print("epoch  notebook      mean        sd       min       max  inside")
    for epoch, values in enumerate(zip(*columns), 1):
        said, inside = "-", "-"
        if epoch <= len(NOTEBOOK):
            said = f"{NOTEBOOK[epoch - 1]:.5f}"
            inside = "yes" if min(values) <= NOTEBOOK[epoch - 1] <= max(values) else "no"
        print(f"{epoch:5d} {said:>9s} {statistics.mean(values):9.5f} "
              f"{statistics.stdev(values):9.5f} {min(values):9.5f} {max(values):9.5f}  {inside}")
    print(f"{statistics.mean(seconds):.1f} s of CPU a seed")

    if args.out:
        rounded = [[float(f"{x:.6g}") for x in column] for column in columns]
        with open(args.out, "w", encoding="utf-8") as file:
            json.dump({"what": "loss at step 0 of epochs 1..20, one row a seed, TransformerLens "
                               "2.4.0 on PyTorch 2.13.0, CPU, float32",
                       "notebook": NOTEBOOK, "seeds": rounded}, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()
