"""A safetensors file with the standard library alone: what tests in shell ask about one.

    python3 tensors.py FILE                      # "name [shape]" a line
    from tensors import read                     # {name: (shape, numbers)}
"""
import ast
import json
import math
import struct
import sys
import zipfile
import zlib


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
        letter = {"F32": "f", "F64": "d", "I32": "i", "I64": "q"}[row["dtype"]]
        count = (end - begin) // struct.calcsize(letter)
        tensors[name] = (row["shape"], struct.unpack(f"<{count}{letter}", data[begin:end]))
    return tensors


def read_npz(path):
    """The same of an npz file, with its metadata beside: what the zip and npy formats say."""
    tensors, metadata = {}, {}
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
        assert [m["name"] for m in zip_members(path)] == file.namelist()
        for member in file.infolist():
            assert member.compress_type == zipfile.ZIP_STORED and member.filename.endswith(".npy")
            data, name = file.read(member), member.filename[:-4]
            assert data[:8] == b"\x93NUMPY\x01\x00"
            start = 10 + int.from_bytes(data[8:10], "little")
            assert start % 64 == 0 and data[start - 1:start] == b"\n"
            head = ast.literal_eval(data[10:start].decode())
            assert list(head) == ["descr", "fortran_order", "shape"] and not head["fortran_order"]
            if name == "__metadata__":
                assert head["descr"] == f"|S{len(data) - start}" and head["shape"] == ()
                metadata = json.loads(data[start:])
                continue
            letter = {"<f4": "f", "<f8": "d", "<i4": "i", "<i8": "q"}[head["descr"]]
            count = math.prod(head["shape"])
            assert len(data) == start + count * struct.calcsize(letter)
            tensors[name] = (list(head["shape"]), struct.unpack(f"<{count}{letter}", data[start:]))
    return tensors, metadata


def zip_members(path):
    """Members as a reader finds them that goes front to back and knows no directory: name, bytes, whether
    zip64's field has its sizes. Flag bit 3, "sizes follow the bytes", must not be there."""
    with open(path, "rb") as file:
        while (head := file.read(4)) == b"PK\x03\x04":
            version, flags, method, _, _, crc, stored, size, name, extra = struct.unpack("<5H3I2H", file.read(26))
            name, extra = file.read(name), file.read(extra)
            assert not flags & 8 and method == 0
            wide = stored == 0xFFFFFFFF
            if wide:
                assert version == 45 and extra[:4] == b"\x01\x00\x10\x00"
                size, stored = struct.unpack("<QQ", extra[4:20])
            data = file.read(stored)
            assert len(data) == stored == size and zlib.crc32(data) == crc
            yield {"name": name.decode("utf-8" if flags & 0x800 else "ascii"), "bytes": data, "zip64": wide}
        assert head in (b"PK\x01\x02", b"PK\x05\x06")


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


def poke(path, name, place, value):
    """Another number at `place` of a F32 tensor, all else in the file as it is."""
    table, _, start = header(path)
    assert table[name]["dtype"] == "F32"
    with open(path, "r+b") as file:
        file.seek(start + table[name]["data_offsets"][0] + 4 * place)
        file.write(struct.pack("<f", value))


if __name__ == "__main__":
    for key, entry in header(sys.argv[1])[0].items():
        print(key, entry["shape"])
