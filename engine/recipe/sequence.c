/* The tokens that a recipe is about: grid, text, lengths, segments. */
#include <stdlib.h>
#include <string.h>

#include "recipe.h"

/* [T, H, W]; axes at the front may be left out. */
static void read_grid(tsr_build *b, const cJSON *item)
{
    size_t count = 0;
    const size_t up = tsr_reader_enter(&b->r, "grid");
    int64_t *list = tsr_reader_list(&b->r, item, 1, TSR_RECIPE_MAX, &count);
    if (list && count > 3) tsr_reader_fail(&b->r, "has %zu entries; expected at most 3: T, H, W", count);
    for (size_t i = 0; i < 3; i++) b->grid[i] = 1;
    for (size_t i = 0; list && i < count && count <= 3; i++) b->grid[3 - count + i] = list[i];
    free(list);
    tsr_reader_leave(&b->r, up);
    b->gridded = true;
}

/* Tokens of the grid; 0 without one. */
static int64_t grid_tokens(tsr_build *b)
{
    int64_t n = b->gridded ? 1 : 0;
    for (int i = 0; i < 3; i++)
        if (b->gridded && (__builtin_mul_overflow(n, b->grid[i], &n) || n > TSR_RECIPE_MAX)) {
            tsr_reader_fail(&b->r, "has a grid of %lldx%lldx%lld; expected at most %lld tokens", (long long)b->grid[0], (long long)b->grid[1],
                            (long long)b->grid[2], (long long)TSR_RECIPE_MAX);
            return 1;
        }
    return n;
}

static int64_t *cumulative(tsr_build *b, tsr_fields *f, const char *name, size_t *count)
{
    const cJSON *item = tsr_fields_get(f, name);
    const size_t up = tsr_reader_enter(&b->r, name);
    int64_t *list = tsr_reader_list(&b->r, item, 0, TSR_RECIPE_MAX, count);
    if (list && (*count < 2 || list[0] != 0))
        tsr_reader_fail(&b->r, "begins with %lld; expected 0 and one more for each segment", (long long)list[0]);
    for (size_t i = 1; list && i < *count; i++)
        if (list[i] < list[i - 1])
            tsr_reader_fail(&b->r, "decreases from %lld to %lld at [%zu]; expected cumulative lengths", (long long)list[i - 1], (long long)list[i],
                            i);
    tsr_reader_leave(&b->r, up);
    return list;
}

static void read_segments(tsr_build *b, const cJSON *item, tsr_packing *s)
{
    const size_t up = tsr_reader_enter(&b->r, "segments");
    tsr_fields f = tsr_fields_open(&b->r, item);
    size_t queries = 0, keys = 0;
    s->cu_queries = cumulative(b, &f, "queries", &queries);
    if (tsr_fields_has(&f, "keys"))
        s->cu_keys = cumulative(b, &f, "keys", &keys);
    else if (s->cu_queries) {
        keys = queries;
        s->cu_keys = malloc(keys * sizeof(*s->cu_keys));
        if (s->cu_keys) memcpy(s->cu_keys, s->cu_queries, keys * sizeof(*s->cu_keys));
        tsr_fields_get(&f, "keys");
    }
    if (b->r.status == TSR_OK && !s->cu_keys) b->r.status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %zu segments", keys);
    if (b->r.status == TSR_OK && keys != queries) tsr_reader_fail(&b->r, "has %zu queries and %zu keys; expected as many", queries, keys);
    tsr_fields_close(&f);
    tsr_reader_leave(&b->r, up);
    if (b->r.status != TSR_OK) return;
    s->segments = queries - 1;
    b->segmented = true;
    b->nq = s->cu_queries[s->segments];
    b->nk = s->cu_keys[s->segments];
}

static void check_caller(tsr_build *b, const char *name, int64_t given, int64_t own)
{
    if (b->r.status == TSR_OK && given && given != own)
        b->r.status = tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is %lld; expected %lld, as the recipe says", name, (long long)given, (long long)own);
}

static bool desc_grid(const tsr_recipe_desc *desc) { return desc->grid[0] || desc->grid[1] || desc->grid[2]; }

/* Without segments: one sequence of text, grid and text, of which the queries are a part. */
static void lengths(tsr_build *b, tsr_fields *f, const tsr_recipe_desc *desc, int64_t grid)
{
    const int64_t tokens = tsr_fields_whole(f, "tokens", 1, TSR_RECIPE_MAX, 0); /* where the caller tells none */
    if (tokens && b->gridded && !desc_grid(desc)) tsr_reader_fail(&b->r, "has 'tokens' and 'grid'; expected one of them");
    const int64_t total = b->text_before + grid + b->text_after;
    if (b->gridded) {
        if (desc->nk && desc->nk != total && b->r.status == TSR_OK)
            b->r.status = tsr_fail(TSR_ERROR_ARGUMENT, "argument nk is %lld; expected %lld: %lld tokens of text and the grid %lldx%lldx%lld",
                                   (long long)desc->nk, (long long)total, (long long)(b->text_before + b->text_after), (long long)b->grid[0],
                                   (long long)b->grid[1], (long long)b->grid[2]);
        b->nk = total;
    } else
        b->nk = desc->nk ? desc->nk : desc->nq ? desc->nq : tokens;
    b->nq = desc->nq ? desc->nq : b->nk - b->query_first;
    if (b->r.status == TSR_OK && b->nk && b->gridded && (b->nq < 0 || b->query_first + b->nq > b->nk))
        tsr_reader_fail(&b->r, "has queries from token %lld to %lld; expected them within the %lld keys", (long long)b->query_first,
                        (long long)(b->query_first + b->nq), (long long)b->nk);
    if (b->nk == 0) b->nq = 0;
}

/* Does every segment have as many queries as keys? */
static bool square(const tsr_build *b, const tsr_packing *s)
{
    if (!b->segmented) return b->nq == b->nk && b->nk != 0;
    for (size_t i = 1; i <= s->segments; i++)
        if (s->cu_queries[i] != s->cu_keys[i]) return false;
    return true;
}

void tsr_recipe_sequence(tsr_build *b, tsr_fields *f, const tsr_recipe_desc *desc, tsr_packing *s)
{
    const cJSON *grid = tsr_fields_get(f, "grid"), *segments = tsr_fields_get(f, "segments");
    if (grid) read_grid(b, grid);
    if (desc_grid(desc)) {
        for (int i = 0; i < 3; i++) {
            if (desc->grid[i] < 1 || desc->grid[i] > TSR_RECIPE_MAX) {
                if (b->r.status == TSR_OK)
                    b->r.status = tsr_fail(TSR_ERROR_ARGUMENT, "argument grid[%d] is %lld; expected 1 to %lld", i, (long long)desc->grid[i],
                                           (long long)TSR_RECIPE_MAX);
                return;
            }
            b->grid[i] = desc->grid[i];
        }
        b->gridded = true;
    }
    static const char *const of_grid[] = {"text_before", "text_after", "query_first"};
    for (int i = 0; i < 3 && !b->gridded; i++)
        if (tsr_fields_has(f, of_grid[i])) tsr_reader_fail(&b->r, "has '%s'; expected it with a grid only", of_grid[i]);
    b->text_before = tsr_fields_whole(f, "text_before", 0, TSR_RECIPE_MAX, 0);
    b->text_after = tsr_fields_whole(f, "text_after", 0, TSR_RECIPE_MAX, 0);
    b->query_first = tsr_fields_whole(f, "query_first", 0, TSR_RECIPE_MAX, 0);
    const int64_t tokens = grid_tokens(b);
    if (segments) {
        read_segments(b, segments, s);
        check_caller(b, "nq", desc->nq, b->nq);
        check_caller(b, "nk", desc->nk, b->nk);
    } else
        lengths(b, f, desc, tokens);
    b->align = b->gridded || square(b, s) ? 0 : TSR_LAW_BOTTOM_RIGHT;
}
