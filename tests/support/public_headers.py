"""What the public headers declare, read from their text: functions, enums, structs and the example
each opens with.

    for name in names():
        for function in functions(name):
            print(function.result, function.name, function.parameters)

The headers keep to a form that a few regular expressions can read: one declaration a statement, no
macros in declarations but CLH_API. exports.py holds what is read here against what the compiler saw.
"""
import collections
import os
import pathlib
import re

FOLDER = pathlib.Path(os.environ.get("CLH_SOURCE", ".")).resolve() / "include/clearhead"

# Result and parameters are types as written; a parameter is (type, name). An array is a pointer.
Function = collections.namedtuple("Function", "result name parameters inline")


def names():
    """The headers, by name, without clearhead.h, which is all of them."""
    return sorted(path.name for path in FOLDER.glob("*.h") if path.name != "clearhead.h")


def text(name):
    return (FOLDER / name).read_text(encoding="utf-8")


def code(name):
    """The text without comments and lines for the preprocessor."""
    plain = re.sub(r"/\*.*?\*/", " ", text(name), flags=re.DOTALL)
    plain = re.sub(r"//.*", "", plain)
    plain = re.sub(r"^[ \t]*#(.*\\\n)*.*", "", plain, flags=re.MULTILINE)
    return re.sub(r"\bCLH_(BEGIN|END)_DECLS\b", "", plain)


def statements(name):
    """Declarations at file scope, each on one line; what stands in braces is kept as "{...}"."""
    depth, now = 0, ""
    for character in code(name):
        now += character
        depth += (character == "{") - (character == "}")
        function_ends = character == "}" and re.match(r"\s*static inline", now)
        if depth == 0 and (character == ";" or function_ends):
            yield " ".join(now.rstrip(";").split())
            now = ""


def parameter(words):
    """(type, name) of one parameter."""
    found = re.match(r"^(.*?)(\w+)((?:\[[^]]*\])*)$", words)
    kind, name, arrays = found.group(1).strip(), found.group(2), found.group(3)
    return (kind + " (*)" + arrays[arrays.index("]") + 1:] if arrays.count("[") > 1 else
            kind + " *" if arrays else kind, name)


def functions(name):
    """Every function a header declares or defines."""
    for statement in statements(name):
        found = re.match(r"^(CLH_API |static inline )?((?:const )?\w+[\w ]*[ *]+)(clh_\w+) ?\(([^{}]*)\)"
                         r"(?: \{.*)?$", statement)
        if found and not statement.startswith("typedef"):
            words = found.group(4)
            listed = [] if words == "void" else [parameter(word.strip()) for word in words.split(",")]
            yield Function(found.group(2).strip(), found.group(3), listed,
                           found.group(1) == "static inline ")


def enums(name):
    """(type, [(constant, its number as written, None without)]) of every enum with a name."""
    rows = re.findall(r"X\((\w+), (\w+),", text(name))
    for statement in statements(name):
        found = re.match(r"^typedef enum \w+ \{(.*)\} (\w+)$", statement)
        if found:
            constants = [part.strip().split(" = ") for part in found.group(1).split(",") if part.strip()]
            if constants and "_MAP(" in constants[0][0]: # the table of statuses
                constants = [["CLH_" + row[0], row[1]] for row in rows]
            yield found.group(2), [(part[0], part[1] if len(part) > 1 else None) for part in constants]


def structs(name):
    """(type, [(type of a field, its name)]) of every struct whose fields are told."""
    for statement in statements(name):
        found = re.match(r"^typedef struct \w+ \{(.*)\} (\w+)$", statement)
        if found:
            yield found.group(2), list(fields(found.group(1)))


def fields(words):
    """(type, name) of every field; of an array the type ends in its brackets."""
    for declaration in words.split(";"):
        declaration = declaration.strip()
        pointer = re.match(r"^(.*\(\*)(\w+)(\)\(.*\))$", declaration)
        if pointer: # to a function
            yield pointer.group(1) + pointer.group(3), pointer.group(2)
            continue
        kind = ""
        for at, part in enumerate(declaration.split(",") if declaration else []):
            found = re.match(r"^(.*?)(\**)(\w+)((?:\[[^]]*\])*)$", part.strip())
            if at == 0:
                kind = found.group(1).strip()
            yield " ".join(filter(None, [kind, found.group(2), found.group(4)])), found.group(3)


def example(name):
    """The first block of code of the comment that a header opens with, as lines."""
    opening = re.match(r"/\*\*(.*?)\*/", text(name), re.DOTALL).group(1)
    block = []
    for line in (line[2:] if line.startswith(" *") else line for line in opening.split("\n")):
        if line.startswith("    ") or (block and not line.strip()):
            block.append(line[4:].rstrip())
        elif block:
            break
    while block and not block[-1]:
        block.pop()
    return block
