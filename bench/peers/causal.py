#!/usr/bin/env python3
"""The causal suite: TransformerLens with hooks beside Clearhead, on the same weights and sequences.

    taskset -c 0 bench/peers/causal.py build/clearhead runs/notebook [--count 2000]

Both make the same interventions on the same held-out sequences, with one thread. TransformerLens runs
every intervention as a forward pass with hooks over batches; its statistics (means, the models whose
embeddings know a part) are not timed, nor are Python's start and loading. Clearhead's time is that of
the whole process, statistics and bootstrap intervals included. Prints the processor time of both, the
ratio, and the largest difference of the losses.
"""
import argparse
import json
import os
import resource
import subprocess
import tempfile
import time

import torch
from safetensors.torch import load_file
from transformer_lens import HookedTransformer, HookedTransformerConfig

BATCH = 50
EDIT_STREAM = 28  # src/base/random.h


def philox_word(seed, stream, index):
    """Philox4x32-10 (Salmon et al. 2011): the 64-bit word that Clearhead draws."""
    low = 0xFFFFFFFF
    counter = [index & low, index >> 32, stream & low, stream >> 32]
    key = [seed & low, seed >> 32]
    for _ in range(10):
        a, b = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [(b >> 32) ^ counter[1] ^ key[0], b & low, (a >> 32) ^ counter[3] ^ key[1], a & low]
        key = [(key[0] + 0x9E3779B9) & low, (key[1] + 0xBB67AE85) & low]
    return counter[0] | counter[1] << 32


def command(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def load(arguments, settings):
    """The model, the sequences [count, pos] and for each the number of its other sequence."""
    with tempfile.TemporaryDirectory() as folder:
        command(arguments.clearhead, "export", arguments.run, "--to", folder)
        with open(os.path.join(folder, "cfg.json"), encoding="utf-8") as file:
            model = HookedTransformer(HookedTransformerConfig.from_dict(json.load(file)))
        model.load_state_dict(load_file(os.path.join(folder, "model.safetensors")), strict=False)
    config = os.path.join(arguments.run, "config.json")
    lines = command(arguments.clearhead, "data", "--config", config, "--split", "test", "--tokens",
                    "--first", str(arguments.count)).splitlines()
    tokens = torch.tensor([json.loads(line) for line in lines])
    other = torch.tensor([philox_word(settings["seed"], EDIT_STREAM, k) % len(tokens)
                          for k in range(len(tokens))])
    return model, tokens, other


def children_seconds():
    """Processor time of the processes started so far: on a shared machine the clock says little."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Suite:
    """Interventions as hooks; `at` says which sequences the batch has."""

    def __init__(self, model, tokens, other, first):
        self.model, self.tokens, self.other, self.first = model, tokens, other, first
        self.at = slice(0, 0)
        self.layers = range(model.cfg.n_layers)
        self.pattern = [f"blocks.{layer}.attn.hook_pattern" for layer in self.layers]
        self.attn_out = [f"blocks.{layer}.hook_attn_out" for layer in self.layers]
        self.statistics()

    def statistics(self):
        sums, counts = {}, len(self.tokens)
        names = set(self.pattern + self.attn_out)
        for begin in range(0, counts, BATCH):
            _, cache = self.model.run_with_cache(self.tokens[begin:begin + BATCH],
                                                 names_filter=lambda name: name in names)
            for name in names:
                sums[name] = sums.get(name, 0) + cache[name].double().sum(0)
        self.mean = {name: (value / counts).float() for name, value in sums.items()}
        W_E, W_pos = self.model.W_E, self.model.W_pos
        used = torch.bincount(self.tokens.flatten(), minlength=len(W_E)).double()
        token = ((used[:, None] * W_E.double()).sum(0) / used.sum()).float()
        position = W_pos[:self.tokens.shape[1]].double().mean(0).float()
        self.part = {"position": lambda ids: token + W_pos[:ids.shape[1]] + 0 * W_E[ids],
                     "token": lambda ids: W_E[ids] + position}

    def parts(self, inputs, part):
        block = self.model.blocks[0]

        def hook(value, hook):
            x = block.ln1(self.part[part](self.tokens[self.at]))
            name = hook.name[-1].upper()
            W, b = getattr(block.attn, f"W_{name}"), getattr(block.attn, f"b_{name}")
            return torch.einsum("bpd,hdk->bphk", x, W) + b
        return [(f"blocks.0.attn.hook_{name}", hook) for name in inputs]

    def others(self, names):
        """Hooks that put in the other sequences' activations, from a forward pass of those."""
        _, cache = self.model.run_with_cache(self.tokens[self.other[self.at]],
                                             names_filter=lambda name: name in names)
        return [(name, lambda value, hook: cache[hook.name]) for name in names]

    def sources(self, kind):
        def chosen(pattern):
            ids = self.tokens[self.at]
            if kind == "answer":
                after = torch.cat([ids[:, 1:], torch.full_like(ids[:, :1], -1)], 1)
                return (ids[:, None, :] == after[:, :, None])[:, None].expand_as(pattern)
            if kind == "first_term":
                at = torch.arange(ids.shape[1])
                return ((at >= 2) & (at < self.first)).expand_as(pattern)
            top = torch.zeros_like(pattern, dtype=torch.bool)
            return top.scatter(-1, pattern.argmax(-1, keepdim=True), True)
        return chosen

    def rows(self, kind, keep):
        chosen = self.sources(kind)

        def hook(pattern, hook):
            pattern = torch.where(chosen(pattern) == keep, pattern, 0.0)
            total = pattern.sum(-1, keepdim=True)
            return torch.where(total > 0, pattern / total, pattern)
        return [(name, hook) for name in self.pattern]

    def one_hot(self, pattern):
        return torch.zeros_like(pattern).scatter(-1, pattern.argmax(-1, keepdim=True), 1.0)

    def even(self, pattern):
        ones = torch.ones_like(pattern).tril()
        return ones / ones.sum(-1, keepdim=True)

    def direct(self):
        held = {}

        def take(value, hook):
            held["resid"] = value.clone()
        return [("blocks.0.hook_resid_pre", take),
                (f"blocks.{self.layers[-1]}.hook_resid_post",
                 lambda value, hook: value - held["resid"])]

    def patterns(self, change):
        return [(name, change) for name in self.pattern]

    def hooks(self, name):
        """The hooks of an intervention for the batch `at`."""
        mean = lambda value, hook: self.mean[hook.name].expand_as(value)
        table = {
            "none": lambda: [],
            "q_token_mean": lambda: self.parts("q", "position"),
            "k_token_mean": lambda: self.parts("k", "position"),
            "qk_token_mean": lambda: self.parts("qk", "position"),
            "qk_position_mean": lambda: self.parts("qk", "token"),
            "v_position_mean": lambda: self.parts("v", "token"),
            "v_token_mean": lambda: self.parts("v", "position"),
            "qk_token_mean_v_position_mean": lambda: self.parts("qk", "position")
            + self.parts("v", "token"),
            "pattern_other": lambda: self.others(self.pattern),
            "pattern_mean": lambda: self.patterns(mean),
            "pattern_mean_top": lambda: self.patterns(lambda v, hook: self.one_hot(mean(v, hook))),
            "pattern_one_hot": lambda: self.patterns(lambda v, hook: self.one_hot(v)),
            "pattern_even": lambda: self.patterns(lambda v, hook: self.even(v)),
            "only_answer": lambda: self.rows("answer", True),
            "without_answer": lambda: self.rows("answer", False),
            "only_first_term": lambda: self.rows("first_term", True),
            "without_first_term": lambda: self.rows("first_term", False),
            "without_strongest": lambda: self.rows("strongest", False),
            "attn_zero": lambda: [(at, lambda v, hook: 0 * v) for at in self.attn_out],
            "attn_mean": lambda: [(at, mean) for at in self.attn_out],
            "attn_other": lambda: self.others(self.attn_out),
            "direct_zero": self.direct,
        }
        return table[name]()

    def loss(self, name):
        """Mean loss of the scored tokens over all sequences under an intervention."""
        total, first = 0.0, self.first
        for begin in range(0, len(self.tokens), BATCH):
            self.at = slice(begin, begin + BATCH)
            ids = self.tokens[self.at]
            if name == "reference":
                logits = self.model(self.tokens[self.other[self.at]])
            else:
                logits = self.model.run_with_hooks(ids, fwd_hooks=self.hooks(name))
            log_probs = logits[:, first - 1:-1].log_softmax(-1)
            total -= log_probs.gather(-1, ids[:, first:, None]).double().sum().item()
        return total / (self.tokens[:, first:].numel())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clearhead")
    parser.add_argument("run")
    parser.add_argument("--count", type=int, default=2000, help="how many sequences")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with open(os.path.join(arguments.run, "config.json"), encoding="utf-8") as file:
        settings = json.load(file)
    begin = children_seconds()
    said = json.loads(command(arguments.clearhead, "causal", arguments.run, "--count",
                              str(arguments.count), "--others", "0", "--json"))
    seconds = children_seconds() - begin
    mine = {row["name"]: row["loss"][0] for row in said["inputs"][0]["results"]}
    with torch.no_grad():
        model, tokens, other = load(arguments, settings)
        suite = Suite(model, tokens, other, settings["n"] + 2)
        begin = time.process_time()
        peers = {name: suite.loss(name) for name in mine}
        peer_seconds = time.process_time() - begin
    for name, loss in peers.items():
        print(f"{name:20} {loss:10.6f} {mine[name]:10.6f}  {abs(loss - mine[name]) / loss:.1e}")
    print(f"{len(mine)} rows, {len(tokens)} sequences: TransformerLens {peer_seconds:.1f} s, "
          f"Clearhead {seconds:.2f} s, intervals included: {peer_seconds / seconds:.0f} times")
    print(f"largest difference {max(abs(v - mine[k]) / v for k, v in peers.items()):.1e}")


if __name__ == "__main__":
    main()
