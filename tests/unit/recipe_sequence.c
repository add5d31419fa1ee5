/* Definitions of the patterns on sequences. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recipe_patterns.h"

static bool before(const world *w, int64_t q, int64_t k) { return k <= token_of(w, q); }

static bool causal(const world *w, int64_t q, int64_t k) { return before(w, q, k); }
static void make_causal(world *w) { write_set(w, "{\"causal\":{}}"); }

static bool window(const world *w, int64_t q, int64_t k)
{
    const int64_t at = w->flag[1] ? q : token_of(w, q), chunk = w->p[2][0];
    if (k < at - w->p[0][0] || (w->p[1][0] >= 0 && k > at + w->p[1][0])) return false;
    return at >= 0 && k >= at / chunk * chunk && k < at / chunk * chunk + chunk;
}
static void make_window(world *w)
{
    w->p[0][0] = draw(0, 9), w->p[1][0] = draw(-1, 9), w->p[2][0] = draw(3, 12), w->flag[1] = !w->gridded && draw(0, 1);
    if (w->nq > w->nk) w->nq = w->nk;
    write_set(w, "{\"window\":{\"left\":%d,\"right\":%d,\"chunk\":%d,\"align\":\"%s\"}}", (int)w->p[0][0], (int)w->p[1][0], (int)w->p[2][0],
              w->flag[1] || w->gridded ? "top-left" : "bottom-right");
}

static bool dilated(const world *w, int64_t q, int64_t k)
{
    const int64_t d = token_of(w, q) - k;
    return d % w->p[2][0] == 0 && d <= w->p[0][0] && -d <= w->p[1][0];
}
static void make_dilated(world *w)
{
    for (int i = 0; i < 2; i++) w->p[i][0] = draw(0, 12);
    w->p[2][0] = draw(1, 4);
    write_set(w, "{\"dilated\":{\"left\":%d,\"right\":%d,\"dilation\":%d}}", (int)w->p[0][0], (int)w->p[1][0], (int)w->p[2][0]);
}

static bool power(const world *w, int64_t q, int64_t k)
{
    const int64_t at = token_of(w, q), blocks = at < k ? 0 : at / w->p[0][0] - k / w->p[0][0];
    if (k > at) return false;
    return k < w->p[2][0] || at - k < w->p[1][0] || (blocks & (blocks - 1)) == 0;
}
static void make_power(world *w)
{
    w->p[0][0] = draw(1, 4), w->p[1][0] = draw(1, 5), w->p[2][0] = draw(0, 3);
    write_set(w, "{\"power\":{\"block\":%d,\"window\":%d,\"sinks\":%d}}", (int)w->p[0][0], (int)w->p[1][0], (int)w->p[2][0]);
}

static bool strided(const world *w, int64_t q, int64_t k)
{
    const int64_t at = token_of(w, q), l = w->p[0][0], d = at - k;
    if (!w->flag[0] && d < 0) return false;
    return (w->p[1][0] != 2 && llabs(d) <= l) || (w->p[1][0] != 1 && d % l == 0);
}
static void make_strided(world *w)
{
    static const char *const parts[] = {"both", "local", "strided"};
    w->p[0][0] = draw(1, 7), w->p[1][0] = draw(0, 2), w->flag[0] = draw(0, 1);
    write_set(w, "{\"strided\":{\"stride\":%d,\"part\":\"%s\",\"causal\":%s}}", (int)w->p[0][0], parts[w->p[1][0]], w->flag[0] ? "false" : "true");
}

static bool fixed(const world *w, int64_t q, int64_t k)
{
    const int64_t at = token_of(w, q), l = w->p[0][0];
    if (!w->flag[0] && k > at) return false;
    return (w->p[1][0] != 2 && at >= 0 && at / l == k / l) || (w->p[1][0] != 1 && k % l >= l - w->p[2][0]);
}
static void make_fixed(world *w)
{
    static const char *const parts[] = {"both", "block", "summary"};
    w->p[0][0] = draw(1, 7), w->p[1][0] = draw(0, 2), w->p[2][0] = draw(1, w->p[0][0]), w->flag[0] = draw(0, 1);
    write_set(w, "{\"fixed\":{\"stride\":%d,\"part\":\"%s\",\"summary\":%d,\"causal\":%s}}", (int)w->p[0][0], parts[w->p[1][0]], (int)w->p[2][0],
              w->flag[0] ? "false" : "true");
}

static bool streaming(const world *w, int64_t q, int64_t k) { return before(w, q, k) && (k < w->p[0][0] || token_of(w, q) - k < w->p[1][0]); }
static void make_streaming(world *w)
{
    w->p[0][0] = draw(0, 5), w->p[1][0] = draw(1, 9), w->flag[0] = draw(0, 1);
    write_set(w, "{\"%s\":{\"sinks\":%d,\"window\":%d}}", w->flag[0] ? "streaming" : "a_shape", (int)w->p[0][0], (int)w->p[1][0]);
}

static bool tri_shape(const world *w, int64_t q, int64_t k) { return streaming(w, q, k) || (before(w, q, k) && q >= w->nq - w->p[2][0]); }
static void make_tri_shape(world *w)
{
    w->p[0][0] = draw(0, 5), w->p[1][0] = draw(1, 9), w->p[2][0] = draw(1, 6);
    write_set(w, "{\"tri_shape\":{\"sinks\":%d,\"window\":%d,\"last\":%d}}", (int)w->p[0][0], (int)w->p[1][0], (int)w->p[2][0]);
}

static bool prefix(const world *w, int64_t q, int64_t k) { return before(w, q, k) || k < w->p[0][0]; }
static void make_prefix(world *w)
{
    w->p[0][0] = draw(0, 9);
    write_set(w, "{\"prefix\":{\"length\":%d}}", (int)w->p[0][0]);
}

static bool sinks(const world *w, int64_t q, int64_t k)
{
    int64_t x[3];
    (void)q;
    return w->flag[0] ? place(w, k, x) && x[0] < w->p[0][0] : k < w->p[0][0];
}
static void make_sinks(world *w)
{
    w->flag[0] = w->gridded && draw(0, 1);
    w->p[0][0] = draw(1, w->flag[0] ? w->grid[0] : 5);
    write_set(w, "{\"sinks\":{\"%s\":%d}}", w->flag[0] ? "frames" : "tokens", (int)w->p[0][0]);
}

static bool document(const world *w, int64_t q, int64_t k)
{
    const int64_t t = token_of(w, q);
    return w->ids[t] == w->ids[k];
}
static void make_document(world *w)
{
    if (w->nq > w->nk) w->nq = w->nk;
    w->flag[0] = draw(0, 1);
    size_t used = (size_t)snprintf(w->text, sizeof(w->text), "{\"document\":{\"%s\":[", w->flag[0] ? "ids" : "lengths");
    int64_t at = 0;
    for (int id = 0; at < w->nk; id++) {
        const int64_t length = w->flag[0] ? 1 : draw(0, w->nk - at);
        const int64_t name = w->flag[0] ? draw(-2, 2) : id;
        for (int64_t i = 0; i < length; i++) w->ids[at + i] = name;
        used += (size_t)snprintf(w->text + used, sizeof(w->text) - used, "%s%d", id ? "," : "", (int)(w->flag[0] ? name : length));
        at += length;
    }
    snprintf(w->text + used, sizeof(w->text) - used, "]}}");
}

const pattern sequence_patterns[] = {
    {"causal", make_causal, causal, true, true},          {"window", make_window, window, true, true},
    {"dilated", make_dilated, dilated, true, true},       {"power", make_power, power, true, true},
    {"strided", make_strided, strided, true, true},       {"fixed", make_fixed, fixed, true, true},
    {"streaming", make_streaming, streaming, true, true}, {"tri_shape", make_tri_shape, tri_shape, true, true},
    {"prefix", make_prefix, prefix, true, true},          {"sinks", make_sinks, sinks, true, true},
    {"document", make_document, document, false, true},   {0},
};
