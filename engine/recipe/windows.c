/* Patterns on the sequence: windows, and the sparse patterns of language models. */
#include "build.h"

/* A union of two, or one of them where heads share them out. */
enum { PART_BOTH, PART_NEAR, PART_FAR };

/* A reach in tokens; -1, or nothing, is all. */
static int64_t reach(tsr_fields *f, const char *name)
{
    const int64_t value = tsr_fields_whole(f, name, -1, TSR_RECIPE_MAX, -1);
    return value < 0 ? TSR_UNBOUNDED : value;
}

void tsr_pattern_all(tsr_build *b, tsr_fields *f)
{
    (void)f;
    tsr_build_node(b, (tsr_set_node){.op = TSR_SET_LAW, .left = TSR_UNBOUNDED, .right = TSR_UNBOUNDED});
}

void tsr_pattern_causal(tsr_build *b, tsr_fields *f) { tsr_build_causal(b, tsr_build_align(b, f)); }

/* FlashAttention's windows; chunk: and only keys of the chunk of so many keys that the query stands in. */
void tsr_pattern_window(tsr_build *b, tsr_fields *f)
{
    const int64_t left = reach(f, "left"), right = reach(f, "right"), chunk = tsr_fields_whole(f, "chunk", 1, TSR_RECIPE_MAX, 0);
    const uint32_t align = tsr_build_align(b, f);
    tsr_build_node(b, (tsr_set_node){.op = TSR_SET_LAW, .left = left, .right = right, .flags = align});
    if (chunk == 0) return;
    tsr_build_node(b, (tsr_set_node){.op = TSR_SET_LAW, .stride = chunk, .left = chunk / 2, .right = chunk - 1 - chunk / 2, .flags = align});
    tsr_build_all_of(b, 2);
}

/* Every dilation-th key within a window that is counted in tokens. */
void tsr_pattern_dilated(tsr_build *b, tsr_fields *f)
{
    const int64_t dilation = tsr_fields_whole(f, "dilation", 1, TSR_RECIPE_MAX, TSR_REQUIRED), left = reach(f, "left"), right = reach(f, "right");
    tsr_build_node(b, (tsr_set_node){.op = TSR_SET_LAW,
                                     .dilation = dilation,
                                     .left = left == TSR_UNBOUNDED ? left : left / dilation,
                                     .right = right == TSR_UNBOUNDED ? right : right / dilation,
                                     .flags = tsr_build_align(b, f)});
}

/* PowerAttention, arXiv 2503.03588: blocks at distances 0, 1, 2, 4, 8, ... before the query's, a window and sinks; causal. */
void tsr_pattern_power(tsr_build *b, tsr_fields *f)
{
    const int64_t block = tsr_fields_whole(f, "block", 1, TSR_RECIPE_MAX, 1), window = tsr_fields_whole(f, "window", 1, TSR_RECIPE_MAX, 0),
                  sinks = tsr_fields_whole(f, "sinks", 0, TSR_RECIPE_MAX, 0);
    const uint32_t align = tsr_build_align(b, f);
    uint32_t parts = 1;
    tsr_build_node(
        b, (tsr_set_node){.op = TSR_SET_LAW, .div = block, .left = TSR_UNBOUNDED, .right = 0, .flags = TSR_LAW_POWERS | TSR_LAW_CAUSAL | align});
    if (window) tsr_build_node(b, (tsr_set_node){.op = TSR_SET_LAW, .left = window - 1, .right = 0, .flags = align}), parts++;
    if (sinks) tsr_build_keys(b, TSR_AXIS_TOKEN, 0, sinks), parts++;
    tsr_build_any_of(b, parts);
    if (block == 1 && !sinks) return; /* what is there sees no key beyond the query */
    tsr_build_causal(b, align);
    tsr_build_all_of(b, 2);
}

/* Sparse Transformer, arXiv 1904.10509: A1 = the last stride + 1 keys, A2 = every stride-th key. */
void tsr_pattern_strided(tsr_build *b, tsr_fields *f)
{
    static const char *const parts[] = {"both", "local", "strided", NULL};
    const int64_t stride = tsr_fields_whole(f, "stride", 1, TSR_RECIPE_MAX, TSR_REQUIRED);
    const int part = tsr_fields_choice(f, "part", parts, PART_BOTH);
    const bool causal = tsr_fields_flag(f, "causal", true);
    const uint32_t align = tsr_build_align(b, f);
    if (part != PART_FAR) tsr_build_node(b, (tsr_set_node){.op = TSR_SET_LAW, .left = stride, .right = causal ? 0 : stride, .flags = align});
    if (part != PART_NEAR)
        tsr_build_node(
            b, (tsr_set_node){.op = TSR_SET_LAW, .dilation = stride, .left = TSR_UNBOUNDED, .right = causal ? 0 : TSR_UNBOUNDED, .flags = align});
    tsr_build_any_of(b, part == PART_BOTH ? 2 : 1);
}

/* Sparse Transformer: A1 = the keys of the query's own block of stride keys, A2 = the last summary keys of every block. */
void tsr_pattern_fixed(tsr_build *b, tsr_fields *f)
{
    static const char *const parts[] = {"both", "block", "summary", NULL};
    const int64_t stride = tsr_fields_whole(f, "stride", 1, TSR_RECIPE_MAX, TSR_REQUIRED), summary = tsr_fields_whole(f, "summary", 1, stride, 1);
    const int part = tsr_fields_choice(f, "part", parts, PART_BOTH);
    const bool causal = tsr_fields_flag(f, "causal", true);
    const uint32_t align = tsr_build_align(b, f);
    if (part != PART_FAR)
        tsr_build_node(b, (tsr_set_node){.op = TSR_SET_LAW, .stride = stride, .left = stride / 2, .right = stride - 1 - stride / 2, .flags = align});
    if (part != PART_NEAR) tsr_build_node(b, (tsr_set_node){.op = TSR_SET_KEYS, .mod = stride, .first = stride - summary, .last = stride});
    tsr_build_any_of(b, part == PART_BOTH ? 2 : 1);
    if (!causal) return;
    tsr_build_causal(b, align);
    tsr_build_all_of(b, 2);
}
