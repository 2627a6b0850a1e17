#!/usr/bin/env python3
"""Write module_trees.txt: what print(HookedTransformer) shows, for the C tests to read.

    python tests/golden/make_tree_golden.py

For each case of golden_cases.py whose text no earlier one had: a line "## <case>", then the text.
"""
import os

from golden_cases import CASES
from transformer_lens import HookedTransformer, HookedTransformerConfig


def main():
    seen = set()
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "module_trees.txt")
    with open(path, "w") as file:
        for case in CASES:
            text = str(HookedTransformer(HookedTransformerConfig(**case.config, device="cpu")))
            if text not in seen:
                file.write(f"## {case.name}\n{text}\n")
                seen.add(text)
    print(f"{len(seen)} different trees")


if __name__ == "__main__":
    main()
