#!/usr/bin/env python3
"""The shared library exports what the public headers declare, and nothing else; the numbers of
their enums are fixed (TAP, run by the tests).

    exports.py libclearhead.so
"""
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import public_headers # noqa: E402
from tap import finish, is_ # noqa: E402

# Enums whose constants are bits to be joined, or leave room; all others count 0, 1, 2 …
OTHERS = {"clh_fold", "clh_ratio", "clh_repair_by"}


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def exported(library):
    """Names of functions and data that others can link to."""
    return {line.split()[-1].split("@")[0] for line in output("nm", "-D", "--defined-only", library).splitlines()
            # what a compiler's instrumentation adds is not ours
            if not re.search(r" (_init|_fini|__\w+|_?_?asan\w*|_?_?ubsan\w*)$", line)}


def check_exports(library):
    symbols = exported(library)
    declared = {function.name for name in public_headers.names()
                for function in public_headers.functions(name) if not function.inline}
    is_(set(), symbols - declared, "every exported symbol is declared by a header")
    is_(set(), declared - symbols, "every function that a header declares is exported")
    is_(True, len(declared) > 200, "the headers were read")
    sonames = re.findall(r"SONAME.*\[(.*)\]", output("readelf", "-d", library))
    major = re.search(r"CLH_VERSION_MAJOR (\d+)", public_headers.text("version.h")).group(1)
    is_([f"libclearhead.so.{major}"], sonames, "its soname is that of the major version")


def check_enums():
    for header in public_headers.names():
        for enum, constants in public_headers.enums(header):
            is_([], [name for name, number in constants if number is None],
                f"{enum}: every constant has its number written")
            if enum not in OTHERS:
                is_([str(at) for at in range(len(constants))], [number for _, number in constants],
                    f"{enum}: they count from 0 without gaps")


check_exports(sys.argv[1])
check_enums()
finish()
