/* What a pickle's machine keeps: values, and the cells of containers. */
#include <stdlib.h>

#include "pickle.h"

tsr_status tsr_pickle_grow(tsr_pickle *p, void **array, size_t size, uint32_t count, uint32_t *room)
{
    if (count < *room) return TSR_OK;
    if (count >= TSR_PICKLE_VALUES) return TSR_PICKLE_FAIL(p, "has more than %d values", TSR_PICKLE_VALUES);
    const uint32_t more = count < 512 ? 1024 : 2 * count;
    void *grown = realloc(*array, more * size);
    if (!grown) return tsr_fail(TSR_ERROR_HOST_MEMORY, "%s: no memory for %u values", p->file->path, more);
    *array = grown;
    *room = more;
    return TSR_OK;
}

tsr_status tsr_pickle_add(tsr_pickle *p, tsr_pickle_kind kind, uint32_t *value)
{
    const tsr_status s = tsr_pickle_grow(p, (void **)&p->values, sizeof(*p->values), p->value_count, &p->value_room);
    if (s != TSR_OK) return s;
    p->values[p->value_count] = (tsr_pickle_value){.kind = kind};
    *value = p->value_count++;
    return TSR_OK;
}

tsr_status tsr_pickle_append(tsr_pickle *p, uint32_t container, uint32_t value)
{
    if (p->cell_count == 0) p->cell_count = 1; /* 0 is the end of a chain */
    const tsr_status s = tsr_pickle_grow(p, (void **)&p->cells, sizeof(*p->cells), p->cell_count, &p->cell_room);
    if (s != TSR_OK) return s;
    const uint32_t cell = p->cell_count++;
    p->cells[cell] = (tsr_pickle_cell){.value = value};
    tsr_pickle_value *c = &p->values[container];
    if (c->items.first)
        p->cells[c->items.last].next = cell;
    else
        c->items.first = cell;
    c->items.last = cell;
    return TSR_OK;
}

bool tsr_pickle_items(const tsr_pickle *p, uint32_t value, tsr_pickle_kind kind, uint32_t least, uint32_t most, uint32_t *out, uint32_t *count)
{
    if (p->values[value].kind != kind) return false;
    uint32_t n = 0;
    for (uint32_t cell = p->values[value].items.first; cell; cell = p->cells[cell].next) {
        if (n == most) return false;
        out[n++] = p->cells[cell].value;
    }
    if (count) *count = n;
    return n >= least;
}

const char *tsr_pickle_text(const tsr_pickle *p, uint32_t value, size_t *length)
{
    const tsr_pickle_value *v = &p->values[value];
    if (v->kind != TSR_PICKLE_TEXT) return NULL;
    *length = v->text.length;
    return (const char *)p->bytes + v->text.at;
}

void tsr_pickle_free(tsr_pickle *p)
{
    free(p->values);
    free(p->cells);
    free(p->stack);
    free(p->memo);
}
