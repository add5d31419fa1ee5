/* A user's score expression in attention: what it can be used with, and its numbers on the device. */
#include <inttypes.h>
#include <string.h>

#include "attention.h"
#include "expression/expression.h"
#include "set/set.h"

static bool reads_grid(const tsr_expression *e)
{
    static const tsr_expression_variable all[] = {TSR_VAR_QT, TSR_VAR_QH, TSR_VAR_QW, TSR_VAR_KT, TSR_VAR_KH, TSR_VAR_KW};
    bool any = false;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) any = any || tsr_expression_reads(e, all[i]);
    return any;
}

static bool same_grid(const tsr_set *a, const tsr_set *b)
{
    return a->gridded == b->gridded && memcmp(a->grid, b->grid, sizeof(a->grid)) == 0 && a->text_before == b->text_before &&
           a->query_first == b->query_first;
}

/* The kernel works out coordinates from one grid. */
tsr_status tsr_attention_check_score(const tsr_attention_desc *d)
{
    if (!d->score) return TSR_OK;
    if (d->score->kind != TSR_EXPRESSION_SCORE) return tsr_fail(TSR_ERROR_ARGUMENT, "argument score is a mask; expected an expression of kind score");
    for (int i = 0; i < 2; i++)
        if ((i ? d->k : d->q).shape[2] > TSR_EXPRESSION_MAX_TOKENS)
            return tsr_fail(TSR_ERROR_UNSUPPORTED, "argument %c.shape[2] is %" PRId64 "; expected at most 2^28 tokens beside a score expression",
                            i ? 'k' : 'q', (i ? d->k : d->q).shape[2]);
    for (uint32_t i = 0; i < d->set_count && reads_grid(d->score); i++) {
        if (d->sets[i]->segments)
            return tsr_fail(TSR_ERROR_UNSUPPORTED, "argument score reads grid coordinates and sets[%" PRIu32 "] has segments; expected one sequence",
                            i);
        if (!same_grid(d->sets[0], d->sets[i]))
            return tsr_fail(TSR_ERROR_UNSUPPORTED, "argument score reads grid coordinates; expected sets[%" PRIu32 "] on the grid of sets[0]", i);
    }
    return TSR_OK;
}

tsr_status tsr_attention_upload_score(tsr_attention *att)
{
    const tsr_attention_desc *d = &att->desc;
    const tsr_expression *e = d->score;
    if (!e) return TSR_OK;
    uint32_t header[TSR_USER_HEADER] = {[TSR_USER_NQ] = (uint32_t)d->q.shape[2], [TSR_USER_NK] = (uint32_t)d->k.shape[2]};
    const tsr_set *set = d->set_count ? d->sets[0] : NULL;
    if (set && set->gridded && reads_grid(e)) {
        for (int i = 0; i < 3; i++) header[TSR_USER_GRID + i] = (uint32_t)set->grid[i];
        header[TSR_USER_TEXT_BEFORE] = (uint32_t)set->text_before;
        header[TSR_USER_QUERY_FIRST] = (uint32_t)set->query_first;
    }
    tsr_status s = tsr_buffer_create(att->dev, e->words * sizeof(e->data[0]), &att->user);
    if (s == TSR_OK) s = tsr_buffer_write(att->user, 0, e->data, e->words * sizeof(e->data[0]));
    if (s == TSR_OK) s = tsr_buffer_write(att->user, 0, header, sizeof(header));
    return s;
}
