"""What a kernel's main loop does with its issue slots."""
import re

import asm
import issue
import nir
import units

VECTOR = ("matrix", "fma", "alu", "special")  # classes that share the vector port


class Kernel:
    """A kernel's assembly; nir: the text that it was made from; log: ACO_DEBUG=perfinfo, which says how many clocks ACO thinks that each
    instruction takes."""

    def __init__(self, text, nir_text, log, dialect, device, subgroup):
        self.dialect, self.device, self.subgroup = dialect, device, subgroup
        self.blocks = asm.parse(text, dialect)
        self.loops = asm.loops(self.blocks)
        trips = nir.trips(nir_text)
        self.trips = dict(zip(self.loops, trips)) if len(trips) == len(self.loops) else {}
        self.around = [asm.innermost(self.loops, i) for i in range(len(self.blocks))]
        self.clocks = clocks_of(log)
        self.after = asm.successors(self.blocks)
        self.costs = [[issue.RATES[dialect](device, line, subgroup) for line in block.lines] for block in self.blocks]

        self.runs = {}  # of each loop the weights of its blocks in one turn, made when asked for

    def weight(self, block, outer):
        """How often a block runs in one turn of a loop around it."""
        return self.turn(outer).get(block, 0)

    def turn(self, loop):
        if loop not in self.runs:
            self.runs[loop] = self.best_turn(loop)
        return self.runs[loop]

    def best_turn(self, loop):
        """Weights of the blocks in the cheapest turn of a loop that makes most products: whole tiles, rows that lie well, nothing tested. Where a
        branch is not the same for all invocations of a sub-group, what it jumps over is done. Loops within go round as often as they do,
        those of unknown length once."""
        inner = {loop_: self.turn(loop_) for loop_ in self.loops if loop_.parent is loop}
        node_of = {i: loop_ for loop_ in inner for i in loop_.blocks}
        best = {}

        def work_of(node):
            """Products and slots of a block, or of all turns of a loop."""
            blocks = {node: 1} if isinstance(node, int) else {i: w * (self.trips.get(node) or 1) for i, w in inner[node].items()}
            costs = [(weight, cost) for i, weight in blocks.items() for cost in self.costs[i]]
            return -sum(w * c[2] for w, c in costs if c[0] in issue.WORK), sum(w * c[1] for w, c in costs), blocks

        def following(node):
            blocks = [node] if isinstance(node, int) else sorted(node.blocks)
            out = [f for i in blocks for f in self.after[i] if f in loop.blocks and f != loop.header and (isinstance(node, int) or f not in node.blocks)]
            if isinstance(node, int) and self.blocks[node].divergent and self.blocks[node].falls and node + 1 in out:
                out = [node + 1]
            return dict.fromkeys(node_of.get(f, f) for f in out)

        def walk(first):
            """The best way from a block to the end of the turn: products (less is more), slots, the block, what follows."""
            work = [first]
            while work:
                node = work[-1]
                missing = [f for f in following(node) if f not in best]
                if missing and node not in best:
                    best[node] = None  # a way that comes back to it goes round a loop that dominators did not show
                    work += missing
                    continue
                work.pop()
                if best.get(node) is None:
                    made, slots, _ = work_of(node)
                    ways = [best[f] for f in following(node) if best.get(f)]
                    rest = min(ways, key=lambda way: way[:2]) if ways else (0, 0, None, None)
                    best[node] = (made + rest[0], slots + rest[1], node, rest)
            return best[first]

        weights, way = {}, walk(loop.header)
        while way and way[2] is not None:
            for i, weight in work_of(way[2])[2].items():
                weights[i] = weights.get(i, 0) + weight
            way = way[3]
        return weights

    def sums(self, outer):
        """Instructions, slots and MACs of each class in one turn of a loop."""
        numbers, slots, macs = {}, {}, 0
        for i in outer.blocks:
            weight = self.weight(i, outer)
            for kind, cost, products in self.costs[i]:
                numbers[kind] = numbers.get(kind, 0) + weight
                slots[kind] = slots.get(kind, 0) + weight * cost
                macs += weight * products
        return numbers, slots, macs

    def busy(self, outer, only=None):
        """Clocks of each unit in one turn of a loop; of the instructions of one class alone, if it is named."""
        clocks = {}
        for i in outer.blocks:
            weight = self.weight(i, outer)
            for line, (kind, slots, _) in zip(self.blocks[i].lines, self.costs[i]):
                if weight and kind == (only or kind):
                    for unit, cost in units.UNITS[self.dialect](self.device, line, self.subgroup, kind, slots).items():
                        clocks[unit] = clocks.get(unit, 0) + weight * cost
        return clocks

    def share(self, outer, kind):
        numbers, slots, macs = self.sums(outer)
        return slots.get(kind, 0) / sum(slots.values())

    def main_loop(self):
        """The outermost loop in which most matrix products are made (multiply-adds, where the kernel has no others), and the class."""
        for kind in issue.WORK:
            work = {loop: self.sums(loop)[0].get(kind, 0) for loop in self.loops if not loop.parent}
            most = max(work, key=work.get, default=None)
            if most and work[most]:
                return most, kind
        return None, None

    def inner_share(self, kind):
        """The share in the innermost loop with most of the class."""
        own = {}
        for i, costs in enumerate(self.costs):
            own[self.around[i]] = own.get(self.around[i], 0) + sum(c[0] == kind for c in costs)
        own.pop(None, None)
        return self.share(max(own, key=own.get), kind)

    def estimate(self, outer, slots, waves):
        """The compiler's own cycles of one turn. NVK: the delays that it put behind instructions. ACO: the clocks that it gives them, waits for
        memory included, shared by the waves that a SIMD holds, but no less than the busiest port's slots: as ACO computes the inverse
        throughput of a whole program. ir3: a slot for each instruction and nop."""
        if self.dialect == "nak":
            return sum(self.weight(i, outer) * sum(self.blocks[i].delays) for i in outer.blocks)
        if self.dialect == "ir3":
            return sum(slots.values())
        if not self.clocks:
            return None
        clocks = sum(self.weight(i, outer) * self.clocks.get(self.blocks[i].label, 0) for i in outer.blocks)
        ports = [sum(slots.get(kind, 0) for kind in VECTOR)] + [slots.get(kind, 0) for kind in ("scalar", "shared", "memory")]
        return max(clocks / max(waves, 1), *ports)


def clocks_of(log):
    """Of each block's label, of the program that was printed last."""
    clocks, label = {}, None
    for line in log.splitlines():
        begin = re.match(r"(BB\d+)$", line)
        if begin:
            label = begin.group(1)
            clocks = {label: 0} if label == "BB0" else clocks | {label: 0}
        clock = re.match(r"\t\(\s*(\d+) clk\)", line)
        if clock and label:
            clocks[label] += int(clock.group(1))
    return clocks


def measure(kernel, waves):
    """Columns of a row, from loop to estimate."""
    outer, kind = kernel.main_loop()
    if not outer:
        return {}
    numbers, slots, macs = kernel.sums(outer)
    total, estimate = sum(slots.values()), kernel.estimate(outer, slots, waves)
    busy = kernel.busy(outer)
    unit = max(busy, key=busy.get)
    return {"loop": kind, "work": numbers[kind], "macs": macs, "issue": round(total, 1), "share": round(slots[kind] / total, 3),
            "inner": round(kernel.inner_share(kind), 3), "unit": unit, "bound": round(max(kernel.busy(outer, kind).values()) / busy[unit], 3),
            "estimate": None if estimate is None else round(estimate, 1)}
