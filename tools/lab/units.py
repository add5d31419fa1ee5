"""Which units of a card an instruction keeps busy, for how many clocks, where issue.py counts all instructions one behind the other.

A unit here is one SIMD's (AMD), one quarter's of an SM (NVIDIA), one EU's (Intel), one half's of a core (Adreno), or its part of what it has in
common with others when these use it too. What issue.py says of arithmetic holds; this adds where it is done, and memory:
- AMD: one ALU for all vector arithmetic, WMMA too; transcendental instructions take one pass of it and then a unit beside it, on Vega all their
  passes. LDS and vector memory have ports of their own; each SIMD issues to all ports in a clock, from different waves, so that issue bounds
  nothing. 128 bytes of LDS in a clock for two SIMDs (RDNA) or four (Vega); of the first cache 128 for two (stores half of it), or 64 for four.
  Sources: RDNA white paper (issue, transcendental unit, request and return buses), RDNA Architecture (GPUOpen, 2019: loads and stores), RDNA3
  ISA guide 12.1 (two sets of 32 banks, each for two SIMDs), Vega ISA guide (32 banks), Mesa's ACO, aco_statistics.cpp (units, scalar clocks).
- NVIDIA: one warp instruction issued per clock; pipelines for FMA (fp32 sums and products, integer products), ALU (other integers, comparisons,
  minima, moves, F2FP), packed fp16 (of GA102: FMA's), XU (special functions, conversions) and tensor cores. Shared memory and the first cache
  are one memory behind one load/store unit: 128 bytes in a clock and SM, of Turing 64. Sources: Nsight Compute, Kernel Profiling Guide,
  "Pipelines"; GA102 white paper (bytes of both); CUDA C++ Programming Guide 12 (32 banks of 32 bits; shuffles 32 lanes in a clock and SM).
- Intel: FPU with everything but extended math (Gen9: math takes one of its two halves), from Xe-HPG on a port for floats and one for integers
  and math; XMX beside them. Shared memory and the cache are behind one data port: 64 bytes in a clock for 8 EUs (Gen9), 128 for 16 (Xe-LP;
  Xe-HPG, of which no source was found: as Xe-LP), 512 for 8 (Xe-HPC). Gen9 issues to four units in a clock; for the others no source was found,
  and one instruction is assumed. Sources: The Compute Architecture of Intel Processor Graphics Gen9; oneAPI GPU Optimization Guide, "Xe-LP";
  Introduction to the Xe-HPG Architecture; Architecture Day 2021 (Xe-HPC); Mesa's brw_lower_scoreboard.cpp (an operand's type chooses the port).
- Adreno: ALU and special function unit side by side (Mesa's ir3: results of both are waited for apart). No source was found for local memory,
  cache and issue: 64 bytes in a clock for both, one instruction.

Bytes of a memory instruction are those of the whole sub-group, a lane's at least four: the passes that rows of matrices take, which are all
distinct. Lanes that read one address save no pass on AMD, where a pass has fixed lanes (8 of 128 bits: ROCm, "LDS bank conflicts"). On NVIDIA
8 lanes of 128 bits make a transaction too (its developer forum, 260900), but a word that a whole warp reads takes one: that, bank conflicts,
misses of the first cache and latency cannot be seen in the text.
"""
import re

# Bytes in a clock: of shared memory and of the first cache.
BYTES = {"vega10": (32, 16), "gfx906": (32, 16), "turing": (16, 16), "ampere": (32, 32), "ga102": (32, 32),
         "gen9": (8, 8), "xelp": (8, 8), "xehpg": (8, 8), "xehpc": (64, 64), "adreno740": (64, 64)}
RDNA = (64, 64)


def passes(lanes, bits, words, rate):
    """Of a load or store that says how wide a lane's words are; a barrier takes one."""
    return lanes * max(4, bits // 8 * words) / rate if bits else 1


def aco(device, op, subgroup, kind, slots):
    gcn = device in BYTES
    if kind in ("matrix", "fma", "alu"):
        return {"valu": slots}
    if kind == "special":
        return {"valu": slots} if gcn or re.match(r"v_(mul|mad)_", op) else {"valu": slots / 4, "special": slots}
    if kind == "wait":
        return {}
    if kind == "scalar":
        return {"scalar": 4 * slots if gcn else slots}
    name = op.split(" ")[0]
    width, words = re.search(r"_[bui](\d+)|(dword|short|byte)", name), re.search(r"dwordx(\d)", name)
    bits = 0 if not width else int(width.group(1) or {"dword": 32, "short": 16, "byte": 8}[width.group(2)])
    count = (int(words.group(1)) if words else 1) * (2 if re.search(r"(read|write)2|_2addr", name) else 1)
    rate = BYTES.get(device, RDNA)[kind == "memory"] / (2 if kind == "memory" and not gcn and "_store" in name else 1)
    return {kind: passes(subgroup, bits, count, rate)}


def nak(device, op, subgroup, kind, slots):
    name = op.split(".")[0].split(" ")[0]
    if kind == "wait":
        return {"issue": 1}
    unit = kind
    if name == "shfl":
        unit, slots = "load/store", subgroup / 8
    elif name == "ldc":
        unit = "scalar"
    elif kind in ("shared", "memory"):
        matrices, width = re.match(r"ldsm\S*\.x(\d)", op), re.search(r"\.[bfsu](\d+)", op)
        bits = 32 * int(matrices.group(1)) if matrices else int(width.group(1)) if width else 0
        unit, slots = "load/store", passes(subgroup, bits, 1, BYTES[device][kind == "memory"])
    elif name in ("hfma2", "hadd2", "hmul2", "hmnmx2", "hset2", "hsetp2"):
        unit = "fma" if device == "ga102" else "half"
    elif name.startswith(("fadd", "fmul", "imad", "imul", "idp")):
        unit = "fma"
    return {unit: slots, "issue": 1}


def ir3(device, op, subgroup, kind, slots):
    if kind == "wait":
        return {"issue": slots}
    if kind in ("shared", "memory"):
        width, words = re.search(r"\.[bfsu](\d+)", op), re.search(r", (\d)$", op)
        bits, count = int(width.group(1)) if width else 0, int(words.group(1)) if words else 1
        return {"load/store": passes(subgroup, bits, count, BYTES[device][kind == "memory"]), "issue": 1}
    return {"alu" if kind == "fma" else kind: slots, "issue": 1}


def gen(device, op, _, kind, slots):
    issued = {} if device == "gen9" else {"issue": 1}
    if kind == "wait":
        return issued
    if kind in ("shared", "memory"):
        return {"load/store": message_bytes(device, op) / BYTES[device][kind == "memory"]} | issued
    if kind in ("matrix", "scalar"):
        return {kind: slots} | issued
    if device in ("xehpg", "xehpc"):
        types = re.findall(r":(\w+)", op)
        floats = kind != "special" and any(name in ("f", "hf", "bf", "df") for name in types[1:] or types)
        return {"float" if floats else "int": slots} | issued
    if kind == "special":
        return {"special": slots, "fpu": slots / 2} if device == "gen9" else {"special": slots} | issued
    return {"fpu": slots} | issued


def message_bytes(device, op):
    """Of a typed load or store: lanes, words of a lane, bytes of a word; of the older messages the registers that come back or else go out."""
    typed = re.match(r"\w+\.\w+\.d(\d+)\w*?(?:x(\d+)(t?))?\.", op)
    if typed:
        lanes = 1 if typed.group(3) else int(re.search(r"\((\d+)\|M", op).group(1))
        return lanes * max(4, int(typed.group(1)) // 8) * int(typed.group(2) or 1)
    words = [int(word, 16) for word in re.findall(r"\b0x([0-9A-F]+)\b", op)]
    more, message = words[-2] if len(words) > 1 else 0, words[-1]
    return (message >> 20 & 31 or more >> 6 & 15 or message >> 25 & 15) * (64 if device == "xehpc" else 32)


UNITS = {"aco": aco, "nak": nak, "ir3": ir3, "llvm": aco, "gen": gen}
