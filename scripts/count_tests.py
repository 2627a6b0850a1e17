#!/usr/bin/env python3
"""count_tests.py TESTLOG.json: count what Meson's tests said, function by function.

A test program that speaks TAP counts with each of its lines; one that died, or says nothing, counts
as one; what was skipped does not count. Prints the lines that failed, then "N passed, N failed"; exits with 1 when any failed.
"""
import json
import re
import sys


def count(path):
    passed, failures = 0, []
    with open(path, encoding="utf-8") as log:
        tests = [json.loads(line) for line in log]
    for test in tests:
        text = test.get("stdout") or ""
        said = re.findall(r"^(not )?ok\b(.*)$", text, re.MULTILINE)
        good = [what for no, what in said if not no and "# SKIP" not in what]
        bad = [what for no, what in said if no and re.match(r" \d", what)]
        passed += len(good) - sum(line.startswith("# SKIP") for line in text.splitlines())
        failures += [test["name"] + what for what in bad]
        if test["result"] in ("OK", "SKIP"):
            passed += test["result"] == "OK" and not said
        elif not bad:
            failures.append(f"{test['name']}: {test['result']}")
    return passed, failures, len(tests)


def main():
    try:
        passed, failures, tests = count(sys.argv[1])
    except (OSError, IndexError) as problem:
        sys.exit(f"count_tests.py: {problem}")
    for failure in failures:
        print(f"failed: {failure}")
    print(f"{passed} passed, {len(failures)} failed")
    sys.exit(1 if failures or not tests else 0)


main()
