"""A row of the lab's table: one kernel of one variant, built for one device. Every collector writes rows as JSON lines."""
import json

# name, type, what it says; a key is what a row is found by in the table that is checked in.
COLUMNS = [
    ("device", str, "the target's short name: navi31, ga102, xehpg, ..."),
    ("variant", str, "what was prepared: 'flash f16 d64 causal', 'conv 3x3x3 c96 f32', ..."),
    ("kernel", str, "the catalogue's name; a second one of the same name within a variant has #2 behind it"),
    ("shape", str, "tile model and shape, as the engine chose them: 'simt 32x64'"),
    ("compiler", str, "driver or compiler and its version, of which numbers depend"),
    ("status", str, "ok, spills, or failed: the compiler's text"),
    ("registers", int, "vector registers of an invocation (VGPR, GPR, GRF), in the device's own units"),
    ("spills", int, "registers spilled, of any kind"),
    ("scratch", int, "bytes of private memory of an invocation"),
    ("shared", int, "bytes of shared memory of a workgroup"),
    ("occupancy", int, "sub-groups that a SIMD (AMD), an SM's quarter (NVIDIA) or an EU (Intel) holds at once"),
    ("subgroup", int, "invocations of a sub-group"),
    ("instructions", int, "in the whole kernel"),
    ("code", int, "bytes"),
    ("cycles", int, "the compiler's own estimate for the whole kernel, in its own units"),
    # Of one turn of the loop in which most products are made, for one sub-group: loop.py
    ("loop", str, "what makes the products: matrix instructions, or fma where there are none"),
    ("work", int, "instructions of that class"),
    ("macs", int, "products that they make"),
    ("issue", float, "slots of all instructions, by issue.py"),
    ("share", float, "of these, those of the class"),
    ("inner", float, "the same in the innermost loop alone that has most of the class"),
    ("unit", str, "the busiest unit, by units.py"),
    ("bound", float, "clocks of the class / the busiest unit's"),
    ("estimate", float, "cycles by the compiler's own estimate"),
    ("excess", float, "macs / the products that the tile needs, where the lab knows the tile"),
    ("cost", float, "estimate for each 4096 products that the tile needs"),
]
KEY = ("device", "variant", "kernel")
NAMES = [name for name, _, _ in COLUMNS]


def key(row):
    return tuple(row[name] for name in KEY)


def read(paths):
    """Rows of JSON lines files; a row that lacks a column has None there."""
    rows = []
    for path in paths:
        with open(path, encoding="utf-8") as lines:
            rows += [dict.fromkeys(NAMES) | json.loads(line) for line in lines if line.strip()]
    return rows


def write(device, found, variants):
    """Prints what a collector found, kernels of one name numbered, and the variants (files of JSON lines) that could not be prepared."""
    seen = {}
    for row in found:
        number = seen[row["variant"], row["kernel"]] = seen.get((row["variant"], row["kernel"]), 0) + 1
        if number > 1:
            row["kernel"] += f"#{number}"
        print(json.dumps(row))
    for path in variants:
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                variant = json.loads(line)
                if "error" in variant:
                    print(json.dumps({"device": device, "variant": variant["variant"], "kernel": "-", "status": "failed: " + variant["error"]}))


def write_tsv(path, rows):
    with open(path, "w", encoding="utf-8") as out:
        out.write("\t".join(NAMES) + "\n")
        for row in sorted(rows, key=key):
            out.write("\t".join(cell(row[name]) for name in NAMES) + "\n")


def read_tsv(path):
    """Rows of a table; a column that the table is too old for is None."""
    with open(path, encoding="utf-8") as lines:
        head = lines.readline().rstrip("\n").split("\t")
        kinds = {name: kind for name, kind, _ in COLUMNS}
        return [dict.fromkeys(NAMES) | {n: None if c == "-" else kinds[n](c) for n, c in zip(head, line.rstrip("\n").split("\t"))} for line in lines]


def cell(value):
    return "-" if value is None else f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
