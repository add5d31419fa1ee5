"""How often the loops of a kernel go round, read from Mesa's NIR: loops in the order of the text, as backends keep them.

A loop is counted by a phi that begins with a number and grows by a number up to a bound, which a test that leaves the loop compares it with;
where the text has no loops but branches, ways out lead through flags: any test counts but one of equality. What is not known at compile time is taken as
large, so that min(keys left, 64) is 64: tiles are whole. A counter that begins with a lane's number begins with 0."""
import math
import re

DEFINITION = re.compile(r"%(\d+)\s*=\s*(@?\w+(?:\.\w+)*)\s*(.*)")
OPERAND = re.compile(r"%(\d+)(?:\.\w+)?(?:\s*\((0x[0-9a-f]+|-?\d+)[^)]*\))?|\((0x[0-9a-f]+)")
BLOCK = re.compile(r"block b(\d+):\s*//\s*preds:(.*)")
LOOP = re.compile(r"\bloop \{")
COMPARES = ("ige", "ilt", "uge", "ult", "ieq", "ine")


ARITHMETIC = {
    "mov": lambda a: a,
    "@read_first_invocation": lambda a: a,
    "@r2ur_nv": lambda a: a,
    "ineg": lambda a: -a,
    "iabs": lambda a: abs(a),
    "isign": lambda a: (a > 0) - (a < 0),
    "iadd": lambda a, b: a + b,
    "isub": lambda a, b: a - b,
    "imul": lambda a, b: a * b,
    "ishl": lambda a, b: a << (b & 31),
    "ishr": lambda a, b: a >> (b & 31),
    "ushr": lambda a, b: (a & 0xffffffff) >> (b & 31),
    "iand": lambda a, b: a & b,
    "imax": lambda a, b: max(a, b),
    "umax": lambda a, b: max(a, b),
}


def signed(text):
    value = int(text, 0)
    return value - (1 << 32) if value >= 1 << 31 else value


class Values:
    def __init__(self):
        self.defs = {}  # number: (operation, [(number or None, constant or None)])

    def add(self, line):
        found = DEFINITION.search(line)
        if found:
            operands = [(a or None, signed(b or c) if (b or c) else None) for a, b, c in OPERAND.findall(found.group(3).split("//")[0])]
            self.defs[found.group(1)] = (found.group(2), operands)
        return found

    def known(self, operand, depth=8):
        """The value of an operand, or None."""
        number, constant = operand
        if constant is not None or depth == 0 or number not in self.defs:
            return constant
        operation, operands = self.defs[number]
        values = [self.known(o, depth - 1) for o in operands]
        if operation == "load_const":
            return operands[0][1] if operands else None
        if operation in ("imin", "umin"):
            return min((v for v in values if v is not None), default=None)
        if operation == "bcsel" and len(values) == 3 and (values[1] is None) != (values[2] is None):
            return values[1] if values[1] is not None else values[2]
        if None in values or operation not in ARITHMETIC or len(values) != ARITHMETIC[operation].__code__.co_argcount:
            return None
        return ARITHMETIC[operation](*values)


def headers(text):
    """Lines of the first block of each loop, to the end of the text."""
    lines = text.splitlines()
    structured = [i for i, line in enumerate(lines) if LOOP.search(line)]
    if structured:
        return lines, [i + 1 for i in structured]
    place = {}
    for i, line in enumerate(lines):
        block = BLOCK.search(line)
        if block:
            place[block.group(1)] = i
    return lines, [i for i, line in enumerate(lines) if BLOCK.search(line) and
                   any(place.get(p, -1) >= i for p in re.findall(r"b(\d+)", BLOCK.search(line).group(2)))]


def step_of(values, phi, number, depth=3):
    """By how much number is more than phi, seen through phis where ways meet; None where it is not known."""
    operation, operands = values.defs.get(number, ("", []))
    if operation == "iadd" and any(o[0] == phi for o in operands):
        return next((values.known(o) for o in operands if o[0] != phi), None)
    if operation != "phi" or depth == 0:
        return None
    return next((s for s in (step_of(values, phi, o[0], depth - 1) for o in operands if o[0]) if s), None)


def leaving(values, lines):
    """Numbers of the conditions that decide whether a loop is left, or may."""
    if not any(LOOP.search(line) for line in lines):
        return {number for number, (operation, _) in values.defs.items() if operation not in ("ieq", "ine")}
    around, found = [], set()
    for line in (line.strip() for line in lines):
        if line.startswith("break"):
            found.update(around[-1:])
        elif line.endswith("{") and not line.startswith("}"):
            condition = re.match(r"if %(\d+)", line)
            around.append(condition.group(1) if condition else None)
        elif line.startswith("}") and not line.endswith("{") and around:
            around.pop()
    work = list(found)
    while work:
        operation, operands = values.defs.get(work.pop(), ("", []))
        more = {o[0] for o in operands if o[0]} - found if operation in ("inot", "iand", "ior") else set()
        found |= more
        work += more
    return found


def trips_of(values, lines, header, ends):
    block = BLOCK.search(lines[header])
    counts = []
    for line in lines[header + 1:]:
        if BLOCK.search(line):
            break
        phi = re.search(r"%(\d+) = phi (.*)", line)
        sources = re.findall(r"b(\d+): %(\d+)(?:\s*\((0x[0-9a-f]+|-?\d+)[^)]*\))?", phi.group(2)) if phi else []
        if len(sources) != 2 or not block:
            continue
        (_, first, first_value), (_, following, _) = sources
        step = step_of(values, phi.group(1), following)
        if not step:
            continue
        begin = values.known((first, signed(first_value) if first_value else None)) or 0
        for number, (op, operands) in values.defs.items():
            if number in ends and op in COMPARES and len(operands) == 2 and operands[0][0] != operands[1][0]:
                mine = [o for o in operands if o[0] in (phi.group(1), following)]
                other = [o for o in operands if o[0] not in (phi.group(1), following)]
                bound = values.known(other[0]) if len(mine) == 1 else None
                if bound is not None and (bound - begin) * step > 0:
                    counts.append(math.ceil((bound - begin) / step))
    return min(counts, default=None)


def trips(text):
    """For each loop how often it goes round, None where that is not known."""
    values = Values()
    lines, begins = headers(text)
    for line in lines:
        values.add(line)
    ends = leaving(values, lines)
    return [trips_of(values, lines, begin, ends) for begin in begins]
