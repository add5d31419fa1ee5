/* bf16 in SPIR-V. Kernels for matrices of bf16 are compiled with fp16 in its place, for few releases of glslang know the type; here the one
 * becomes the other, which may be moved, converted and multiplied as matrices (SPV_KHR_bfloat16), and no more: anything else is refused. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* Of the SPIR-V specification. */
enum {
    MAGIC = 0x07230203,
    HEADER = 5, /* words; the fourth is above every id */
    MAX_BOUND = 1 << 22,
    OP_EXTENSION = 10,
    OP_EXT_INST = 12,
    OP_CAPABILITY = 17,
    OP_TYPE_FLOAT = 22,
    OP_TYPE_VECTOR = 23,
    OP_CONSTANT_TRUE = 41, /* the first whose results have types */
    OP_CONSTANT = 43,
    OP_SPEC_CONSTANT = 50,
    OP_SPEC_CONSTANT_OP = 52,
    OP_DECORATE = 71,
    OP_S_NEGATE = 126, /* from here to OP_BIT_COUNT: arithmetic, bits, comparisons, and OP_SELECT */
    OP_SELECT = 169,
    OP_BIT_COUNT = 205,
    OP_GROUP_NON_UNIFORM_ELECT = 333,
    OP_GROUP_NON_UNIFORM_QUAD_SWAP = 366,
    OP_TYPE_COOPERATIVE_MATRIX = 4456,
    CAPABILITY_FLOAT16 = 9,
    CAPABILITY_BFLOAT16 = 5116,
    CAPABILITY_BFLOAT16_MATRIX = 5118,
    ENCODING_BFLOAT16 = 0
};

/* What an id is. */
enum { OTHER, TYPE, VALUE }; /* bf16, a vector or a matrix of it; one of these */

static uint32_t op_of(uint32_t word) { return word & 0xffff; }

static uint32_t length_of(uint32_t word) { return word >> 16; }

/* Behind the last capability. */
static uint32_t *declare(uint32_t *out)
{
    static const char name[20] = "SPV_KHR_bfloat16"; /* in whole words, the last of them 0 */
    const uint32_t head[] = {2u << 16 | OP_CAPABILITY, CAPABILITY_BFLOAT16, 2u << 16 | OP_CAPABILITY, CAPABILITY_BFLOAT16_MATRIX,
                             (1 + sizeof(name) / 4) << 16 | OP_EXTENSION};
    memcpy(out, head, sizeof(head));
    memcpy(out + sizeof(head) / 4, name, sizeof(name));
    return out + (sizeof(head) + sizeof(name)) / 4;
}

/* Words of an instruction from which on its operands are ids of values; 0: it computes nothing. */
static uint32_t operands_of(uint32_t op)
{
    if (op == OP_EXT_INST) return 5;
    if (op == OP_SPEC_CONSTANT_OP) return 4;
    if (op >= OP_S_NEGATE && op <= OP_BIT_COUNT && op != OP_SELECT) return 3;
    return op >= OP_GROUP_NON_UNIFORM_ELECT && op <= OP_GROUP_NON_UNIFORM_QUAD_SWAP ? UINT32_MAX : 0;
}

/* Notes what the instruction makes; false: bf16 cannot do this. */
static bool follow(const uint32_t *words, unsigned char *kind, uint32_t bound)
{
    const uint32_t op = op_of(words[0]), length = length_of(words[0]), first = operands_of(op);
    if (length < 3 || words[1] >= bound || words[2] >= bound) return true; /* nothing with a type and a result */
    const bool wider = op == OP_TYPE_VECTOR || op == OP_TYPE_COOPERATIVE_MATRIX;
    if (wider) kind[words[1]] = kind[words[2]];
    if (wider || (op < OP_CONSTANT_TRUE && op != OP_EXT_INST)) return true;
    const bool makes = kind[words[1]] == TYPE && op != OP_DECORATE;
    if (makes) kind[words[2]] = VALUE;
    if (makes && first) return false;
    if (makes && (op == OP_CONSTANT || op == OP_SPEC_CONSTANT) && length == 4 && words[3] != 0) return false; /* bits of another type */
    for (uint32_t i = first; first && i < length; i++)
        if (words[i] < bound && kind[words[i]] == VALUE) return false;
    return true;
}

static tsr_status exchange(const char *name, const uint32_t *words, size_t count, unsigned char *kind, uint32_t *out, size_t *out_count)
{
    const uint32_t bound = words[3];
    uint32_t *to = out + HEADER;
    bool declared = false;
    memcpy(out, words, HEADER * sizeof(*words));
    for (size_t at = HEADER; at < count; at += length_of(words[at])) {
        const uint32_t *in = words + at, op = op_of(in[0]), length = length_of(in[0]);
        const bool narrow = op == OP_TYPE_FLOAT && length == 3 && length <= count - at && in[2] == 16;
        if (length == 0 || length > count - at || (narrow && in[1] >= bound))
            return tsr_fail(TSR_ERROR_INTERNAL, "SPIR-V of kernel %s is damaged at word %zu", name, at);
        if (op == OP_CAPABILITY && length == 2 && in[1] == CAPABILITY_FLOAT16) continue;
        if (op != OP_CAPABILITY && !declared) {
            to = declare(to);
            declared = true;
        }
        memcpy(to, in, length * sizeof(*in));
        to += length;
        if (narrow) {
            kind[in[1]] = TYPE;
            to[-3] = 4u << 16 | OP_TYPE_FLOAT;
            *to++ = ENCODING_BFLOAT16;
        } else if (!follow(in, kind, bound)) {
            return tsr_fail(TSR_ERROR_INTERNAL, "SPIR-V of kernel %s computes with 16-bit floats in word %zu (instruction %u), which bf16 cannot",
                            name, at, (unsigned)op);
        }
    }
    *out_count = (size_t)(to - out);
    return TSR_OK;
}

tsr_status vk_bfloat(const char *name, const uint32_t *words, size_t count, uint32_t **out, size_t *out_count)
{
    enum { MORE = 10 }; /* words that are declared; a type grows by one */
    *out = NULL;
    *out_count = 0;
    if (count < HEADER || words[0] != MAGIC || words[3] > MAX_BOUND)
        return tsr_fail(TSR_ERROR_INTERNAL, "SPIR-V of kernel %s has no sensible header", name);
    unsigned char *kind = calloc((size_t)words[3] + 1, 1);
    uint32_t *made = malloc((count + count / 3 + MORE) * sizeof(*made));
    tsr_status s = kind && made ? TSR_OK : tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for the SPIR-V of kernel %s", name);
    if (s == TSR_OK) s = exchange(name, words, count, kind, made, out_count);
    free(kind);
    if (s == TSR_OK)
        *out = made;
    else
        free(made);
    return s;
}
