/* Random sets: every kind of pattern, with awkward sizes. */
#include <stdio.h>

#include "conformance/set_case.h"

int64_t set_between(oracle_rng *r, int64_t low, int64_t high) { return low + oracle_below(r, (uint32_t)(high - low + 1)); }

int64_t set_tokens(const oracle_set *s)
{
    int64_t n = s->text_before + s->text_after, grid = 1;
    for (int i = 0; i < ORACLE_AXES; i++) grid *= s->of[0].axis[i].extent ? s->of[0].axis[i].extent : 1;
    return n + grid;
}

oracle_pattern set_draw_natten(oracle_rng *r, int rank, int64_t most)
{
    oracle_pattern p = {.kind = ORACLE_NATTEN};
    int64_t left = most;
    for (int i = 0; i < rank; i++) {
        oracle_axis *a = &p.axis[ORACLE_AXES - rank + i];
        int64_t top = left; /* the axes to come keep 4 each */
        for (int rest = i + 1; rest < rank; rest++) top /= 4;
        if (rank > 1 && top > 64) top = 64;
        a->extent = set_between(r, 4, top < 4 ? 4 : top);
        a->window = set_between(r, 2, a->extent);
        a->stride = set_between(r, 1, a->window);
        a->dilation = set_between(r, 1, a->extent / a->window);
        a->causal = oracle_below(r, 2);
        left /= a->extent;
    }
    return p;
}

static void draw_sta(oracle_rng *r, oracle_axis *a, int64_t top)
{
    a->stride = set_between(r, 1, 4);
    a->extent = a->stride * set_between(r, 1, top / 4);
    a->window = set_between(r, 1, a->extent / a->stride + 1);
}

static void draw_swin(oracle_rng *r, oracle_axis *a, int64_t top)
{
    a->window = set_between(r, 1, 5);
    a->extent = a->window * set_between(r, 1, top / 5);
    a->shift = oracle_below(r, (uint32_t)a->window);
}

static void draw_halo(oracle_rng *r, oracle_axis *a, int64_t top)
{
    a->extent = set_between(r, 1, top);
    a->stride = set_between(r, 1, 6);
    a->shift = oracle_below(r, 4);
}

/* Extents of at most top along each axis, now and then one axis free of the window. */
static void draw_grid(oracle_rng *r, oracle_pattern *p, int rank, int64_t top)
{
    for (int i = ORACLE_AXES - rank; i < ORACLE_AXES; i++) {
        oracle_axis *a = &p->axis[i];
        if (p->kind == ORACLE_STA) draw_sta(r, a, top);
        if (p->kind == ORACLE_SWIN) draw_swin(r, a, top);
        if (p->kind == ORACLE_HALO) draw_halo(r, a, top);
        if (p->kind == ORACLE_FRAMES) a->extent = set_between(r, 1, top);
    }
    if (rank > 1 && oracle_below(r, 4) == 0) p->axis[ORACLE_AXES - 1].window = 0;
    if (p->kind != ORACLE_FRAMES) return;
    p->causal = oracle_below(r, 2);
    p->left = set_between(r, 1, 4);
    p->prefix = oracle_below(r, 3);
}

/* The largest extent of which rank make at most so many tokens. */
static int64_t root(int64_t most, int rank)
{
    int64_t top = 1;
    while ((rank < 2 || (top + 1) * (top + 1) <= most) && (rank < 3 || (top + 1) * (top + 1) * (top + 1) <= most) && top < most) top++;
    return top;
}

static oracle_set draw_grid_set(oracle_rng *r, int64_t most)
{
    oracle_set s = {.count = 1, .gridded = true};
    oracle_pattern *p = &s.of[0];
    p->kind = ORACLE_NATTEN + oracle_below(r, ORACLE_FRAMES - ORACLE_NATTEN + 1);
    const int rank = p->kind == ORACLE_FRAMES ? 3 : 1 + (int)oracle_below(r, ORACLE_AXES);
    const int64_t top = root(most, rank);
    if (p->kind == ORACLE_NATTEN)
        *p = set_draw_natten(r, rank, most);
    else
        draw_grid(r, p, rank, top < 5 ? 5 : top);
    if (oracle_below(r, 3) == 0) s.text_before = oracle_below(r, 70);
    if (oracle_below(r, 3) == 0) s.text_after = oracle_below(r, 9);
    return s;
}

static void draw_bounds(oracle_rng *r, oracle_pattern *p, int64_t n)
{
    int64_t at = 0;
    for (int i = 0; i < ORACLE_BOUNDS && at < n; i++) p->bounds[i] = at += set_between(r, 1, n / 3 + 1);
}

static oracle_pattern draw_sequence(oracle_rng *r, int64_t n)
{
    oracle_pattern p = {.kind = ORACLE_FLASH + oracle_below(r, ORACLE_KEYS - ORACLE_FLASH + 1), .left = -1, .right = -1, .seed = oracle_next(r)};
    p.count = set_between(r, 1, 2 + n / 4);
    p.causal = oracle_below(r, 3) == 0;
    if (p.kind == ORACLE_FLASH) {
        if (oracle_below(r, 3)) p.left = oracle_below(r, (uint32_t)n);
        if (oracle_below(r, 3)) p.right = oracle_below(r, (uint32_t)n);
        if (oracle_below(r, 4) == 0) p.chunk = set_between(r, 1, 2 * n);
        if (oracle_below(r, 4) == 0) p.prefix = oracle_below(r, 70);
        if (oracle_below(r, 4) == 0) p.pad = oracle_below(r, (uint32_t)n);
        return p;
    }
    if (p.kind == ORACLE_DOCUMENTS) draw_bounds(r, &p, n);
    if (p.kind == ORACLE_MODALITIES) p.count = set_between(r, 1, 9);
    if (p.kind == ORACLE_DILATED) p.left = oracle_below(r, (uint32_t)(n / p.count + 1));
    if (p.kind == ORACLE_POWERS) p.left = oracle_below(r, (uint32_t)n);
    if (p.kind == ORACLE_KEYS) {
        p.left = oracle_below(r, (uint32_t)n);
        if (oracle_below(r, 2)) p.right = set_between(r, p.left, n);
    }
    if (p.kind == ORACLE_FIXED) p.prefix = set_between(r, 1, p.count);
    if (p.kind == ORACLE_BLOCKS) {
        p.chunk = set_between(r, 1, 2 + n / 4);
        p.prefix = set_between(r, 1, 9);
    }
    return p;
}

/* Segments, some of them empty, which cut both sequences. */
static void draw_segments(oracle_rng *r, oracle_set *s, int64_t nq, int64_t nk)
{
    s->segments = (int)set_between(r, 1, ORACLE_SEGMENTS);
    for (int i = 1; i <= s->segments; i++) {
        const bool last = i == s->segments;
        s->cu_queries[i] = last ? nq : set_between(r, s->cu_queries[i - 1], nq);
        s->cu_keys[i] = last ? nk : set_between(r, s->cu_keys[i - 1], nk);
        if (!last && oracle_below(r, 4) == 0) s->cu_queries[i] = s->cu_queries[i - 1];
        if (!last && oracle_below(r, 4) == 0) s->cu_keys[i] = s->cu_keys[i - 1];
    }
}

/* Ids and blocks are numbered through all segments: among these only patterns that are not. */
static bool by_segment(const oracle_set *s)
{
    for (int i = 0; i < s->count; i++)
        if (s->of[i].kind == ORACLE_DOCUMENTS || s->of[i].kind == ORACLE_MODALITIES || s->of[i].kind == ORACLE_BLOCKS) return false;
    return true;
}

void set_draw(oracle_rng *r, int64_t most, oracle_set *out, int64_t *nq, int64_t *nk)
{
    if (oracle_below(r, 5) < 3) {
        *out = draw_grid_set(r, most);
        *nq = *nk = set_tokens(out);
        if (*nk > 1 && oracle_below(r, 4) == 0) {
            out->query_first = set_between(r, 1, *nk - 1);
            *nq = set_between(r, 1, *nk - out->query_first);
        }
    } else {
        *out = (oracle_set){.count = 0};
        *nq = set_between(r, 1, most);
        *nk = oracle_below(r, 2) ? *nq : set_between(r, 1, most);
    }
    out->all = oracle_below(r, 2);
    const int parts = out->count + (out->count ? (int)oracle_below(r, ORACLE_PARTS) : 1 + (int)oracle_below(r, ORACLE_PARTS));
    for (int i = out->count; i < parts; i++) out->of[i] = draw_sequence(r, *nk);
    out->count = parts;
    if (!out->gridded && by_segment(out) && oracle_below(r, 3) == 0) draw_segments(r, out, *nq, *nk);
}

void set_describe(const oracle_set *s, char *text, size_t size)
{
    size_t at = 0;
    text[0] = '\0';
#define SAY(...)                                                                                                                                     \
    do {                                                                                                                                             \
        if (at < size) at += (size_t)snprintf(text + at, size - at, __VA_ARGS__);                                                                    \
    } while (0)
    SAY("%s of", s->all ? "all" : "any");
    for (int i = 0; i < s->count; i++) {
        const oracle_pattern *p = &s->of[i];
        SAY(" {kind %d", (int)p->kind);
        for (int a = 0; a < ORACLE_AXES; a++)
            if (p->axis[a].extent)
                SAY(" [%lld w%lld s%lld d%lld m%lld%s]", (long long)p->axis[a].extent, (long long)p->axis[a].window, (long long)p->axis[a].stride,
                    (long long)p->axis[a].dilation, (long long)p->axis[a].shift, p->axis[a].causal ? " causal" : "");
        SAY(" left %lld right %lld chunk %lld prefix %lld pad %lld count %lld%s}", (long long)p->left, (long long)p->right, (long long)p->chunk,
            (long long)p->prefix, (long long)p->pad, (long long)p->count, p->causal ? " causal" : "");
    }
    SAY(" text %lld+%lld first %lld", (long long)s->text_before, (long long)s->text_after, (long long)s->query_first);
    for (int i = 1; i <= s->segments; i++) SAY(" cu %lld,%lld", (long long)s->cu_queries[i], (long long)s->cu_keys[i]);
#undef SAY
}
