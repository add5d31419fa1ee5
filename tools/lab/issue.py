"""Issue cycles of one sub-group on one SIMD (AMD), one quarter of an SM (NVIDIA), one ALU half of a core (Adreno).

A cycle here is a slot of the port that a wave's arithmetic goes through. Memory, LDS, scalar and branch instructions have ports of
their own, but a wave issues one instruction at a time: each counts one slot. Waits, delay hints and scheduling marks take none.
Sources: AMD, RDNA3 and RDNA4 ISA guides (July 2023, April 2025), WMMA and VOPD; AMD GPUOpen, "How to accelerate AI
applications on RDNA 3 using WMMA" (512 FLOP per clock and CU of fp16: a 16x16x16 product takes 32 cycles of a SIMD; RDNA4 twice
that rate for fp16 and four times for 8 bits); Vega ISA guide (64 lanes over 16 ALUs: 4 cycles); NVIDIA, Turing, A100 and GA102 white papers
(multiply-adds and tensor core FMA per clock and SM, over 4). The rates that Mesa's ACO assumes for its own estimate agree but for
WMMA on RDNA4, for which it takes RDNA3's. NVIDIA, CUDA C++ Programming Guide 12, "Arithmetic Instructions": results per clock and SM of compute
capability 7.5, 8.0 and 8.6, over 4. GeForce GA102: RTX 3080, 59.5 TFLOPS of fp16 with fp32 sums, 238 TOPS of int8, on 272 tensor cores at
1.71 GHz; fp32 on two pipes of 16 lanes, of which the integers have one. Intel, "Introduction to the Xe-HPG Architecture" (128 operations of fp16 and
256 of int8 per clock and matrix engine) and Architecture Day 2021 (Xe-HPC: 4096 and 8192 per core of eight).

A rate takes device, instruction text and sub-group size, and gives class, slots, and products of one number by another (MAC).
"""
import re

WORK = ("matrix", "fma")

# NVIDIA, per clock and quarter of an SM: tensor core FMA of fp16 with fp32 sums and of int8 (Turing: of GeForce cards, 32 and 128 on each of two
# cores), lanes of fp32 arithmetic, lanes of packed fp16.
NVIDIA = {"turing": (64, 256, 16, 16), "ampere": (256, 512, 16, 32), "ga102": (64, 256, 32, 16)}


def aco(device, op, subgroup):
    gcn = device in ("vega10", "gfx906")
    rdna = {"navi10": 2, "navi21": 2, "gfx1030": 2, "navi31": 3, "gfx1100": 3, "gfx1200": 4, "gfx1201": 4}.get(device, 0)
    # Passes of a plain vector instruction. RDNA3 and 4 run multiply-adds of wave64 in one, on both halves of the ALU.
    passes = 4 if gcn else subgroup // 32
    if op.startswith(("v_wmma", "v_swmmac")):
        narrow = re.search(r"_(iu8|iu4|fp8|bf8)", op)
        return "matrix", (16 if "iu4" in op else 32) if rdna < 4 else 8 if narrow else 16, 16 * 16 * 16
    if op.startswith("v_dual"):
        products = len(re.findall(r"v_dual_(?:fma|fmac|fmaak|fmamk)", op)) + 2 * len(re.findall(r"v_dual_dot2", op))
        return ("fma" if products else "alu"), 1, products * subgroup
    # A multiply-add by 1 is an addition to the sum of products that were made in fp16.
    if re.match(r"v_(fma|fmac|mad|mac|pk_fma|pk_mul_f16|dot\d|fmaak|fmamk|madak|madmk|mad_mix|fma_mix)", op) and not re.match(r"v_mad_[ui]|v_fma_mix_f32 .*\b1\.0,", op):
        products = 2 if op.startswith(("v_pk_", "v_dot2")) else 4 if op.startswith("v_dot4") else 1
        return "fma", 1 if rdna >= 3 and passes == 2 and re.match(r"v_(fma|fmac|dot2)", op) else passes, products * subgroup
    if re.match(r"v_(exp|log|rcp|rsq|sqrt|sin|cos)_", op) or re.match(r"v_(mul_lo|mul_hi|mad_u64|mad_i64)", op):
        return "special", 4 * passes, 0
    if op.startswith(("v_", "ds_swizzle", "ds_bpermute")) and not op.startswith("ds_"):
        return "alu", 1 if rdna >= 3 and passes == 2 and re.match(r"v_(add|sub|mul|max|min|mov)_(f32|b32)", op) else passes, 0
    if op.startswith("ds_"):
        return "shared", 1, 0
    if op.startswith(("global_", "buffer_", "flat_", "scratch_", "image_")):
        return "memory", 1, 0
    if op.startswith(("s_waitcnt", "s_wait_", "s_delay_alu", "s_nop", "s_clause", "s_inst_prefetch", "s_set_inst")):
        return "wait", 0, 0
    return "scalar", 1, 0


def nak(device, op, subgroup):
    name = op.split(".")[0].split(" ")[0]
    fp16_macs, int8_macs, fp32_lanes, fp16_lanes = NVIDIA[device]
    if name in ("hmma", "imma", "bmma"):
        shape = re.search(r"m(\d+)n(\d+)k(\d+)", op)
        m, n, k = (int(x) for x in shape.groups()) if shape else (16, 8, 16)
        return "matrix", m * n * k / (int8_macs if name == "imma" else fp16_macs), m * n * k
    if name == "ffma":
        return "fma", subgroup / fp32_lanes, subgroup
    if name == "hfma2":
        return "fma", subgroup / fp16_lanes, 2 * subgroup
    if name in ("idp4", "idp2", "dp4a"):
        return "fma", subgroup / 16, subgroup * (2 if name == "idp2" else 4)
    if name in ("mufu", "f2i", "i2f", "f2f", "frnd", "popc", "flo"):
        return "special", 8, 0
    if name in ("ldsm", "lds", "sts") or re.match(r"(ld|st|atom)\S*\.shared", op):
        return "shared", 1, 0
    if name in ("ld", "st", "ldg", "stg", "ldl", "stl", "ldc", "atom", "tex", "suld", "sust", "cctl", "membar"):
        return "memory", 1, 0
    if name in ("nop", "bsync", "bssy", "bclear", "yield"):
        return "wait", 0, 0
    if name in ("bra", "exit", "bar", "brk", "warpsync", "jmp") or name.startswith("u") or name in ("r2ur", "s2ur"):
        return "scalar", 1, 0
    lanes = fp32_lanes if name in ("fadd", "fmul") else fp16_lanes if name in ("hadd2", "hmul2") else 16
    return "alu", subgroup / lanes, 0


def ir3(_, op, subgroup):
    passes = 1 if subgroup <= 64 else 2
    repeat = re.match(r"(?:\(\w+\)\s*)*\(rpt(\d+)\)", op)
    name = re.sub(r"^(\(\w+\)\s*)+", "", op).split(" ")[0]
    count = (int(repeat.group(1)) + 1 if repeat else 1) * passes
    if name.startswith(("mad.f", "dp4acc", "dp2acc")):
        return "fma", count, count // passes * subgroup * (4 if name.startswith("dp4") else 2 if name.startswith("dp2") else 1)
    if name.startswith(("rcp", "rsq", "sqrt", "log2", "exp2", "sin", "cos", "hlog2", "hexp2", "hrsq")):
        return "special", 4 * count, 0
    if name.startswith(("ldl", "stl", "ldlw", "stlw")):
        return "shared", 1, 0
    if name.startswith(("ldg", "stg", "ldp", "stp", "ldib", "stib", "ldc", "isam", "sam", "atomic", "fence", "bar")):
        return "memory", 1, 0
    if name == "nop":
        return "wait", count, 0
    if name.startswith(("br", "jump", "end", "getone", "shps", "shpe", "kill", "predt", "predf", "prede")):
        return "scalar", 1, 0
    return "alu", count, 0


def gen(device, op, _):
    name = re.split(r"[. ]", op, maxsplit=1)[0]
    size = re.search(r"\((\d+)\|M", op)
    lanes = int(size.group(1)) if size else 1
    passes = max(1, lanes // (16 if device == "xehpc" else 8))
    if name in ("dpas", "dpasw"):
        depth, rows = (int(x) for x in re.search(r"dpasw?\.(\d+)x(\d+)", op).groups())
        in_word = 4 if re.search(r":u?b\b", op) else 2
        products = rows * lanes * depth * in_word
        return "matrix", products / (in_word * (128 if device == "xehpc" else 32)), products
    if name in ("mad", "dp4a"):
        return "fma", passes, lanes * (4 if name == "dp4a" else 1)
    if name == "math":
        return "special", 4 * passes, 0
    if name in ("send", "sends", "sendc", "sendsc", "load", "store", "atomic"):
        return ("shared" if "slm" in op or re.search(r"\b0x[0-9A-F]{6}FE\b", op) else "memory"), 1, 0  # FE: the surface that is SLM
    if name in ("nop", "sync", "wait"):
        return "wait", 0, 0
    if name in ("if", "else", "endif", "while", "goto", "join", "jmpi", "break", "cont", "brc", "brd", "ret", "call", "calla", "halt"):
        return "scalar", 1, 0
    return "alu", passes, 0


RATES = {"aco": aco, "nak": nak, "ir3": ir3, "llvm": aco, "gen": gen}
