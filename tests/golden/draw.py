"""Numbers drawn from a name: the Python half of draw.c.

Element i of tensor NAME is f32(scale) * u(i) + f32(shift), where u(i) in [-1, 1) is the top 24 bits of splitmix64 at
fnv1a64(NAME) ^ (seed * 0x9E3779B97F4A7C15) + i * 0xD1B54A32D192ED03.
"""
import numpy as np

MASK = (1 << 64) - 1


def fnv1a(name):
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = ((h ^ byte) * 0x100000001B3) & MASK
    return h


def splitmix(x):
    z = x + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def draw(name, shape, scale, shift, seed):
    """fp32 array; the same bits as golden_draw() in draw.c."""
    n = int(np.prod(shape, dtype=np.int64))
    start = np.uint64(fnv1a(name) ^ (seed * 0x9E3779B97F4A7C15 & MASK))
    out = np.empty(n, np.float32)
    step = 1 << 22
    for first in range(0, n, step):
        i = np.arange(first, min(n, first + step), dtype=np.uint64)
        with np.errstate(over="ignore"):
            bits = splitmix(start + i * np.uint64(0xD1B54A32D192ED03)) >> np.uint64(40)
        u = bits.astype(np.float32) * np.float32(2.0**-23) - np.float32(1)
        out[first : first + len(i)] = np.float32(scale) * u + np.float32(shift)
    return out.reshape(shape)


def normal(seed, n):
    """As the engine's noise.c: Box and Muller's transform of two streams of bits."""
    with np.errstate(over="ignore"):
        at = splitmix(np.uint64(seed)) + np.arange(2 * n, dtype=np.uint64)
        bits = (splitmix(at) >> np.uint64(11)).astype(np.float64)
    return np.sqrt(-2 * np.log((bits[::2] + 0.5) * 2.0**-53)) * np.cos(2 * np.pi * bits[1::2] * 2.0**-53)


def stored(values, storage):
    """Values rounded to what a file of that storage type holds, as fp32."""
    if storage == "F32":
        return values
    if storage == "F16":
        return values.astype(np.float16).astype(np.float32)
    bits = values.view(np.uint32)
    rounded = bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    return (rounded & np.uint32(0xFFFF0000)).view(np.float32)
