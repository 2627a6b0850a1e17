"""What the peers share: settings, weights and batches as Clearhead wrote them, and the two jobs.

A peer is a module with a class

    Peer(variant, settings, weights)   settings: Clearhead's config.json; weights: TransformerLens'
                                       names -> float32 arrays
    step(tokens)                       one optimizer step on int32 [batch, length]; its loss
    train(batches)                     optional: all steps at once; their losses
    together                           optional: train() is what is timed, so many batches a call
    versions                           {"package": "1.2.3"}

and `main(Peer)` at its end. A job prints one JSON object:

    peer_x.py VARIANT FOLDER train --steps 500        {"losses": [...], "versions": {...}}
    peer_x.py VARIANT FOLDER time --seconds 4         {"seconds": median a step, "least": ..., ...}
    peer_x.py VARIANT FOLDER time --losses 20         the same, and "losses" of the steps before it

FOLDER holds start/ (a run of 0 steps) and tokens.jsonl (its training stream). Processor affinity and
the variables that limit threads are set by who starts the job (compare.py).
"""
import argparse
import json
import os
import statistics
import time

import numpy as np
from safetensors.numpy import load_file

WARM_UP = 20  # steps, after whatever the first one compiles
CALLS_LEAST = 5


def load_settings(folder):
    with open(os.path.join(folder, "start", "config.json"), encoding="utf-8") as file:
        return json.load(file)


def load_weights(folder):
    name = os.path.join(folder, "start", "checkpoints", "step-00000000.safetensors")
    return load_file(name)


def load_batches(folder, settings, steps):
    """`steps` batches as the notebook's loader makes them: the last of an epoch may be short."""
    with open(os.path.join(folder, "tokens.jsonl"), encoding="utf-8") as lines:
        tokens = np.array([json.loads(line) for line in lines], dtype=np.int32)
    batches, begin, left = [], 0, 0
    for _ in range(steps):
        left = left or settings["epoch_sequences"]
        size = min(settings["batch"], left)
        batches.append(tokens[begin:begin + size])
        begin, left = begin + size, left - size
    assert begin <= len(tokens), f"{len(tokens)} sequences, {steps} steps want {begin}"
    return batches


def train(peer, batches):
    """Losses of all steps, read at the end so that nobody has to wait for each."""
    if hasattr(peer, "train"):
        return [float(loss) for loss in peer.train(batches)]
    losses = [peer.step(tokens) for tokens in batches]
    return [float(loss) for loss in losses]


def time_steps(peer, batches, seconds, clock=time.perf_counter, warm_up=WARM_UP):
    """Median time of a step over many, each waited for; full batches only, as clearhead bench."""
    full = [tokens for tokens in batches if len(tokens) == len(batches[0])]
    together = getattr(peer, "together", 1)
    assert len(full) >= together, f"{len(full)} full batches, {together} are trained together"
    calls = [full[i:i + together] for i in range(0, len(full) - together + 1, together)]
    began = clock()
    train(peer, calls[0])
    first = clock() - began
    for i in range(min(warm_up, len(full)) // together):
        train(peer, calls[i % len(calls)])
    took, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(took) < CALLS_LEAST:
        began = clock()
        train(peer, calls[len(took) % len(calls)])
        took.append((clock() - began) / together)
    return {"seconds": statistics.median(took), "least": min(took), "most": max(took),
            "calls": len(took), "steps_a_call": together, "first_call": first}


def main(peer_class):
    parser = argparse.ArgumentParser(description="one job of one peer; see common.py")
    parser.add_argument("variant")
    parser.add_argument("folder")
    parser.add_argument("job", choices=["train", "time"])
    parser.add_argument("--steps", type=int, default=24, help="how many batches")
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--losses", type=int, default=0, help="of so many steps, before any is timed")
    parser.add_argument("--cpu", action="store_true", help="time of the process, not of the wall")
    args = parser.parse_args()
    settings = load_settings(args.folder)
    peer = peer_class(args.variant, settings, load_weights(args.folder))
    batches = load_batches(args.folder, settings, args.steps)
    if args.job == "train":
        print(json.dumps({"losses": train(peer, batches), "versions": peer.versions}))
    else:
        losses = train(peer, batches[:args.losses])
        took = time_steps(peer, batches, args.seconds,
                          time.process_time if args.cpu else time.perf_counter,
                          max(0, WARM_UP - args.losses))
        print(json.dumps({**took, "losses": losses, "versions": peer.versions}))
