"""Where a kernel's issue slots go: explain.py DEVICE VARIANT [KERNEL], after lab.sh; LAB_BUILD as for that.

For each loop: turns, slots of one turn by class, loops within it as often as they go round (0 turns: not known, counted once); then the clocks
of each unit in such a turn."""
import glob
import json
import os
import sys

import opencl
import rows
import vulkan


def label_of(kernel, loop):
    return "  " * (loop.depth - 1) + str(kernel.blocks[loop.header].label)


def show(kernel):
    names = ("matrix", "fma", "alu", "special", "scalar", "shared", "memory", "wait")
    print(f"{'loop':12}{'turns':>8}" + "".join(f"{name:>10}" for name in names) + f"{'all':>10}{'clocks':>10}")
    for loop in kernel.loops:
        _, slots, _ = kernel.sums(loop)
        clocks = sum(kernel.weight(i, loop) * (kernel.clocks.get(kernel.blocks[i].label, 0) or sum(kernel.blocks[i].delays)) for i in loop.blocks)
        print(f"{label_of(kernel, loop):12}{kernel.trips.get(loop) or 0:8}" + "".join(f"{slots.get(name, 0):10.0f}" for name in names) +
              f"{sum(slots.values()):10.0f}{clocks:10}")
    busy = {loop: kernel.busy(loop) for loop in kernel.loops}
    names = sorted({unit for clocks in busy.values() for unit in clocks})
    print(f"{'units':20}" + "".join(f"{name:>11}" for name in names))
    for loop, clocks in busy.items():
        print(f"{label_of(kernel, loop):20}" + "".join(f"{clocks.get(name, 0):11.0f}" for name in names))


def of_vulkan(device, folder):
    """Labels and kernels, in the order in which they were built."""
    with open(os.path.join(folder, "pipelines.jsonl"), encoding="utf-8") as lines:
        for line in lines:
            pipeline = json.loads(line)
            yield pipeline["label"], lambda pipeline=pipeline: vulkan.kernel_of(device, folder, pipeline)


def of_opencl(device, folder):
    built = rows.read([folder + ".rows.jsonl"])
    for row, label in zip(built, sorted(glob.glob(os.path.join(folder, "*.label")))):
        yield opencl.read_text(label), lambda row=row, base=label[:-len(".label")]: opencl.kernel_of(device, opencl.read_text(base + ".s"), row["subgroup"])


def main():
    device, variant = sys.argv[1:3]
    folder = os.path.join(os.environ.get("LAB_BUILD", "build/lab"), "lab/out", device)
    found = of_vulkan if os.path.exists(os.path.join(folder, "pipelines.jsonl")) else of_opencl
    for label, kernel_of in found(device, folder):
        names = label.split("\t")
        if names[0] == variant and (len(sys.argv) < 4 or names[1] == sys.argv[3]):
            kernel = kernel_of()
            print(f"{device}: {variant}: {' '.join(names[1:])}")
            if kernel:
                show(kernel)


if __name__ == "__main__":
    main()
