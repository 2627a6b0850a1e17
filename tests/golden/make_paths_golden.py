#!/usr/bin/env python3
"""Write the effect of every edge of two golden models' graphs, computed with TransformerLens' hooks.

    python tests/golden/make_paths_golden.py [--out tests/golden/paths]

Weights, config and the two sequences (the first of `tokens` is clean, the second corrupted) are
those of the case's golden file, the metric is that of make_patching_golden.py. Computed in float64.

    exact      [edges]  the reader's input gets the corrupted output of one writer
    set.<k>    []       every k-th edge at once, the others as they are in this very run
    eap, ig_5  [edges]  Syed et al. 2023; Hanna et al. 2024 with 5 steps
    path.<i>   []       along a path: metadata `path.<i>`

Effects are the metric less the clean one. Metadata `edges`: their names, commas between.
"""
import argparse
import os

import torch
from golden_file import write_golden
from make_patching_golden import CASES, HERE, load

PATHS = {"notebook_n3": ["embed->L0H0.v->logits", "embed->L0H0.k->logits"],
         "mlp_2x2": ["embed->L0H1.v->logits", "embed->L0H0.v->L1H1.k",
                     "embed->L0H1.q->0_mlp_in->L1H0.v->1_mlp_in->logits"]}


class Graph:
    """Writers and readers in the order of the pass: (label, hook name, head or None)."""

    def __init__(self, cfg):
        self.writers = [("embed", "hook_embed", None), ("pos_embed", "hook_pos_embed", None)]
        self.readers = []
        for layer in range(cfg.n_layers):
            block = f"blocks.{layer}."
            for head in range(cfg.n_heads):
                for letter in "qkv":
                    self.read(f"L{layer}H{head}.{letter}", f"{block}hook_{letter}_input", head)
            self.writers += [(f"L{layer}H{head}", block + "attn.hook_result", head)
                             for head in range(cfg.n_heads)]
            if not cfg.attn_only:
                self.read(f"{layer}_mlp_in", block + "hook_mlp_in", None)
                self.writers.append((f"{layer}_mlp_out", block + "hook_mlp_out", None))
        self.read("logits", f"blocks.{cfg.n_layers - 1}.hook_resid_post", None)
        self.edges = [(w, r) for r, (_, _, _, reads) in enumerate(self.readers)
                      for w in range(reads)]

    def read(self, label, hook, head):
        self.readers.append((label, hook, head, len(self.writers)))

    def name(self, edge):
        return f"{self.writers[edge[0]][0]}->{self.readers[edge[1]][0]}"

    def node(self, reader):
        """The writer that the node of a reader is."""
        label = self.readers[reader][0]
        wanted = label.split(".")[0] if "." in label else label.replace("_in", "_out")
        return [w[0] for w in self.writers].index(wanted)


def part(tensor, head):
    return tensor if head is None else tensor[:, :, head]


class Bench:
    def __init__(self, case):
        self.model, tokens = load(case)
        self.model.set_use_split_qkv_input(True)
        self.model.set_use_attn_result(True)
        if not self.model.cfg.attn_only:
            self.model.set_use_hook_mlp_in(True)
        self.graph = Graph(self.model.cfg)
        self.clean, self.corrupted = tokens[:1], tokens[1:2]
        self.position = tokens.shape[1] - 2
        logits, self.clean_cache = self.model.run_with_cache(self.clean)
        _, self.corrupted_cache = self.model.run_with_cache(self.corrupted)
        self.token = logits[0, self.position].argmax().item()
        self.against = logits[0, self.position].argmin().item()
        self.clean_metric = self.metric(logits)

    def metric(self, logits):
        return (logits[:, self.position, self.token] - logits[:, self.position, self.against]).sum()

    def written(self, cache, writer):
        _, hook, head = self.graph.writers[writer]
        return part(cache[hook], head)

    def run(self, change):
        """The metric, and what was written, with change(reader, written so far) added to inputs."""
        seen = {}

        def keep(value, hook):
            seen[hook.name] = value

        def add(value, hook):
            value = value.clone()
            for reader, (_, name, head, _) in enumerate(self.graph.readers):
                if name == hook.name:
                    view = part(value, head)
                    view += change(reader, seen)
            return value

        hooks = [(name, keep) for name in dict.fromkeys(w[1] for w in self.graph.writers)]
        hooks += [(name, add) for name in dict.fromkeys(r[1] for r in self.graph.readers)]
        logits = self.model.run_with_hooks(self.clean, fwd_hooks=hooks)
        return self.metric(logits), seen

    def effect(self, edges):
        """Every edge of the set at once: the corrupted writer for what this run has written."""
        def change(reader, seen):
            return sum((self.written(self.corrupted_cache, w) - self.written(seen, w)
                        for w, r in edges if r == reader), torch.zeros(()))
        return self.run(change)[0] - self.clean_metric

    def along(self, text):
        names = text.split("->")
        labels = [r[0] for r in self.graph.readers]
        writer = [w[0] for w in self.graph.writers].index(names[0])
        message = self.written(self.corrupted_cache, writer)
        for name in names[1:]:
            to, new, old = labels.index(name), message, self.written(self.clean_cache, writer)
            value, seen = self.run(
                lambda reader, _, to=to, new=new, old=old:
                new - old if reader == to else torch.zeros(()))
            if name != names[-1]:
                writer = self.graph.node(to)
                message = self.written(seen, writer)
        return value - self.clean_metric

    def gradients(self, embed):
        """d metric / d input of every reader, the embedding being `embed`."""
        inputs = {}

        def keep(value, hook):
            value.retain_grad()
            inputs[hook.name] = value

        hooks = [("hook_embed", lambda value, hook: embed)]
        hooks += [(name, keep) for name in dict.fromkeys(r[1] for r in self.graph.readers)]
        with torch.enable_grad():
            self.metric(self.model.run_with_hooks(self.clean, fwd_hooks=hooks)).backward()
        return [part(inputs[name].grad, head) for _, name, head, _ in self.graph.readers]

    def estimates(self, steps):
        clean, corrupted = self.clean_cache["hook_embed"], self.corrupted_cache["hook_embed"]
        sums = torch.zeros(len(self.graph.edges), dtype=torch.float64)
        for step in range(1, steps + 1):
            gradients = self.gradients(corrupted + step / steps * (clean - corrupted))
            for index, (w, r) in enumerate(self.graph.edges):
                difference = self.written(self.corrupted_cache, w) - self.written(self.clean_cache, w)
                sums[index] += (difference * gradients[r]).sum()
        return sums / steps


def make(case, folder):
    bench = Bench(case)
    edges = bench.graph.edges
    everything = bench.effect(edges)
    full = bench.metric(bench.model(bench.corrupted)) - bench.clean_metric
    assert abs(everything - full) < 1e-9, (everything, full)
    tensors = {"exact": torch.stack([bench.effect([edge]) for edge in edges]),
               "eap": bench.estimates(1), "ig_5": bench.estimates(5)}
    for k in (2, 3, 5):
        tensors[f"set.{k}"] = bench.effect(edges[::k])
    metadata = {"case": case, "edges": ",".join(map(bench.graph.name, edges)),
                "position": str(bench.position), "token": str(bench.token),
                "against": str(bench.against),
                "made_with": f"transformer_lens 2.4.0, torch {torch.__version__}"}
    for index, text in enumerate(PATHS[case]):
        tensors[f"path.{index}"] = bench.along(text)
        metadata[f"path.{index}"] = text
    os.makedirs(folder, exist_ok=True)
    return write_golden(os.path.join(folder, case + ".safetensors"),
                        {name: value.detach() for name, value in tensors.items()}, metadata)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default=os.path.join(HERE, "paths"))
    arguments = parser.parse_args()
    for case in CASES:
        print(f"{case}: {make(case, arguments.out)} bytes")


if __name__ == "__main__":
    main()
