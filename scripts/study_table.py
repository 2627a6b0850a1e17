"""What study.sh measured, as Markdown: study_table.py FOLDER SEEDS COUNT."""

import collections
import json
import statistics
import sys

folder, seeds, count = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def load(kind):
    rows = []
    for seed in range(seeds):
        with open(f"{folder}/{kind}-{seed}", encoding="utf-8") as file:
            rows.append(json.load(file))
    return rows


answers, attention, emergence = load("answers"), load("attention"), load("emergence")

print(f"""# The notebook's questions over {seeds} seeds

Written by `SEEDS={seeds} COUNT={count} scripts/study.sh`: the notebook's settings (n = 4, 500 steps), seeds 0 to
{seeds - 1}, each asked on {count} held-out sequences. `docs/mathematics.md` has the rule of every verdict.

## Verdicts

| question | verdicts (how many seeds) |
|---|---|""")
for q, answer in enumerate(answers[0]["answers"]):
    votes = collections.Counter(run["answers"][q]["verdict"] for run in answers)
    cells = "; ".join(f"{verdict} ({n})" for verdict, n in votes.most_common())
    print(f"| {answer['question']} | {cells} |")

columns = [
    ("loss", lambda s: attention[s]["loss"], ".6f"),
    ("scores: position", lambda s: attention[s]["scores_position"], ".3f"),
    ("pattern: position", lambda s: attention[s]["pattern_position"], ".3f"),
    ("top is position's", lambda s: attention[s]["top_agrees_with_position"], ".3f"),
    ("answer mass", lambda s: attention[s]["answer_mass"], ".3f"),
    ("sources a sequence", lambda s: attention[s]["distinct_sources"], ".1f"),
    ("top in prompt", lambda s: attention[s]["top_prompt"], ".3f"),
    ("gap", lambda s: attention[s]["gap"], ".0f"),
    ("its share", lambda s: attention[s]["gap_share"], ".3f"),
    ("cue: token", lambda s: attention[s]["cues"]["token"]["effect"], ".3f"),
    ("loss without it", lambda s: attention[s]["cues"]["token"]["loss_keys_without_cue"], ".6f"),
    ("spaces from", lambda s: emergence[s]["spaces"], ".0f"),
    ("letters from", lambda s: emergence[s]["letters"], ".0f"),
    ("QK from", lambda s: emergence[s]["qk"], ".0f"),
    ("OV from", lambda s: emergence[s]["ov"], ".0f"),
]


def cell(value, form):
    return "never" if value is None else format(value, form)


print("\n## Numbers\n")
print("| seed | " + " | ".join(name for name, _, _ in columns) + " |")
print("|--:" * (len(columns) + 1) + "|")
for seed in range(seeds):
    print(f"| {seed} | " + " | ".join(cell(get(seed), form) for _, get, form in columns) + " |")
for name, pick in (("least", min), ("median", statistics.median), ("most", max)):
    row = []
    for _, get, form in columns:
        values = [v for v in (get(s) for s in range(seeds)) if v is not None]
        row.append(cell(pick(values), form) if values else "never")
    print(f"| {name} | " + " | ".join(row) + " |")
print("""
"From" is the step of the first checkpoint from which the accuracy stays at 0.99: of spaces and letters in the
run itself, of letters in the final model with the QK or OV of that checkpoint. Checkpoints are at 0, 1, 2, 4 …
and every 100 steps, so a step is known to the distance between two.""")
