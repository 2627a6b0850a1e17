#!/usr/bin/env python3
"""The example that each public header opens with compiles, and runs without an error (TAP, run by
the tests).

    header_examples.py LIBRARY-FOLDER COMPILER...

In a build without figures the example of that header ends with CLH_ESUPPORT. The
convention for examples:

- The first indented block of a header's first comment is the example.
- `...` behind the closing parenthesis of an `if` stands for `goto fail;`; so does `goto done`.
- A line that is `...` alone ends what stands at file scope (a callback); the rest stands in main().
- Names that are not declared in it are those of tests/support/example_prelude.h: err, run, model,
  task, config, sample, tokens, cache … of a small trained run. What it opens it closes.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import public_headers # noqa: E402
from tap import finish, note, ok # noqa: E402

SUPPORT = pathlib.Path(public_headers.__file__).parent
NEEDS = {"figure.h": "CLH_FIGURES"}
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wno-unused-variable", "-Wno-unused-but-set-variable",
            "-Wno-unused-function", "-Wno-unused-parameter", "-Wno-unused-label"]

# What scrub.h reads.
HYPOTHESIS = """{"format": "clearhead-hypothesis-1", "name": "mine", "otherwise": "all",
  "rules": [{"from": "*", "to": "*.[qk]", "agree": "nothing"}]}"""

PROGRAM = """#include "example_prelude.h"

{above}
int main(void)
{{
    if (prelude_open())
        goto fail;
    {{
{body}
    }}
    prelude_close();
    return 0;
fail:
done:
    fprintf(stderr, "%s\\n", err.message);
    prelude_close();
    return 100 + (int)err.status;
}}
"""


def wrap(lines):
    """The program that an example is."""
    above = []
    if "..." in lines:
        at = lines.index("...")
        above, lines = lines[:at], lines[at + 1:]
    body = re.sub(r"\)\s*\.\.\.", ") goto fail;", "\n".join(lines))
    return PROGRAM.format(above="\n".join(above), body=body)


def status_number(name):
    return next(int(number) for enum, constants in public_headers.enums("error.h") if enum == "clh_status"
                for constant, number in constants if constant == name)


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, errors="replace")


def try_example(header, wanted, library, compiler):
    """Compile and run one example; the exit code must be the wanted one."""
    lines = public_headers.example(header)
    if not ok(lines, f"{header} opens with an example"):
        return
    source = pathlib.Path(f"example_{header[:-2]}.c")
    source.write_text(wrap(lines), encoding="utf-8")
    program = source.with_suffix("")
    compiled = run(*compiler, "-std=c17", *WARNINGS, f"-I{public_headers.FOLDER.parent}", f"-I{SUPPORT}",
                   str(source), "-o", str(program), f"-L{library}", f"-Wl,-rpath,{library}", "-lclearhead", "-lm")
    if not ok(compiled.returncode == 0, f"{header}: its example compiles"):
        note(compiled.stderr)
        return
    ran = run(f"./{program}")
    if not ok(ran.returncode == wanted, f"{header}: its example ends with {wanted}"):
        note(f"exit code {ran.returncode}\n{ran.stdout[-1000:]}{ran.stderr[-3000:]}")


def main():
    library, compiler = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        made = run(os.environ["CLEARHEAD"], "train", "--steps", "120", "--checkpoint-every", "50",
                   "--test-sequences", "20", "--out", "runs/notebook")
        if not ok(made.returncode == 0, "a run to ask"):
            note(made.stderr)
        pathlib.Path("algorithm.json").write_text(HYPOTHESIS, encoding="utf-8")
        for header in [*public_headers.names(), "clearhead.h"]:
            missing = os.environ.get(NEEDS.get(header, ""), "yes") == "no"
            try_example(header, 100 + status_number("CLH_ESUPPORT") if missing else 0, library, compiler)
        os.chdir("/")
    finish()


main()
