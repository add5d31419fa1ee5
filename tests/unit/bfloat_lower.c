/* bf16 of a module as integers of 16 bits: see bfloat_lower.h. */
#include "bfloat_lower.h"

#include <stdlib.h>
#include <string.h>

enum {
    HEADER = 5,
    EXTENSION = 10,
    CAPABILITY = 17,
    TYPE_INT = 21,
    TYPE_FLOAT = 22,
    CONSTANT = 43,
    CONSTANT_COMPOSITE = 44,
    U_CONVERT = 113,
    F_CONVERT = 115,
    BITCAST = 124,
    I_ADD = 128,
    I_SUB = 130,
    I_MUL = 132,
    U_DIV = 134,
    SHIFT_RIGHT = 194,
    SHIFT_LEFT = 196,
    AND = 199,
    TYPE_MATRIX = 4456,
    MUL_ADD = 4459,
    MATRIX_CONVERT = 5293, /* from one use to another */
    CAPABILITY_INT16 = 22,
    CAPABILITY_BFLOAT16 = 5116,
    CAPABILITY_BFLOAT16_MATRIX = 5118,
    MOST = 16 /* matrix types; words that an instruction may become: GROWTH times its own */
};
enum { GROWTH = 16 };

typedef struct matrix_type {
    uint32_t id, as_words, as_floats, shift, two, bias; /* the same of u32 and of fp32; 1 << 16, 2 and 0x7fff in each element */
} matrix_type;

typedef struct lowering {
    uint32_t *out, *to, bound, narrow, word, single, half_word, sixteen, one, two, bias;
    matrix_type matrix[MOST];
    int matrices;
    uint32_t *type_of; /* of ids whose type is bf16 or a matrix of it */
} lowering;

static void put(lowering *l, uint32_t op, const uint32_t *operands, size_t count)
{
    *l->to++ = (uint32_t)(count + 1) << 16 | op;
    memcpy(l->to, operands, count * sizeof(*operands));
    l->to += count;
}
#define PUT(l, op, ...) put(l, op, (const uint32_t[]){__VA_ARGS__}, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static const matrix_type *matrix_of(const lowering *l, uint32_t id)
{
    for (int i = 0; i < l->matrices; i++)
        if (l->matrix[i].id == id) return &l->matrix[i];
    return NULL;
}

/* bf16 themselves, and numbers for them. */
static void put_type(lowering *l, uint32_t id)
{
    l->narrow = id;
    l->sixteen = l->bound++;
    l->one = l->bound++;
    l->two = l->bound++;
    l->bias = l->bound++;
    l->half_word = l->bound++;
    PUT(l, TYPE_INT, id, 16, 0);
    PUT(l, CONSTANT, l->word, l->sixteen, 16);
    PUT(l, CONSTANT, l->word, l->one, 1);
    PUT(l, CONSTANT, l->word, l->two, 2);
    PUT(l, CONSTANT, l->word, l->bias, 0x7fff);
    PUT(l, CONSTANT, l->word, l->half_word, 1u << 16);
}

static void put_matrix_type(lowering *l, const uint32_t *in)
{
    matrix_type *m = &l->matrix[l->matrices++];
    *m = (matrix_type){in[1], l->bound, l->bound + 1, l->bound + 2, l->bound + 3, l->bound + 4};
    l->bound += 5;
    put(l, TYPE_MATRIX, in + 1, 6);
    PUT(l, TYPE_MATRIX, m->as_words, l->word, in[3], in[4], in[5], in[6]);
    PUT(l, TYPE_MATRIX, m->as_floats, l->single, in[3], in[4], in[5], in[6]);
    PUT(l, CONSTANT_COMPOSITE, m->as_words, m->shift, l->half_word);
    PUT(l, CONSTANT_COMPOSITE, m->as_words, m->two, l->two);
    PUT(l, CONSTANT_COMPOSITE, m->as_words, m->bias, l->bias);
}

static void put_rounded(lowering *l, uint32_t result, uint32_t from)
{
    const uint32_t id = l->bound;
    l->bound += 6;
    PUT(l, BITCAST, l->word, id, from);
    PUT(l, SHIFT_RIGHT, l->word, id + 1, id, l->sixteen);
    PUT(l, AND, l->word, id + 2, id + 1, l->one);
    PUT(l, I_ADD, l->word, id + 3, id, l->bias);
    PUT(l, I_ADD, l->word, id + 4, id + 3, id + 2);
    PUT(l, SHIFT_RIGHT, l->word, id + 5, id + 4, l->sixteen);
    PUT(l, U_CONVERT, l->narrow, result, id + 5);
}

static void put_widened(lowering *l, uint32_t result, uint32_t from)
{
    const uint32_t id = l->bound;
    l->bound += 2;
    PUT(l, U_CONVERT, l->word, id, from);
    PUT(l, SHIFT_LEFT, l->word, id + 1, id, l->sixteen);
    PUT(l, BITCAST, l->single, result, id + 1);
}

/* The same of a matrix of sums, which have no shifts: m's elements are inputs. */
static void put_rounded_matrix(lowering *l, const matrix_type *m, uint32_t result, uint32_t from)
{
    const uint32_t id = l->bound;
    l->bound += 9;
    PUT(l, MATRIX_CONVERT, m->as_floats, id, from);
    PUT(l, BITCAST, m->as_words, id + 1, id);
    PUT(l, U_DIV, m->as_words, id + 2, id + 1, m->shift);
    PUT(l, U_DIV, m->as_words, id + 3, id + 2, m->two);
    PUT(l, I_MUL, m->as_words, id + 4, id + 3, m->two);
    PUT(l, I_SUB, m->as_words, id + 5, id + 2, id + 4); /* the last bit that stays */
    PUT(l, I_ADD, m->as_words, id + 6, id + 1, m->bias);
    PUT(l, I_ADD, m->as_words, id + 7, id + 6, id + 5);
    PUT(l, U_DIV, m->as_words, id + 8, id + 7, m->shift);
    PUT(l, U_CONVERT, m->id, result, id + 8);
}

static uint32_t put_floats(lowering *l, uint32_t from)
{
    const matrix_type *m = matrix_of(l, l->type_of[from]);
    const uint32_t id = l->bound;
    l->bound += 3;
    PUT(l, U_CONVERT, m->as_words, id, from);
    PUT(l, I_MUL, m->as_words, id + 1, id, m->shift);
    PUT(l, BITCAST, m->as_floats, id + 2, id + 1);
    return id + 2;
}

static void lower(lowering *l, const uint32_t *in, uint32_t op, uint32_t length)
{
    const bool typed = length >= 3 && l->narrow && op > CONSTANT_COMPOSITE - 2;
    if (op == CAPABILITY && in[1] == CAPABILITY_BFLOAT16) {
        PUT(l, CAPABILITY, CAPABILITY_INT16);
    } else if ((op == CAPABILITY && in[1] == CAPABILITY_BFLOAT16_MATRIX) ||
               (op == EXTENSION && strcmp((const char *)(in + 1), "SPV_KHR_bfloat16") == 0)) {
        return;
    } else if (op == TYPE_FLOAT && length == 4) {
        put_type(l, in[1]);
    } else if (op == TYPE_MATRIX && in[2] == l->narrow) {
        put_matrix_type(l, in);
    } else if (op == F_CONVERT && in[1] == l->narrow) {
        put_rounded(l, in[2], in[3]);
    } else if (op == F_CONVERT && matrix_of(l, in[1])) {
        put_rounded_matrix(l, matrix_of(l, in[1]), in[2], in[3]);
    } else if (op == F_CONVERT && l->type_of[in[3]] == l->narrow) {
        put_widened(l, in[2], in[3]);
    } else if (op == MUL_ADD && matrix_of(l, l->type_of[in[3]])) {
        const uint32_t a = put_floats(l, in[3]), b = put_floats(l, in[4]);
        PUT(l, MUL_ADD, in[1], in[2], a, b, in[5]);
    } else {
        put(l, op, in + 1, length - 1);
    }
    if (op == TYPE_INT && in[2] == 32 && in[3] == 0) l->word = in[1];
    if (op == TYPE_FLOAT && in[2] == 32) l->single = in[1];
    if (typed && (in[1] == l->narrow || matrix_of(l, in[1]))) l->type_of[in[2]] = in[1];
}

uint32_t *bfloat_lower(const uint32_t *words, size_t count, size_t *out_count)
{
    bool any = false;
    for (size_t at = HEADER; at < count; at += words[at] >> 16)
        any = any || (words[at] == (2u << 16 | CAPABILITY) && words[at + 1] == CAPABILITY_BFLOAT16);
    if (!any) return NULL;
    lowering l = {.out = malloc((GROWTH * count + 64) * sizeof(*words)), .bound = words[3], .type_of = calloc(words[3], sizeof(*words))};
    if (l.out && l.type_of) {
        memcpy(l.out, words, HEADER * sizeof(*words));
        l.to = l.out + HEADER;
        for (size_t at = HEADER; at < count; at += words[at] >> 16) lower(&l, words + at, words[at] & 0xffff, words[at] >> 16);
        l.out[3] = l.bound;
        *out_count = (size_t)(l.to - l.out);
    } else {
        free(l.out);
        l.out = NULL;
    }
    free(l.type_of);
    return l.out;
}
