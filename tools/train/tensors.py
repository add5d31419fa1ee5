"""Reads and writes safetensors files with numpy alone."""
import json
import numpy as np

TYPES = {"F32": np.float32, "F16": np.float16, "U8": np.uint8, "I32": np.int32}


def save(path, tensors):
    header, blobs, at = {}, [], 0
    for name, array in tensors.items():
        array = np.ascontiguousarray(array)
        kind = next(k for k, t in TYPES.items() if array.dtype == t)
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        blobs.append(array.tobytes())
        at += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text + b"".join(blobs))


def load(path):
    with open(path, "rb") as f:
        data = f.read()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    return {name: np.frombuffer(data[start + t["data_offsets"][0]:start + t["data_offsets"][1]], TYPES[t["dtype"]]).reshape(t["shape"])
            for name, t in header.items() if name != "__metadata__"}
