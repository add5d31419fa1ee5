"""Rows from what the layer wrote: vulkan.py DEVICE FOLDER [VARIANTS.jsonl]; rows to standard output."""
import json
import os
import re
import sys

import loop
import rows
import tiles

# The driver's names of the columns; a sum of several.
COLUMNS = {
    "radv": {"registers": ["VGPRs"], "spills": ["Spilled VGPRs", "Spilled SGPRs"], "scratch": ["Scratch size"], "shared": ["LDS size"],
             "occupancy": ["Subgroups per SIMD"], "instructions": ["Instructions"], "code": ["Code size"], "cycles": ["Inverse Throughput"]},
    "nvk": {"registers": ["Number of GPRs"], "spills": ["Spills to memory"], "scratch": ["SLM size"],
            "occupancy": ["Max warps/SM"], "instructions": ["Instruction count"], "code": ["Code size"], "cycles": ["Static cycle count"]},
    "turnip": {"registers": ["Registers used"], "spills": ["STP Count"], "occupancy": ["Max Waves Per Core"],
               "instructions": ["Instruction Count"], "code": ["Code size"]},
    "llvmpipe": {},
}
# Dialect of the assembly, its text, and that of the NIR it was made from.
DIALECT = {"radv": ("aco", "Assembly", "NIR Shader(s)"), "nvk": ("nak", "NAK assembly", "NIR shader"), "turnip": ("ir3", "IR3 Assembly", "Final NIR")}
SHAPES = ("LANES", "QUERIES", "MM", "MN", "MK", "RM", "RN", "LN", "BC", "CHUNK")


def read_file(folder, file):
    with open(os.path.join(folder, file), encoding="utf-8", errors="replace") as text:
        return text.read()


def read_text(folder, pipeline, name):
    file = pipeline.get("texts", {}).get(name)
    return read_file(folder, file) if file else ""


def shared_of(folder, pipeline):
    """Bytes of shared memory, which NIR tells where statistics do not."""
    for name in pipeline.get("texts", {}):
        found = re.search(r"^shared_size: (\d+)", read_text(folder, pipeline, name), re.M)
        if found:
            return int(found.group(1))
    return 0


def kernel_of(device, folder, pipeline):
    """The loops of a pipeline; None where the driver shows no assembly."""
    driver = pipeline["driver"].split(" ")[0].lower()
    if driver not in DIALECT or pipeline["result"] != 0:
        return None
    dialect, assembly, nir = DIALECT[driver]
    return loop.Kernel(read_text(folder, pipeline, assembly), read_text(folder, pipeline, nir), read_file(folder, pipeline["log"]), dialect, device,
                       pipeline["subgroup"])


def row_of(device, folder, pipeline):
    driver = pipeline["driver"].split(" ")[0].lower()
    variant, kernel, model, specs = (pipeline["label"].split("\t") + ["", "", ""])[:4]
    values = dict(s.split("=") for s in specs.split())
    row = {"device": device, "variant": variant, "kernel": kernel or pipeline["code"],
           "shape": " ".join([model] + [f"{n.lower()}{values[n]}" for n in SHAPES if n in values]),
           "compiler": pipeline["driver"], "subgroup": pipeline.get("subgroup"),
           "status": "ok" if pipeline["result"] == 0 else f"failed: VkResult {pipeline['result']}"}
    statistics = pipeline.get("statistics", {})
    for column, names in COLUMNS.get(driver, {}).items():
        if all(name in statistics for name in names):
            row[column] = sum(statistics[name] for name in names)
    if driver == "turnip":
        row["cycles"] = sum(v for n, v in statistics.items() if n == "Instruction Count" or n.startswith("Estimated cycles stalled"))
    if driver == "nvk":
        row["occupancy"] //= 4  # of an SM's four quarters
    if driver in DIALECT and "shared" not in row:
        row["shared"] = shared_of(folder, pipeline)
    kernel = kernel_of(device, folder, pipeline)
    if kernel:
        row |= loop.measure(kernel, row.get("occupancy", 1))
        needed = tiles.macs(row["kernel"], values, pipeline)
        if needed and row.get("macs"):
            row |= {"excess": round(row["macs"] / needed, 3), "cost": round(row["estimate"] * 4096 / needed, 1)}
    if row["status"] == "ok" and row.get("spills"):
        row["status"] = "spills"
    return row


def main():
    device, folder = sys.argv[1:3]
    with open(os.path.join(folder, "pipelines.jsonl"), encoding="utf-8") as lines:
        rows.write(device, (row_of(device, folder, json.loads(line)) for line in lines), sys.argv[3:])


if __name__ == "__main__":
    main()
