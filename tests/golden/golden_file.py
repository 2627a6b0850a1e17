"""Writing one golden file so that the same content gives the same bytes.

    write_golden("case.safetensors", {"tokens": tokens}, {"first_scored": "5"})
"""
import json

import torch
from safetensors.torch import save


def write_golden(path, tensors, metadata):
    """Tensors as float32 and text metadata, as safetensors; returns the number of bytes.

    The library writes the metadata in the order of a hash map, which differs from run to run:
    the header is put in order here, offsets untouched (they count from the header's end).
    """
    blob = save({name: value.to(torch.float32).contiguous() for name, value in tensors.items()},
                metadata=metadata)
    length = int.from_bytes(blob[:8], "little")
    header = json.loads(blob[8:8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    blob = len(text).to_bytes(8, "little") + text + blob[8 + length:]
    with open(path, "wb") as file:
        file.write(blob)
    return len(blob)
