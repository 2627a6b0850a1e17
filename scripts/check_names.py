#!/usr/bin/env python3
"""Names of tensors stand in src/model/description/layout.def and nowhere else: a row is found by its id.

    python3 scripts/check_names.py EXCEPTIONS...

Prints each string literal of src that holds a parameter's or an activation's name, or a pattern of
one, outside layout.def and the files named as exceptions; and each exception that needs to be none.
"""
import os
import re
import sys

TABLE = "src/model/description/layout.def"
STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"')


def names_of_tensors():
    """Full names as the table has them, and their last parts where these are names alone."""
    with open(TABLE, encoding="utf-8") as file:
        full = set(re.findall(r'^(?:PARAM|ACT)\([^"]*"([^"]+)"', file.read(), re.M))
    last = {name.rsplit(".", 1)[-1] for name in full}
    return {name for name in full | last if "_" in name or "." in name}


def literals(text):
    """(line, string) of every string literal outside comments and includes."""
    text = re.sub(r'"(?:[^"\\\n]|\\.)*"|/\*.*?\*/|//[^\n]*',
                  lambda m: m[0] if m[0][0] == '"' else re.sub(r"[^\n]", " ", m[0]), text, flags=re.S)
    for number, line in enumerate(text.split("\n"), 1):
        if not re.match(r"\s*#\s*include", line):
            for match in STRING.finditer(line):
                yield number, match[1]


def ends(parts):
    """What a word of several parts may end in: the last part, the last two, and so on."""
    return {".".join(parts[i:]) for i in range(1, len(parts))}


def named(string, names):
    """The first word of a string that is a tensor's name, with or without blocks and patterns."""
    if string == "blocks.":
        return string
    for word in re.split(r"[^A-Za-z0-9_.*?%\[\]]+", string.replace("\\\"", " ")):
        word = word.rstrip(".")
        if word in names or re.search(r"^blocks\..|(^|[.*])hook_", word):
            return word
        if ends(re.split(r"[.*]", word)) & names:
            return word
    return None


def main():
    names, exceptions = names_of_tensors(), set(sys.argv[1:])
    assert len(names) > 50, f"{TABLE} was not read"
    needed = set()
    for folder, _, files in sorted(os.walk("src")):
        for file in sorted(files):
            path = f"{folder}/{file}"
            if path == TABLE or not file.endswith((".c", ".h", ".def")):
                continue
            with open(path, encoding="utf-8") as source:
                found = [(line, named(string, names)) for line, string in literals(source.read())]
            for line, word in found:
                if word and path in exceptions:
                    needed.add(path)
                elif word:
                    print(f"{path}:{line}: {word}")
    for path in sorted(exceptions - needed):
        print(f"{path} is an exception and needs to be none")


if __name__ == "__main__":
    main()
