/* Expressions as objects: the check of a description, the program in its order of execution, the user's numbers. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lexer.h"
#include "parse.h"

static tsr_status check_name(const char *what, size_t index, const char *name)
{
    if (!name) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s[%zu].name is NULL; expected a name", what, index);
    const size_t length = strnlen(name, TSR_EXPRESSION_MAX_NAME + 1);
    if (length > TSR_EXPRESSION_MAX_NAME)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s[%zu].name is '%.20s...'; expected at most %d characters", what, index, name,
                        TSR_EXPRESSION_MAX_NAME);
    if (!tsr_is_name(name, length))
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s[%zu].name is '%s'; expected letters, digits and _, no digit in front", what, index, name);
    if (tsr_expression_is_builtin(name, length))
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s[%zu].name is '%s', a built-in name; expected another", what, index, name);
    return TSR_OK;
}

static const char *name_of(const tsr_expression_desc *d, size_t index)
{
    return index < d->scalar_count ? d->scalars[index].name : d->tensors[index - d->scalar_count].name;
}

static tsr_status check_names(const tsr_expression_desc *d)
{
    for (size_t i = 0; i < d->scalar_count + d->tensor_count; i++) {
        const bool scalar = i < d->scalar_count;
        const char *what = scalar ? "scalars" : "tensors";
        const size_t index = scalar ? i : i - d->scalar_count;
        const tsr_status s = check_name(what, index, name_of(d, i));
        if (s != TSR_OK) return s;
        for (size_t j = 0; j < i; j++)
            if (strcmp(name_of(d, j), name_of(d, i)) == 0)
                return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s[%zu].name is '%s', which is taken; expected another", what, index, name_of(d, i));
    }
    return TSR_OK;
}

static tsr_status check_tensor(size_t index, const tsr_named_tensor *t, int64_t *elements)
{
    if (t->rank < 1 || t->rank > 4) return tsr_fail(TSR_ERROR_ARGUMENT, "argument tensors[%zu].rank is %" PRIu32 "; expected 1 to 4", index, t->rank);
    int64_t size = 1;
    for (uint32_t a = 0; a < t->rank; a++) {
        if (t->shape[a] < 1)
            return tsr_fail(TSR_ERROR_ARGUMENT, "argument tensors[%zu].shape[%" PRIu32 "] is %" PRId64 "; expected 1 or more", index, a, t->shape[a]);
        if (t->shape[a] > TSR_EXPRESSION_MAX_ELEMENTS / size)
            return tsr_fail(TSR_ERROR_ARGUMENT, "argument tensors[%zu].shape[%" PRIu32 "] is %" PRId64 "; expected at most %d elements in all", index,
                            a, t->shape[a], TSR_EXPRESSION_MAX_ELEMENTS);
        size *= t->shape[a];
    }
    if (!t->data) return tsr_fail(TSR_ERROR_ARGUMENT, "argument tensors[%zu].data is NULL; expected %" PRId64 " numbers", index, size);
    if (size > TSR_EXPRESSION_MAX_ELEMENTS - *elements)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument tensors[%zu] has %" PRId64 " elements; expected at most %d in all tensors", index, size,
                        TSR_EXPRESSION_MAX_ELEMENTS);
    *elements += size;
    return TSR_OK;
}

static tsr_status check(const tsr_expression_desc *d, size_t *length, int64_t *elements)
{
    if (!d->text) return tsr_fail(TSR_ERROR_ARGUMENT, "argument text is NULL; expected an expression");
    if (d->kind != TSR_EXPRESSION_MASK && d->kind != TSR_EXPRESSION_SCORE)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument kind is %d; expected TSR_EXPRESSION_MASK or TSR_EXPRESSION_SCORE", (int)d->kind);
    *length = d->length ? d->length : strnlen(d->text, TSR_EXPRESSION_MAX_TEXT + 1);
    if (*length > TSR_EXPRESSION_MAX_TEXT)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument length is more than %d; expected at most %d bytes of text", TSR_EXPRESSION_MAX_TEXT,
                        TSR_EXPRESSION_MAX_TEXT);
    if (d->scalar_count > TSR_EXPRESSION_MAX_SCALARS || (d->scalar_count && !d->scalars))
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument scalar_count is %zu%s; expected at most %d", d->scalar_count,
                        d->scalars ? "" : " and scalars is NULL", TSR_EXPRESSION_MAX_SCALARS);
    if (d->tensor_count > TSR_EXPRESSION_MAX_TENSORS || (d->tensor_count && !d->tensors))
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument tensor_count is %zu%s; expected at most %d", d->tensor_count,
                        d->tensors ? "" : " and tensors is NULL", TSR_EXPRESSION_MAX_TENSORS);
    tsr_status s = check_names(d);
    for (size_t i = 0; s == TSR_OK && i < d->tensor_count; i++) s = check_tensor(i, &d->tensors[i], elements);
    return s;
}

/* Copies what the root needs: first what stays the same from key to key. Arguments stay in front of their users, as what does
 * not depend on the key has no argument that does. */
static tsr_expression *order(const tsr_builder *b, uint16_t root)
{
    enum { LATE = TSR_DEPENDS_KEY | TSR_DEPENDS_SCORE };
    bool used[TSR_EXPRESSION_MAX_NODES] = {false};
    uint16_t place[TSR_EXPRESSION_MAX_NODES] = {0};
    used[root] = true;
    for (uint32_t i = b->count; i-- > 0;)
        for (int a = 0; used[i] && a < b->nodes[i].args; a++) used[b->nodes[i].arg[a]] = true;
    uint32_t count = 0;
    for (uint32_t i = 0; i < b->count; i++) count += used[i];
    tsr_expression *e = calloc(1, sizeof(*e) + count * sizeof(e->nodes[0]));
    if (!e) return NULL;
    for (int late = 0; late < 2; late++) {
        if (late) e->first_key = e->node_count;
        for (uint32_t i = 0; i < b->count; i++) {
            if (!used[i] || ((b->nodes[i].depends & LATE) != 0) != late) continue;
            tsr_expression_node *n = &e->nodes[e->node_count];
            *n = b->nodes[i];
            for (int a = 0; a < n->args; a++) n->arg[a] = place[n->arg[a]];
            place[i] = (uint16_t)e->node_count++;
            if (n->op == TSR_OP_VARIABLE) e->reads |= 1u << n->slot;
            if (n->op == TSR_OP_SCORE) e->reads |= 1u << TSR_VAR_SCORE;
        }
    }
    e->root = place[root];
    return e;
}

static tsr_status copy_numbers(tsr_expression *e, const tsr_expression_desc *d, int64_t elements)
{
    e->scalar_count = (uint32_t)d->scalar_count;
    e->tensor_count = (uint32_t)d->tensor_count;
    size_t at = TSR_USER_HEADER + d->scalar_count + TSR_USER_TENSOR * d->tensor_count;
    e->words = at + (size_t)elements;
    e->data = calloc(e->words, sizeof(e->data[0]));
    if (!e->data) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for the %zu bytes of an expression's numbers", e->words * sizeof(e->data[0]));
    uint32_t *to = e->data + TSR_USER_HEADER;
    for (size_t i = 0; i < d->scalar_count; i++) memcpy(to++, &d->scalars[i].value, sizeof(*to));
    for (size_t i = 0; i < d->tensor_count; i++) {
        const tsr_named_tensor *t = &d->tensors[i];
        size_t size = 1;
        *to++ = (uint32_t)at;
        for (uint32_t a = 0; a < 4; a++) {
            const int64_t extent = a + t->rank < 4 ? 1 : t->shape[a + t->rank - 4];
            *to++ = (uint32_t)extent;
            size *= (size_t)extent;
        }
        memcpy(e->data + at, t->data, size * sizeof(e->data[0]));
        at += size;
    }
    return TSR_OK;
}

tsr_status tsr_expression_create(const tsr_expression_desc *desc, tsr_expression **out)
{
    if (!desc || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", desc ? "out" : "desc");
    *out = NULL;
    size_t length = 0;
    int64_t elements = 0;
    tsr_status s = check(desc, &length, &elements);
    if (s != TSR_OK) return s;
    tsr_builder *builder = calloc(1, sizeof(*builder));
    if (!builder) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for an expression of %zu bytes", sizeof(*builder));
    uint16_t root = 0;
    tsr_expression *e = NULL;
    s = tsr_expression_parse(desc, length, builder, &root);
    if (s == TSR_OK && !(e = order(builder, root))) s = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for an expression");
    free(builder);
    if (s == TSR_OK) {
        e->kind = desc->kind;
        s = copy_numbers(e, desc, elements);
    }
    if (s != TSR_OK) {
        free(e);
        return s;
    }
    *out = e;
    return TSR_OK;
}

tsr_expression *tsr_expression_program(const tsr_expression *e)
{
    const size_t size = sizeof(*e) + e->node_count * sizeof(e->nodes[0]);
    tsr_expression *copy = malloc(size);
    if (!copy) return NULL;
    memcpy(copy, e, size);
    copy->data = NULL;
    return copy;
}

void tsr_expression_destroy(tsr_expression *e)
{
    if (!e) return;
    free(e->data);
    free(e);
}
