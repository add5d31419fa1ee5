"""Assembly texts of drivers as blocks of instructions, and the loops that these make."""
import re

# Each: how a line begins a block, the instruction of a line, and where a branch goes to.
DIALECTS = {
    "aco": (re.compile(r"^(BB\d+):"), re.compile(r"^\t(\w.*?)\s*;"), re.compile(r"^s_c?branch\w*\s+(BB\d+)")),
    "nak": (re.compile(r"^block\S*\s+\d+\s+(L\d+)"), re.compile(r"^(?:@\S+)?\s+(.*?)\s*//"), re.compile(r"^bra\s.*\b(L\d+)")),
    "llvm": (re.compile(r"^\.(L\w+):"), re.compile(r"^\t([a-z].*)"), re.compile(r"^s_c?branch\w*\s+\.(L\w+)")),
    "gen": (re.compile(r"^([_L]\w*):"), re.compile(r"^(?:\([^)]*\))?\s+([a-z][\w.]* .*?)(?:\s*//.*)?$"), re.compile(r"^(?:while|goto|jmpi|break|cont)\b.*?\s([_L]\w+)")),
    "ir3": (re.compile(r"^(l\d+):"), re.compile(r"^((?:\(\w+\))*\s*[a-z]\w*.*)"), re.compile(r"^(?:br\w*|jump|b\w+)\s.*#(l\d+)")),
}
DELAY = re.compile(r"//\s*delay=(\d+)")


class Block:
    def __init__(self, label):
        self.label = label
        self.lines = []  # instruction texts
        self.delays = []  # that the compiler put behind them; NVK alone tells
        self.targets = []


class Loop:
    """Blocks [first, last] of the text: from where a branch goes back to, to the last such branch."""

    def __init__(self, first, last):
        self.first, self.last = first, last
        self.parent = None
        self.children = []

    def holds(self, block):
        return self.first <= block <= self.last

    @property
    def depth(self):
        return 1 + (self.parent.depth if self.parent else 0)


def parse(text, dialect):
    begins, instruction, branch = DIALECTS[dialect]
    blocks = [Block("")]
    for line in text.splitlines():
        label = begins.match(line)
        if label:
            blocks.append(Block(label.group(1)))
            continue
        found = instruction.match(line)
        if not found or line.startswith(";"):
            continue
        code = found.group(1).strip()
        code = re.sub(r"^(\(\w+\)\s*)+", "", code) if dialect == "ir3" else code.split(" = ", 1)[-1].strip()
        blocks[-1].lines.append(code)
        delay = DELAY.search(line)
        blocks[-1].delays.append(int(delay.group(1)) if delay else 0)
        target = branch.match(code)
        if target:
            blocks[-1].targets.append(target.group(1))
    return blocks


def loops(blocks):
    """All loops, outer ones before those within."""
    place = {block.label: i for i, block in enumerate(blocks)}
    ends = {}
    for i, block in enumerate(blocks):
        for target in block.targets:
            at = place.get(target, len(blocks))
            if at <= i:
                ends[at] = max(ends.get(at, i), i)
    found = [Loop(first, last) for first, last in sorted(ends.items(), key=lambda e: (e[0], -e[1]))]
    for loop in found:
        outer = [o for o in found if o is not loop and o.first <= loop.first and loop.last <= o.last]
        loop.parent = max(outer, key=lambda o: o.first) if outer else None
        if loop.parent:
            loop.parent.children.append(loop)
    return found


def innermost(found, block):
    """The smallest loop around a block, or None."""
    around = [loop for loop in found if loop.holds(block)]
    return max(around, key=lambda loop: (loop.first, -loop.last)) if around else None
