"""The lab's table: table.py [--full] [--accept] [--tsv FILE] [--plot FILE.svg] ROWS.jsonl ...

Prints all rows, then what is wrong: a kernel that did not compile, spilled registers, a kernel of the catalogue that no variant built, and
what became worse than in table.tsv, which --accept writes anew. Exits with 1 if there was anything."""
import argparse
import collections
import os
import re
import sys

import plot
import rows

HERE = os.path.dirname(os.path.abspath(__file__))
CHECKED_IN = os.path.join(HERE, "table.tsv")
PRINTED = ["variant", "kernel", "shape", "registers", "spills", "scratch", "shared", "occupancy", "instructions", "code", "cycles", "loop", "work",
           "issue", "share", "inner", "unit", "bound", "estimate", "excess", "cost", "status"]
HEADS = {"registers": "regs", "instructions": "instr", "occupancy": "waves"}
PEER = "ggml"
# By which factor a column may grow. Occupancy may not fall. Slots of the main loop count where the compiler estimates no cycles.
MAY_GROW = {"spills": 1, "scratch": 1, "registers": 1.1, "cycles": 1.05}
WITHOUT_CYCLES = {"issue": 1.1}


def show(all_rows, out):
    for device in sorted({row["device"] for row in all_rows}):
        mine = [row for row in all_rows if row["device"] == device]
        print(f"\n{device}: {', '.join(sorted({row['compiler'] for row in mine if row['compiler']}))}", file=out)
        cells = [[HEADS.get(name, name) for name in PRINTED]] + [[rows.cell(row[name])[:60] for name in PRINTED] for row in mine]
        widths = [max(len(line[i]) for line in cells) for i in range(len(PRINTED))]
        for line in cells:
            print("  ".join(c.ljust(w) if i < 3 or i == len(PRINTED) - 1 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths))).rstrip(), file=out)


def compared(all_rows):
    """Our row, the peer's, cycles of ours over the peer's, and the same for issue slots, for the same products."""
    ours = {(row["device"], row["variant"]): row for row in all_rows if row["kernel"] == "flash" and row["cost"]}
    for peer in all_rows:
        mine = ours.get((peer["device"], peer["variant"]))
        if peer["kernel"] == PEER and peer["cost"] and mine:
            slots = [row["issue"] / (row["macs"] / row["excess"]) for row in (mine, peer)]
            yield mine, peer, mine["cost"] / peer["cost"], slots[0] / slots[1]


def show_peers(all_rows, out):
    print("\nours / ggml          estimated cycles  issue slots   (for the same products, same compiler; at most 0.8 is wanted)", file=out)
    for mine, peer, cycles, slots in compared(all_rows):
        print(f"{mine['device']:10} {mine['variant']:14} {cycles:10.2f} {slots:12.2f}   {mine['shape']}, {mine['loop']} {mine['share']:.2f} of its "
              f"slots; ggml's {peer['loop']} {peer['share']:.2f}, {peer['spills']} spills" +
              "".join(f"; {name} has loops of unknown length" for name, row in (("ours", mine), ("ggml's", peer)) if row["excess"] < 0.9), file=out)


def show_targets(all_rows, out):
    """What the lab was made to watch, beside spills: at least two waves, and matrix instructions for most of the main loop."""
    mine = [row for row in all_rows if not row["kernel"].startswith(PEER)]
    lone = collections.Counter(f"{row['device']} {row['kernel'].split('#')[0]}" for row in mine if row["occupancy"] is not None and row["occupancy"] < 2)
    print(f"\nfewer than 2 waves: {lone.total()} of {len(mine)} kernels" + "".join(f"\n  {count} x {name}" for name, count in sorted(lone.items())), file=out)
    print("matrix instructions' share of issue slots, main loop and innermost loop, and of the busiest unit's clocks:", file=out)
    for row in mine:
        if row["loop"] == "matrix":
            print(f"  {row['share']:.2f} {row['inner']:.2f} {row['bound']:.2f} {row['unit']:10}  {name_of(row)}", file=out)


def name_of(row):
    return f"{row['device']}: {row['variant']}: {row['kernel']}"


def check_rows(all_rows):
    for row in all_rows:
        if row["status"] != "ok" and not row["kernel"].startswith(PEER):
            yield f"{name_of(row)}: " + (f"{row['spills']} registers spilled" if row["status"] == "spills" else row["status"])


def check_catalogue(all_rows):
    """Every kernel is built for every device; those of each kind of matrices, where any of the kind is."""
    with open(os.path.join(HERE, "../../shaders/catalogue.c"), encoding="utf-8") as text:
        names = set(re.findall(r"^NAMES\((\w+),", text.read(), re.M))
    for device in sorted({row["device"] for row in all_rows}):
        built = {re.split("[#+]", row["kernel"])[0] for row in all_rows if row["device"] == device}
        absent = tuple(kind for kind in ("_matrix", "_dpas") if not any(name.endswith(kind) for name in built))
        for name in sorted(name for name in names - built if not name.endswith(absent)):
            yield f"{device}: {name}: no variant builds this kernel"


def check_against(all_rows, old_rows, full, notes):
    old = {rows.key(row): row for row in old_rows}
    new_compilers = {}
    for row in all_rows:
        before = old.pop(rows.key(row), None)
        if row["kernel"].startswith(PEER):
            continue
        if before is None:
            notes.append(f"{name_of(row)}: new")
        elif before["compiler"] != row["compiler"]:
            new_compilers[row["device"]] = (before["compiler"], row["compiler"])
        else:
            for column, factor in (MAY_GROW | (WITHOUT_CYCLES if row["cycles"] is None else {})).items():
                if (row[column] or 0) > (before[column] or 0) * factor:
                    yield f"{name_of(row)}: {column} {row[column]}, was {before[column]}"
            if row["occupancy"] is not None and before["occupancy"] is not None and row["occupancy"] < before["occupancy"]:
                yield f"{name_of(row)}: occupancy {row['occupancy']}, was {before['occupancy']}"
    for device, (before, now) in sorted(new_compilers.items()):
        notes.append(f"{device}: compiler {now}, was {before}: not compared; --accept takes its numbers")
    if full:
        devices = {row["device"] for row in all_rows}
        for row in old.values():
            if row["device"] in devices and not row["kernel"].startswith(PEER):
                yield f"{name_of(row)}: is in the table and was not built"


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--full", action="store_true")
    options.add_argument("--accept", action="store_true")
    options.add_argument("--tsv", metavar="FILE")
    options.add_argument("--plot", metavar="FILE.svg")
    options.add_argument("files", nargs="+")
    options = options.parse_args()
    all_rows = rows.read(options.files)
    show(all_rows, sys.stdout)
    show_targets(all_rows, sys.stdout)
    show_peers(all_rows, sys.stdout)
    if options.plot:
        pairs = [(f"{mine['device']} {mine['variant']}", cycles, f"{mine['loop']} {mine['share']:.2f} of slots") for mine, _, cycles, _ in compared(all_rows)]
        with open(options.plot, "w", encoding="utf-8") as out:
            out.write(plot.svg(pairs, sorted({mine["compiler"] for mine, _, _, _ in compared(all_rows)})))
    if options.tsv:
        rows.write_tsv(options.tsv, all_rows)
    notes = []
    wrong = list(check_rows(all_rows)) + list(check_catalogue(all_rows))
    if options.accept:
        devices = {row["device"] for row in all_rows}
        kept = [row for row in rows.read_tsv(CHECKED_IN) if row["device"] not in devices] if os.path.exists(CHECKED_IN) else []
        rows.write_tsv(CHECKED_IN, kept + all_rows)
    elif os.path.exists(CHECKED_IN):
        wrong += check_against(all_rows, rows.read_tsv(CHECKED_IN), options.full, notes)
    else:
        wrong.append(f"{CHECKED_IN} is missing; --accept writes it")
    print()
    for note in notes:
        print("note:", note)
    for text in wrong:
        print("wrong:", text)
    print(f"{len(all_rows)} kernels of {len({r['device'] for r in all_rows})} devices, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
