#!/usr/bin/env python3
"""Every public function refuses bad arguments: none of them crashes, hangs, or fails an assertion (TAP,
run by the tests).

    bad_arguments.py LIBRARY-FOLDER COMPILER...

A C program is made from the headers. It calls each function with arguments with which it does what it is
for, and then with one of them spoilt: NULL for a pointer, 0 and SIZE_MAX for a size, NaN for a real,
numbers outside an enum; and with one field of a struct spoilt likewise. A function that returns a status
must give one other than CLH_OK, with a line in the error, unless tests/support/good_arguments.py says
that the argument may be so; then it must succeed. A function that returns a double gives NaN for NULL. Of
all others, and of pointers and sizes in structs, it is only asked that the call comes back. Each call is
a process of its own.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import good_arguments as good # noqa: E402
import public_headers # noqa: E402
from tap import finish, note, ok # noqa: E402

SUPPORT = pathlib.Path(public_headers.__file__).parent
ENUMS = {enum: constants for name in public_headers.names() for enum, constants in public_headers.enums(name)}
STRUCTS = {struct: fields for name in public_headers.names() for struct, fields in public_headers.structs(name)}
WHOLE = {"size_t", "long"}
NAN_OF = {"double": "(double)NAN", "clh_real": "(clh_real)NAN"}
NOT_SENTINELS = {"CLH_LETTERS_TUPLES"}


def bare(kind):
    """A type without const: "const clh_x *const *" is "clh_x **"."""
    return re.sub(r"\s*\*", " *", re.sub(r"\bconst\b\s*", "", kind)).replace("* *", "**").strip()


def beyond(enum):
    """The least number that is no value of an enum: its count where it has one, as most do."""
    last, number = ENUMS[enum][-1]
    return int(number) + (0 if last.endswith("S") and last not in NOT_SENTINELS else 1)


def spoilt_values(kind):
    """(C expression, what it is called) of bad values of a type."""
    if kind.endswith("*") or "(*)" in kind:
        return [("NULL", "NULL")]
    if kind in ENUMS:
        return [(f"({kind}){value}", str(value)) for value in (-1, beyond(kind), 9999)]
    if kind in NAN_OF:
        return [(NAN_OF[kind], "NaN")]
    if kind in WHOLE:
        return [("0", "0"), ("SIZE_MAX" if kind == "size_t" else "LONG_MAX", "huge")]
    return []


def left_out(name):
    """Whether a function belongs to a part that the build does without: it then refuses everything."""
    return name.startswith("clh_figure_") and os.environ.get("CLH_FIGURES") == "no"


def wanted(function, kind, name, value):
    """'refused', 'fine' or 'back' for a spoilt parameter."""
    full = f"{function.name}.{name}"
    if left_out(function.name):
        return "refused"
    if value == "NULL" and (name in good.OPTIONAL or full in good.OPTIONAL):
        return "fine"
    if f"{full}={value}" in good.FINE:
        return "fine"
    if f"{full}={value}" in good.BACK or (value == "0" and name in good.ZERO_IS_FINE) or (
            value == "huge" and name in good.HUGE_IS_FINE):
        return "back"
    if function.result == "clh_status":
        return "refused"
    return "not_a_number" if function.result == "double" and value == "NULL" else "back"


def good_value(function, kind, name):
    """An expression, or None for a zeroed variable of the type pointed to."""
    plain = bare(kind)
    full = f"{function.name}.{name}"
    if full in good.BY_NAME:
        return good.BY_NAME[full]
    if name in good.OPTIONAL and name != "err":
        return "NULL"
    if name in good.BY_PARAMETER and not (plain.endswith("*") and plain != "char *"):
        return good.BY_PARAMETER[name]
    const = kind.startswith("const")
    target = plain[:-1].strip()
    if plain.endswith("*") and not const and (target in STRUCTS or target.endswith("*")) and (
            name == "out" or plain not in good.BY_TYPE):
        return None
    if plain in good.BY_TYPE:
        return good.BY_TYPE[plain]
    return None if plain.endswith("*") else f"({kind})0" if plain in ENUMS else "0"


def variants(function):
    """(statements that spoil, description, wanted) of every call to make of a function."""
    usual = "refused" if left_out(function.name) else "fine"
    yield "", "as it should be called", usual if function.result == "clh_status" else "back"
    for at, (kind, name) in enumerate(function.parameters):
        for expression, value in spoilt_values(bare(kind)):
            if value == "huge" and f"{function.name}.{name}" in good.NEVER_HUGE:
                continue
            yield f"p{at} = {expression};", f"{name} = {value}", wanted(function, kind, name, value)
        struct = bare(kind)[:-1].strip()
        given = kind.startswith("const") or good.BY_NAME.get(f"{function.name}.{name}", "").startswith("&")
        if given and bare(kind).count("*") == 1 and struct in STRUCTS:
            if good_value(function, kind, name) == "NULL":
                continue
            copy = f"{struct} copy = *p{at}; p{at} = &copy;"
            yield f"{struct} zero = {{0}}; p{at} = &zero;", f"*{name} all zero", "back"
            for before, place, expression, value, never in spoilt_fields(struct, "copy"):
                shown = place[5:] if place.startswith("copy.") else place[3:].replace("[0].", "->", 1)
                field = f"{name}: {shown} = {value}"
                refused = never and function.result == "clh_status" and not good.BACK & {
                    f"{function.name}({field})", f"{function.name}.{name}"}
                yield f"{copy} {before} {place} = {expression};", field, "refused" if refused else "back"


SEVERAL = 64


def spoilt_fields(struct, place, depth=0):
    """(statements before, field, expression, its name, whether nothing can be meant by it: NaN, or no
    constant of its enum) for fields of a struct, of structs in it, and of those it points to."""
    for kind, field in STRUCTS[struct]:
        plain = bare(kind)
        target = plain[:-1].strip()
        if plain in STRUCTS and depth < 2:
            yield from spoilt_fields(plain, f"{place}.{field}", depth + 1)
        elif "[" not in plain:
            for expression, value in spoilt_values(plain):
                if value != "huge": # more than memory holds there: nobody can tell
                    yield "", f"{place}.{field}", expression, value, plain in ENUMS or plain in NAN_OF
        if plain.count("*") == 1 and target in STRUCTS and depth == 0:
            # it may point to several; no bench has as many of anything as stand behind the first here
            inner = f"in_{field}"
            before = (f"{target} {inner}[{SEVERAL}] = {{0}}; if ({place}.{field}) "
                      f"{{ {inner}[0] = *{place}.{field}; {place}.{field} = {inner}; }}")
            for _, of, expression, value, _ in spoilt_fields(target, f"{inner}[0]", depth + 1):
                yield before, of, expression, value, False


def c_function(function):
    """The C function that makes call number `v` of a public function."""
    lines = [f"static void call_{function.name}(unsigned v, outcome *o)", "{"]
    for at, (kind, name) in enumerate(function.parameters):
        value = good_value(function, kind, name)
        if value is None:
            target = bare(kind)[:-1].strip()
            star = "const " if target.endswith("*") and kind.startswith("const") else ""
            lines.append(f"static {star}{target} v{at};")
            value = f"&v{at}"
        # a parameter of a type that is const itself may be given a constant variable's address
        declared = kind.replace("(*)", f"(*p{at})") if "(*)" in kind else f"{kind} p{at}"
        lines.append(f"{declared} = {value};")
    # copies of structs live as long as the call
    names = ", ".join(f"p{at}" for at in range(len(function.parameters)))
    call = f"{function.name}({names})"
    store = {"clh_status": f"o->status = {call};", "double": f"o->real = {call};"}.get(function.result, f"(void){call};")
    lines.append("switch (v) {")
    for number, (spoil, _, _) in enumerate(variants(function)):
        lines.append(f"case {number}: {{ {spoil} {store} break; }}")
    lines += ["default: break;", "}", "}"]
    return "\n".join(lines)


def program(functions):
    parts = ['#include "bad_arguments.h"', '#include "bad_arguments_run.h"']
    parts += [c_function(function) for function in functions]
    for function in functions:
        rows = ",".join(f'{{"{text}", {kind.upper()}}}' for _, text, kind in variants(function))
        parts.append(f"static const variant {function.name}_variants[] = {{{rows}}};")
    rows = ",".join(f'{{"{f.name}", call_{f.name}, {f.name}_variants, '
                    f"sizeof {f.name}_variants / sizeof(variant), {int(any(name == 'err' for _, name in f.parameters))}}}" for f in functions)
    parts.append(f"static const tried table[] = {{{rows}}};")
    parts.append("int main(int argc, char **argv) "
                 "{ return try_all(table, sizeof table / sizeof table[0], argc > 1 ? argv[1] : NULL); }")
    return "\n".join(parts)


def make_run(folder):
    """What the calls are about: a small trained run and files to read."""
    made = subprocess.run(
        [os.environ["CLEARHEAD"], "train", "--n", "3", "--steps", "8", "--d-model", "16", "--d-head", "8",
         "--test-sequences", "4", "--out", "runs/notebook"], capture_output=True, text=True, cwd=folder)
    if not ok(made.returncode == 0, "a run to ask"):
        note(made.stderr)
    files = {
        "algorithm.json": '{"format": "clearhead-hypothesis-1", "name": "mine", "otherwise": "all", '
                          '"rules": [{"from": "*", "to": "*.[qk]", "agree": "nothing"}]}',
        "program.txt": "clearhead-program 1\ntask permutations n=3\n",
        "edits.json": '{"format": "clearhead-edits-1", "edits": [{"kind": "zero", "site": "blocks.0.attn.hook_z"}]}',
        "pattern.json": "[[1, 0], [0, 1]]",
        "vocab.txt": "\n".join("> .abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"),
    }
    for name, text in files.items():
        (pathlib.Path(folder) / name).write_text(text, encoding="utf-8")


def main():
    library, compiler = sys.argv[1], sys.argv[2:]
    functions = [f for name in public_headers.names() for f in public_headers.functions(name)]
    with tempfile.TemporaryDirectory() as folder:
        make_run(folder)
        source = pathlib.Path(folder) / "calls.c"
        source.write_text(program(functions), encoding="utf-8")
        compiled = subprocess.run(
            [*compiler, "-std=c17", "-D_GNU_SOURCE", "-O0", "-g", "-w", f"-I{public_headers.FOLDER.parent}", f"-I{SUPPORT}",
             str(source), "-o", f"{folder}/calls", f"-L{library}", f"-Wl,-rpath,{library}", "-lclearhead", "-lm"],
            capture_output=True, text=True)
        if ok(compiled.returncode == 0, "the calls compile"):
            ran = subprocess.run(["./calls", *os.environ.get("CLH_ONLY", "").split()], capture_output=True, text=True,
                                 errors="replace", cwd=folder)
            lines = ran.stdout.splitlines()
            for at, line in enumerate(lines):
                found = re.match(r"^(not )?ok - (.*)$", line)
                if found:
                    ok(not found.group(1), found.group(2))
                else:
                    note(line)
            if not ok(ran.returncode == 0 and len(lines) > 0, "all calls were made"):
                note(ran.stderr[-2000:])
        else:
            note(compiled.stderr[:6000])
    finish()


main()
