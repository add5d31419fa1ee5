/* What the tuning database says of an attention. */
#include "tuned.h"
#include "shapes.h"

#include <stdio.h>

/* Classes of tokens: the last of each but the last. Few queries want narrow tiles, few keys short ones. */
static const int64_t ends[] = {16, 256, 2048};
enum { CLASSES = sizeof(ends) / sizeof(ends[0]) + 1 };

static int class_of(int64_t tokens)
{
    int c = 0;
    while (c < CLASSES - 1 && tokens > ends[c]) c++;
    return c;
}

static void class_text(char text[32], int c)
{
    const long long first = c ? ends[c - 1] + 1 : 1;
    if (c == CLASSES - 1)
        snprintf(text, 32, "%lld..", first);
    else
        snprintf(text, 32, "%lld..%lld", first, (long long)ends[c]);
}

bool tsr_tune_attention_problem(const tsr_attention_desc *d, int keys_moved, char text[128])
{
    const int keys_class = class_of(d->k.shape[2]) + keys_moved;
    if (keys_class < 0 || keys_class >= CLASSES) return false;
    char queries[32], keys[32], codes[32] = "";
    class_text(queries, class_of(d->q.shape[2]));
    class_text(keys, keys_class);
    if (d->codes.bits) snprintf(codes, sizeof(codes), ", codes with %s", tsr_dtype_name(d->codes.values));
    snprintf(text, 128, "q %s k %s v %s, head %d, values %d, queries %.14s, keys %.14s%.24s", tsr_dtype_name(d->q.dtype), tsr_dtype_name(d->k.dtype),
             tsr_dtype_name(d->v.dtype), (int)d->q.shape[3], (int)d->v.shape[3], queries, keys, codes);
    return true;
}

static const bk_kernel_source *source_of(const tsr_device_info *info, const tsr_attention_desc *d, tsr_tile tile)
{
    if (tile == TSR_TILE_MATRIX) return tsr_kernel_matrix_source(tsr_matrix_kernel(info), tsr_matrix_input(d));
    if (tile == TSR_TILE_PACKED) return tsr_kernel_packed_source("flash", tsr_packed_input(d), tsr_packed_values(info, d), tsr_packed_sums(info, d));
    return tsr_kernel_source("flash", tile);
}

tsr_tune_candidate tsr_tune_attention_candidate(const tsr_device_info *info, const tsr_attention_desc *d, const tsr_tiling *t)
{
    return (tsr_tune_candidate){.shape = {t->tile, {t->lanes, t->rm, t->rn, t->ln, t->bc, t->d_chunk, t->kv_chunk, t->dv_slice}},
                                .source = source_of(info, d, t->tile)};
}
