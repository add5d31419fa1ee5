"""Rows from the texts that the stand-in OpenCL library wrote: opencl.py DEVICE FOLDER VARIANTS.jsonl; rows to standard output."""
import glob
import os
import sys

import amdgcn
import ocloc
import rows

SHAPES = ("LANES", "MM", "MN", "MK", "RM", "RN", "LN", "BC", "CHUNK")


def read_text(path):
    with open(path, encoding="utf-8") as text:
        return text.read()


def row_of(device, base, built):
    variant, kernel, model, specs = read_text(base + ".label").split("\t")
    values = dict(s.split("=") for s in specs.split())
    text, options = base + ".cl", read_text(base + ".options")
    what = (read_text(text), options)
    if what not in built:
        compiler = ocloc if device in ocloc.PLATFORMS else amdgcn
        built[what] = compiler.build(device, text, options.split(), kernel.split("+")[0])
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
