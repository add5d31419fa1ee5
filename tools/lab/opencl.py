"""Rows from the texts that the stand-in OpenCL library wrote: opencl.py DEVICE FOLDER VARIANTS.jsonl; rows to standard output."""
import glob
import os
import sys

import amdgcn
import loop
import ocloc
import rows

SHAPES = ("LANES", "MM", "MN", "MK", "RM", "RN", "LN", "BC", "CHUNK")


def read_text(path):
    with open(path, encoding="utf-8") as text:
        return text.read()


def compiler_of(device):
    return (ocloc, "gen") if device in ocloc.PLATFORMS else (amdgcn, "llvm")


def kernel_of(device, assembly, subgroup):
    """The loops of a kernel."""
    return loop.Kernel(assembly, "", "", compiler_of(device)[1], device, subgroup)


def build(device, base, kernel):
    """Columns of a row; the assembly goes to a file beside the text."""
    row, assembly = compiler_of(device)[0].build(device, base + ".cl", read_text(base + ".options").split(), kernel)
    if assembly:
        with open(base + ".s", "w", encoding="utf-8") as out:
            out.write(assembly)
        row |= loop.measure(kernel_of(device, assembly, row["subgroup"]), row["occupancy"])
    return row


def row_of(device, base, built):
    variant, kernel, model, specs = read_text(base + ".label").split("\t")
    values = dict(s.split("=") for s in specs.split())
    what = (read_text(base + ".cl"), read_text(base + ".options"))
    if what not in built:
        built[what] = build(device, base, kernel.split("+")[0])
    row = {"device": device, "variant": variant, "kernel": kernel, "status": "ok",
           "shape": " ".join([model] + [f"{n.lower()}{values[n]}" for n in SHAPES if n in values])} | built[what]
    if row["status"] == "ok" and (row["spills"] or row["scratch"]):
        row["status"] = "spills"
    return row


def main():
    device, folder, variants = sys.argv[1:]
    built = {}
    labels = sorted(glob.glob(os.path.join(folder, "*.label")))
    rows.write(device, (row_of(device, label[:-len(".label")], built) for label in labels), [variants])


if __name__ == "__main__":
    main()
