"""Assembly texts of drivers as blocks of instructions, and the loops that these make."""
import re

# Each: how a line begins a block, the instruction of a line, where a branch goes to, and what does not fall into the next line.
DIALECTS = {
    "aco": (re.compile(r"^(BB\d+):"), re.compile(r"^\t(\w.*?)\s*;"), re.compile(r"^s_c?branch\w*\s+(BB\d+)"),
            re.compile(r"^(s_branch|s_endpgm)\b")),
    "nak": (re.compile(r"^block\S*\s+\d+\s+(L\d+)"), re.compile(r"^(?:@\S+)?\s+(.*?)\s*//"), re.compile(r"^bra\s.*\b(L\d+)"),
            re.compile(r"^(bra pT|exit)\b")),
    "llvm": (re.compile(r"^\.(L\w+):"), re.compile(r"^\t([a-z].*)"), re.compile(r"^s_c?branch\w*\s+\.(L\w+)"), re.compile(r"^(s_branch|s_endpgm)\b")),
    "gen": (re.compile(r"^([_L]\w*):"), re.compile(r"^(?:\([^)]*\))?\s+([a-z][\w.]* .*?)(?:\s*//.*)?$"),
            re.compile(r"^(?:while|goto|jmpi|break|cont)\b.*?\s([_L]\w+)"), re.compile(r"^ret\b")),
    "ir3": (re.compile(r"^(l\d+):"), re.compile(r"^((?:\(\w+\))*\s*[a-z]\w*.*)"), re.compile(r"^(?:br\w*|jump|b\w+)\s.*#(l\d+)"),
            re.compile(r"^(jump|end)\b")),
}
# Jumps over what some invocations of a sub-group may still have to do.
DIVERGENT = {"aco": "s_cbranch_execz", "llvm": "s_cbranch_execz", "nak": "@", "ir3": "br "}
DELAY = re.compile(r"//\s*delay=(\d+)")


class Block:
    def __init__(self, label):
        self.label = label
        self.lines = []  # instruction texts
        self.delays = []  # that the compiler put behind them; NVK alone tells
        self.targets = []
        self.falls = True  # into the next block
        self.divergent = False  # it ends with such a jump, which other invocations do not take


class Loop:
    """A header and the blocks that get back to it without passing it, by their numbers."""

    def __init__(self, header, blocks):
        self.header, self.blocks = header, blocks
        self.parent = None

    @property
    def depth(self):
        return 1 + (self.parent.depth if self.parent else 0)


def parse(text, dialect):
    begins, instruction, branch, leaves = DIALECTS[dialect]
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
        code = code.split(" = ", 1)[-1].strip()
        if not blocks[-1].falls:  # behind a branch: a block without a label
            blocks.append(Block(None))
        blocks[-1].lines.append(code)
        delay = DELAY.search(line)
        blocks[-1].delays.append(int(delay.group(1)) if delay else 0)
        code = re.sub(r"^(\(\w+\)\s*)+", "", code)  # marks of ir3, of which one says how often it repeats
        target = branch.match(code)
        if target:
            blocks[-1].targets.append(target.group(1))
            blocks[-1].divergent = is_divergent(line, code, dialect)
        if leaves.match(code) and not line.startswith("@"):
            blocks[-1].falls = False
    return blocks


def is_divergent(line, code, dialect):
    mark = DIVERGENT.get(dialect)
    return bool(mark) and (line.startswith("@") and "up" not in line.split()[0] if mark == "@" else code.startswith(mark))


def successors(blocks):
    """What each block may go on with; where it falls, that stands last."""
    place = {block.label: i for i, block in enumerate(blocks)}
    return [[place[t] for t in block.targets if t in place] + ([i + 1] if block.falls and i + 1 < len(blocks) else [])
            for i, block in enumerate(blocks)]


def dominators(after, before):
    """For each block the set of those that every way to it passes, as bits."""
    every = (1 << len(after)) - 1
    dominated = [1] + [every] * (len(after) - 1)
    changed = True
    while changed:
        changed = False
        for i in range(1, len(after)):
            common = every
            for p in before[i]:
                common &= dominated[p]
            if before[i] and dominated[i] != common | 1 << i:
                dominated[i] = common | 1 << i
                changed = True
    return dominated


def loops(blocks):
    """All loops, in the order of their headers in the text."""
    after = successors(blocks)
    reached, work = set(), [0]
    while work:
        at = work.pop()
        if at not in reached:
            reached.add(at)
            work += after[at]
    before = [[] for _ in blocks]
    for i in sorted(reached):
        for f in after[i]:
            before[f].append(i)
    dominated = dominators(after, before)
    bodies = {}
    for i in sorted(reached):
        for header in after[i]:
            if dominated[i] >> header & 1:
                body = bodies.setdefault(header, {header})
                work = [i]
                while work:
                    at = work.pop()
                    if at not in body:
                        body.add(at)
                        work += before[at]
    found = [Loop(header, bodies[header]) for header in sorted(bodies)]
    for loop in found:
        outer = [o for o in found if o is not loop and loop.blocks < o.blocks]
        loop.parent = min(outer, key=lambda o: len(o.blocks), default=None)
    return found


def innermost(found, block):
    """The smallest loop around a block, or None."""
    return min((loop for loop in found if block in loop.blocks), key=lambda loop: len(loop.blocks), default=None)
