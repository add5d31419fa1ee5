/* A machine for Python pickles that makes data alone. See pickle.h. */
#include "pickle.h"

#include <string.h>

#define FAIL TSR_PICKLE_FAIL

static tsr_status push(tsr_pickle *p, uint32_t value)
{
    const tsr_status s = tsr_pickle_grow(p, (void **)&p->stack, sizeof(*p->stack), p->depth, &p->stack_room);
    if (s == TSR_OK) p->stack[p->depth++] = value;
    return s;
}

static tsr_status push_new(tsr_pickle *p, tsr_pickle_kind kind, int64_t integer)
{
    uint32_t v;
    tsr_status s = tsr_pickle_add(p, kind, &v);
    if (s != TSR_OK) return s;
    p->values[v].integer = integer;
    return push(p, v);
}

static tsr_status pop(tsr_pickle *p, uint32_t *value)
{
    if (p->depth == 0 || p->values[p->stack[p->depth - 1]].kind == TSR_PICKLE_MARK) return FAIL(p, "takes a value that %s not there", "is");
    *value = p->stack[--p->depth];
    return TSR_OK;
}

/* The stack's place of the topmost mark. */
static tsr_status find_mark(tsr_pickle *p, uint32_t *place)
{
    for (uint32_t i = p->depth; i-- > 0;)
        if (p->values[p->stack[i]].kind == TSR_PICKLE_MARK) return *place = i, TSR_OK;
    return FAIL(p, "takes a mark that %s not there", "is");
}

static tsr_status take(tsr_pickle *p, size_t n, const unsigned char **bytes)
{
    if (n > p->size - p->at) return FAIL(p, "ends within an %s (truncated?)", "opcode");
    *bytes = p->bytes + p->at;
    p->at += n;
    return TSR_OK;
}

static tsr_status take_number(tsr_pickle *p, size_t n, uint64_t *out)
{
    const unsigned char *bytes = NULL;
    const tsr_status s = take(p, n, &bytes);
    if (s != TSR_OK) return s;
    *out = 0;
    for (size_t i = n; i-- > 0;) *out = *out << 8 | bytes[i];
    return TSR_OK;
}

static tsr_status push_text(tsr_pickle *p, size_t width)
{
    uint64_t length = 0;
    const unsigned char *bytes = NULL;
    tsr_status s = take_number(p, width, &length);
    if (s == TSR_OK) s = length > SIZE_MAX ? FAIL(p, "ends within a %s", "text") : take(p, (size_t)length, &bytes);
    if (s == TSR_OK) s = push_new(p, TSR_PICKLE_TEXT, 0);
    if (s != TSR_OK) return s;
    tsr_pickle_value *v = &p->values[p->stack[p->depth - 1]];
    v->text.at = (uint32_t)(bytes - p->bytes);
    v->text.length = (uint32_t)length;
    return TSR_OK;
}

/* A whole number of any length, little-endian, two's complement. */
static tsr_status push_long(tsr_pickle *p, size_t width)
{
    uint64_t length = 0, x = 0;
    const unsigned char *bytes = NULL;
    tsr_status s = take_number(p, width, &length);
    if (s == TSR_OK) s = take(p, (size_t)length, &bytes);
    if (s != TSR_OK) return s;
    if (length > 8) return push_new(p, TSR_PICKLE_OTHER, 0);
    if (length > 0 && bytes[length - 1] & 0x80) x = UINT64_MAX;
    for (size_t i = (size_t)length; i-- > 0;) x = x << 8 | bytes[i];
    return push_new(p, TSR_PICKLE_INT, (int64_t)x);
}

/* Everything above the mark becomes items of the container below it, or of a new one. */
static tsr_status gather(tsr_pickle *p, tsr_pickle_kind kind, bool make)
{
    uint32_t mark = 0, container = 0;
    tsr_status s = find_mark(p, &mark);
    if (s == TSR_OK && make) s = tsr_pickle_add(p, kind, &container);
    if (s != TSR_OK) return s;
    if (!make) {
        if (mark == 0 || p->values[p->stack[mark - 1]].kind != kind)
            return FAIL(p, "adds to what is no %s", kind == TSR_PICKLE_LIST ? "list" : "dictionary");
        container = p->stack[mark - 1];
    }
    if (kind == TSR_PICKLE_DICT && (p->depth - mark - 1) % 2) return FAIL(p, "has a key without %s", "value");
    for (uint32_t i = mark + 1; i < p->depth && s == TSR_OK; i++) s = tsr_pickle_append(p, container, p->stack[i]);
    p->depth = mark;
    return s == TSR_OK && make ? push(p, container) : s;
}

/* A tuple of the top n values; or those, added to the container below. */
static tsr_status fold(tsr_pickle *p, uint32_t n, tsr_pickle_kind kind, bool make)
{
    uint32_t container = 0, items[3] = {0};
    tsr_status s = TSR_OK;
    for (uint32_t i = n; i-- > 0 && s == TSR_OK;) s = pop(p, &items[i]);
    if (s == TSR_OK) s = make ? tsr_pickle_add(p, kind, &container) : pop(p, &container);
    if (s != TSR_OK) return s;
    if (p->values[container].kind != kind) return FAIL(p, "adds to what is no %s", kind == TSR_PICKLE_LIST ? "list" : "dictionary");
    for (uint32_t i = 0; i < n && s == TSR_OK; i++) s = tsr_pickle_append(p, container, items[i]);
    return s == TSR_OK ? push(p, container) : s;
}

static tsr_status remember(tsr_pickle *p, uint64_t index)
{
    uint32_t value = 0;
    tsr_status s = pop(p, &value);
    if (s != TSR_OK) return s;
    p->depth++;
    if (index >= TSR_PICKLE_VALUES) return FAIL(p, "remembers value %llu", (unsigned long long)index);
    while (s == TSR_OK && p->memo_count <= index) {
        s = tsr_pickle_grow(p, (void **)&p->memo, sizeof(*p->memo), p->memo_count, &p->memo_room);
        if (s == TSR_OK) p->memo[p->memo_count++] = UINT32_MAX;
    }
    if (s == TSR_OK) p->memo[index] = value;
    return s;
}

static tsr_status recall(tsr_pickle *p, uint64_t index)
{
    if (index >= p->memo_count || p->memo[index] == UINT32_MAX) return FAIL(p, "recalls value %llu, which it has not", (unsigned long long)index);
    return push(p, p->memo[index]);
}

/* A name in two lines of text, or from two texts of the stack. */
static tsr_status push_name(tsr_pickle *p, bool lines)
{
    const char *part[2];
    size_t length[2];
    tsr_status s = TSR_OK;
    for (int i = 0; i < 2; i++) {
        if (lines) {
            const unsigned char *from = p->bytes + p->at, *end = memchr(from, '\n', p->size - p->at);
            if (!end) return FAIL(p, "ends within a %s", "name");
            part[i] = (const char *)from;
            length[i] = (size_t)(end - from);
            p->at += length[i] + 1;
        } else {
            uint32_t value = 0;
            if ((s = pop(p, &value)) != TSR_OK) return s;
            part[1 - i] = tsr_pickle_text(p, value, &length[1 - i]);
            if (!part[1 - i]) return FAIL(p, "has a name that is no %s", "text");
        }
    }
    uint32_t index = 0;
    s = p->reader->name(p, part[0], length[0], part[1], length[1], &index);
    if (s == TSR_OK) s = push_new(p, TSR_PICKLE_NAME, 0);
    if (s == TSR_OK) p->values[p->stack[p->depth - 1]].index = index;
    return s;
}

static tsr_status call(tsr_pickle *p)
{
    uint32_t arguments = 0, name = 0, value = 0;
    tsr_status s = pop(p, &arguments);
    if (s == TSR_OK) s = pop(p, &name);
    if (s != TSR_OK) return s;
    if (p->values[name].kind != TSR_PICKLE_NAME || p->values[arguments].kind != TSR_PICKLE_TUPLE) return FAIL(p, "calls what is no %s", "name");
    s = p->reader->call(p, p->values[name].index, arguments, &value);
    return s == TSR_OK ? push(p, value) : s;
}

static tsr_status persistent(tsr_pickle *p)
{
    uint32_t id = 0, value = 0;
    tsr_status s = pop(p, &id);
    if (s == TSR_OK) s = p->reader->persistent(p, id, &value);
    return s == TSR_OK ? push(p, value) : s;
}

/* Attributes of a dictionary (torch's _metadata): nothing that tensors need. Of anything else they are code's. */
static tsr_status drop_attributes(tsr_pickle *p)
{
    uint32_t state = 0, object = 0;
    tsr_status s = pop(p, &state);
    if (s == TSR_OK) s = pop(p, &object);
    if (s == TSR_OK && p->values[object].kind != TSR_PICKLE_DICT) return FAIL(p, "sets attributes of what is no %s", "dictionary");
    return s == TSR_OK ? push(p, object) : s;
}

static tsr_status with_number(tsr_pickle *p, size_t width, tsr_status (*then)(tsr_pickle *p, uint64_t x))
{
    uint64_t x = 0;
    const tsr_status s = take_number(p, width, &x);
    return s == TSR_OK ? then(p, x) : s;
}

static tsr_status push_integer(tsr_pickle *p, uint64_t x) { return push_new(p, TSR_PICKLE_INT, (int64_t)x); }
static tsr_status push_signed(tsr_pickle *p, uint64_t x) { return push_new(p, TSR_PICKLE_INT, (int32_t)(uint32_t)x); }
static tsr_status push_other(tsr_pickle *p, uint64_t x) { return (void)x, push_new(p, TSR_PICKLE_OTHER, 0); }
static tsr_status ignore(tsr_pickle *p, uint64_t x) { return (void)p, (void)x, TSR_OK; }

static tsr_status drop(tsr_pickle *p)
{
    uint32_t value = 0;
    return pop(p, &value);
}

static tsr_status step(tsr_pickle *p, unsigned char opcode)
{
    switch (opcode) {
    case 0x80: /* PROTO */
        return with_number(p, 1, ignore);
    case 0x95: /* FRAME */
        return with_number(p, 8, ignore);
    case '(':
        return push_new(p, TSR_PICKLE_MARK, 0);
    case '0':
        return drop(p);
    case 'N':
        return push_new(p, TSR_PICKLE_NONE, 0);
    case 0x88: /* NEWTRUE */
    case 0x89: /* NEWFALSE */
        return push_new(p, TSR_PICKLE_BOOL, opcode == 0x88);
    case 'K':
        return with_number(p, 1, push_integer);
    case 'M':
        return with_number(p, 2, push_integer);
    case 'J':
        return with_number(p, 4, push_signed);
    case 'G':
        return with_number(p, 8, push_other);
    case 0x8a: /* LONG1 */
        return push_long(p, 1);
    case 'X':
    case 'T':
        return push_text(p, 4);
    case 'U':
    case 0x8c: /* SHORT_BINUNICODE */
        return push_text(p, 1);
    case 0x8d: /* BINUNICODE8 */
        return push_text(p, 8);
    case ')':
        return push_new(p, TSR_PICKLE_TUPLE, 0);
    case ']':
        return push_new(p, TSR_PICKLE_LIST, 0);
    case '}':
        return push_new(p, TSR_PICKLE_DICT, 0);
    case 't':
        return gather(p, TSR_PICKLE_TUPLE, true);
    case 'l':
        return gather(p, TSR_PICKLE_LIST, true);
    case 'd':
        return gather(p, TSR_PICKLE_DICT, true);
    case 'e':
        return gather(p, TSR_PICKLE_LIST, false);
    case 'u':
        return gather(p, TSR_PICKLE_DICT, false);
    case 'a':
        return fold(p, 1, TSR_PICKLE_LIST, false);
    case 's':
        return fold(p, 2, TSR_PICKLE_DICT, false);
    case 0x85: /* TUPLE1 */
    case 0x86:
    case 0x87:
        return fold(p, opcode - 0x84, TSR_PICKLE_TUPLE, true);
    case 'q':
        return with_number(p, 1, remember);
    case 'r':
        return with_number(p, 4, remember);
    case 0x94: /* MEMOIZE */
        return remember(p, p->memo_count);
    case 'h':
        return with_number(p, 1, recall);
    case 'j':
        return with_number(p, 4, recall);
    case 'c':
        return push_name(p, true);
    case 0x93: /* STACK_GLOBAL */
        return push_name(p, false);
    case 'Q':
        return persistent(p);
    case 'R':
        return call(p);
    case 'b':
        return drop_attributes(p);
    default:
        return TSR_PICKLE_REFUSE(p, "has opcode 0x%02x", opcode);
    }
}

tsr_status tsr_pickle_run(tsr_pickle *p, uint32_t *result)
{
    p->depth = p->memo_count = 0;
    if (p->size > UINT32_MAX) return TSR_FILE_FAIL(p->file, "the pickle has %zu bytes; expected at most 4 GiB", p->size);
    for (;;) {
        p->opcode = p->at;
        const unsigned char *opcode = NULL;
        tsr_status s = take(p, 1, &opcode);
        if (s != TSR_OK) return s;
        if (*opcode == '.') return pop(p, result);
        if ((s = step(p, *opcode)) != TSR_OK) return s;
    }
}
