"""A safetensors file with the standard library alone: what tests in shell ask about one.

    python3 tensors.py FILE                      # "name [shape]" a line
    from tensors import read                     # {name: (shape, numbers)}
"""
import json
import struct
import sys


def header(path):
    """({name: {"dtype", "shape", "data_offsets"}}, metadata, offset of the data)"""
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        table = json.loads(file.read(size))
    return table, table.pop("__metadata__", {}), 8 + size


def read(path):
    """Every tensor's shape and numbers, flat."""
    table, _, start = header(path)
    with open(path, "rb") as file:
        data = file.read()
    tensors = {}
    for name, row in table.items():
        begin, end = (start + offset for offset in row["data_offsets"])
        assert row["dtype"] == "F32", (name, row["dtype"])
        tensors[name] = (row["shape"], struct.unpack(f"<{(end - begin) // 4}f", data[begin:end]))
    return tensors


def write(path, tensors, dtype="F32"):
    """{name: (shape, numbers)} as a file without metadata."""
    table, data = {}, b""
    for name, (shape, numbers) in tensors.items():
        part = struct.pack(f"<{len(numbers)}f", *numbers)
        table[name] = {"dtype": dtype, "shape": shape,
                       "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(table).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


if __name__ == "__main__":
    for key, entry in header(sys.argv[1])[0].items():
        print(key, entry["shape"])
