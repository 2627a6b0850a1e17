#!/usr/bin/env python3
"""coverage_table.py COVERAGE.json [FILE...]: branches taken per file of gcovr's JSON, the worst share first, then
the total. Of FILEs (ends of paths) also the lines with a branch that is not taken."""
import json
import sys


def branches(lines):
    """Each line's branches; one that several functions or builds share is taken if any of them takes it."""
    return {line["line_number"]: [b["count"] > 0 for b in line["branches"]]
            for line in lines if line["branches"] and not line["gcovr/noncode"]}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        files = {f["file"]: branches(f["lines"]) for f in json.load(file)["files"]}
    rows = []
    for name, lines in files.items():
        all_of = [taken for line in lines.values() for taken in line]
        if all_of:
            rows.append((sum(all_of) / len(all_of), name, sum(all_of), len(all_of)))
    for share, name, taken, count in sorted(rows):
        print(f"{100 * share:6.1f} % {taken:5} of {count:5}  {name}")
        for wanted in sys.argv[2:]:
            if name.endswith(wanted):
                missed = [str(n) for n, line in sorted(lines_of(files, name)) if not all(line)]
                print("         not all taken: " + " ".join(missed))
    taken, count = sum(r[2] for r in rows), sum(r[3] for r in rows)
    print(f"{100 * taken / count:6.2f} % {taken} of {count} branches of {len(rows)} files")


def lines_of(files, name):
    return files[name].items()


main()
