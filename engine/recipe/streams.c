/* Patterns of streaming, of text beside video, of prefixes and documents; and plain ranges of queries and keys. */
#include <stdlib.h>

#include "build.h"

/* A grid's axis or the sequence. */
static tsr_axis read_axis(tsr_build *b, tsr_fields *f)
{
    static const char *const axes[] = {"token", "t", "h", "w", NULL};
    const int axis = tsr_fields_choice(f, "axis", axes, 0);
    if (axis > 0 && !b->gridded) tsr_reader_fail(&b->r, "is on axis '%s'; expected 'token': the recipe has no grid", axes[axis]);
    return (tsr_axis)axis;
}

/* Keys that every query keeps: the first tokens of the sequence, or the first frames of the grid. */
void tsr_pattern_sinks(tsr_build *b, tsr_fields *f)
{
    const bool frames = tsr_fields_has(f, "frames");
    if (frames == tsr_fields_has(f, "tokens")) tsr_reader_fail(&b->r, "has %s; expected 'tokens' or 'frames'", frames ? "both" : "neither");
    if (frames && !b->gridded) tsr_reader_fail(&b->r, "has 'frames'; expected 'tokens': the recipe has no grid");
    const int64_t count =
        frames ? tsr_fields_whole(f, "frames", 1, b->grid[0], TSR_REQUIRED) : tsr_fields_whole(f, "tokens", 1, TSR_RECIPE_MAX, TSR_REQUIRED);
    tsr_fields_get(f, frames ? "tokens" : "frames");
    tsr_build_keys(b, frames ? TSR_AXIS_T : TSR_AXIS_TOKEN, 0, count);
}

/* The first sinks keys and the last window ones, the query's own among them. */
static void sinks_and_window(tsr_build *b, tsr_fields *f, int64_t sinks_default)
{
    const int64_t sinks = tsr_fields_whole(f, "sinks", 0, TSR_RECIPE_MAX, sinks_default);
    const int64_t window = tsr_fields_whole(f, "window", 1, TSR_RECIPE_MAX, TSR_REQUIRED);
    tsr_build_keys(b, TSR_AXIS_TOKEN, 0, sinks);
    tsr_build_node(b, (tsr_set_node){.op = TSR_SET_LAW, .left = window - 1, .right = 0, .flags = b->align});
    tsr_build_any_of(b, 2);
}

/* StreamingLLM, arXiv 2309.17453. */
void tsr_pattern_streaming(tsr_build *b, tsr_fields *f)
{
    sinks_and_window(b, f, 4);
    tsr_build_causal(b, b->align);
    tsr_build_all_of(b, 2);
}

/* MInference, arXiv 2407.02490. */
void tsr_pattern_a_shape(tsr_build *b, tsr_fields *f)
{
    sinks_and_window(b, f, TSR_REQUIRED);
    tsr_build_causal(b, b->align);
    tsr_build_all_of(b, 2);
}

/* The A-shape, and the last queries see all before them. */
void tsr_pattern_tri_shape(tsr_build *b, tsr_fields *f)
{
    sinks_and_window(b, f, TSR_REQUIRED);
    tsr_build_queries(b, TSR_AXIS_TOKEN, -tsr_fields_whole(f, "last", 1, TSR_RECIPE_MAX, 100), TSR_UNBOUNDED);
    tsr_build_any_of(b, 2);
    tsr_build_causal(b, b->align);
    tsr_build_all_of(b, 2);
}

/* A prefix that is seen by all, causal behind it. */
void tsr_pattern_prefix(tsr_build *b, tsr_fields *f)
{
    tsr_build_keys(b, TSR_AXIS_TOKEN, 0, tsr_fields_whole(f, "length", 0, TSR_RECIPE_MAX, TSR_REQUIRED));
    tsr_build_causal(b, tsr_build_align(b, f));
    tsr_build_any_of(b, 2);
}

/* Pairs of which one token or both stand outside the grid. */
void tsr_pattern_text(tsr_build *b, tsr_fields *f)
{
    (void)f;
    const int64_t end = b->text_before + b->grid[0] * b->grid[1] * b->grid[2];
    uint32_t parts = 0;
    if (b->text_before) {
        tsr_build_queries(b, TSR_AXIS_TOKEN, 0, b->text_before);
        tsr_build_keys(b, TSR_AXIS_TOKEN, 0, b->text_before);
        parts += 2;
    }
    if (b->text_after || parts == 0) { /* without text: nobody */
        tsr_build_queries(b, TSR_AXIS_TOKEN, end, TSR_UNBOUNDED);
        tsr_build_keys(b, TSR_AXIS_TOKEN, end, TSR_UNBOUNDED);
        parts += 2;
    }
    tsr_build_any_of(b, parts);
}

/* Tokens of a document set whose number nothing else tells. */
enum { TOKENS_MAX = 1 << 26 };

/* Ids of tokens, from a list of them or from lengths of runs; expected: how many, 0: as they say. NULL: failed. */
static int32_t *read_ids(tsr_build *b, tsr_fields *f, const char *name, bool lengths, int64_t expected, const char *of, int64_t *count)
{
    const cJSON *item = tsr_fields_get(f, name);
    const size_t up = tsr_reader_enter(&b->r, name);
    size_t entries;
    int64_t *list = tsr_reader_list(&b->r, item, lengths ? 0 : INT32_MIN, lengths ? TSR_RECIPE_MAX : INT32_MAX, &entries), total = 0;
    for (size_t i = 0; list && i < entries; i++) total += lengths ? list[i] : 1;
    tsr_reader_leave(&b->r, up);
    if (expected && total != expected && list)
        tsr_reader_fail(&b->r, "has '%s' of %lld tokens; expected %lld, the %s", name, (long long)total, (long long)expected, of);
    if (!expected && total > TOKENS_MAX) tsr_reader_fail(&b->r, "has '%s' of %lld tokens; expected at most %d", name, (long long)total, TOKENS_MAX);
    int32_t *ids = list && b->r.status == TSR_OK ? tsr_build_own(b, malloc(((size_t)total + 1) * sizeof(*ids))) : NULL;
    int64_t at = 0;
    for (size_t i = 0; ids && i < entries; i++)
        for (int64_t end = at + (lengths ? list[i] : 1); at < end; at++) ids[at] = lengths ? (int32_t)i : (int32_t)list[i];
    free(list);
    *count = total;
    return ids;
}

/* Tokens see those of their own document. */
void tsr_pattern_document(tsr_build *b, tsr_fields *f)
{
    static const char *const names[2][2] = {{"ids", "query_ids"}, {"lengths", "query_lengths"}};
    const bool lengths = tsr_fields_has(f, "lengths"), apart = tsr_fields_has(f, names[lengths][1]);
    if (lengths == tsr_fields_has(f, "ids")) tsr_reader_fail(&b->r, "has %s; expected 'ids' or 'lengths'", lengths ? "both" : "neither");
    int64_t nk = 0, nq = 0;
    int32_t *keys = read_ids(b, f, names[lengths][0], lengths, b->nk, "keys", &nk), *queries = keys;
    if (apart) {
        queries = read_ids(b, f, names[lengths][1], lengths, b->nq, "queries", &nq);
    } else if (b->nq == b->nk) {
        nq = nk;
    } else { /* the queries are tokens of the keys' sequence */
        const int64_t first = b->gridded ? b->query_first : b->nk - b->nq;
        if (first < 0 || b->segmented)
            tsr_reader_fail(&b->r, "has no '%s'; expected them where the queries are not tokens of the keys' sequence", names[lengths][1]);
        else if (queries)
            queries += first;
        nq = b->nq;
    }
    if (b->r.status != TSR_OK) return;
    b->nk = nk;
    b->nq = nq;
    tsr_build_node(b,
                   (tsr_set_node){.op = TSR_SET_IDS, .test = TSR_IDS_EQUAL, .query_ids = queries, .key_ids = keys, .id_queries = nq, .id_keys = nk});
}

/* A range of coordinates, as KEYS and QUERIES of tessera_set.h. */
static tsr_set_node read_range(tsr_build *b, tsr_fields *f, tsr_set_op op)
{
    tsr_set_node node = {.op = op, .axis = read_axis(b, f)};
    node.first = tsr_fields_whole(f, "first", -TSR_RECIPE_MAX, TSR_RECIPE_MAX, 0);
    node.last = tsr_fields_whole(f, "last", -TSR_RECIPE_MAX, TSR_RECIPE_MAX, TSR_UNBOUNDED);
    node.div = tsr_fields_whole(f, "div", 1, TSR_RECIPE_MAX, 0);
    node.mod = tsr_fields_whole(f, "mod", 1, TSR_RECIPE_MAX, 0);
    return node;
}

void tsr_pattern_queries(tsr_build *b, tsr_fields *f) { tsr_build_node(b, read_range(b, f, TSR_SET_QUERIES)); }

void tsr_pattern_keys(tsr_build *b, tsr_fields *f) { tsr_build_node(b, read_range(b, f, TSR_SET_KEYS)); }
