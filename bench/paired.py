#!/usr/bin/env python3
"""Two builds in turn: whether a step got faster, on a machine whose own speed changes by the minute.

    bench/paired.py old/build/clearhead build/clearhead
    taskset -c 0 bench/paired.py --rounds 40 old/build/clearhead build/clearhead -- --n 5

Each round asks `clearhead bench --json` of both, in an order drawn anew; what stands behind -- goes to
both. Printed: the medians, and the median of the rounds' ratios with its quartiles.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys


def rows(program, options):
    """{(path, threads): ms a step} of one call."""
    try:
        call = subprocess.run(
            [program, "bench", "--json", *options], capture_output=True, text=True
        )
    except OSError as reason:
        sys.exit(f"paired.py: {program}: {reason.strerror}")
    if call.returncode:
        sys.exit(f"paired.py: {program}: {call.stderr.strip()}")
    answers = [json.loads(line) for line in call.stdout.splitlines()]
    found = answers[0]["tables"]["steps"] if "tables" in answers[0] else answers  # up to 0.1.0 a row a line
    seconds = lambda row: row["seconds"]["value"] if isinstance(row["seconds"], dict) else row["seconds"]  # noqa: E731
    return {(row["path"], row["threads"]): 1e3 * seconds(row) for row in found}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("old", help="a clearhead program")
    parser.add_argument("new", help="another")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seconds", default="0.1", help="of each row in each call")
    own, options = sys.argv[1:], []
    if "--" in own:
        at = own.index("--")
        own, options = own[:at], own[at + 1 :]
    asked = parser.parse_args(own)
    if asked.rounds < 2:
        parser.error(f"--rounds is {asked.rounds}, want at least 2")
    programs = [asked.old, asked.new]
    options = ["--seconds", asked.seconds, *options]
    times = {program: [] for program in (0, 1)}
    for _ in range(asked.rounds):
        for which in random.sample((0, 1), 2):
            times[which].append(rows(programs[which], options))
    print(f"{'path':8} {'threads':>7} {'old, ms':>9} {'new, ms':>9} {'new / old':>9}  quartiles")
    for key in times[0][0]:
        old, new = ([one[key] for one in times[which]] for which in (0, 1))
        low, middle, high = statistics.quantiles([b / a for a, b in zip(old, new)], n=4)
        print(
            f"{key[0]:8} {key[1]:7} {statistics.median(old):9.4f} {statistics.median(new):9.4f} "
            f"{middle:9.3f}  {low:.3f} {high:.3f}"
        )


if __name__ == "__main__":
    main()
