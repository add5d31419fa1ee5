/* The flash kernel in tile model matrix: its constants, from the description and from the layout of the device's matrices. */
#include <string.h>

#include "attention/flash_matrix_args.h"
#include "codes.h"
#include "flash.h"
#include "matrix/layout.h"
#include "shapes.h"

#define FLASH_MATRIX_ID(id, NAME, value) FLASH_MATRIX_##NAME = id,
enum { FLASH_MATRIX_SPECS(FLASH_MATRIX_ID) };

/* Are rows whole pieces of 16 bytes, once the first of them begins at a multiple of that? */
static bool is_wide(const tsr_layout *l)
{
    enum { PIECE = 16, MOST = 1 << 20 }; /* the kernel's distances within a tile have 32 bits */
    for (int axis = 0; axis < 3; axis++)
        if (l->shape[axis] > 1 && tsr_layout_step(l, axis) % PIECE != 0) return false;
    const int64_t step = tsr_layout_step(l, 2);
    return l->stride[3] == 1 && l->shape[3] * (int64_t)tsr_dtype_size(l->dtype) % PIECE == 0 && step >= 0 && step < MOST;
}

static const char *kernel_of(const tsr_attention *att) { return att->reduced ? "flash_reduced" : "flash"; }

tsr_status tsr_flash_create_matrix(tsr_attention *att, const tsr_tiling *t, const int32_t *flash)
{
    if (att->dev->info.features & TSR_FEATURE_DPAS) return tsr_flash_create_dpas(att, t, flash);
    const tsr_attention_desc *d = &att->desc;
    const tsr_layout *const k = att->coder ? &att->coder->k : &d->k, *const v = att->coder ? &att->coder->v : &d->v;
    /* A score expression is not there any more when a run asks for another kernel. */
    att->wide = !d->score && is_wide(k) && is_wide(v) && d->v.shape[3] % t->dv_slice == 0;
    const tsr_dtype input = tsr_matrix_input(d), values = d->codes.bits ? TSR_F16 : input;
    const tsr_matrix_shape *shape = tsr_matrix_shape_for(&att->dev->info, values), *codes = tsr_matrix_shape_for(&att->dev->info, input);
    tsr_matrix_layout l;
    const tsr_status s = tsr_matrix_layout_get(att->dev, shape, values, &l);
    if (s != TSR_OK) return s;
    /* Where either way is known, the one whose probabilities need no memory. A driver that reduces converts what has the same rows and columns. */
    att->reduced = l.reduced;
    if (l.reduced) {
        l.rows = l.columns = (tsr_matrix_lines){.count = 1};
        l.to_a = l.n == l.k ? TSR_PASS_SAME : TSR_PASS_MEMORY;
        l.to_b = l.m == l.k ? TSR_PASS_SAME : TSR_PASS_MEMORY;
    }
    const bool across = l.columns.count && (l.to_b != TSR_PASS_MEMORY || !l.rows.count || l.to_a == TSR_PASS_MEMORY);
    const tsr_matrix_lines *lines = across ? &l.columns : &l.rows;
    int32_t specs[BK_MAX_SPECS] = {
        [FLASH_MATRIX_SUBGROUP] = l.subgroup,
        [FLASH_MATRIX_QUERIES] = t->query_tile,
        [FLASH_MATRIX_MM] = l.m,
        [FLASH_MATRIX_MN] = l.n,
        [FLASH_MATRIX_MK] = l.k,
        [FLASH_MATRIX_CM] = (int32_t)codes->m,
        [FLASH_MATRIX_CN] = (int32_t)codes->n,
        [FLASH_MATRIX_CK] = (int32_t)codes->k,
        [FLASH_MATRIX_ACROSS] = across,
        [FLASH_MATRIX_LINES] = lines->count,
        [FLASH_MATRIX_LINE_SHIFT] = lines->shift,
        [FLASH_MATRIX_LINE_MASK] = lines->mask,
        [FLASH_MATRIX_PASS] = (int32_t)(across ? l.to_b : l.to_a),
        [FLASH_MATRIX_PAIR] = l.pair,
        [FLASH_MATRIX_WIDE] = 0,
    };
    FLASH_COPY_COMMON(FLASH_MATRIX, flash, specs)
    memcpy(att->any_rows, specs, sizeof(specs));
    specs[FLASH_MATRIX_WIDE] = att->wide;
    return tsr_kernel_get_matrix(att->dev, kernel_of(att), input, specs, d->score, &att->flash);
}

static bool begins_wide(const tsr_span *s) { return !s->buffer || (s->buffer->begins + s->offset) % 16 == 0; }

tsr_status tsr_flash_for(const tsr_attention *att, const tsr_span *k, const tsr_span *v, bk_kernel **out)
{
    *out = att->flash;
    if (!att->wide || (begins_wide(k) && begins_wide(v))) return TSR_OK;
    return tsr_kernel_get_matrix(att->dev, kernel_of(att), tsr_matrix_input(&att->desc), att->any_rows, NULL, out);
}
