"""What a kernel's main loop does with its issue slots."""
import asm
import issue


def count(blocks, first, last, dialect, device, subgroup):
    """Instructions and issue cycles of each class within blocks [first, last]."""
    numbers, cycles = {}, {}
    for block in blocks[first:last + 1]:
        for line in block.lines:
            kind, slots = issue.RATES[dialect](device, line, subgroup)
            numbers[kind] = numbers.get(kind, 0) + 1
            cycles[kind] = cycles.get(kind, 0) + slots
    return numbers, cycles


def measure(text, dialect, device, subgroup):
    """The innermost loop with most matrix instructions, or, where the kernel has none, multiply-adds: loop, work, issue and share of a row."""
    blocks = asm.parse(text, dialect)
    found = asm.loops(blocks)
    own = {}
    for i in range(len(blocks)):
        loop = asm.innermost(found, i)
        if loop:
            numbers, _ = count(blocks, i, i, dialect, device, subgroup)
            for kind in issue.WORK:
                own[loop, kind] = own.get((loop, kind), 0) + numbers.get(kind, 0)
    for kind in issue.WORK:
        most = max((loop for loop, k in own if k == kind), key=lambda loop: own[loop, kind], default=None)
        if most and own[most, kind] > 0:
            numbers, cycles = count(blocks, most.first, most.last, dialect, device, subgroup)
            total = sum(cycles.values())
            return {"loop": kind, "work": numbers[kind], "issue": round(total, 1), "share": round(cycles[kind] / total, 3)}
    return {}
